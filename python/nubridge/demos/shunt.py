"""SK channels shunt the EPSP: synaptic calcium opens them, and the next volleys reach the soma weakened.

Seven of the 13 spines of `demos/spine.py`, on an oblique dendrite of the reconstructed pyramidal cell, get glutamate at 20 Hz, ten times.
Receptors and channels of the heads let calcium in, SK channels there open with it and stay open between the volleys. The train runs with
no SK channels and with 8, 40 and 80 of 10 pS in each head. `hoc/demos/shunt.hoc` is the same in hoc.

Figure caption. (a) Voltage of the soma without SK channels (grey) and with 80 a head (blue). (b) The head in the middle of the dendrite
at the first and at the tenth volley, from the moment of glutamate: without SK they are alike, with SK the tenth is lower. (c, d) Free
calcium in that head and the open fraction of its SK channels. (e) The EPSP in the soma, from just before each volley to its peak, for
each number of channels. (f) The tenth EPSP as a part of what it is without SK, in the soma and in the head, against the number of
channels.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import nubridge
from nubridge import plot
from nubridge.demos import _command

from .spine import SPINES, SpinyCell

CHANNELS = (0, 8, 40, 80)
CHANNEL_pS = 10.0
VOLLEYS, PERIOD_ms, DELAY_ms, RISE_ms = 10, 50.0, 50.0, 25.0
PLACE = SPINES // 2
GIVEN = range(PLACE - 3, PLACE + 4)


@dataclasses.dataclass
class Train:
    """A run with so many SK channels a head; traces of the soma and of the head in the middle, an EPSP a volley."""

    channels: int
    t_ms: np.ndarray
    soma_mV: np.ndarray
    v_mV: np.ndarray
    ca_uM: np.ndarray
    popen: np.ndarray
    soma_epsp_mV: np.ndarray
    head_epsp_mV: np.ndarray


def run(cell: SpinyCell, channels: int, volleys: int = VOLLEYS) -> Train:
    """One train, from rest."""
    for spine in cell.spines:
        area_um2 = spine.head(0.5).area()
        spine.head.gbar_sk = channels * CHANNEL_pS * 1e-12 / (area_um2 * 1e-8)  # S/cm2
    traces = cell.simulate(cell.volley(GIVEN, DELAY_ms), PERIOD_ms, volleys, DELAY_ms + volleys * PERIOD_ms)
    t_ms, soma_mV, v_mV = traces["t_ms"], traces["soma_mV"], traces["v_mV"][PLACE]
    begins_ms = DELAY_ms + PERIOD_ms * np.arange(volleys)
    epsps = (np.array([epsp(t_ms, mV, begin_ms) for begin_ms in begins_ms]) for mV in (soma_mV, v_mV))
    return Train(channels, t_ms, soma_mV, v_mV, traces["ca_uM"][PLACE], traces["popen"][PLACE], *epsps)


def epsp(t_ms: np.ndarray, mV: np.ndarray, begin_ms: float) -> float:
    """From just before a volley to the peak after it, mV."""
    first, last = np.searchsorted(t_ms, [begin_ms, begin_ms + RISE_ms])
    return float(mV[first:last].max() - mV[first - 1])


def table(trains: list[Train]) -> str:
    """A line a number of channels."""
    lines = ["SK a head  peak Ca uM  peak SK  first EPSP mV  last EPSP mV  of that without SK"]
    for one in trains:
        first, last = one.soma_epsp_mV[[0, -1]]
        part = last / trains[0].soma_epsp_mV[-1]
        numbers = (one.channels, one.ca_uM.max(), one.popen.max(), first, last, part)
        lines.append("{:9d}  {:10.3f}  {:7.3f}  {:13.3f}  {:12.3f}  {:18.3f}".format(*numbers))
    return "\n".join(lines)


def draw(path: Path, trains: list[Train]) -> None:
    """The figure that the caption explains."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(11, 5.5, layout="constrained")
        (a, b, c), (d, e, f) = figure.subplots(2, 3)
        without, most = trains[0], trains[-1]
        for one, colour in ((without, plot.GREY), (most, plot.BLUE)):
            a.plot(one.t_ms, one.soma_mV, color=colour, linewidth=0.9, label=_named(one))
            c.plot(one.t_ms, one.ca_uM, color=colour, linewidth=0.9)
            _volleys(b, one, colour)
        d.plot(most.t_ms, most.popen, color=plot.BLUE, linewidth=0.9)
        colours = (plot.GREY, plot.GREEN, plot.ORANGE, plot.BLUE)
        for one, colour in zip(trains, colours, strict=False):
            number = np.arange(1, len(one.soma_epsp_mV) + 1)
            e.plot(number, one.soma_epsp_mV, "o-", color=colour, markersize=3.5, label=_named(one))
        channels = [one.channels for one in trains]
        for name, marker, colour in (("soma", "o", "black"), ("head", "s", plot.BLUE)):
            last = np.array([getattr(one, f"{name}_epsp_mV")[-1] for one in trains])
            f.plot(channels, 100 * last / last[0], f"{marker}-", color=colour, markersize=4, label=name)
        a.set(title="a  soma", ylabel="V (mV)", xlabel="time (ms)")
        b.set(
            title="b  head: first and last volley",
            ylabel="V (mV)",
            xlabel="time after glutamate (ms)",
            xlim=(-5, RISE_ms),
        )
        c.set(title="c  calcium in the head", ylabel="Ca²⁺ (µM)", xlabel="time (ms)", ylim=(0, None))
        d.set(
            title=f"d  SK channels, {most.channels} a head", ylabel="open fraction", xlabel="time (ms)", ylim=(0, None)
        )
        e.set(title="e  EPSP in the soma", ylabel="mV", xlabel="volley", ylim=(0, None))
        f.set(title="f  last EPSP", ylabel="% of that without SK", xlabel="SK channels a head", ylim=(0, 105))
        low, high = a.get_ylim()
        a.set_ylim(low, high + 0.35 * (high - low))
        for axes in (a, b, e, f):
            axes.legend(loc="upper right" if axes is not e and axes is not f else "lower left")
        figure.savefig(path)


def _named(one: Train) -> str:
    return f"{one.channels} SK a head" if one.channels else "no SK"


def _volleys(axes: Any, one: Train, colour: str) -> None:
    for volley, style in ((0, "-"), (len(one.head_epsp_mV) - 1, "--")):
        after_ms = one.t_ms - DELAY_ms - volley * PERIOD_ms
        near = (after_ms >= -5) & (after_ms <= RISE_ms)
        label = f"{'first' if volley == 0 else 'last'}, {_named(one)}"
        axes.plot(after_ms[near], one.v_mV[near], style, color=colour, linewidth=1, label=label)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    from tqdm import tqdm

    options = _command.parser(
        "nubridge demo shunt", "SK channels in spines shunt the EPSP.", "3 volleys in place of 10"
    ).parse_args(argv)
    output = _command.folder(options)
    nubridge.load(demo=True)
    cell, volleys = SpinyCell(), 3 if options.quick else VOLLEYS
    trains = [run(cell, channels, volleys) for channels in tqdm(CHANNELS, desc="trains", disable=None, leave=False)]
    print(table(trains))
    draw(output / "shunt.png", trains)
    print("written:", output / "shunt.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
