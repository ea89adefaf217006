"""The voxel regimes grid-ssa, spde and pde from Python: fields, units, the ladder, memory, refusals."""

import subprocess
import sys

import numpy as np
import pytest

import nubridge

VOXELS = ("grid-ssa", "spde", "pde")


def chain(**rates):
    """A -> B -> nothing, linear: every rung has the same mean."""
    return nubridge.Network.build(
        {"A": 400, "B": 0},
        [
            {"reactants": ["A"], "products": ["B"], "rate": rates.get("turn", 2.0)},
            {"reactants": ["B"], "products": [], "rate": rates.get("decay", 1.0)},
        ],
    )


BOX = nubridge.Space((5, 4, 3), 0.2, {"A": 0.2, "B": 0.05})


def test_one_word_changes_the_accuracy():
    how = {"t_s": [0.2, 0.6], "initial": {"A": 30_000}}
    exact = nubridge.simulate(chain(), "ode", **how)
    pde = nubridge.simulate(chain(), "pde", space=BOX, **how)
    for name in ("A", "B"):
        assert pde.mean(name) == pytest.approx(exact.mean(name), rel=1e-7)
    for regime, runs in (("grid-ssa", 10), ("spde", 60)):
        found = nubridge.simulate(chain(), regime, runs=runs, seed=11, space=BOX, **how)
        for name in ("A", "B"):
            p = exact.mean(name) / 30_000
            error = (30_000 * p * (1 - p) / runs) ** 0.5
            assert (abs(found.mean(name) - exact.mean(name)) < 4 * error).all(), regime


def test_spde_and_grid_ssa_follow_the_pde_from_a_point_in_mean_and_variance():
    # Molecules are independent, so that a voxel's count is binomial.
    molecules, runs, t_s = 20_000, 60, 0.1
    box = nubridge.Space((6, 2), 0.2, {"A": 0.4, "B": 0.1})
    start = np.zeros((2, 6))
    start[0, 2] = molecules

    def final(regime, run=0):
        simulator = nubridge.Simulator(chain(), regime, space=box, seed=12, run=run, initial={"A": 0})
        simulator.set_field("A", start)
        simulator.advance(t_s)
        return simulator.field("A")

    mean = final("pde")
    variance = mean * (1 - mean / molecules)
    for regime in ("grid-ssa", "spde"):
        fields = np.array([final(regime, run) for run in range(runs)])
        z = (fields.mean(0) - mean) / np.sqrt(variance / runs)
        assert abs(z).max() < 4, regime
        ratio = (fields.var(0, ddof=1) / variance).mean()
        assert abs(ratio - 1) < 4 * (2 / (runs * mean.size)) ** 0.5 * 1.3, regime


@pytest.mark.parametrize("regime", VOXELS)
def test_fields_have_the_shape_of_the_space_and_the_sum_of_the_amount(regime):
    simulator = nubridge.Simulator(chain(), regime, space=BOX, seed=1)
    simulator.advance(0.05)
    assert simulator.field("A").shape == (3, 4, 5)
    assert simulator.field("A").sum() == pytest.approx(simulator["A"], rel=1e-12)
    placed = np.zeros((3, 4, 5))
    placed[2, 1, 0] = 7
    simulator.set_field("B", placed)
    assert (simulator.field("B") == placed).all()
    assert simulator["B"] == 7


@pytest.mark.parametrize("regime", VOXELS)
def test_concentrations_are_those_of_a_voxel(regime):
    # Buffering in uM: the equilibrium of A + B <-> C is that of the well-mixed network.
    network = nubridge.Network.build(
        {"A": 20.0, "B": 30.0, "C": 0.0},
        [
            {"reactants": ["A", "B"], "products": ["C"], "rate": 2.0},
            {"reactants": ["C"], "products": ["A", "B"], "rate": 20.0},
        ],
        unit="uM",
    )
    space = nubridge.Space((4, 3), 0.25, {"A": 0.2, "B": 0.1})
    simulator = nubridge.Simulator(network, regime, space=space, seed=3)
    values = []
    for step in range(1, 41):
        simulator.advance(0.1 * step)
        values.append(simulator["C"])
    mean = np.mean(values[10:])
    exact = nubridge.simulate(network, "ode", [4.0]).mean("C")[0]
    error = 0.0 if regime == "pde" else np.std(values[10:]) / 30**0.5
    assert abs(mean - exact) < 4 * error + 1e-3 * exact
    assert simulator.field("C").mean() == pytest.approx(simulator["C"])


