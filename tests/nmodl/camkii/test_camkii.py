"""camkii, the exact mass action of CaM and CaMKII by the bridge, in NEURON: tables, accuracy, threads, SaveState, faults."""

import numpy as np
import pytest

import neuron_runs
import nubridge
import pepke_oracle
from neuron_process import in_neuron, run

TOTALS_uM = (30.0, 80.0)
OBSERVABLES = ("pT286", "bound", "ca4cam")


def segment_of(n, *others):
    section = n.Section("s")
    for name in ("camkii", *others):
        section.insert(name)
    return section, section(0.5)


def states(segment):
    return np.array([getattr(segment.camkii, f"x{i:02d}") for i in range(75)])


def tables_weights():
    """The columns of the tables as sums of the states."""
    network, kernel = nubridge.Network("camkii75"), nubridge.Kernel("camkii")
    columns = [network.species_index(name) for name in kernel.state_names[:-1]]
    return np.array([[*network.weights(name)[columns], 0.0] for name in pepke_oracle.OBSERVED])


def variable_step(n, atol):
    cvode = n.CVode()
    cvode.active(True)
    cvode.atol(atol)
    return cvode


def clamped_errors(ca_uM):
    """Of all columns, in uM, under CVODE from apo calmodulin and free CaMKII."""
    from neuron import n

    _section, segment = segment_of(n)
    weights, cvode = tables_weights(), variable_step(n, 1e-9)
    segment.cai = ca_uM * 1e-3
    n.finitialize(-65)
    for i in range(75):
        setattr(segment.camkii, f"x{i:02d}", {0: TOTALS_uM[1], 1: TOTALS_uM[0]}.get(i, 0.0))
    cvode.re_init()
    errors = []
    for (ca, t_s), expected in pepke_oracle.clamped().items():
        if ca == ca_uM:
            if t_s > 0:
                cvode.solve(t_s * 1e3)
            errors.append(np.abs(weights @ states(segment) - expected).max())
    return errors


def train(frequency_Hz, end_ms, atol=0.0, dt_ms=0.025, hold_ms=0.2, step_ms=5.0):
    """OBSERVABLES and the columns of the tables at every step_ms of a train, by CVODE (atol > 0) or by fixed steps."""
    from neuron import n

    _section, segment = segment_of(n, "catrain")
    segment.camkii.hold = hold_ms
    n.dt = dt_ms
    cvode = variable_step(n, atol) if atol else None
    n.finitialize(-65)
    weights, rows, pulses = tables_weights(), [], 0
    for t_ms in np.arange(step_ms, end_ms + step_ms / 2, step_ms):
        if pulses < 30 and t_ms - step_ms >= pulses * 1e3 / frequency_Hz - 1e-6:
            segment.cai += pepke_oracle.PULSE_uM * 1e-3
            segment.camkii.ca_left = segment.cai  # not an input that moves within a step
            pulses += 1
            if cvode:
                cvode.re_init()
        if cvode:
            cvode.solve(t_ms)
        else:
            for _ in range(round(step_ms / dt_ms)):
                n.fadvance()
        rows.append([*(getattr(segment.camkii, name) for name in OBSERVABLES), *(weights @ states(segment))])
    return np.array(rows)


@pytest.mark.parametrize("ca_uM", [0.1, 1.0, 100.0])
def test_clamped_calcium_gives_the_table_under_cvode(ca_uM):
    errors = in_neuron(clamped_errors, ca_uM)
    assert len(errors) > 5 and max(errors) < 1e-6


def test_a_train_of_pulses_gives_the_table_under_cvode():
    columns = in_neuron(train, 50.0, 580.0, 1e-9)[:, len(OBSERVABLES) :]
    for t_s in (0.02, 0.1, 0.2, 0.4, 0.58):
        ((_, expected),) = [item for item in pepke_oracle.trains().items() if item[0][0] == 50 and item[0][2] == t_s]
        assert np.abs(columns[round(t_s * 200) - 1] - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("dt_ms", "hold_ms"), [(0.025, 0.2), (0.025, 0.1), (0.025, 0.0), (0.1, 0.1), (0.1, 0.2), (1.0, 0.2)]
)
def test_fixed_steps_keep_two_percent_of_the_largest_value(dt_ms, hold_ms):
    exact = in_neuron(train, 20.0, 500.0, 1e-8)[:, : len(OBSERVABLES)]
    errors = np.abs(in_neuron(train, 20.0, 500.0, 0.0, dt_ms, hold_ms)[:, : len(OBSERVABLES)] - exact)
    assert (errors.max(axis=0) / exact.max(axis=0) < 0.02).all()


