"""One BNGL model at one site on every rung. `./run python tests/validation/test_peers_rungs.py FIGURE` prints and draws all of them.

200 calcium ions and 50 SK channels that bind them (`sk_calcium`) in 0.066 um3, from channels that are all closed: by mass
action, by exact events, and as particles in MCell and Smoldyn.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

import nubridge
from nubridge import plot
from peer_process import PARTICLES, PeerProcess

VOLUME_um3 = 40 / 602.214076  # so that 40 ions are 1 uM
WINDOW_ns = 500_000
WINDOWS = 20
RUNS = {"ssa": 300, "mcell": 6, "smoldyn": 3}
PARAMETERS = {"Ca0": 5.0, "channels": 50 / 40}
# At steps of 1 us the binding of either particle simulator may be so much too slow (README, "Particles").
SLOW = 0.05


def fractions(kind: str, folder: Path) -> np.ndarray:
    """The open fraction of every run, a site each, at the end of every window."""
    folder.mkdir()
    model = folder / "model.py"
    model.write_text(f"import nubridge\n\nnetwork = nubridge.Network('sk_calcium', parameters={PARAMETERS})\n")
    config = {
        "peer": kind,
        "model": str(model),
        "window_ns": WINDOW_ns,
        "sites": [{"name": str(i), "volume_um3": VOLUME_um3} for i in range(RUNS[kind])],
        "counts": [{"site": i, "weights": {"open": 1}} for i in range(RUNS[kind])],
        "seed": 11,
    }
    with PeerProcess(config, folder) as peer:
        counts = np.array([peer.exchange()[1] for _ in range(WINDOWS)])
        assert peer.close() == 0, peer.errors
    return counts.T / 50


def times_s() -> np.ndarray:
    return WINDOW_ns * 1e-9 * np.arange(1, WINDOWS + 1)


def by_mass_action() -> np.ndarray:
    network = nubridge.Network("sk_calcium", parameters=PARAMETERS)
    return nubridge.simulate(network, "ode", times_s()).mean("open") / PARAMETERS["channels"]


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """The mean over time of every exact run."""
    return fractions("ssa", tmp_path_factory.mktemp("exact") / "ssa").mean(axis=1)


def test_mass_action_is_the_mean_of_exact_events(exact):
    error = exact.std(ddof=1) / len(exact) ** 0.5
    of_one_molecule = 1 / 50  # mean field is off by the order of it
    assert abs(by_mass_action().mean() - exact.mean()) < 3 * error + of_one_molecule


@pytest.mark.parametrize("kind", PARTICLES)
def test_particles_open_as_many_channels_as_exact_events(kind, exact, tmp_path):
    found = fractions(kind, tmp_path / kind).mean(axis=1)
    error = exact.std(ddof=1) * (1 / len(found) + 1 / len(exact)) ** 0.5
    assert -3 * error - SLOW * exact.mean() < found.mean() - exact.mean() < 3 * error


def draw(path: str, found: dict[str, np.ndarray]) -> None:
    """The open fraction against time: the exact mean with the band of a run, mass action, and particles."""
    t_ms, exact = 1e3 * times_s(), found["ssa"]
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(5, 3.2, layout="constrained")
        axes = figure.subplots()
        mean, sd = exact.mean(axis=0), exact.std(axis=0, ddof=1)
        axes.fill_between(t_ms, mean - sd, mean + sd, color=plot.SKY, alpha=0.3, lw=0, label="ssa, sd of a run")
        axes.plot(t_ms, mean, color=plot.BLUE, label="ssa, mean")
        axes.plot(t_ms, by_mass_action(), color=plot.GREY, dashes=(3, 3), label="ode")
        for kind, colour in zip(PARTICLES, (plot.ORANGE, plot.GREEN), strict=False):
            axes.plot(t_ms, found[kind].mean(axis=0), "o", ms=3, color=colour, label=f"{kind}, {RUNS[kind]} runs")
        axes.set(xlabel="ms", ylabel="open fraction of 50 SK channels", title="one model on every rung")
        axes.legend()
        figure.savefig(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        runs = {kind: fractions(kind, Path(temporary, kind)) for kind in ("ssa", *PARTICLES)}
    print(f"ode      {by_mass_action().mean():.4f}")
    for name, values in runs.items():
        means = values.mean(axis=1)
        print(f"{name:8} {means.mean():.4f} +- {runs['ssa'].mean(axis=1).std(ddof=1) / len(means) ** 0.5:.4f}")
    draw(sys.argv[1], runs)
