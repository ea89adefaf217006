"""Binary fields by Markov chains: samples and learned nu beside enumeration, a planted graph, graphs too tight to sum out."""

import itertools

import numpy as np
import pytest

import nubridge
from nubridge._boltzmann import observables


def field_of(count: int, sign: int = 1, triplets: int = 0) -> nubridge.BinaryField:
    """All units and pairs, and the first few triplets."""
    units = [f"u{i}" for i in range(count)]
    three = itertools.islice(itertools.combinations(units, 3), triplets)
    return nubridge.BinaryField(units, [*([u] for u in units), *itertools.combinations(units, 2), *three], sign=sign)


def random_nu(field: nubridge.BinaryField, seed: int, spread: float) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, len(field.nu_names))


def enumerated(field: nubridge.BinaryField, nu: np.ndarray) -> np.ndarray:
    """Moments by a sum over all states."""
    states = np.array(list(itertools.product([0.0, 1.0], repeat=field.state_size)))
    x = observables(field, states)
    weights = np.exp(field.sign * x @ nu)
    return weights @ x / weights.sum()


def largest_z(field: nubridge.BinaryField, nu: np.ndarray, states: np.ndarray) -> float:
    """Of the observables' means: how many standard errors the furthest lies off enumeration."""
    exact = enumerated(field, nu)
    error = np.sqrt(exact * (1 - exact) / len(states))
    return float(np.abs((observables(field, states).mean(axis=0) - exact) / error).max())


@pytest.mark.parametrize(("method", "sweeps"), [("exact", 1), ("gibbs", 40), ("tempering", 20)])
@pytest.mark.parametrize(("count", "sign"), [(8, -1), (14, 1)])
def test_samples_of_every_method_agree_with_enumeration(method, sweeps, count, sign):
    field = field_of(count, sign, triplets=3)
    nu = random_nu(field, seed=count, spread=0.4)
    samples = field.sample(nu, 4000, seed=2, method=method, sweeps=sweeps)
    assert largest_z(field, nu, samples) < 4


def test_chains_of_contrastive_divergence_that_start_in_the_law_stay_in_it():
    field = field_of(14)
    nu = random_nu(field, seed=3, spread=0.6)
    states = field.sample(nu, 8000, seed=4)
    moved = field.move(nu, states, seed=5, sweeps=1)
    assert 0.1 < (moved != states).mean() < 0.9
    assert largest_z(field, nu, moved) < 4


@pytest.mark.parametrize(
    "how", [{"method": "exact"}, {"method": "cd"}, {"method": "cd", "sweeps": 5}, {"method": "pcd"}]
)
def test_learned_nu_is_unbiased_over_sets_of_samples(how):
    """t of the mean over 20 sets below 4 for each nu; the bias of maximum likelihood, of the order nu / samples, is far less."""
    field = field_of(5)
    nu = random_nu(field, seed=6, spread=0.7)
    more = {} if how["method"] == "exact" else {"steps": 200, "chains": 500, "rate": 1.0}
    found = np.array([field.fit(field.sample(nu, 4000, seed=s), **how, **more, seed=s).nu for s in range(20)])
    t = (found.mean(axis=0) - nu) / (found.std(axis=0, ddof=1) / np.sqrt(len(found)))
    assert np.abs(t).max() < 4


@pytest.mark.parametrize("method", ["exact", "cd", "pcd"])
def test_standard_errors_cover_the_truth(method):
    field = field_of(14)
    nu = random_nu(field, seed=7, spread=0.3)
    more = {} if method == "exact" else {"steps": 400}
    fit = field.fit(field.sample(nu, 6000, seed=8), method, **more)
    assert np.abs((fit.nu - nu) / fit.standard_errors).max() < 4
    assert enumerated(field, fit.nu) == pytest.approx(enumerated(field, nu), abs=4 * np.sqrt(0.25 / 6000))


@pytest.mark.parametrize("count", [8, 14])
def test_an_l1_fit_over_all_pairs_finds_the_planted_graph(count):
    """The penalty is 4 standard errors of a pair's score given the units. Off the graph a score is normal with at most
    that error, so that one of 91 passes with a chance below 91 * 6e-5; an edge of 1.5 lies 0.25 * 1.5 * sqrt(6000) / 2
    = 14 of them away."""
    rng, field = np.random.default_rng(count), field_of(count)
    edges = {tuple(sorted(edge)) for edge in rng.choice(count, (count, 2)) if edge[0] != edge[1]}
    planted = {"_".join(f"u{i}" for i in edge) for edge in edges}
    strength = {name: rng.choice([-1.5, 1.5]) for name in sorted(planted)}
    nu = np.array([strength.get(name, 0.0 if "_" in name else -0.3) for name in field.nu_names])
    fit = field.fit(field.sample(nu, 6000, seed=9), penalty=4.0)
    assert {name for name in fit.graph if "_" in name} == planted
    signs = {name: np.sign(value) for name, value in zip(field.nu_names, fit.nu, strict=True) if name in planted}
    assert signs == {name: np.sign(value) for name, value in strength.items()}


