"""Families and closures from Python: arrays, laws, and the closure against engines."""

import itertools

import numpy as np
import pytest

import nubridge

CLIQUES = ("a", "b", "c", "ab", "bc", "abc")
FAMILIES = [
    (nubridge.Counts("A", order=2, base="poisson"), [-1.5, 0.03]),
    (nubridge.Counts(["A", "B"], order=2, base="binomial", sites=12, sign=1), [-0.3, -0.5, 0.05, -0.1, -0.02]),
    (nubridge.IsingChain(["A", "B"], sites=3), [-0.5, -0.8, 0.4, -0.6, 0.3]),
    (nubridge.IsingChain("A", boundary="open", sites=6), [0.5, 0.1]),
    (nubridge.BinaryField(list("abc"), [*map(list, CLIQUES)]), [0.1, -0.2, 0.3, 0.5, -0.5, 1.0]),
    (nubridge.Gaussian(["x", "y"]), [-1.0, 0.5, 0.6, 0.2, 0.9]),
    (nubridge.Categorical(["C", "O", "I"]), [0.3, -0.4]),
]
PAIRS = nubridge.Network.build({"A": 10}, [{"name": "R1", "reactants": ["A", "A"], "rate": "c"}], {"c": 0.1})


@pytest.mark.parametrize(("family", "nu"), FAMILIES, ids=lambda one: getattr(one, "description", {}).get("kind"))
def test_one_nu_gives_one_result_and_rows_give_rows(family, nu):
    rows = np.array([nu, nu])
    for method in (family.log_partition, family.moments, family.fisher):
        assert method(rows).shape == (2, *method(nu).shape)
        np.testing.assert_array_equal(method(rows)[1], method(nu))
    np.testing.assert_allclose(family.from_moments(family.moments(rows))[1], nu, atol=1e-11)
    assert family.sample(nu, 5, seed=1).shape == (5, family.state_size)
    assert family.sample(rows, 5, seed=1).shape == (2, 5, family.state_size)
    np.testing.assert_array_equal(family.sample(rows, 5, seed=1)[0], family.sample(nu, 5, seed=1))


@pytest.mark.parametrize(("family", "nu"), FAMILIES, ids=lambda one: getattr(one, "description", {}).get("kind"))
def test_expectations_are_sums_over_the_states_and_agree_with_samples(family, nu):
    assert family.expectation(nu, lambda states: np.ones(len(states))) == pytest.approx(1.0, abs=1e-12)
    mean = family.expectation(nu, lambda states: states)
    variance = family.expectation(nu, lambda states: (states - mean) ** 2)
    samples = family.sample(nu, 20000, seed=4)
    assert np.all(np.abs(samples.mean(axis=0) - mean) < 4 * np.sqrt(variance / len(samples)))
    assert family.expectation([nu, nu], lambda states: states).shape == (2, family.state_size)


def test_a_binary_field_has_the_moments_of_all_its_states():
    family, nu = FAMILIES[4]
    states = np.array(list(itertools.product([0.0, 1.0], repeat=3)))
    x = np.array([[np.prod(state[["abc".index(u) for u in clique]]) for clique in CLIQUES] for state in states])
    weights = np.exp(x @ nu)
    assert family.log_partition(nu) == pytest.approx(np.log(weights.sum()), abs=1e-13)
    np.testing.assert_allclose(family.moments(nu), weights @ x / weights.sum(), atol=1e-14)


@pytest.mark.parametrize("rows", [1, 3])
def test_a_closure_is_theta_times_its_terms(rows):
    closure = nubridge.Closure(PAIRS, nubridge.IsingChain("A"), {"R1": 0.5}, inputs=["c"], hop_per_s={"A": 2.0})
    nu = np.linspace([0.5, 0.1], [-0.5, 0.4], rows)
    assert closure.term_names == ("R1", "hop_A")
    np.testing.assert_array_equal(closure.theta, [0.5, 1.0])
    np.testing.assert_allclose(closure(nu, [0.3]), np.einsum("t,rtn->rn", closure.theta, closure.terms(nu, [0.3])))
    by_nu, by_input = closure.jacobian(nu, [0.3])
    assert by_nu.shape == (rows, 2, 2) and by_input.shape == (rows, 2, 1)
    step = 1e-5
    slope = (closure(nu, [0.3 + step]) - closure(nu, [0.3 - step])) / (2 * step)
    np.testing.assert_allclose(by_input[..., 0], slope, rtol=1e-8)


def test_a_poisson_closure_of_first_order_reactions_follows_the_ode():
    """Birth and death keep Poisson's law, so that its mean is that of the rate equation."""
    network = nubridge.Network.build({"A": 8.0}, [{"products": ["A"], "rate": 3.0}, {"reactants": ["A"], "rate": 0.7}])
    closure = nubridge.Closure(network, nubridge.Counts("A", base="poisson"))
    nu, dt = np.array([-np.log(8.0)]), 0.002
    for _ in range(500):
        a = closure(nu)
        b = closure(nu + dt / 2 * a)
        c = closure(nu + dt / 2 * b)
        nu = nu + dt / 6 * (a + 2 * b + 2 * c + closure(nu + dt * c))
    ode = nubridge.simulate(network, "ode", t_s=[0, 1])
    assert closure.family.moments(nu)[0] == pytest.approx(ode.mean("A")[1], rel=1e-7)


def test_the_shipped_channel_closes_as_its_model_does():
    """sk_calcium on the categorical family is the closure of model sk, per s instead of per ms."""
    model, network = nubridge.Model("sk"), nubridge.Network("sk_calcium")
    closure = nubridge.Closure(network, nubridge.Categorical(model.state_names), inputs=["Ca"])
    nu = model.initial([0.1])
    np.testing.assert_allclose(closure(nu, [0.7]) / 1000, model.rhs(nu, [0.7]), rtol=1e-10)
    for ours, theirs in zip(closure.jacobian(nu, [0.7]), model.jacobian(nu, [0.7]), strict=True):
        np.testing.assert_allclose(ours / 1000, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.Counts("A", base="gamma"), ["'gamma'", "poisson"]),
        (lambda: nubridge.Counts("A", order=2).moments([0.5]), ["(1,)", "(2,)"]),
        (lambda: nubridge.Counts("A").moments([-0.5]), ["'A' is -0.5", "Z is infinite"]),
        (lambda: nubridge.IsingChain("A").from_moments([0.7, 0.3]), ["'A_A' is 0.3"]),
        (lambda: nubridge.Counts("A").expectation([0.5], lambda _: 1.0), ["one number"]),
        (lambda: nubridge.Counts("A").sample([0.5], -1, 0), ["count is -1"]),
        (lambda: nubridge.Closure(PAIRS, "counts"), ["nubridge.Counts"]),
        (lambda: nubridge.Closure(PAIRS, nubridge.Counts("B")), ["no species 'B'"]),
        (lambda: nubridge.Closure(PAIRS, nubridge.Counts("A"), {"R2": 1.0}), ["R2", "R1"]),
        (lambda: nubridge.Closure(PAIRS, nubridge.Counts("A"), inputs=["ca"]), ["'ca'"]),
        (lambda: nubridge.Closure(PAIRS, nubridge.Counts("A"), inputs="c")([0.5]), ["inputs", "(1,)"]),
        (
            lambda: nubridge.Closure(PAIRS, nubridge.Counts("A", 2, "binomial", sites=20))([-40.0, 0.0]),
            ["singular", "A_A"],
        ),
    ],
)
def test_mistakes_are_refused_by_words(call, words):
    with pytest.raises(nubridge.Error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
