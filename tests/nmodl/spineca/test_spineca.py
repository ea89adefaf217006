"""spineca in NEURON: the tables of Bartol's spine, the order of its fixed step, calcium that is neither lost nor made, what it refuses."""

import csv
import math

import numpy as np
import pytest

from neuron_process import ROOT, in_neuron, run

VOLUME_um3, SURFACE_um2 = math.pi / 6 * 0.5**3, math.pi * 0.5**2
COPIES_PER_mM = 602214.076 * VOLUME_um3
STATES = "c0 c1 c2 c3 o pmca0 pmca1 ncx0 ncx1 cbp0 cbp1 h0 h1 m0 m1 dye0 dye1 extruded leaked entered".split()
CHANNEL = STATES[:5]
NINE = [(i, j) for i in range(3) for j in range(3)]


def table(name):
    """Rows of an oracle, as numbers by column."""
    with (ROOT / "tests" / "support" / "oracles" / name).open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


def spine(n, **settings):
    """A section that is the head of the tables, and its segment."""
    section = n.Section("s")
    section.L = section.diam = 0.5
    section.insert("spineca")
    for name, value in {"head_volume": VOLUME_um3, "head_surface": SURFACE_um2, **settings}.items():
        setattr(section(0.5).spineca, name, value)
    return section, section(0.5)


def variable_step(n, atol=1e-7):
    cvode = n.CVode()
    cvode.active(True)
    cvode.atol(atol)
    return cvode


def states(segment):
    return np.array([segment.cai, *(getattr(segment.spineca, name) for name in STATES)])


def seen(segment):
    """The columns of the tables of the spine: uM, copies of the pumps with calcium."""
    mechanism = segment.spineca
    calbindin = {f"calb_h{i}m{j}_uM": mechanism.calb(i, j) * 1e3 for i, j in NINE}
    pumps = {"PMCA1": mechanism.pmca1 * COPIES_PER_mM, "NCX1": mechanism.ncx1 * COPIES_PER_mM}
    channel = {name.upper(): getattr(mechanism, name) for name in CHANNEL}
    others = {"Ca_uM": segment.cai * 1e3, "CBPCa_uM": mechanism.cbp1 * 1e3, "VDCC_O": mechanism.o}
    return calbindin | pumps | channel | others


def clamp(n, section, times_ms, voltages_mV):
    """Holds v to the polyline; what must be kept alive."""
    electrode = n.SEClamp(section(0.5))
    electrode.dur1, electrode.rs = 1e9, 1e-3
    voltage, time = n.Vector(voltages_mV), n.Vector(times_ms)
    voltage.play(electrode._ref_amp1, time, True)
    return electrode, voltage, time


def differences(rows, found):
    """The largest of |found - expected| / (1e-6 max(|expected|, 1)), column by column of the tables."""
    return max(
        abs(value[key] - row[key]) / (1e-6 * max(abs(row[key]), 1.0))
        for row, value in zip(rows, found, strict=True)
        for key in row
        if key in value
    )


def at_start(cases):
    """For every (v, settings) what stands after an initialisation."""
    from neuron import n

    found = []
    for v_mV, settings in cases:
        section, segment = spine(n, **settings)
        n.finitialize(v_mV)
        mechanism = segment.spineca
        found.append(
            {
                **seen(segment),
                "pmca": (mechanism.pmca1 / (mechanism.pmca0 + mechanism.pmca1), mechanism.jpmca * COPIES_PER_mM * 1e3),
                "ncx": (mechanism.ncx1 / (mechanism.ncx0 + mechanism.ncx1), mechanism.jncx * COPIES_PER_mM * 1e3),
                "calb": [mechanism.calb(i, j) / mechanism.calbindin for i, j in NINE],
                "pA": mechanism.ivdcc * segment.area() * 10 / (mechanism.vdcc * SURFACE_um2 * mechanism.o),
                "current": (mechanism.ivdcc, segment.ica),
            }
        )
        del section
    return found


