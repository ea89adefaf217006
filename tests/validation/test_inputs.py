"""Inputs that move in time: their sampling, the ode engine that follows them, and what is refused."""

import csv
import math
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest

import nubridge
from nubridge.inputs import pieces

ORACLES = Path(__file__).resolve().parents[1] / "support" / "oracles"


def values_of(given, t_s, **context):
    """The pieces' values at many times."""
    knots_s, powers = pieces(given, "x", **{"unit": "uM", "end_s": 1.0, **context})
    index = np.clip(np.searchsorted(knots_s, t_s, side="right") - 1, 0, None)
    x = np.maximum(t_s - knots_s[index], 0.0)
    return np.einsum("ij,ij->i", powers[index], np.vander(x, 4, increasing=True)), knots_s, powers


@pytest.mark.parametrize(
    "law",
    [
        lambda t: 2.0 + math.sin(20 * t),
        lambda t: math.sin(7 * t) ** 2,
        lambda t: abs(t - 1 / 3),
        lambda t: 10.0 if t >= math.sqrt(0.5) else 0.1,
        lambda t: math.exp(-(((t - 0.4) / 0.003) ** 2)),
        lambda t: math.sqrt(t),
        lambda t: 3.0 + 0.0 * t,
        np.cos,
    ],
)
def test_a_callable_is_met_to_1e_9_of_its_range_and_never_falls_below_zero(law):
    t_s = np.linspace(0.0, 1.0, 30_011)
    exact = np.array([law(t) for t in t_s])
    found, knots_s, powers = values_of(law, t_s)
    assert np.abs(found - exact).max() <= 3e-9 * max(np.ptp(exact), 1e-3)
    assert found.min() >= 0.0
    assert len(knots_s) < 20_000
    assert not powers[-1, 1:].any()


def test_a_pulse_train_is_the_sum_of_its_pulses():
    train = nubridge.PulseTrain(amplitude=10, unit="uM", rate_hz=20, tau_ms=12, pulses=7, base=0.1, start_s=0.05)
    t_s = np.linspace(0.0, 1.0, 30_011)
    exact = np.full_like(t_s, 0.1)
    for pulse in range(7):
        since = t_s - 0.05 - pulse / 20
        exact += np.where(since >= 0, 10 * np.exp(-np.maximum(since, 0) / 0.012), 0)
    for end_s in (1.0, None):
        found, _, _ = values_of(train, t_s, end_s=end_s)
        assert (np.abs(found - exact) <= 2e-9 * (exact + 0.1)).all()


def test_units_follow_the_network():
    times = np.array([0.5])
    assert values_of(nubridge.Waveform([0], [2.0], unit="mM"), times)[0] == pytest.approx(2000.0)
    in_molecules = {"unit": "molecules", "volume_um3": 0.5}
    assert values_of(nubridge.Waveform([0], [2e-3], unit="mM"), times, **in_molecules)[0] == pytest.approx(602.214076)
    in_uM = {"unit": "uM", "volume_um3": 0.5}
    assert values_of(nubridge.Waveform([0], [602.214076], unit="molecules"), times, **in_uM)[0] == pytest.approx(2.0)
    assert values_of(nubridge.Waveform([0], [2.0]), times, **in_molecules)[0] == 2.0


def test_camkii_follows_pepke_pulse_trains_within_1e_6():
    with (ORACLES / "pepke_pulse_trains_k11_0.33.csv").open() as file:
        rows = [{name: float(text) for name, text in row.items()} for row in csv.DictReader(file)]
    network = nubridge.Network("camkii")
    without = {name: 0.0 for name in network.parameters if name.startswith("kp")}
    rest = nubridge.simulate("camkii", "ode", [200.0], parameters=without, inputs={"Ca": 0.1})
    initial = {name: rest[name][0, 0] for name in network.species}
    for rate_hz, group in groupby(rows, key=lambda row: row["freq_Hz"]):
        train = list(group)
        calcium = nubridge.PulseTrain(amplitude=10, unit="uM", rate_hz=rate_hz, tau_ms=12, pulses=30, base=0.1)
        result = nubridge.simulate(
            network,
            "ode",
            [row["t_s"] - 1e-12 for row in train],
            initial=initial,
            inputs={"Ca": calcium},
            relative_tolerance=1e-7,
        )
        for name in set(train[0]) - {"freq_Hz", "n_pulses", "t_s"}:
            expected = np.array([row[name] for row in train])
            assert np.abs(result[name][0] / expected - 1).max() < 1e-6, (name, rate_hz)


def test_a_sine_drives_a_linear_system_along_its_closed_form():
    # dX/dt = 3 u - 2 X, u = 1 + sin(w t)
    network = nubridge.Network.build(
        {"U": 0, "X": 0}, [{"reactants": ["U"], "products": ["U", "X"], "rate": 3}, {"reactants": ["X"], "rate": 2}]
    )
    w, t_s = 9.0, np.linspace(0.0, 4.0, 41)
    result = nubridge.simulate(network, "ode", t_s, inputs={"U": lambda t: 1 + math.sin(w * t)})
    particular = 1.5 + 3 * (2 * np.sin(w * t_s) - w * np.cos(w * t_s)) / (4 + w * w)
    exact = particular - particular[0] * np.exp(-2 * t_s)
    assert np.abs(result["X"][0] - exact).max() < 3e-8
    assert np.abs(result["U"][0] - 1 - np.sin(w * t_s)).max() < 3e-9


