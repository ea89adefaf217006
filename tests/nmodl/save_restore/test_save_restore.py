"""A saved and restored run goes on bit for bit: all that sk knows is in its STATE."""

import numpy as np
import pytest

from neuron_process import STATES, in_neuron

SAVE_MS, END_MS = 10, 25


def cell(n, mover):
    """The middle of a cell whose calcium moves, and what must be kept alive."""
    n("begintemplate Cell\npublic s\ncreate s\nendtemplate Cell")  # BBSaveState crashes without a template
    owner = n.Cell()
    section = owner.s
    section.nseg = 3
    for mechanism in ("sk", "hh"):
        section.insert(mechanism)
    section.gbar_sk = 1e-3
    segment = section(0.5)
    keep = [owner]
    if mover == "play":
        times = n.Vector(np.arange(0, END_MS + 1, 0.5))
        values = n.Vector(2e-3 + 1e-3 * np.sin(times.as_numpy()))
        values.play(segment._ref_cai, times, True)
        keep += [times, values]
    else:
        section.insert(mover)
    return segment, keep


def advance(n, segment, end_ms):
    rows = []
    while n.t < end_ms - n.dt / 2:
        n.fadvance()
        rows.append([*(getattr(segment.sk, name) for name in STATES), segment.v, segment.cai])
    return np.array(rows)


def by_savestate(mover):
    """The run after SAVE_MS, the same after restoring in this process."""
    from neuron import n

    segment, _keep = cell(n, mover)
    n.finitialize(-65)
    advance(n, segment, SAVE_MS)
    state = n.SaveState()
    state.save()
    first = advance(n, segment, END_MS)
    n.finitialize(-30)
    state.restore()
    return first, advance(n, segment, END_MS)


def write_savestate(path):
    from neuron import n

    segment, _keep = cell(n, "casine")
    n.finitialize(-65)
    advance(n, segment, SAVE_MS)
    state = n.SaveState()
    state.save()
    state.fwrite(n.File(path))
    return advance(n, segment, END_MS)


def read_savestate(path):
    from neuron import n

    segment, _keep = cell(n, "casine")
    n.finitialize(-65)
    state = n.SaveState()
    state.fread(n.File(path))
    state.restore()
    return advance(n, segment, END_MS)


def bbsavestate_cell(n):
    segment, keep = cell(n, "casine")
    context = n.ParallelContext()
    context.set_gid2node(1, 0)
    connection = n.NetCon(segment._ref_v, None, sec=segment.sec)
    context.cell(1, connection)
    context.set_maxstep(10)
    n.finitialize(-65)
    return segment, [*keep, context, connection]


def write_bbsavestate(path):
    from neuron import n

    segment, _keep = bbsavestate_cell(n)
    advance(n, segment, SAVE_MS)
    n.BBSaveState().save(path)
    return advance(n, segment, END_MS)


def read_bbsavestate(path):
    from neuron import n

    segment, _keep = bbsavestate_cell(n)
    n.BBSaveState().restore(path)
    return advance(n, segment, END_MS)


@pytest.mark.parametrize("mover", ["casine", "caode", "play"])
def test_savestate_goes_on_bit_for_bit(mover):
    first, again = in_neuron(by_savestate, mover)
    np.testing.assert_array_equal(again, first)


def test_savestate_file_goes_on_in_another_process_bit_for_bit(tmp_path):
    path = str(tmp_path / "state")
    first = in_neuron(write_savestate, path)
    np.testing.assert_array_equal(in_neuron(read_savestate, path), first)


def test_bbsavestate_file_goes_on_in_another_process(tmp_path):
    path = str(tmp_path / "state")
    first = in_neuron(write_bbsavestate, path)
    np.testing.assert_allclose(in_neuron(read_bbsavestate, path), first, rtol=1e-12)  # the file has 15 digits
