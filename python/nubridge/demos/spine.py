"""Synapses that learn: theta bursts and spike timing on a spiny dendrite, from the NMDA receptors' calcium to CaMKII.

The reconstructed pyramidal cell of the first demo gets 13 spines on an oblique dendrite of the apical tree. All calcium comes from the
cell: `nmdar` and the channels of `spineca` let it into a head, `spineca` buffers and extrudes it, `sk` reads it, the calmodulin of
`camkii` binds it. Two protocols run, each of ten repeats at 5 Hz. Theta bursts: four volleys to all spines, 10 ms apart. Spike timing:
the soma is made to fire once, and each spine gets its glutamate at a time of its own, its lead before that spike.
`hoc/demos/spine.hoc` is the same in hoc.

Figure caption. (a-d) Theta bursts of 13 spines, which make the cell fire. Soma (grey) and the spine in the middle of the dendrite:
voltage, free calcium, open fraction of its SK channels, CaMKII subunits with calmodulin (bound) and phosphorylated (pT286). (e-g) The
last pairing of two spines with a spike: glutamate 10 ms before it (blue) and 20 ms after it (orange). The receptors that glutamate has
opened are freed of magnesium by the spike, so calcium rises more when it comes first. (h) pT286 of the two over all pairings; without a
phosphatase it only grows. (i, j) All 13 spines: highest calcium, and pT286 at the end, against the lead. Leads are dealt to places on
the dendrite crosswise, so that they tell nothing of the distance to the soma. Squid hh at 6.3 degC makes the spikes, which are broad;
SK has the rates of room temperature, receptors, channels and pumps those of 34 degC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import nubridge
from nubridge import paths, plot
from nubridge.demos import _command

SPINES = 13
LEADS_ms = [10.0 * (5 * place % SPINES - 6) for place in range(SPINES)]
PERIOD_ms, TAIL_ms = 200.0, 100.0
SPIKE_ms = 100.0  # in a period of the spike timing
PROTOCOLS = ("theta bursts", "spike timing")


@dataclasses.dataclass
class Run:
    """What a protocol left: traces at every step, those of the spines as (spines, steps)."""

    protocol: str
    repeats: int
    t_ms: np.ndarray
    soma_mV: np.ndarray
    v_mV: np.ndarray
    ca_uM: np.ndarray
    popen: np.ndarray
    bound: np.ndarray
    pT286: np.ndarray


class SpinyCell:
    """The pyramidal cell with its spines. Its sections live in hoc's top level: one object at a time."""

    def __init__(self) -> None:
        from neuron import h

        self.h = h
        h.load_file(str(paths.prefix() / "hoc" / "spiny_pyramid.hoc"))
        self.spines, self.drive, self.clock = list(h.spine), h.drive, h.clock

    def run(self, protocol: str, repeats: int = 10) -> Run:
        """One protocol, from rest."""
        connections = list(self._connections(protocol))
        traces = self.simulate(connections, PERIOD_ms, repeats, repeats * PERIOD_ms + TAIL_ms)
        return Run(protocol, repeats, **traces)

    def volley(self, spines: Sequence[int], delay_ms: float = 50.0) -> list[Any]:
        """Connections that let glutamate into these spines at every beat of the clock, `delay_ms` after it."""
        return [one for i in spines for one in self._synapse(self.spines[i], delay_ms)]

    def spike(self, delay_ms: float) -> Any:
        """A connection that makes the soma fire `delay_ms` after every beat."""
        return self._connect(self.drive, delay_ms, 0.2)  # uS

    def simulate(self, connections: list[Any], period_ms: float, beats: int, end_ms: float) -> dict[str, np.ndarray]:
        """From rest to `end_ms`, the clock beating: the traces that Run has. The connections end with the run."""
        h = self.h
        self.clock.interval, self.clock.number = period_ms, beats
        time, soma = (h.Vector().record(ref) for ref in (h._ref_t, h.soma(0.5)._ref_v))
        records = {name: [h.Vector().record(ref) for ref in refs] for name, refs in self._refs().items()}
        h.CVode().active(0)
        h.dt = 0.025
        h.finitialize(-66)
        h.ParallelContext().psolve(end_ms)
        connections.clear()
        traces = {name: np.array([np.array(vector) for vector in vectors]) for name, vectors in records.items()}
        traces["ca_uM"] *= 1e3
        return {"t_ms": np.array(time), "soma_mV": np.array(soma), **traces}

    def _connections(self, protocol: str) -> Iterator[Any]:
        """The clock's connections: their delays are the times in a period."""
        for spine, lead_ms in zip(self.spines, LEADS_ms, strict=True):
            for delay_ms in (50, 60, 70, 80) if protocol == "theta bursts" else (SPIKE_ms - lead_ms,):
                yield from self._synapse(spine, delay_ms)
        if protocol == "spike timing":
            yield self.spike(SPIKE_ms)

    def _synapse(self, spine: Any, delay_ms: float) -> Iterator[Any]:
        yield self._connect(spine.ampa, delay_ms, 5e-4)  # uS
        yield self._connect(spine.nmda, delay_ms, 1)

    def _connect(self, target: Any, delay_ms: float, weight: float) -> Any:
        connection = self.h.NetCon(self.clock, target)
        connection.delay, connection.weight[0] = delay_ms, weight
        return connection

    def _refs(self) -> dict[str, list[Any]]:
        heads = [spine.head(0.5) for spine in self.spines]
        return {
            "v_mV": [head._ref_v for head in heads],
            "ca_uM": [head._ref_cai for head in heads],
            "popen": [head.sk._ref_popen for head in heads],
            "bound": [head.camkii._ref_bound for head in heads],
            "pT286": [head.camkii._ref_pT286 for head in heads],
        }


