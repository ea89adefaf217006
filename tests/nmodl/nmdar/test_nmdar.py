"""nmdar: the tables of its source, events that overlap, calcium's share of the current, threads, SaveState, CoreNEURON."""

import numpy as np
import pytest

import nmdar_oracle
from neuron_process import in_neuron, run

STATES = ("C0", "C1", "C2", "D", "O", "Ob", "C2b", "Db", "C1b", "C0b")
CASES = ((-65, 1), (-40, 1), (0, 1), (40, 1), (0, 0))
VOLTAGES_MV = (-65, 0, 5, 30)
DTS_MS = (0.025, 0.0125, 0.00625)
REST = np.eye(10)[0]  # all receptors in C0


def occupancies(synapse):
    return [getattr(synapse, name) for name in STATES]


def receptor(n, gmax_uS=0.0, **settings):
    """A receptor in a cell of its own, without a current v stays; what its events come from; and what must be kept alive."""
    section = n.Section("s")
    section.L = section.diam = 10
    synapse = n.nmdar(section(0.5))
    for name, value in {"gmax": gmax_uS, **settings}.items():
        setattr(synapse, name, value)
    source = n.NetCon(None, synapse)
    source.weight[0] = 1
    return section, synapse, source


def advance(n, end_ms):
    """To end_ms, by CVODE if it is active."""
    if n.CVode().active():
        n.CVode().solve(end_ms)
    while n.t < end_ms - n.dt / 2 and not n.CVode().active():
        n.fadvance()


def pulse(v_mV, mg_mM, times_ms, dt_ms, atol, settings):
    """Occupancies at times_ms after an event at 0; by CVODE where atol is not None."""
    from neuron import n

    _section, synapse, source = receptor(n, mg=mg_mM, **settings)
    n.dt = dt_ms
    cvode = n.CVode()
    cvode.active(atol is not None)
    if atol is not None:
        cvode.atol(atol)
    n.finitialize(v_mV)
    source.event(0)
    rows = []
    for time_ms in times_ms:
        advance(n, time_ms)
        rows.append(occupancies(synapse))
    return np.array(rows)


def steady(conditions):
    """For each (glutamate, v, magnesium): occupancies at the start, and 2 minutes after all receptors were put into C0."""
    from neuron import n

    cvode = n.CVode()
    cvode.active(True)
    cvode.atol(1e-12)
    rows = []
    for glu_mM, v_mV, mg_mM in conditions:
        _section, synapse, _source = receptor(n, mg=mg_mM, glu_ambient=glu_mM)
        n.finitialize(v_mV)
        start = occupancies(synapse)
        for name, value in zip(STATES, REST, strict=True):
            setattr(synapse, name, value)
        cvode.re_init()
        cvode.solve(120e3)
        rows.append([start, occupancies(synapse)])
    return np.array(rows)


def overlapping(atol, changes):
    """(time, glutamate, occupancies) at ends of half milliseconds: events of weights 1, 0.5, 0, -1 at 0, 0.5, 0.5, 0.5 ms.

    `changes` to the weight and the duration are made at 0.75 ms.
    """
    from neuron import n

    section, synapse, source = receptor(n)
    others = [n.NetCon(None, synapse, sec=section) for _ in range(3)]
    n.dt = 0.025
    cvode = n.CVode()
    cvode.active(atol is not None)
    if atol is not None:
        cvode.atol(atol)
    n.finitialize(-40)
    source.event(0)
    for other, weight in zip(others, (0.5, 0, -1), strict=True):
        other.weight[0] = weight
        other.event(0.5)

    def change():
        others[0].weight[0] = 7
        synapse.glu_duration = 3

    if changes:
        cvode.event(0.75, change)
    rows = []
    for half in range(1, 9):
        advance(n, half / 2)
        rows.append([n.t, synapse.glu, *occupancies(synapse)])
    return np.array(rows), synapse.released, synapse.transients


def currents(cao_mM, ca_law):
    """At each of VOLTAGES_MV and 1 mM glutamate: (g, v, e, i, ica in nA; ica of the segment in mA/cm2, its area in um2)."""
    from neuron import n

    section, synapse, _source = receptor(n, 2e-3, glu_ambient=1, ca_law=ca_law, e=5)
    section.cao = cao_mM
    segment = section(0.5)
    rows = []
    for v_mV in VOLTAGES_MV:
        n.finitialize(v_mV)
        n.fcurrent()
        assert synapse.g == 2e-3 * synapse.popen > 0
        rows.append((synapse.g, segment.v, synapse.e, synapse.i, synapse.ica, segment.ica, segment.area()))
    return np.array(rows)