def resting():
    from neuron import n

    _section, segment = segment_of(n)
    segment.cai = 2e-4
    segment.camkii.camtotal, segment.camkii.camkiitotal = 0.02, 0.05
    n.finitialize(-65)
    return states(segment), [getattr(segment.camkii, name) for name in (*OBSERVABLES, "cataken")]


def test_starts_at_rest_with_its_totals_and_nothing_phosphorylated():
    amounts, (phosphorylated, bound, ca4cam, taken) = in_neuron(resting)
    kernel = nubridge.Kernel("camkii")
    assert np.abs(amounts - kernel.initial([0.2, 20.0, 50.0])).max() < 1e-12
    seen = kernel.observe(amounts)
    assert phosphorylated == 0
    assert np.allclose([bound, ca4cam, taken], [seen["bound"] / 50, seen["ca4cam"] / 20, seen["cataken"] * 1e-3])


def restored():
    from neuron import n

    _section, segment = segment_of(n, "catrain")
    n.finitialize(-65)
    segment.cai = 5e-3
    return neuron_runs.twice_from_a_save(lambda: [*states(segment), segment.camkii.pT286, segment.cai])


def test_a_restored_run_goes_on_bit_for_bit():
    first, second = in_neuron(restored)
    assert np.array_equal(first, second)


def threaded(threads):
    from neuron import n

    sections = [n.Section(f"s{i}") for i in range(4)]
    for i, section in enumerate(sections):
        section.insert("camkii")
        section.insert("catrain")
        section.rest_catrain = (i + 1) * 1e-3
    n.ParallelContext().nthread(threads)
    n.finitialize(-65)
    for section in sections:
        section(0.5).cai = 1e-4
    n.ParallelContext().set_maxstep(10)
    while n.t < 20:
        n.fadvance()
    return np.array([states(section(0.5)) for section in sections])


def test_threads_change_no_bit():
    assert np.array_equal(in_neuron(threaded, 1), in_neuron(threaded, 2))


def bad(ca_mM, policy):
    from neuron import n

    _section, segment = segment_of(n)
    n.policy_camkii = policy
    segment.camkii.hold = 0
    segment.cai = 1e-4
    n.finitialize(-65)
    segment.cai = ca_mM
    for _ in range(8):
        n.fadvance()
    return segment.camkii.outside


@pytest.mark.parametrize(
    ("ca_mM", "policy", "words"),
    [
        (float("nan"), 0, "input 'ca' is nan uM; it must be finite and not negative"),
        (-1e-3, 0, "must be finite and not negative"),
        (2.0, 3, "outside the domain 0 to 1000 uM; the policy is error"),
        (1e-4, 7, "policy_camkii 0, 1, 2 or 3"),
    ],
)
def test_a_fault_stops_the_run_and_names_the_value(ca_mM, policy, words):
    outcome = run(bad, ca_mM, policy)
    assert outcome.status != 0 and words in outcome.stderr


def test_calcium_off_the_domain_is_counted_and_said_once():
    outcome = run(bad, 2.0, 1)
    assert outcome.status == 0 and outcome.value == 8  # steps
    assert outcome.stderr.count("outside the domain") == 1


def initialised(*others):
    """Twice, two sections with camkii and `others`."""
    from neuron import n

    _kept = [segment_of(n, *others) for _ in range(2)]
    n.finitialize(-65)
    n.finitialize(-65)


def test_calcium_that_nothing_writes_is_warned_of_once():
    said = run(initialised).stderr
    assert said.count("UserWarning: camkii is in s and 1 more, where no mechanism writes cai") == 1
    assert said.count("UserWarning") == 1 and "insert spineca, or another that writes cai" in said
    assert "UserWarning" not in run(initialised, "spineca").stderr
