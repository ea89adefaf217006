"""Figures of a learned model: its loss, F over its domain, and how it follows protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from .plot import STYLE, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .evaluation import Evaluation
    from .learned import LearnedModel

_POINTS, _MOST = 200, 6


def learned_figure(model: LearnedModel, evaluation: Evaluation | None = None) -> Figure:
    """Loss by step, each F along its own nu through the middle of the domain, and moments beside the data of an evaluation."""
    rows = () if evaluation is None else evaluation.rows[:_MOST]
    with mpl.rc_context(STYLE):
        drawn = figure(7.0, 2.6 * (1 + len(rows) / 2), layout="constrained")
        axes = drawn.subplots(1 + (len(rows) + 1) // 2, 2, squeeze=False).ravel()
        _loss(axes[0], model)
        _field(axes[1], model)
        _trajectories(axes[2:], model, rows)
    return drawn


def trajectory_figure(model: LearnedModel, evaluation: Evaluation) -> Figure:
    """Moments beside the data of an evaluation; where X are amounts, with a band of one standard deviation under the model's
    law (of one molecule's state it would say nothing that the mean does not)."""
    rows = evaluation.rows[:_MOST]
    with mpl.rc_context(STYLE):
        drawn = figure(7.0, 2.6 * ((len(rows) + 1) // 2), layout="constrained")
        axes = drawn.subplots((len(rows) + 1) // 2, 2, squeeze=False).ravel()
        for place, row in zip(axes, rows if _has_amounts(model) else (), strict=False):
            deviation = np.sqrt(np.diagonal(model.family.fisher(row["nu"]), axis1=1, axis2=2))
            for k in range(len(model.nu_names)):
                low, high = row["moments"][:, k] - deviation[:, k], row["moments"][:, k] + deviation[:, k]
                place.fill_between(row["t_s"], low, high, color=f"C{k}", alpha=0.08, linewidth=0)
        _trajectories(axes, model, rows)
    return drawn


def _has_amounts(model: LearnedModel) -> bool:
    return model.document["family"]["kind"] in ("counts", "gaussian")


def parity_figure(evaluation: Evaluation) -> Figure:
    """Each moment at each time of each protocol: the model's against the data's."""
    with mpl.rc_context(STYLE):
        drawn = figure(3.6, 3.4, layout="constrained")
        axes = drawn.subplots()
        for k, name in enumerate(evaluation.moment_names):
            told = [np.concatenate([row[which][:, k] for row in evaluation.rows]) for which in ("awake", "moments")]
            axes.plot(*told, ".", markersize=2, color=f"C{k}", label=f"<{name}>")
        low, high = axes.get_xlim()
        axes.plot([low, high], [low, high], color="0.5", linewidth=0.8, zorder=0)
        axes.set(xlabel="data", ylabel="model")
        axes.legend(markerscale=4)
    return drawn


def _trajectories(axes: Sequence[Axes], model: LearnedModel, rows: Sequence[dict[str, Any]]) -> None:
    """One protocol an axes; those that are left over go."""
    for place, row in zip(axes, rows, strict=False):
        for k, name in enumerate(model.nu_names):
            place.plot(row["t_s"], row["awake"][:, k], color=f"C{k}", alpha=0.35, linewidth=3)
            place.plot(row["t_s"], row["moments"][:, k], color=f"C{k}", label=f"<{name}>")
        place.set(title=f"{row['protocol']}: KL {row['kl']:.2g}", xlabel="time (s)", ylabel="moments (data pale)")
    for place in axes[len(rows) :]:
        place.remove()
    if rows:
        told = axes[0].get_legend_handles_labels()
        axes[0].figure.legend(*told, loc="outside lower center", ncols=min(len(model.nu_names), 6))


def theta_path_figure(model: LearnedModel) -> Figure:
    """Theta of each term along its L1 path: which reactions matter, from the first that joins on."""
    penalties, theta = model.theta_path
    with mpl.rc_context(STYLE):
        drawn = figure(4.8, 3.2, layout="constrained")
        axes = drawn.subplots()
        for name, column in zip(model.coefficient_names, theta.T, strict=True):
            axes.plot(penalties, column, label=name)
        axes.set(xlabel="penalty (1: nothing yet, 0: least squares)", ylabel="theta", xlim=(1, 0))
        drawn.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
    return drawn


def _loss(axes: Axes, model: LearnedModel) -> None:
    if not model.history:
        axes.set_axis_off()
        return
    history = np.maximum(np.array(model.history), 1e-16)
    axes.semilogy(history[:, 0], label="trained on")
    axes.semilogy(history[:, 1], "--", label="held out")
    axes.set(title="Loss", xlabel="step", ylabel="mean KL (nats)")
    axes.legend()


def _field(axes: Axes, model: LearnedModel) -> None:
    middle = {name: np.mean(bounds) for name, bounds in model.domain.items()}
    inputs = np.tile([middle[name] for name in model.input_names], (_POINTS, 1))
    for k, name in enumerate(model.nu_names):
        nu = np.tile([middle[one] for one in model.nu_names], (_POINTS, 1))
        nu[:, k] = np.linspace(*model.domain[name], _POINTS)
        axes.plot(nu[:, k], 1000 * model.rhs(nu, inputs)[:, k], label=name)
    axes.set(title="F, each along its own nu", xlabel="nu", ylabel="d nu/dt (1/s)", yscale="symlog")
    axes.legend()