def test_channel_starts_in_the_steady_state_of_the_table_with_its_current():
    rows = table("vdcc_steady_state.csv")
    starts = in_neuron(at_start, [(row["V_mV"], {}) for row in rows])
    for row, found in zip(rows, starts, strict=True):
        for name in "C0 C1 C2 C3 O".split():
            assert found[name] == pytest.approx(row[name], rel=1e-11)
        assert found["pA"] == pytest.approx(row["iCa_pA"], rel=1e-9)
        assert found["pA"] == pytest.approx(-row["kCa_ions_per_s_per_open_channel"] * 2 * 1.602176634e-7, rel=1e-9)
        assert found["current"][0] == found["current"][1]


def test_calbindin_starts_in_the_equilibrium_of_the_table():
    rows = table("calbindin_equilibrium.csv")
    starts = in_neuron(at_start, [(-65.0, {"rest": row["ca_uM"] * 1e-3}) for row in rows])
    for row, found in zip(rows, starts, strict=True):
        assert found["calb"] == pytest.approx([row[f"h{i}m{j}"] for i, j in NINE], rel=1e-13)


def test_pumps_carry_what_the_table_says():
    copies = {"pmca": 998 * SURFACE_um2, "ncx": 142 * SURFACE_um2}
    rows = table("pump_flux.csv")
    both = in_neuron(at_start, [(-65.0, {"rest": row["ca_uM"] * 1e-3}) for row in rows])
    no_leak = {"pmca_leak": 0.0, "ncx_leak": 0.0}
    none = in_neuron(at_start, [(-65.0, {"rest": row["ca_uM"] * 1e-3, **no_leak}) for row in rows])
    for row, with_leak, without in zip(rows, both, none, strict=True):
        for pump, leak_of_all, leak_per_s in (
            ("pmca", "PMCA_net_ions_per_s_leakboth", 4.3),
            ("ncx", "NCX_net_leakboth", 19.4),
        ):
            name = pump.upper()
            fraction, net = with_leak[pump]
            free_only = without[pump][1] / copies[pump] - leak_per_s * (1 - fraction)
            assert fraction == pytest.approx(row[f"{name}1_frac"], abs=1e-12)
            assert net / copies[pump] == pytest.approx(row[leak_of_all], rel=1e-9)
            assert free_only == pytest.approx(row[f"{name}_net_leakfree_only"], rel=1e-9)


def impulse(dt_ms=None):
    """The columns of the table of the impulse, by CVODE or by fixed steps."""
    from neuron import n

    _section, segment = spine(n, vdcc=0.0)
    cvode = None if dt_ms else variable_step(n)
    n.dt = dt_ms or n.dt
    n.finitialize(-65)
    segment.cai += 0.02
    if cvode:
        cvode.re_init()
    found = []
    for row in table("spine_impulse20uM.csv"):
        if cvode and row["t_ms"] > 0:
            cvode.solve(row["t_ms"])
        while not cvode and n.t < min(row["t_ms"], 1.0) - n.dt / 2:
            n.fadvance()
        found.append(seen(segment))
    return found


def test_twenty_uM_at_rest_decay_as_the_table_says_under_cvode():
    assert differences(table("spine_impulse20uM.csv"), in_neuron(impulse)) < 1


def test_fixed_steps_are_first_order_and_their_limit_is_the_table():
    rows = [row for row in table("spine_impulse20uM.csv") if 0 < row["t_ms"] <= 1]

    def errors(dt_ms):
        found = in_neuron(impulse, dt_ms)[1 : len(rows) + 1]
        return np.array(
            [[value[key] - row[key] for key in row if key in value] for row, value in zip(rows, found, strict=True)]
        )

    coarse, middle, fine = (errors(dt_ms) for dt_ms in (0.002, 0.001, 0.0005))
    size = [np.abs(each).max(axis=0) for each in (coarse, middle, fine)]
    assert np.all((size[0] / size[1] > 1.8) & (size[0] / size[1] < 2.2))
    assert np.all((size[1] / size[2] > 1.9) & (size[1] / size[2] < 2.1))
    # What is left of first order errors after extrapolation is second order: a quarter each time the step is halved.
    left = [np.abs(2 * b - a).max() for a, b in ((coarse, middle), (middle, fine))]
    assert 3.3 < left[0] / left[1] < 4.7 and left[1] < size[2].max() / 20


