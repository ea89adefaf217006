"""A session's bundle: the run that goes on from it, also after the peer was killed."""

import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest

from coupled_spine import spine
from neuron_process import in_neuron, run


def session_of(n, peer, scheme="serial", seed=5):
    """A spine with a session; its calcium current comes in pulses, its leak rate follows the voltage."""
    import nubridge

    section = spine(n)
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period, segment.casource.last = 0.02, 7.3, 1e9
    session = nubridge.Session(peer, "sk_calcium", 50, seed=seed, scheme=scheme)
    session.couple(segment, reads=["O1 + O2 -> skpeer.popen"], rates={"k21": ("skpeer.gbar", 8e4)})
    return section, session


def advance(n, section, until_ms):
    """(t, cai, popen, v, ica) after every step."""
    segment, rows = section(0.5), []
    while n.t < until_ms - n.dt / 2:
        n.fadvance()
        rows.append((n.t, segment.cai, segment.skpeer.popen, segment.v, segment.ica))
    return np.array(rows)


def uninterrupted(path, peer, scheme, adaptive=False):
    from neuron import n

    section, session = session_of(n, peer, scheme)
    with session:
        if adaptive:
            n.cvode.active(1)
            n.cvode.maxstep(0.05)
        n.finitialize(-65)
        advance(n, section, 3)
        session.set_regime(section(0.5), "nu")
        first = advance(n, section, 6.0125)
        session.set_regime(section(0.5), "particles")
        session.save(path)
        rest = advance(n, section, 15)
        return first[-1], rest, session.report().ledgers[0]


def from_the_bundle(path, peer, scheme, adaptive=False):
    from neuron import n

    section, session = session_of(n, peer, scheme)
    with session:
        if adaptive:
            n.cvode.active(1)
            n.cvode.maxstep(0.05)
        session.restore(path)
        begin = n.t, section(0.5).cai, section(0.5).skpeer.popen
        rest = advance(n, section, 15)
        return begin, rest, session.report().ledgers[0]


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("scheme", ["serial", "parallel", "predictor"])
def test_a_run_from_the_bundle_is_the_uninterrupted_one_to_the_byte(scheme, adaptive, tmp_path):
    path = str(tmp_path / "bundle")
    last, rest, ledger = in_neuron(uninterrupted, path, "ssa", scheme, adaptive)
    begin, again, books = in_neuron(from_the_bundle, path, "ssa", scheme, adaptive)
    assert begin[0] == last[0]
    assert again.tobytes() == rest.tobytes()
    assert books == ledger
    assert len(np.unique(rest[:, 2])) > 5


def after_a_kill(path, scheme):
    """What is raised when the peer is killed, and the same run from the bundle in the same process, with what is left."""
    from neuron import n

    section, session = session_of(n, "ssa", scheme)
    with session:
        n.finitialize(-65)
        advance(n, section, 3)
        session.save(path)
        rest = advance(n, section, 9)
        os.kill(session.report().pid, signal.SIGKILL)
        with pytest.raises(RuntimeError) as raised:
            advance(n, section, 12)
        session.restore(path)
        again = advance(n, section, 9)
        alone = session.report()
    return str(raised.value), rest, again, alone.windows


@pytest.mark.parametrize("scheme", ["serial", "predictor"])
def test_after_the_peer_was_killed_the_run_goes_on_from_the_bundle(scheme, tmp_path):
    raised, rest, again, windows = in_neuron(after_a_kill, str(tmp_path / "bundle"), scheme)
    assert "has ended" in raised
    assert again.tobytes() == rest.tobytes()
    assert windows == 180


def with_mcell(path):
    """The totals, the calcium and the books at the bundle and just after it in a new peer."""
    from neuron import n

    section, session = session_of(n, "mcell")
    with session:
        n.finitialize(-65)
        advance(n, section, 3)
        session.save(path)
        before = section(0.5).cai, section(0.5).skpeer.popen, session.report().ledgers, session.report().windows
        session.restore(path)
        after = section(0.5).cai, section(0.5).skpeer.popen, session.report().ledgers, session.report().windows
        rest = advance(n, section, 6)
        return before, after, rest, session.report().ledgers[0]


def test_mcell_goes_on_with_its_molecules_and_books(tmp_path):
    before, after, rest, ledger = in_neuron(with_mcell, str(tmp_path / "bundle"))
    assert after == before
    assert ledger.requested == ledger.realised + ledger.returned
    assert ledger.realised != before[2][0].realised
    assert np.isfinite(rest).all()


def continued_twice_by_mcell(path):
    """(calcium, open fraction) of 12 compartments 3 ms after a bundle: of the run that went on, and of the one from the bundle."""
    from neuron import n

    import nubridge

    cable = n.Section("cable")
    cable.nseg, cable.L, cable.diam = 12, 4.2, 0.5
    cable.insert("casource")
    cable.insert("skpeer")
    cable.amplitude_casource = 0.001
    ends = []
    with nubridge.Session("mcell", "sk_calcium", 50, seed=5) as session:
        for segment in cable:
            session.couple(segment, reads=["O1 + O2 -> skpeer.popen"])
        n.finitialize(-65)
        advance(n, cable, 2)
        session.save(path)
        for again in (False, True):
            if again:
                session.restore(path)
            advance(n, cable, 5)
            ends.append([(segment.cai, segment.skpeer.popen) for segment in cable])
    return ends


