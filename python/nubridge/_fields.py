"""Vector fields d nu/dt = F(nu, inputs; c) and the action of their coefficients on data: the library's, by arrays."""

from __future__ import annotations

import ctypes
import json
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._arrays import Array, pointer
from .closure import Closure
from .errors import InvalidArgumentError, ModelFileError
from .families import Family

_NU, _INPUT, _COEFFICIENT, _VERTEX = 0, 3, 5, 6
_VERTEX_WIDTH = 7


class Field:
    """F with coefficients c; open one by `of_terms`, `on_grid` or `of_products`. Rows of nu and inputs give rows."""

    def __init__(self, opened: str, *arguments: Any) -> None:
        self._library = _library.library()
        handle = ctypes.c_void_p()
        try:
            self._check(getattr(self._library, f"nubridge_field_open_{opened}")(*arguments, ctypes.byref(handle)))
        except ModelFileError as error:
            raise InvalidArgumentError(str(error)) from None
        self._handle = handle
        weakref.finalize(self, self._library.nubridge_field_close, handle)
        self.nu_count, self.input_count = self._count(_NU), self._count(_INPUT)

    @classmethod
    def of_terms(cls, closure: Closure, each_nu: bool) -> Field:
        """The terms of a closure, weighed by theta: one a term, or one a nu and term."""
        return cls("terms", closure._handle, int(each_nu))

    @classmethod
    def on_grid(cls, inputs: int, spacing: Sequence[float], arguments: Sequence[Sequence[int]]) -> Field:
        """C1 cubic elements without a cell yet; `arguments` are places among nu and inputs, one list a nu."""
        description = {"inputs": inputs, "spacing": list(spacing), "arguments": [list(one) for one in arguments]}
        return cls("grid", json.dumps(description).encode())

    @classmethod
    def of_products(cls, inputs: int, products: Sequence[Sequence[Sequence[int]]]) -> Field:
        """Polynomials; `products` one list a nu, each product the places of its factors among nu and inputs."""
        description = {"inputs": inputs, "products": [[list(one) for one in of_nu] for of_nu in products]}
        return cls("polynomial", json.dumps(description).encode())

    @classmethod
    def of_map(cls, nu: int, inputs: int, standard: Array, hidden: Array) -> Field:
        """A smooth map: `standard` has the rows centre and scale, `hidden` one row (b, w) a unit."""
        standard, hidden = np.ascontiguousarray(standard, np.float64), np.ascontiguousarray(hidden, np.float64)
        return cls("map", nu, inputs, pointer(standard), len(hidden), pointer(hidden))

    @property
    def coefficient_count(self) -> int:
        """How many coefficients there are; more after `cover`."""
        return self._count(_COEFFICIENT)

    def rhs(self, c: Array, nu: Array, inputs: Array) -> tuple[Array, NDArray[np.bool_]]:
        """F, and where the coefficients do not reach."""
        many, f = self._many(nu), np.empty_like(nu)
        outside = np.zeros(many, np.uint8)
        pointers = (pointer(f), pointer(outside))
        self._check(
            self._library.nubridge_field_rhs(self._handle, pointer(c), many, pointer(nu), pointer(inputs), *pointers)
        )
        return f, outside.astype(bool) if nu.ndim == 2 else outside.astype(bool)[0]

    def jacobian(self, c: Array, nu: Array, inputs: Array) -> tuple[Array, Array]:
        """(dF/dnu, dF/dinputs)."""
        by_nu = np.empty((*nu.shape, self.nu_count))
        by_input = np.empty((*nu.shape, self.input_count))
        places = (pointer(nu), pointer(inputs), pointer(by_nu), pointer(by_input))
        self._check(self._library.nubridge_field_jacobian(self._handle, pointer(c), self._many(nu), *places))
        return by_nu, by_input

    def by_coefficient(self, c: Array, nu: Array, inputs: Array) -> Array:
        """dF/dc."""
        out = np.empty((*nu.shape, self.coefficient_count))
        places = (pointer(nu), pointer(inputs), pointer(out))
        self._check(self._library.nubridge_field_by_coefficient(self._handle, pointer(c), self._many(nu), *places))
        return out

    def cover(self, nu: Array, inputs: Array) -> None:
        """Of a grid: makes the cells at these points; their coefficients follow those that there are."""
        self._check(self._library.nubridge_field_cover(self._handle, self._many(nu), pointer(nu), pointer(inputs)))

    @property
    def vertices(self) -> NDArray[np.int32]:
        """Of a grid: component and place of each vertex, in the order of their coefficients; else none."""
        places = np.empty((self._count(_VERTEX), _VERTEX_WIDTH), np.int32)
        if len(places):
            self._check(self._library.nubridge_field_vertices(self._handle, pointer(places)))
        return places

    def add(self, vertices: NDArray[np.int32]) -> None:
        """Of a grid: makes these vertices."""
        places = np.ascontiguousarray(vertices, np.int32).reshape(-1, _VERTEX_WIDTH)
        self._check(self._library.nubridge_field_add(self._handle, len(places), pointer(places)))

    def _count(self, kind: int) -> int:
        return self._library.nubridge_field_count(self._handle, kind)

    def _check(self, status: int) -> None:
        _library.check(self._library, status)

    @staticmethod
    def _many(nu: Array) -> int:
        return 1 if nu.ndim == 1 else len(nu)


