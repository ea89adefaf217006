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


@pytest.mark.parametrize(("scheme", "adaptive"), [("serial", False), ("parallel", False), ("serial", True)])
def test_a_run_from_the_bundle_is_the_uninterrupted_one_to_the_byte(scheme, adaptive, tmp_path):
    path = str(tmp_path / "bundle")
    last, rest, ledger = in_neuron(uninterrupted, path, "ssa", scheme, adaptive)
    begin, again, books = in_neuron(from_the_bundle, path, "ssa", scheme, adaptive)
    assert begin[0] == last[0]
    assert again.tobytes() == rest.tobytes()
    assert books == ledger
    assert len(np.unique(rest[:, 2])) > 5


def after_a_kill(path):
    """What is raised when the peer is killed, and the same run from the bundle in the same process, with what is left."""
    from neuron import n

    section, session = session_of(n, "ssa")
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


def test_after_the_peer_was_killed_the_run_goes_on_from_the_bundle(tmp_path):
    raised, rest, again, windows = in_neuron(after_a_kill, str(tmp_path / "bundle"))
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


def refused(case, path):
    from neuron import n

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
        if case == "absent":
            session.restore(path + "2")
    if case == "seed":
        with session_of(n, "ssa", seed=6)[1] as other:
            other.restore(path)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("early", "has not started"),
        ("back", "NEURON is at 1025000 ns, the particles have reached 2000000 ns .* restore both from one bundle"),
        ("text", "is no bundle of a session"),
        ("absent", "there is no bundle"),
        ("seed", "bundle .* of the seed 5, this session of 6"),
    ],
)
def test_what_is_no_bundle_of_the_session_is_refused(case, words, tmp_path):
    outcome = run(refused, case, str(tmp_path / "bundle"))
    assert outcome.status != 0
    assert re.search(words, outcome.stderr), outcome.stderr
