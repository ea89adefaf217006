"""Optimisers of a smooth loss of a coefficient vector, each a generator of steps whose state can be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ._arrays import Array

Loss = Callable[[Array], tuple[float, Array]]
_MEMORY = 20


class LBFGS:
    """Limited-memory BFGS with backtracking; `state` is all that a resumed run needs."""

    def __init__(self, state: dict[str, Array] | None = None) -> None:
        given = state or {}
        self.s, self.y = list(given.get("s", ())), list(given.get("y", ()))

    @property
    def state(self) -> dict[str, Array]:
        """Steps and changes of the gradient."""
        return {"s": np.array(self.s), "y": np.array(self.y)}

    def step(self, loss: Loss, c: Array, value: float, gradient: Array) -> tuple[Array, float, Array]:
        """The next coefficients, their loss and gradient; the same when no descent is left."""
        direction = -self._inverse_times(gradient)
        slope = float(gradient @ direction)
        if not slope < 0:
            direction, slope = -gradient, -float(gradient @ gradient)
        length = 1.0 if self.s else min(1.0, 1.0 / max(np.abs(gradient).max(), 1e-300))
        for _ in range(30):
            moved = c + length * direction
            reached, turned = loss(moved)
            if reached <= value + 1e-4 * length * slope:
                self._remember(moved - c, turned - gradient)
                return moved, reached, turned
            length *= 0.5
        return c, value, gradient

    def _inverse_times(self, gradient: Array) -> Array:
        q, kept = gradient.copy(), []
        for s, y in zip(reversed(self.s), reversed(self.y), strict=True):
            a = (s @ q) / (s @ y)
            q -= a * y
            kept.append(a)
        if self.s:
            q *= (self.s[-1] @ self.y[-1]) / (self.y[-1] @ self.y[-1])
        for (s, y), a in zip(zip(self.s, self.y, strict=True), reversed(kept), strict=True):
            q += s * (a - (y @ q) / (s @ y))
        return q

    def _remember(self, s: Array, y: Array) -> None:
        if s @ y > 1e-12 * np.sqrt((s @ s) * (y @ y)):
            self.s, self.y = [*self.s, s][-_MEMORY:], [*self.y, y][-_MEMORY:]


class Adam:
    """Adam (Kingma and Ba 2015) with beta 0.9 and 0.999."""

    def __init__(self, rate: float, state: dict[str, Array] | None = None) -> None:
        self.rate = rate
        self.state: dict[str, Any] = dict(state or {})

    def step(self, loss: Loss, c: Array, _value: float, gradient: Array) -> tuple[Array, float, Array]:
        """The next coefficients, their loss and gradient."""
        count = int(self.state.get("count", 0)) + 1
        first = 0.9 * self.state.get("first", 0.0) + 0.1 * gradient
        second = 0.999 * self.state.get("second", 0.0) + 0.001 * gradient**2
        self.state = {"count": np.array(count), "first": first, "second": second}
        mean, spread = first / (1 - 0.9**count), second / (1 - 0.999**count)
        moved = c - self.rate * mean / (np.sqrt(spread) + 1e-8)
        return moved, *loss(moved)


def nonnegative(h: Array, b: Array) -> Array:
    """The x >= 0 that minimises x.h.x / 2 - b.x for a positive definite h (Lawson and Hanson's active set).

    >>> nonnegative(np.eye(2), np.array([1.0, -1.0])).tolist()
    [1.0, 0.0]
    """
    x, free = np.zeros(len(b)), np.zeros(len(b), dtype=bool)
    tolerance = 1e-12 * max(1.0, np.abs(b).max(initial=0.0))
    for _ in range(30 * len(b)):
        slope = np.where(free, -np.inf, b - h @ x)
        if slope.max(initial=-np.inf) <= tolerance:
            break
        free[slope.argmax()] = True
        while True:
            trial = np.zeros(len(b))
            trial[free] = np.linalg.solve(h[np.ix_(free, free)], b[free])
            bad = free & (trial <= 0)
            if not bad.any():
                x = trial
                break
            share = (x[bad] / (x[bad] - trial[bad])).min()
            x += share * (trial - x)
            free &= x > tolerance
            x[~free] = 0.0
    return x


def lasso_path(
    h: Array, b: Array, penalty: Array, positive: bool = False, least: float = 0.0
) -> list[tuple[float, Array]]:
    """The x that minimise x.h.x / 2 - b.x + w SUM penalty |x| at every weight w where one joins or leaves the others that are
    not 0, from the first down to `least`: pairs (w, x), x linear between them (Osborne, Presnell and Turlach 2000).

    `h` is positive definite; an x without a penalty is always free; with `positive` the others are not below 0.

    >>> [(w, x.tolist()) for w, x in lasso_path(np.eye(2), np.array([3.0, -0.5]), np.array([1.0, 1.0]))]
    [(3.0, [0.0, 0.0]), (0.5, [2.5, 0.0]), (0.0, [3.0, -0.5])]
    """
    held = penalty > 0
    active, sign = ~held, np.zeros(len(b))
    x = np.zeros(len(b))
    x[active] = np.linalg.solve(h[np.ix_(active, active)], b[active])
    slope = b - h @ x
    weight, a = _largest(slope, penalty, held, positive)
    weight, path = max(weight, least), []
    if weight > least:
        active[a], sign[a] = True, np.sign(slope[a])
    path.append((weight, x.copy()))
    dropped = -1
    for _ in range(100 * len(b)):
        if weight <= least:
            break
        pull = np.linalg.solve(h[np.ix_(active, active)], (sign * penalty)[active])
        turn = h[:, active] @ pull
        joins = _joins(weight, slope, turn, penalty, held & ~active, dropped, positive)
        leaves = np.full(len(b), np.inf)
        here = np.flatnonzero(active)
        falling = held[here] & (sign[here] * pull < 0) & (sign[here] * x[here] > 0)
        leaves[here[falling]] = -x[here[falling]] / pull[falling]
        part = float(min(joins.min(), leaves.min(), weight - least))
        x[active] += part * pull
        slope -= part * turn
        dropped = -1
        if part == weight - least:
            weight = least
        elif leaves.min() <= joins.min():
            weight, dropped = weight - part, int(leaves.argmin())
            active[dropped], x[dropped] = False, 0.0
        else:
            weight, a = weight - part, int(joins.argmin())
            active[a], sign[a] = True, np.sign(slope[a])
        path.append((weight, x.copy()))
    return path


def _largest(slope: Array, penalty: Array, held: np.ndarray, positive: bool) -> tuple[float, int]:
    """The weight at which the first x leaves 0, and which it is."""
    if not held.any():
        return 0.0, 0
    pull = (slope if positive else np.abs(slope))[held] / penalty[held]
    return float(max(pull.max(), 0.0)), int(np.flatnonzero(held)[pull.argmax()])


def _joins(
    weight: float, slope: Array, turn: Array, penalty: Array, idle: np.ndarray, dropped: int, positive: bool
) -> Array:
    """By how much the weight may fall until each idle x leaves 0."""
    found = np.full(len(slope), np.inf)
    for side in (1.0,) if positive else (1.0, -1.0):
        room, speed = weight * penalty - side * slope, penalty - side * turn
        closing = idle & (speed > 0)
        if dropped >= 0 and side * slope[dropped] > 0:
            closing[dropped] = False
        found[closing] = np.minimum(found[closing], np.maximum(room[closing], 0.0) / speed[closing])
    return found
