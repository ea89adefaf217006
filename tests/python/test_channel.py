"""nubridge.channel between two processes and two threads, and the command that cleans up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nubridge
from neuron_process import environment, nubridge_command
from nubridge import doctor
from nubridge.channel import Channel, clean

CONFIG = {"peer": "ssa", "model": "decay", "sites": [{"name": "µ", "volume_um3": 1.0}]}
SHAPE = {"amounts": 2, "rates": 1, "counts": 3, "window_ns": 25_000}

# A simulator that echoes: realised = amounts, counts = window and the rate.
ECHO = """
import sys
from nubridge.channel import Channel
with Channel.attach(sys.argv[1]) as channel:
    while (task := channel.receive()) is not None:
        window, amounts, rates = task
        channel.reply(amounts, [window, int(rates[0]), channel.config["sites"][0]["name"] == "µ"])
"""
# One that fails in its first window, and one that ends there without a word.
FAIL = ECHO.replace("channel.reply(", "raise SystemExit(channel.fail('no species ca') or 3)\n        channel.reply(")
DIE = ECHO.replace("channel.reply(", "__import__('os').kill(__import__('os').getpid(), 9)\n        channel.reply(")


@pytest.fixture
def session(request):
    """The owner's end, and the process of a peer that runs this code."""
    name = f"test-{os.getpid()}-{request.node.name.partition('[')[0]}"
    with Channel.create(name, CONFIG, **SHAPE) as owner:
        peer = subprocess.Popen([sys.executable, "-c", request.param, name], env=environment())
        try:
            owner.wait_for_peer(60)
            yield owner, peer
        finally:
            peer.kill()
            peer.wait()


@pytest.mark.parametrize("session", [ECHO], indirect=True)
def test_windows_cross_between_processes_and_the_peer_ends_when_drained(session):
    owner, peer = session
    for window in range(100):
        owner.send([window, -window], [2.0 * window])
        realised, counts = owner.collect()
        assert realised.tolist() == [window, -window]
        assert counts.tolist() == [window, 2 * window, 1]
    assert owner.other[:2] == (peer.pid, 100 * 25_000)
    owner.drain()
    assert peer.wait(60) == 0


@pytest.mark.parametrize("session", [FAIL], indirect=True)
def test_a_failing_peer_is_reported_in_its_own_words(session):
    owner, peer = session
    owner.send([0, 0], [0])
    with pytest.raises(nubridge.PeerFailedError, match="no species ca"):
        owner.collect()
    assert peer.wait(60) == 3


@pytest.mark.parametrize("session", [DIE], indirect=True)
def test_a_dead_peer_is_reported_with_its_process(session):
    owner, peer = session
    owner.send([0, 0], [0])
    with pytest.raises(nubridge.PeerDiedError, match=f"{peer.pid}.*has ended"):
        owner.collect()


@pytest.mark.parametrize("session", [ECHO], indirect=True)
def test_a_stopped_peer_is_silent_and_the_wait_may_be_repeated(session):
    owner, peer = session
    peer.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, peer.pid, os.WSTOPPED | os.WNOWAIT)
    owner.send([1, 2], [0])
    with pytest.raises(nubridge.PeerSilentError, match=f"{peer.pid}.*0.1 s"):
        owner.collect(timeout_s=0.1)
    peer.send_signal(signal.SIGCONT)
    assert owner.collect(60)[0].tolist() == [1, 2]


def test_a_killed_owner_leaves_what_clean_removes():
    name = f"test-{os.getpid()}-killed"
    code = f"import os; from nubridge.channel import Channel; c = Channel.create({name!r}, {{}}, 1, 0, 1, 1); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], env=environment())
    with pytest.raises(nubridge.SessionError, match="nubridge clean"):
        Channel.attach(name, timeout_s=0)
    assert f"dead processes left {name}: nubridge clean" in doctor.check_shared_memory()
    done = nubridge_command("clean")
    assert f"removed {name}\n" in done.stdout
    assert not list(Path("/dev/shm").glob(f"nubridge.*.{name}"))
    assert name not in clean()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda owner, _: owner.send([1], [0]), r"\(1,\).*\(2,\)"),
        (lambda owner, _: owner.send([1.5, 2.0], [0]), "whole molecules"),
        (lambda owner, _: owner.receive(), "owner's end"),
        (lambda _, peer: peer.send([1, 2], [0]), "peer's end"),
        (lambda _, peer: peer.reply([1, 2], [1, 2, 3]), "no window waits"),
        (lambda owner, _: owner.close() or owner.drain(), "closed"),
        (lambda *_: Channel.create("two words", {}, 0, 0, 0, 1), "'two words'"),
        (lambda *_: Channel.create("x", {}, -1, 0, 0, 1), "-1 numbers"),
        (lambda *_: Channel.create("x", {}, 0, 0, 0, 0), "0 ns"),
        (lambda *_: Channel.attach("nobody", timeout_s=0), "no session nobody"),
    ],
)
def test_what_cannot_be_is_refused(call, words):
    owner, peer = Channel.pair(CONFIG, **SHAPE)
    with owner, peer, pytest.raises(nubridge.Error, match=words):
        call(owner, peer)


def test_drained_is_none_and_the_arrays_are_the_callers():
    owner, peer = Channel.pair(CONFIG, **SHAPE)
    with owner, peer:
        owner.send([1, 2], [0.5])
        _, amounts, rates = peer.receive()
        peer.reply(amounts, [0, 0, 0])
        owner.send([3, 4], [1.5])
        peer.receive()
        assert (amounts.tolist(), rates.tolist()) == ([1, 2], [0.5])
        peer.reply(np.array([3, 4]), np.zeros(3, np.int64))
        owner.drain()
        assert peer.receive() is None
