"""How good a reduced model is: against data that it never saw, and family against family."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ._arrays import Array
from ._awake import Protocol, observables, species_of
from ._fields import Action, Field
from ._fit import Fit
from ._simulated import driven_by, joint
from .closure import Closure
from .errors import InvalidArgumentError
from .families import Family
from .inputs import Waveform
from .learned import LearnedModel
from .network import Network
from .simulation import Simulator
from .training import Seen

_COST_CALLS = 20


@dataclass(frozen=True)
class Evaluation:
    """One row a protocol: `kl` is the mean over time of KL(data's law || model's law) within the family, in nats; `error` the
    root mean square of each moment's relative error (to its largest value); `outside` the share of times off the domain."""

    model: str
    moment_names: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]

    def __str__(self) -> str:
        head = ["protocol", "mean KL", *(f"error {name}" for name in self.moment_names), "off domain"]
        table = [
            [
                row["protocol"],
                f"{row['kl']:.3g}",
                *(f"{100 * e:.3g} %" for e in row["error"]),
                f"{100 * row['outside']:.0f} %",
            ]
            for row in self.rows
        ]
        return _table([head, *table])


def evaluate(
    model: LearnedModel,
    network: Network | str | None = None,
    protocols: Iterable[Mapping[str, Any]] = (),
    *,
    data: Sequence[Any] = (),
    regime: str = "cme",
    runs: int = 1000,
    seed: int = 1,
    **simulation: Any,
) -> Evaluation:
    """Holds a model against protocols, simulated in `regime`, or against `data`: as nubridge.train takes them.

    The model starts from the first moments and gets the inputs, nothing else.

    >>> import numpy as np, nubridge
    >>> decay = nubridge.Network.build({"A": 10}, [{"name": "decay", "reactants": ["A"], "rate": 1.0}])
    >>> t_s = np.linspace(0, 1, 21)
    >>> model = nubridge.train(
    ...     decay, family=nubridge.Counts("A", base="poisson"), data={"t_s": t_s, "A": 10 * np.exp(-t_s)}
    ... )
    >>> unseen = {"t_s": t_s, "nu": [-1.0]}
    >>> bool(nubridge.evaluate(model, decay, [unseen]).rows[0]["kl"] < 1e-9)
    True
    """
    network = Network(network) if isinstance(network, str) else network
    seen = Seen(network, model.family, model.input_names, regime, runs, seed, simulation)
    told = [(one, False) for one in data] + [(one, True) for one in protocols]
    if not told:
        raise InvalidArgumentError("there is nothing to evaluate on; pass protocols to simulate, or data")
    rows = []
    for number, (source, simulate) in enumerate(told):
        protocol = seen.protocol(source, simulate, number, f"protocol {number}")
        rows.append(_row(model, protocol))
    return Evaluation(model.name, model.nu_names, tuple(rows))


def _row(model: LearnedModel, protocol: Protocol) -> dict[str, Any]:
    fit = Fit(model.field, model.family, [protocol], 4, 1, False, 0.0)
    seen = fit.protocols[0]
    path = fit.actions[0].path(model.coefficients)[1]
    found = model.observe(path)
    scale = np.abs(seen.awake).max(axis=0)
    error = np.sqrt(np.mean((found - seen.awake) ** 2, axis=0)) / np.where(scale > 0, scale, 1.0)
    outside = model.outside(path, seen.inputs).mean()
    return {
        "protocol": seen.name,
        "kl": fit.loss(model.coefficients),
        "error": error,
        "outside": float(outside),
        "t_s": seen.t_s,
        "nu": path,
        "moments": found,
        "awake": seen.awake,
    }


@dataclass(frozen=True)
class Accuracy:
    """One row a family: `kl` at the times and its mean, `error` of the mean amounts, `cost_us` of one evaluation of F; `front`
    names the families that no other one beats in both mean KL and number of nu, `chosen` the smallest that is good enough."""

    t_s: Array
    rows: tuple[dict[str, Any], ...]
    front: tuple[str, ...]
    chosen: str | None

    def __str__(self) -> str:
        head = ["family", "nu", *(f"KL {t:g} s" for t in self.t_s), "mean error", "us a step", "front"]
        table = [
            [
                row["family"], str(row["nu"]), *(f"{kl:.2g}" for kl in row["kl"]), f"{100 * row['error']:.2g} %",
                f"{row['cost_us']:.0f}", "*" if row["family"] in self.front else "",
            ]
            for row in self.rows
        ]  # fmt: skip
        return f"{_table([head, *table])}\nchosen: {self.chosen or 'none is good enough'}"


