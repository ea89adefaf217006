"""The rungs against exact laws: cme against closed forms, ssa against cme by moments and by histogram."""

import csv
from itertools import islice
from math import lgamma
from pathlib import Path

import numpy as np
import pytest

import nubridge

RUNS = 10_000


def z_scores(values, mean, variance, fourth=None):
    """Of the sample mean and of the sample variance of `values`, given the exact moments of one value.

    `fourth` is the exact fourth central moment; without it, that of the sample.
    """
    n = len(values)
    if fourth is None:
        fourth = ((values - values.mean()) ** 4).mean()
    return (
        (values.mean() - mean) / np.sqrt(variance / n),
        (((values - mean) ** 2).mean() - variance) / np.sqrt((fourth - variance**2) / n),
    )


def require_standard(scores):
    """Each within 4; the mean square near 1, within 4 of its own standard errors for independent pairs in time."""
    scores = np.ravel(scores)
    assert np.abs(scores).max() < 4
    # Scores at successive times of one run go together: count a third of them as independent.
    assert abs((scores**2).mean() - 1) < 4 * np.sqrt(2 / (len(scores) / 3))


def exact(network, times, name, initial=None):
    """Mean, variance, fourth central moment at each time, by cme."""
    simulator = nubridge.Simulator(network, "cme", initial=initial)
    moments = []
    for t_s in times:
        simulator.advance(t_s)
        values, p = simulator.distribution(name)
        mean = values @ p
        moments.append((mean, (values - mean) ** 2 @ p, (values - mean) ** 4 @ p))
    return np.array(moments)


BIRTH_DEATH = nubridge.Network.build(
    {"A": 100},
    [{"reactants": ["A"], "products": ["A", "A"], "rate": 0.1}, {"reactants": ["A"], "products": [], "rate": 0.11}],
)
IMMIGRATION_DEATH = nubridge.Network.build(
    {"A": 0},
    [{"reactants": [], "products": ["A"], "rate": 1.0}, {"reactants": ["A"], "products": [], "rate": 0.1}],
)
DIMERISATION = nubridge.Network.build(
    {"P": 100, "P2": 0},
    [
        {"reactants": ["P", "P"], "products": ["P2"], "rate": 0.001},
        {"reactants": ["P2"], "products": ["P", "P"], "rate": 0.01},
    ],
)
TIMES = np.linspace(2.0, 50.0, 13)


def test_cme_has_the_moments_of_birth_and_death():
    mean, variance, _ = exact(BIRTH_DEATH, TIMES, "A").T
    grown = np.exp(-0.01 * TIMES)
    np.testing.assert_allclose(mean, 100 * grown, rtol=1e-9)
    np.testing.assert_allclose(variance, 100 * 0.21 / -0.01 * grown * (grown - 1), rtol=1e-9)


def test_cme_has_the_moments_of_immigration_and_death():
    mean, variance, fourth = exact(IMMIGRATION_DEATH, TIMES, "A").T
    expected = 10 * (1 - np.exp(-0.1 * TIMES))
    np.testing.assert_allclose(mean, expected, rtol=1e-9)
    np.testing.assert_allclose(variance, expected, rtol=1e-9)
    np.testing.assert_allclose(fourth, expected + 3 * expected**2, rtol=1e-8)


def test_cme_reaches_the_equilibrium_of_dimerisation():
    simulator = nubridge.Simulator(DIMERISATION, "cme")
    simulator.advance(5000.0)
    dimers, p = simulator.distribution("P2")
    log_law = [d * np.log(0.1 / 2) - lgamma(101 - 2 * d) - lgamma(d + 1) for d in dimers]
    law = np.exp(log_law - np.max(log_law))
    np.testing.assert_allclose(p, law / law.sum(), atol=1e-12)
    assert simulator.distribution("P")[0].tolist() == [100 - 2 * d for d in reversed(dimers)]


@pytest.mark.parametrize(
    ("network", "name"),
    [(BIRTH_DEATH, "A"), (IMMIGRATION_DEATH, "A"), (DIMERISATION, "P"), (DIMERISATION, "P2")],
    ids=["birth-death", "immigration-death", "dimerisation P", "dimerisation P2"],
)
def test_ssa_has_the_exact_moments_at_all_times(network, name):
    runs = nubridge.simulate(network, "ssa", TIMES, runs=RUNS, seed=21, record=[name])[name]
    moments = exact(network, TIMES, name)
    require_standard([z_scores(values, *one) for values, one in zip(runs.T, moments, strict=True)])


