"""The figure of a result: small panels, one a name, over the same time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from .errors import InvalidArgumentError, ResultFileError
from .plot import BLUE, GREY, STYLE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .results import Result

_DEFAULT_PANELS = 6
_PANELS_IN_A_COLUMN = 4
_TIMES = ((1e-3, "us", 1e6), (1.0, "ms", 1e3), (600.0, "s", 1.0), (36000.0, "min", 1 / 60), (np.inf, "h", 1 / 3600))


def draw(result: Result, names: Sequence[str] | None, path: Path | None, band: str, trajectories: int) -> Figure:
    """As Result.plot says."""
    names = _shown(result) if names is None else tuple(names)
    if not names:
        raise InvalidArgumentError("there is nothing to draw: name what was recorded")
    columns = -(-len(names) // _PANELS_IN_A_COLUMN)
    rows = -(-len(names) // columns)
    unit, scale = next((unit, scale) for end_s, unit, scale in _TIMES if result.t_s[-1] < end_s)
    with mpl.rc_context(STYLE):
        made = figure(3.9 * columns + 1.2, 1.45 * rows + 1.0, layout="constrained")
        panels = made.subplots(rows, columns, sharex=True, squeeze=False)
        for axes, name in zip(panels.T.ravel(), names, strict=False):
            _panel(axes, result, name, scale, band, trajectories)
        for axes in panels.T.ravel()[len(names) :]:
            axes.set_visible(False)
        for column in range(columns):
            lowest = panels[min(rows, len(names) - column * rows) - 1, column]
            lowest.set_xlabel(f"time ({unit})")
            lowest.tick_params(labelbottom=True)
        pairs = (zip(*axes.get_legend_handles_labels(), strict=True) for axes in panels.flat)
        known = {label: handle for panel in pairs for handle, label in panel}
        made.legend(
            known.values(), known, loc="outside upper left", ncols=len(known), title=result.caption, alignment="left"
        )
        made.align_ylabels()
        if path is not None:
            save(made, path)
    return made


def _shown(result: Result) -> tuple[str, ...]:
    """The observables, or the species of a network without; those that move before those that do not."""
    names = [name for name in result.names if name in result.network.observables] or list(result.names)
    return tuple(sorted(names, key=lambda name: not np.ptp(result.mean(name)) > 0)[:_DEFAULT_PANELS])


def _panel(axes: Any, result: Result, name: str, scale: float, band: str, trajectories: int) -> None:
    time, mean = result.t_s * scale, result.mean(name)
    if band not in ("std", "quantiles"):
        raise InvalidArgumentError(f'the band is {band!r}; it is "std" or "quantiles"')
    spread = result.std(name)
    if spread.max() > 1e-9 * np.abs(mean).max():
        bands = {
            "std": lambda: (mean - spread, mean + spread, "mean ± std"),
            "quantiles": lambda: (result.quantile(name, 0.05), result.quantile(name, 0.95), "5 to 95 %"),
        }
        low, high, label = bands[band]()
        axes.fill_between(time, low, high, color=BLUE, alpha=0.22, linewidth=0, label=label)
    kept = result.parts is None and result.runs > 1
    for run in range(min(trajectories, result.runs) if kept else 0):
        label = f"{min(trajectories, result.runs)} of the runs" if run == 0 else None
        axes.plot(time, result[name][run], color=GREY, linewidth=0.5, alpha=0.7, label=label)
    axes.plot(
        time, mean, color=BLUE, label="mean" if result.runs > 1 or result.settings["regime"] == "cme" else "amount"
    )
    short = name if len(name) <= 18 else f"{name[:16]}…"
    axes.set_ylabel(f"{short}\n({result.unit})")
    axes.margins(x=0)
    low, high = axes.get_ylim()
    if mean.min() >= 0 and low < 0.35 * high:
        axes.set_ylim(bottom=0)


def save(made: Figure, path: Path) -> None:
    """Writes it, or raises ResultFileError."""
    try:
        made.savefig(path)
    except (OSError, ValueError) as error:
        raise ResultFileError(f"{path} cannot be written: {error}; name a file like run.png or run.pdf") from error
