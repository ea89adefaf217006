"""Reduced models of spike patterns: population tracking and pairwise maximum entropy beside the exact master equation."""

import re
from pathlib import Path

import numpy as np
import pytest

import nubridge
from nubridge import population
from nubridge.neural import all_patterns

RANDOM = np.random.default_rng(11)
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def mixed(size=12, degree=6):
    """A quarter of the neurons is inhibitory; the network of the README."""
    random = np.random.default_rng(1)
    weights = random.exponential(6 / degree, (size, size)) * (random.random((size, size)) < degree / size)
    weights[:, size * 3 // 4 :] *= -2
    return nubridge.NeuralNetwork(weights, 10, 60, gain=1.5, threshold=2.5, inputs=1.2)


def all_to_all(size=12):
    """Two wells, silent and active."""
    return nubridge.NeuralNetwork(0.5 * (1 - np.eye(size)), 10, 60, gain=1.4, threshold=3.6)


def tracking(size, seed=0):
    random = np.random.default_rng(seed)
    return nubridge.PopulationTracking(random.dirichlet(np.ones(size + 1)), random.normal(0, 1.5, (size + 1, size)))


@pytest.fixture(scope="module")
def pairwise():
    """Two fits on one graph."""
    patterns = mixed().simulate(np.arange(1, 1001) * 0.3, runs=2, seed=3)
    pairs = [(i, i + 1) for i in range(11)] + [(0, 5), (3, 9)]
    return [nubridge.PairwiseMaxEnt.fit(one, pairs) for one in patterns]


def test_population_tracking_is_normalised_and_has_the_moments_of_all_its_patterns():
    model, states = tracking(12), all_patterns(12)
    p, active = model.probabilities(), states.sum(axis=1)
    assert p.sum() == pytest.approx(1.0, abs=1e-13)
    np.testing.assert_allclose(np.bincount(active, p), model.count_p, rtol=1e-12)
    for k in range(13):
        np.testing.assert_allclose(
            p[active == k] @ states[active == k] / model.count_p[k], model.activity[k], atol=1e-13
        )
    assert model.entropy() == pytest.approx(-(p @ np.log(p)), abs=1e-12)


def test_divergences_in_closed_form_are_sums_over_all_patterns(pairwise):
    for one, other in ((tracking(12, 1), tracking(12, 2)), tuple(pairwise), (tracking(12, 1), pairwise[0])):
        p, q = one.probabilities(), other.probabilities()
        kl = one.kl(other)
        assert kl.nats == pytest.approx(p @ np.log(p / q), abs=1e-11) and kl.standard_error == 0
        middle = (p + q) / 2
        js = (p @ np.log(p / middle) + q @ np.log(q / middle)) / 2
        assert one.js(other).nats == pytest.approx(js, abs=1e-11)
        assert one.js(one).nats == pytest.approx(0.0, abs=1e-14)


def test_sampled_divergences_of_many_units_agree_with_sums_over_all_patterns():
    one, other, states = tracking(16, 1), tracking(16, 2), all_patterns(16)
    log_p, log_q = one.log_probability(states), other.log_probability(states)
    log_middle = np.logaddexp(log_p, log_q) - np.log(2)
    exact = (np.exp(log_p) @ (log_p - log_middle) + np.exp(log_q) @ (log_q - log_middle)) / 2
    js = one.js(other, samples=20_000, seed=5)
    assert 0 < js.standard_error < 0.02 and abs(js.nats - exact) < 4 * js.standard_error
    chain = nubridge.PairwiseMaxEnt.fit(one.sample(500, 1), [(i, i + 1) for i in range(15)])
    kl = one.kl(chain, samples=20_000, seed=6)
    assert abs(kl.nats - np.exp(log_p) @ (log_p - chain.log_probability(states))) < 4 * kl.standard_error
    assert one.kl(other).standard_error == 0


@pytest.mark.parametrize("kind", ["tracking", "pairwise"])
def test_samples_have_the_law_of_the_model(kind, pairwise):
    model, count = tracking(12) if kind == "tracking" else pairwise[0], 40_000
    drawn = model.sample(count, seed=4)
    assert drawn.dtype == np.uint8 and drawn.tobytes() == model.sample(count, seed=4).tobytes()
    assert model.sample(count, seed=5).tobytes() != drawn.tobytes()
    p = model.probabilities()
    found = np.bincount(drawn @ (1 << np.arange(12)), minlength=4096) / count
    expected = count * p >= 10
    z = (found - p)[expected] / np.sqrt(p * (1 - p) / count)[expected]
    assert np.abs(z).max() < 4 and abs(np.mean(z**2) - 1) < 4 * np.sqrt(2 / expected.sum())


def independent_given(counts, patterns):
    """The probabilities of independent units with the means of the patterns, given K."""
    mean = (patterns.sum(axis=0) + 0.5) / (len(patterns) + 1)
    return population.fixed_counts(counts, np.tile(np.log(mean / (1 - mean)), (len(counts), 1)))[1]


def test_a_fit_has_the_means_of_its_patterns_and_of_its_prior_at_every_count():
    patterns = mixed().simulate(np.arange(1, 2001) * 0.3, seed=3)[0]
    model = nubridge.PopulationTracking.fit(patterns, count_prior=0.1, unit_prior=2.0)
    active = patterns.sum(axis=1)
    np.testing.assert_allclose(model.count_p, (np.bincount(active, minlength=13) + 0.1) / (2000 + 1.3), rtol=1e-12)
    for k, alone in enumerate(independent_given(range(1, 12), patterns), start=1):
        chosen = patterns[active == k]
        mean = (chosen.sum(axis=0) + 2.0 * alone) / (len(chosen) + 2.0)
        np.testing.assert_allclose(model.activity[k], mean, rtol=1e-7)


def test_units_are_independent_at_counts_that_were_never_seen():
    patterns = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0]] * 3)
    model = nubridge.PopulationTracking.fit(patterns)
    np.testing.assert_allclose(model.activity[2:4], independent_given([2, 3], patterns), rtol=1e-13)
    assert np.all(model.count_p > 0) and model.activity[2, 0] > model.activity[2, 1] > model.activity[2, 2] > 0


