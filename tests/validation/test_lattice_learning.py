"""Theta of lattice reactions learned from lattice runs, where hopping breaks the closure; hidden units on bonds."""

import numpy as np
import pytest

import nubridge

PAIRS = nubridge.Network.build({"A": 0}, [{"name": "pairs", "reactants": ["A", "A"], "rate": 1.0}])
SPLIT = nubridge.Network.build(
    ["A", "B", "C"],
    [
        {"name": "split", "reactants": ["A"], "products": ["B", "C"], "rate": 1.0},
        {"name": "join", "reactants": ["B", "C"], "products": ["A"], "rate": 0.7},
    ],
)
ENZYME = nubridge.Network.build(
    ["E", "S", "ES", "P"],
    [
        {"name": "bind", "reactants": ["E", "S"], "products": ["ES"], "rate": 2.0},
        {"name": "unbind", "reactants": ["ES"], "products": ["E", "S"], "rate": 0.5},
        {"name": "make", "reactants": ["ES"], "products": ["E", "P"], "rate": 1.0},
    ],
)


@pytest.mark.parametrize(
    ("network", "family", "begins", "unseen", "hops"),
    [
        (PAIRS, nubridge.IsingChain("A"), [[0.5, 0.1], [-0.5, 0.5]], [0.2, -0.3], {"A": 2.0}),
        (
            SPLIT,
            nubridge.IsingChain(["A", "B", "C"], couplings=[["B", "C"]]),
            [[-0.5, -0.8, -1, -0.4], [0.3, -1.5, -1.2, 0.2]],
            [0.0, -1.0, -0.6, 0.3],
            dict.fromkeys("ABC", 0.5),
        ),
        (
            ENZYME,
            nubridge.IsingChain(["E", "S", "ES", "P"], couplings=[["E", "S"]]),
            [[-1, -0.3, -1.5, -1.2, -0.5], [-0.5, -0.8, -2, -2, 0.3]],
            [-0.8, 0.0, -2, -1.5, 0.0],
            dict.fromkeys(["E", "S", "ES", "P"], 0.5),
        ),
    ],
    ids=["pairs", "split", "enzyme"],
)
def test_learned_theta_beats_theta_1_on_a_start_that_was_not_trained_on(network, family, begins, unseen, hops):
    """A ring of 200 sites; a hop to either side at D / spacing^2 a second."""
    space, t_s = nubridge.Space((200,), periodic=True, diffusion_um2_s=hops), np.linspace(0, 1.5, 9)
    how = {"regime": "lattice", "space": space}
    model = nubridge.train(
        network,
        family=family,
        dynamics=nubridge.BasisCombination(hop_per_s=hops),
        protocols=[{"t_s": t_s, "nu": begin} for begin in begins],
        runs=200,
        seed=3,
        substeps=2,
        **how,
    )
    plain = nubridge.LearnedModel(model.document, family, model.field, np.ones(len(model.coefficients)))
    learned, closed = (
        nubridge.evaluate(one, network, [{"t_s": t_s, "nu": unseen}], runs=400, seed=99, **how).rows[0]
        for one in (model, plain)
    )
    assert learned["kl"] < 0.7 * closed["kl"]
    molecules = len(family.description["species"])
    assert np.linalg.norm(learned["error"][:molecules]) < np.linalg.norm(closed["error"][:molecules])


@pytest.mark.parametrize(
    ("h", "w", "b", "stated"),
    [
        (0.2, 1.0, -1.0, (0.959770986083, 0.240229013917)),
        (0.3, -1.5, 0.4, (-0.951359854569, 0.409989294137)),
    ],
)
def test_hidden_units_on_bonds_are_an_ising_chain(h, w, b, stated):
    """learning.md 1.8: a unit of bias b joined with w to both sites of each bond; summed out, the ring has h and J as stated."""
    sites, hidden = [f"s{i}" for i in range(6)], [f"x{i}" for i in range(6)]
    cliques = [*([one] for one in sites), *([one] for one in hidden)]
    for i, unit in enumerate(hidden):
        cliques += [[sites[i], unit], [sites[(i + 1) % 6], unit]]
    field = nubridge.BinaryField([*sites, *hidden], cliques)
    found = field.moments([*[h] * 6, *[b] * 6, *[w] * 12])
    ring = nubridge.IsingChain("A", boundary="ring", sites=6)
    states, probabilities = field.states([*[h] * 6, *[b] * 6, *[w] * 12])
    bonds = probabilities @ (states[:, :6] * np.roll(states[:, :6], 1, axis=1)).sum(axis=1)
    np.testing.assert_allclose(ring.moments(list(stated)), [found[:6].sum(), bonds], rtol=1e-11)
    np.testing.assert_allclose(ring.from_moments([found[:6].sum(), bonds]), stated, atol=1e-9)
