"""The hoc demo does what the Python demo does, to the last bit."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nubridge import paths

PYTHON = """
import sys, nubridge, numpy as np
from nubridge import paths
from nubridge.demos import sk_pyramid as demo
nubridge.load(paths.prefix() / "mod" / "demo")
runs = demo.measure(demo.Cell(), demo.FULL, repeats=1)
np.savez(sys.argv[1], **{name: run.v_mV for name, run in runs.items()})
print(demo.formatted(demo.table(runs)))
"""
WRITE = """
objref f
f = new File()
for i = 0, runs - 1 { f.wopen(name[i].s) voltage[i].printf(f, "%.17g\\n") f.close() }
"""
MEASURED = ("wall s", "ns/seg/step", "of it SK")  # times, which no two runs share


def table(text):
    """The rows after the table's heading, as lists of words, and the columns' names."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.strip().startswith("case "))
    names = [name for name in lines[start].strip().split("  ") if name]
    rows = [line.replace("no SK", "none").split() for line in lines[start + 1 : start + 4]]
    return [
        {name.strip(): value for name, value in zip(names, row, strict=True) if name.strip() not in MEASURED}
        for row in rows
    ]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """(text, folder of traces) of the hoc demo, (text, file of traces) of the Python one."""
    folder = tmp_path_factory.mktemp("demo")
    nrniv = shutil.which("nrniv", path=Path(sys.executable).parent) or shutil.which("nrniv")
    demo = paths.prefix() / "hoc" / "demos" / "sk_pyramid.hoc"
    (folder / "write.hoc").write_text(WRITE)
    environment = {**os.environ, "HOC_LIBRARY_PATH": str(paths.prefix() / "hoc")}
    environment.pop("DISPLAY", None)
    common = {"cwd": folder, "capture_output": True, "text": True, "check": True, "timeout": 300}
    hoc = subprocess.run(
        [nrniv, "-nogui", demo, "write.hoc"], env=environment, stdin=subprocess.DEVNULL, **common
    ).stdout
    python = subprocess.run([sys.executable, "-c", PYTHON, "python.npz"], **common).stdout
    return hoc, python, folder


def test_prints_the_same_table(both):
    hoc, python, _ = both
    assert len(table(hoc)) == 3
    assert table(hoc) == table(python)


@pytest.mark.parametrize(("hoc_name", "name"), [("no SK", "none"), ("sk", "sk"), ("skkin", "skkin")])
def test_gives_the_same_voltage_at_every_step(both, hoc_name, name):
    _, _, folder = both
    with np.load(folder / "python.npz") as traces:
        np.testing.assert_array_equal(np.loadtxt(folder / hoc_name), traces[name])
