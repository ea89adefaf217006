"""The same mod text under NEURON 8.2, which translates it to C instead of C++."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from neuron_process import ROOT, environment
from nubridge import mechanisms, paths

pytestmark = pytest.mark.slow

# Loads the library of argv[1]; prints the states after a step of calcium, by fixed step and by CVODE, and the words of a fault.
SCRIPT = """
import json, sys
from neuron import h
h.load_file("stdrun.hoc")
h.nrn_load_dll(sys.argv[1])
section = h.Section(name="section")
section.insert("sk")
segment = section(0.5)
traces = []
for solver in (False, True):
    h.CVode().active(solver)
    h.CVode().atol(1e-9)
    segment.cai = 5e-5
    h.finitialize(-65)
    segment.cai = 5e-3
    h.CVode().solve(20) if solver else h.continuerun(20)
    traces.append([getattr(segment.sk, state) for state in ("c1", "c2", "c3", "c4", "o1", "o2")])
h.CVode().active(False)
segment.cai = 5e-5
h.finitialize(-65)
segment.cai = float("nan")
try:
    h.fadvance()
    raised = ""
except RuntimeError as error:
    raised = str(error)
print(json.dumps([h.nrnversion(), traces, raised]))
"""


def outcome(python: Path | str, library: Path) -> tuple[str, list[list[float]], str, str]:
    done = subprocess.run(
        [python, "-c", SCRIPT, library], capture_output=True, text=True, timeout=120, env=environment(PYTHONPATH=None)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (*json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr)


@pytest.fixture(scope="module")
def neuron8(tmp_path_factory) -> tuple[Path, Path]:
    """A Python with NEURON 8.2, and our mechanisms compiled by it."""
    folder = tmp_path_factory.mktemp("neuron8")
    venv.create(folder / "venv", with_pip=True)
    bin_folder = folder / "venv" / "bin"
    install = [bin_folder / "pip", "install", "--quiet", "--only-binary=:all:", "neuron>=8.2,<9", "setuptools<81"]
    done = subprocess.run(install, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        pytest.skip(f"NEURON 8.2 cannot be installed here: {done.stderr.splitlines()[-1:]}")
    mods = folder / "mods"
    mods.mkdir()
    for file in (ROOT / "mod").glob("*.mod"):
        (mods / file.name).write_text(file.read_text())
    library = paths.library().parent
    link = f"-L{library} -lnubridge -Wl,-rpath,{library}"
    command = [bin_folder / "nrnivmodl", "-incflags", f"-I{paths.prefix() / 'include'}", "-loadflags", link, mods]
    search = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=300, env=environment(PATH=search, PYTHONPATH=None)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return bin_folder / "python", next(folder.glob("*/libnrnmech.so"), None) or next(
        folder.glob("*/.libs/libnrnmech.so")
    )


def test_states_and_words_are_those_of_neuron_9(neuron8):
    version, traces, raised, said = outcome(*neuron8)
    assert "8.2" in version
    version9, traces9, raised9, said9 = outcome(
        sys.executable, mechanisms.library_file(mechanisms.compile_mechanisms())
    )
    assert "9." in version9
    for ours, theirs, tolerance in zip(traces, traces9, (1e-15, 1e-9), strict=True):
        assert ours == pytest.approx(theirs, rel=0, abs=tolerance)
    assert raised and raised9
    for words in (said, said9):
        assert "input 'ca' is nan uM" in words
