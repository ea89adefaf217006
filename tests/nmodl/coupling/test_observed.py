"""What a session shows: the record of its windows, the fault of a peer, rates and currents as NEURON has them."""

import os
import re
import signal

import h5py
import numpy as np
import pytest

from coupled_spine import spine
from neuron_process import in_neuron

ELEMENTARY_CHARGE_C = 1.602176634e-19


def recorded(path, stops):
    """(rows of what was seen at the end of each window, the ledger); with `stops`, until Ctrl-C."""
    from neuron import n

    import nubridge

    signal.signal(signal.SIGINT, signal.default_int_handler)
    section = spine(n)
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period = 0.3, 7.3
    with nubridge.Session("ssa", "sk_calcium", 50, seed=3, record=path) as session:
        session.couple(segment, reads=["O1 + O2 -> skpeer.popen"])
        n.finitialize(-65)
        rows = []
        while n.t < 10 - n.dt / 2:
            n.continuerun(n.t + 0.05)
            ledger = session.report().ledgers[0]
            rows.append((n.t, segment.cai * 602214.076, ledger.requested, ledger.realised, ledger.carried))
        if stops:
            n.CVode().event(n.t + 1.0, f'system("(sleep 0.5; kill -INT {os.getpid()}) &")')
            with pytest.raises(RuntimeError, match=r"stopped by Ctrl-C"):
                n.continuerun(1e9)
    return np.array(rows)


@pytest.mark.parametrize("stops", [False, True], ids=["closed", "Ctrl-C"])
def test_the_record_holds_every_window(stops, tmp_path):
    path = tmp_path / "windows.h5"
    rows = in_neuron(recorded, str(path), stops)
    with h5py.File(path) as file:
        found = {name: file[name][:] for name in file}
        named = list(file.attrs["sites"]), file.attrs["counted"][0]
    assert (len(found["time_ms"]) > 200) == stops
    time_ms, calcium, requested, realised, carried = rows.T
    assert np.allclose(found["time_ms"][:200], time_ms)
    assert np.allclose(found["counts"][:200, 0], calcium)
    assert (found["requested"][:, 0].cumsum()[:200] == requested).all()
    assert (found["realised"][:, 0].cumsum()[:200] == realised).all()
    assert (found["carried"][:200, 0] == carried).all()
    assert (found["requested"] != found["realised"]).any()
    assert (found["waited_s"] >= 0).all() and found["waited_s"].sum() > 0
    assert named == (["spine(0.5)"], 'spine(0.5): {"Ca": 1}')


def record_through_a_restore(path, bundle):
    from neuron import n

    import nubridge

    section = spine(n)
    section(0.5).casource.amplitude = 0.01
    with nubridge.Session("ssa", "sk_calcium", 50, seed=3, record=path) as session:
        session.couple(section(0.5))
        n.finitialize(-65)
        n.continuerun(2)
        session.save(bundle)
        n.continuerun(5)
        session.restore(bundle)
        n.continuerun(4)
        return session.report().ledgers[0].requested


def test_the_record_goes_on_after_a_restore(tmp_path):
    path = tmp_path / "windows.h5"
    requested = in_neuron(record_through_a_restore, str(path), str(tmp_path / "bundle"))
    with h5py.File(path) as file:
        assert np.allclose(file["time_ms"], np.arange(1, 81) * 0.05)
        assert file["requested"][:].sum() == requested


def failing(kill):
    from neuron import n

    import nubridge

    section = spine(n)
    peer = "ssa" if kill else "failing_peer:FailingPeer"
    with nubridge.Session(peer, "sk_calcium", seed=3) as session:
        session.couple(section(0.5))
        n.finitialize(-65)
        n.continuerun(0.5)
        pid = session.report().pid
        if kill:
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(RuntimeError) as raised:
            n.continuerun(2)
    return pid, str(raised.value)


def test_a_failing_peer_is_told_with_both_clocks_its_last_sign_of_life_and_its_log():
    pid, said = in_neuron(failing, False)
    assert "RuntimeError: no molecules left at 1 ms" in said
    assert (
        f"the peer (process {pid}) said so at 975000 ns, NEURON stands at 1000000 ns; its last sign of life is" in said
    )
    assert re.search(r"its log \S+\.log ends:\n.*the box has leaked", said, re.DOTALL)


def test_a_dead_peer_is_told_with_both_clocks_and_its_last_sign_of_life():
    pid, said = in_neuron(failing, True)
    assert re.search(
        rf"process {pid}\) has ended at 500000 ns, this side stands at 525000 ns; its last sign of life is", said
    )


def adaptive():
    """(until when the current was told in ms, its ions until then, the ledger, the number of windows)."""
    from neuron import n

    import nubridge

    section = spine(n)
    segment = section(0.5)
    segment.casource.amplitude = 0.003
    n.cvode.active(1)
    n.cvode.maxstep(0.1)
    with nubridge.Session("ssa", "sk_calcium", 100, seed=1) as session:
        session.couple(segment, reads=["O1 + O2 -> skpeer.popen"])
        n.finitialize(-65)
        n.continuerun(20)
        told_ms, report = segment.peerca.told, session.report()
        ions = 0.003 * segment.area() * told_ms * 1e-14 / (2 * ELEMENTARY_CHARGE_C)
        return told_ms, ions, report.ledgers[0], report.windows


def test_under_cvode_every_ion_of_the_current_is_owed():
    told_ms, ions, ledger, windows = in_neuron(adaptive)
    assert told_ms == pytest.approx(20, abs=0.1) and windows == int(told_ms / 0.1)
    assert ledger.requested == ledger.realised + ledger.returned and ledger.returned == 0
    assert ledger.requested + ledger.carried == pytest.approx(ions, rel=1e-12)


def leaving(adaptive):
    """Molecules left of 100 in each of 40 sites after 10 ms at a rate of -v."""
    from neuron import n

    import nubridge

    section = spine(n, ("skpeer",))
    section.nseg = 40
    if adaptive:
        n.cvode.active(1)
        n.cvode.maxstep(0.5)
    clamps = [n.SEClamp(segment) for segment in section]
    for clamp in clamps:
        clamp.rs, clamp.dur1, clamp.amp1 = 1e-6, 1e9, -65
    with nubridge.Session("ssa", "decay", 500, seed=1) as session:
        for segment in section:
            session.couple(segment, species="A", volume_um3=1.0, reads=["A -> skpeer.gbar"], rates={"k": ("v", -1.0)})
        n.finitialize(-65)
        for segment in section:
            segment.skpeer.gbar = 0
        n.continuerun(10)
        return [segment.cai * 602214.076 for segment in section]


@pytest.mark.parametrize("adaptive", [False, True], ids=["fixed", "CVODE"])
def test_a_rate_follows_the_variable_that_it_is_given(adaptive):
    left = np.array(in_neuron(leaving, adaptive))
    stays = np.exp(-65 * 0.01)
    mean, deviation = 4000 * stays, (4000 * stays * (1 - stays)) ** 0.5
    assert abs(left.sum() - mean) < 4 * deviation
