"""The demo of a spiny dendrite: what its runs show, and what it writes."""

import itertools
import json
import subprocess
import sys

import numpy as np
import pytest

import nubridge
from neuron_process import environment

# NEURON holds one cell of the demo and one set of mechanisms a process, so that the demo runs in one of its own.
RUNS = """
import json, nubridge
from nubridge.demos import spine as demo
nubridge.load(demo=True)
cell = demo.SpinyCell()
runs = [cell.run(protocol, 2) for protocol in demo.PROTOCOLS]
again = cell.run(demo.PROTOCOLS[0], 2)
print(json.dumps({
    "leads": demo.LEADS_ms,
    "soma": [run.soma_mV.tolist() for run in runs],
    "peak": [run.ca_uM.max(axis=1).tolist() for run in runs],
    "start": {name: getattr(runs[0], name)[:, 0].tolist() for name in ("ca_uM", "popen", "bound", "pT286")},
    "popen": runs[0].popen.max(axis=1).tolist(),
    "pT286": [run.pT286[:, -1].tolist() for run in runs],
    "grows": all(bool((run.pT286[:, 1:] >= run.pT286[:, :-1]).all()) for run in runs),
    "traces": {name: getattr(runs[1], name)[demo.LEADS_ms.index(10)].tolist() for name in ("ca_uM", "bound", "pT286")},
    "again": bool((again.ca_uM == runs[0].ca_uM).all()),
}))
"""


def python(*arguments, folder):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment(), cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return json.loads(python("-c", RUNS, folder=tmp_path_factory.mktemp("demo")).splitlines()[-1])


def spikes(voltages_mV):
    above = np.array(voltages_mV) > -20
    return int((above[1:] & ~above[:-1]).sum())


def test_spines_start_at_rest(runs):
    assert runs["start"]["ca_uM"] == pytest.approx([0.1004] * 13, rel=1e-3)  # where the pumps balance their leaks
    steady = (0.8 * 0.1004**2 + 24 * 0.1004**3) / (1 + 2.5 * 0.1004 + 5.8 * 0.1004**2 + 26 * 0.1004**3)
    assert runs["start"]["popen"] == pytest.approx([steady] * 13, rel=2e-3)
    assert runs["start"]["pT286"] == [0] * 13 and 0.05 < runs["start"]["bound"][0] < 0.1


def test_theta_bursts_of_the_spines_alone_make_the_soma_fire_once_a_burst(runs):
    assert [spikes(soma) for soma in runs["soma"]] == [2, 2]


def test_calcium_opens_sk_and_phosphorylates_camkii(runs):
    assert min(runs["peak"][0]) > 2 and min(runs["popen"]) > 0.5
    assert runs["grows"] and min(runs["pT286"][0]) > 1e-3


def test_glutamate_before_the_spike_lets_in_more_calcium_than_after(runs):
    leads = np.array(runs["leads"])
    for values in (runs["peak"][1], runs["pT286"][1]):
        values = np.array(values)
        before, after = values[(leads > 0) & (leads <= 40)], values[leads < 0]
        assert before.min() > 1.3 * after.max()
        assert leads[values.argmax()] == 10


def test_camkii_is_right_on_the_calcium_of_the_cell(runs):
    kernel, traces = nubridge.Kernel("camkii"), runs["traces"]
    ca_uM = np.array(traces["ca_uM"])
    amounts = kernel.initial([ca_uM[0], 30.0, 80.0])
    exact = [kernel.observe(amounts)]
    for first, last in itertools.pairwise(ca_uM):
        for share in (0.25, 0.75):  # two steps, of 1/8 of the mechanism's `hold`
            amounts = kernel.step(amounts, [first + share * (last - first), 30.0, 80.0], dt_ms=0.0125)
        exact.append(kernel.observe(amounts))
    for name in ("bound", "pT286"):
        expected = np.array([row[name] for row in exact]) / 80
        assert np.abs(traces[name] - expected).max() < 1e-3 * expected.max()  # 2e-2 is asked


def test_a_second_run_repeats_bit_for_bit(runs):
    assert runs["again"]


def test_the_command_prints_its_tables_and_draws_one_figure(tmp_path):
    said = python("-m", "nubridge", "demo", "spine", "--quick", "--output", tmp_path / "out", folder=tmp_path)
    assert "theta bursts, 2 times" in said and "spike timing, 2 times" in said
    assert len([line for line in said.splitlines() if len(line.split()) == 5]) == 26
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["spine.png"]
    assert (tmp_path / "out" / "spine.png").read_bytes().startswith(b"\x89PNG")