def spike():
    """The columns of the table of the spike."""
    from neuron import n

    section, segment = spine(n)
    after_ms = np.concatenate([np.arange(0, 20, 1e-3), np.arange(20, 210, 0.01)])
    spike_mV = -65 + 67 * (0.7 * np.exp(-after_ms / 3) + 0.3 * np.exp(-after_ms / 40))
    _keep = clamp(n, section, [0, 1, *(1 + after_ms)], [-65, -65, *spike_mV])
    cvode = variable_step(n, 1e-9)
    n.finitialize(-65)
    found = []
    for row in table("spine_bap.csv"):
        cvode.solve(row["t_ms"])
        found.append({**seen(segment), "V_mV": segment.v})
    return found


def test_a_spike_opens_channels_and_raises_calcium_as_the_table_says_under_cvode():
    rows, found = table("spine_bap.csv"), in_neuron(spike)
    found[0]["V_mV"] = rows[0]["V_mV"]  # the table has the voltage after the jump at 1 ms
    assert differences(rows, found) < 1


def step_of_voltage():
    """Occupancies under 0 mV for 1 ms, then -65 mV."""
    from neuron import n

    section, segment = spine(n)
    _keep = clamp(n, section, [0, 1, 1, 10], [0, 0, -65, -65])
    cvode = variable_step(n, 1e-9)
    n.finitialize(0)
    for name in CHANNEL:
        setattr(segment.spineca, name, table("vdcc_step_m65_0_m65.csv")[0][name.upper()])
    cvode.re_init()
    found = [seen(segment)]
    for row in table("vdcc_step_m65_0_m65.csv")[1:]:
        cvode.solve(row["t_ms"])
        found.append(seen(segment))
    return found


def test_a_step_of_voltage_moves_the_channel_as_the_table_says_under_cvode():
    assert differences(table("vdcc_step_m65_0_m65.csv"), in_neuron(step_of_voltage)) < 1


def conserved(variable, closed):
    """Calcium inside less what came in, plus what went out, in mM, every 10 ms of a second; and calcium there, its total turnover."""
    from neuron import n

    section, segment = spine(n, dye=0.05, **({"vdcc": 0.0, "pmca": 0.0, "ncx": 0.0, "rest": 1e-4} if closed else {}))
    if not closed:
        section.insert("casource")
        section.insert("hh")
        segment.casource.amplitude, segment.casource.period = 1e-3, 37.0
    if variable:
        variable_step(n, 1e-5)
    n.dt = 0.1
    n.finitialize(-65)
    segment.cai += 0.02
    n.CVode().re_init()
    rows = []
    for t_ms in np.arange(0, 1001, 10.0):
        n.ParallelContext().set_maxstep(10)
        n.ParallelContext().psolve(t_ms)
        mechanism = segment.spineca
        held = (segment.cai, *(getattr(mechanism, f"{name}1") for name in "pmca ncx cbp h m dye".split()))
        rows.append((math.fsum((*held, mechanism.extruded, -mechanism.leaked, -mechanism.entered)), segment.cai))
    return np.array(rows), (segment.spineca.extruded, segment.spineca.leaked, segment.spineca.entered)


@pytest.mark.parametrize("variable", [False, True], ids=["fixed step", "CVODE"])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_calcium_is_conserved_over_a_second(variable, closed):
    rows, tallies = in_neuron(conserved, variable, closed)
    assert np.abs(rows[:, 0] / rows[0, 0] - 1).max() < 1e-9
    assert rows[0, 1] > 0.02 and rows[-1, 1] < 0.01
    assert all(tally == 0 if closed else abs(tally) > 1e-3 for tally in tallies)


def own_geometry(dt_ms, steps):
    """Of a cylinder: volume, surface; what casource's current brings in by fixed steps."""
    from neuron import n

    section = n.Section("s")
    section.L, section.diam = 3.0, 0.8
    for name in ("spineca", "casource"):
        section.insert(name)
    segment = section(0.5)
    segment.spineca.vdcc, segment.casource.amplitude = 0.0, 1e-4
    n.dt = dt_ms
    n.finitialize(-65)
    for _ in range(steps):
        n.fadvance()
    return segment.spineca.volume, segment.spineca.surface, segment.spineca.entered, segment.area()


