"""Sites handed over to nu and back during a run."""

import re

import numpy as np
import pytest

from coupled_spine import spine
from neuron_process import in_neuron, run

SITES = 20


def handed(does):
    """Open channels of every site at the end of every second phase of 5 ms, and the totals that were seen.

    `does`: hand every site over at the end of every phase.
    """
    from neuron import n

    import nubridge

    section = spine(n, ("skpeer",))
    section.nseg, n.dt = SITES, 0.5
    rows, totals = [], set()
    with nubridge.Session("ssa", "sk", 1000, seed=3) as session:
        for segment in section:
            session.couple(segment, volume_um3=1.0, reads=["O1 + O2 -> skpeer.popen", "channel -> skpeer.gbar"])
        n.finitialize(-65)
        for phase in range(200):
            n.continuerun(5 * (phase + 1))
            for segment in section if does else ():
                session.set_regime(segment, "particles" if phase % 2 else "nu")
            totals |= {segment.skpeer.gbar for segment in section}
            if phase % 2 == 0:  # the end of a phase of particles
                rows.append([50 * segment.skpeer.popen for segment in section])
        books = session.report().ledgers
    return np.array(rows), totals, {one.requested for one in books}


def exact_law():
    """The mean and the variance of 50 independent channels at 1 uM."""
    from nubridge import Model

    model = Model("sk")
    popen = float(model.observe(model.initial([1.0]))[0])
    return 50 * popen, 50 * popen * (1 - popen)


def test_handing_over_every_5_ms_for_1_s_does_not_drift():
    """Against the exact law, at half of the time on; standard errors from the sites, which are independent."""
    rows, totals, requested = in_neuron(handed, True)
    assert totals == {50.0} and requested == {0}
    mean, variance = exact_law()
    late = rows[50:]
    for found, wanted in ((late, mean), ((late - mean) ** 2, variance)):
        by_site = found.mean(axis=0)
        assert abs(by_site.mean() - wanted) < 4 * by_site.std(ddof=1) / SITES**0.5


def switched(peer, scheme):
    """(regime, calcium and channels in molecules, popen, books) at every step, through nu and back, under a current."""
    from neuron import n

    import nubridge

    section = spine(n, ("casource", "skpeer", "pas"))
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period, segment.casource.last = 0.003, 7.3, 1e9
    segment.pas.g = 0
    with nubridge.Session(peer, "sk_calcium", seed=1, scheme=scheme) as session:
        reads = ["O1 + O2 -> skpeer.popen", "Ca_total -> skpeer.gbar", "channel -> pas.e"]
        session.couple(segment, reads=reads)
        n.finitialize(-65)
        rows = []
        for until_ms, regime in ((2, "nu"), (4, "particles"), (6, "nu"), (8, "particles"), (9, "nu")):
            now = session.regime(segment)
            while n.t < until_ms - n.dt / 2:
                n.fadvance()
                ledger = session.report().ledgers[0]
                row = (segment.cai * 602214.076, segment.skpeer.popen, segment.skpeer.gbar, segment.pas.e)
                rows.append((now == "nu", *row, ledger.realised))
            session.set_regime(segment, regime)
        said = str(session.report())
    return np.array(rows), said


@pytest.mark.parametrize("scheme", ["serial", "predictor"])
@pytest.mark.parametrize("peer", ["ssa", "mcell"])
def test_ions_and_channels_are_conserved_through_nu_and_back(peer, scheme):
    rows, said = in_neuron(switched, peer, scheme)
    in_nu, calcium, _, total, channels, realised = rows.T
    assert np.allclose(channels, 50, atol=1e-4)
    assert np.allclose(total, 602 + realised, atol=1e-3)
    whole = in_nu == 0
    assert (total[whole] == 602 + realised[whole]).all() and (channels[whole] == 50).all()
    assert np.allclose(calcium[whole], np.rint(calcium[whole]), atol=1e-6)
    assert np.abs(calcium[~whole] - np.rint(calcium[~whole])).max() > 0.1
    assert "in nu" in said and realised[-1] != 0