def test_a_simulator_goes_as_far_as_its_callables_were_sampled():
    simulator = nubridge.Simulator("sk", "ode", inputs={"Ca": lambda t: 1 + t}, end_s=0.5)
    simulator.advance(0.5)
    assert simulator["Ca"] == pytest.approx(1.5, rel=1e-9)
    with pytest.raises(nubridge.InvalidArgumentError, match=r"0\.6 s.*0\.5 s.*end_s"):
        simulator.advance(0.6)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda t: -1.0 if t > 0.5 else 1.0, ["'Ca'", "-1.0 at 0.50", "not negative"]),
        (lambda t: math.nan * t, ["'Ca'", "nan at 0.0 s"]),
        (lambda t: f"{t} uM", ["'Ca'", "'0.0 uM'", "number"]),
        (lambda t: np.random.default_rng(int(t * 1e12)).random(), ["'Ca'", "too rough", "Waveform"]),
        (([0.0, 1.0], [1.0, -2.0]), ["'Ca'", "-2.0", "at 1.0 s"]),
        (([0.0, 1.0], [1.0]), ["'Ca'", "(2,)", "(1,)"]),
        (([0.0, 0.0], [1.0, 1.0]), ["'Ca'", "ascend"]),
        ((["a"], [1.0]), ["'Ca'", "numbers"]),
        ("fast", ["'Ca'", "'fast'", "PulseTrain"]),
        (nubridge.Waveform([0.0], [1.0], "cubic"), ["'cubic'", "constant, linear"]),
        (nubridge.Waveform([0.0], [1.0], unit="M"), ["'M'", "uM"]),
        (nubridge.PulseTrain(10, rate_hz=0, tau_ms=12), ["rate_hz 0", "positive"]),
        (nubridge.PulseTrain(-10, rate_hz=1, tau_ms=12), ["amplitude -10", "not negative"]),
    ],
)
def test_a_bad_input_is_named(given, words):
    with pytest.raises(nubridge.Error) as error:
        nubridge.simulate("sk", "ode", 1.0, inputs={"Ca": given})
    for word in words:
        assert word in str(error.value)


def test_molecules_need_a_volume():
    network = nubridge.Network.build({"Ca": 1.0}, [{"reactants": ["Ca"], "rate": 1.0}], unit="uM")
    molecules = nubridge.Waveform([0.0], [1.0], unit="molecules")
    with pytest.raises(nubridge.InvalidArgumentError, match=r"molecules.*volume_um3"):
        nubridge.simulate(network, "ode", 1.0, inputs={"Ca": molecules})


def test_a_callable_without_an_end_is_refused():
    with pytest.raises(nubridge.InvalidArgumentError, match="end_s"):
        nubridge.Simulator("sk", "ode", inputs={"Ca": lambda t: t})


def test_a_parameter_takes_no_unit():
    with pytest.raises(nubridge.InvalidArgumentError, match="a parameter has a unit of its own"):
        nubridge.simulate("decay", "ode", 1.0, inputs={"k": nubridge.Waveform([0], [1], unit="uM")})


def computed_network(tmp_path):
    """k2 = k1^2 + c; R2 at 3 k2."""
    path = tmp_path / "computed.net"
    path.write_text(
        "begin parameters\n1 k1 2\n2 c 0\n3 k2 k1^2+c\nend parameters\nbegin species\n1 A 5\n2 B 5\nend species\n"
        "begin reactions\n1 1 0 k1\n2 2 0 3*k2\nend reactions\n"
    )
    return nubridge.Network(path)


def test_rates_that_are_computed_from_a_parameter_follow_it(tmp_path):
    simulator = nubridge.Simulator(computed_network(tmp_path), "ode")
    simulator.set_rate("k1", 0.5)
    simulator.set_rate("c", 0.25)
    simulator.advance(1.0)
    assert simulator["A"] == pytest.approx(5 * math.exp(-0.5), rel=1e-7)
    assert simulator["B"] == pytest.approx(5 * math.exp(-3 * 0.5), rel=1e-7)
    simulator.set_rate("k2", 0.0)
    simulator.advance(2.0)
    assert simulator["B"] == pytest.approx(5 * math.exp(-3 * 0.5), rel=1e-7)
    with pytest.raises(nubridge.InvalidArgumentError, match="'k3'"):
        simulator.set_rate("k3", 1.0)


def test_an_input_of_a_parameter_that_others_are_computed_from_is_refused(tmp_path):
    with pytest.raises(nubridge.InvalidArgumentError, match="'k2' is computed from 'k1'"):
        nubridge.simulate(computed_network(tmp_path), "ode", 1.0, inputs={"k1": lambda t: t})


@pytest.mark.parametrize("regime", ["tau", "langevin"])
def test_sk_under_a_calcium_transient_has_the_mean_of_mass_action(regime):
    # Channels are independent: the mean obeys mass action, and the number open is nearly binomial.
    train = nubridge.PulseTrain(amplitude=5, unit="uM", rate_hz=50, tau_ms=12, pulses=3, base=0.1)
    times = [0.01, 0.03, 0.08]
    how = {"inputs": {"Ca": train}, "initial": {"C1": 1.0}}
    ode = nubridge.simulate("sk", "ode", times, **how)
    found = nubridge.simulate("sk", regime, times, runs=200, seed=5, volume_um3=100.0, **how)
    error = found.std("open") / 200**0.5
    assert (np.abs(found.mean("open") - ode.mean("open")) < 4 * error + 1e-3 * ode.mean("open")).all()
