"""Learning: coefficients that are known are found again, from moments and from runs; grids converge; runs repeat."""

import json
import warnings

import numpy as np
import pytest

import nubridge
from nubridge._awake import Protocol
from nubridge._fields import Field
from nubridge._fit import Fit, windows

TWO = nubridge.Network.build(
    {"A": 0},
    [{"name": "decay", "reactants": ["A"], "rate": 1.0}, {"name": "pairs", "reactants": ["A", "A"], "rate": 1.0}],
)
DECAY = nubridge.Network.build({"A": 10}, [{"name": "decay", "reactants": ["A"], "rate": 1.0}])
CHAIN = nubridge.IsingChain("A")


def chain_moments(t_s, begin, decay, pairs):
    """Molecules and bonds a site without hopping, exactly: learning.md 2.2."""
    rho, eta = CHAIN.moments(begin)
    a, every = eta / rho, decay + pairs
    gone = -np.expm1(-every * t_s) / every
    left = rho * np.exp(-decay * t_s - 2 * pairs * a * gone)
    return {"t_s": t_s, "A": left, "A-A": a * np.exp(-every * t_s) * left}


def test_theta_is_found_from_noise_free_moments():
    data = [chain_moments(np.linspace(0, 1, 21), begin, 1.0, 0.5) for begin in ([0.5, 0.1], [-0.5, 0.8])]
    model = nubridge.train(TWO, family=CHAIN, data=data, substeps=10)
    np.testing.assert_allclose(model.coefficients, [1.0, 0.5], atol=1e-6)
    assert model.coefficient_names == ("decay", "pairs")
    each = nubridge.train(TWO, family=CHAIN, dynamics=nubridge.BasisCombination(each_nu=True), data=data, substeps=10)
    np.testing.assert_allclose(each.coefficients, [1.0, 0.5, 1.0, 0.5], atol=1e-6)


@pytest.mark.parametrize("window", [1, 6, 20])
def test_sliding_windows_find_the_same_theta(window):
    data = [chain_moments(np.linspace(0, 1, 21), begin, 1.0, 0.5) for begin in ([0.5, 0.1], [-0.5, 0.8])]
    model = nubridge.train(TWO, family=CHAIN, data=data, substeps=10, window=window)
    np.testing.assert_allclose(model.coefficients, [1.0, 0.5], atol=1e-6)
    assert model.provenance["window"] == window


def test_windows_slide_over_all_of_a_protocol_by_half_their_length():
    t_s = np.arange(12.0)
    column = t_s[:, None]
    whole = Protocol(t_s, np.empty((12, 0)), column, column[None], nu=column)
    assert [(one.t_s[0], one.t_s[-1]) for one in windows(whole, 4)] == [(0, 4), (2, 6), (4, 8), (6, 10), (7, 11)]
    assert [(one.runs[0, 0, 0], len(one.awake)) for one in windows(whole, 11)] == [(0, 12)]
    for wrong in (0, 12):
        with pytest.raises(nubridge.InvalidArgumentError, match=rf"the window is {wrong}; data has 1 to 11 intervals"):
            windows(whole, wrong)


def test_a_reaction_that_is_not_there_gets_theta_0():
    more = nubridge.Network.build(
        {"A": 0},
        [
            {"name": "decay", "reactants": ["A"], "rate": 1.0},
            {"name": "pairs", "reactants": ["A", "A"], "rate": 1.0},
            {"name": "birth", "products": ["A"], "rate": 1.0},
            {"name": "merge", "reactants": ["A", "A"], "products": ["A"], "rate": 1.0},
        ],
    )
    data = [chain_moments(np.linspace(0, 1, 21), begin, 1.0, 0.5) for begin in ([0.5, 0.1], [-0.5, 0.8])]
    model = nubridge.train(more, family=CHAIN, data=data, substeps=10)
    np.testing.assert_allclose(model.coefficients, [1.0, 0.5, 0.0, 0.0], atol=1e-5)


