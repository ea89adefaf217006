"""SK channels in a reconstructed pyramidal cell: a spike train and its afterhyperpolarisation.

NEURON's own pyramidal cell gets `hh` in the soma (with sodium enough to drive the tree), and everywhere a
high-voltage-activated calcium channel (`cahva`), a calcium pool (`capool`) and SK channels. A current step in the soma
gives a train of spikes. It is run without SK, with `sk` (gating by the bridge) and with `skkin` (the same six states
by NEURON's KINETIC), which prints a table and draws three figures. `main` is the command; `hoc/demos/sk_pyramid.hoc`
is the same in hoc.

Figure caption. A current step (0.8 nA, 300 ms) into the soma of a reconstructed pyramidal cell. (a) Without SK the cell
fires steadily. (b) With SK everywhere (0.25 mS/cm2) each spike raises calcium, SK channels open, firing slows and a
lasting afterhyperpolarisation follows (g). sk (blue) and skkin (orange) lie on each other. (c, d) Calcium and open
fraction in the soma and in an apical dendrite. (e) Voltage by sk minus voltage by skkin: spikes that differ by at
most 4 microseconds. (f) Interspike intervals. (h) The greatest difference against the time step: skkin is backward
Euler, so it falls in proportion to dt; sk is exact between steps. Squid hh at 6.3 degC drives the spikes; calcium and
SK rates are those of room temperature.
"""

from __future__ import annotations

import csv
import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

CASES = ("none", "sk", "skkin")
NAMES = {"none": "no SK", "sk": "sk", "skkin": "skkin"}
SPIKE_MV = -20.0


@dataclasses.dataclass(frozen=True)
class Protocol:
    """The current step and the clock."""

    dt_ms: float = 0.025
    delay_ms: float = 50.0
    duration_ms: float = 300.0
    tstop_ms: float = 600.0
    amplitude_nA: float = 0.8

    @property
    def off_ms(self) -> float:
        return self.delay_ms + self.duration_ms

    @property
    def steps(self) -> int:
        return round(self.tstop_ms / self.dt_ms)


FULL = Protocol()
QUICK = Protocol(duration_ms=60.0, tstop_ms=150.0)


@dataclasses.dataclass
class Run:
    """What one run left: traces of the soma and of an apical dendrite at every step."""

    mechanism: str
    protocol: Protocol
    segments: int
    t_ms: np.ndarray
    v_mV: np.ndarray
    ca_uM: np.ndarray
    popen: np.ndarray
    apical_ca_uM: np.ndarray
    apical_popen: np.ndarray
    spikes_ms: np.ndarray
    wall_s: float

    @property
    def intervals_ms(self) -> np.ndarray:
        return np.diff(self.spikes_ms)

    @property
    def ahp_mV(self) -> float:
        """Depth of the lowest voltage later than 20 ms after the step, under the voltage just before the step."""
        before = self.v_mV[self.t_ms < self.protocol.delay_ms][-1]
        return float(before - self.v_mV[self.t_ms > self.protocol.off_ms + 20].min())

    @property
    def ns_per_segment_step(self) -> float:
        return 1e9 * self.wall_s / (self.segments * self.protocol.steps)


class Cell:
    """The cell without SK. Its sections live in hoc's top level: one object at a time, or both currents flow."""

    GBAR_SK = 2.5e-4  # S/cm2

    def __init__(self) -> None:
        from neuron import h

        from nubridge import paths

        self.h = h
        h.load_file("stdrun.hoc")
        h.load_file(str(paths.prefix() / "hoc" / "spiking_pyramid.hoc"))
        self.sections = list(h.pyramid)
        self.segments = [segment for section in self.sections for segment in section]
        self.apical = h.dendrite_1[8](0.75)  # on the apical trunk, 275 um from the soma
        self.stimulus = h.IClamp(h.soma(0.5))

    def insert_sk(self, mechanism: str) -> None:
        """Puts `mechanism` (none, sk or skkin) everywhere and takes the others out."""
        for section in self.sections:
            for other in ("sk", "skkin"):
                if other != mechanism and section.has_membrane(other):
                    section.uninsert(other)
            if mechanism != "none":
                section.insert(mechanism)
                for segment in section:
                    getattr(segment, mechanism).gbar = self.GBAR_SK

    def run(self, mechanism: str, protocol: Protocol = FULL) -> Run:
        """One simulation with the fixed step."""
        h = self.h
        self.insert_sk(mechanism)
        spikes = self._prepare(protocol)
        record = {name: h.Vector().record(ref) for name, ref in self._refs(mechanism).items()}
        wall_s = self._advance(protocol)
        traces = {name: np.array(vector) for name, vector in record.items()}
        silent = np.zeros_like(traces["t"])
        return Run(
            mechanism=mechanism,
            protocol=protocol,
            segments=len(self.segments),
            t_ms=traces["t"],
            v_mV=traces["v"],
            ca_uM=1e3 * traces["ca"],
            popen=traces.get("popen", silent),
            apical_ca_uM=1e3 * traces["apical_ca"],
            apical_popen=traces.get("apical_popen", silent),
            spikes_ms=np.array(spikes),
            wall_s=wall_s,
        )

    def open_fractions(self, mechanism: str, protocol: Protocol, every_ms: float) -> np.ndarray:
        """popen (frames, segments) of the whole cell every `every_ms`."""
        self.insert_sk(mechanism)
        self._prepare(protocol)
        record = [self.h.Vector().record(getattr(segment, mechanism)._ref_popen, every_ms) for segment in self.segments]
        self._advance(protocol)
        return np.array([np.array(vector) for vector in record]).T

    def _refs(self, mechanism: str) -> dict[str, Any]:
        soma = self.h.soma(0.5)
        refs = {"t": self.h._ref_t, "v": soma._ref_v, "ca": soma._ref_cai, "apical_ca": self.apical._ref_cai}
        if mechanism != "none":
            refs["popen"] = getattr(soma, mechanism)._ref_popen
            refs["apical_popen"] = getattr(self.apical, mechanism)._ref_popen
        return refs

    def _prepare(self, protocol: Protocol) -> Any:
        self.stimulus.delay = protocol.delay_ms
        self.stimulus.dur = protocol.duration_ms
        self.stimulus.amp = protocol.amplitude_nA
        self._detector = self.h.NetCon(self.h.soma(0.5)._ref_v, None, sec=self.h.soma)
        self._detector.threshold = SPIKE_MV
        spikes = self.h.Vector()
        self._detector.record(spikes)
        return spikes

    def _advance(self, protocol: Protocol) -> float:
        h = self.h
        h.CVode().active(0)
        h.dt = protocol.dt_ms
        context = h.ParallelContext()
        context.set_maxstep(10)
        h.finitialize(-66)
        start = time.perf_counter()
        context.psolve(protocol.tstop_ms)
        return time.perf_counter() - start