def test_the_prior_is_as_strong_as_the_units_are_alike_at_all_counts():
    """Numbers of active patterns from a beta-binomial law; the error is that of a mean over its rows."""
    random, strength = np.random.default_rng(8), 30.0
    alone, times = random.uniform(0.1, 0.9, (60, 200)), np.full((60, 1), 40.0)
    sums = random.binomial(40, random.beta(strength * alone, strength * (1 - alone)))
    share = [1 / (1 + population._patterns_to_add(times[:1], sums[[k]], alone[[k]])) for k in range(60)]
    found = 1 / (1 + population._patterns_to_add(times, sums, alone))
    assert abs(found - 1 / (1 + strength)) < 4 * np.std(share, ddof=1) / np.sqrt(60)
    assert population._patterns_to_add(times, times * alone, alone) > 1e5


def test_population_tracking_of_an_all_to_all_network_is_exact():
    """Neurons that are alike: given K every pattern is as likely, so that p(K) is all there is."""
    network = all_to_all()
    exact = network.steady_state()
    model = nubridge.PopulationTracking.fit(network.states(), weights=1e9 * exact)
    assert 0 <= model.kl_from(exact) + 1e-13 < 1e-9
    np.testing.assert_allclose(model.activity[1:] / np.arange(1, 13)[:, None], 1 / 12, rtol=1e-6)


def test_a_pairwise_fit_has_the_moments_of_its_patterns_and_of_its_prior():
    patterns = mixed().simulate(np.arange(1, 501) * 0.3, seed=3)[0].astype(float)
    model = nubridge.PairwiseMaxEnt.fit(patterns, prior=2.0)
    p, states = model.probabilities(), all_patterns(12)
    mean = (patterns.sum(axis=0) + 1.0) / 502
    both = (patterns.T @ patterns + 2.0 * np.outer(mean, mean)) / 502
    np.testing.assert_allclose(p @ states, mean, rtol=1e-9)
    found = states.T @ (p[:, None] * states)
    np.testing.assert_allclose(found[np.triu_indices(12, 1)], both[np.triu_indices(12, 1)], rtol=1e-9)


