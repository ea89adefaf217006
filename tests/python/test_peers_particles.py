"""What mcell and smoldyn refuse before they start, for they would be wrong in silence; what clamps; rates that share a pair."""

import math
import re
import sys

import pytest

import nubridge
from nubridge import doctor
from nubridge.peers import Plan, open_peer
from peer_process import PARTICLES, PeerProcess


def plan_of(kind, reaction, membrane=("R", "S"), diffusion_um2_s=None):
    network = nubridge.Network.build({"Ca": 10, "R": 5, "S": 5, "B": 5}, [{"name": "it", "rate": 1.0, **reaction}])
    placed = {
        "membrane": list(membrane),
        "diffusion_um2_s": {"Ca": 220} if diffusion_um2_s is None else diffusion_um2_s,
    }
    return Plan.of({"peer": kind, "model": network, "options": placed})


@pytest.mark.parametrize("kind", PARTICLES)
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
def test_a_reaction_that_particles_have_not_is_refused_by_name(kind, reaction, words):
    with pytest.raises(nubridge.PeerError, match=f"{kind} cannot have the reaction 'it' of network: {words}"):
        open_peer(plan_of(kind, reaction))


@pytest.mark.parametrize("kind", PARTICLES)
def test_reactants_that_never_move_are_refused_with_the_line_that_is_missing(kind):
    still = plan_of(kind, {"reactants": ["Ca", "R"], "products": []}, diffusion_um2_s={})
    with pytest.raises(nubridge.PeerError, match=r"neither of Ca and R moves; .* `# diffusion: Ca 220 um2/s`"):
        open_peer(still)


@pytest.mark.parametrize(
    ("kind", "module", "words"),
    [
        ("mcell", "_pymcell", r"pip install --no-build-isolation pymcell==0\.2"),
        ("smoldyn", "smoldyn", r"pip install \"smoldyn==2\.74\""),
    ],
)
def test_a_simulator_that_is_not_installed_comes_with_the_line_that_installs_it(kind, module, words, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(nubridge.PeerError, match=words):
        open_peer(plan_of(kind, {"reactants": ["Ca"], "products": []}))
    assert re.search(f"; for {kind}: .*{words}", doctor.check_peers())


@pytest.mark.parametrize("kind", PARTICLES)
def test_a_clamped_species_keeps_its_number_whatever_binds_or_makes_it(kind, tmp_path):
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
        "peer": kind,
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


@pytest.mark.parametrize("kind", PARTICLES)
def test_reactions_of_one_pair_keep_each_its_own_rate(kind, tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "pair.py").write_text(
        "import nubridge\n"
        "network = nubridge.Network.build({'Ca': 50, 'R': 100, 'A': 0, 'B': 0, 'C': 0}, [\n"
        "    {'reactants': ['Ca', 'R'], 'products': ['A'], 'rate': 3.0},\n"
        "    {'name': 'zero', 'reactants': ['R', 'Ca'], 'products': ['C'], 'rate': 5.0},\n"
        "    {'reactants': ['R', 'Ca'], 'products': ['B'], 'rate': 1.0},\n"
        "], fixed=['Ca'])\n"
        "membrane, diffusion_um2_s = ['R', 'A', 'B', 'C'], {'Ca': 220}\n"
    )
    sites, k_per_s, t_s = 4, 4.0 * 50, 0.004
    config = {
        "peer": kind,
        "model": str(tmp_path / "pair.py"),
        "window_ns": 4_000_000,
        "sites": [{"name": str(i), "volume_um3": 0.0664} for i in range(sites)],
        "rates": [{"site": i, "name": "zero"} for i in range(sites)],
        "counts": [{"site": i, "weights": {name: 1}} for name in "ABC" for i in range(sites)],
    }
    with PeerProcess(config, tmp_path / "work") as peer:
        _, counts = peer.exchange((), [0.0] * sites)
        assert peer.close() == 0, peer.errors
    molecules, reacted = 100 * sites, 1 - math.exp(-k_per_s * t_s)
    for found, share in zip(counts.reshape(3, sites).sum(axis=1), (0.75, 0.25, 0.0), strict=True):
        p = share * reacted
        assert abs(found - molecules * p) <= 4 * math.sqrt(molecules * p * (1 - p))


# Where a step is too long: MCell's probability a hit would pass 1, Smoldyn's molecules would stand in each other's light.
TOO_LONG = {
    "mcell": ({"Ca": 40, "R": 20}, 40.0, "Ca and R at site 'box' would react with the probability 3.17 .* than 99 ns"),
    "smoldyn": ({"Ca": 10, "R": 4000}, 4.0, "Ca at site 'box' is near enough to 0.32 partners .* be 16% too slow"),
}


@pytest.mark.parametrize("kind", PARTICLES)
def test_a_step_that_is_too_long_for_the_reactions_is_refused(kind, tmp_path):
    (tmp_path / "work").mkdir()
    molecules, rate, words = TOO_LONG[kind]
    (tmp_path / "fast.py").write_text(
        "import nubridge\n"
        f"binding = {{'reactants': ['Ca', 'R'], 'products': ['RCa'], 'rate': {rate}}}\n"
        f"network = nubridge.Network.build({{**{molecules}, 'RCa': 0}}, [binding])\n"
        "membrane, diffusion_um2_s = ['R', 'RCa'], {'Ca': 220}\n"
    )
    sites = [{"name": "box", "volume_um3": 0.0664}]
    config = {"peer": kind, "model": str(tmp_path / "fast.py"), "window_ns": 25_000, "sites": sites}
    with PeerProcess(config, tmp_path / "work") as peer, pytest.raises(nubridge.PeerFailedError, match=words):
        peer.exchange()
