"""Figures of a learned model: its loss, F over its domain, and how it follows protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np

from .plot import STYLE, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .evaluation import Evaluation
    from .learned import LearnedModel

_POINTS = 200


def learned_figure(model: LearnedModel, evaluation: Evaluation | None = None) -> Figure:
    """Loss by step, each F along its own nu through the middle of the domain, and moments beside the data of an evaluation."""
    rows = () if evaluation is None else evaluation.rows[:6]
    with mpl.rc_context(STYLE):
        drawn = figure(7.0, 2.6 * (1 + len(rows) / 2), layout="constrained")
        axes = drawn.subplots(1 + (len(rows) + 1) // 2, 2, squeeze=False).ravel()
        _loss(axes[0], model)
        _field(axes[1], model)
        for place, row in zip(axes[2:], rows, strict=False):
            for k, name in enumerate(model.nu_names):
                place.plot(row["t_s"], row["awake"][:, k], color=f"C{k}", alpha=0.35, linewidth=3)
                place.plot(row["t_s"], row["moments"][:, k], color=f"C{k}", label=f"<{name}>")
            place.set(title=f"{row['protocol']}: KL {row['kl']:.2g}", xlabel="time (s)")
        for place in axes[2 + len(rows) :]:
            place.remove()
        if rows:
            axes[2].legend()
    return drawn


def _loss(axes: Axes, model: LearnedModel) -> None:
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
