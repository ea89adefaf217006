"""Peers against exact laws. `./run python tests/validation/test_peers_physics.py mcell SECONDS` runs the channels for longer."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

import nubridge
import sk_oracle
from nubridge.peers import Plan
from peer_process import PARTICLES, PeerProcess

CHANNELS = {"mcell": 1500, "smoldyn": 500}  # Smoldyn takes no more so near each other
CALCIUM_IONS = np.array([20, 40, 80])
CA_uM = np.array([0.5, 1.0, 2.0])
VOLUME_um3 = 40 / 602.214076  # so that 40 ions are 1 uM
WINDOW_ns = 500_000
SECONDS = {"mcell": 0.15, "smoldyn": 0.02}
# At 1 us. MCell 3.4: SK's first binding has the probability 0.4 a hit, and such reactions are up to this much too slow;
# Smoldyn: as much, where a molecule is near enough to 0.1 partners.
SLOWEST_BINDING = 0.95

CHANNEL_MODEL = """
import nubridge

network = nubridge.Network("sk", parameters={"Ca0": 1.0, "channels": CHANNELS})
"""


def open_fraction(ca_uM: float) -> float:
    return float(sk_oracle.steady(ca_uM)[4:].sum())


def standard_error(kind: str, ca_uM: float, seconds: float) -> float:
    """Of the open fraction of all channels over so much time: 2 T^-1 of the area under the covariance, over their number."""
    q, p = sk_oracle.generator(ca_uM).astype(float) * 1e3, sk_oracle.steady(ca_uM)
    is_open = np.array([0, 0, 0, 0, 1, 1])
    # The area under exp(Q t) (is_open p - p Po) is -Q^+ of it: the solution x of Q x = -y with sum 0.
    excess = is_open * p - p * (is_open @ p)
    area = np.linalg.lstsq(np.vstack([q, np.ones(6)]), np.append(-excess, 0.0), rcond=None)[0]
    return float(np.sqrt(2.0 * (is_open @ area) / seconds / CHANNELS[kind]))


def channels_of(kind: str, folder: Path, seconds: float) -> np.ndarray:
    """Mean open fractions at the three concentrations, from the steady state on."""
    (folder / "work").mkdir()
    (folder / "channels.py").write_text(CHANNEL_MODEL.replace("CHANNELS", repr(CHANNELS[kind] / 40)))
    states = sk_oracle.COLUMNS
    config = {
        "peer": kind,
        "model": str(folder / "channels.py"),
        "window_ns": WINDOW_ns,
        "sites": [{"name": f"{ca} uM", "volume_um3": VOLUME_um3} for ca in CA_uM],
        "amounts": [{"site": i, "species": name} for i in range(3) for name in ("Ca", *states)],
        "counts": [{"site": i, "weights": {"open": 1}} for i in range(3)],
        "seed": 5,
    }
    start = [np.random.default_rng(i).multinomial(CHANNELS[kind], sk_oracle.steady(ca)) for i, ca in enumerate(CA_uM)]
    in_c1 = np.eye(6, dtype=int)[0] * CHANNELS[kind]
    first = [np.append(ions - 40, row - in_c1) for ions, row in zip(CALCIUM_IONS, start, strict=True)]
    windows = round(seconds * 1e9 / WINDOW_ns)
    total = np.zeros(3)
    with PeerProcess(config, folder / "work") as peer:
        for window in range(windows):
            asked = np.concatenate(first) if window == 0 else np.zeros(21, int)
            realised, counts = peer.exchange(asked)
            assert np.array_equal(realised, asked)
            total += counts
        assert peer.close() == 0, peer.errors
    return total / windows / CHANNELS[kind]


@pytest.mark.parametrize("kind", PARTICLES)
def test_channels_open_as_the_exact_law_says(kind, tmp_path):
    found = channels_of(kind, tmp_path, SECONDS[kind])
    for ca_uM, popen in zip(CA_uM, found, strict=True):
        error = standard_error(kind, ca_uM, SECONDS[kind])
        assert open_fraction(SLOWEST_BINDING * ca_uM) - 3 * error <= popen <= open_fraction(ca_uM) + 3 * error


def test_well_mixed_sites_of_the_peer_are_the_master_equation(tmp_path):
    # A channel and 12 calcium ions in each of 500 sites, which are as many runs.
    (tmp_path / "work").mkdir()
    sites, volume_um3, windows = 500, 0.02, 4
    config = {
        "peer": "ssa",
        "model": "sk_calcium",
        "window_ns": 5_000_000,
        "sites": [{"name": str(i), "volume_um3": volume_um3} for i in range(sites)],
        "counts": [{"site": i, "weights": {name: 1}} for name in ("open", "Ca") for i in range(sites)],
        "seed": 6,
    }
    with PeerProcess(config, tmp_path / "work") as peer:
        for _ in range(windows):
            _, counts = peer.exchange()
        assert peer.close() == 0, peer.errors
    per_unit = 602.214076 * volume_um3
    exact = nubridge.Simulator("sk_calcium", "cme", volume_um3=volume_um3)
    exact.advance(windows * 5e-3)
    straight = nubridge.simulate("sk_calcium", "ssa", [windows * 5e-3], runs=sites, seed=7, volume_um3=volume_um3)
    for name, found in zip(("open", "Ca"), counts.reshape(2, sites), strict=True):
        values, probabilities = exact.distribution(name)
        values = np.rint(values * per_unit)
        mean = probabilities @ values
        variance, fourth = (probabilities @ (values - mean) ** power for power in (2, 4))
        for sample in (found, np.rint(straight[name][:, 0] * per_unit)):
            assert abs(sample.mean() - mean) < 4 * (variance / sites) ** 0.5
            assert abs(sample.var() - variance) < 4 * ((fourth - variance**2) / sites) ** 0.5 + variance / sites


def test_one_description_of_a_spine_is_the_same_on_three_rungs(tmp_path):
    (tmp_path / "work").mkdir()
    ions, window_ns, volume_um3 = 200, 200_000, nubridge.Network("spine").parameters["volume_um3"]
    names = ("Ca", "CBP_Ca", "calbindin_Ca", "PMCA_Ca", "NCX_Ca")

    def counts_of(peer: str, sites: int) -> np.ndarray:
        config = {
            "peer": peer,
            "model": "spine",
            "window_ns": window_ns,
            "sites": [{"name": str(i), "volume_um3": volume_um3} for i in range(sites)],
            "amounts": [{"site": i, "species": "Ca"} for i in range(sites)],
            "rates": [{"site": i, "name": "V_mV"} for i in range(sites)],
            "counts": [{"site": i, "weights": {name: 1}} for name in names for i in range(sites)],
            "seed": 8,
        }
        with PeerProcess(config, tmp_path / "work") as process:
            _, counts = process.exchange([ions] * sites, [-65.0] * sites)
            assert process.close() == 0, process.errors
        return counts.reshape(len(names), sites)

    exact, particles = counts_of("ssa", 200), counts_of("mcell", 1)
    per_unit = 602.214076 * volume_um3
    whole = Plan.of({"model": "spine", "sites": [{"volume_um3": volume_um3}]})
    start = dict(zip(whole.network.species, whole.initial[0] / per_unit, strict=True))
    start["Ca"] += ions / per_unit
    mean_field = nubridge.simulate("spine", "ode", [window_ns * 1e-9], initial=start)
    for name, of_ssa, of_mcell in zip(names, exact, particles, strict=True):
        error = of_ssa.std(ddof=1)
        # Mean field is off by the order of one molecule.
        assert abs(of_ssa.mean() - mean_field.mean(name)[0] * per_unit) < 4 * error / len(of_ssa) ** 0.5 + 1
        slow = (1 - SLOWEST_BINDING) * of_ssa.mean()
        assert abs(of_mcell.mean() - of_ssa.mean()) < 4 * error / len(of_mcell) ** 0.5 + slow


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    name, length_s = sys.argv[1], float(sys.argv[2])
    with tempfile.TemporaryDirectory() as temporary:
        for ca, fraction in zip(CA_uM, channels_of(name, Path(temporary), length_s), strict=True):
            print(f"{ca} uM: {fraction:.4f} +- {standard_error(name, ca, length_s):.4f}, exact {open_fraction(ca):.4f}")
