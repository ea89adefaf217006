"""A segment coupled to a live peer: ions, charge, clocks, and what is refused."""

import os
import signal
import sys
from pathlib import Path

import pytest

from coupled_spine import spine
from neuron_process import in_neuron, run

ELEMENTARY_CHARGE_C = 1.602176634e-19


def charge(window_us, scheme, amplitude):
    """(ions by the charge through the membrane, the ledger, windows, cai) of 20 ms."""
    from neuron import n

    import nubridge

    section = spine(n)
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period, segment.casource.last = amplitude, 7.3, 18
    with nubridge.Session("ssa", "sk_calcium", window_us, seed=1, scheme=scheme) as session:
        session.couple(segment, reads=["O1 + O2 -> skpeer.popen"])
        n.finitialize(-65)
        coulomb = 0.0
        while n.t < 20 - n.dt / 2:
            n.fadvance()
            coulomb -= segment.ica * segment.area() * 1e-14 * n.dt
        report = session.report()
    return coulomb / (2 * ELEMENTARY_CHARGE_C), report.ledgers[0], report.windows, segment.cai


@pytest.mark.parametrize(
    ("window_us", "scheme", "amplitude"),
    [
        (25, "serial", 0.003),
        (25, "parallel", 0.003),
        (100, "serial", 0.003),
        (25, "serial", 0.3),
        (100, "parallel", 0.3),
        (100, "predictor", 0.003),
        (100, "predictor", 0.3),
    ],
)
def test_the_charge_through_the_membrane_is_that_of_the_realised_ions(window_us, scheme, amplitude):
    ions, ledger, windows, _ = in_neuron(charge, window_us, scheme, amplitude)
    assert windows == 20_000 // window_us - (scheme == "parallel")
    assert ledger.requested == ledger.realised + ledger.returned
    assert (ledger.returned != 0) == (amplitude > 0.1)  # the great outward current finds no ions
    owed = ledger.realised + ledger.carried
    assert abs(ledger.carried) <= 0.5
    assert ions == pytest.approx(owed, rel=1e-12, abs=1e-9)


def clocks():
    from neuron import n

    import nubridge

    section = spine(n)
    with nubridge.Session("ssa", "sk_calcium", seed=3) as session:
        session.couple(section(0.5), reads=["O1 + O2 -> skpeer.popen", "Ca_total -> skpeer.gbar"])
        n.finitialize(-65)
        first = section(0.5).cai, section(0.5).skpeer.popen, section(0.5).skpeer.gbar
        rows = []
        while n.t < 5 - n.dt / 2:
            n.fadvance()
            rows.append((section(0.5).cai, section(0.5).skpeer.popen, section(0.5).skpeer.gbar))
        report = session.report()
    return first, rows, (report.neuron_ms, report.peer_ms, report.windows)


def peer_alone():
    """The same peer without NEURON."""
    from nubridge.peers import open_peer

    counts = [
        {"weights": {"Ca": 1}},
        {"weights": {"open": 1}},
        {"weights": {"channel": 1}},
        {"weights": {"Ca_total": 1}},
    ]
    config = {"peer": "ssa", "model": "sk_calcium", "seed": 3, "counts": counts}
    config["sites"] = [{"name": "spine", "volume_um3": 1.0}]
    peer = open_peer(config)
    rows = []
    for _ in range(200):
        peer.advance(25_000)
        rows.append(peer.counts())
    return rows


def test_counts_reach_the_variables_of_the_same_step():
    (ca_mM, popen, total), rows, (neuron_ms, peer_ms, windows) = in_neuron(clocks)
    assert ca_mM == pytest.approx(1e-3, rel=1e-3)
    assert (popen, total) == (0, 602)
    assert (neuron_ms, peer_ms, windows) == (pytest.approx(5), pytest.approx(5), 200)
    for (ca_mM, popen, total), (ca, channels_open, channels, ca_total) in zip(rows, peer_alone(), strict=True):
        assert ca_mM * 602214.076 == pytest.approx(ca, rel=1e-12)
        assert popen == channels_open / channels
        assert total == ca_total == 602


