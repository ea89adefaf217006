"""Same seed, same bytes in every stochastic regime: whatever the threads, in one call or gone on with from a file."""

import numpy as np
import pytest

import nubridge

SPACE = nubridge.Space((6, 5, 4), 0.1, {"A": 1.0, "B": 2.0, "C": 0.5})
REGIMES = {"ssa": None, "tau": None, "langevin": None, "lattice": SPACE, "grid-ssa": SPACE, "spde": SPACE}
NETWORK = nubridge.Network("abc").with_parameters({"kon": 0.05})


def abc(regime, **options):
    usual = {"t_s": np.linspace(0.0, 0.2, 5), "runs": 8, "seed": 11, "initial": {"A": 30, "B": 40, "C": 0}}
    return nubridge.simulate(NETWORK, regime, **{**usual, "space": REGIMES[regime], **options})


@pytest.mark.parametrize("regime", REGIMES)
def test_threads_runs_and_times_in_pieces_do_not_change_a_byte(regime, tmp_path):
    straight = abc(regime, threads=1)
    assert len(np.unique(straight["C"][:, -1])) > 2  # the runs differ, so that equal bytes mean something
    assert abc(regime, threads=2).values.tobytes() == straight.values.tobytes()

    abc(regime, runs=3, output=tmp_path / "runs.h5")
    assert abc(regime, output=tmp_path / "runs.h5", resume=True).values.tobytes() == straight.values.tobytes()

    abc(regime, t_s=straight.t_s[:3], output=tmp_path / "times.h5")
    longer = abc(regime, output=tmp_path / "times.h5", resume=True)
    assert longer.values.tobytes() == straight.values.tobytes()


@pytest.mark.parametrize("regime", REGIMES)
def test_another_seed_gives_other_runs(regime):
    assert abc(regime, seed=12).values.tobytes() != abc(regime).values.tobytes()