def test_the_l1_path_says_which_reactions_matter():
    """Of five reactions two made the data: they are left at a small penalty, and then fitted without it."""
    one = {"decay": (["A"], []), "pairs": (["A", "A"], []), "birth": ([], ["A"]), "branch": (["A"], ["A", "A"])}
    reactions = [
        {"name": name, "reactants": left, "products": right, "rate": 1.0} for name, (left, right) in one.items()
    ]
    network = nubridge.Network.build({"A": 0}, reactions)
    data = [chain_moments(np.linspace(0, 1, 21), begin, 1.0, 0.5) for begin in ([0.5, 0.1], [-0.5, 0.8])]
    dynamics = nubridge.BasisCombination(hop_per_s={"A": 1.0}, nonnegative=False, penalty=1e-3)
    model = nubridge.train(network, family=CHAIN, dynamics=dynamics, data=data, substeps=10)
    found = dict(zip(model.coefficient_names, model.coefficients, strict=True))
    assert found == pytest.approx({"decay": 1.0, "pairs": 0.5, "birth": 0.0, "branch": 0.0, "hop_A": 0.0}, abs=1e-6)
    assert [name for name, theta in found.items() if theta] == ["decay", "pairs"]
    penalties, theta = model.theta_path
    assert penalties[0] == 1 and not theta[0].any() and (np.diff(penalties) < 0).all() and penalties[-1] == 0
    np.testing.assert_allclose(theta[-1], model.coefficients, atol=0.01)  # straight lines of 0.05 s between the data


def test_theta_from_100_lattice_runs_lies_within_3_standard_errors_in_95_of_100_repeats():
    rates = nubridge.Network.build(
        {"A": 0},
        [
            {"name": "decay", "reactants": ["A"], "rate": 1.0},
            {"name": "pairs", "reactants": ["A", "A"], "rate": 0.5},
        ],
    )
    space, scores = nubridge.Space((200,), periodic=True), []
    for seed in range(100):
        protocols = [{"t_s": np.linspace(0, 1, 6), "nu": [0.5, 0.1]}]
        learned = nubridge.train(
            rates, family=CHAIN, protocols=protocols, regime="lattice", runs=100, seed=seed, space=space
        )
        scores.append((learned.coefficients - 1.0) / learned.standard_errors)
    scores = np.array(scores)
    assert (np.abs(scores).max(axis=1) < 3).sum() >= 95
    assert np.abs(scores.std(axis=0) - 1).max() < 4 / np.sqrt(2 * len(scores))  # the errors are neither large nor small


def test_a_grid_for_decay_converges_with_the_fourth_order():
    """The largest error of nu(t) along a trajectory that was not trained on."""
    family, errors = nubridge.Counts("A", base="counting"), {}
    t_s = np.linspace(0, 6, 61)
    data = [{"t_s": t_s, "A": n * np.exp(-t_s)} for n in (50.0, 10.0)]
    for spacing in (0.8, 0.4):
        grid = nubridge.GridElements({"A": spacing}, ridge=1e-13)
        model = nubridge.train(None, family=family, dynamics=grid, data=data)
        path = model.trajectory(family.from_moments([30.0]), t_s)
        errors[spacing] = np.abs(path[:, 0] - np.log1p(np.exp(t_s) / 30)).max()
    assert 13 < errors[0.8] / errors[0.4] < 19
    assert errors[0.4] < 1e-4


