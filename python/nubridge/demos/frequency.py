"""CaMKII and the frequency of its synapse: glutamate for two seconds, at 1 to 100 Hz.

The 13 spines of `demos/spine.py`, on an oblique dendrite of the reconstructed pyramidal cell, get glutamate together. Calcium comes from
the cell: receptors, and channels when the volleys make the soma fire, let it into the heads, where pumps and buffers have less time to
remove it the faster the train. `hoc/demos/frequency.hoc` is the same in hoc.

Figure caption. The head in the middle of the dendrite: (a) free calcium at 5, 20 and 100 Hz, (b) CaMKII subunits with calmodulin (bound)
and (c) phosphorylated (pT286). (d-f) Against the frequency: calcium, its highest and its mean; the most subunits bound; subunits
phosphorylated at the end. Circles are the middle spine, the band spans all 13. Up to 50 Hz the soma fires at the first volleys alone, as SK
then holds it back; at 100 Hz it fires 45 times, and calcium rises with it. Squid hh at 6.3 degC makes the spikes, which are broad and let
in more calcium than a neuron's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import nubridge
from nubridge import plot
from nubridge.demos import _command

from .spine import SPINES, SpinyCell

FREQUENCIES_Hz = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
SHOWN_Hz = (5.0, 20.0, 100.0)
LENGTH_ms, QUICK_ms, DELAY_ms = 2000.0, 250.0, 5.0
PLACE = SPINES // 2


@dataclasses.dataclass
class Train:
    """Volleys at one frequency; traces of the heads as (spines, steps)."""

    frequency_Hz: float
    volleys: int
    spikes: int
    t_ms: np.ndarray
    ca_uM: np.ndarray
    bound: np.ndarray
    pT286: np.ndarray


def run(cell: SpinyCell, frequency_Hz: float, length_ms: float = LENGTH_ms) -> Train:
    """One train, from rest."""
    volleys = max(1, round(length_ms * frequency_Hz / 1000))
    traces = cell.simulate(cell.volley(range(SPINES), DELAY_ms), 1000 / frequency_Hz, volleys, DELAY_ms + length_ms)
    above = traces["soma_mV"] > -20
    spikes = int((above[1:] & ~above[:-1]).sum())
    return Train(frequency_Hz, volleys, spikes, *(traces[name] for name in ("t_ms", "ca_uM", "bound", "pT286")))


def table(trains: Sequence[Train]) -> str:
    """A line a frequency: the spine in the middle."""
    lines = ["   Hz  volleys  spikes  peak Ca uM  mean Ca uM  peak bound    pT286"]
    for one in trains:
        ca_uM, bound, pT286 = one.ca_uM[PLACE], one.bound[PLACE].max(), one.pT286[PLACE, -1]
        numbers = (one.frequency_Hz, one.volleys, one.spikes, ca_uM.max(), ca_uM.mean(), bound, pT286)
        lines.append("{:5g}  {:7d}  {:6d}  {:10.3f}  {:10.3f}  {:10.4f}  {:7.5f}".format(*numbers))
    return "\n".join(lines)


def draw(path: Path, trains: Sequence[Train]) -> None:
    """The figure that the caption explains."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(11, 5.5, layout="constrained")
        (a, b, c), (d, e, f) = figure.subplots(2, 3)
        colours = mpl.colormaps["viridis"](np.linspace(0, 0.9, len(trains)))
        for one, colour in zip(trains, colours, strict=True):
            label = f"{one.frequency_Hz:g} Hz"
            if one.frequency_Hz in SHOWN_Hz:
                a.plot(one.t_ms, one.ca_uM[PLACE], color=colour, linewidth=0.9, label=label)
            b.plot(one.t_ms, 100 * one.bound[PLACE], color=colour, label=label)
            c.plot(one.t_ms, 100 * one.pT286[PLACE], color=colour)
        _response(d, trains, [one.ca_uM.max(axis=1) for one in trains], "black", "highest")
        _response(d, trains, [one.ca_uM.mean(axis=1) for one in trains], plot.BLUE, "mean")
        _response(e, trains, [100 * one.bound.max(axis=1) for one in trains], plot.GREEN)
        _response(f, trains, [100 * one.pT286[:, -1] for one in trains], plot.ORANGE)
        a.set(title="a  calcium in the head", ylabel="Ca²⁺ (µM)")
        b.set(title="b  CaMKII with calmodulin", ylabel="bound (%)")
        c.set(title="c  CaMKII phosphorylated", ylabel="pT286 (%)")
        d.set(title="d  calcium", ylabel="Ca²⁺ (µM)", yscale="log")
        e.set(title="e  most subunits bound", ylabel="bound (%)", ylim=(0, None))
        f.set(title="f  subunits phosphorylated at the end", ylabel="pT286 (%)", ylim=(0, None))
        for axes in (a, b, c):
            axes.set(xlabel="time (ms)", xlim=(0, trains[0].t_ms[-1]), ylim=(0, None))
        for axes in (d, e, f):
            axes.set(xlabel="frequency (Hz)", xscale="log", xticks=[1, 10, 100], xticklabels=["1", "10", "100"])
        for axes in (a, d):
            axes.legend(loc="upper left")
        b.legend(loc="upper left", ncols=2)
        b.set_ylim(0, 1.45 * b.get_ylim()[1])
        a.set_ylim(0, 1.3 * a.get_ylim()[1])
        figure.savefig(path)


def _response(
    axes: Any, trains: Sequence[Train], rows: list[np.ndarray], colour: str, label: str | None = None
) -> None:
    frequencies, values = [one.frequency_Hz for one in trains], np.array(rows)
    axes.plot(frequencies, values[:, PLACE], "o-", color=colour, markersize=4, label=label)
    axes.fill_between(frequencies, values.min(axis=1), values.max(axis=1), color=colour, alpha=0.15, linewidth=0)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    from tqdm import tqdm

    options = _command.parser(
        "nubridge demo frequency",
        "CaMKII in spines of a pyramidal cell, from 1 to 100 Hz.",
        "a quarter of a second in place of two",
    ).parse_args(argv)
    output = _command.folder(options)
    nubridge.load(demo=True)
    cell = SpinyCell()
    length_ms = QUICK_ms if options.quick else LENGTH_ms
    trains = [run(cell, one, length_ms) for one in tqdm(FREQUENCIES_Hz, desc="trains", disable=None, leave=False)]
    print(table(trains))
    draw(output / "frequency.png", trains)
    print("written:", output / "frequency.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
