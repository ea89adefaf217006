"""The neural master equation: exact runs against the exact distribution, both against closed forms."""

import numpy as np
import pytest

import nubridge
from nubridge._ensemble import Watch

RANDOM = np.random.default_rng(5)
MIXED = RANDOM.normal(0.0, 1.0, (6, 6))
RATES = {"decay_per_s": 10.0, "max_rate_per_s": 40.0, "gain": 2.0, "threshold": 0.8}


def all_to_all(size, weight, **rates):
    return nubridge.NeuralNetwork(weight * (1 - np.eye(size)), **rates)


@pytest.mark.parametrize("response", ["logistic", "tanh"])
def test_exact_runs_have_the_exact_distribution(response):
    """Every state, and every neuron, at two times."""
    rates = {**RATES, "response": response, "threshold": 0.2}
    network = nubridge.NeuralNetwork(MIXED, **rates, inputs=[0.5, 0.9, 0.3, 1.0, 0.2, 0.6])
    begin, t_s, runs = [1, 0, 0, 1, 0, 1], [0.03, 0.2], 20_000
    exact = network.distribution(t_s, begin)
    found = network.simulate(t_s, runs, seed=2, initial=begin)
    assert found.shape == (runs, 2, 6) and found.dtype == np.uint8
    numbers = found @ (1 << np.arange(6))
    for time, p in enumerate(exact):
        share = np.bincount(numbers[:, time], minlength=64) / runs
        expected = runs * p >= 10
        z = (share - p)[expected] / np.sqrt(p * (1 - p) / runs)[expected]
        assert np.abs(z).max() < 4
        mean = p @ network.states()
        assert np.all(np.abs(found[:, time].mean(axis=0) - mean) < 4 * np.sqrt(mean * (1 - mean) / runs))


def test_a_sparse_network_has_the_exact_distribution():
    """Fewer than a quarter of the weights: they are kept as a list."""
    weights = np.zeros((8, 8))
    weights[np.arange(8), np.arange(8) - 1] = 2.0
    network = nubridge.NeuralNetwork(weights, **RATES, inputs=0.3)
    runs = 20_000
    mean = network.distribution([0.3])[0] @ network.states()
    found = network.simulate([0.3], runs, seed=3).mean(axis=(0, 1))
    assert np.all(np.abs(found - mean) < 4 * np.sqrt(mean * (1 - mean) / runs))


def test_neurons_without_weights_are_independent_two_state_units():
    inputs = np.array([0.1, 0.5, 1.0, 2.0])
    network = nubridge.NeuralNetwork(np.zeros((4, 4)), **RATES, inputs=inputs)
    up = 40.0 / (1 + np.exp(-2.0 * (inputs - 0.8)))
    for t_s in (0.01, 0.1):
        active = up / (up + 10.0) * -np.expm1(-(up + 10.0) * t_s)
        product = np.prod(np.where(network.states() == 1, active, 1 - active), axis=1)
        np.testing.assert_allclose(network.distribution([t_s])[0], product, atol=1e-15)
    np.testing.assert_allclose(network.steady_state() @ network.states(), up / (up + 10.0), rtol=1e-13)


def test_an_all_to_all_network_is_a_birth_death_chain_of_its_active_neurons():
    size, weight, t_s = 12, 0.25, 0.08
    network = all_to_all(size, weight, **RATES)
    k = np.arange(size + 1)
    rise, fall = (size - k) * 40.0 / (1 + np.exp(-2.0 * (weight * k - 0.8))), 10.0 * k
    # Of D^-1 A D with detailed balance D: a symmetric matrix, whose exponential is well conditioned.
    law = np.cumprod(np.concatenate([[1.0], rise[:-1] / fall[1:]]))
    root = np.sqrt(law / law.sum())
    beside = np.sqrt(rise[:-1] * fall[1:])
    values, vectors = np.linalg.eigh(np.diag(-rise - fall) + np.diag(beside, 1) + np.diag(beside, -1))
    chain = root * (vectors @ (np.exp(values * t_s) * vectors[0])) / root[0]
    active = network.states().sum(axis=1)
    np.testing.assert_allclose(np.bincount(active, network.distribution([t_s])[0]), chain, atol=1e-13)
    np.testing.assert_allclose(np.bincount(active, network.steady_state()), root**2, rtol=1e-11)


