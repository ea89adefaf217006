"""Numbers that move in time: what drives a network from outside."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidArgumentError
from .results import MOLECULES_PER_uM_um3

_UM = {"nM": 1e-3, "uM": 1.0, "mM": 1e3}
_KINDS = ("constant", "linear")
_TOLERANCE = 1e-9
_FIRST_INTERVALS = 256
_MOST_PIECES = 200_000
_MOST_JUMPS = 1000
# Chebyshev's points for the cubic of an interval, and the points where it is compared with the callable.
_NODES = np.array([0.0, 0.25, 0.75, 1.0])
_TO_POWERS = np.linalg.inv(np.vander(_NODES, 4, increasing=True))
_PROBES = np.array([0.11, 0.5, 0.63])
_AT_PROBES = np.vander(_PROBES, 4, increasing=True)

Pieces = tuple[NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Waveform:
    """Values at times: "constant" from each time to the next, or "linear" between them; held before and after.

    `unit` is "nM", "uM", "mM" or "molecules"; None is the network's own, or the parameter's.

    >>> import nubridge
    >>> ramp = nubridge.Waveform([0.0, 1.0], [0.0, 2.0], "linear")
    >>> result = nubridge.simulate("decay", "ode", [0.5, 1.0], inputs={"k": ramp})
    >>> [round(float(amount / 100), 6) for amount in result.mean("A")]  # exp(-t^2)
    [0.778801, 0.367879]
    """

    t_s: ArrayLike
    values: ArrayLike
    kind: str = "constant"
    unit: str | None = None


@dataclass(frozen=True)
class PulseTrain:
    """`base` + `amplitude` SUM_k exp(-(t - t_k) / `tau_ms`) over the pulses so far, at t_k = `start_s` + k / `rate_hz`.

    Exact to 1e-9 of its value. `unit` as in Waveform.

    >>> import nubridge
    >>> calcium = nubridge.PulseTrain(amplitude=10, unit="uM", rate_hz=5, tau_ms=12, pulses=30, base=0.1)
    >>> result = nubridge.simulate("sk", "ode", [0.0, 0.012], inputs={"Ca": calcium})
    >>> [round(float(amount), 6) for amount in result.mean("Ca")]  # 0.1 + 10 exp(-1)
    [10.1, 3.778794]
    """

    amplitude: float
    rate_hz: float
    tau_ms: float
    pulses: int = 1
    base: float = 0.0
    start_s: float = 0.0
    unit: str | None = None


def pieces(value: Any, name: str, unit: str | None, end_s: float | None, volume_um3: float | None = None) -> Pieces:
    """Knots and the powers 0 to 3 of each piece of `value`.

    A number; `(t_s, values)`, piecewise constant; a Waveform; a PulseTrain; or a callable of the time in s that gives
    the amount in the network's unit (`unit`; None for a parameter). A callable is replaced by continuous cubic pieces
    up to `end_s`, halved until they keep to 1e-9 of its range at points between; kinks and jumps are closed in on by
    halving. What lasts less than a thousandth of `end_s` may be missed: pass a Waveform for it.
    """
    if callable(value):
        if end_s is None:
            raise InvalidArgumentError(f"the input {name!r} is a callable, which is sampled ahead; pass end_s=")
        return _Sampler(value, name, end_s).pieces()
    if isinstance(value, PulseTrain):
        return _pulses(value, name, end_s, _scale(value.unit, name, unit, volume_um3))
    if isinstance(value, int | float):
        value = ([0.0], [value])
    if isinstance(value, tuple | list) and len(value) == 2:
        value = Waveform(*value)
    if not isinstance(value, Waveform):
        raise InvalidArgumentError(
            f"the input {name!r} is {value!r}; pass a number, (t_s, values), a callable of t_s, a nubridge.Waveform or "
            "a nubridge.PulseTrain"
        )
    return _points(value, name, _scale(value.unit, name, unit, volume_um3))


def _scale(given: str | None, name: str, unit: str | None, volume_um3: float | None) -> float:
    if given is None or given == unit:
        return 1.0
    if given not in (*_UM, "molecules") or unit is None:
        why = "a parameter has a unit of its own: leave unit out" if unit is None else "it is nM, uM, mM or molecules"
        raise InvalidArgumentError(f"the input {name!r} has the unit {given!r}; {why}")
    if given != "molecules" and unit == "uM":
        return _UM[given]
    if not volume_um3:
        raise InvalidArgumentError(f"the input {name!r} is in {given} and the network in {unit}; pass volume_um3")
    per_uM = MOLECULES_PER_uM_um3 * volume_um3
    return 1.0 / per_uM if given == "molecules" else _UM[given] * per_uM


def _points(wave: Waveform, name: str, scale: float) -> Pieces:
    if wave.kind not in _KINDS:
        raise InvalidArgumentError(f"the input {name!r} has the kind {wave.kind!r}; it is one of {', '.join(_KINDS)}")
    try:
        knots_s, values = (np.array(part, dtype=np.float64) for part in (wave.t_s, wave.values))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the input {name!r} does not consist of numbers: {error}") from error
    if knots_s.ndim != 1 or knots_s.shape != values.shape or not len(values):
        raise InvalidArgumentError(
            f"the input {name!r} has times of shape {knots_s.shape} and values of shape {values.shape}; "
            "they are lists of equal length"
        )
    for before_s, t_s in itertools.pairwise(knots_s):
        if not t_s > before_s:
            raise InvalidArgumentError(f"the input {name!r} has the time {t_s} s after {before_s} s; times ascend")
    for t_s, number in zip(knots_s, values, strict=True):
        _require_amount(number, name, t_s)
    powers = np.zeros((len(values), 4))
    powers[:, 0] = values * scale
    if wave.kind == "linear":
        powers[:-1, 1] = np.diff(powers[:, 0]) / np.diff(knots_s)
    return knots_s, powers


def _require_amount(number: Any, name: str, t_s: float) -> float:
    try:
        amount = float(number) if np.ndim(number) == 0 else math.nan
    except (TypeError, ValueError):
        amount = math.nan
    if not 0.0 <= amount < math.inf:
        raise InvalidArgumentError(
            f"the input {name!r} is {number!r} at {t_s} s; it must be a finite number that is not negative"
        )
    return amount


def _pulses(train: PulseTrain, name: str, end_s: float | None, scale: float) -> Pieces:
    for what, least in (("amplitude", 0.0), ("base", 0.0), ("rate_hz", 1e-300), ("tau_ms", 1e-300), ("pulses", 1)):
        number = getattr(train, what)
        if not least <= number < math.inf:
            rule = "positive" if least > 0 else "not negative"
            raise InvalidArgumentError(f"the input {name!r} has {what} {number}; it must be finite and {rule}")
    if not math.isfinite(train.start_s):
        raise InvalidArgumentError(f"the input {name!r} has start_s {train.start_s}; it must be finite")
    tau_s = train.tau_ms / 1e3
    rows = [(0.0, train.base, 0.0, 0.0, 0.0)] if train.start_s > 0.0 else []
    height = 0.0
    starts_s = [train.start_s + pulse / train.rate_hz for pulse in range(int(train.pulses))]
    if end_s is not None:
        starts_s = [t_s for t_s in starts_s if t_s <= max(end_s, train.start_s)]
    for t_s, next_s in zip(starts_s, [*starts_s[1:], math.inf], strict=True):
        height += train.amplitude
        height = _decay(rows, train, t_s, next_s, height, tau_s)
    table = np.array(rows)
    return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1:] * scale)


def _decay(rows: list, train: PulseTrain, t_s: float, end_s: float, height: float, tau_s: float) -> float:
    """Appends base + height exp(-t / tau) from t_s to end_s in Hermite's cubics; returns the height at end_s."""
    begin_s, first = t_s, height
    while t_s < end_s:
        if height <= 1e-12 * train.amplitude:
            rows.append((t_s, train.base, 0.0, 0.0, 0.0))
            break
        # Their error is height (width / tau)^4 / 384.
        allowed = _TOLERANCE * (height + train.base + 1e-2 * train.amplitude)
        to_s = min(t_s + tau_s * (384.0 * allowed / height) ** 0.25, end_s)
        if end_s - to_s < 1e-3 * tau_s:
            to_s = end_s
        width, fallen = to_s - t_s, first * math.exp(-(to_s - begin_s) / tau_s)
        here, there, rise = -height / tau_s * width, -fallen / tau_s * width, fallen - height
        square, cube = 3.0 * rise - 2.0 * here - there, here + there - 2.0 * rise
        rows.append((t_s, train.base + height, here / width, square / width**2, cube / width**3))
        t_s, height = to_s, fallen
    return first * math.exp(-(end_s - begin_s) / tau_s)