def test_a_polynomial_of_nu_and_an_input_is_recovered():
    """d nu/dt = 0.4 - 0.3 nu^2 + 0.8 u nu of a Poisson law, from exact means under three waves, by fine Euler steps."""
    t_s = np.linspace(0, 2, 41)
    data = []
    for begin, pace in ((0.2, 1.0), (1.0, 3.0), (2.0, 5.0)):
        fine, nu = np.linspace(0, 2, 80001), [begin]
        for u in np.interp(fine, t_s, np.cos(pace * t_s))[:-1]:
            nu.append(nu[-1] + fine[1] * (0.4 - 0.3 * nu[-1] ** 2 + 0.8 * u * nu[-1]))
        data.append({"t_s": t_s, "A": np.exp(-np.interp(t_s, fine, nu)), "inputs": {"u": np.cos(pace * t_s)}})
    family = nubridge.Counts("A", base="poisson")
    model = nubridge.train(None, family=family, dynamics=nubridge.Polynomial(2), data=data, inputs=["u"])
    found = dict(zip(model.coefficient_names, model.coefficients, strict=True))
    stated = {"A: 1": 0.4, "A: A": 0.0, "A: u": 0.0, "A: A A": -0.3, "A: A u": 0.8, "A: u u": 0.0}
    assert found == pytest.approx(stated, abs=2e-3)  # Euler's steps of 2.5e-5 s are wrong by as much times the slopes


def test_an_optimiser_of_each_kind_reaches_the_same_theta():
    data = chain_moments(np.linspace(0, 1, 11), [0.5, 0.1], 1.0, 0.5)
    family = nubridge.IsingChain("A")
    found = {
        kind: nubridge.train(TWO, family=family, data=data, optimiser=kind, steps=steps, rate=0.02, patience=200)
        for kind, steps in (("gauss-newton", 20), ("lbfgs", 60), ("adam", 150))
    }
    for kind, model in found.items():
        np.testing.assert_allclose(model.coefficients, [1.0, 0.5], atol=5e-3, err_msg=kind)
        assert model.history[-1][0] < 1e-6


def driven(rate):
    return nubridge.Network.build(
        {"C": 1, "O": 0, "Ca": 0.1},
        [
            {"name": "bind", "reactants": ["C", "Ca"], "products": ["O", "Ca"], "rate": rate},
            {"name": "unbind", "reactants": ["O"], "products": ["C"], "rate": 10.0},
        ],
    )


def two_state(t_s, calcium, start):
    """Open fraction under linear pieces of calcium: the master equation by fine steps of the trapezoidal rule."""
    fine = np.linspace(t_s[0], t_s[-1], 40001)
    ca, h, p = np.interp(fine, t_s, calcium), fine[1] - fine[0], np.empty(len(fine))
    p[0] = start
    for i in range(len(fine) - 1):
        a, b = 50 * ca[i] + 10, 50 * ca[i + 1] + 10
        p[i + 1] = (p[i] * (1 - h / 2 * a) + h / 2 * 50 * (ca[i] + ca[i + 1])) / (1 + h / 2 * b)
    return np.interp(t_s, fine, p)