def measure(cell: Cell, protocol: Protocol = FULL, repeats: int = 3) -> dict[str, Run]:
    """The three cases, `repeats` times in turn; each keeps its shortest wall time."""
    runs: dict[str, Run] = {}
    with tqdm(total=repeats * len(CASES), desc="runs", unit="run", disable=None, leave=False) as bar:
        for _ in range(repeats):
            for mechanism in CASES:
                run = cell.run(mechanism, protocol)
                if mechanism in runs:
                    run.wall_s = min(run.wall_s, runs[mechanism].wall_s)
                runs[mechanism] = run
                bar.update()
    return runs


def greatest_difference_mV(sk: Run, skkin: Run) -> float:
    return float(np.abs(sk.v_mV - skkin.v_mV).max())


def differences(cell: Cell, runs: dict[str, Run]) -> list[tuple[float, float]]:
    """(dt in ms, greatest voltage difference between sk and skkin in mV) for half, one and two times the step."""
    protocol = runs["sk"].protocol
    result = [(protocol.dt_ms, greatest_difference_mV(runs["sk"], runs["skkin"]))]
    for factor in tqdm((0.5, 2.0), desc="time steps", unit="dt", disable=None, leave=False):
        other = dataclasses.replace(protocol, dt_ms=protocol.dt_ms * factor)
        result.append((other.dt_ms, greatest_difference_mV(cell.run("sk", other), cell.run("skkin", other))))
    return sorted(result)


COLUMNS = (
    ("case", "{}"), ("spikes", "{:d}"), ("first ISI ms", "{:.2f}"), ("last ISI ms", "{:.2f}"), ("AHP mV", "{:.2f}"),
    ("peak Ca uM", "{:.3f}"), ("peak open", "{:.3f}"), ("wall s", "{:.2f}"), ("ns/seg/step", "{:.0f}"),
    ("of it SK", "{:.0f}"), ("max|dV| mV", "{:.2g}"),
)  # fmt: skip


def table(runs: dict[str, Run]) -> list[dict[str, Any]]:
    """One row a case. Calcium and open fraction are the soma's; `of it SK` is ns per segment and step over `none`;
    the last column compares with skkin."""
    rows = []
    for name, run in runs.items():
        intervals = run.intervals_ms if run.intervals_ms.size else np.array([math.nan])
        values = (
            NAMES[name], run.spikes_ms.size, intervals[0], intervals[-1], run.ahp_mV, run.ca_uM.max(), run.popen.max(),
            run.wall_s, run.ns_per_segment_step, run.ns_per_segment_step - runs["none"].ns_per_segment_step,
            greatest_difference_mV(run, runs["skkin"]) if name == "sk" else math.nan,
        )  # fmt: skip
        rows.append({column: value for (column, _), value in zip(COLUMNS, values, strict=True)})
    return rows


def texts(row: dict[str, Any], missing: str) -> list[str]:
    """A row's values as they are shown, `missing` for those that the case does not have."""
    return [
        missing if isinstance(row[column], float) and math.isnan(row[column]) else form.format(row[column])
        for column, form in COLUMNS
    ]


def formatted(rows: list[dict[str, Any]]) -> str:
    """The table as text."""
    lines = [[column for column, _ in COLUMNS], *(texts(row, "-") for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(text.rjust(width) for text, width in zip(line, widths, strict=True)) for line in lines)


def write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column for column, _ in COLUMNS])
        writer.writerows(texts(row, "") for row in rows)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    import nubridge
    from nubridge.demos import _command
    from nubridge.demos import sk_pyramid_figures as figures

    options = _command.parser("nubridge demo", "SK channels in a pyramidal cell.", "a short run, no movie").parse_args(
        argv
    )
    output = _command.folder(options)

    nubridge.load(demo=True)
    protocol = QUICK if options.quick else FULL
    cell = Cell()
    runs = measure(cell, protocol, repeats=1 if options.quick else 3)
    rows = table(runs)
    print(f"pyramidal cell, {len(cell.segments)} segments, {protocol.tstop_ms:g} ms, dt {protocol.dt_ms:g} ms")
    print(formatted(rows))
    files = [output / f"sk_pyramid{rest}" for rest in (".csv", ".png", "_tree.png", "_tree.gif")]
    if options.quick:
        files.pop()
    write_csv(files[0], rows)
    figures.draw_traces(files[1], runs, differences(cell, runs))
    figures.draw_tree(cell, runs["sk"], *files[2:])
    print("written:", *files)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
