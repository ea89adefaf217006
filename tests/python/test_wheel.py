"""`pip install .`: one wheel with library, header, mechanisms, models, hoc and the command."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTENTS = (
    "nubridge/lib/libnubridge.so",
    "nubridge/include/nubridge/nubridge.h",
    "nubridge/include/nubridge/learning.h",
    "nubridge/include/nubridge/neural.h",
    "nubridge/mod/sk.mod",
    "nubridge/mod/skkin.mod",
    "nubridge/mod/demo/capool.mod",
    "nubridge/models/sk/model.json",
    "nubridge/hoc/nubridge.hoc",
    "nubridge/demos/sk_pyramid.py",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    command += ["--config-settings", f"build-dir={folder}/build", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("nubridge-*.whl"))


def test_the_wheel_holds_everything_a_user_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entry_points = next(archive.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert not [name for name in CONTENTS if name not in names]
    assert "nubridge = nubridge.cli:main" in entry_points.replace("=nubridge", "= nubridge")


def test_the_unpacked_wheel_finds_its_own_library_and_models(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "import nubridge; model = nubridge.Model('sk'); print(model.path); print(model.observe(model.initial([0.5]))[0])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    path, popen = done.stdout.split()
    assert Path(path).is_relative_to(tmp_path)
    assert abs(float(popen) - 0.460431654676259) < 1e-12
