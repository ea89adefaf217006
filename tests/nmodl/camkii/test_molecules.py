"""camkii in whole molecules: fluctuations of a spine against exact runs of its network, whole numbers, repeatability."""

import numpy as np

import nubridge
from neuron_process import in_neuron, run

VOLUME_um3 = 0.03
MOLECULES_per_uM = 602.214076 * VOLUME_um3
NAMES = ("bound", "ca4cam", "pT286")
SEGMENTS, RUNS = 500, 1000


def states(segment):
    return np.array([getattr(segment.camkii, f"x{i:02d}") for i in range(75)])


def section_of(n, segments):
    section = n.Section("s")
    section.nseg = segments
    section.insert("camkii")
    for segment in section:
        segment.camkii.molecules = 1
        segment.camkii.pool_volume = VOLUME_um3
        segment.cai = 1e-4
    return section


def advanced(n, section, end_ms):
    while n.t < end_ms - n.dt / 2:
        n.fadvance()
    return np.array([[getattr(segment.camkii, name) for name in NAMES] for segment in section])


def ensemble():
    """NAMES of SEGMENTS spines, 60 ms after calcium was stepped to 10 uM."""
    from neuron import n

    section = section_of(n, SEGMENTS)
    n.dt = 0.1
    n.finitialize(-65)
    for segment in section:
        segment.cai = segment.camkii.ca_left = 1e-2
    return advanced(n, section, 60.0)


def test_means_and_fluctuations_are_those_of_exact_runs():
    leaps = in_neuron(ensemble)
    network, kernel = nubridge.Network("camkii_kernel"), nubridge.Kernel("camkii")
    rest = dict(zip(kernel.state_names, kernel.initial([0.1, 30.0, 80.0]), strict=True))
    exact = nubridge.simulate(
        network, "ssa", [0.06], RUNS, 5, volume_um3=VOLUME_um3, initial=rest, inputs={"Ca": 10.0}, record=NAMES
    )
    for column, name, total_uM in zip(leaps.T, NAMES, (80.0, 30.0, 80.0), strict=True):
        mean, deviation = exact.mean(name)[0] / total_uM, exact.std(name)[0] / total_uM
        noise = deviation * np.sqrt(1 / SEGMENTS + 1 / RUNS)
        assert abs(column.mean() - mean) < 0.02 * mean + 3 * noise, name
        assert abs(column.std(ddof=1) / deviation - 1) < 0.1 + 3 * np.sqrt(0.5 / SEGMENTS + 0.5 / RUNS), name


def whole():
    """Counts of the states of two segments after 20 ms, what was started with, and the streams."""
    from neuron import n

    section = section_of(n, 2)
    n.finitialize(-65)
    before = [states(segment) for segment in section]
    section(0.25).cai = section(0.75).cai = 5e-3
    advanced(n, section, 20.0)
    return np.array([*before, *(states(segment) for segment in section)]) * MOLECULES_per_uM


def test_amounts_are_whole_molecules_and_totals_do_not_change():
    counts = in_neuron(whole)
    assert np.abs(counts - np.round(counts)).max() < 1e-9 and counts.min() >= 0
    assert np.abs(counts[2] - counts[3]).max() > 1  # two streams
    network, kernel = nubridge.Network("camkii_kernel"), nubridge.Kernel("camkii")
    order = [network.species_index(name) for name in kernel.state_names]
    for name in ("CaM_total", "K_total"):
        totals = np.round(counts) @ network.weights(name)[order]
        assert (totals == totals[0]).all()


def repeated():
    """A run, the same from its middle on after SaveState, and again from the start."""
    from neuron import n

    section = section_of(n, 1)
    traces = []
    for again in (False, True):
        section(0.5).cai = 1e-4
        n.finitialize(-65)
        section(0.5).cai = 5e-3
        advanced(n, section, 5.03)
        if not again:
            saved = n.SaveState()
            saved.save()
        traces.append(advanced(n, section, 10.0))
    n.finitialize(-65)
    saved.restore()
    traces.append(advanced(n, section, 10.0))
    return traces


def test_the_same_stream_gives_the_same_run_from_the_start_and_after_a_restore():
    first, again, restored = in_neuron(repeated)
    assert np.array_equal(first, again) and np.array_equal(first, restored)


def under_cvode():
    from neuron import n

    _section = section_of(n, 1)
    n.CVode().active(True)
    n.finitialize(-65)


def test_cvode_is_refused_in_a_sentence():
    outcome = run(under_cvode)
    assert outcome.status == 1 and "molecules 0 or (without CVODE) 1" in outcome.stderr
