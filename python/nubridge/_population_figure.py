"""The figure of spikes and their models: who is active when, how many, and how well the models hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from .neural import MOST_ENUMERATED, Patterns, all_patterns
from .plot import BLUE, GREEN, GREY, ORANGE, SKY, STYLE, figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ._arrays import Array
    from .population import PatternModel

_COLOURS = (ORANGE, BLUE, GREEN, SKY)
_SHOWN_TIMES = 250
_SHOWN_UNITS = 60
_SAMPLES = 10_000
_LEAST_EXPECTED = 0.1


def draw(spikes: Patterns, t_s: Array, models: Mapping[str, PatternModel], exact: Array | None) -> Figure:
    """As nubridge.population.plot says; spikes are runs x times x units."""
    with mpl.rc_context(STYLE):
        made = figure(9.6, 3.6, layout="constrained")
        outer = made.add_gridspec(1, 3, width_ratios=(1.5, 1, 1))
        left = outer[0].subgridspec(2, 1, height_ratios=(2, 1))
        raster = made.add_subplot(left[0])
        _activity(raster, made.add_subplot(left[1], sharex=raster), spikes[0, :_SHOWN_TIMES], t_s[:_SHOWN_TIMES])
        _counts(made.add_subplot(outer[1]), spikes, models, exact)
        last = made.add_subplot(outer[2])
        _parity(last, spikes, models, exact) if spikes.shape[2] <= MOST_ENUMERATED else _means(last, spikes, models)
    return made


def _activity(raster: Any, below: Any, run: Patterns, t_s: Array) -> None:
    shown = min(run.shape[1], _SHOWN_UNITS)
    time, unit = np.nonzero(run[:, :shown])
    raster.scatter(t_s[time], unit, s=min(8.0, 200 / shown), marker="|", color=GREY, linewidths=0.8)
    some = "" if shown == run.shape[1] else f" ({shown} of {run.shape[1]})"
    raster.set(ylabel=f"neuron{some}", ylim=(-0.5, shown - 0.5), title="(a) active neurons of one run")
    raster.tick_params(labelbottom=False)
    below.plot(t_s, run.sum(axis=1), color=GREY, linewidth=0.8)
    below.set(xlabel="time (s)", ylabel="active, K", xlim=(t_s[0], t_s[-1]))


def _counts(axes: Any, spikes: Patterns, models: Mapping[str, PatternModel], exact: Array | None) -> None:
    size = spikes.shape[2]
    seen = np.bincount(spikes.sum(axis=2, dtype=np.int64).ravel(), minlength=size + 1)
    floor = _LEAST_EXPECTED / seen.sum()
    axes.plot(np.arange(size + 1), seen / seen.sum(), ".", color=GREY, label=f"{seen.sum()} patterns")
    if exact is not None:
        axes.plot(np.bincount(all_patterns(size).sum(axis=1), exact), color="black", linewidth=2.2, label="exact")
    for colour, (name, model) in zip(_COLOURS, models.items(), strict=False):
        law = _count_p(model)
        axes.plot(np.where(law >= floor, law, np.nan), color=colour, label=name)
    axes.set_yscale("log")
    axes.set(xlabel="active neurons, K", ylabel="p(K)", ylim=(floor, None))
    axes.set_title("(b) how many are active")
    reach = np.flatnonzero(seen)
    margin = max(1, (reach[-1] - reach[0]) // 5)
    axes.set_xlim(max(-0.5, reach[0] - margin), min(size + 0.5, reach[-1] + margin))
    axes.legend(loc="best")


def _count_p(model: PatternModel) -> Array:
    if hasattr(model, "count_p"):
        return model.count_p
    if model.size <= MOST_ENUMERATED:
        return np.bincount(all_patterns(model.size).sum(axis=1), model.probabilities())
    drawn = np.bincount(model.sample(_SAMPLES).sum(axis=1, dtype=np.int64), minlength=model.size + 1) / _SAMPLES
    return np.where(drawn > 0, drawn, np.nan)


def _parity(axes: Any, spikes: Patterns, models: Mapping[str, PatternModel], exact: Array | None) -> None:
    """Each pattern's probability; beside the exact one, or beside how often it was seen."""
    size, patterns = spikes.shape[2], spikes.reshape(-1, spikes.shape[2])
    if exact is None:
        exact = np.bincount(patterns @ (1 << np.arange(size)), minlength=2**size) / len(patterns)
        axes.set_xlabel("share of the patterns seen")
    else:
        axes.set_xlabel("exact p of a pattern")
    for colour, (name, model) in zip(_COLOURS, models.items(), strict=False):
        axes.plot(exact, model.probabilities(), ".", markersize=1.5, color=colour, label=name, rasterized=True)
    limits = (_LEAST_EXPECTED / len(patterns), 2 * exact.max())
    axes.plot(limits, limits, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set(xlim=limits, ylim=limits, ylabel="p by the model", title="(c) every pattern")
    axes.legend(loc="upper left", markerscale=5)


def _means(axes: Any, spikes: Patterns, models: Mapping[str, PatternModel]) -> None:
    """Of many units: how often each is active, in the spikes and in samples of the models."""
    seen = spikes.reshape(-1, spikes.shape[2]).mean(axis=0)
    for colour, (name, model) in zip(_COLOURS, models.items(), strict=False):
        axes.plot(seen, model.sample(_SAMPLES).mean(axis=0), ".", markersize=2.5, color=colour, label=name)
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="share of time active", ylabel="in samples of the model")
    axes.set_title("(c) every neuron")
    axes.legend(loc="upper left", markerscale=3)
