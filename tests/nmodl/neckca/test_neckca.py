"""neckca in NEURON: Fick's law between a head and its dendrite, calcium that is neither lost nor made, what it refuses."""

import math

import numpy as np
import pytest

import neuron_runs
from neuron_process import in_neuron, run

HEAD_um3, PARENT_um3 = 0.065, 0.65
POOL = ("pmca1", "ncx1", "cbp1", "h1", "m1", "dye1", "extruded")
CONDUCTANCE_um3_per_ms = 0.22 * math.pi * 0.1**2 / (4 * 0.5)


def joined(n, **settings):
    """Two sections, the head with 5 uM calcium and its dendrite with 0.1, and the two ends of the neck."""
    import nubridge

    nubridge.load()
    sections = [n.Section(name) for name in ("head", "parent")]
    sections[0].connect(sections[1](0.5))
    for section, volume_um3, rest_mM in zip(sections, (HEAD_um3, PARENT_um3), (5e-3, 1e-4), strict=True):
        section.L = section.diam = 1
        for mechanism in ("pas", "spineca"):
            section.insert(mechanism)
        section.g_pas, section.e_pas = 1e-4, -65
        pool = section(0.5).spineca
        pool.head_volume, pool.rest, pool.vdcc = volume_um3, rest_mM, 0
        for name, value in settings.items():
            setattr(pool, name, value)
    return sections, nubridge.neck(sections[0](0.5), sections[1](0.5))


def relaxation(closed, dt_ms, atol, times_ms):
    """At each time: calcium of both, all of it (mM um3), v; without pumps, and without buffers unless `closed`."""
    from neuron import n

    nothing = {"pmca": 0, "ncx": 0} | ({} if closed else {"cbp": 0, "calbindin": 0})
    sections, ends = joined(n, **nothing)
    cvode = n.CVode()
    cvode.active(atol > 0)
    cvode.atol(atol or 1e-3)
    n.dt = dt_ms
    n.ParallelContext().set_maxstep(1)
    n.finitialize(-65)
    rows = []
    for time_ms in times_ms:
        if time_ms > 0:
            n.ParallelContext().psolve(time_ms)
        heads = [section(0.5) for section in sections]
        sums = [
            s.cai + sum(getattr(s.spineca, name) for name in POOL) - s.spineca.leaked - s.spineca.entered for s in heads
        ]
        held = [s.cai + sum(getattr(s.spineca, name) for name in POOL[:-1]) for s in heads]
        whole = HEAD_um3 * held[0] + PARENT_um3 * held[1]
        rows.append([heads[0].cai, heads[1].cai, whole, sections[0].v, *sums, ends[0].flux + ends[1].flux])
    return rows


def decay(times_ms):
    """Of the difference, without buffers."""
    rate = CONDUCTANCE_um3_per_ms * (1 / HEAD_um3 + 1 / PARENT_um3)
    return 4.9e-3 * np.exp(-rate * np.array(times_ms))


def test_without_buffers_the_difference_decays_by_ficks_law():
    times_ms = [5.0, 20.0, 60.0]
    errors = []
    for dt_ms in (0.1, 0.05):
        rows = np.array(in_neuron(relaxation, False, dt_ms, 0.0, times_ms))
        errors.append(np.abs(rows[:, 0] - rows[:, 1] - decay(times_ms)).max())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.02)
    rows = np.array(in_neuron(relaxation, False, 0.025, 1e-9, times_ms))
    np.testing.assert_allclose(rows[:, 0] - rows[:, 1], decay(times_ms), atol=1e-6 * 4.9e-3)


@pytest.mark.parametrize(("dt_ms", "atol", "relative"), [(0.025, 0.0, 1e-12), (0.1, 0.0, 1e-12), (0.025, 1e-9, 1e-9)])
def test_with_buffers_no_calcium_is_lost_or_made_and_no_charge_moves(dt_ms, atol, relative):
    rows = np.array(in_neuron(relaxation, True, dt_ms, atol, [0.0, 10.0, 100.0, 500.0]))
    np.testing.assert_allclose(rows[:, 2], rows[0, 2], rtol=relative)
    np.testing.assert_allclose(rows[:, 3], -65, rtol=1e-12)
    assert rows[1, 0] < rows[0, 0] and rows[1, 1] > rows[0, 1]
    assert (np.abs(rows[:, -1]) == 0).all()


def traces(by_coreneuron):
    """Calcium of head and dendrite, and what leaves the head, at every step of 10 ms."""
    from neuron import n

    sections, ends = joined(n)
    references = [*(section(0.5)._ref_cai for section in sections), ends[0]._ref_flux]
    return neuron_runs.traces(references, by_coreneuron)


def test_coreneuron_joins_the_same_ends():
    neuron, core = (in_neuron(traces, by_coreneuron, load="coreneuron") for by_coreneuron in (False, True))
    assert np.ptp(neuron[1]) > 1e-6  # mM that came through the neck
    np.testing.assert_allclose(core, neuron, rtol=1e-9, atol=1e-18)


def mistakes():
    """What is said of necks that cannot be."""
    from neuron import n

    import nubridge

    sections, ends = joined(n)
    bare = n.Section("bare")
    words = []
    for call in (
        lambda: nubridge.neck(sections[0](0.5), sections[1](0.5), length_um=0),
        lambda: nubridge.neck(sections[0](0.5), sections[1](0.5), diameter_um=float("nan")),
        lambda: nubridge.neck(sections[0](0.5), sections[0](0.5)),
        lambda: nubridge.neck(sections[0](0.5), bare(0.5)),
    ):
        with pytest.raises(nubridge.InvalidArgumentError) as caught:
            call()
        words.append(str(caught.value))
    del ends
    return words


def test_mistakes_are_refused_by_words():
    length, diameter, itself, bare = in_neuron(mistakes)
    assert "length of the neck is 0 um" in length and "diameter of the neck is nan um" in diameter
    assert "to itself" in itself and "bare(0.5) has no calcium" in bare


def unset():
    """A neckca of the user's own that points nowhere."""
    from neuron import n

    sections, ends = joined(n)
    lost = n.neckca(sections[0](0.5))
    n.finitialize(-65)
    return lost, ends


def flat():
    """One that lost its diameter."""
    from neuron import n

    _, ends = joined(n)
    ends[0].diameter = 0
    n.finitialize(-65)


@pytest.mark.parametrize(
    ("broken", "words"), [(unset, "pointer other of a neckca is not set"), (flat, "diameter of a neckca is 0")]
)
def test_neuron_refuses_at_initialisation(broken, words):
    done = run(broken)
    assert done.status != 0 and words in done.stderr