def test_a_graph_too_tight_to_sum_out_is_sampled_and_learned():
    field = field_of(24)
    nu = random_nu(field, seed=10, spread=0.15)
    with pytest.raises(nubridge.InvalidArgumentError, match=r"tightly knit.*gibbs"):
        field.moments(nu)
    samples = field.sample(nu, 4000, seed=11, method="gibbs", sweeps=50)
    fit = field.fit(samples, "pcd", steps=200, rate=1.0)
    again = observables(field, field.sample(fit.nu, 4000, seed=12, method="gibbs", sweeps=50)).mean(axis=0)
    seen = observables(field, samples).mean(axis=0)
    assert np.abs((again - seen) / np.sqrt(2 * seen * (1 - seen) / 4000)).max() < 4


def test_a_restricted_boltzmann_machine_learns_what_its_units_alone_cannot():
    """Four visible units in two peaks of one hidden cause; KL of the learned visible law far below that of free units."""
    states = np.array(list(itertools.product([0.0, 1.0], repeat=4)))
    low, high = (np.prod(np.where(states == 1, p, 1 - p), axis=1) for p in (0.15, 0.85))
    law = 0.6 * low + 0.4 * high
    samples = states[np.random.default_rng(13).choice(16, 4000, p=law)]
    visible = ["a", "b", "c", "d"]
    machine = nubridge.BinaryField([*visible, "x"], [*([u] for u in [*visible, "x"]), *([u, "x"] for u in visible)])
    fit = machine.fit(samples, "pcd", units=visible, steps=400, chains=500)
    every, probabilities = machine.states(fit.nu)
    learned = np.array([probabilities[(every[:, :4] == state).all(axis=1)].sum() for state in states])
    mean = law @ states
    alone = np.prod(np.where(states == 1, mean, 1 - mean), axis=1)
    assert law @ np.log(law / learned) < 0.02 * (law @ np.log(law / alone))


def test_a_deep_boltzmann_machine_learns_the_law_of_its_visible_layer():
    """Six visible units under four and two hidden ones: KL of the learned visible law far below that of free units."""
    layers = [[f"{layer}{i}" for i in range(n)] for layer, n in (("v", 6), ("h", 4), ("g", 2))]
    units = list(itertools.chain(*layers))
    between = [pair for low, high in itertools.pairwise(layers) for pair in itertools.product(low, high)]
    machine = nubridge.BinaryField(units, [*([u] for u in units), *between])
    random = np.random.default_rng(16)
    nu = np.concatenate([random.normal(0, 0.3, len(units)), random.choice([-2.0, 2.0], len(between))])
    states, law = visible_law(machine, nu, 6)
    samples = states[random.choice(len(states), 6000, p=law)]
    fit = machine.fit(samples, "pcd", units=layers[0], steps=400, chains=600, sweeps=2, seed=17)
    learned = visible_law(machine, fit.nu, 6)[1]
    mean = law @ states
    alone = np.prod(np.where(states == 1, mean, 1 - mean), axis=1)
    assert law @ np.log(law / learned) < 0.05 * (law @ np.log(law / alone))


def visible_law(machine, nu, count):
    """The states of the first units, and their probabilities."""
    every, probabilities = machine.states(nu)
    place = (every[:, :count] @ 2.0 ** np.arange(count)).astype(int)
    states = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    return states.astype(float), np.bincount(place, probabilities, 2**count)


def test_the_same_seed_learns_the_same_nu():
    field = field_of(4)
    samples = field.sample(random_nu(field, seed=14, spread=0.5), 500, seed=15)
    found = [field.fit(samples, "pcd", steps=20, seed=seed).nu for seed in (1, 1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.fit([[0, 1, 2, 0], [0, 1, 0, 0]]), ["sample 0", "2.0", "'u2'"]),
        (lambda f: f.fit([[0, 1], [1, 0]]), ["(2, 2)", "4 units"]),
        (lambda f: f.fit([[0, 1], [1, 0]], units=["u0", "u9"]), ["u9"]),
        (lambda f: f.fit([[0, 1], [1, 0]], units=["u0", "u1"]), ["hidden", "pcd"]),
        (lambda f: f.fit([[0, 1, 0, 1]] * 2, penalty=1.0), ["'u0'", "0 in every sample"]),
        (lambda f: f.fit([[0, 1, 0, 1]] * 2, "pcd", penalty=1.0), ["penalty is 1.0", "exact"]),
        (lambda f: f.fit([[0, 1, 0, 1]] * 2, "wake"), ["'wake'", "pcd"]),
        (lambda f: f.sample(np.zeros(10), 3, 1, method="heat"), ["'heat'", "tempering"]),
        (lambda f: f.sample(np.zeros(10), 3, 1, method="gibbs", sweeps=0), ["sweeps is 0"]),
        (lambda f: f.sample(np.zeros(10), 3, 1, method="tempering", rungs=1), ["rungs is 1"]),
        (lambda f: f.move(np.zeros(10), np.full((1, 4), 0.5), seed=1), ["chain 0"]),
    ],
)
def test_mistakes_are_refused_by_words(call, words):
    with pytest.raises(nubridge.InvalidArgumentError) as caught:
        call(field_of(4))
    for word in words:
        assert word in str(caught.value)
