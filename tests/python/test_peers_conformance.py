"""Every peer keeps to the same contract: what crosses is exact, rates hold, a seed is a run, nothing is left behind."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import nubridge
from neuron_process import nubridge_command
from nubridge.channel import Channel
from nubridge.peers import Plan, open_peer, peer_class
from nubridge.peers.serve import serve
from nubridge.peers.ssa import SsaPeer
from peer_process import PARTICLES, PeerProcess

OWN = f"{Path(__file__).parents[2] / 'python/demos/own_peer.py'}:DirectMethod"
PEERS = ["ssa", *PARTICLES, OWN]
WITH_CHECKPOINT = ["ssa", "mcell"]
WITH_HAND_OVER = ["ssa", "mcell"]

CROSSINGS = ["begin", "middle"]
WINDOWS = 60


def name_of(kind):
    return kind.rpartition(":")[2]


# Ca binds to channels on the membrane and leaves by a rate that is set; all the calcium there is stands in `Ca_total`.
MODEL = """
import nubridge

network = nubridge.Network.build(
    {"Ca": 40, "R": 20, "RCa": 0, "R2": 0, "gone": 0},
    [
        {"name": "bind", "reactants": ["Ca", "R"], "products": ["RCa"], "rate": "on"},
        {"name": "unbind", "reactants": ["RCa"], "products": ["Ca", "R"], "rate": "off"},
        {"name": "pass", "reactants": ["Ca", "R"], "products": ["Ca", "R2"], "rate": "on"},
        {"name": "back", "reactants": ["R2"], "products": ["R"], "rate": "off"},
        {"name": "leave", "reactants": ["Ca"], "products": ["gone"], "rate": "out"},
    ],
    parameters={"on": 4.0, "off": 2000.0, "out": 0.0},
    observables={"Ca_total": {"Ca": 1, "RCa": 1, "gone": 1}, "channels": {"R": 1, "R2": 1, "RCa": 1}},
)
diffusion_um2_s = {"Ca": 220, "gone": 220}
membrane = ["R", "R2", "RCa"]
"""


@pytest.fixture
def config(tmp_path):
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "work").mkdir()
    return {
        "model": str(tmp_path / "model.py"),
        "window_ns": 25_000,
        "step_ns": 1_000,
        "seed": 3,
        "sites": [{"name": "a", "volume_um3": 0.0664}, {"name": "b", "volume_um3": 0.02}],
        "amounts": [{"site": "a", "species": "Ca"}, {"site": "b", "species": "Ca"}, {"site": "b", "species": "R"}],
        "rates": [{"site": "a", "name": "out", "unit": "1/s"}, {"site": "b", "name": "leave", "unit": "1/s"}],
        "counts": [
            {"site": "a", "weights": {"Ca_total": 1}},
            {"site": "b", "weights": {"Ca_total": 1}},
            {"site": "b", "weights": {"channels": 1}},
            {"site": "a", "weights": {"Ca": 1}},
            {"site": "b", "weights": {"Ca": 1}},
            {"site": "a", "weights": {"gone": 1}},
            {"site": "b", "weights": {"RCa": 1, "Ca": 2}},
            {"site": "b", "weights": {"RCa": 1}},
        ],
    }


def run(kind, config, folder, windows=WINDOWS, seed=0):
    """(realised, counts) of every window with random amounts, more than there is to remove among them."""
    random = np.random.default_rng(seed)
    asked, answers = [], []
    with PeerProcess({**config, "peer": kind}, folder / "work") as peer:
        for window in range(windows):
            amounts = random.integers(-15, 16, len(config["amounts"]))
            if window % 10 == 9:
                amounts[1] = -1000
            asked.append(amounts)
            answers.append(peer.exchange(amounts, [500.0 * (window % 3), 0.0]))
        assert peer.close() == 0, peer.errors
        assert peer.leftovers == []
    return np.array(asked), np.array([realised for realised, _ in answers]), np.array([counts for _, counts in answers])


@pytest.mark.parametrize("crossing", CROSSINGS)
@pytest.mark.parametrize("kind", PEERS, ids=name_of)
def test_amounts_are_realised_or_carried_and_counts_are_right(kind, crossing, config, tmp_path):
    asked, realised, counts = run(kind, {**config, "crossing": crossing}, tmp_path)
    assert ((realised == asked) | ((asked < 0) & (realised > asked) & (realised <= 0))).all()
    assert (realised[9::10, 1] > -1000).all()
    assert np.array_equal(counts[:, 0], 40 + realised[:, 0].cumsum())
    assert np.array_equal(counts[:, 1], 40 + realised[:, 1].cumsum())
    assert np.array_equal(counts[:, 2], 20 + realised[:, 2].cumsum())
    assert np.array_equal(counts[:, 6], counts[:, 7] + 2 * counts[:, 4])
    assert (counts >= 0).all()
    assert counts[:, 7].max() > 0


@pytest.mark.parametrize("kind", PEERS, ids=name_of)
def test_rates_hold_as_they_were_set(kind, config, tmp_path):
    # 2000 calcium ions without a channel: the number that leaves in a window is binomial.
    k_per_s, window_s = 400.0, config["window_ns"] * 1e-9
    with PeerProcess({**config, "peer": kind}, tmp_path / "work") as peer:
        peer.exchange([1960, -40, -20], [0.0, 0.0])
        _, counts = peer.exchange([0, 0, 0], [0.0, 0.0])
        assert counts[5] == 0
        free = np.array([peer.exchange([0, 0, 0], [k_per_s, 0.0])[1][[3, 5]] for _ in range(20)])
        _, counts = peer.exchange([0, 0, 0], [0.0, 0.0])
        assert counts[5] == free[-1, 1]
        assert peer.close() == 0, peer.errors
    leaving = np.diff(free[:, 1])
    mean = free[:-1, 0] * (1 - np.exp(-k_per_s * window_s))
    assert abs(leaving.sum() - mean.sum()) < 4 * mean.sum() ** 0.5


@pytest.mark.parametrize("crossing", CROSSINGS)
@pytest.mark.parametrize("kind", PEERS, ids=name_of)
def test_amounts_cross_at_the_begin_of_a_window_or_in_its_middle(kind, crossing, config, tmp_path):
    # Of 1000 calcium ions without a channel a binomial number leaves in the rest of the window: 12 of 25 steps are before.
    k_per_s, rest_s = 2e4, 25e-6 if crossing == "begin" else 13e-6
    model = Path(config["model"])
    model.write_text(MODEL.replace('"Ca": 40, "R": 20', '"Ca": 0, "R": 0'))
    with PeerProcess({**config, "peer": kind, "crossing": crossing}, tmp_path / "work") as peer:
        peer.exchange([0, 0, 0], [k_per_s, 0.0])
        realised, counts = peer.exchange([1_000, 0, 0], [k_per_s, 0.0])
        assert peer.close() == 0, peer.errors
    assert realised[0] == 1_000
    stays = np.exp(-k_per_s * rest_s)
    assert abs(counts[3] - 1_000 * stays) < 4 * (1_000 * stays * (1 - stays)) ** 0.5


@pytest.mark.parametrize("kind", PEERS, ids=name_of)
def test_a_seed_is_a_run(kind, config, tmp_path):
    first, again = run(kind, config, tmp_path), run(kind, config, tmp_path)
    other = run(kind, {**config, "seed": 4}, tmp_path)
    assert np.array_equal(first[2], again[2])
    assert not np.array_equal(first[2], other[2])


@pytest.mark.parametrize("crossing", CROSSINGS)
@pytest.mark.parametrize("kind", WITH_HAND_OVER)
def test_a_site_goes_into_nu_and_comes_back_with_its_totals(kind, crossing, config, tmp_path):
    changed = {**config, "peer": kind, "regimes": ["b"], "parts": 1024, "crossing": crossing}
    with PeerProcess(changed, tmp_path / "work") as peer:
        realised, counts = np.zeros(3, np.int64), []
        for window in range(40):
            amounts = [window % 3, 5 - window % 9, 0]
            more, row = peer.exchange(amounts, [0.0, 800.0, float(window // 5 % 2)])
            realised += more
            counts.append(row / 1024)
            whole = window // 5 % 2 == 0
            assert np.allclose(
                row[:3] / 1024, np.array([40, 40, 20]) + realised, rtol=0, atol=0 if whole else 0.5 / 1024
            )
            assert not whole or (row % 1024 == 0).all()
        assert peer.close() == 0, peer.errors
    in_nu = np.array(counts).reshape(4, 2, 5, -1)[:, 1, :, 4:]
    assert (in_nu != np.rint(in_nu)).any()


@pytest.mark.parametrize("crossing", CROSSINGS)
@pytest.mark.parametrize("kind", WITH_CHECKPOINT)
def test_a_checkpoint_goes_on(kind, crossing, config, tmp_path):
    file, config = tmp_path / "checkpoint", {**config, "crossing": crossing}
    before = run(kind, {**config, "options": {"checkpoint": str(file)}}, tmp_path, 20)
    after = run(kind, {**config, "options": {"restore": str(file)}}, tmp_path, 20, seed=1)
    for total in range(3):
        assert np.array_equal(after[2][:, total], before[2][-1, total] + after[1][:, total].cumsum())


@pytest.mark.parametrize("kind", [kind for kind in PEERS if kind not in WITH_CHECKPOINT])
def test_a_checkpoint_is_refused_by_name_where_there_is_none(kind, config, tmp_path):
    changed = {**config, "peer": kind, "options": {"restore": "gone"}}
    words = f"{peer_class(kind).__name__} reads no checkpoint gone"
    with PeerProcess(changed, tmp_path / "work") as peer, pytest.raises(nubridge.PeerFailedError, match=words):
        peer.exchange([0, 0, 0], [0.0, 0.0])


@pytest.mark.parametrize("kind", PEERS, ids=name_of)
def test_impossible_numbers_are_refused(kind, config, tmp_path):
    for amount, rate, words in [(2**62, 0.0, "the simulator holds at most"), (0, -1.0, "-1")]:
        with PeerProcess({**config, "peer": kind}, tmp_path / "work") as peer:
            with pytest.raises(nubridge.PeerFailedError, match=words):
                peer.exchange([amount, 0, 0], [rate, 0.0])
            assert peer.close() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "gone.py"}, "there is no model gone.py"),
        ({"sites": [{"name": "a", "volume_um3": -1}]}, "volume of site 'a' is -1.0 um3"),
        ({"amounts": [{"site": "a", "species": "ca"}]}, "no species 'ca'; near are Ca"),
        ({"amounts": [{"site": "c", "species": "Ca"}]}, "no site 'c'; near are"),
        ({"rates": [{"site": "a", "name": "uot"}]}, "'uot'; near are out"),
        ({"counts": [{"site": "a", "weights": {"RCA": 1}}]}, "'RCA'; near are RCa"),
        ({"counts": [{"site": "a", "weights": {"Ca": 0.5}}]}, "the weight of 'Ca' in a count is 0.5"),
        ({"counts": [{"site": "a", "weights": {"Ca": 0}}]}, "counts nothing"),
        ({"amounts": [{"site": 0, "species": "Ca"}, {"site": "a", "species": "Ca"}]}, "stands twice"),
        ({"crossing": "end"}, "amounts cannot cross at the 'end'"),
        ({"window_ns": 25_500}, "25500 ns is no multiple of the peer's step of 1000 ns"),
        ({"options": {"membrane": ["X"]}}, "no species 'X' to place; it has Ca, R, RCa, R2, gone"),
        ({"options": {"diffusion_um2_s": {"Ca": -1}}}, "diffuses by -1 um2/s"),
    ],
)
def test_a_session_that_does_not_fit_is_refused(change, words, config):
    with pytest.raises(nubridge.InvalidArgumentError, match=words):
        Plan.of({**config, "amounts": [], "rates": [], "counts": [], **change})


def test_ssa_goes_on_from_a_checkpoint_to_the_byte(config, tmp_path):
    plan = Plan.of({**config, "peer": "ssa"})
    peers = open_peer(plan), open_peer(plan)
    random = np.random.default_rng(1)

    def windows(peer, stream):
        answers = []
        for _ in range(50):
            peer.set_rates(np.array([300.0, 700.0]))
            realised = peer.inject(stream.integers(-9, 10, 3))
            peer.advance(25_000)
            answers += [*realised.tolist(), *peer.counts().tolist()]
        return answers

    windows(peers[0], random)
    peers[0].checkpoint(tmp_path / "half")
    peers[1].restore(tmp_path / "half")
    assert windows(peers[0], np.random.default_rng(2)) == windows(peers[1], np.random.default_rng(2))
    with pytest.raises(nubridge.PeerError, match="of the seed 3, this session of 5"):
        open_peer(Plan.of({**config, "peer": "ssa", "seed": 5})).restore(tmp_path / "half")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("mcel", "there is no peer 'mcel'; there are ssa, mcell, smoldyn"),
        ("mcell4", "there is no peer 'mcell4', for no package index has MCell4 .* and 'mcell' is the MCell 3.4"),
        ("json:dumps", "no peer"),
        ("gone:Peer", "cannot be imported"),
        ("gone.py:Peer", "there is no file gone.py"),
    ],
)
def test_an_unknown_kind_is_refused_by_name(kind, words):
    with pytest.raises(nubridge.PeerError, match=words):
        peer_class(kind)


def test_the_process_says_what_it_did_and_takes_the_sessions_model(config, tmp_path):
    with PeerProcess({**config, "peer": "ssa"}, tmp_path / "work", config["model"]) as peer:
        peer.exchange([0, 0, 0], [0.0, 0.0])
        assert peer.close() == 0
        assert peer.printed == f"session {peer.session}: 1 windows\n"


def test_another_model_than_the_sessions_is_refused_with_both_names(config, tmp_path):
    words = r"the model decay \(sha256:.* is not the session's, .*model.py \(sha256:"
    with PeerProcess({**config, "peer": "ssa"}, tmp_path / "work", "decay") as peer:
        with pytest.raises(nubridge.PeerFailedError, match=words):
            peer.exchange([0, 0, 0], [0.0, 0.0])
        assert peer.close() == 1
        assert "is not the session's" in peer.errors


def test_a_peer_without_a_session_says_so(tmp_path):
    done = nubridge_command("peer", "ssa", "--session", "nobody", "--wait", "0")
    assert done.returncode == 1
    assert "there is no session" in done.stderr


def test_ctrl_c_in_the_peers_terminal_is_told_to_the_owner(config, tmp_path):
    with PeerProcess({**config, "peer": "ssa"}, tmp_path / "work") as peer:
        peer.exchange([0, 0, 0], [0.0, 0.0])
        os.kill(peer.channel.other[0], signal.SIGINT)
        with pytest.raises(nubridge.PeerFailedError, match=r"stopped by Ctrl-C in its own terminal"):
            while True:  # the signal may come after a window or two
                peer.exchange([0, 0, 0], [0.0, 0.0])
        assert peer.close() == 130


def test_rates_are_set_where_they_have_changed(config, monkeypatch):
    told = []
    monkeypatch.setattr(SsaPeer, "set_rates", lambda _, values: told.append(values.tolist()))
    owner, end = Channel.pair({**config, "peer": "ssa"}, amounts=3, rates=2, counts=8, window_ns=25_000)
    with owner, end, ThreadPoolExecutor() as pool:
        windows = pool.submit(serve, end)
        for out in (0.0, 0.0, 5.0, 5.0, 0.0):
            owner.send([0, 0, 0], [out, 1.0])
            owner.collect()
        owner.drain()
        assert windows.result() == 5
    assert told == [[0.0, 1.0], [5.0, 1.0], [0.0, 1.0]]


def test_a_window_that_the_model_has_not_is_refused_with_both(config):
    owner, end = Channel.pair({**config, "peer": "ssa"}, amounts=3, rates=2, counts=8, window_ns=50_000)
    with owner, end, pytest.raises(nubridge.PeerError, match=r"window is 50000 ns, that of its model 25000 ns"):
        serve(end)
