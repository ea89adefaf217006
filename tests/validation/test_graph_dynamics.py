"""GCCD: planted graphs and planted dynamics of nu recovered from samples at times; the L1 path behind it."""

import itertools

import numpy as np
import pytest

import nubridge
from nubridge._learned_figure import learned_figure
from nubridge._optimise import lasso_path, nonnegative


def field_of(count, pairs):
    units = [f"u{i}" for i in range(count)]
    return nubridge.BinaryField(units, [*([u] for u in units), *([units[i], units[j]] for i, j in pairs)])


def all_pairs(count):
    return list(itertools.combinations(range(count), 2))


def solved(rhs, begin, t_s):
    """Runge-Kutta, 20 steps from each time to the next."""
    path = [np.asarray(begin)]
    for t, end in itertools.pairwise(t_s):
        nu, dt = path[-1], (end - t) / 20
        for step in range(20):
            at = t + step * dt
            a = rhs(nu, at)
            b = rhs(nu + dt / 2 * a, at + dt / 2)
            c = rhs(nu + dt / 2 * b, at + dt / 2)
            nu = nu + dt / 6 * (a + 2 * b + 2 * c + rhs(nu + dt * c, at + dt))
        path.append(nu)
    return np.array(path)


def test_gccd_recovers_a_planted_graph_whose_edges_come_and_go():
    """66 pairs at 5 times: each passes sqrt(2 ln(100 tests)) = 5.1 standard errors by chance with less than 1 % over all. An
    edge of 1.5 at some time lies 0.25 * 1.5 * sqrt(4000) / 2 = 12 standard errors from none."""
    edges = [(0, 1), (1, 2), (3, 7), (4, 5), (5, 6), (8, 11)]
    planted, t_s = field_of(12, edges), np.linspace(0, 1, 5)
    nu = np.array([[-0.3] * 12 + [1.5 * np.cos(2 * t + i) for i in range(len(edges))] for t in t_s])
    found = nubridge.gccd(
        field_of(12, all_pairs(12)), {"t_s": t_s, "samples": planted.sample(nu, 4000, seed=1)}, candidates=0
    )
    assert set(found.family.nu_names) == set(planted.nu_names)
    assert np.abs((found.slices[0].nu - nu) / found.slices[0].standard_errors).max() < 4


def test_the_second_fit_drops_what_the_penalty_alone_lets_in():
    """L1 shrinks two strong edges, and a pair between their far ends makes up for it."""
    planted, t_s = field_of(3, [(0, 1), (1, 2)]), np.array([0.0, 1.0, 2.0])
    samples = planted.sample(np.tile([-2.0, -4.0, -2.0, 4.0, 4.0], (3, 1)), 4000, seed=1)
    whole = field_of(3, all_pairs(3))
    assert "u0_u2" in whole.fit(samples[0], penalty=4.0).graph
    found = nubridge.gccd(whole, {"t_s": t_s, "samples": samples}, 0, graph_z=4.0)
    assert set(found.family.nu_names) == set(planted.nu_names)


def test_gccd_recovers_planted_dynamics_and_predicts_a_start_never_seen():
    """A field that an edge drives, an edge that a field drives, and decay. The prediction from the true start is nearer
    to the true nu(t) than what 3000 samples at that time would say."""
    rng, planted, t_s = np.random.default_rng(3), field_of(5, [(0, 1), (1, 2), (3, 4)]), np.linspace(0, 2, 11)
    names = planted.nu_names
    slope, constant = -np.diag(rng.uniform(0.6, 2, 8)), rng.choice([-1, 1], 8) * rng.uniform(0.5, 1.5, 8)
    slope[names.index("u3"), names.index("u1_u2")] = -1.0
    slope[names.index("u0_u1"), names.index("u4")] = 1.0

    def rhs(nu, _t):
        return slope @ nu + constant

    begins = rng.uniform(-2, 1.5, (24, 8))
    data = [
        {"t_s": t_s, "samples": planted.sample(solved(rhs, begin, t_s), 3000, seed=100 * i)}
        for i, begin in enumerate(begins)
    ]
    found = nubridge.gccd(field_of(5, all_pairs(5)), data)
    assert found.family.nu_names == names
    truth = np.column_stack([constant, slope])
    np.testing.assert_array_equal(found.theta != 0, truth != 0)
    kept = truth != 0
    assert np.abs((found.theta - truth)[kept] / found.standard_errors[kept]).max() < 4
    begin = rng.uniform(-1, 1, 8)
    with np.errstate(all="raise"):
        off = found.trajectory(begin, t_s) - solved(rhs, begin, t_s)
    assert np.sqrt((off**2).mean()) < np.sqrt((found.slices[0].standard_errors ** 2).mean())


