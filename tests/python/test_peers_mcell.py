"""What the peer mcell refuses before it starts, because MCell would be wrong in silence; and what clamping means there."""

import math
import sys

import pytest

import nubridge
from nubridge.peers import Plan, open_peer
from peer_process import PeerProcess


def plan_of(reaction, membrane=("R", "S"), diffusion_um2_s=None):
    network = nubridge.Network.build({"Ca": 10, "R": 5, "S": 5, "B": 5}, [{"name": "it", "rate": 1.0, **reaction}])
    placed = {
        "membrane": list(membrane),
        "diffusion_um2_s": {"Ca": 220} if diffusion_um2_s is None else diffusion_um2_s,
    }
    return Plan.of({"peer": "mcell", "model": network, "options": placed})


@pytest.mark.parametrize(
    ("reaction", "words"),
    [
        ({"reactants": [], "products": ["Ca"]}, "nothing reacts"),
        ({"reactants": ["Ca", "B", "R"], "products": []}, "three molecules meet"),
        ({"reactants": ["Ca", "Ca"], "products": []}, "two equal molecules meet"),
        ({"reactants": ["R", "S"], "products": []}, "two molecules of the membrane meet"),
        ({"reactants": ["B"], "products": ["R"]}, "R of the membrane would come out of the volume"),
    ],
)
def test_a_reaction_that_mcell_has_not_is_refused_by_name(reaction, words):
    with pytest.raises(nubridge.PeerError, match=f"mcell cannot have the reaction 'it' of network: {words}"):
        open_peer(plan_of(reaction))


def test_reactants_that_never_move_are_refused_with_the_line_that_is_missing():
    still = plan_of({"reactants": ["Ca", "R"], "products": []}, diffusion_um2_s={})
    with pytest.raises(nubridge.PeerError, match=r"neither of Ca and R moves; .* `# diffusion: Ca 220 um2/s`"):
        open_peer(still)


def test_mcell_that_is_not_installed_comes_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "_pymcell", None)
    with pytest.raises(nubridge.PeerError, match=r"pip install --no-build-isolation pymcell==0\.2"):
        open_peer(plan_of({"reactants": ["Ca"], "products": []}))


def test_a_clamped_species_keeps_its_number_whatever_binds_or_makes_it(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "clamped.py").write_text(
        "import nubridge\n"
        "network = nubridge.Network.build({'Ca': 30, 'R': 20, 'RCa': 0}, [\n"
        "    {'reactants': ['Ca', 'R'], 'products': ['RCa'], 'rate': 4.0},\n"
        "    {'reactants': ['RCa'], 'products': ['R', 'Ca'], 'rate': 100.0},\n"
        "], fixed=['Ca'])\n"
        "membrane, diffusion_um2_s = ['R', 'RCa'], {'Ca': 220}\n"
    )
    config = {
        "peer": "mcell",
        "model": str(tmp_path / "clamped.py"),
        "window_ns": 10_000_000,
        "sites": [{"name": "box", "volume_um3": 0.0664}],
        "counts": [{"site": 0, "weights": {name: 1}} for name in ("Ca", "R", "RCa")],
    }
    with PeerProcess(config, tmp_path / "work") as peer:
        _, (calcium, free, bound) = peer.exchange()
        assert peer.close() == 0, peer.errors
    assert calcium == 30
    assert free + bound == 20
    binding, ending, t_s = 4.0 * 30, 100.0, 0.01  # each of 20 channels by itself
    p = binding / (binding + ending) * (1 - math.exp(-(binding + ending) * t_s))
    assert abs(bound - 20 * p) < 4 * math.sqrt(20 * p * (1 - p))
