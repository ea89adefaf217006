"""Models against what they never saw; families against each other."""

import numpy as np
import pytest

import nubridge
from neuron_process import ROOT
from nubridge._train_file import protocols_of, read_toml

PAIRS = nubridge.Network("annihilation").with_parameters({"k": 0.1})
POISSON = nubridge.Counts("A", base="poisson", largest=80)
DECAY = nubridge.Network.build({"A": 10}, [{"name": "decay", "reactants": ["A"], "rate": 1.0}])


def test_orders_1_to_3_on_pair_annihilation_have_the_stated_divergences():
    """learning.md 2.1; two digits are printed: half of the last one is up to 5 %."""
    families = {f"K={k}": nubridge.Counts("A", order=k, base="poisson", largest=80) for k in (1, 2, 3)}
    report = nubridge.accuracy(PAIRS, families, [0.5, 1, 2, 5], (POISSON, [-np.log(10)]))
    stated = [[1.7e-2, 2.8e-2, 3.8e-2, 4.9e-2], [5.4e-7, 8.1e-6, 4.5e-5, 1.9e-4], [1.9e-9, 2.8e-8, 7.9e-8, 2.0e-7]]
    for row, numbers in zip(report.rows, stated, strict=True):
        np.testing.assert_allclose(row["kl"], numbers, rtol=0.05)
    assert report.front == ("K=1", "K=2", "K=3")
    assert report.chosen == "K=2"
    text = str(report)
    assert "chosen: K=2" in text and "5.4e-07" in text
    strict = nubridge.accuracy(PAIRS, families, [5], (POISSON, [-np.log(10)]), enough=1e-6)
    assert strict.chosen == "K=3"
    assert nubridge.accuracy(PAIRS, families, [5], (POISSON, [-np.log(10)]), enough=1e-9).chosen is None


def test_a_family_that_loses_in_both_is_not_in_the_front():
    """The counting base has as many nu and is not closed under decay, while Poisson's law is."""
    families = {"poisson": POISSON, "counting": nubridge.Counts("A", order=1, base="counting", largest=80)}
    report = nubridge.accuracy(DECAY, families, [1.0], (POISSON, [-1.0]))
    assert report.front == ("poisson",)
    assert report.rows[0]["mean_kl"] < 1e-9 < report.rows[1]["mean_kl"]


def test_an_evaluation_says_how_far_and_how_often_outside():
    t_s = np.linspace(0, 1, 21)
    model = nubridge.train(DECAY, family=POISSON, data={"t_s": 2 * t_s, "A": 10 * np.exp(-1.8 * t_s)})
    seen, higher = {"t_s": t_s, "nu": [-2.0], "name": "seen"}, {"t_s": t_s, "nu": [-3.0], "name": "higher"}
    found = nubridge.evaluate(model, DECAY, [seen, higher])
    assert found.rows[0]["outside"] == 0.0
    assert found.rows[1]["outside"] > 0.5  # exp(3) is above the 10 of the data
    n, m = np.exp(2 - 0.9 * t_s), np.exp(2 - t_s)
    kl = m * np.log(m / n) - m + n
    assert found.rows[0]["kl"] == pytest.approx(np.trapezoid(kl, t_s), rel=1e-4)
    assert found.rows[0]["error"][0] == pytest.approx(np.sqrt(np.mean((n - m) ** 2)) / m.max(), rel=1e-4)
    assert "higher" in str(found) and "off domain" in str(found)


def test_the_shipped_sk_model_holds_for_calcium_never_seen():
    """Open probability within 0.5 % of the driven master equation, by a training of its own; calcium off the domain is flagged."""
    path = ROOT / "models/sk_calcium/unseen.toml"
    shipped = nubridge.Model(ROOT / "models/sk_calcium")
    for protocol in protocols_of(read_toml(path), path, "protocols"):
        found = nubridge.evaluate(shipped, "sk_calcium", [protocol], regime="ode").rows[0]
        opened = [shipped.nu_names.index(name) for name in ("O1", "O2")]
        np.testing.assert_allclose(
            found["moments"][:, opened].sum(axis=1), found["awake"][:, opened].sum(axis=1), rtol=0.005
        )
        assert found["outside"] == 0.0
    with pytest.warns(nubridge.OutsideDomainWarning, match=r"Ca is 50, outside the domain 0.05 to 8.05"):
        shipped.rhs(np.zeros(5), [50.0])


def test_training_the_shipped_settings_gives_the_shipped_thetas(tmp_path):
    model = nubridge.train(ROOT / "models/sk_calcium/train.toml", tmp_path)
    shipped = nubridge.Model(ROOT / "models/sk_calcium")
    np.testing.assert_allclose(model.coefficients, 1.0, atol=1e-3)
    np.testing.assert_allclose(model.coefficients, shipped.coefficients, atol=1e-6)
    assert model.provenance["network"] == shipped.provenance["network"]
    assert set(model.provenance) == set(shipped.provenance)


def test_nothing_to_evaluate_on_is_refused():
    model = nubridge.train(DECAY, family=POISSON, data={"t_s": [0.0, 1.0], "A": [10.0, 4.0]})
    with pytest.raises(nubridge.InvalidArgumentError, match="nothing to evaluate on"):
        nubridge.evaluate(model, DECAY)
