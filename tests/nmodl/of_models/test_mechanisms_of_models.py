"""Mechanisms made by `nubridge mechanisms --model`: of a learned channel, a kernel, a grid and a closure, against their models."""

import numpy as np
import pytest

import neuron_process
import nubridge
from neuron_process import nubridge_command


def in_neuron(function, *arguments):
    return neuron_process.in_neuron(function, *arguments, load="nothing")


def learned_gate(folder):
    """A gate with two states, opening with calcium, F on a grid over nu and calcium."""
    t_s = np.linspace(0, 0.4, 81)
    data = []
    for ca in (0.1, 0.4, 0.7, 1.0):
        for start in (0.1, 0.85):
            rest = 50 * ca / (50 * ca + 10)
            p = rest + (start - rest) * np.exp(-(50 * ca + 10) * t_s)
            data.append({"t_s": t_s, "C": 1 - p, "O": p, "inputs": {"Ca": ca}})
    grid, family = nubridge.GridElements({"O": 1.0, "Ca": 0.5}), nubridge.Categorical(["C", "O"])
    return nubridge.train(None, folder, family=family, dynamics=grid, data=data, inputs={"Ca": "uM"}, steps=5)


def learned_fall(folder):
    """A -> 0 with Poisson counts and theta from their mean: nu grows by theta a second, exactly."""
    network = nubridge.Network.build({"A": 9}, [{"name": "decay", "reactants": ["A"], "rate": 1.0}])
    t_s = np.linspace(0, 2, 21)
    data = {"t_s": t_s, "A": 9 * np.exp(-0.5 * t_s)}
    family = nubridge.Counts("A", base="poisson")
    return nubridge.train(network, folder, family=family, data=data, name="fall", steps=5)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder of four mod files and of two models."""
    folder = tmp_path_factory.mktemp("made")
    learned_gate(folder / "gate")
    learned_fall(folder / "fall")
    wanted = {
        "mysk": ["sk_calcium", "--current", "open:k"],
        "mykinase": ["camkii", "--input", "cam=30", "--input", "camkii=80"],
        "gate": [folder / "gate", "--input", "Ca=pointer"],
        "fall": [folder / "fall"],
    }
    for suffix, words in wanted.items():
        done = nubridge_command("mechanisms", "--suffix", suffix, "--model", *words)
        assert done.returncode == 0, done.stderr
        (folder / f"{suffix}.mod").write_text(done.stdout)
    return folder


def loaded(folder, *names):
    nubridge.load(folder)
    from neuron import n

    section = n.Section("s")
    for name in names:
        section.insert(name)
    return n, section, section(0.5)


def values(mechanism, names):
    return np.array([getattr(mechanism, name) for name in names])


def stepped_channel(folder):
    """States after 40 steps of calcium that a script writes, the same by the model, and a current."""
    n, _section, segment = loaded(folder, "mysk")
    model = nubridge.Kernel("sk_calcium")
    segment.cai = 3e-4
    n.finitialize(-65)
    state, before = model.initial([0.3]), 0.3
    for ca_uM in 0.3 + 2.0 * np.sin(0.1 * np.arange(1, 41)) ** 2:
        segment.cai = ca_uM * 1e-3
        current = (
            segment.mysk.gbar * segment.mysk.open * (segment.v - segment.ek)
        )  # BREAKPOINT comes before the state moves
        n.fadvance()
        state, before = model.step(state, [(before + ca_uM) / 2], n.dt), ca_uM
    return (
        values(segment.mysk, model.state_names),
        state,
        segment.mysk.open,
        model.observe(state)["open"],
        segment.ik,
        current,
    )


def test_a_learned_channel_steps_as_its_model(made):
    states, expected, open_, expected_open, current, expected_current = in_neuron(stepped_channel, str(made))
    np.testing.assert_allclose(states, expected, rtol=0, atol=1e-13)
    assert open_ == pytest.approx(expected_open, abs=1e-13)
    assert current == pytest.approx(expected_current, rel=1e-12)


def kinases(folder, by_cvode):
    """pT286 over CaMKII by `camkii` and by the mechanism made of its model, in a calcium that stands."""
    n, _section, segment = loaded(folder, "camkii", "mykinase")
    segment.camkii.hold = 0
    segment.cai = 5e-5
    cvode = n.CVode()
    cvode.active(by_cvode)
    cvode.atol(1e-8)
    n.finitialize(-65)
    segment.cai = 2e-3
    segment.camkii.ca_left = segment.mykinase.ca_left = 2e-3
    if by_cvode:
        cvode.re_init()
        cvode.solve(200)
    else:
        while n.t < 200 - n.dt / 2:
            n.fadvance()
    return segment.camkii.pT286, segment.mykinase.pT286 / 80.0, segment.camkii.bound, segment.mykinase.bound / 80.0


@pytest.mark.parametrize(("by_cvode", "within"), [(False, 1e-12), (True, 1e-6)])
def test_a_kernel_becomes_the_mechanism_that_we_ship(made, by_cvode, within):
    ours, theirs, bound, their_bound = in_neuron(kinases, str(made), by_cvode)
    assert ours > 1e-3
    assert theirs == pytest.approx(ours, abs=within)
    assert their_bound == pytest.approx(bound, abs=within)


def gate_along(folder, dt_ms, by_cvode=False):
    """Open probability at 50, 100, ... 250 ms of a calcium that a vector plays to the pointer."""
    n, _section, segment = loaded(folder, "gate")
    t_ms = np.arange(0, 260.1, 0.5)
    played = n.Vector(1.0), n.Vector(t_ms), n.Vector(wave(t_ms))
    n.setpointer(played[0]._ref_x[0], "Ca", segment.gate)
    played[2].play(played[0]._ref_x[0], played[1], True)
    cvode = n.CVode()
    cvode.active(by_cvode)
    cvode.atol(1e-7)
    n.dt = dt_ms
    n.finitialize(-65)
    found = []
    for stop in range(50, 251, 50):
        if by_cvode:
            cvode.solve(stop)
        else:
            while n.t < stop - dt_ms / 2:
                n.fadvance()
        found.append(segment.gate.O)
    return found, segment.gate.outside


def wave(t_ms):
    return 0.5 + 0.3 * np.sin(2 * np.pi * t_ms / 130)


def test_a_learned_grid_runs_by_fixed_steps_and_by_cvode(made):
    model = nubridge.Model(made / "gate")
    t_ms = np.arange(0, 250.1, 0.5)
    begin = nubridge.Kernel(made / "gate").initial([wave(0.0)])
    expected = model.observe(model.trajectory(begin, t_ms / 1e3, wave(t_ms)[:, None]))[100::100, 0]
    assert expected.max() - expected.min() > 0.05
    errors = {}
    for dt_ms in (0.5, 0.25):
        found, outside = in_neuron(gate_along, str(made), dt_ms)
        errors[dt_ms] = np.abs(np.array(found) - expected).max()
        assert outside == 0
    assert errors[0.25] < 1e-6
    assert errors[0.5] / errors[0.25] == pytest.approx(4.0, abs=0.1)  # second order in dt
    np.testing.assert_allclose(in_neuron(gate_along, str(made), 0.025, True)[0], expected, atol=2e-5)


def fallen(folder, by_cvode):
    n, _section, segment = loaded(folder, "fall")
    n.start_fall = 0
    segment.fall.nu_A_0 = -2.0
    cvode = n.CVode()
    cvode.active(by_cvode)
    cvode.atol(1e-8)
    n.dt = 1.0
    n.finitialize(-65)
    if by_cvode:
        cvode.solve(500)
    while n.t < 500 - n.dt / 2:
        n.fadvance()
    return segment.fall.nu_A, segment.fall.A


@pytest.mark.parametrize("by_cvode", [False, True])
def test_a_closure_with_learned_theta_runs_in_nu(made, by_cvode):
    theta = nubridge.Model(made / "fall").coefficients[0]
    assert theta == pytest.approx(0.5, abs=1e-6)
    nu, mean = in_neuron(fallen, str(made), by_cvode)
    assert nu == pytest.approx(-2.0 + 0.5 * theta, abs=1e-6)
    assert mean == pytest.approx(np.exp(-nu), rel=1e-6)


def unsettled(folder):
    n, _section, _segment = loaded(folder, "fall")
    n.finitialize(-65)


def nan_on_a_pointer(folder):
    n, _section, segment = loaded(folder, "gate")
    calcium = n.Vector([0.5])
    n.setpointer(calcium._ref_x[0], "Ca", segment.gate)
    n.finitialize(-65)
    calcium.x[0] = 30.0
    n.fadvance()
    counted = segment.gate.outside
    assert counted == 1, counted
    calcium.x[0] = float("nan")
    n.fadvance()


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unsettled, ["fall finds no steady state", "start_fall = 0"]),
        (nan_on_a_pointer, ["'Ca' is 15", "outside the domain 0.1 to 1 uM", "'Ca' is nan uM"]),
    ],
)
def test_faults_are_told_by_words(made, function, words):
    outcome = neuron_process.run(function, str(made), load="nothing")
    assert outcome.status != 0
    for word in words:
        assert word in outcome.stderr + outcome.stdout


def in_threads(folder, threads):
    nubridge.load(folder)
    from neuron import n

    n.load_file("stdrun.hoc")
    sections = [n.Section(f"s{i}") for i in range(8)]
    for i, section in enumerate(sections):
        for name in ("mysk", "fall"):
            section.insert(name)
        section(0.5).cai = 1e-4 * (i + 1)
    n.start_fall = 0
    n.ParallelContext().nthread(threads)
    n.finitialize(-65)
    for _ in range(200):
        n.fadvance()
    return [(section(0.5).mysk.open, section(0.5).fall.A) for section in sections]


def test_two_threads_give_the_bits_of_one(made):
    assert in_neuron(in_threads, str(made), 1) == in_neuron(in_threads, str(made), 2)