def table(run: Run) -> str:
    """A line a spine, along the dendrite: the greatest of each trace, and pT286 at the end."""
    lines = [f"{run.protocol}, {run.repeats} times", "lead ms  peak Ca uM  peak SK  peak bound    pT286"]
    for place, lead_ms in enumerate(LEADS_ms):
        lead = f"{lead_ms:7.0f}" if run.protocol == "spike timing" else "      -"
        tops = (run.ca_uM[place].max(), run.popen[place].max(), run.bound[place].max(), run.pT286[place, -1])
        lines.append(lead + "  {:10.3f}  {:7.4f}  {:10.4f}  {:7.5f}".format(*tops))
    return "\n".join(lines)


def draw(path: Path, theta: Run, timing: Run) -> None:
    """The figure that the caption explains."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(11.5, 8, layout="constrained")
        grid = figure.add_gridspec(8, 3, width_ratios=(1.2, 1, 0.9))
        left, middle = (
            [figure.add_subplot(grid[2 * row : 2 * row + 2, column]) for row in range(4)] for column in (0, 1)
        )
        right = [figure.add_subplot(grid[4 * row : 4 * row + 4, 2]) for row in range(2)]
        _theta(left, theta)
        _pairing(middle, timing)
        _leads(right, timing)
        figure.align_ylabels(left)
        figure.align_ylabels(middle)
        figure.savefig(path)


LABELS = {"v_mV": "V (mV)", "ca_uM": "Ca²⁺ (µM)", "popen": "open fraction"}
VOLTAGES_mV = (-85, 50)
TITLES = {"v_mV": "voltage", "ca_uM": "calcium in the head", "popen": "SK channels"}


def _theta(rows: list[Any], run: Run) -> None:
    place = SPINES // 2
    rows[0].plot(run.t_ms, run.soma_mV, color=plot.GREY, linewidth=0.8, label="soma")
    for axes, name, letter in zip(rows, LABELS, "abc", strict=False):
        axes.plot(run.t_ms, getattr(run, name)[place], color=plot.BLUE, linewidth=0.9, label="spine head")
        axes.set(title=f"{letter}  theta bursts: {TITLES[name]}", ylabel=LABELS[name])
        axes.tick_params(labelbottom=False)
    rows[0].legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderpad=0)
    rows[3].plot(run.t_ms, 100 * run.bound[place], color=plot.GREEN, label="bound")
    rows[3].plot(run.t_ms, 100 * run.pT286[place], color=plot.ORANGE, label="pT286")
    rows[3].set(title="d  theta bursts: CaMKII", ylabel="% of subunits", xlabel="time (ms)")
    rows[3].legend(loc="upper left")
    for axes in rows:
        axes.set(xlim=(0, run.t_ms[-1]), ylim=VOLTAGES_mV if axes is rows[0] else (0, None))


def _pairing(rows: list[Any], run: Run) -> None:
    spike_ms = (run.repeats - 1) * PERIOD_ms + SPIKE_ms
    after_ms = run.t_ms - spike_ms
    near = (after_ms >= -40) & (after_ms <= 160)
    for lead_ms, colour, label in ((10, plot.BLUE, "10 ms before"), (-20, plot.ORANGE, "20 ms after")):
        place = LEADS_ms.index(lead_ms)
        for axes, name in zip(rows, LABELS, strict=False):
            axes.plot(after_ms[near], getattr(run, name)[place, near], color=colour, linewidth=0.9, label=label)
        rows[0].plot(-lead_ms, VOLTAGES_mV[0], "^", color=colour, markersize=6, clip_on=False)
        rows[3].plot(run.t_ms, 100 * run.pT286[place], color=colour)
    for axes, name, letter in zip(rows, LABELS, "efg", strict=False):
        axes.set(title=f"{letter}  spike timing: {TITLES[name]}", ylabel=LABELS[name], xlim=(-40, 160))
        axes.tick_params(labelbottom=axes is rows[2])
    rows[0].legend(title="glutamate (▲)", loc="upper right")
    rows[0].set_ylim(VOLTAGES_mV)
    rows[1].set_ylim(0, None)
    rows[2].set(ylim=(0, None), xlabel="time after the spike (ms)")
    rows[3].set(
        title="h  spike timing: CaMKII", ylabel="pT286 (%)", xlabel="time (ms)", xlim=(0, run.t_ms[-1]), ylim=(0, None)
    )


def _leads(rows: list[Any], run: Run) -> None:
    values = (run.ca_uM.max(axis=1), 100 * run.pT286[:, -1])
    titles = ("i  highest calcium", f"j  CaMKII after {run.repeats} pairings")
    for axes, value, title, label in zip(rows, values, titles, ("Ca²⁺ (µM)", "pT286 (%)"), strict=True):
        axes.axvline(0, color=plot.GREY, linewidth=0.6, linestyle=":")
        axes.plot(*np.array(sorted(zip(LEADS_ms, value, strict=True))).T, "o-", color="black", markersize=4)
        axes.set(title=title, ylabel=label, xlabel="lead of glutamate before the spike (ms)", ylim=(0, None))


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    options = _command.parser(
        "nubridge demo spine", "CaMKII in the spines of a pyramidal cell.", "2 repeats in place of 10"
    ).parse_args(argv)
    output = _command.folder(options)
    nubridge.load(demo=True)
    cell = SpinyCell()
    theta, timing = (cell.run(protocol, 2 if options.quick else 10) for protocol in PROTOCOLS)
    print(table(theta), table(timing), sep="\n")
    draw(output / "spine.png", theta, timing)
    print("written:", output / "spine.png")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
