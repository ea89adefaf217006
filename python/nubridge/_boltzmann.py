"""Learning nu of a binary field from samples: by elimination, with an L1 penalty, or by Markov chains (CD, PCD)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array
from ._optimise import lasso_path
from .errors import InvalidArgumentError, NotConvergedError

if TYPE_CHECKING:
    from .families import BinaryField

METHODS = ("exact", "cd", "pcd")
_MOST_NEWTON_STEPS = 50
_BATCHES = 10
_MOST_MOVE = 0.5
_METRICS = 20


@dataclass(frozen=True)
class FieldFit:
    """What samples say of a field's nu: `nu` and the `covariance` of its error, in the order of `family.nu_names`.

    The error is that of maximum likelihood for these samples, with what the chains add; NaN of a nu that the penalty
    holds at 0.
    """

    family: BinaryField
    nu: Array
    covariance: Array

    @property
    def standard_errors(self) -> Array:
        """Of each nu."""
        return np.sqrt(np.diagonal(self.covariance))

    @property
    def graph(self) -> tuple[str, ...]:
        """The names of the cliques whose nu is not 0."""
        return tuple(name for name, nu in zip(self.family.nu_names, self.nu, strict=True) if nu)

    def __repr__(self) -> str:
        rows = zip(self.family.nu_names, self.nu, self.standard_errors, strict=True)
        return f"<nubridge.FieldFit: {', '.join(f'{a} {nu:.3g} +- {error:.2g}' for a, nu, error in rows)}>"


def observables(family: BinaryField, states: Array) -> Array:
    """X_a, a row a state."""
    place = {name: i for i, name in enumerate(family.description["units"])}
    columns = [states[:, [place[unit] for unit in clique]].prod(axis=1) for clique in family.description["cliques"]]
    return np.stack(columns, axis=1)


def samples_of(samples: ArrayLike, family: BinaryField, units: Sequence[str] | None) -> tuple[Array, list[int]]:
    """The samples as rows of 0 and 1, and the places of their units in a state."""
    known = family.description["units"]
    named = list(known if units is None else units)
    unknown = [unit for unit in named if unit not in known]
    if unknown or len(set(named)) < len(named):
        raise InvalidArgumentError(f"the samples' units are {named}; each is one of {known}, once")
    rows = np.asarray(samples, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(named) or len(rows) < 2:
        raise InvalidArgumentError(
            f"the samples have the shape {rows.shape}; they are rows (at least 2) of {len(named)} units"
        )
    wrong = np.argwhere((rows != 0) & (rows != 1))
    if len(wrong):
        row, unit = (int(i) for i in wrong[0])
        raise InvalidArgumentError(f"sample {row} has {rows[row, unit]} at {named[unit]!r}; a unit is 0 or 1")
    return rows, [known.index(unit) for unit in named]


def fit_exactly(family: BinaryField, rows: Array, penalty: float) -> FieldFit:
    """Maximum likelihood with `penalty` standard errors on every clique of two units and more."""
    x = observables(family, rows)
    alone = np.array([len(clique) == 1 for clique in family.description["cliques"]])
    if penalty == 0:
        nu = family.from_moments(x.mean(axis=0))
        return FieldFit(family, nu, np.linalg.inv(family.fisher(nu)) / len(rows))
    nu = _penalised(family, x.mean(axis=0), penalty * _scores(x, alone), alone)
    free, covariance = np.flatnonzero(nu), np.full((len(nu),) * 2, np.nan)
    covariance[np.ix_(free, free)] = np.linalg.inv(family.fisher(nu)[np.ix_(free, free)]) / len(rows)
    return FieldFit(family, nu, covariance)


def _scores(x: Array, alone: np.ndarray) -> Array:
    """Standard errors of what single units leave of each clique's moment; 0 for single units."""
    centred = x - x.mean(axis=0)
    explained = np.linalg.lstsq(centred[:, alone], centred, rcond=None)[0]
    left = centred - centred[:, alone] @ explained
    return np.where(alone, 0.0, np.sqrt((left**2).mean(axis=0) / len(x)))


