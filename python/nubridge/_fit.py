"""The coefficients of a vector field, fitted to awake moments: a start by linear least squares, then the action."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._arrays import Array
from ._awake import Protocol
from ._fields import Action, Field, total
from ._mpi import shared
from ._optimise import lasso_path, nonnegative
from .errors import InvalidArgumentError
from .families import Family

# Gauss and Legendre's three points of [0, 1].
_POINTS = 0.5 + np.array([-0.5, 0.0, 0.5]) * np.sqrt(0.6)
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


@dataclass
class Fit:
    """A field, a family and protocols with their nu; the loss is the mean over all times of KL(data's law || model's law),
    both in the family."""

    field: Field
    family: Family
    protocols: Sequence[Protocol]
    substeps: int
    threads: int
    positive: bool
    ridge: float
    #: Of mpi4py: ranks that share the protocols' gradients.
    comm: Any = None
    actions: list[Action] = field(default_factory=list)
    least: float = 0.0
    #: Coefficients that are fitted, the others are 0; all unless said.
    kept: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        self.protocols = [_trimmed(one) for one in self.protocols]
        self.weights = _weights(self.protocols)
        for protocol, weights in zip(self.protocols, self.weights, strict=True):
            self.actions.append(
                Action(
                    self.field,
                    self.family,
                    protocol.t_s,
                    protocol.inputs,
                    protocol.awake,
                    weights,
                    protocol.nu[0],
                    self.substeps,
                )
            )
            kept = weights > 0
            nu = np.ascontiguousarray(protocol.nu[kept])
            own = self.family.log_partition(nu) - self.family.sign * (nu * protocol.awake[kept]).sum(axis=1)
            self.least += float(weights[kept] @ own)

    def loss(self, c: Array) -> float:
        """Mean KL in nats; infinite where a path has no law."""
        try:
            return float(self._total(c, False)[0].sum()) - self.least
        except InvalidArgumentError:
            return np.inf

    def loss_and_gradient(self, c: Array) -> tuple[float, Array]:
        """The same and its exact gradient, by the adjoint."""
        try:
            values, gradient = self._total(c, True)
        except InvalidArgumentError:
            return np.inf, np.zeros(len(c))
        return float(values.sum()) - self.least, gradient if self.kept is None else gradient * self.kept

    @property
    def rank(self) -> int:
        """Of this process among those that share the work."""
        return 0 if self.comm is None else self.comm.rank

    def _total(self, c: Array, gradient: bool) -> tuple[Array, Array | None]:
        """The action of each protocol, and the sum of their gradients in the same order for any number of ranks."""
        if self.comm is None:
            return total(self.actions, c, self.threads, gradient)
        parts = shared(self.comm, len(self.actions), lambda i: total([self.actions[i]], c, 1, gradient))
        slopes = sum((slope for _, slope in parts), np.zeros(len(c))) if gradient else None
        return np.concatenate([values for values, _ in parts]), slopes

    def start(self) -> Array:
        """The coefficients whose F best makes the data's own nu(t): linear, no path is integrated."""
        return self._minimum(*self._linear())

    def l1_path(self) -> list[tuple[float, Array]]:
        """The same with L1: pairs of a penalty, relative to that at which the first coefficient leaves 0, and the
        coefficients, wherever one joins or leaves."""
        h, b = self._linear()
        scale = np.sqrt(np.diagonal(h))
        seen = scale > 1e-9 * scale.max(initial=0.0)
        scale = scale[seen]
        unit = h[np.ix_(seen, seen)] / np.outer(scale, scale) + self.ridge * np.eye(len(scale))
        points = []
        for weight, x in lasso_path(unit, b[seen] / scale, np.ones(len(scale)), self.positive):
            points.append((weight, np.zeros(len(b))))
            points[-1][1][seen] = x / scale
        return [(weight / max(points[0][0], 1e-300), c) for weight, c in points]

    def _linear(self) -> tuple[Array, Array]:
        """Normal matrix and right side of SUM |nu(t_j) - nu(t_i) - INTEGRAL F dt|^2 in Fisher's metric."""
        h = np.zeros((self.field.coefficient_count,) * 2)
        b = np.zeros(len(h))
        zero = np.zeros(len(h))
        for protocol, weights in zip(self.protocols, self.weights, strict=True):
            known = np.flatnonzero(protocol.usable)
            for i, j in itertools.pairwise(known):
                dt, rise = protocol.t_s[j] - protocol.t_s[i], protocol.nu[j] - protocol.nu[i]
                nu = protocol.nu[i] + _POINTS[:, None] * rise
                inputs = protocol.inputs[i] + _POINTS[:, None] * (protocol.inputs[j] - protocol.inputs[i])
                by_c = self.field.by_coefficient(zero, nu, inputs)
                made = dt * np.einsum("p,paj->aj", _WEIGHTS, by_c)
                metric = self.family.fisher(nu[1]) * (weights[i] + weights[j]) / dt
                h += made.T @ metric @ made
                b += made.T @ metric @ rise
        return h, b

    def metric(self, c: Array) -> Array:
        """Gauss and Newton's matrix of the loss: SUM w S' Cov S with S = d nu/dc."""

        def part(i: int) -> Array:
            path, moved = self.actions[i].sensitivities(c)
            return np.einsum(
                "t,tai,tab,tbj->ij", self.weights[i], moved, self.family.fisher(path), moved, optimize=True
            )

        return sum(shared(self.comm, len(self.actions), part), np.zeros((len(c), len(c))))

    def newton(self, c: Array, value: float, gradient: Array) -> tuple[Array, float, Array]:
        """One step of Gauss and Newton with backtracking; the same coefficients when nothing is gained."""
        h = self.metric(c)
        aim = self._minimum(h, h @ c - gradient, c)
        length = 1.0
        for _ in range(12):
            moved = c + length * (aim - c)
            reached, turned = self.loss_and_gradient(moved)
            if reached < value:
                return moved, reached, turned
            length *= 0.25
        return c, value, gradient

    def _minimum(self, h: Array, b: Array, centre: Array | None = None) -> Array:
        """Of x.h.x / 2 - b.x, held to `centre` where h does not decide."""
        scale = np.sqrt(np.diagonal(h))
        seen = scale > 1e-9 * scale.max(initial=0.0)
        seen = seen if self.kept is None else seen & self.kept
        x = np.zeros(len(b)) if centre is None else centre.copy()
        if not seen.any():
            return x
        scale = scale[seen]
        b = b[seen] - h[np.ix_(seen, ~seen)] @ x[~seen]
        unit = h[np.ix_(seen, seen)] / np.outer(scale, scale)
        held = self.ridge * np.eye(len(scale))
        pull = self.ridge * (x[seen] * scale)
        unit, b = unit + held, b / scale + pull
        x[seen] = (nonnegative(unit, b) if self.positive else np.linalg.solve(unit, b)) / scale
        return x

    def standard_errors(self, c: Array) -> Array:
        """Of coefficients above 0, from the spread of the runs, correlated in time as they are; NaN without runs."""
        if any(one.runs is None or len(one.runs) < 2 for one in self.protocols):
            return np.full(len(c), np.nan)
        free = (c > 0) if self.positive else np.ones(len(c), dtype=bool)
        free = free if self.kept is None else free & self.kept
        spread = np.zeros((free.sum(),) * 2)
        for action, protocol, weights in zip(self.actions, self.protocols, self.weights, strict=True):
            path, moved = action.sensitivities(c)
            moved, fisher = moved[:, :, free], self.family.fisher(path)
            off = protocol.runs - protocol.awake
            drift = np.einsum("tab,tbc->tac", fisher, self._by_begin(protocol, c))
            begin = np.linalg.solve(fisher[0], off[:, 0].T).T
            off = off - np.einsum("tac,rc->rta", drift, begin)
            score = np.einsum("t,taj,rta->rj", weights, moved, off)
            spread += np.atleast_2d(np.cov(score.T)) / len(off)
        inverse = np.linalg.pinv(self.metric(c)[np.ix_(free, free)], hermitian=True)
        errors = np.full(len(c), np.nan)
        errors[free] = np.sqrt(np.diagonal(inverse @ spread @ inverse))
        return errors

    def _by_begin(self, protocol: Protocol, c: Array) -> Array:
        """d nu(t)/d nu(0), times x nu x nu, by central differences of 1e-5."""

        def path(begin: Array) -> Array:
            given = (protocol.t_s, protocol.inputs, protocol.awake, np.ones(len(protocol.t_s)), begin, self.substeps)
            return Action(self.field, self.family, *given).path(c)[1]

        steps = 1e-5 * np.eye(self.field.nu_count)
        slopes = [(path(protocol.nu[0] + h) - path(protocol.nu[0] - h)) / 2e-5 for h in steps]
        return np.stack(slopes, axis=-1)


