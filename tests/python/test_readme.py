"""Every example of the README runs, in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nubridge import paths

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = sorted(set(re.findall(r"\./run python (tests/\S+\.py)", README)))
EXAMPLES = re.findall(r"^```(python|hoc)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
TIMEOUT_S = 300


def run_example(language: str, code: str, folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python"), "HOC_LIBRARY_PATH": str(paths.prefix() / "hoc")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    if language == "python":
        command = [sys.executable, "-c", code]
    else:
        script = folder / "example.hoc"
        script.write_text(code + "\nquit()\n", encoding="utf-8")
        command = [str(Path(sys.executable).with_name("nrniv")), "-nobanner", "-nogui", str(script)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_has_examples_in_both_languages() -> None:
    assert {language for language, _ in EXAMPLES} == {"python", "hoc"}


@pytest.mark.parametrize(("language", "code"), EXAMPLES)
def test_example_runs_and_prints_what_it_says(language: str, code: str, tmp_path: Path) -> None:
    printed = run_example(language, code, tmp_path)
    for stated in re.findall(r"print.*?(?:#|//) (\d\.\d+)", code):
        assert any(abs(float(number) - float(stated)) < 1e-12 for number in re.findall(r"\d\.\d+", printed)), printed
    assert re.search(r"\d\.\d+", printed), printed


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_test_that_is_a_program_finds_what_it_imports_and_says_how_it_is_called(program: str) -> None:
    done = subprocess.run(
        [ROOT / "run", "python", program], cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    assert done.returncode == 1
    assert f"`./run python {program} " in done.stderr