def test_a_pairwise_law_on_a_graph_is_found_again_from_its_own_patterns(pairwise):
    true = pairwise[0]
    again = nubridge.PairwiseMaxEnt.fit(all_patterns(12), true.pairs, weights=1e10 * true.probabilities())
    np.testing.assert_allclose(again.nu, true.nu, atol=1e-6)


def kl_table():
    """KL(exact || model) of both networks, learned from the exact distribution and from 10 000 patterns."""
    table = {"independent units": [], "`PopulationTracking`": [], "`PairwiseMaxEnt`": []}
    for network in (mixed(), all_to_all()):
        exact, states = network.steady_state(), network.states()
        spikes = network.simulate(np.arange(1, 2501) * 0.5, runs=4, seed=1)
        for patterns, weights in ((states, 1e9 * exact), (spikes, None)):
            models = (
                nubridge.PairwiseMaxEnt.fit(patterns, [], weights=weights),
                nubridge.PopulationTracking.fit(patterns, weights=weights),
                nubridge.PairwiseMaxEnt.fit(patterns, weights=weights),
            )
            for row, model in zip(table.values(), models, strict=True):
                row.append(model.kl_from(exact))
    return table


def test_the_divergences_from_the_exact_master_equation_are_those_of_the_readme():
    found = kl_table()
    for name, row in found.items():
        stated = re.search(rf"^\| {re.escape(name)} \|(.*)\|$", README, re.MULTILINE)[1]
        np.testing.assert_allclose([float(one) for one in stated.split("|")], row, rtol=0.02, atol=5e-5)
    mixed_exact, mixed_learned = ([row[column] for row in found.values()] for column in (0, 1))
    assert mixed_exact == sorted(mixed_exact, reverse=True) and mixed_learned == sorted(mixed_learned, reverse=True)


def test_a_thousand_neurons_are_learned():
    """`./run bench neural` times 20 000 patterns; here are 1500."""
    network = mixed(1000, degree=100)
    spikes = network.simulate(1.0 + np.arange(75) * 0.1, runs=20, seed=2)
    model = nubridge.PopulationTracking.fit(spikes, unit_prior=3.0)
    assert model.size == 1000
    rows = spikes.reshape(-1, 1000)
    active = rows.sum(axis=1)
    counts = np.unique(active)
    for k, alone in zip(counts, independent_given(counts, rows), strict=True):
        chosen = rows[active == k]
        mean = (chosen.sum(axis=0) + 3.0 * alone) / (len(chosen) + 3.0)
        np.testing.assert_allclose(model.activity[k], mean, rtol=1e-7)
    np.testing.assert_allclose(model.activity.sum(axis=1), np.arange(1001), rtol=1e-9)
    mean = model.count_p @ model.activity
    drawn = model.sample(2000, seed=1)
    assert np.all(np.abs(drawn.mean(axis=0) - mean) < 4.8 * np.sqrt(mean * (1 - mean) / 2000))  # p < 1.6e-6, 1000 units
    own = model.log_probability(drawn)
    assert abs(own.mean() + model.entropy()) < 4 * own.std() / np.sqrt(2000)


def test_rare_counts_of_many_neurons_do_not_spoil_the_model():
    """On patterns that it has not seen it is better than independent units, the law of its prior beside p(K)."""
    network, t_s = mixed(300, degree=60), 1.0 + np.arange(100) * 0.3
    seen, unseen = network.simulate(t_s, runs=10, seed=1), network.simulate(t_s, runs=10, seed=2).reshape(-1, 300)
    model = nubridge.PopulationTracking.fit(seen)
    mean = seen.mean(axis=(0, 1))
    gain = model.log_probability(unseen) - unseen @ np.log(mean) - (1 - unseen) @ np.log1p(-mean)
    assert gain.mean() > 0