def test_own_candidates_inputs_and_positive_theta():
    """d a/dt = 3 u - 0.8 a with u(t) a wave; of the candidates u, -a, a and exp(a) the last two have no part."""
    field, t_s = field_of(1, []), np.linspace(0, 6, 25)

    def wave(t):
        return np.sin(2 * t)

    data = []
    for i, begin in enumerate((-2.0, 0.0, 2.0)):
        nu = solved(lambda nu, t: 3 * wave(t) - 0.8 * nu, [begin], t_s)
        data.append({"t_s": t_s, "u": wave, "samples": field.sample(nu, 20000, seed=100 * i)})
    candidates = {
        "u": lambda _nu, inputs: inputs[:, 0],
        "-a": lambda nu, _inputs: -nu[:, 0],
        "a": lambda nu, _inputs: nu[:, 0],
        "exp a": lambda nu, _inputs: np.exp(nu[:, 0]),
    }
    found = nubridge.gccd(field, data, candidates, inputs="u", positive=True)
    assert (found.theta >= 0).all()
    np.testing.assert_array_equal(found.theta[0] != 0, [True, True, False, False])
    assert np.abs((found.theta[0, :2] - [3, 0.8]) / found.standard_errors[0, :2]).max() < 4
    assert found.rhs([0.5], [1.0])[0] == pytest.approx(found.theta[0, 0] - 0.5 * found.theta[0, 1])
    fine_s = np.linspace(0, 6, 601)
    ahead = found.trajectory([1.0], fine_s, 0.9 * wave(fine_s)[:, None])[::25, 0]
    truth = solved(lambda nu, t: 2.7 * wave(t) - 0.8 * nu, [1.0], t_s)[:, 0]
    assert np.abs(ahead - truth).max() < 4 * found.slices[0].standard_errors.max()


def test_as_a_learned_model_it_is_saved_read_and_trained_further(tmp_path):
    """The polynomial of GCCD; then the action of the same samples' moments makes it no worse."""
    field, t_s = field_of(2, [(0, 1)]), np.linspace(0, 2, 9)

    def rhs(nu, t):
        return np.array([-nu[0], 0.5 - nu[1] + np.sin(t), -0.5 * nu[2] + 0.5 * nu[0] * nu[1]])

    begins = np.random.default_rng(4).uniform(-1.5, 1.5, (12, 3))
    paths = [solved(rhs, begin, t_s) for begin in begins]
    samples = [field.sample(nu, 4000, seed=100 * i) for i, nu in enumerate(paths)]
    data = [{"t_s": t_s, "samples": one, "u": np.sin(t_s)} for one in samples]
    found = nubridge.gccd(field, data, 2, inputs=["u"])
    model = found.model(policy="extrapolate")
    model.save(tmp_path)
    again = nubridge.Model(tmp_path)
    assert again.coefficient_names == model.coefficient_names
    assert "u0_u1: u0 u1" in again.coefficient_names
    inside, u = found.slices[0].nu, found.slices[0].inputs
    np.testing.assert_allclose(1000 * again.rhs(inside, u), found.rhs(inside, u), rtol=1e-12)  # a model is per ms
    stepped = nubridge.Kernel(tmp_path).step(inside[0], u[0], 5.0)  # as its mechanism steps it
    np.testing.assert_allclose(stepped, again.step(inside[0], u[0], 5.0), rtol=1e-6)
    assert learned_figure(again).axes  # has no loss to draw
    moments = [{"t_s": t_s, "inputs": {"u": np.sin(t_s)}, "u0": one[..., 0].T, "u1": one[..., 1].T} for one in samples]
    products = nubridge.Polynomial(products=model.document["dynamics"]["products"])
    trained = nubridge.train(None, family=found.family, dynamics=products, data=moments, inputs={"u": "1"}, steps=5)
    assert trained.history[-1][0] < 1e-3
    assert np.abs((trained.coefficients - model.coefficients) / model.standard_errors).max() < 4


def test_runs_of_a_network_are_samples():
    """Two receptors, the first drives the second: nu at each time beside the master equation of the four states."""
    reactions = [
        {"name": "a_opens", "reactants": ["a_off"], "products": ["a"], "rate": 2.0},
        {"name": "a_closes", "reactants": ["a"], "products": ["a_off"], "rate": 1.0},
        {"name": "b_opens", "reactants": ["b_off"], "products": ["b"], "rate": 0.5},
        {"name": "b_driven", "reactants": ["b_off", "a"], "products": ["b", "a"], "rate": 3.0},
        {"name": "b_closes", "reactants": ["b"], "products": ["b_off"], "rate": 1.0},
    ]
    network = nubridge.Network.build({"a_off": 1, "b_off": 1, "a": 0, "b": 0}, reactions)
    t_s = np.array([0.2, 0.4, 0.7, 1.0])
    runs = nubridge.simulate(network, "ssa", t_s, 4000, seed=1, record=["a", "b"], progress=False)
    field = nubridge.BinaryField(["a", "b"], [("a",), ("b",), ("a", "b")])
    found = nubridge.gccd(field, runs, 0).slices[0]
    # Into (rows) and out of the states 00, 10, 01, 11 of (a, b).
    into = np.array([[0, 1, 1, 0], [2, 0, 0, 1], [0.5, 0, 0, 1], [0, 3.5, 2, 0]])
    values, vectors = np.linalg.eig(into - np.diag(into.sum(axis=0)))
    for t, nu, error in zip(t_s, found.nu, found.standard_errors, strict=True):
        p = (vectors @ np.diag(np.exp(values * t)) @ np.linalg.inv(vectors))[:, 0]
        exact = [np.log(p[1] / p[0]), np.log(p[2] / p[0]), np.log(p[3] * p[0] / (p[1] * p[2]))]
        assert np.abs((nu - exact) / error).max() < 4


