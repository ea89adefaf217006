"""camkii with takes = 1: what calmodulin binds, spineca loses; nothing is made or lost, and no charge moves."""

import math

import numpy as np
import pytest

import neuron_runs
from neuron_process import in_neuron, run

VOLUME_um3 = math.pi / 6 * 0.5**3


def head(n, closed=True, **settings):
    """A spine head with calmodulin and CaMKII; closed: without channels and pumps."""
    section = n.Section("head")
    section.L = section.diam = 0.5
    section.insert("spineca")
    section.insert("camkii")
    segment = section(0.5)
    segment.spineca.head_volume = VOLUME_um3
    if closed:
        segment.spineca.vdcc = segment.spineca.pmca = segment.spineca.ncx = 0
        segment.spineca.rest = 1e-4
    for name, value in {"takes": 1.0, "pool_volume": VOLUME_um3, **settings}.items():
        setattr(segment.camkii, name, value)
    return section, segment


def inside_mM(segment):
    """All calcium of a closed head: free, on buffers, and on calmodulin as far as the pool has given it."""
    pool = segment.spineca
    return math.fsum(
        (segment.cai, pool.cbp1, pool.h1, pool.m1, pool.dye1, segment.camkii.cataken, -segment.camkii.owed)
    )


def raised(n, segment):
    n.finitialize(-65)
    segment.cai += 0.02
    n.CVode().re_init()


def closed_head(atol, dt_ms, hold_ms, times_ms, rung=0):
    """At times_ms after 20 uM were added: all calcium of a closed head over that at the start, cai, cataken, v."""
    from neuron import n

    _section, segment = head(n, hold=hold_ms, rung=rung)
    n.CVode().active(atol is not None)
    n.CVode().atol(atol or 1e-3)
    n.dt = dt_ms
    raised(n, segment)
    start_mM = inside_mM(segment)
    context = n.ParallelContext()
    context.set_maxstep(10)
    rows = []
    for time_ms in times_ms:
        context.psolve(time_ms)
        rows.append((inside_mM(segment) / start_mM, segment.cai, segment.camkii.cataken, segment.v))
    return np.array(rows)


@pytest.mark.parametrize(
    ("dt_ms", "hold_ms", "end_ms", "rung"), [(0.1, 0.0, 60000.0, 0), (0.025, 0.1, 2000.0, 0), (0.025, 0.1, 2000.0, 1)]
)
def test_fixed_steps_keep_all_calcium(dt_ms, hold_ms, end_ms, rung):
    rows = in_neuron(closed_head, None, dt_ms, hold_ms, np.linspace(0, end_ms, 101)[1:], rung)
    assert np.abs(rows[:, 0] - 1).max() < 1e-9
    assert rows[-1, 2] > 1.1 * rows[0, 2]  # phosphorylated CaMKII went on trapping calcium
    assert np.all(rows[:, 3] == -65)  # and no charge moved


@pytest.mark.parametrize("rung", [0, 1])
def test_cvode_keeps_all_calcium_within_its_tolerance(rung):
    rows = in_neuron(closed_head, 1e-9, 0.025, 0.1, np.arange(1.0, 1001.0), rung)
    assert np.abs(rows[:, 0] - 1).max() < 1e-9
    assert np.all(rows[:, 3] == -65)


def test_fixed_steps_approach_cvode_in_first_order():
    times_ms = np.array([1.0, 2.0, 5.0])
    limit = in_neuron(closed_head, 1e-10, 0.025, 0.0, times_ms)[:, 1:3]
    errors = [
        np.abs(in_neuron(closed_head, None, dt_ms, 0.0, times_ms)[:, 1:3] / limit - 1).max()
        for dt_ms in (0.0125, 0.00625, 0.003125)
    ]
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all((ratios > 1.8) & (ratios < 2.2)), errors
    assert errors[0] < 5e-3


def not_taken():
    """ica of an open head and of its channel, with takes = 0, after 20 steps."""
    from neuron import n

    _section, segment = head(n, closed=False, takes=0.0)
    raised(n, segment)
    for _ in range(20):
        n.fadvance()
    return segment.ica, segment.spineca.ivdcc, segment.camkii.ica


def test_nothing_is_taken_unless_it_is_asked_for():
    total, channel, ours = in_neuron(not_taken)
    assert ours == 0 and total == channel < 0


def traces(by_coreneuron):
    """Calcium, cataken and pT286 of an open head at every step of 10 ms."""
    from neuron import n

    _section, segment = head(n, closed=False)
    segment.spineca.rest = 5e-3
    references = (segment._ref_cai, segment.camkii._ref_cataken, segment.camkii._ref_pT286)
    return neuron_runs.traces(references, by_coreneuron)


def test_coreneuron_takes_the_same():
    neuron, core = (in_neuron(traces, by_coreneuron, load="coreneuron") for by_coreneuron in (False, True))
    assert np.ptp(neuron[1]) > 1e-4
    np.testing.assert_allclose(core, neuron, rtol=1e-9)


def restored():
    """The run from 5.05 ms on, within a hold, and the same after restoring."""
    from neuron import n

    _section, segment = head(n, closed=False)
    raised(n, segment)

    def advance(end_ms):
        rows = []
        while n.t < end_ms - n.dt / 2:
            n.fadvance()
            rows.append((segment.cai, segment.camkii.cataken, segment.camkii.owed, segment.v))
        return np.array(rows)

    advance(5.05)
    saved = n.SaveState()
    saved.save()
    first = advance(10)
    n.finitialize(-30)
    saved.restore()
    return first, advance(10)


def test_a_restored_run_goes_on_bit_for_bit():
    first, second = in_neuron(restored)
    assert np.array_equal(first, second)


def started_with(name, value):
    from neuron import n

    _section, _segment = head(n, **{name: value})
    n.finitialize(-65)


@pytest.mark.parametrize(("name", "value"), [("takes", 0.5), ("pool_volume", -1.0), ("pool_volume", math.nan)])
def test_what_cannot_be_is_refused_in_a_sentence(name, value):
    outcome = run(started_with, name, value)
    assert outcome.status == 1 and "RuntimeError" in outcome.stderr
    assert "takes 0 or 1, hold and pool_volume from 0 on" in outcome.stderr
