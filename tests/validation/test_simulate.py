"""nubridge.simulate against exact laws, and the rungs of the ladder against each other."""

import numpy as np
import pytest

import nubridge
import nubridge.paths

RUNS = 10_000


def z_of_mean(values, mean):
    return (values.mean() - mean) / (values.std(ddof=1) / len(values) ** 0.5)


def test_decay_is_binomial():
    result = nubridge.simulate("decay", "ssa", t_s=[0.3, 1.0, 2.0], runs=RUNS, seed=3)
    for t_s, values in zip(result.t_s, result["A"].T, strict=True):
        p = np.exp(-t_s)
        assert abs(z_of_mean(values, 100 * p)) < 4
        assert abs(values.var() / (100 * p * (1 - p)) - 1) < 4 * (2 / RUNS) ** 0.5 * 1.1


def test_sk_open_fraction_relaxes_as_the_linear_master_equation():
    # Channels are independent, so that the mean obeys mass action exactly.
    times = [0.002, 0.01, 0.05]
    ode = nubridge.simulate("sk", "ode", times)
    ssa = nubridge.simulate("sk", "ssa", times, runs=RUNS, seed=4, volume_um3=1.0)
    for values, mean in zip(ssa["open"].T, ode.mean("open"), strict=True):
        assert abs(z_of_mean(values, mean)) < 4


def test_the_first_factor_two_of_annihilation():
    # A + A -> 0 at k a pair: two molecules wait Exp(k).
    network = nubridge.Network.build({"A": 2}, [{"reactants": ["A", "A"], "products": [], "rate": 1.5}])
    values = nubridge.simulate(network, t_s=[0.4], runs=RUNS, seed=5)["A"][:, 0]
    assert abs(z_of_mean(values, 2 * np.exp(-1.5 * 0.4))) < 4
    shipped = nubridge.Network("annihilation")
    assert shipped.reactions[0].rate == shipped.parameters["k"]


def test_a_rate_that_jumps_gives_505():
    network = nubridge.Network.build(
        ["A"], [{"reactants": [], "products": ["A"], "rate": "in"}], parameters={"in": 1.0}
    )
    values = []
    for run in range(1000):
        simulator = nubridge.Simulator(network, "ssa", seed=6, run=run)
        simulator.advance(5.0)
        simulator.set_rate("in", 100.0)
        simulator.advance(10.0)
        values.append(simulator["A"])
    assert abs(z_of_mean(np.array(values), 505.0)) < 4


def test_threads_and_order_of_runs_do_not_matter():
    one = nubridge.simulate("sk_calcium", t_s=[0.01, 0.02], runs=40, seed=7, volume_um3=1.0, threads=1)
    two = nubridge.simulate("sk_calcium", t_s=[0.01, 0.02], runs=40, seed=7, volume_um3=1.0, threads=2)
    tail = nubridge.simulate("sk_calcium", t_s=[0.01, 0.02], runs=10, first_run=30, seed=7, volume_um3=1.0)
    assert one.values.tobytes() == two.values.tobytes()
    assert one.values[30:].tobytes() == tail.values.tobytes()


def test_conserved_totals_are_exact():
    result = nubridge.simulate("camkii", t_s=[0.0, 0.01, 0.1], volume_um3=0.5, seed=1)
    for name in ("Ca_total", "K_total", "CaM_total"):
        counts = np.rint(result.counts(name))
        assert np.allclose(result.counts(name), counts, rtol=1e-12)
        assert (counts == counts[0, 0]).all()


def test_units_of_a_result():
    result = nubridge.simulate("sk", t_s=[0.0], volume_um3=2.0)
    assert result.unit == "uM"
    assert round(result.counts("channel")[0, 0]) == 100
    assert result.concentration("channel", "nM")[0, 0] == pytest.approx(100 / 602.214076 / 2 * 1e3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.simulate("camkii"), ["volume_um3", "uM"]),
        (lambda: nubridge.simulate("abc", "tua"), ["'tua'", "ssa, ode"]),
        (lambda: nubridge.simulate("abd"), ["abd", "abc"]),
        (lambda: nubridge.simulate("abc", initial={"D": 1}), ["'D'", "A, B, C"]),
        (lambda: nubridge.simulate("abc", initial={"A": -1}), ["'A'", "-1"]),
        (lambda: nubridge.simulate("abc", parameters={"k": 1}), ["'k'", "kon"]),
        (lambda: nubridge.simulate("abc", parameters={"kon": -1}), ["-1", "not negative"]),
        (lambda: nubridge.simulate("abc", t_s=[1.0, 0.5]), ["0.5", "ascend"]),
        (lambda: nubridge.simulate("abc", "ode", runs=2), ["runs is 2"]),
        (lambda: nubridge.simulate("abc", record=["Q"]), ["'Q'"]),
        (lambda: nubridge.Network.build(["A"], [{"reactants": ["B"], "rate": 1.0}]), ["'B'", "A"]),
        (lambda: nubridge.Network.build(["A"], [{"reactants": ["A"], "rate": "k"}]), ["'k'"]),
        (lambda: nubridge.Network("abc", unit="mM"), ["'mM'", "uM"]),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(nubridge.Error) as error:
        call()
    for word in words:
        assert word in str(error.value)


def test_a_network_may_state_its_volume(tmp_path):
    stated = nubridge.simulate("sk", t_s=[0.0, 0.01], runs=20, seed=7)
    given = nubridge.simulate("sk", t_s=[0.0, 0.01], runs=20, seed=7, volume_um3=1.0)
    assert stated.settings == given.settings and stated.values.tobytes() == given.values.tobytes()
    assert (stated.counts("channel") == 50).all() and nubridge.Simulator("sk").counts["C1"] == 50
    text = (nubridge.paths.prefix() / "models" / "networks" / "sk.net").read_text(encoding="utf-8")
    (tmp_path / "sk.net").write_text(text.replace("# volume: 1 um3", "# volume: -1 um3"))
    with pytest.raises(nubridge.NetworkError, match="sk says `# volume: -1 um3`; it must be positive"):
        nubridge.simulate(tmp_path / "sk.net")
