"""nseg changed in mid-model; the mechanism taken out and put back."""

import numpy as np
import pytest

from neuron_process import STATES, in_neuron, run


def states(section):
    return [[getattr(segment.sk, name) for name in STATES] for segment in section]


def refined(nseg):
    """The states after 5 ms at 5 uM, right after nseg has changed, and 5 ms later at 1 uM, segment by segment."""
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    section(0.5).cai = 5e-5
    n.finitialize(-65)
    section(0.5).cai = 5e-3
    for _ in range(200):
        n.fadvance()
    before = states(section)
    section.nseg = nseg
    after = states(section)
    for segment in section:
        segment.cai = 1e-3
    for _ in range(200):
        n.fadvance()
    return np.array(before), np.array(after), np.array(states(section))


def reinserted(initialise):
    """popen before the mechanism is taken out, after it is back and a step is done, and in the segment beside it."""
    from neuron import n

    section, other = n.Section("s"), n.Section("o")
    for each in (section, other):
        each.insert("sk")
        each(0.5).cai = 1e-3
    n.finitialize(-65)
    n.fadvance()
    before = section(0.5).sk.popen
    section.uninsert("sk")
    n.fadvance()
    section.insert("sk")
    section(0.5).cai = 1e-3
    if initialise:
        n.finitialize(-65)
    n.fadvance()
    return before, section(0.5).sk.popen, other(0.5).sk.popen


def test_nine_segments_take_over_the_state_of_one():
    _, _, unchanged = in_neuron(refined, 1)
    before, after, later = in_neuron(refined, 9)
    np.testing.assert_array_equal(after, np.repeat(before, 9, axis=0))
    np.testing.assert_array_equal(later, np.repeat(unchanged, 9, axis=0))


def test_reinserted_mechanism_works_after_finitialize():
    before, after, other = in_neuron(reinserted, True)
    assert before == pytest.approx(after, abs=1e-15)
    assert after == other


def test_reinserted_mechanism_asks_for_finitialize():
    outcome = run(reinserted, False)
    assert outcome.status == 1
    assert "nubridge model 'sk': the state is not finite or is no probability" in outcome.stderr
    assert "initialise again" in outcome.stderr