def test_slices_learned_by_chains_serve_as_well():
    field, t_s = field_of(2, [(0, 1)]), np.linspace(0, 1, 4)
    nu = np.array([[-0.5, 0.2, np.exp(-t)] for t in t_s])
    data = {"t_s": t_s, "samples": field.sample(nu, 3000, seed=1)}
    found = nubridge.gccd(field, data, 0, method="pcd", steps=100, rate=1.0)
    assert np.abs((found.slices[0].nu - nu) / found.slices[0].standard_errors).max() < 4


def test_a_trajectory_off_the_domain_warns():
    field, t_s = field_of(1, []), np.linspace(0, 2, 9)
    nu = np.exp(-t_s)[:, None]
    found = nubridge.gccd(field, {"t_s": t_s, "samples": field.sample(nu, 4000, seed=1)})
    with pytest.warns(nubridge.OutsideDomainWarning, match=r"u0 is 3, outside the domain"):
        found.trajectory([3.0], t_s)


@pytest.mark.parametrize("positive", [False, True])
def test_every_point_of_an_l1_path_meets_the_conditions_of_its_minimum(positive):
    """Karush, Kuhn and Tucker: the slope is w penalty sign(x) where x is not 0, and no larger where it is 0."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        n = int(rng.integers(2, 12))
        m = rng.normal(size=(n + 2, n))
        h, b, penalty = m.T @ m + 0.01 * np.eye(n), 3 * rng.normal(size=n), rng.uniform(0.5, 2, n)
        if not positive:
            penalty[rng.random(n) < 0.3] = 0.0
        path = lasso_path(h, b, penalty, positive)
        for weight, x in path:
            slope, free = b - h @ x, x != 0
            np.testing.assert_allclose(slope[free], (weight * penalty * np.sign(x))[free], atol=1e-9)
            assert ((slope if positive else np.abs(slope)) <= weight * penalty + 1e-9).all()
            assert not positive or x.min() >= -1e-12
        least = nonnegative(h, b) if positive else np.linalg.solve(h, b)
        np.testing.assert_allclose(path[-1][1], least, atol=1e-8)


def own_candidate(field):
    """d u0/dt = c."""
    data = {"t_s": [0.0, 1.0, 2.0], "samples": field.sample(np.zeros((3, 1)), 50, seed=1)}
    return nubridge.gccd(field, data, {"one": lambda nu, _inputs: np.ones(len(nu))})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: nubridge.gccd(f, {"t_s": [0.0, 1.0]}), ["protocol 0", "'samples'"]),
        (lambda f: nubridge.gccd(f, {"t_s": [0.0, 1.0], "samples": [[[0], [1]]] * 2}), ["at least 3 times"]),
        (lambda f: nubridge.gccd(f, {"t_s": [0.0, 2.0, 1.0], "samples": [[[0], [1]]] * 3}), ["ascend"]),
        (lambda f: nubridge.gccd(f, {"t_s": [0.0, 1.0, 2.0], "samples": [[[0], [3]]] * 3}), ["sample 1", "3.0"]),
        (
            lambda f: nubridge.gccd(f, {"t_s": [0.0, 1.0, 2.0], "samples": [[[0], [1]]] * 3}, inputs="u"),
            ["input 'u'"],
        ),
        (
            lambda f: nubridge.gccd(
                f, {"t_s": [0.0, 1.0, 2.0], "samples": [[[0], [1]]] * 3}, {"all": lambda nu, _inputs: nu}
            ),
            ["'all'", "(3, 1)"],
        ),
        (lambda f: nubridge.gccd(f, nubridge.simulate("decay", t_s=[0, 1, 2])), ["protocol 0", "no 'u0'"]),
        (lambda f: own_candidate(f).model(), ["your own", "order"]),
    ],
)
def test_mistakes_are_refused_by_words(call, words):
    with pytest.raises(nubridge.InvalidArgumentError) as caught:
        call(field_of(1, []))
    for word in words:
        assert word in str(caught.value)