def test_threads_and_order_of_runs_do_not_matter():
    how = {"t_s": [0.05, 0.1], "seed": 5, "space": BOX}
    for regime in ("grid-ssa", "spde"):
        one = nubridge.simulate(chain(), regime, runs=6, threads=1, **how)
        two = nubridge.simulate(chain(), regime, runs=6, threads=2, **how)
        tail = nubridge.simulate(chain(), regime, runs=2, first_run=4, **how)
        assert one.values.tobytes() == two.values.tobytes()
        assert one.values[4:].tobytes() == tail.values.tobytes()


def test_a_clamped_concentration_that_moves_drives_every_voxel():
    # dB/dt = k S(t): Poisson with the integral as its mean.
    network = nubridge.Network.build({"S": 0, "B": 0}, [{"reactants": ["S"], "products": ["S", "B"], "rate": 5.0}])
    space = nubridge.Space((4, 4), 0.2, {"B": 0.1})
    inputs = {"S": ([0.0, 0.5, 0.6], [0.0, 200.0, 1.0])}
    runs = 400
    found = nubridge.simulate(network, "grid-ssa", [1.0], runs=runs, seed=2, space=space, inputs=inputs)
    mean = 5 * (200 * 0.1 + 1.0 * 0.4)
    assert abs(found.mean("B")[0] - mean) < 4 * (mean / runs) ** 0.5
    assert abs(found.std("B")[0] ** 2 / mean - 1) < 4 * (2 / runs) ** 0.5
    pde = nubridge.simulate(network, "pde", [1.0], space=space, inputs=inputs)
    assert pde.mean("B")[0] == pytest.approx(mean, rel=1e-9)
    assert found["S"][0, 0] == 1.0


@pytest.mark.parametrize("regime", VOXELS)
def test_64_cubed_voxels_of_10_species_need_less_than_a_gigabyte(regime):
    program = f"""
import resource, nubridge
names = [f"S{{i}}" for i in range(10)]
reactions = [{{"reactants": [a, b], "products": [b, c], "rate": 1e-6}}
             for a, b, c in zip(names, names[1:] + names[:1], names[2:] + names[:2])]
network = nubridge.Network.build(dict.fromkeys(names, 262144), reactions)
space = nubridge.Space((64, 64, 64), 0.1, dict.fromkeys(names, 1.0))
simulator = nubridge.Simulator(network, {regime!r}, space=space, relative_tolerance=1e-3, absolute_tolerance=1e-3)
simulator.advance(1e-4)
assert simulator.events > 0
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert float(told.stdout) < 1000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": None}, ["'grid-ssa'", "needs space"]),
        ({"space": nubridge.Space((4,))}, ["without diffusion", "ssa"]),
        ({"space": nubridge.Space((4,), 1.0, {"A": -1.0})}, ["'A'", "-1"]),
        ({"space": nubridge.Space((4,), 1.0, {"A": float("nan")})}, ["'A'", "nan"]),
        ({"space": nubridge.Space((4,), 1.0, {"Q": 1.0})}, ["'Q'"]),
        ({"space": nubridge.Space((4,), 1.0, {"A": 1.0}, face={"B": "z-"})}, ["'B'", "z-", "one voxel"]),
        ({"space": nubridge.Space((4,), 1.0, {"A": 1.0}, face={"B": "up"})}, ["'up'", "z+"]),
        ({"space": nubridge.Space((4, 0), 1.0, {"A": 1.0})}, ["(4, 0)"]),
        ({"space": nubridge.Space((4,), -1.0, {"A": 1.0})}, ["spacing", "-1"]),
        ({"space": BOX, "regime": "ssa"}, ["'ssa'", "no space"]),
    ],
)
def test_bad_spaces_are_named(change, words):
    with pytest.raises(nubridge.Error) as error:
        nubridge.Simulator(chain(), **{"regime": "grid-ssa", **change})
    for word in words:
        assert word in str(error.value)


def test_bad_fields_are_named():
    simulator = nubridge.Simulator(chain(), "grid-ssa", space=BOX)
    with pytest.raises(nubridge.Error, match=r"\(3, 4, 5\)"):
        simulator.set_field("A", np.zeros(60))
    with pytest.raises(nubridge.Error, match="-1"):
        simulator.set_field("A", np.full((3, 4, 5), -1.0))
    with pytest.raises(nubridge.Error, match="well mixed"):
        nubridge.Simulator(chain(), "ssa").field("A")
