"""Counts of a peer by themselves: what training learns from."""

from pathlib import Path

import numpy as np
import pytest

import nubridge
from peer_process import PARTICLES

OWN = f"{Path(__file__).parents[2] / 'python/demos/own_peer.py'}:DirectMethod"
T_S = np.linspace(0, 1, 11)


@pytest.mark.parametrize("peer", ["ssa", *PARTICLES, OWN])
def test_the_rate_is_learned_from_a_peers_counts(peer):
    data = nubridge.record(peer, "decay", T_S, "A", runs=40, seed=1, step_us=1000)
    assert data["A"].shape == (40, 11) and (data["A"][:, 0] == 100).all()
    model = nubridge.train("decay", family=nubridge.Counts("A", base="poisson"), data=data)
    assert abs(model.coefficients[0] - 1) < 4 * model.standard_errors[0]


def test_a_parameter_is_driven_and_the_seed_is_the_run():
    """k = 1 + t for 1 s, in steps with the value of their middle: exp(-1.5) of A are left."""
    runs = [
        nubridge.record("ssa", "decay", T_S, "A", runs=40, seed=seed, inputs={"k": lambda t: 1 + t})
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(runs[0]["A"], runs[1]["A"])
    assert not np.array_equal(runs[0]["A"], runs[2]["A"])
    np.testing.assert_allclose(runs[0]["k"], 1 + T_S)
    left = np.exp(-1.5)
    assert abs(runs[0]["A"][:, -1].sum() - 4000 * left) < 4 * np.sqrt(4000 * left * (1 - left))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"t_s": [0.0, 0.1, 0.3]}, ["0.1 s", "evenly"]),
        ({"t_s": [0.1, 0.2]}, ["from 0"]),
        ({"species": "B"}, ["'B'", "A"]),
        ({"inputs": {"k": [1.0, 2.0]}}, ["'k'", "11 values"]),
        ({"inputs": {"kk": 1.0}}, ["'kk'"]),
        ({"step_us": 3.0}, ["3000 ns"]),
        ({"volume_um3": -1.0}, ["-1.0 um3"]),
        ({"peer": "mine:Missing"}, ["mine"]),
    ],
)
def test_mistakes_are_refused_by_words(changes, words):
    words_of = {"peer": "ssa", "model": "decay", "t_s": T_S, "species": "A", **changes}
    with pytest.raises(nubridge.Error) as caught:
        nubridge.record(words_of.pop("peer"), words_of.pop("model"), **words_of)
    for word in words:
        assert word in str(caught.value)