class Action:
    """SUM_i w_i (ln Z(nu(t_i)) - sign nu(t_i) . awake_i) along the solution of a field from `begin`.

    `inputs` (times x inputs) are linear between the times, `awake` is times x nu; `substeps` Runge-Kutta steps lead from
    each time to the next.
    """

    def __init__(
        self,
        field: Field,
        family: Family,
        t_s: Array,
        inputs: Array,
        awake: Array,
        weights: Array,
        begin: Array,
        substeps: int,
    ) -> None:
        self.field, self._library, self._times = field, field._library, len(t_s)
        handle = ctypes.c_void_p()
        arrays = [np.ascontiguousarray(one, np.float64) for one in (t_s, inputs, awake, weights, begin)]
        shapes = [(self._times, field.input_count), (self._times, field.nu_count), (self._times,), (field.nu_count,)]
        for array, shape, what in zip(arrays[1:], shapes, ("inputs", "awake", "weights", "begin"), strict=True):
            if array.shape != shape:
                raise InvalidArgumentError(f"{what} has the shape {array.shape}; here it is {shape}")
        places = [pointer(array) for array in arrays]
        opening = (field._handle, family._handle, self._times, *places, substeps, ctypes.byref(handle))
        _library.check(self._library, self._library.nubridge_action_open(*opening))
        self._handle = handle
        weakref.finalize(self, self._library.nubridge_action_close, handle)

    def path(self, c: Array) -> tuple[float, Array]:
        """The action and nu at the times."""
        value, path = ctypes.c_double(), np.empty((self._times, self.field.nu_count))
        status = self._library.nubridge_action_path(self._handle, pointer(c), ctypes.byref(value), pointer(path))
        _library.check(self._library, status)
        return value.value, path

    def sensitivities(self, c: Array) -> tuple[Array, Array]:
        """nu at the times, and d nu/dc (times x nu x coefficients)."""
        path = np.empty((self._times, self.field.nu_count))
        moved = np.empty((*path.shape, self.field.coefficient_count))
        arguments = (self._handle, pointer(c), pointer(path), pointer(moved))
        _library.check(self._library, self._library.nubridge_action_sensitivities(*arguments))
        return path, moved


def total(actions: Sequence[Action], c: Array, threads: int, gradient: bool = True) -> tuple[Array, Array | None]:
    """The action of each protocol and, by the adjoint, the gradient of their sum; the same for any number of threads."""
    handles = (ctypes.c_void_p * len(actions))(*(one._handle for one in actions))
    values = np.empty(len(actions))
    slopes = np.empty(len(c)) if gradient else None
    place = None if slopes is None else pointer(slopes)
    library = actions[0]._library
    _library.check(
        library, library.nubridge_action_total(len(actions), handles, pointer(c), threads, pointer(values), place)
    )
    return values, slopes