def chi_square(counts, probabilities):
    """Chi-square as a normal score, cells of less than 10 expected runs put together (Wilson and Hilferty 1931)."""
    expected = probabilities * counts.sum()
    cells = (np.cumsum(expected) // 10).astype(int)
    seen, wanted = np.bincount(cells, counts), np.bincount(cells, expected)
    used = wanted > 5
    seen, wanted = seen[used], wanted[used]
    freedom = len(wanted) - 1
    statistic = ((seen - wanted) ** 2 / wanted).sum()
    return ((statistic / freedom) ** (1 / 3) - 1 + 2 / (9 * freedom)) / np.sqrt(2 / (9 * freedom))


@pytest.mark.parametrize(
    ("source", "name", "t_s", "initial"),
    [
        ("abc", "C", 0.5, {"A": 40, "B": 30, "C": 5}),
        ("abc", "A", 1.0, None),
        ("annihilation", "A", 1.5, None),
    ],
)
def test_histogram_of_ssa_is_the_law_of_cme(source, name, t_s, initial):
    simulator = nubridge.Simulator(source, "cme", initial=initial)
    simulator.advance(t_s)
    values, p = simulator.distribution(name)
    runs = nubridge.simulate(source, "ssa", [t_s], runs=20_000, seed=22, initial=initial, record=[name])[name][:, 0]
    place = np.searchsorted(values, runs)
    assert (values[place] == runs).all()
    assert abs(chi_square(np.bincount(place, minlength=len(values)), p)) < 4
    assert abs(chi_square(np.bincount(place, minlength=len(values)), np.roll(p, 6))) > 4


def test_ssa_has_the_published_trajectory_from_a_poisson_law():
    # A + A -> 0, c = 0.1, from Poisson(10); 1e5 runs, those of one initial count together.
    known = {0.5: (6.709849249089, 5.139394552993), 1: (5.083953117114, 3.593445697894)}
    known |= {2: (3.459707871811, 2.329961848527), 5: (1.830710093580, 1.197083065288)}
    network = nubridge.Network.build({"A": 0}, [{"reactants": ["A", "A"], "products": [], "rate": 0.1}])
    starts = np.random.default_rng(23).poisson(10.0, 100_000)
    scores = np.array(
        [z_scores(values, *known[t_s]) for t_s, values in zip(known, runs_from(network, starts, [*known]), strict=True)]
    )
    require_standard(scores)


def runs_from(network, starts, times, seed=24, sites=None):
    """times x runs of A: one run from each of the `starts`; what is left of `sites` is free."""
    values, first_run = [], 0
    for start, runs in zip(*np.unique(starts, return_counts=True), strict=True):
        initial = {"A": start} if sites is None else {"A": start, "free": sites - start}
        how = {"initial": initial, "first_run": first_run, "record": ["A"], "threads": 1}
        values.append(nubridge.simulate(network, "ssa", times, int(runs), seed, **how)["A"])
        first_run += int(runs)
    return np.concatenate(values).T


def family(base, last, nu1, nu2):
    """The probabilities of 0 to `last` molecules, as in oracle_wellmixed.csv."""
    n = np.arange(last + 1)
    log_p = -nu1 * n - nu2 * n * (n - 1) / 2
    if base != "count":
        log_p -= [lgamma(k + 1) for k in n]
    if base == "binom":
        log_p -= [lgamma(last - k + 1) for k in n]
    p = np.exp(log_p - log_p.max())
    return p / p.sum()


REACTIONS = {
    "decay": (["A"], []),
    "birth": ([], ["A"]),
    "annih": (["A", "A"], []),
    "coag": (["A", "A"], ["A"]),
    "branch": (["A"], ["A", "A"]),
    "open": (["free"], ["A"]),
}


def rows_of_the_oracle():
    path = Path(__file__).parents[1] / "support/oracles/oracle_wellmixed.csv"
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row["base"], int(row["N"]), float(row["nu1"]), float(row["nu2"]), row["reaction"]


def test_ssa_moves_the_families_of_the_oracle_as_cme():
    # Every second row, 1e5 runs each; cme itself meets all rows in its unit test.
    scores = []
    for seed, (base, last, nu1, nu2, name) in enumerate(islice(rows_of_the_oracle(), 0, None, 2)):
        reactants, products = REACTIONS[name]
        sites = last if name == "open" else None
        network = nubridge.Network.build(
            {"A": 0} if sites is None else {"A": 0, "free": sites},
            [{"reactants": reactants, "products": products, "rate": 1.0}],
        )
        p = family(base, last, nu1, nu2)
        counts = np.arange(last + 1)
        simulator = nubridge.Simulator(network, "cme")
        simulator.set_distribution({"A": counts} if sites is None else {"A": counts, "free": sites - counts}, p)
        simulator.advance(0.1)
        n, after = simulator.distribution("A")
        mean = n @ after
        moments = mean, (n - mean) ** 2 @ after, (n - mean) ** 4 @ after
        starts = np.random.default_rng(seed).choice(last + 1, 100_000, p=p)
        scores += z_scores(runs_from(network, starts, [0.1], seed, sites)[0], *moments)
    scores = np.array(scores)
    assert len(scores) > 50
    assert np.abs(scores).max() < 4
    assert abs((scores**2).mean() - 1) < 4 * np.sqrt(2 / len(scores))


def test_simulate_gives_mean_and_std_of_the_law():
    result = nubridge.simulate("decay", "cme", [0.0, 0.5, 2.0])
    p = np.exp(-result.t_s)
    np.testing.assert_allclose(result.mean("A"), 100 * p, rtol=1e-12)
    np.testing.assert_allclose(result.std("A"), np.sqrt(100 * p * (1 - p)), rtol=1e-11, atol=1e-12)


def test_sk_under_a_calcium_transient_is_binomial_around_the_linear_law():
    # Channels are independent: mean N p and variance N p (1 - p), p that of one channel.
    times_s, levels_uM = [0.0, 0.01, 0.03], [0.1, 8.0, 0.4]
    several = nubridge.Simulator("sk", "cme", volume_um3=8 / 50, inputs={"Ca": (times_s, levels_uM)})
    single = nubridge.Simulator("sk", "cme", volume_um3=1 / 50, inputs={"Ca": (times_s, levels_uM)})
    for t_s in (0.005, 0.01, 0.02, 0.03, 0.06):
        several.advance(t_s)
        single.advance(t_s)
        one, p_one = single.distribution("open")
        assert len(one) == 2
        found, p = several.distribution("open")
        counts = found / found[1]
        open_fraction = p_one[1]
        assert abs(counts @ p - 8 * open_fraction) < 1e-12
        assert abs(counts**2 @ p - (counts @ p) ** 2 - 8 * open_fraction * (1 - open_fraction)) < 1e-12


def test_ssa_of_sk_under_a_calcium_transient_is_the_driven_cme():
    calcium = nubridge.PulseTrain(amplitude=10, unit="uM", rate_hz=50, tau_ms=12, pulses=2, base=0.1)
    times_s, channels = [0.005, 0.015, 0.03], 3
    how = {"volume_um3": channels / 50, "inputs": {"Ca": calcium}}
    simulator = nubridge.Simulator("sk", "cme", end_s=times_s[-1], **how)
    runs = nubridge.simulate("sk", "ssa", times_s, runs=100_000, seed=25, record=["open"], **how)["open"]
    ode = nubridge.simulate("sk", "ode", times_s, inputs=how["inputs"], relative_tolerance=1e-11)
    fractions = ode.mean("open") / ode.mean("channel")
    scores = []
    for t_s, values, fraction in zip(times_s, runs.T, fractions, strict=True):
        simulator.advance(t_s)
        found, p = simulator.distribution("open")
        counts = found / found[1]
        mean = counts @ p
        variance = (counts - mean) ** 2 @ p
        # Independent channels: binomial, around the linear law.
        assert abs(mean - channels * fraction) < 1e-8
        assert abs(variance - channels * fraction * (1 - fraction)) < 1e-8
        scores.append(z_scores(values / found[1], mean, variance, (counts - mean) ** 4 @ p))
    require_standard(scores)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.Simulator("abc", "ssa").distribution("A"), ["one state", "use cme"]),
        (lambda: nubridge.Simulator("abc", "ode").set_distribution({"A": [1]}, [1.0]), ["one state", "use cme"]),
        (lambda: nubridge.Simulator("abc", "ssa").error_bound, ["use cme"]),
        (lambda: nubridge.Simulator("abc", "cme").set_distribution({"A": [1, 2]}, [0.5, 0.6]), ["1.1", "sum to 1"]),
        (lambda: nubridge.simulate("lotka_volterra", "cme", [5.0], max_states=5000), ["5000", "MB", "use ssa"]),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(nubridge.Error) as error:
        call()
    for word in words:
        assert word in str(error.value)