class _Sampler:
    """A callable as continuous cubics on intervals that are halved until they fit."""

    def __init__(self, function: Callable[[float], float], name: str, end_s: float) -> None:
        self._function, self._name, self._end_s = function, name, end_s
        self._rows: list[tuple[float, ...]] = []
        self._least, self._greatest = math.inf, -math.inf
        self._jumps = 0

    def pieces(self) -> Pieces:
        times_s = np.linspace(0.0, self._end_s, _FIRST_INTERVALS + 1) if self._end_s > 0.0 else np.zeros(1)
        values = [self._value(float(t_s)) for t_s in times_s]
        for i in range(len(times_s) - 1):
            self._interval(float(times_s[i]), values[i], float(times_s[i + 1]), values[i + 1])
        self._rows.append((self._end_s, values[-1], 0.0, 0.0, 0.0))
        table = np.array(self._rows)
        return np.ascontiguousarray(table[:, 0]), np.ascontiguousarray(table[:, 1:])

    def _value(self, t_s: float) -> float:
        amount = _require_amount(self._function(t_s), self._name, t_s)
        self._least, self._greatest = min(self._least, amount), max(self._greatest, amount)
        return amount

    def _interval(self, from_s: float, first: float, to_s: float, last: float) -> None:
        shortest_s = max(1e-13 * self._end_s, 4.0 * math.ulp(to_s))
        waiting = [(from_s, first, to_s, last)]
        while waiting:
            from_s, first, to_s, last = waiting.pop()
            width = to_s - from_s
            if self._jumps > _MOST_JUMPS or len(self._rows) > _MOST_PIECES:
                raise InvalidArgumentError(
                    f"the input {self._name!r} takes more than {_MOST_JUMPS} jumps or {_MOST_PIECES} pieces, at {from_s} s:"
                    " it is too rough to sample; pass nubridge.Waveform(t_s, values)"
                )
            if width <= shortest_s:
                self._jumps += 1
                self._rows.append((from_s, first, 0.0, 0.0, 0.0))
                continue
            inner = [self._value(from_s + width * node) for node in (*_NODES[1:3], *_PROBES)]
            powers = _TO_POWERS @ (first, inner[0], inner[1], last)
            worst = np.abs(_AT_PROBES @ powers - inner[2:]).max()
            if worst <= self._allowed():
                powers[0] += _lift(powers)
                self._rows.append((from_s, *(powers / width ** np.arange(4))))
            else:
                middle_s = from_s + 0.5 * width
                waiting += [(middle_s, inner[3], to_s, last), (from_s, first, middle_s, inner[3])]

    def _allowed(self) -> float:
        return _TOLERANCE * (self._greatest - self._least) + 1e-14 * self._greatest


def _lift(powers: NDArray[np.float64]) -> float:
    """What lifts a cubic on [0, 1] that falls below 0 between points that do not: less than its tolerance."""
    a, b, c, d = powers
    if min(a, a + b / 3.0, a + (2.0 * b + c) / 3.0, a + b + c + d) >= 0.0:
        return 0.0
    turns = np.roots([3.0 * d, 2.0 * c, b])
    inside = [float(x.real) for x in turns if abs(x.imag) < 1e-12 and 0.0 < x.real < 1.0]
    return max(0.0, *(-(a + x * (b + x * (c + x * d))) for x in (0.0, 1.0, *inside)))
