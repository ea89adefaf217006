"""camkii with rung = 1, the sums over subunits, beside the exact rung 0: one line chooses, and all that camkii does holds."""

import numpy as np
import pytest

import neuron_runs
from neuron_process import in_neuron, run

OBSERVABLES = ("pT286", "bound", "ca4cam")
TOTALS_uM = (30.0, 80.0)
CHOSEN_IN_HOC = """
create s
s {
    insert camkii
    insert catrain
    rung_camkii = 1
    camkiitotal_camkii = 0.05
}
"""


def segment_of(n, rung=1, **settings):
    section = n.Section("s")
    section.insert("camkii")
    section.insert("catrain")
    segment = section(0.5)
    for name, value in {"rung": rung, **settings}.items():
        setattr(segment.camkii, name, value)
    return section, segment


def sums(segment, count=32):
    return np.array([getattr(segment.camkii, f"x{i:02d}") for i in range(count)])


def pulses(rung, atol=0.0):
    """OBSERVABLES every 5 ms of a train of six pulses of 10 uM at 20 Hz, by CVODE (atol > 0) or by fixed steps."""
    from neuron import n

    _section, segment = segment_of(n, rung)
    cvode = n.CVode()
    cvode.active(atol > 0)
    cvode.atol(atol or 1e-3)
    n.ParallelContext().set_maxstep(10)
    n.finitialize(-65)
    rows = []
    for t_ms in np.arange(5.0, 505.0, 5.0):
        if t_ms % 50 == 5 and t_ms < 300:
            segment.cai += 0.01
            segment.camkii.ca_left = segment.cai  # not an input that moves within a step
            cvode.re_init()
        n.ParallelContext().psolve(t_ms)
        rows.append([getattr(segment.camkii, name) for name in OBSERVABLES])
    return np.array(rows)


def test_sums_keep_two_percent_of_the_largest_value_and_by_cvode_a_half():
    exact = in_neuron(pulses, 0, 1e-8)
    for atol, most in ((0.0, 0.02), (1e-8, 0.005)):
        errors = np.abs(in_neuron(pulses, 1, atol) - exact).max(axis=0) / exact.max(axis=0)
        assert (errors < most).all() and errors[0] > 0, (atol, errors)


def in_hoc():
    """The sums and the states past them after 20 ms, set up in hoc."""
    from neuron import n

    n(CHOSEN_IN_HOC)
    segment = n.s(0.5)
    n.finitialize(-65)
    segment.cai = 5e-3
    n.ParallelContext().set_maxstep(10)
    n.ParallelContext().psolve(20)
    return sums(segment, 75)


def test_a_line_of_hoc_chooses_the_sums():
    amounts = in_neuron(in_hoc)
    assert (amounts[:32] >= 0).all() and amounts[19] > 0 and not amounts[32:].any()
    subunits = amounts[0] + amounts[10:29].sum()
    assert subunits == pytest.approx(50.0, rel=1e-9)
    assert subunits - amounts[0] + amounts[1:10].sum() == pytest.approx(30.0, rel=1e-9)


def restored(threads):
    """Sums and observables from 10.05 ms on, and again after a restore; both rungs side by side, `rung` changed in between."""
    from neuron import n

    kept = [segment_of(n, rung) for rung in (0, 1)]
    n.ParallelContext().nthread(threads)
    n.ParallelContext().set_maxstep(10)
    n.finitialize(-65)
    for _, segment in kept:
        segment.cai = 5e-3

    def exact_from_now_on():
        for _, segment in kept:
            segment.camkii.rung = 0  # is read at initialisation

    return neuron_runs.twice_from_a_save(
        lambda: [[*sums(one), one.camkii.pT286, one.camkii.ca4cam] for _, one in kept], exact_from_now_on
    )


def test_a_restored_run_goes_on_bit_for_bit_with_the_rung_that_it_began_with():
    first, second = in_neuron(restored, 1)
    assert np.array_equal(first, second) and not np.array_equal(first[:, 0], first[:, 1])


def test_threads_change_no_bit():
    assert np.array_equal(in_neuron(restored, 1), in_neuron(restored, 2))


def traces(by_coreneuron):
    """Observables of both rungs at every step of 10 ms."""
    from neuron import n

    kept = [segment_of(n, rung) for rung in (0, 1)]
    for section, _ in kept:
        section.rest_catrain = 5e-3
    references = [getattr(one.camkii, f"_ref_{name}") for _, one in kept for name in OBSERVABLES]
    return neuron_runs.traces(references, by_coreneuron)


def test_coreneuron_steps_the_same_rungs():
    neuron, core = (in_neuron(traces, by_coreneuron, load="coreneuron") for by_coreneuron in (False, True))
    assert np.ptp(neuron[3]) > 1e-4  # pT286 of rung 1
    np.testing.assert_allclose(core, neuron, rtol=1e-9)


def started(rung, molecules):
    from neuron import n

    _kept = segment_of(n, rung, molecules=molecules)
    n.finitialize(-65)


@pytest.mark.parametrize(("rung", "molecules"), [(1, 1), (2, 0), (0.5, 0)])
def test_what_has_no_rung_is_refused_in_a_sentence(rung, molecules):
    outcome = run(started, rung, molecules)
    assert outcome.status != 0 and "rung 0 or (molecules 0) 1" in outcome.stderr
