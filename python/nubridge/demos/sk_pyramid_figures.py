"""The figures of the pyramidal-cell demo: traces, the tree, and its movie."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from tqdm import tqdm

from nubridge import plot
from nubridge.demos.sk_pyramid import CASES, NAMES, Cell, Run


def draw_traces(path: Path, runs: dict[str, Run], steps: list[tuple[float, float]]) -> None:
    """The figure that the caption in sk_pyramid.py explains."""
    none, sk, skkin = (runs[name] for name in CASES)
    protocol = sk.protocol
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(10.5, 8, layout="constrained")
        traces, summaries = figure.subfigures(1, 2, width_ratios=(2.2, 1), wspace=0.03)
        left = traces.subplots(5, 1, sharex=True, height_ratios=(1.2, 1.2, 1, 1, 0.8))
        intervals, after, order = summaries.subplots(3, 1)
        for axes, letter, title in zip(
            (*left, intervals, after, order), "abcdefgh",
            ("without SK", "with SK", "calcium", "open fraction of SK", "difference sk − skkin", "interspike interval",
             "afterhyperpolarisation", "difference and time step"), strict=True,
        ):  # fmt: skip
            axes.set_title(f"{letter}  {title}")
        left[0].plot(none.t_ms, none.v_mV, color=plot.GREY, linewidth=0.9)
        left[1].plot(sk.t_ms, sk.v_mV, color=plot.BLUE, linewidth=0.9, label="sk")
        left[1].plot(skkin.t_ms, skkin.v_mV, color=plot.ORANGE, linewidth=0.9, dashes=(3, 3), label="skkin")
        for axes in left[:2]:
            axes.set(ylabel="soma V (mV)", ylim=(-85, 60), yticks=(-80, -40, 0, 40))
            axes.plot([protocol.delay_ms, protocol.off_ms], [54, 54], color="black", linewidth=3, solid_capstyle="butt")
        left[0].annotate(
            f"{protocol.amplitude_nA:g} nA", (protocol.off_ms, 54), (5, 0), textcoords="offset points", va="center"
        )
        for axes, field in ((left[2], "ca_uM"), (left[3], "popen")):
            axes.plot(sk.t_ms, getattr(sk, field), color=plot.BLUE, label="soma, sk")
            axes.plot(sk.t_ms, getattr(sk, f"apical_{field}"), color=plot.SKY, label="apical trunk, 275 µm, sk")
            for place in ("", "apical_"):
                label = None if place else "skkin"
                axes.plot(skkin.t_ms, getattr(skkin, place + field), color=plot.ORANGE, dashes=(3, 3), label=label)
        left[2].set(ylabel="Ca²⁺ (µM)", ylim=(0, None))
        left[3].set(ylabel="open fraction", ylim=(0, 1))
        left[4].plot(sk.t_ms, sk.v_mV - skkin.v_mV, color="black", linewidth=0.9)
        left[4].set(ylabel="ΔV (mV)", xlabel="time (ms)", xlim=(0, protocol.tstop_ms))
        left[1].legend(loc="upper right")
        left[2].legend(loc="upper right")

        for run, colour, marker in ((none, plot.GREY, "s"), (sk, plot.BLUE, "o"), (skkin, plot.ORANGE, "+")):
            number = np.arange(1, run.intervals_ms.size + 1)
            intervals.plot(number, run.intervals_ms, marker, color=colour, markersize=4, label=NAMES[run.mechanism])
        intervals.set(xlabel="number of the interval", ylabel="interval (ms)")
        intervals.legend()
        for run, colour, dash in ((none, plot.GREY, ()), (sk, plot.BLUE, ()), (skkin, plot.ORANGE, (3, 3))):
            style = {"dashes": dash} if dash else {}
            after.plot(run.t_ms - protocol.off_ms, run.v_mV, color=colour, **style)
        rest = sk.v_mV[sk.t_ms < protocol.delay_ms][-1]
        after.axhline(rest, color="black", linewidth=0.6, linestyle=":")
        after.text(protocol.tstop_ms - protocol.off_ms, rest + 0.3, "rest", ha="right", va="bottom")
        after.set(
            xlim=(0, protocol.tstop_ms - protocol.off_ms), ylim=(-76, -62), xlabel="time after the step (ms)",
            ylabel="soma V (mV)",
        )  # fmt: skip
        dt_ms, difference_mV = np.array(steps).T
        slope = difference_mV[0] / dt_ms[0]
        order.plot([0, dt_ms[-1]], [0, slope * dt_ms[-1]], color=plot.GREY, linewidth=0.8, label="∝ dt")
        order.plot(dt_ms, difference_mV, "o", color="black", clip_on=False)
        order.set(xlabel="dt (ms)", ylabel="max |ΔV| (mV)", xlim=(0, None), ylim=(0, None), xticks=dt_ms)
        order.set_xticklabels([f"{value:g}" for value in dt_ms])
        order.legend(loc="upper left")
        traces.align_ylabels(left)
        summaries.align_ylabels()
        figure.savefig(path)


class TreePicture:
    """The cell with its open fractions, on black, 16:9, for a slide: one object draws the still and every frame."""

    BACKGROUND, TEXT, FAINT, DOT = "#0b0d12", "#f2f2f2", "#8a8f98", "#ffd166"

    def __init__(self, cell: Cell, run: Run, top: float) -> None:
        self.run = run
        with mpl.rc_context({"font.size": 13, "text.color": self.TEXT}):
            self.figure = plot.figure(12.8, 7.2, dpi=75, facecolor=self.BACKGROUND)
            axes = self.figure.add_axes((0, 0, 1, 1), facecolor=self.BACKGROUND)
            axes.set_axis_off()
            tree = plot.Tree(cell.sections, project=lambda points: points[:, [1, 0]] * (1, -1))
            left, right, bottom, high = tree.bounds_um()
            width = 1.09 * (right - left)
            centre = ((left + right) / 2, (bottom + high) / 2 + 12)
            axes.set_xlim(centre[0] - width / 2, centre[0] + width / 2)
            axes.set_ylim(centre[1] - width * 9 / 32, centre[1] + width * 9 / 32)
            self.colours = plot.dim_floor("inferno", 0.2, 0.97)
            self.recolour = tree.draw(axes, self.colours, (0, top), widen=1.7, glow=0.07)
            plot.scale_bar(axes, left + 20, centre[1] - width * 0.23, 100, self.TEXT)
            self._texts()
            self._colourbar(top)
            self._voltage()

    def _texts(self) -> None:
        self.figure.text(0.035, 0.935, "SK channels in a pyramidal cell", fontsize=22, va="center", weight="bold")
        below = "each spike lets in calcium, as far as it reaches into the passive tree"
        self.figure.text(0.035, 0.885, below, color=self.FAINT, va="center")
        self.clock = self.figure.text(0.965, 0.935, "", fontsize=22, ha="right", va="center", family="DejaVu Sans Mono")

    def _colourbar(self, top: float) -> None:
        axes = self.figure.add_axes((0.65, 0.80, 0.305, 0.022))
        bar = self.figure.colorbar(
            mpl.cm.ScalarMappable(mpl.colors.Normalize(0, top), self.colours), cax=axes, orientation="horizontal"
        )
        bar.outline.set_visible(False)
        bar.set_ticks(np.arange(0, top + 0.01, 0.2))
        axes.tick_params(colors=self.TEXT, length=0, labelsize=12)
        axes.set_title("open fraction", color=self.TEXT, fontsize=13, loc="left", pad=5)

    def _voltage(self) -> None:
        run = self.run
        axes = self.figure.add_axes((0.455, 0.085, 0.5, 0.26), facecolor="none")
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        for side in ("left", "bottom"):
            axes.spines[side].set_color(self.FAINT)
        axes.tick_params(colors=self.FAINT, labelsize=12)
        axes.set(xlim=(0, run.protocol.tstop_ms), ylim=(-85, 58), yticks=(-80, -40, 0, 40))
        axes.set_xlabel("time (ms)", color=self.FAINT, fontsize=12, labelpad=2)
        axes.set_ylabel("soma (mV)", color=self.FAINT, fontsize=12)
        axes.plot(run.t_ms, run.v_mV, color=self.FAINT, linewidth=0.8, alpha=0.45)
        axes.plot(
            [run.protocol.delay_ms, run.protocol.off_ms], [54, 54], color=self.FAINT, linewidth=3,
            solid_capstyle="butt",
        )  # fmt: skip
        (self.trace,) = axes.plot([], [], color=self.TEXT, linewidth=1.3)
        (self.dot,) = axes.plot([], [], "o", color=self.DOT, markersize=7)

    def show(self, t_ms: float, open_fractions: np.ndarray) -> None:
        """Puts the picture to time t_ms."""
        past = self.run.t_ms <= t_ms + 1e-9
        self.recolour(open_fractions)
        self.clock.set_text(f"{t_ms:4.0f} ms")
        self.trace.set_data(self.run.t_ms[past], self.run.v_mV[past])
        self.dot.set_data(self.run.t_ms[past][-1:], self.run.v_mV[past][-1:])

    def at(self, t_ms: float, open_fractions: np.ndarray) -> np.ndarray:
        """The RGB pixels at time t_ms."""
        self.show(t_ms, open_fractions)
        self.figure.canvas.draw()
        return np.asarray(self.figure.canvas.buffer_rgba())[:, :, :3].copy()

    def palette(self) -> np.ndarray:
        return plot.gif_palette(self.BACKGROUND, self.colours, (self.TEXT, self.FAINT, self.DOT))


def draw_tree(still: Path, movie: Path | None, cell: Cell, run: Run, every_ms: float = 5.0) -> None:
    """The tree at the end of the step, and the movie of the whole run unless `movie` is None."""
    fractions = cell.open_fractions(run.mechanism, run.protocol, every_ms)
    picture = TreePicture(cell, run, top=math.ceil(10 * fractions.max()) / 10)
    last = round(run.protocol.off_ms / every_ms)
    picture.show(last * every_ms, fractions[last])
    picture.figure.savefig(still, dpi=150)
    if movie is None:
        return
    start = int(0.6 * run.protocol.delay_ms / every_ms)
    numbers = tqdm(range(start, len(fractions)), desc="movie", unit="frame", disable=None, leave=False)
    frames = (picture.at(number * every_ms, fractions[number]) for number in numbers)
    plot.write_gif(movie, frames, picture.palette(), frame_ms=50, hold_ms=1500)