def started_with(name, value, threads):
    """A step of two cells, the second with a parameter that is not allowed."""
    from neuron import n

    n.ParallelContext().nthread(threads)
    pair = [receptor(n) for _ in range(2)]
    setattr(pair[1][1], name, value)
    n.finitialize(-65)
    n.fadvance()


def cells(n, count):
    """Cells with hh and three receptors each, a NetStim on each: their variables, and what must be kept alive."""
    keep, references = [], []
    for i in range(count):
        section = n.Section(f"cell{i}")
        section.nseg = 3
        section.L = section.diam = 20
        section.insert("hh")
        keep.append(section)
        for segment in section:
            synapse = n.nmdar(segment)
            synapse.gmax = 0.01 * (1 + i)
            stimulus = n.NetStim(segment)
            stimulus.interval, stimulus.number, stimulus.start = 0.7 + 0.1 * i, 1000, 0.3
            connection = n.NetCon(stimulus, synapse)
            connection.weight[0], connection.delay = 0.3, 1
            keep += [synapse, stimulus, connection]
            names = (*STATES, "released", "transients")
            references += [getattr(synapse, f"_ref_{name}") for name in names] + [segment._ref_v]
    return references, keep


def traces(threads, by_coreneuron=False):
    from neuron import n

    context = n.ParallelContext()
    context.nthread(threads)
    references, _keep = cells(n, 4)
    records = [n.Vector().record(reference) for reference in references]
    if by_coreneuron:
        from neuron import coreneuron

        n.CVode().cache_efficient(True)
        coreneuron.enable = True
    context.set_maxstep(10)
    n.finitialize(-65)
    context.psolve(20)
    return np.array([record.as_numpy() for record in records])


def finished(n, references):
    """The references' values after each step to 20 ms."""
    rows = []
    while n.t < 20 - n.dt / 2:
        n.fadvance()
        rows.append([reference[0] for reference in references])
    return np.array(rows)


def saved(path):
    """The run from 7.3 ms on, within transients, as it went and after restoring; in another process when path is a file."""
    from neuron import n

    references, _keep = cells(n, 1)
    state = n.SaveState()

    n.finitialize(-65)
    advance(n, 7.3)
    assert references[len(STATES) + 1][0] > 0
    state.save()
    state.fwrite(n.File(path))
    first = finished(n, references)
    n.finitialize(-30)
    state.restore()
    return first, finished(n, references)


def restored(path):
    from neuron import n

    references, _keep = cells(n, 1)
    n.finitialize(-65)
    state = n.SaveState()
    state.fread(n.File(path))
    state.restore()
    return finished(n, references)


def backward_euler(v_mV, mg_mM, dt_ms, times_ms, glutamate=((1.0, 1.0),)):
    """What METHOD sparse computes at times_ms: one factor 1/(1 - dt Q) a step. `glutamate`: (mM, until ms), then none."""
    p, rows, start = REST, [], 0
    for end in sorted({*times_ms, *(until_ms for _, until_ms in glutamate)}):
        glu_mM = next((value for value, until_ms in glutamate if end <= until_ms), 0.0)
        q = nmdar_oracle.generator(glu_mM, v_mV, mg_mM).astype(float)
        p = np.linalg.matrix_power(np.linalg.inv(np.eye(10) - dt_ms * q), round((end - start) / dt_ms)) @ p
        start = end
        if end in times_ms:
            rows.append(p)
    return np.array(rows)


def rows_of_table(v_mV, mg_mM):
    rows = nmdar_oracle.table("pulse_1mM_1ms")
    rows = rows[(rows["V_mV"] == v_mV) & (rows["mg_mM"] == mg_mM)]
    assert len(rows) == 13
    return rows["t_ms"].tolist(), nmdar_oracle.states(rows)


@pytest.mark.parametrize(("v_mV", "mg_mM"), CASES)
def test_cvode_gives_the_table_of_a_pulse(v_mV, mg_mM):
    times_ms, expected = rows_of_table(v_mV, mg_mM)
    found = in_neuron(pulse, v_mV, mg_mM, times_ms, 0.025, 1e-12, {})
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-14)
    assert found.min() >= 0


def test_cvode_error_follows_the_tolerance():
    times_ms, expected = rows_of_table(-65, 1)
    errors = [
        np.abs(in_neuron(pulse, -65, 1, times_ms, 0.025, atol, {}) - expected).max() for atol in (1e-4, 1e-6, 1e-8)
    ]
    assert errors[0] > errors[1] > errors[2], errors
    assert errors[2] < 1e-6