def accuracy(
    network: Network | str,
    families: Mapping[str, Family],
    t_s: Sequence[float],
    start: tuple[Family, Sequence[float]],
    *,
    inputs: Mapping[str, Any] | None = None,
    enough: float = 1e-3,
    substeps: int = 200,
    **closing: Any,
) -> Accuracy:
    """Which family and order a network needs: the closure of each, theta = 1, against the master equation.

    All start from the law `start`, a family and its nu, at 0 s. KL(p || p~) at each of `t_s` is that of the joint laws of
    the family's species. `inputs` are values at 0 and `t_s`, linear between. The chosen family is the one with the
    fewest nu whose mean KL is at most `enough` nats. `closing` goes to nubridge.Closure.

    >>> import nubridge
    >>> pairs = nubridge.Network("annihilation").with_parameters({"k": 0.1})
    >>> families = {f"K={k}": nubridge.Counts("A", order=k, base="poisson", largest=80) for k in (1, 2)}
    >>> report = nubridge.accuracy(pairs, families, [0.5], (nubridge.Counts("A", base="poisson", largest=80), [-2.302585]))
    >>> report.chosen, [float(f"{row['kl'][0]:.2g}") for row in report.rows]
    ('K=2', [0.017, 5.4e-07])
    """
    network = Network(network) if isinstance(network, str) else network
    times = np.concatenate([[0.0], np.asarray(t_s, dtype=np.float64)])
    names = tuple(inputs or {})
    driven = driven_by(inputs or {}, names, times)
    rows = []
    for label, family in families.items():
        laws = _exact(network, family, times, start, names, driven)
        begin = _begin(family, *laws[0])
        closure = Closure(network, family, inputs=names, **closing)
        field = Field.of_terms(closure, each_nu=False)
        none = np.zeros((len(times), field.nu_count))
        action = Action(field, family, times, driven, none, np.zeros(len(times)), begin, substeps)
        path = action.path(closure.theta)[1]
        kl = np.array([_divergence(family, nu, *law) for nu, law in zip(path[1:], laws[1:], strict=True)])
        exact = np.array([probabilities @ states for states, probabilities in laws[1:]])
        found = np.array([family.expectation(nu, lambda states: states) for nu in path[1:]])
        error = float(np.sqrt(np.mean(((found - exact) / exact.max(axis=0)) ** 2)))
        rows.append(
            {"family": label, "nu": len(family.nu_names), "kl": kl, "mean_kl": float(kl.mean()), "error": error,
             "cost_us": _cost_us(closure, path[-1], driven[-1])}
        )  # fmt: skip
    front = tuple(
        one["family"]
        for one in rows
        if not any(
            other["nu"] <= one["nu"] and other["mean_kl"] <= one["mean_kl"] and other is not one for other in rows
        )
    )
    good = sorted((one["nu"], one["mean_kl"], one["family"]) for one in rows if one["mean_kl"] <= enough)
    return Accuracy(times[1:], tuple(rows), front, good[0][2] if good else None)


def _exact(
    network: Network, family: Family, times: Array, start: tuple[Family, Sequence[float]], names: tuple, driven: Array
) -> list[tuple[Array, Array]]:
    """The joint law of the family's species at each time: states and probabilities."""
    waves = {name: Waveform(times, column, "linear") for name, column in zip(names, driven.T, strict=True)}
    simulator = Simulator(network, "cme", inputs=waves or None)
    states, probabilities = start[0].states(np.asarray(start[1], dtype=np.float64))
    simulator.set_distribution(dict(zip(species_of(start[0]), states.T, strict=True)), probabilities)
    laws = []
    for t in times:
        simulator.advance(float(t))
        amounts, shares = joint(simulator, species_of(family))
        laws.append((np.stack([amounts[name] for name in species_of(family)], axis=1), shares))
    return laws


def _begin(family: Family, states: Array, probabilities: Array) -> Array:
    amounts = dict(zip(species_of(family), states.T, strict=True))
    return family.from_moments(probabilities @ observables(family, amounts))


def _divergence(family: Family, nu: Array, states: Array, probabilities: Array) -> float:
    known, shares = family.states(nu)
    place = {tuple(state): share for state, share in zip(known.astype(int).tolist(), shares.tolist(), strict=True)}
    model = np.array([place.get(tuple(state), 0.0) for state in states.astype(int).tolist()])
    kept = probabilities > 0
    return float(probabilities[kept] @ np.log(probabilities[kept] / np.maximum(model[kept], 1e-300)))


def _cost_us(closure: Closure, nu: Array, inputs: Array) -> float:
    begin = time.perf_counter()
    for _ in range(_COST_CALLS):
        closure(nu, inputs)
    return 1e6 * (time.perf_counter() - begin) / _COST_CALLS


def _table(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, the first to the left."""
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
