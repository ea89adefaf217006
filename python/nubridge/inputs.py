"""Numbers that move in time: what drives a network from outside."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgumentError


def pieces(value: Any, name: str, unit: str | None, end_s: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Knots and the powers 0 to 3 of each piece of `value`: `(t_s, values)` is piecewise constant."""
    if not (isinstance(value, tuple | list) and len(value) == 2):
        raise InvalidArgumentError(f"the input {name!r} is {value!r}; pass (t_s, values)")
    knots_s, values = (np.ascontiguousarray(part, dtype=np.float64) for part in value)
    if knots_s.ndim != 1 or knots_s.shape != values.shape:
        raise InvalidArgumentError(
            f"the input {name!r} has times of shape {knots_s.shape} and values of shape {values.shape}; they are lists of equal length"
        )
    powers = np.zeros((len(values), 4))
    powers[:, 0] = values
    return knots_s, powers
