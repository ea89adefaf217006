"""The demos of trains to a spiny dendrite: what SK does to the EPSP, and frequency to CaMKII."""

import json
import subprocess
import sys

import numpy as np
import pytest

from neuron_process import environment

# NEURON holds one cell of the demo a process.
SHUNT = """
import json, nubridge
from nubridge.demos import shunt as demo
nubridge.load(demo=True)
cell = demo.SpinyCell()
trains = [demo.run(cell, channels, 4) for channels in (0, 40, 80)]
print(json.dumps([{name: list(getattr(one, name)) for name in ("soma_epsp_mV", "head_epsp_mV", "popen", "ca_uM")} for one in trains]))
"""
FREQUENCY = """
import json, nubridge
from nubridge.demos import frequency as demo
nubridge.load(demo=True)
cell = demo.SpinyCell()
trains = [demo.run(cell, one, 250.0) for one in (10.0, 100.0)]
print(json.dumps([[one.volleys, one.spikes, *(list(getattr(one, name)[demo.PLACE]) for name in ("ca_uM", "bound", "pT286"))] for one in trains]))
"""


def python(*arguments, folder):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment(), cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_sk_channels_that_calcium_has_opened_weaken_the_next_epsps(tmp_path):
    without, some, many = json.loads(python("-c", SHUNT, folder=tmp_path).splitlines()[-1])
    assert np.ptp(without["soma_epsp_mV"]) < 0.02 * without["soma_epsp_mV"][0]  # alike when nothing opens
    for weaker, stronger in ((some, without), (many, some)):
        for name in ("soma_epsp_mV", "head_epsp_mV"):
            ratio = np.divide(weaker[name], stronger[name])
            assert (ratio < 1).all() and (np.diff(ratio) < 0).all()  # more from volley to volley
        assert max(weaker["ca_uM"]) < max(stronger["ca_uM"])  # magnesium blocks again
    assert many["soma_epsp_mV"][-1] < 0.87 * without["soma_epsp_mV"][-1]
    assert many["popen"][0] < 0.03 and 0.2 < max(many["popen"]) < 0.5


def test_camkii_answers_to_the_frequency(tmp_path):
    slow, fast = json.loads(python("-c", FREQUENCY, folder=tmp_path).splitlines()[-1])
    assert (slow[0], fast[0]) == (2, 25) and fast[1] > slow[1] >= 1
    for seen_slow, seen_fast in zip(slow[2:], fast[2:], strict=True):
        assert max(seen_fast) > 1.5 * max(seen_slow)
    assert (np.diff(fast[4]) >= 0).all()


@pytest.mark.parametrize(("name", "rows"), [("shunt", 4), ("frequency", 7)])
def test_the_command_prints_its_table_and_draws_one_figure(name, rows, tmp_path):
    said = python("-m", "nubridge", "demo", name, "--quick", "--output", tmp_path / "out", folder=tmp_path)
    assert len([line for line in said.splitlines() if line.split()[0].isdigit()]) == rows
    assert [file.name for file in (tmp_path / "out").iterdir()] == [f"{name}.png"]
    assert (tmp_path / "out" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
