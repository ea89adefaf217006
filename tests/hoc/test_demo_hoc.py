"""The hoc demos do what the Python demos do, to the last bit."""

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
from nubridge.demos import sk_pyramid as demo
nubridge.load(demo=True)
runs = demo.measure(demo.Cell(), demo.FULL, repeats=1)
np.savez(sys.argv[1], **{name: run.v_mV for name, run in runs.items()})
print(demo.formatted(demo.table(runs)))
"""
WRITE = """
objref f
f = new File()
for i = 0, runs - 1 { f.wopen(name[i].s) voltage[i].printf(f, "%.17g\\n") f.close() }
"""
SPINES = """
import sys, nubridge, numpy as np
from nubridge.demos import spine as demo
nubridge.load(demo=True)
cell = demo.SpinyCell()
runs = [cell.run(protocol, 1) for protocol in demo.PROTOCOLS]
np.savez(sys.argv[1], soma=np.array([run.soma_mV for run in runs]), calcium=np.array([run.ca_uM for run in runs]) / 1e3)
for run in runs:
    print(demo.table(run))
"""
WRITE_SPINES = """
objref f
f = new File()
{ f.wopen("soma") }
for i = 0, runs - 1 { soma_v[i].printf(f, "%.17g\\n") }
{ f.close() f.wopen("calcium") }
for i = 0, runs - 1 for j = 0, spines - 1 { calcium[i][j].printf(f, "%.17g\\n") }
{ f.close() }
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


def output_of(command, folder, environment=None):
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def hoc_demo(name, folder, *options):
    """What hoc/demos/<name>.hoc prints, with write.hoc of the folder behind it."""
    bin_first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for nrniv and the command nubridge
    hoc = paths.prefix() / "hoc"
    environment = {**os.environ, "HOC_LIBRARY_PATH": str(hoc), "PATH": bin_first}
    nrniv = shutil.which("nrniv", path=bin_first)
    return output_of([nrniv, "-nogui", *options, hoc / "demos" / f"{name}.hoc", "write.hoc"], folder, environment)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What the hoc demo and the Python demo print, and the folder of their traces."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "write.hoc").write_text(WRITE)
    from_hoc = hoc_demo("sk_pyramid", folder)
    from_python = output_of([sys.executable, "-c", PYTHON, "python.npz"], folder)
    return from_hoc, from_python, folder


def test_prints_the_same_table(both):
    hoc, python, _ = both
    assert len(table(hoc)) == 3
    assert table(hoc) == table(python)


@pytest.mark.parametrize(("hoc_name", "name"), [("no SK", "none"), ("sk", "sk"), ("skkin", "skkin")])
def test_gives_the_same_voltage_at_every_step(both, hoc_name, name):
    _, _, folder = both
    with np.load(folder / "python.npz") as traces:
        np.testing.assert_array_equal(np.loadtxt(folder / hoc_name), traces[name])


def test_spines_have_the_same_tables_voltage_and_calcium(tmp_path):
    (tmp_path / "write.hoc").write_text(WRITE_SPINES)
    hoc = hoc_demo("spine", tmp_path, "-c", "repeats = 1")
    python = output_of([sys.executable, "-c", SPINES, "python.npz"], tmp_path)
    start = "theta bursts, 1 times"
    assert hoc[hoc.index(start) :] == python[python.index(start) :]
    with np.load(tmp_path / "python.npz") as traces:
        np.testing.assert_array_equal(np.loadtxt(tmp_path / "soma"), traces["soma"].ravel())
        np.testing.assert_allclose(np.loadtxt(tmp_path / "calcium"), traces["calcium"].ravel(), rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "option", "runs"),
    [
        ("shunt", "volleys = 2", "[demo.run(cell, channels, 2) for channels in demo.CHANNELS]"),
        ("frequency", "length = 100", "[demo.run(cell, one, 100.0) for one in demo.FREQUENCIES_Hz]"),
    ],
)
def test_trains_have_the_same_table(name, option, runs, tmp_path):
    (tmp_path / "write.hoc").write_text("")
    code = f"from nubridge.demos import {name} as demo\nfrom nubridge.demos.spine import SpinyCell\nimport nubridge\n"
    code += f"nubridge.load(demo=True)\ncell = SpinyCell()\nprint(demo.table({runs}))"
    python = output_of([sys.executable, "-c", code], tmp_path)
    hoc = hoc_demo(name, tmp_path, "-c", option)
    lines = python.splitlines()[-len(hoc.splitlines()) :]
    assert hoc.splitlines()[-len(lines) :] == lines and len(lines) > 4