def test_a_channel_learned_on_a_grid_holds_for_calcium_never_seen():
    """Open probability within 0.5 % of the driven master equation, and calcium off the domain is flagged."""
    family, t_s = nubridge.Categorical(["C", "O"]), np.linspace(0, 0.4, 161)
    waves = [
        0.1 + level * np.exp(-(((t_s - 0.1) / width) ** 2)) for level in (0.3, 0.9) for width in (0.02, 0.05, 0.1)
    ] + [np.full(161, level) for level in (0.1, 0.4, 1.0)]
    starts = [1 / 3] * 6 + [0.8, 0.2, 0.1]
    data = []
    for ca, start in zip(waves, starts, strict=True):
        p = two_state(t_s, ca, start)
        data.append({"t_s": t_s, "C": 1 - p, "O": p, "inputs": {"Ca": ca}})
    grid = nubridge.GridElements({"O": 0.5, "Ca": 0.5})
    model = nubridge.train(None, family=family, dynamics=grid, data=data, inputs={"Ca": "uM"}, steps=30)
    unseen = 0.1 + 0.4 * (1 - np.cos(2 * np.pi * t_s / 0.13))
    exact = two_state(t_s, unseen, 1 / 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = model.trajectory(family.from_moments([2 / 3, 1 / 3]), t_s, unseen[:, None])
    np.testing.assert_allclose(model.observe(path)[:, 0], exact, rtol=0.005)
    with pytest.warns(nubridge.OutsideDomainWarning, match=r"Ca is 3, outside the domain 0.1 to 1"):
        model.rhs([0.0], [3.0])
    assert model.outside([0.0], [3.0]) and not model.outside([0.0], [0.5])


def test_a_smooth_map_learns_sk_and_is_stepped_by_a_kernel(tmp_path):
    """Five nu and calcium, which a grid would need 6-dimensional cells for; open probability within 0.5 % of the master equation."""
    t_s = np.linspace(0, 0.3, 61)
    levels = (0.2, 0.4, 0.6, 0.8, 1.0)
    states = ["C1", "C2", "C3", "C4", "O1", "O2"]
    starts = [
        dict(zip(states, row, strict=True))
        for row in ([0.4, 0.2, 0.2, 0.1, 0.05, 0.05], [0.1, 0.1, 0.2, 0.2, 0.1, 0.3])
    ]
    protocols = [{"t_s": t_s, "initial": start, "inputs": {"Ca": level}} for level in levels for start in starts]
    protocols += [
        {"t_s": t_s, "initial": start, "inputs": {"Ca": 0.6 - 0.4 * np.cos(2 * np.pi * t_s / period)}}
        for period in (0.1, 0.2)
        for start in starts
    ]
    model = nubridge.train(
        "sk_calcium",
        tmp_path,
        family=nubridge.Categorical(states),
        dynamics=nubridge.SmoothMap(units=60, steepness=0.7),
        protocols=protocols,
        regime="ode",
        inputs={"Ca": "uM"},
        steps=8,
        name="map",
    )
    unseen = {"t_s": t_s, "initial": starts[0], "inputs": {"Ca": 0.6 - 0.3 * np.cos(2 * np.pi * t_s / 0.14)}}
    row = nubridge.evaluate(model, "sk_calcium", [unseen], regime="ode").rows[0]
    open_ = [k for k, name in enumerate(model.nu_names) if name.startswith("O")]
    made, exact = (row[which][:, open_].sum(axis=1) for which in ("moments", "awake"))
    print(np.abs(made / exact - 1).max(), model.provenance["loss"])
    np.testing.assert_allclose(made, exact, rtol=0.005)
    kernel, read = nubridge.Kernel(tmp_path), nubridge.Model(tmp_path)
    nu = row["nu"][10]
    np.testing.assert_array_equal(read.rhs(nu, [0.5]), model.rhs(nu, [0.5]))
    np.testing.assert_allclose(kernel.rhs(nu, [0.5]), model.rhs(nu, [0.5]), rtol=1e-12)
    np.testing.assert_allclose(kernel.step(nu, [0.5], 20.0), model.step(nu, [0.5], 20.0), atol=1e-6)


def test_a_model_is_the_same_bytes_for_any_threads_and_when_resumed(tmp_path):
    data = [chain_moments(np.linspace(0, 1, 11), begin, 1.0, 0.5) for begin in ([0.5, 0.1], [-0.5, 0.8])]
    how = {"family": CHAIN, "data": data, "optimiser": "lbfgs"}
    for folder, threads in (("one", 1), ("two", 2)):
        nubridge.train(TWO, tmp_path / folder, steps=6, threads=threads, **how)
    nubridge.train(TWO, tmp_path / "cut", steps=3, **how)
    nubridge.train(TWO, tmp_path / "cut", steps=6, resume=True, **how)
    texts = {(tmp_path / folder / "model.json").read_bytes() for folder in ("one", "two", "cut")}
    assert len(texts) == 1
    with pytest.raises(nubridge.InvalidArgumentError, match="other settings or data"):
        nubridge.train(TWO, tmp_path / "cut", steps=6, resume=True, **{**how, "substeps": 8})


def test_ctrl_c_keeps_what_there_is(tmp_path, monkeypatch):
    data = chain_moments(np.linspace(0, 1, 11), [0.5, 0.1], 1.0, 0.5)
    how = {"family": CHAIN, "data": data, "optimiser": "adam"}
    nubridge.train(TWO, tmp_path / "whole", steps=5, **how)
    step, calls = nubridge.training.Adam.step, []

    def stopping(*arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return step(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(nubridge.training.Adam, "step", stopping)
        with pytest.raises(nubridge.Interrupted, match=r"2 of 5 steps.*resume=True"):
            nubridge.train(TWO, tmp_path / "cut", steps=5, **how)
    nubridge.train(TWO, tmp_path / "cut", steps=5, resume=True, **how)
    assert (tmp_path / "cut/model.json").read_bytes() == (tmp_path / "whole/model.json").read_bytes()


@pytest.mark.parametrize("dynamics", [nubridge.BasisCombination(), nubridge.GridElements({"k": 0.5, "A": 0.4})])
def test_a_saved_model_is_read_back_by_nubridge_model(tmp_path, dynamics):
    network = nubridge.Network.build({"A": 9}, [{"name": "decay", "reactants": ["A"], "rate": "k"}], {"k": 1.0})
    t_s = np.linspace(0, 1, 21)
    data = [{"t_s": t_s, "A": 9 * np.exp(-k * t_s), "inputs": {"k": k}} for k in np.linspace(0.5, 1.5, 7)]
    family = nubridge.Counts("A", base="poisson")
    model = nubridge.train(
        network, tmp_path, family=family, dynamics=dynamics, data=data, inputs={"k": "/s"}, name="falling"
    )
    read = nubridge.Model(tmp_path)
    nu, k = [[-1.9], [-1.5]], [[0.7], [1.2]]
    np.testing.assert_array_equal(read.rhs(nu, k), model.rhs(nu, k))
    np.testing.assert_allclose(read.rhs(nu, k), np.array(k) / 1000, rtol=1e-3)  # F is k, per ms
    np.testing.assert_allclose(read.step(nu, k, dt_ms=100.0), np.array(nu) + 0.1 * np.array(k), rtol=1e-3)
    np.testing.assert_allclose(read.observe(nu)[:, 0], np.exp([1.9, 1.5]), rtol=1e-12)
    assert (read.name, read.nu_names, read.input_names, read.input_units) == ("falling", ("A",), ("k",), ("/s",))
    assert read.domain["k"] == (0.5, 1.5) and read.hash.startswith("sha256:")
    by_nu, by_input = read.jacobian(nu, k)
    slope = (read.rhs(nu, np.array(k) + 1e-5) - read.rhs(nu, np.array(k) - 1e-5)) / 2e-5
    np.testing.assert_allclose(by_input[..., 0], slope, rtol=1e-6, atol=1e-12)
    assert by_nu.shape == (2, 1, 1)
    text = json.loads((tmp_path / "model.json").read_text())
    text["dynamics"]["coefficients"][0] += 1.0
    (tmp_path / "model.json").write_text(json.dumps(text))
    with pytest.raises(nubridge.ModelFileError, match="was edited"):
        nubridge.Model(tmp_path)


def test_held_out_protocols_choose_the_coefficients():
    data = chain_moments(np.linspace(0, 1, 11), [0.5, 0.1], 1.0, 0.5)
    unseen = chain_moments(np.linspace(0, 1, 11), [-0.5, 0.8], 1.0, 0.5)
    model = nubridge.train(TWO, family=CHAIN, data=data, held_out=[unseen], optimiser="adam", steps=20)
    held = [row[1] for row in model.history]
    assert model.provenance["held_out_loss"] == min(held)
    assert model.provenance["held_out"] == ["held-out protocol 0"]


def test_awake_moments_of_the_master_equation_and_of_runs_agree():
    """z below 4 for each of 10 moments."""
    network = nubridge.Network("annihilation")
    family, protocol = nubridge.Counts("A", order=2, base="poisson"), {"t_s": np.linspace(0, 1, 6), "nu": [-2.0, 0.01]}
    from nubridge._simulated import simulated

    exact = simulated(network, family, (), protocol, "cme", 1, 0, {}).awake
    runs = simulated(network, family, (), protocol, "ssa", 2000, 5, {}).runs
    z = (runs.mean(axis=0) - exact) / (runs.std(axis=0) / np.sqrt(len(runs)))
    assert np.abs(z).max() < 4


GOOD = {"t_s": [0.0, 0.5, 1.0], "A": [[9.0, 6.0, 4.0]]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({**GOOD, "A": [[9.0, np.nan, 4.0]]}, ["'A' is nan", "run 0", "0.5 s"]),
        ({**GOOD, "t_s": [0.0, 1.0, 0.5]}, ["0.5 after 1.0", "sort"]),
        ({"t_s": [0.0, 1.0], "B": [1.0, 2.0]}, ["lacks the species 'A'", "B"]),
        ({**GOOD, "A": [[9.0, 6.0]]}, ["shape (1, 2)", "3 times"]),
        ({**GOOD, "A": [[0.0, 0.0, 0.0]]}, ["at 0 of 3 times", "more runs"]),
        ("runs.xlsx", ["runs.xlsx", ".csv"]),
        (7, ["int", "Result"]),
        (None, ["nothing to learn from"]),
    ],
)
def test_bad_data_are_refused_by_words(data, words):
    with pytest.raises(nubridge.InvalidArgumentError) as caught:
        nubridge.train(DECAY, family=nubridge.Counts("A", base="poisson"), data=data)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"dynamics": nubridge.GridElements({"B": 1.0})}, ["'B'", "A"]),
        ({"dynamics": nubridge.GridElements({"A": 0.0})}, ["is 0", "above 0"]),
        ({"dynamics": nubridge.Polynomial(products={"A": [["B"]]})}, ["'B'", "A"]),
        ({"dynamics": nubridge.Polynomial(-1)}, ["-1", "0 or more"]),
        ({"dynamics": nubridge.BasisCombination(penalty=2.0)}, ["penalty is 2.0", "between 0 and 1"]),
        ({"optimiser": "sgd"}, ["'sgd'", "lbfgs"]),
        ({"inputs": ["k"]}, ["'k'"]),
        ({"policy": "ignore"}, ["'ignore'", "clamp"]),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_words(how, words):
    with pytest.raises(nubridge.InvalidArgumentError) as caught:
        nubridge.train(DECAY, family=nubridge.Counts("A", base="poisson"), data=GOOD, **how)
    for word in words:
        assert word in str(caught.value)


