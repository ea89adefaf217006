"""One self-contained page about a learned model: what it learned from, how it does off its data, and how to repeat it."""

from __future__ import annotations

import base64
import html
import io
import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import InvalidArgumentError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .evaluation import Evaluation
    from .learned import LearnedModel

_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}"
    "td,th{border-bottom:1px solid #ccc;padding:.2em .8em;text-align:left}img{max-width:100%}code{background:#f2f2f2}"
)
_SHOWN = (
    "network",
    "data",
    "regime",
    "runs",
    "seed",
    "optimiser",
    "rate",
    "substeps",
    "patience",
    "loss",
    "held_out_loss",
)


def report(model: LearnedModel, evaluation: Evaluation, path: str | os.PathLike[str]) -> Path:
    """Writes one HTML file that needs no other: settings, loss, F, coefficients, domain; for each protocol of the evaluation
    its errors, the moments (amounts with one standard deviation of the model's law), and model against data.

    `model` is what nubridge.Model reads of a learned model, `evaluation` what nubridge.evaluate gives. Returns the path. Raises
    InvalidArgumentError for an evaluation of another model, OSError when the file cannot be written.
    """
    if evaluation.model != model.name:
        raise InvalidArgumentError(
            f"the evaluation is of {evaluation.model!r}, the model is {model.name!r}; evaluate this one"
        )
    from ._learned_figure import learned_figure, parity_figure, theta_path_figure, trajectory_figure

    parts = [
        f"<h1>{_text(model.name)}</h1><p>A model learned by nubridge: a {_text(model.document['family']['kind'])} family with "
        f"{len(model.nu_names)} nu, {len(model.coefficients)} coefficients. Hash <code>{_text(model.hash)}</code></p>",
        "<h2>How it was made</h2>" + _table(["setting", "value"], _settings(model)) + _repeat(model),
        _figure(learned_figure(model), "Loss by step, and each F along its own nu with the others in the middle of the domain."),
        "<h2>Coefficients</h2>" + _coefficients(model),
        *([_figure(theta_path_figure(model), "Which terms matter: theta along the L1 path of the start of the fit.")] if len(model.theta_path[0]) else []),
        "<h2>Domain</h2>" + _table(["", "from", "to"], ([name, f"{low:.6g}", f"{high:.6g}"] for name, (low, high) in model.domain.items()))
        + f"<p>An input off it: policy <code>{_text(model.policy)}</code>; it is counted.</p>",
        "<h2>On protocols that it was not trained on</h2>" + _errors(evaluation),
        _figure(trajectory_figure(model, evaluation), "Moments: data wide and pale, model thin; around amounts one standard deviation of the model's law."),
        _figure(parity_figure(evaluation), "Each moment at each time: model against data, on the line where they agree."),
    ]  # fmt: skip
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{_text(model.name)}</title><style>{_STYLE}</style>'
    target = Path(path)
    target.write_text(page + "\n".join(parts) + "</html>\n", encoding="utf-8")
    return target


def _settings(model: LearnedModel) -> Iterable[Sequence[str]]:
    provenance = model.provenance
    for key in _SHOWN:
        if key in provenance:
            value = provenance[key]
            yield key.replace("_", " "), f"{value:.6g}" if isinstance(value, float) else str(value)
    yield "protocols", ", ".join(map(str, _names(provenance.get("protocols", ()))))


def _names(protocols: Iterable[object]) -> list[str]:
    return [str(one.get("name", one)) if isinstance(one, dict) else str(one) for one in protocols]


def _repeat(model: LearnedModel) -> str:
    settings = model.path.with_name("train.toml") if model.path else None
    if settings is None or not settings.is_file():
        return (
            "<p>To repeat it, call nubridge.train with these settings and this seed: the file has the same bytes.</p>"
        )
    return f"<p>To repeat it, to the byte: <code>nubridge train {_text(str(settings))}</code></p>"


def _coefficients(model: LearnedModel) -> str:
    if not model.coefficient_names:
        return f"<p>{len(model.coefficients)} values and slopes on a grid.</p>"
    rows = zip(model.coefficient_names, model.coefficients, model.standard_errors, strict=True)
    return _table(
        ["term", "theta", "standard error"],
        ([name, f"{value:.6g}", "" if math.isnan(error) else f"{error:.2g}"] for name, value, error in rows),
    )


def _errors(evaluation: Evaluation) -> str:
    head = ["protocol", "mean KL (nats)", *(f"error {name} (%)" for name in evaluation.moment_names), "off domain (%)"]
    return _table(
        head,
        (
            [row["protocol"], f"{row['kl']:.3g}", *(f"{100 * e:.3g}" for e in row["error"]), f"{100 * row['outside']:.0f}"]
            for row in evaluation.rows
        ),
    )  # fmt: skip


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f"<th>{_text(one)}</th>" for one in head)
    body = "".join("<tr>" + "".join(f"<td>{_text(one)}</td>" for one in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"


def _figure(figure: Figure, caption: str) -> str:
    kept = io.BytesIO()
    figure.savefig(kept, format="png", dpi=110, metadata={"Software": None})
    picture = base64.b64encode(kept.getvalue()).decode()
    return f'<figure><img alt="{_text(caption)}" src="data:image/png;base64,{picture}"><figcaption>{_text(caption)}</figcaption></figure>'


def _text(given: object) -> str:
    return html.escape(str(given))