def cover(field: Field, protocols: Sequence[Protocol], margin: int, spacing: Array) -> None:
    """Makes the cells of a grid where the data's nu and inputs lie, and `margin` cells around them."""
    n = field.nu_count
    for protocol in protocols:
        kept = protocol.usable
        nu, inputs = _finer(protocol.nu[kept]), _finer(protocol.inputs[kept])
        for axis in range(n):
            for cells in range(-margin, margin + 1):
                shift = np.zeros(n)
                shift[axis] = cells * spacing[axis]
                field.cover(np.ascontiguousarray(nu + shift), np.ascontiguousarray(inputs))


def _finer(rows: Array) -> Array:
    """With seven points between each two."""
    fine = np.linspace(0, 1, 8, endpoint=False)[:, None]
    between = rows[:-1, None] + fine * np.diff(rows, axis=0)[:, None]
    return np.concatenate([between.reshape(8 * (len(rows) - 1), rows.shape[1]), rows[-1:]])


def windows(protocol: Protocol, intervals: int) -> list[Protocol]:
    """Pieces of so many intervals, each half a piece after the one before; the last ends with the protocol.

    A piece begins with a law; one in which two times have none is left out. Raises InvalidArgumentError for a length that
    does not fit.
    """
    last = len(protocol.t_s) - 1
    if not 1 <= intervals <= last:
        raise InvalidArgumentError(f"the window is {intervals}; {protocol.name} has 1 to {last} intervals: correct it")
    begins = [*range(0, last - intervals, max(1, intervals // 2)), last - intervals]
    pieces = [_part(protocol, slice(begin, begin + intervals + 1)) for begin in begins]
    return [piece for piece in pieces if piece.usable.sum() > 1]


def _trimmed(protocol: Protocol) -> Protocol:
    """From the first time at which the data have a law."""
    return _part(protocol, slice(int(np.flatnonzero(protocol.usable)[0]), None))


def _part(protocol: Protocol, times: slice) -> Protocol:
    arrays = (protocol.t_s, protocol.inputs, protocol.awake, protocol.nu)
    t_s, inputs, awake, nu = (np.ascontiguousarray(array[times]) for array in arrays)
    runs = None if protocol.runs is None else protocol.runs[:, times]
    return Protocol(t_s, inputs, awake, runs, protocol.name, nu)


def _weights(protocols: Sequence[Protocol]) -> list[Array]:
    """The trapezoidal rule over the times with a law, for the mean over all protocols' time."""
    rules = []
    for protocol in protocols:
        known, weights = np.flatnonzero(protocol.usable), np.zeros(len(protocol.t_s))
        gaps = np.diff(protocol.t_s[known])
        weights[known[:-1]] += gaps / 2
        weights[known[1:]] += gaps / 2
        rules.append(weights)
    whole = sum(float(one.sum()) for one in rules)
    return [one / whole for one in rules]