def refused(case):
    from neuron import n

    import nubridge

    section = spine(n)
    options = {"peer": "ssa", "model": "sk_calcium"}
    couple = {}
    if case == "scheme":
        options["scheme"] = "leapfrog"
    if case == "window":
        options["window_us"] = 30
    if case == "owner":
        section.insert("casine")
    if case == "variable":
        couple["reads"] = ["O1 -> skpeer.nothing"]
    if case == "species":
        couple["reads"] = ["Q1 -> skpeer.popen"]
    if case == "kind":
        options["peer"] = "no_such_kind"
    if case == "rate":
        couple["rates"] = {"no_rate": "v"}
    if case in ("reaction", "below"):
        couple["rates"] = {"k2l" if case == "reaction" else "k21": "v"}
    if case == "absent":  # a module of that name that cannot be imported goes before the real one
        options["peer"] = "mcell"
        (Path.cwd() / "_pymcell.py").write_text("raise ImportError('No module named _pymcell')")
        sys.path.insert(0, str(Path.cwd()))
    with nubridge.Session(**options) as session:
        session.couple(section(0.5), **couple)
        if case == "later":
            section.insert("casine")
        if case in ("capacity", "current"):
            section(0.5).casource.amplitude = 1e12 if case == "capacity" else float("nan")
        if case == "twice":
            session.couple(section(0.5))
        if case == "threads":
            n.ParallelContext().nthread(2)
        n.finitialize(-65)
        n.continuerun(1)
        if case == "again":
            n.finitialize(-65)
        if case == "dead":
            os.kill(session.report().pid, signal.SIGKILL)
            n.continuerun(2)
        if case == "negative":
            session.couple(section(0.5))


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("scheme", "leapfrog"),
        ("window", "30000 ns.*25000 ns"),
        ("owner", "casine writes cai in .* and so would peerca"),
        ("later", "casine writes cai in .* and so would peerca"),
        ("reaction", "no reaction and no parameter 'k2l'; near are .*k21"),
        ("below", "rate of the particles must be a finite number that is not negative"),
        ("capacity", "the simulator holds at most .* check the unit of the current and the volume"),
        ("current", "cannot take a current of -?nan mA/cm2 .* no number"),
        ("absent", "the peer mcell needs pyMCell .* pip install"),
        ("variable", "skpeer.nothing"),
        ("species", "no species 'Q1'"),
        ("kind", "no_such_kind"),
        ("rate", "no_rate"),
        ("twice", "coupled already"),
        ("threads", "one thread"),
        ("again", "cannot go back"),
        ("dead", "has ended"),
        ("negative", "has started"),
    ],
)
def test_what_cannot_be_coupled_is_refused(case, words):
    import re

    outcome = run(refused, case)
    assert outcome.status != 0
    assert re.search(words, outcome.stderr), outcome.stderr


def stopped():
    """(what is raised, whether the peer's process is left, its segments) after SIGINT in a run without end."""
    from neuron import n

    import nubridge

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have its background jobs ignore it
    section = spine(n)
    with nubridge.Session("ssa", "sk_calcium", seed=3) as session:
        session.couple(section(0.5), reads=["O1 + O2 -> skpeer.popen"])
        n.finitialize(-65)
        pid = session.report().pid
        # from hoc, and a moment later: a callback of Python that is interrupted would keep the signal for itself
        n.CVode().event(1.0, f'system("(sleep 0.5; kill -INT {os.getpid()}) &")')
        with pytest.raises(RuntimeError) as raised:
            n.continuerun(1e9)
    left = [path.name for path in Path("/dev/shm").glob(f"nubridge.*{session.name}*")]
    return str(raised.value), Path(f"/proc/{pid}").exists(), left


def test_ctrl_c_stops_the_run_and_leaves_nothing():
    said, is_left, segments = in_neuron(stopped)
    assert "stopped by Ctrl-C" in said and not is_left and segments == []


def without_stdrun():
    from neuron import n

    import nubridge

    section = n.Section("spine")
    with nubridge.Session("ssa", "sk_calcium") as session:
        session.couple(section(0.5), volume_um3=1.0)
        n.finitialize(-65)
        n.fadvance()
        return session.report().windows


def test_a_session_needs_no_library_loaded_before():
    assert in_neuron(without_stdrun) == 1
