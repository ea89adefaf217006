"""NEURON and MCell side by side: spikes drive calcium into a spine head whose ions and channels are particles.

Figure caption. A soma with `hh` fires; its spikes reach a spine head of 0.0664 um3 and open calcium channels there. Every 25
microseconds the ions of that current go, in whole numbers, into MCell, where they diffuse, meet exchangers and open 50 SK
channels; their number comes back as calcium, and the open channels as a conductance. (a) Voltage. (b) Free calcium, counted.
(c) Open channels: the particles; nu(t) of `sk` and the KINETIC scheme of `skkin`, both driven by the same calcium, over each
other; the band holds 95 % of what 50 independent channels do around nu(t).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

import nubridge
from nubridge import plot
from nubridge.demos import _command, particles_model

CHANNELS = 50
VOLUME_um3 = 40 / 602.214076
MODEL = Path(particles_model.__file__)


class Cell:
    """A soma, a neck and a head."""

    def __init__(self) -> None:
        from neuron import n

        n.load_file("stdrun.hoc")
        self.soma, self.neck, self.head = (n.Section(name) for name in ("soma", "neck", "head"))
        self.neck.connect(self.soma(1))
        self.head.connect(self.neck(1))
        self.soma.L = self.soma.diam = 20
        self.neck.L, self.neck.diam = 1, 0.15
        self.head.L = self.head.diam = (4 * VOLUME_um3 / np.pi) ** (1 / 3)
        self.soma.insert("hh")
        for mechanism in ("cahva", "skpeer", "sk", "skkin"):
            self.head.insert(mechanism)
        self.head.gbar_cahva = 4e-4  # S/cm2
        self.head.gbar_skpeer = 1e-3  # S/cm2
        self.head.gbar_sk = self.head.gbar_skkin = 0.0  # they watch
        self.stimulus = n.IClamp(self.soma(0.5))
        self.stimulus.amp, self.stimulus.delay, self.stimulus.dur = 0.15, 5, 1e9

    def traces(self, tstop_ms: float) -> dict[str, np.ndarray]:
        """One run; the open fractions and the rest at every step."""
        from neuron import n

        segment = self.head(0.5)
        refs = {"t_ms": n._ref_t, "v_mV": segment._ref_v, "ca_mM": segment._ref_cai}
        refs |= {name: getattr(segment, name)._ref_popen for name in ("skpeer", "sk", "skkin")}
        vectors = {name: n.Vector().record(ref) for name, ref in refs.items()}
        n.finitialize(-65)
        n.continuerun(tstop_ms)
        return {name: np.array(vector) for name, vector in vectors.items()}


def draw(path: Path, traces: dict[str, np.ndarray], peer: str) -> None:
    """The figure that the caption explains."""
    t_ms, nu = traces["t_ms"], traces["sk"]
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(7, 6.5, layout="constrained")
        voltage, calcium, channels = figure.subplots(3, 1, sharex=True)
        voltage.plot(t_ms, traces["v_mV"], color=plot.GREY)
        voltage.set(title="(a) voltage of the spine head", ylabel="mV")
        calcium.plot(t_ms, 1e3 * traces["ca_mM"], color=plot.GREEN)
        calcium.set(title=f"(b) free calcium, ions counted by {peer}", ylabel="µM")
        reach = 1.96 * np.sqrt(CHANNELS * nu * (1 - nu))
        low, high = np.maximum(CHANNELS * nu - reach, 0), CHANNELS * nu + reach
        channels.fill_between(t_ms, low, high, color=plot.SKY, alpha=0.3, lw=0, label="95 % of 50 channels")
        channels.step(t_ms, CHANNELS * traces["skpeer"], color=plot.GREY, lw=0.8, label=f"particles ({peer})")
        channels.plot(t_ms, CHANNELS * nu, color=plot.BLUE, label="nu(t): sk")
        channels.plot(t_ms, CHANNELS * traces["skkin"], color=plot.ORANGE, dashes=(3, 3), label="KINETIC: skkin")
        channels.set(title=f"(c) open SK channels of {CHANNELS}", xlabel="ms", ylabel="channels")
        channels.legend(loc="upper left")
        figure.savefig(path)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = _command.parser("nubridge demo particles", "NEURON and MCell side by side.", "30 ms in place of 150")
    parser.add_argument("--peer", default="mcell", help="mcell (default), ssa, or your own as module:Class")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    output = _command.folder(options)
    nubridge.load(demo=True)
    cell = Cell()
    with nubridge.Session(peer=options.peer, model=MODEL, window_us=25, seed=options.seed) as session:
        session.couple(cell.head(0.5), ion="ca", reads=["O1 + O2 -> skpeer.popen"])
        traces = cell.traces(30.0 if options.quick else 150.0)
        report = session.report()
    print(report)
    print(summary(traces))
    draw(output / "particles.png", traces, options.peer)
    print("written:", output / "particles.png")
    return 0


def summary(traces: dict[str, Any]) -> str:
    """The time means of the three open fractions, and the part of the time that the particles are inside the band."""
    nu = traces["sk"]
    inside = np.abs(traces["skpeer"] - nu) <= 1.96 * np.sqrt(nu * (1 - nu) / CHANNELS) + 0.5 / CHANNELS
    means = "  ".join(f"{name} {traces[name].mean():.4f}" for name in ("skpeer", "sk", "skkin"))
    return f"open fraction: {means}\nin the band {inside.mean():.0%} of the time; peak calcium {1e3 * traces['ca_mM'].max():.2f} uM"


if __name__ == "__main__":
    raise SystemExit(main())
