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


def lasso(h: Array, b: Array, penalty: Array, x: Array, positive: bool = False) -> Array:
    """The x that minimises x.h.x / 2 - b.x + SUM penalty |x| for a positive definite h, by descent along the axes from `x`;
    with `positive` no x is below 0.

    >>> lasso(np.eye(2), np.array([3.0, -0.5]), np.array([1.0, 1.0]), np.zeros(2)).tolist()
    [2.0, 0.0]
    """
    x, curvature = x.copy(), np.diagonal(h)
    slope = b - h @ x
    for _ in range(10_000):
        largest = 0.0
        for a in range(len(x)):
            pull = slope[a] + curvature[a] * x[a]
            aim = max(abs(pull) - penalty[a], 0.0) / curvature[a]
            aim = (aim if pull > 0 else 0.0) if positive else np.copysign(aim, pull)
            if aim != x[a]:
                slope -= h[a] * (aim - x[a])
                largest = max(largest, abs(aim - x[a]) * np.sqrt(curvature[a]))
                x[a] = aim
        if largest < 1e-12 * max(1.0, np.abs(x * np.sqrt(curvature)).max()):
            break
    return x