def test_data_come_from_csv_npz_and_results(tmp_path):
    family = nubridge.Counts("A", base="poisson")
    t_s = np.linspace(0, 1, 11)
    result = nubridge.simulate(DECAY, "ode", t_s)
    values = result["A"][0]
    rows = "\n".join(f"{t},{a}" for t, a in zip(t_s.tolist(), values.tolist(), strict=True))
    (tmp_path / "a.csv").write_text(f"t_s,A\n{rows}\n")
    np.savez(tmp_path / "a.npz", t_s=t_s, A=values)
    result.to_hdf5(tmp_path / "a.h5")
    found = [
        nubridge.train(DECAY, family=family, data=one).coefficients[0]
        for one in (result, tmp_path / "a.csv", tmp_path / "a.npz", str(tmp_path / "a.h5"))
    ]
    np.testing.assert_allclose(found, 1.0, atol=1e-7)


def test_the_loss_is_the_divergence_within_the_family():
    """Of two Poisson laws: m ln(m / n) - m + n."""
    t_s = np.array([0.0, 1.0])
    family = nubridge.Counts("A", base="poisson")
    model = nubridge.train(DECAY, family=family, data={"t_s": t_s, "A": [9.0, 4.0]}, steps=0)
    off = np.array([0.5])
    from nubridge._awake import close
    from nubridge._simulated import given

    seen = close(family, given(family, (), {"t_s": t_s, "A": [9.0, 4.0]}, "data"))
    fit = Fit(model.field, family, [seen], 4, 1, True, 1e-14)
    n = 9.0 * np.exp(-0.5)
    assert fit.loss(off) == pytest.approx(0.5 * (4 * np.log(4 / n) - 4 + n), rel=1e-9)
    assert isinstance(model.field, Field)
