"""Drawing helpers of the demos: matplotlib figures without pyplot, so that they work headless and in notebooks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

#: Okabe and Ito's colours, told apart by everyone: the ones the demos use.
GREY, BLUE, ORANGE, GREEN, SKY = "#595959", "#0072B2", "#D55E00", "#009E73", "#56B4E9"

STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.2,
    "savefig.dpi": 200,
}


def figure(width_in: float, height_in: float, **options: Any) -> Figure:
    """A figure with an Agg canvas that no backend and no global state knows of."""
    result = Figure(figsize=(width_in, height_in), **options)
    FigureCanvasAgg(result)
    return result


def dim_floor(name: str, floor: float, ceiling: float = 1.0) -> ListedColormap:
    """The matplotlib colormap `name` without its darkest `floor`, so that zero is still seen on black."""
    return ListedColormap(mpl.colormaps[name](np.linspace(floor, ceiling, 256)), name=f"{name}_{floor:g}")


class Tree:
    """A NEURON cell flattened for drawing from its 3-D points, coloured by one value per segment.

    Values run linearly between the centres of neighbouring segments, also over branch points. `project` maps points
    (n, 3) in um to the page (n, 2); the default looks along z.
    """

    def __init__(self, sections: Sequence[Any], project: Callable[[np.ndarray], np.ndarray] | None = None) -> None:
        project = project or (lambda points: points[:, :2])
        first, count = {}, 0
        for section in sections:
            first[section.name()] = count
            count += section.nseg
        self.segment_count = count
        lines, widths_um, depths, rows = [], [], [], []
        self.outline = None
        for section in sections:
            points = np.array([(section.x3d(i), section.y3d(i), section.z3d(i)) for i in range(section.n3d())])
            diameters = np.array([section.diam3d(i) for i in range(section.n3d())])
            page = project(points)
            parent = section.parentseg()
            if parent is None:  # the soma: a filled outline
                self.outline = _outline(page, diameters)
                self._root = first[section.name()] + section.nseg // 2
                continue
            own = first[section.name()] + np.arange(section.nseg)
            arc = np.array([section.arc3d(i) for i in range(section.n3d())]) / section.L
            start = first[parent.sec.name()] + min(int(parent.x * parent.sec.nseg), parent.sec.nseg - 1)
            knots = np.concatenate([[0], (np.arange(section.nseg) + 0.5) / section.nseg])
            sources = np.concatenate([[start], own])
            middle = (arc[1:] + arc[:-1]) / 2
            right = np.searchsorted(knots, middle).clip(1, len(knots) - 1)
            share = ((middle - knots[right - 1]) / (knots[right] - knots[right - 1])).clip(0, 1)
            rows.append(np.stack([sources[right - 1], sources[right], share], axis=1))
            lines.append(np.stack([page[:-1], page[1:]], axis=1))
            widths_um.append((diameters[1:] + diameters[:-1]) / 2)
            depths.append((points[1:, 2] + points[:-1, 2]) / 2)
        order = np.argsort(np.concatenate(depths))
        self.lines = np.concatenate(lines)[order]
        self.widths_um = np.concatenate(widths_um)[order]
        blend = np.concatenate(rows)[order]
        self._left, self._right, self._share = blend[:, 0].astype(int), blend[:, 1].astype(int), blend[:, 2]

    def line_values(self, segment_values: np.ndarray) -> np.ndarray:
        """Values (segments,) in the order of `sections`, brought to the drawn lines."""
        values = np.asarray(segment_values, dtype=float)
        return (1 - self._share) * values[self._left] + self._share * values[self._right]

    def draw(
        self, axes: Any, colormap: Any, limits: tuple[float, float], widen: float = 1.0, glow: float = 0.0
    ) -> Callable[[np.ndarray], None]:
        """Draws the tree; what comes back recolours it from values (segments,).

        `widen` multiplies diameters (true ones vanish on a slide), `glow` > 0 lays a soft halo of that opacity under
        the tree. Widths are right for the axes' present limits and size.
        """
        axes.set_aspect("equal")
        axes.figure.canvas.draw()
        box = axes.transData.transform([(0, 0), (1, 0)])
        points_per_um = (box[1, 0] - box[0, 0]) * 72 / axes.figure.dpi
        widths = np.maximum(self.widths_um * widen * points_per_um, 0.9)
        options = {"cmap": colormap, "norm": mpl.colors.Normalize(*limits), "capstyle": "round"}
        layers = []
        if glow:
            for extra, opacity in ((9, 0.35 * glow), (4.5, glow)):
                layers.append(LineCollection(self.lines, linewidths=widths + extra, alpha=opacity, **options))
        layers.append(LineCollection(self.lines, linewidths=widths, **options))
        for layer in layers:
            axes.add_collection(layer, autolim=False)
        body = PolyCollection([self.outline], cmap=colormap, norm=options["norm"], edgecolors="face", linewidths=0.8)
        axes.add_collection(body, autolim=False)

        def recolour(segment_values: np.ndarray) -> None:
            values = self.line_values(segment_values)
            for layer in layers:
                layer.set_array(values)
            body.set_array([segment_values[self._root]])

        return recolour

    def bounds_um(self) -> tuple[float, float, float, float]:
        """Left, right, bottom, top of the tree on the page."""
        points = np.concatenate([self.lines.reshape(-1, 2), self.outline])
        (left, bottom), (right, top) = points.min(axis=0), points.max(axis=0)
        return left, right, bottom, top


def _outline(page: np.ndarray, diameters: np.ndarray) -> np.ndarray:
    """The contour of a soma given as a stack of discs: each disc stands across the line from first to last point."""
    chord = page[-1] - page[0]
    across = np.array([-chord[1], chord[0]]) / np.hypot(*chord)
    half = across * diameters[:, None] / 2
    return np.concatenate([page + half, (page - half)[::-1]])


def scale_bar(axes: Any, x_um: float, y_um: float, length_um: float, colour: str) -> None:
    """A horizontal bar with its length written under it, left end at (x_um, y_um)."""
    axes.plot([x_um, x_um + length_um], [y_um, y_um], color=colour, linewidth=2.5, solid_capstyle="butt")
    axes.annotate(
        f"{length_um:g} µm", (x_um + length_um / 2, y_um), (0, -4), textcoords="offset points", ha="center", va="top",
        color=colour,
    )  # fmt: skip


def gif_palette(background: str, colormap: Any, others: Sequence[str]) -> np.ndarray:
    """At most 256 RGB colours for a picture of `colormap` and some `others` on a background, with what edges and halos
    mix of them. A palette found by counting pixels would spend itself on the background and leave bands."""
    base = np.array(mpl.colors.to_rgb(background))
    colours = [base[None]]
    for opacity, count in ((1, 120), (0.55, 40), (0.28, 24), (0.12, 16)):
        ramp = colormap(np.linspace(0, 1, count))[:, :3]
        colours.append(opacity * ramp + (1 - opacity) * base)
    shades = np.linspace(0, 1, max(2, 54 // len(others)) + 1)[1:, None]
    colours += [shades * np.array(mpl.colors.to_rgb(other)) + (1 - shades) * base for other in others]
    return np.round(255 * np.concatenate(colours)).astype(np.uint8)[:256]


def write_gif(path: Path, frames: Iterable[np.ndarray], palette: np.ndarray, frame_ms: int, hold_ms: int) -> None:
    """An endless GIF of RGB arrays in the colours of `palette` (n, 3); the last frame stays for hold_ms."""
    from PIL import Image

    colours = Image.new("P", (1, 1))
    colours.putpalette(palette.tobytes())
    flat = [Image.fromarray(frame).quantize(palette=colours, dither=Image.Dither.NONE) for frame in frames]
    durations = [frame_ms] * (len(flat) - 1) + [hold_ms]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)