def test_mcell_goes_on_from_a_bundle_by_the_same_law_with_other_random_numbers(tmp_path):
    ends = np.array(in_neuron(continued_twice_by_mcell, str(tmp_path / "bundle")))
    assert not np.array_equal(ends[0], ends[1])
    off = ends[0] - ends[1]
    z = off.mean(axis=0) / (off.std(axis=0, ddof=1) / np.sqrt(len(off)))
    assert np.abs(z).max() < 4
    ratio = np.log(ends[0].var(axis=0) / ends[1].var(axis=0))  # of two estimates with 11 degrees of freedom
    assert np.abs(ratio).max() < 4 * np.sqrt(4 / 11)


def parallel(path, by):
    """The run after a bundle and the same from it, of each of two ranks whose cells excite each other."""
    from neuron import n

    import nubridge

    n.nrnmpi_init()
    context = n.ParallelContext()
    rank = int(context.id())
    n("begintemplate Spine\npublic head\ncreate head\nendtemplate Spine")
    cell = n.Spine()
    head = cell.head
    head.L = head.diam = 1
    for mechanism in ("casource", "skpeer", "hh"):
        head.insert(mechanism)
    head.amplitude_casource, head.period_casource = 0.003 * (rank + 1), 7.3
    context.set_gid2node(rank, rank)
    context.cell(rank, n.NetCon(head(0.5)._ref_v, None, sec=head))
    synapse, clamp = n.ExpSyn(head(0.5)), n.IClamp(head(0.5))
    clamp.dur, clamp.amp = 1e9, 5e-4
    excited = context.gid_connect(1 - rank, synapse)
    excited.delay, excited.weight[0] = 4.3, 1e-4
    ends = []
    with nubridge.Session("ssa", "sk_calcium", 50, seed=5) as session:
        session.couple(head(0.5), reads=["O1 + O2 -> skpeer.popen"])
        context.set_maxstep(1)
        n.finitialize(-65)
        context.psolve(5)  # a spike of each is on its way
        session.save(f"{path}{rank}", by)
        for again in (False, True):
            if again:
                session.restore(f"{path}{rank}")
            ends.append([])
            for until_ms in range(6, 12):
                context.psolve(until_ms)
                ends[-1].append((n.t, head(0.5).v, head(0.5).cai, head(0.5).popen_skpeer, synapse.g))
    every = context.py_allgather(ends)
    return None if rank else every


@pytest.mark.parametrize(("by", "error"), [("SaveState", 0), ("BBSaveState", 1e-12)])  # which writes 15 digits
def test_ranks_go_on_from_their_bundles_with_the_spikes_that_were_on_their_way(by, error, tmp_path):
    by_rank = np.array(in_neuron(parallel, str(tmp_path / "bundle"), by, ranks=2))
    for first, again in by_rank:
        np.testing.assert_allclose(again, first, rtol=error)
        assert (first[:, 4] > 0).all()


class Holder:
    """A cell, as BBSaveState wants it."""

    def __init__(self, n):
        self.head = n.Section("head", cell=self)
        self.head.insert("skpeer")


def refused(case, path):
    from neuron import n

    if case == "cell":
        import nubridge

        cell = Holder(n)
        with nubridge.Session("ssa", "sk_calcium") as session:
            session.couple(cell.head(0.5))
            n.finitialize(-65)
            session.save(path, "BBSaveState")
    section, session = session_of(n, "ssa")
    with session:
        if case == "early":
            session.save(path)
        n.finitialize(-65)
        advance(n, section, 1)
        session.save(path)
        if case == "back":
            state = n.SaveState()
            state.save()
            advance(n, section, 2)
            state.restore()
            advance(n, section, 3)
        if case == "text":
            Path(path).write_text("no bundle")
            session.restore(path)
        if case == "way":
            session.save(path, "hdf5")
        if case == "alone":
            session.save(path, "BBSaveState")
        if case == "absent":
            session.restore(path + "2")
    others = {"seed": {"seed": 6}, "scheme": {"scheme": "predictor"}}
    if case in others:
        with session_of(n, "ssa", **others[case])[1] as other:
            other.restore(path)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("early", "has not started"),
        ("back", "NEURON is at 1025000 ns, the particles have reached 2000000 ns .* restore both from one bundle"),
        ("text", "is no bundle of a session"),
        ("absent", "there is no bundle"),
        ("way", "saves by SaveState, BBSaveState, not by 'hdf5'"),
        ("alone", "BBSaveState crashes on spine, which is in no cell"),
        ("cell", "BBSaveState has saved 0 of 1 sections; give every cell a gid"),
        ("seed", "bundle .* of the seed 5, this session of 6"),
        ("scheme", "bundle .* of the crossing begin, this session of middle"),
    ],
)
def test_what_is_no_bundle_of_the_session_is_refused(case, words, tmp_path):
    outcome = run(refused, case, str(tmp_path / "bundle"))
    assert outcome.status != 0
    assert re.search(words, outcome.stderr), outcome.stderr
