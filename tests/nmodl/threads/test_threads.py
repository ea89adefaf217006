"""Threads do not change a bit."""

import numpy as np
import pytest

from neuron_process import STATES, in_neuron


def traces(threads, variable):
    """States and v of four cells with calcium of their own, and how many cells each thread has."""
    from neuron import n

    context = n.ParallelContext()
    context.nthread(threads)
    cells = [n.Section(f"cell{i}") for i in range(4)]
    records = []
    for i, cell in enumerate(cells):
        cell.nseg = 5
        for mechanism in ("sk", "hh", "casine"):
            cell.insert(mechanism)
        cell.gbar_sk = 1e-3 * (1 + i)
        for segment in cell:
            segment.casine.period = 10 + 5 * i + 3 * segment.x
        middle = cell(0.5)
        records += [n.Vector().record(getattr(middle.sk, f"_ref_{name}")) for name in STATES]
        records += [n.Vector().record(middle._ref_v), n.Vector().record(middle._ref_cai)]
    cvode = n.CVode()
    cvode.active(variable)
    context.set_maxstep(10)
    n.finitialize(-65)
    context.psolve(30)
    shares = [sum(1 for _ in context.get_partition(i)) for i in range(threads)]
    return [vector.as_numpy().copy() for vector in records], shares


@pytest.mark.parametrize("variable", [False, True], ids=["fixed step", "CVODE"])
def test_two_threads_give_the_bits_of_one(variable):
    one, (all_cells,) = in_neuron(traces, 1, variable)
    two, shares = in_neuron(traces, 2, variable)
    assert (all_cells, shares) == (4, [2, 2])
    if variable:  # each thread has a solver with steps of its own, so that only the tolerance holds
        ends = [[trace[-1] for trace in run] for run in (one, two)]
        np.testing.assert_allclose(ends[0][:6], ends[1][:6], rtol=0, atol=1e-3)
    else:
        np.testing.assert_array_equal(one, two)
