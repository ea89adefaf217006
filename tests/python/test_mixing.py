"""How far a site is from well mixed, against the numbers that its definition gives by hand."""

import numpy as np
import pytest

import nubridge
from nubridge.peers import Plan
from nubridge.peers.mixing import MOST, Mixing
from nubridge.peers.nu import Kinds
from nubridge.peers.rates import SiteRates
from nubridge.peers.ssa import SsaPeer
from nubridge.peers.switched import SwitchedPeer

EDGE_um, D_um2_s, K_per_s, BUFFERS, IONS, WINDOW_s = 0.5, 200.0, 10.0, 20, 40, 25e-6
MIXING_per_s = np.pi**2 * D_um2_s / EDGE_um**2


def mixing_of(diffusion_um2_s=D_um2_s):
    """(Mixing, molecules, rate constants) of two sites: ions that a buffer binds, and the same with nothing to bind."""
    binding = {"reactants": ["Ca", "B"], "products": ["CaB"], "rate": K_per_s}
    leaving = {"reactants": ["CaB"], "products": ["Ca", "B"], "rate": 50.0}
    plan = Plan.of(
        {
            "model": nubridge.Network.build({"Ca": IONS, "B": BUFFERS, "CaB": 5}, [binding, leaving]),
            "sites": [{"name": name, "volume_um3": EDGE_um**3} for name in "ab"],
            "amounts": [{"site": name, "species": "Ca"} for name in "ab"],
            "options": {"diffusion_um2_s": {"Ca": diffusion_um2_s}},
        }
    )
    molecules = plan.initial.astype(float)
    molecules[1, 1] = 0
    return Mixing(plan, Kinds(plan.network, {"Ca"})), molecules, SiteRates(plan).molecular


def test_what_reacts_is_unmixed_by_its_damkoehler_number():
    mixing, molecules, k = mixing_of()
    assert mixing.of_sites(molecules, k) == [pytest.approx(K_per_s * BUFFERS / MIXING_per_s, rel=1e-12), 0.0]


def test_what_comes_in_is_unmixed_for_a_mixing_time():
    mixing, molecules, k = mixing_of()
    for _ in range(200):
        mixing.add(np.array([0, -3]))
    kept = np.exp(-MIXING_per_s * WINDOW_s)
    assert mixing.of_sites(molecules, k)[1] == pytest.approx(3 * kept / (1 - kept) / IONS, rel=1e-12)
    for _ in range(20):
        mixing.add(np.array([0, 0]))
    assert mixing.of_sites(molecules, k)[1] == pytest.approx(3 * kept**21 / (1 - kept) / IONS, rel=1e-12)


def test_an_ion_that_does_not_move_is_unmixed_where_anything_takes_it():
    mixing, molecules, k = mixing_of(0.0)
    assert mixing.of_sites(molecules, k) == [MOST, 0.0]


class Spacious(SsaPeer):
    """Exact events, said to have space."""

    has_space = True


def test_a_checkpoint_keeps_what_is_not_mixed(tmp_path):
    def opened():
        plan = {"model": "sk_calcium", "amounts": [{"species": "Ca"}], "mixing_ns": 50_000, "window_ns": 25_000}
        return SwitchedPeer(Spacious(Plan.of(plan)))

    first, again = opened(), opened()

    def seen(peer, windows):
        peer.set_rates(np.zeros(0))
        found = []
        for _ in range(windows):
            peer.inject(np.array([5]))
            peer.advance(25_000)
            found.append(peer.counts(1024))
        return found

    seen(first, 3)
    first.checkpoint(tmp_path / "peer")
    again.restore(tmp_path / "peer")
    assert again.counts(1024) == first.counts(1024) and first.counts(1024)[-1] > 0
    assert seen(again, 5) == seen(first, 5)