def test_the_figure_shows_spikes_counts_and_patterns(tmp_path):
    network, t_s = mixed(), np.arange(1, 101) * 0.5
    spikes = network.simulate(t_s, runs=3, seed=1)
    models = {"tracking": nubridge.PopulationTracking.fit(spikes), "pairwise": nubridge.PairwiseMaxEnt.fit(spikes)}
    drawn = population.plot(spikes, t_s, models, exact=network.steady_state(), path=tmp_path / "spikes.png")
    assert (tmp_path / "spikes.png").stat().st_size > 10_000
    shown = drawn.axes[2].get_legend_handles_labels()[1]
    assert shown == ["300 patterns", "exact", "tracking", "pairwise"]
    with pytest.raises(nubridge.InvalidArgumentError, match=r"\(100, 12\) for 100 times; it is \(runs, times, units\)"):
        population.plot(spikes[0], t_s, models)
    with pytest.raises(nubridge.ResultFileError, match="cannot be written"):
        population.plot(spikes, t_s, models, path=tmp_path / "nowhere" / "spikes.png")


def test_the_figure_of_many_neurons_shows_some_of_them():
    network, t_s = mixed(100, degree=20), np.arange(1, 101) * 0.5
    spikes = network.simulate(t_s, runs=3, seed=1)
    chain = [(i, i + 1) for i in range(99)]
    models = {
        "tracking": nubridge.PopulationTracking.fit(spikes),
        "chain": nubridge.PairwiseMaxEnt.fit(spikes, chain),
    }
    drawn = population.plot(spikes, t_s, models)
    assert drawn.axes[0].get_ylabel() == "neuron (60 of 100)"
    assert drawn.axes[3].get_xlabel() == "share of time active"


TWO = [[0, 1], [1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.PopulationTracking.fit([[0, 2]] * 9), ["2", "0 (quiescent) or 1"]),
        (lambda: nubridge.PopulationTracking.fit([[0.0, np.nan]] * 9), ["nan", "0 (quiescent) or 1"]),
        (lambda: nubridge.PopulationTracking.fit(TWO[:2]), ["2 patterns", "2 units", "at least 3"]),
        (lambda: nubridge.PairwiseMaxEnt.fit(TWO[:2]), ["2 patterns", "2 units and 1 pairs", "at least 3"]),
        (lambda: nubridge.PopulationTracking.fit([0, 1, 1]), ["(3,)", "rows"]),
        (lambda: nubridge.PopulationTracking.fit([[0, 1], [1]]), ["same length"]),
        (lambda: nubridge.PopulationTracking.fit(TWO, weights=[1, 2]), ["weights", "(2,)", "one number a pattern"]),
        (lambda: nubridge.PopulationTracking.fit(TWO, unit_prior=0.0), ["unit_prior 0.0", "positive"]),
        (lambda: nubridge.PairwiseMaxEnt.fit(TWO, prior=-1.0), ["prior is -1.0", "positive"]),
        (lambda: nubridge.PairwiseMaxEnt.fit(TWO, [(0, 2)]), ["(0, 2)", "units 0 to 1"]),
        (lambda: nubridge.PopulationTracking([0.5, 0.6], [[0.0], [0.0]]), ["sums to 1.1", "normalise"]),
        (lambda: nubridge.PopulationTracking([0.5, 0.5], [[0.0, 0.0]]), ["(1, 2)", "(N + 1, N)"]),
        (lambda: tracking(3).log_probability([0, 1]), ["(2,)", "3 units"]),
        (lambda: tracking(3).kl_from([0.5, 0.5]), ["(2,)", "2^3"]),
        (lambda: tracking(3).kl(tracking(4)), ["3 and 4 units"]),
        (lambda: population.plot(np.zeros((1, 1, 2)), [1.0], dict.fromkeys("abcde")), ["5 models", "two figures"]),
        (lambda: tracking(15).probabilities(), ["15 units", "at most 14", "samples"]),
    ],
)
def test_what_cannot_be_learned_or_compared_is_refused(call, words):
    with pytest.raises(nubridge.InvalidArgumentError) as refusal:
        call()
    assert all(word in str(refusal.value) for word in words)


def test_means_that_no_odds_have_are_named():
    with pytest.raises(nubridge.NotConvergedError, match=r"K = 1 .* unit_prior"):
        population._matched(np.array([1]), np.array([[0.6, 0.6]]), np.zeros((1, 2)))
