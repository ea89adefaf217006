"""CoreNEURON gives the traces of NEURON."""

import numpy as np
import pytest

from neuron_process import STATES, in_neuron, run


def traces(ca_uM, policy):
    """States, nu, v and cai by NEURON and by CoreNEURON, and the steps that each counted outside the domain.

    Four cells: calcium that is set, written, an ODE's, and played.
    """
    from neuron import coreneuron, n

    n.policy_sk = policy
    n.track_nu_sk = 1
    context = n.ParallelContext()
    times = n.Vector(np.arange(0, 31, 0.5))
    values = n.Vector(2e-3 + 1e-3 * np.sin(times.as_numpy()))
    cells, records = [], []
    for mover in ("set", "casine", "caode", "play"):
        cell = n.Section(mover)
        for mechanism in ("sk", "hh", *((mover,) if mover.startswith("ca") else ())):
            cell.insert(mechanism)
        cell.gbar_sk = 1e-3
        cell.q10_sk = 2
        segment = cell(0.5)
        if mover == "set":
            segment.cai = ca_uM * 1e-3
        if mover == "play":
            values.play(segment._ref_cai, times, True)
        names = (*STATES, *(f"nu{i}" for i in range(5)))
        records += [n.Vector().record(getattr(segment.sk, f"_ref_{name}")) for name in names]
        records += [n.Vector().record(segment._ref_v), n.Vector().record(segment._ref_cai)]
        cells.append(cell)
    n.celsius = 33
    n.CVode().cache_efficient(True)
    context.set_maxstep(10)
    out = []
    for enabled in (False, True):
        coreneuron.enable = enabled
        n.finitialize(-65)
        context.psolve(30)
        out.append((np.array([record.as_numpy() for record in records]), [cell(0.5).sk.outside for cell in cells]))
    return out


@pytest.mark.parametrize(("ca_uM", "policy"), [(5, 0), (5000, 1)])
def test_traces_are_those_of_neuron(ca_uM, policy):
    (neuron, counted), (core, core_counted) = in_neuron(traces, ca_uM, policy, load="coreneuron")
    assert neuron.shape == core.shape and neuron.shape[1] == 1201
    np.testing.assert_allclose(core, neuron, rtol=1e-12, atol=1e-12)
    assert counted == core_counted == [1201 if ca_uM > 1000 else 0, 0, 0, 0]


def test_a_fault_ends_coreneuron_with_its_text():
    outcome = run(traces_with_a_fault, load="coreneuron")
    assert outcome.status != 0
    assert "input 'ca' is nan uM" in outcome.stdout + outcome.stderr


def traces_with_a_fault():
    from neuron import coreneuron, n

    section = n.Section("s")
    section.insert("sk")
    section.insert("casine")
    section.mean_casine = 1e-3
    n.CVode().cache_efficient(True)
    n.ParallelContext().set_maxstep(10)
    n.finitialize(-65)
    section.mean_casine = float("nan")
    coreneuron.enable = True
    n.ParallelContext().psolve(1)