def test_a_segment_of_its_own_volume_takes_up_the_current_of_other_mechanisms():
    volume_um3, surface_um2, entered_mM, area_um2 = in_neuron(own_geometry, 0.025, 40)
    assert surface_um2 == area_um2 == pytest.approx(math.pi * 0.8 * 3, rel=1e-12)
    assert volume_um3 == pytest.approx(math.pi * 0.4**2 * 3, rel=1e-12)
    ions_mM = 1e-4 * 1e-3 * area_um2 * 1e-8 * 1e-3 / (2 * 96485.33212) / (volume_um3 * 1e-15) * 1e3
    assert entered_mM == pytest.approx(ions_mM, rel=1e-9)


def head_of(volume_um3):
    """The surface that goes with a volume alone."""
    from neuron import n

    _section, segment = spine(n, head_volume=volume_um3, head_surface=0.0)
    n.finitialize(-65)
    return segment.spineca.volume, segment.spineca.surface


def test_a_head_of_which_only_the_volume_is_given_is_a_sphere():
    assert in_neuron(head_of, VOLUME_um3) == pytest.approx((VOLUME_um3, SURFACE_um2), rel=1e-12)


def with_setting(name, value, threads=1):
    from neuron import n

    _keep = [spine(n, **{name: value}) for _ in range(2)]
    n.ParallelContext().nthread(threads)
    n.finitialize(-65)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("head_volume", -1.0, "head_volume_spineca is -1; set it to 0 or a positive number"),
        ("calbindin", math.nan, "calbindin_spineca is nan; set it to 0 or a positive number"),
        ("pmca_leak", 1.0, "at no calcium do the pumps carry out what leaks in; set rest_spineca"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(name, value, words, threads):
    outcome = run(with_setting, name, value, threads)
    assert outcome.status == 1 and "RuntimeError" in outcome.stderr
    assert words in outcome.stderr


def cells(n):
    """Four spines on an active membrane, of sizes of their own."""
    sections = [n.Section(f"s{i}") for i in range(4)]
    for i, section in enumerate(sections):
        section.insert("spineca")
        section.insert("hh")
        section(0.5).spineca.head_volume = 0.03 * (i + 1)
        section.L = section.diam = 0.5
    electrodes = [n.IClamp(section(0.5)) for section in sections]
    for electrode in electrodes:
        electrode.dur, electrode.amp = 1.0, 2e-4
    return sections, electrodes


def advance(n, sections, end_ms):
    rows = []
    while n.t < end_ms - n.dt / 2:
        n.fadvance()
        rows.append([states(section(0.5)) for section in sections])
    return np.array(rows)


def threaded(threads):
    from neuron import n

    sections, _electrodes = cells(n)
    n.ParallelContext().nthread(threads)
    n.finitialize(-65)
    return advance(n, sections, 10)


def test_threads_change_no_bit():
    one = in_neuron(threaded, 1)
    assert np.array_equal(one, in_neuron(threaded, 2)) and one[:, 0, 0].max() > 2 * one[0, 0, 0]


def restored():
    from neuron import n

    sections, _electrodes = cells(n)
    n.finitialize(-65)
    advance(n, sections, 5)
    saved = n.SaveState()
    saved.save()
    first = advance(n, sections, 10)
    n.finitialize(-30)
    saved.restore()
    return first, advance(n, sections, 10)


def test_a_restored_run_goes_on_bit_for_bit():
    first, second = in_neuron(restored)
    assert np.array_equal(first, second)


def core():
    """Calcium, the open channel and voltage of the four by NEURON and by CoreNEURON."""
    from neuron import coreneuron, n

    sections, _electrodes = cells(n)
    records = []
    for segment in (section(0.5) for section in sections):
        records += [n.Vector().record(ref) for ref in (segment._ref_cai, segment.spineca._ref_o, segment._ref_v)]
    n.CVode().cache_efficient(True)
    n.ParallelContext().set_maxstep(10)
    out = []
    for enabled in (False, True):
        coreneuron.enable = enabled
        n.finitialize(-65)
        n.ParallelContext().psolve(10)
        out.append(np.array([record.as_numpy() for record in records]))
    return out


def test_coreneuron_gives_the_traces_of_neuron():
    neuron, coreneuron = in_neuron(core, load="coreneuron")
    assert neuron.shape == coreneuron.shape == (12, 401)
    np.testing.assert_allclose(coreneuron, neuron, rtol=1e-9, atol=1e-12)
