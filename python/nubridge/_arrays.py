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
