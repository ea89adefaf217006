"""Gaussian laws with latent factors: learning.md 1.12 and 2.6."""

import numpy as np
import pytest

import nubridge

LAW = nubridge.LatentGaussian(("A", "B"), ("Z",), weights=[[0.8, 0.1]], bias=[0.3, -0.2], noise=0.05)
TURNED = LAW.in_gauge([0.2], [1.3])

# learning.md 2.6: d weights, d bias, d noise in the standard gauge, per unit rate
TABLE = {
    ("A -> 0"): ((-0.8, 0), (-0.3, 0), 0.1),
    ("Z -> 0"): ((-0.061538461538, -0.007692307692), (0, 0), 0.05),
    ("B -> 2 B"): ((0, 0.1), (0, -0.2), -0.05),
    ("A + B -> 2 A"): ((-0.13, 0.13), (0.02, -0.02), -0.005),
    ("B + A -> 2 B"): ((0.13, -0.13), (-0.02, 0.02), 0.045),
    ("A + Z -> 2 A"): ((-0.658461538462, -0.03739001308), (0.972140340079, 0), 1.428220504141),
    ("Z + B -> 2 Z"): ((-0.022774628465, 0.149041157427), (0, -0.07401754251), 0.051127866786),
}


def reaction(text):
    left, right = ([] if side == "0" else side.split(" + ") for side in text.split(" -> "))
    if right and right[0].startswith("2 "):
        right = [right[0][2:]] * 2
    return {"name": text.replace(" ", ""), "reactants": left, "products": right, "rate": 1.0}


def test_the_gauge_changes_the_parameters_and_not_the_law():
    np.testing.assert_allclose(TURNED.weights, [[0.701646415446, 0.087705801931]], atol=5e-13)
    np.testing.assert_allclose(TURNED.bias, [0.159670716911, -0.217541160386], atol=5e-13)
    np.testing.assert_allclose(TURNED.mean[:2], LAW.mean[:2], atol=1e-15)
    np.testing.assert_allclose(TURNED.covariance[:2, :2], LAW.covariance[:2, :2], atol=1e-15)


def test_reactions_move_the_parameters_as_the_table_says():
    network = nubridge.Network.build(["A", "B", "Z"], [reaction(text) for text in TABLE])
    rates = TURNED.rates(network)
    assert rates.term_names == tuple(text.replace(" ", "") for text in TABLE)
    for row, (weights, bias, noise) in enumerate(TABLE.values()):
        np.testing.assert_allclose(rates.weights[row], [weights], atol=2e-12)  # twelve printed digits
        np.testing.assert_allclose(rates.bias[row], bias, atol=2e-12)
        assert rates.noise[row] == pytest.approx(noise, abs=2e-12)


def test_the_law_of_samples_is_found_again():
    random, many = np.random.default_rng(3), 40_000
    weights = np.array([[0.9, -0.4, 0.2], [0.1, 0.5, 0.7]])
    samples = random.normal(size=(many, 2)) @ weights + [1.0, 2.0, 3.0] + np.sqrt(0.05) * random.normal(size=(many, 3))
    law = nubridge.LatentGaussian.from_samples(("A", "B", "C"), ("y", "z"), samples)
    expected = weights.T @ weights + 0.05 * np.eye(3)
    # of the covariance s_ij the standard error is sqrt((s_ii s_jj + s_ij^2) / many)
    error = np.sqrt((np.multiply.outer(np.diag(expected), np.diag(expected)) + expected**2) / many)
    assert (np.abs(law.covariance[:3, :3] - expected) < 4 * error).all()
    assert (np.abs(law.bias - [1, 2, 3]) < 4 * np.sqrt(np.diag(expected) / many)).all()
    assert law.noise == pytest.approx(0.05, abs=4 * 0.05 * np.sqrt(2 / many))
    assert (law.weights.sum(axis=1) <= 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.LatentGaussian(("A",), ("z",), [[1.0, 2.0]], [0.0], 0.1), r"weights has the shape \(1, 2\)"),
        (lambda: nubridge.LatentGaussian(("A",), ("z",), [[1.0]], [0.0], 0.0), "noise is 0.0"),
        (lambda: nubridge.LatentGaussian(("A",), ("z",), [[np.nan]], [0.0], 0.1), "weights"),
        (lambda: nubridge.LatentGaussian.from_samples(("A", "B"), ("z",), [[1.0, 2.0]]), "more than 2 finite rows"),
        (lambda: LAW.in_gauge([0.0], [-1.0]), "latent_variance"),
    ],
)
def test_what_is_no_law_is_refused(call, words):
    with pytest.raises(nubridge.InvalidArgumentError, match=words), np.errstate(invalid="ignore"):
        call()