def _penalised(family: BinaryField, awake: Array, penalty: Array, alone: np.ndarray) -> Array:
    """The least of ln Z - sign nu . awake + SUM penalty |nu|, by Newton's method on the smooth part."""
    silent = alone & ((awake <= 0) | (awake >= 1))
    if silent.any():
        a = int(np.flatnonzero(silent)[0])
        raise InvalidArgumentError(
            f"the unit {family.nu_names[a]!r} is {awake[a]:g} in every sample, so that its nu is infinite; leave it out"
        )
    sign = family.sign
    nu = np.where(alone, sign * np.log(np.where(alone, awake, 0.5) / np.where(alone, 1 - awake, 0.5)), 0.0)

    def loss(at: Array) -> float:
        return float(family.log_partition(at) - sign * at @ awake + penalty @ np.abs(at))

    value = loss(nu)
    for _ in range(_MOST_NEWTON_STEPS):
        h = family.fisher(nu)
        slope = sign * (family.moments(nu) - awake)
        aim = lasso_path(h, h @ nu - slope, penalty, least=1.0)[-1][1]
        length, reached = 1.0, loss(aim)
        while not reached <= value + 1e-14 * abs(value) and length > 1e-6:
            length *= 0.5
            reached = loss(nu + length * (aim - nu))
        moved = length * (aim - nu)
        nu, value = aim if length == 1.0 else nu + moved, reached
        if moved @ h @ moved < 1e-16:
            return nu
    raise NotConvergedError(
        f"the penalised fit has not settled after {_MOST_NEWTON_STEPS} steps; raise the penalty, or leave out units that hardly change"
    )


@dataclass(frozen=True)
class Descent:
    """How chains learn: `steps` of the natural gradient of length `rate` and falling, each from `sweeps` of `chains`."""

    persistent: bool
    sweeps: int
    steps: int
    rate: float
    chains: int
    seed: int

    def fit(self, family: BinaryField, rows: Array, places: list[int]) -> FieldFit:
        """The mean of the second half of all steps (Polyak and Juditsky 1992)."""
        count = len(family.description["units"])
        held = np.isin(np.arange(count), places)
        random = np.random.default_rng(self.seed)
        nu = self._begin(family, rows, places, random)
        order, chains = random.permutation(len(rows)), min(self.chains, len(rows))
        asleep = family.sample(nu, chains, self.seed, method="gibbs", sweeps=20)
        awake, metric, kept, every = asleep.copy(), None, [], max(1, self.steps // _METRICS)
        whole = observables(family, self._filled(rows, places, count)).mean(axis=0) if held.all() else None
        for step in range(self.steps):
            batch = rows[order[(step * chains + np.arange(chains)) % len(rows)]]
            awake[:, places] = batch
            if not held.all():
                awake = family.move(nu, awake, self.seed, 2 * step + 1, self.sweeps, held=held)
            asleep = family.move(nu, asleep if self.persistent else awake, self.seed, 2 * step + 2, self.sweeps)
            x = observables(family, asleep)
            seen = whole if self.persistent and whole is not None else observables(family, awake).mean(axis=0)
            if step % every == 0:
                metric = _mixed(metric, np.cov(x.T, bias=True).reshape(len(nu), len(nu)), step // every)
                inverse = _inverse(metric)
            move = self.rate * (1 + 10 * step / self.steps) ** -0.6 * (inverse @ (seen - x.mean(axis=0)))
            nu = nu + family.sign * move * min(1.0, _MOST_MOVE / max(np.abs(move).max(), 1e-300))
            if 2 * step >= self.steps:
                kept.append(nu)
        batches = np.array([batch.mean(axis=0) for batch in np.array_split(np.array(kept), min(_BATCHES, len(kept)))])
        noise = batches.var(axis=0, ddof=1) / len(batches) if len(batches) > 1 else np.full(len(nu), np.nan)
        return FieldFit(family, np.mean(kept, axis=0), _inverse(metric) / len(rows) + np.diag(noise))

    def _begin(self, family: BinaryField, rows: Array, places: list[int], random: np.random.Generator) -> Array:
        """The log odds of the units that are seen; cliques of others small numbers, so that hidden units differ."""
        names = [family.description["units"][place] for place in places]
        odds = (rows.sum(axis=0) + 0.5) / (len(rows) - rows.sum(axis=0) + 0.5)
        logs = dict(zip(names, family.sign * np.log(odds), strict=True))
        nu = np.zeros(len(family.nu_names))
        for a, clique in enumerate(family.description["cliques"]):
            if len(clique) == 1:
                nu[a] = logs.get(clique[0], 0.0)
            elif not set(clique) <= set(names):
                nu[a] = 0.1 * random.standard_normal()
        return nu

    @staticmethod
    def _filled(rows: Array, places: list[int], count: int) -> Array:
        states = np.zeros((len(rows), count))
        states[:, places] = rows
        return states


def _mixed(metric: Array | None, found: Array, turn: int) -> Array:
    return found if metric is None else metric + (found - metric) / min(turn + 1, 20)


def _inverse(metric: Array) -> Array:
    """With 1 % of each variance added, so that what the chains have not seen yet stays finite."""
    return np.linalg.inv(metric + np.diag(0.01 * np.diagonal(metric) + 1e-4))