@pytest.mark.parametrize(("v_mV", "mg_mM"), [(-65, 1), (40, 1)])
def test_fixed_step_is_backward_euler_and_of_first_order(v_mV, mg_mM):
    times_ms, expected = (column[:9] for column in rows_of_table(v_mV, mg_mM))  # to 50 ms
    errors = []
    for dt_ms in DTS_MS:
        found = in_neuron(pulse, v_mV, mg_mM, times_ms, dt_ms, None, {})
        np.testing.assert_allclose(found, backward_euler(v_mV, mg_mM, dt_ms, times_ms), rtol=0, atol=1e-12)
        np.testing.assert_allclose(found.sum(axis=1), 1, rtol=0, atol=1e-14)
        assert found.min() >= 0
        errors.append(
            np.abs(found - expected)[2:].max()
        )  # in the pulse, where rates are 20 /ms, dt is too long for the order
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.all((ratios > 1.9) & (ratios < 2.1)), errors
    assert errors[0] < 5.5e-4  # as documented


def test_receptors_start_in_the_steady_state_of_ambient_glutamate():
    rows = nmdar_oracle.table("steady_state")
    found = in_neuron(steady, rows[["glu_mM", "V_mV", "mg_mM"]].tolist())
    digits, epsilon = 5e-12, np.finfo(float).eps  # what the table prints, and what its sum of 1 was computed to
    np.testing.assert_allclose(found[:, 0], nmdar_oracle.states(rows), rtol=digits, atol=epsilon)
    np.testing.assert_allclose(found[:, 1], found[:, 0], rtol=0, atol=1e-9)


def test_nothing_moves_without_glutamate():
    found = in_neuron(pulse, -40, 1, [1.0, 50.0], 0.025, None, {"glu_amplitude": 0})
    np.testing.assert_array_equal(found, [REST, REST])


@pytest.mark.parametrize("changes", [False, True])
@pytest.mark.parametrize("atol", [None, 1e-10], ids=["fixed step", "CVODE"])
def test_transients_that_overlap_add_up(atol, changes):
    rows, released, transients = in_neuron(overlapping, atol, changes)
    assert (released, transients) == (0, 0)
    glutamate = ((1.0, 0.5), (1.5, 1.0), (0.5, 1.5))
    expected = backward_euler(-40, 1, 0.025, [half / 2 for half in range(1, 9)], glutamate)
    if atol:
        p, exact = REST, []
        for glu_mM in (*(value for value, _ in glutamate), 0, 0, 0, 0, 0):
            p = nmdar_oracle.propagate(p, glu_mM, -40, 0.5)
            exact.append(p.astype(float))
        expected = np.array(exact)
    np.testing.assert_allclose(rows[:, 2:], expected, rtol=0, atol=1e-8 if atol else 1e-12)
    assert set(rows[:, 1]) <= {0, 0.5, 1, 1.5} and rows[-1, 1] == 0


@pytest.mark.parametrize(("ca_law", "cao_mM", "share"), [(0, 2, 0.0505), (1, 2, 0.147), (1, 1.5, 0.114)])
def test_calcium_has_its_share_of_an_ohmic_current(ca_law, cao_mM, share):
    g, v, e, i, ica, ica_segment, area_um2 = in_neuron(currents, cao_mM, ca_law).T
    np.testing.assert_allclose(i + ica, g * (v - e), rtol=1e-14, atol=1e-18)
    driving_mV = v - (e if ca_law else 40)
    np.testing.assert_allclose(ica, share * g * driving_mV, rtol=0.005)  # the published share has three digits
    np.testing.assert_allclose(ica_segment, 100 * ica / area_um2, rtol=1e-14)


def test_no_calcium_outside_no_calcium_current():
    assert np.all(in_neuron(currents, 0, 0)[:, 4] == 0)


@pytest.mark.parametrize(
    ("name", "value", "threads"),
    [
        ("gmax", -1e-3, 1),
        ("glu_amplitude", -1, 1),
        ("glu_duration", -1, 1),
        ("glu_duration", -1, 2),
        ("glu_ambient", float("nan"), 1),
        ("mg", -1, 2),
        ("ca_law", 2, 1),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(name, value, threads):
    outcome = run(started_with, name, value, threads)
    assert outcome.status == 1
    assert "RuntimeError" in outcome.stderr
    assert name in outcome.stderr and "correct them and call finitialize()" in outcome.stderr


def test_two_threads_give_the_bits_of_one():
    one, two = (in_neuron(traces, threads) for threads in (1, 2))
    assert np.ptp(one[-1]) > 10  # the cells fire
    np.testing.assert_array_equal(one, two)


def test_savestate_goes_on_bit_for_bit(tmp_path):
    path = str(tmp_path / "state")
    first, again = in_neuron(saved, path)
    np.testing.assert_array_equal(again, first)
    np.testing.assert_array_equal(in_neuron(restored, path), first)


def test_traces_of_coreneuron_are_those_of_neuron():
    neuron, core = (in_neuron(traces, 1, core, load="coreneuron") for core in (False, True))
    np.testing.assert_allclose(core, neuron, rtol=1e-9, atol=1e-9)