def test_a_distribution_goes_on_from_where_it_was():
    network = nubridge.NeuralNetwork(MIXED, **RATES, inputs=0.5)
    first, last = network.distribution([0.05, 0.12])
    np.testing.assert_allclose(network.distribution([0.07], first)[0], last, atol=1e-14)
    steady = network.steady_state()
    np.testing.assert_allclose(network.distribution([1.0], steady)[0], steady, atol=1e-14)


def test_a_thousand_neurons_follow_their_mean_field():
    """Weights of order 1/N: fluctuations are of order 1/sqrt(N), and their correction to the mean of order 1/N."""
    size, weight, runs = 1000, 2.0, 20
    network = all_to_all(size, weight / size, **RATES)
    mean, dt = 0.0, 1e-4
    for _ in range(10_000):
        mean += dt * ((1 - mean) * 40.0 / (1 + np.exp(-2.0 * (weight * mean - 0.8))) - 10.0 * mean)
    found = network.simulate([1.0], runs, seed=4).mean(axis=(1, 2))
    assert abs(found.mean() - mean) < 4 * found.std(ddof=1) / np.sqrt(runs) + 2 / size


def test_threads_and_calls_in_pieces_do_not_change_a_byte():
    network = nubridge.NeuralNetwork(RANDOM.normal(0, 0.2, (50, 50)), **RATES)
    straight = network.simulate([0.1, 0.3], runs=6, seed=9, threads=1)
    assert network.simulate([0.1, 0.3], runs=6, seed=9, threads=2).tobytes() == straight.tobytes()
    assert network.simulate([0.3], runs=2, seed=9, first_run=4)[:, 0].tobytes() == straight[4:, 1].tobytes()
    assert network.simulate([0.1, 0.3], runs=6, seed=10).tobytes() != straight.tobytes()


@pytest.mark.parametrize(
    "call",
    [
        lambda network: network.simulate([0.1], runs=9),
        lambda network: network.distribution([0.1]),
        lambda network: network.steady_state(),
    ],
)
def test_ctrl_c_ends_a_long_call(call, monkeypatch):
    class Stopped(Watch):
        def call(self, function, ready):
            self._stop()
            return super().call(function, ready)

    monkeypatch.setattr(nubridge.neural, "Watch", Stopped)
    with pytest.raises(nubridge.Interrupted, match=r"stopped after 0 of \d"):
        call(nubridge.NeuralNetwork(MIXED, **RATES))


GOOD = {"weights": np.zeros((2, 2)), "decay_per_s": 1.0, "max_rate_per_s": 1.0}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": np.zeros((2, 3))}, ["(2, 3)", "square"]),
        ({"weights": [[0, np.nan], [0, 0]]}, ["weights holds nan at (0, 1)", "finite"]),
        ({"weights": [[0, 1], [0]]}, ["weights", "same length"]),
        ({"decay_per_s": -1.0}, ["decay_per_s is -1", "positive"]),
        ({"max_rate_per_s": -2.0}, ["max_rate_per_s is -2", "not negative"]),
        ({"gain": 0.0}, ["gain is 0", "positive"]),
        ({"inputs": [1.0, 2.0, 3.0]}, ["inputs", "(3,)", "2 neurons"]),
        ({"response": "step"}, ["'step'", "logistic, tanh"]),
    ],
)
def test_what_is_no_network_is_refused(changed, words):
    with pytest.raises(nubridge.InvalidArgumentError) as refusal:
        nubridge.NeuralNetwork(**{**GOOD, **changed})
    assert all(word in str(refusal.value) for word in words)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda network: network.simulate([0.1], initial=[0, 2]), ["2", "0 (quiescent) or 1"]),
        (lambda network: network.simulate([0.1], initial=[0, 1, 1]), ["(3,)", "2 units"]),
        (lambda network: network.simulate([0.1], runs=0), ["runs is 0", "at least 1"]),
        (lambda network: network.simulate([0.2, 0.1]), ["0.1 s follows 0.2 s", "ascend"]),
        (lambda network: network.distribution([0.1], [0.5, 0.5, 0.5, 0.0]), ["sum to 1.5", "normalise"]),
        (lambda network: network.distribution([0.1], [1.0, 0.0, 0.0]), ["(3,)", "pattern (2,)", "distribution (4,)"]),
        (lambda _: all_to_all(15, 1.0, **RATES).steady_state(), ["15 neurons", "at most 14", "simulate"]),
    ],
)
def test_what_cannot_be_simulated_is_refused(call, words):
    with pytest.raises(nubridge.InvalidArgumentError) as refusal:
        call(nubridge.NeuralNetwork(**GOOD))
    assert all(word in str(refusal.value) for word in words)