def ruled(rule):
    """(calcium ions, regime) at the end of every ms, with a current that comes and goes."""
    from neuron import n

    import nubridge

    section = spine(n)
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period = 0.0019, 40.0
    with nubridge.Session("ssa", "sk_calcium", 50, seed=1) as session:
        session.couple(segment, reads=["O1 + O2 -> skpeer.popen"])
        session.regime_rule((lambda *_: "fluid") if rule == "wrong" else nubridge.copy_number(800, 1200), every_ms=0.5)
        n.finitialize(-65)
        rows = []
        while n.t < 25 - n.dt / 2:
            n.continuerun(n.t + 0.5)
            rows.append((segment.cai * 602214.076, session.regime(segment) == "nu"))
        session.regime_rule(None)
        return np.array(rows)


def test_the_rule_of_copy_numbers_hands_over_with_hysteresis():
    calcium, in_nu = in_neuron(ruled, "copy_number").T
    assert (in_nu[calcium > 1350] == 1).all() and (in_nu[calcium < 700] == 0).all()
    between = (calcium > 900) & (calcium < 1100)
    assert set(in_nu[between]) == {0, 1}  # as it was on the way there
    assert np.abs(np.diff(in_nu)).sum() == 2


def mixed(peer):
    """(non-uniformity, in nu) whenever the rule is asked, of a site into and out of which calcium flows."""
    from neuron import n

    import nubridge

    section, seen = spine(n), []
    section(0.5).casource.amplitude, section(0.5).casource.period = 0.004, 6.0
    rule = nubridge.non_uniformity(0.03, 0.06)

    def watched(segment, regime, counts):
        seen.append((counts["non_uniformity"], regime == "nu"))
        return rule(segment, regime, counts)

    with nubridge.Session(peer, "sk_calcium", 50, seed=1) as session:
        session.couple(section(0.5))
        session.regime_rule(watched, every_ms=0.1)
        n.finitialize(-65)
        n.continuerun(3)
        return np.array(seen)


def test_the_rule_of_non_uniformity_hands_over_with_hysteresis():
    found, in_nu = in_neuron(mixed, "mcell").T
    found, before, after = found[:-1], in_nu[:-1], in_nu[1:]
    assert (after == np.where(found >= 0.06, 0, np.where(found <= 0.03, 1, before))).all()
    assert set(before[(found > 0.03) & (found < 0.06)]) == {0, 1}
    assert (after > before).any() and (after < before).any()


def test_a_peer_without_space_is_well_mixed():
    found, in_nu = in_neuron(mixed, "ssa").T
    assert (found == 0).all() and (in_nu[1:] == 1).all()


def test_what_a_rule_may_not_say_ends_the_run():
    outcome = run(ruled, "wrong")
    assert outcome.status != 0 and "no regime 'fluid'" in outcome.stderr


def looked_at(peer):
    """What a rule that hands nothing over is told."""
    from neuron import n

    import nubridge

    told = []
    with nubridge.Session(peer, "sk_calcium") as session:
        session.couple(spine(n)(0.5))
        session.regime_rule(lambda _segment, regime, counts: told.append(sorted(counts)) or regime)
        n.finitialize(-65)
        n.continuerun(2)
    return told


def test_a_peer_that_does_not_list_its_molecules_may_be_looked_at():
    told = in_neuron(looked_at, "demos.own_peer:DirectMethod")
    assert told and "non_uniformity" not in told[0]


def refused(case):
    from neuron import n

    import nubridge

    section = spine(n)
    with nubridge.Session("demos.own_peer:DirectMethod" if case == "peer" else "ssa", "sk_calcium") as session:
        if case == "late":
            session.couple(section(0.5))
            n.finitialize(-65)
            session.regime_rule(nubridge.non_uniformity(0.1, 0.2))
            n.fadvance()
        if case == "segment":
            session.set_regime(section(0.5), "nu")
        session.couple(section(0.5))
        session.set_regime(section(0.5), "fluid" if case == "regime" else "nu")


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("segment", r"spine\(0.5\) is not coupled; coupled are none"),
        ("regime", "no regime 'fluid'; there are particles, nu"),
        ("peer", "hands no site over to nu"),
        ("late", r"does not tell how mixed its sites are; set the rule before finitialize\(\)"),
    ],
)
def test_what_cannot_be_handed_over_is_refused(case, words):
    outcome = run(refused, case)
    assert outcome.status != 0
    assert re.search(words, outcome.stderr), outcome.stderr
