"""Arrays across the border: float64 rows, one an instance."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InvalidArgumentError

Array = NDArray[np.float64]


def pointer(array: np.ndarray) -> int:
    """The array's address; `array.ctypes.data` costs three times as much, but serves read-only and empty arrays too."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(array))
    except (TypeError, ValueError):
        return array.ctypes.data


def rows(values: ArrayLike, what: str, width: int) -> Array:
    """`values` as C-ordered float64 of shape (width,) or (rows, width); anything else is refused, never cast silently."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InvalidArgumentError(f"{what} is no array of numbers: {error}; give every row the same length") from error
    if array.dtype != np.float64:
        if array.dtype.kind not in "iu" or isinstance(values, np.ndarray):
            raise InvalidArgumentError(
                f"{what} has the type {array.dtype}; pass float64, for example {what}.astype(float)"
            )
        array = array.astype(np.float64)
    if array.ndim not in (1, 2) or array.shape[-1] != width:
        raise InvalidArgumentError(f"{what} has the shape {array.shape}; it must be ({width},) or (rows, {width})")
    return np.ascontiguousarray(array)


def aligned(nu: ArrayLike, inputs: ArrayLike, nu_count: int, input_count: int) -> tuple[Array, Array]:
    """nu and inputs as rows of equal number; one row of inputs serves all rows of nu."""
    state = rows(nu, "nu", nu_count)
    given = rows(np.empty(0) if np.size(inputs) == 0 else inputs, "inputs", input_count)
    if given.ndim == 1 and state.ndim == 2:
        given = np.ascontiguousarray(np.broadcast_to(given, (len(state), input_count)))
    if given.shape[:-1] != state.shape[:-1]:
        raise InvalidArgumentError(f"nu has the shape {state.shape} and inputs {given.shape}; they need the same rows")
    return state, given
