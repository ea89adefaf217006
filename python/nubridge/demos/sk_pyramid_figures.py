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

TITLES = (
    "without SK", "with SK", "calcium", "open fraction of SK", "difference sk − skkin", "interspike interval",
    "afterhyperpolarisation", "difference and time step",
)  # fmt: skip
LINES: dict[str, dict[str, Any]] = {
    "none": {"color": plot.GREY},
    "sk": {"color": plot.BLUE},
    "skkin": {"color": plot.ORANGE, "dashes": (3, 3)},
}


def draw_traces(path: Path, runs: dict[str, Run], steps: list[tuple[float, float]]) -> None:
    """The figure that the caption in sk_pyramid.py explains."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(10.5, 8, layout="constrained")
        traces, summaries = figure.subfigures(1, 2, width_ratios=(2.2, 1), wspace=0.03)
        left = traces.subplots(5, 1, sharex=True, height_ratios=(1.2, 1.2, 1, 1, 0.8))
        right = summaries.subplots(3, 1)
        for axes, letter, title in zip((*left, *right), "abcdefgh", TITLES, strict=True):
            axes.set_title(f"{letter}  {title}")
        _voltages(left[:2], runs)
        _calcium_and_open_fraction(left[2:4], runs)
        sk, skkin = runs["sk"], runs["skkin"]
        left[4].plot(sk.t_ms, sk.v_mV - skkin.v_mV, color="black", linewidth=0.9)
        left[4].set(ylabel="ΔV (mV)", xlabel="time (ms)", xlim=(0, sk.protocol.tstop_ms))
        _intervals(right[0], runs)
        _afterhyperpolarisation(right[1], runs)
        _order(right[2], *np.array(steps).T)
        traces.align_ylabels(left)
        summaries.align_ylabels(right)
        figure.savefig(path)


def _voltages(rows: Any, runs: dict[str, Run]) -> None:
    protocol = runs["sk"].protocol
    for axes, names in zip(rows, (["none"], ["sk", "skkin"]), strict=True):
        for name in names:
            axes.plot(runs[name].t_ms, runs[name].v_mV, linewidth=0.9, label=name, **LINES[name])
        axes.set(ylabel="soma V (mV)", ylim=(-85, 60), yticks=(-80, -40, 0, 40))
        axes.plot([protocol.delay_ms, protocol.off_ms], [54, 54], color="black", linewidth=3, solid_capstyle="butt")
    current = f"{protocol.amplitude_nA:g} nA"
    rows[0].annotate(current, (protocol.off_ms, 54), (5, 0), textcoords="offset points", va="center")
    rows[1].legend(loc="upper right")


def _calcium_and_open_fraction(rows: Any, runs: dict[str, Run]) -> None:
    sk, skkin = runs["sk"], runs["skkin"]
    for axes, field in zip(rows, ("ca_uM", "popen"), strict=True):
        axes.plot(sk.t_ms, getattr(sk, field), color=plot.BLUE, label="soma, sk")
        axes.plot(sk.t_ms, getattr(sk, f"apical_{field}"), color=plot.SKY, label="apical trunk, 275 µm, sk")
        axes.plot(skkin.t_ms, getattr(skkin, field), label="skkin", **LINES["skkin"])
        axes.plot(skkin.t_ms, getattr(skkin, f"apical_{field}"), **LINES["skkin"])
    rows[0].set(ylabel="Ca²⁺ (µM)", ylim=(0, None))
    rows[0].legend(loc="upper right")
    rows[1].set(ylabel="open fraction", ylim=(0, 1))


def _intervals(axes: Any, runs: dict[str, Run]) -> None:
    for name, marker in zip(CASES, "so+", strict=True):
        intervals_ms = runs[name].intervals_ms
        number = np.arange(1, intervals_ms.size + 1)
        axes.plot(number, intervals_ms, marker, color=LINES[name]["color"], markersize=4, label=NAMES[name])
    axes.set(xlabel="number of the interval", ylabel="interval (ms)")
    axes.legend()


def _afterhyperpolarisation(axes: Any, runs: dict[str, Run]) -> None:
    protocol, sk = runs["sk"].protocol, runs["sk"]
    for name in CASES:
        axes.plot(runs[name].t_ms - protocol.off_ms, runs[name].v_mV, **LINES[name])
    rest_mV = sk.v_mV[sk.t_ms < protocol.delay_ms][-1]
    end_ms = protocol.tstop_ms - protocol.off_ms
    axes.axhline(rest_mV, color="black", linewidth=0.6, linestyle=":")
    axes.text(end_ms, rest_mV + 0.3, "rest", ha="right", va="bottom")
    axes.set(xlim=(0, end_ms), ylim=(-76, -62), xlabel="time after the step (ms)", ylabel="soma V (mV)")


def _order(axes: Any, dt_ms: np.ndarray, difference_mV: np.ndarray) -> None:
    slope = difference_mV[0] / dt_ms[0]
    axes.plot([0, dt_ms[-1]], [0, slope * dt_ms[-1]], color=plot.GREY, linewidth=0.8, label="∝ dt")
    axes.plot(dt_ms, difference_mV, "o", color="black", clip_on=False)
    axes.set(xlabel="dt (ms)", ylabel="max |ΔV| (mV)", xlim=(0, None), ylim=(0, None), xticks=dt_ms)
    axes.set_xticklabels([f"{value:g}" for value in dt_ms])
    axes.legend(loc="upper left")


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


def draw_tree(cell: Cell, run: Run, still: Path, movie: Path | None = None, every_ms: float = 5.0) -> None:
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
