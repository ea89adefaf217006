"""Models in the state that mechanisms keep, from Python."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _library
from ._arrays import Array
from .errors import InvalidArgumentError, ModelFileError
from .model import Model


class Kernel:
    """A model in the state that a mechanism keeps: amounts of a network of up to 96 states (`camkii`), occupancies of a channel,
    nu of a learned model.

    `name_or_path` is a model's name (`"camkii"`), its folder or its model.json. Amounts are in uM, rates per ms; one instance a
    call. Inputs in the order of `input_names`; those that a step does not use must lie in their domain all the same.

    >>> import nubridge
    >>> camkii = nubridge.Kernel("camkii")
    >>> camkii.input_names, len(camkii.state_names)
    (('ca', 'cam', 'camkii'), 75)
    >>> amounts = camkii.initial([0.1, 30.0, 80.0])                    # at rest, nothing phosphorylated
    >>> amounts = camkii.step(amounts, [1.0, 30.0, 80.0], dt_ms=1000.0)
    >>> round(camkii.observe(amounts)["pT286"] / 80.0, 3)
    0.028
    """

    def __init__(self, name_or_path: str | os.PathLike[str]) -> None:
        self._library = _library.library()
        handle = ctypes.c_void_p()
        status = self._library.nubridge_kernel_open(os.fsencode(name_or_path), ctypes.byref(handle))
        _library.check(self._library, status)
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_kernel_close, handle)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.document["name"]

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return Path(self._library.nubridge_kernel_path(self._handle).decode())

    @functools.cached_property
    def document(self) -> dict[str, Any]:
        """The model file: network, domain, provenance, hash."""
        return json.loads(self._library.nubridge_kernel_json(self._handle).decode())

    @property
    def hash(self) -> str:
        """ "sha256:..." over the model file without this entry."""
        return self.document["hash"]

    @functools.cached_property
    def state_names(self) -> tuple[str, ...]:
        """The numbers of the state, in order: amounts, occupancies, or nu_NAME."""
        return self._names(_library.STATE)

    @functools.cached_property
    def input_names(self) -> tuple[str, ...]:
        """The inputs, in order."""
        return self._names(_library.INPUT)

    @functools.cached_property
    def observable_names(self) -> tuple[str, ...]:
        """What can be observed: sums of amounts (uM) or of occupancies, or the moments <X>."""
        return self._names(_library.OBSERVABLE)

    def initial(self, inputs: ArrayLike) -> Array:
        """The steady state at constant inputs, of a network without the reactions that are off at rest."""
        amounts = np.empty(len(self.state_names))
        self._check(self._library.nubridge_kernel_initial, self._inputs(inputs), amounts)
        return amounts

    def rhs(self, amounts: ArrayLike, inputs: ArrayLike) -> Array:
        """d amounts/dt, per ms."""
        rates = np.empty(len(self.state_names))
        self._check(self._library.nubridge_kernel_rhs, self._amounts(amounts), self._inputs(inputs), rates)
        return rates

    def step(self, amounts: ArrayLike, inputs: ArrayLike, dt_ms: float) -> Array:
        """The state after dt_ms at constant inputs.

        Amounts by Heun's method in steps that its stability allows, occupancies exactly, nu to 1e-8 by L-stable steps.
        """
        after = self._amounts(amounts)
        self._check(self._library.nubridge_kernel_step, self._inputs(inputs), dt_ms, after)
        return after

    def observe(self, amounts: ArrayLike) -> dict[str, float]:
        """The observables by name."""
        values = np.empty(len(self.observable_names))
        _library.check(
            self._library,
            self._library.nubridge_kernel_observe(self._handle, self._amounts(amounts).ctypes.data, values.ctypes.data),
        )
        return dict(zip(self.observable_names, values.tolist(), strict=True))

    def _names(self, kind: int) -> tuple[str, ...]:
        count = self._library.nubridge_kernel_count(self._handle, kind)
        return tuple(self._library.nubridge_kernel_name(self._handle, kind, i).decode() for i in range(count))

    def _amounts(self, amounts: ArrayLike) -> Array:
        return _row(amounts, len(self.state_names), "amounts")

    def _inputs(self, inputs: ArrayLike) -> Array:
        return _row(inputs, len(self.input_names), "inputs")

    def _check(self, function: Any, *arguments: Array | float) -> None:
        """Calls [step] functions with the model's policy and explains what went wrong."""
        passed = [one.ctypes.data if isinstance(one, np.ndarray) else float(one) for one in arguments]
        status = function(self._handle, _library.POLICIES["model"], *passed)
        if status < 0:
            inputs = next(one for one in arguments if isinstance(one, np.ndarray) and len(one) == len(self.input_names))
            self._library.nubridge_kernel_explain(self._handle, status, _library.POLICIES["model"], inputs.ctypes.data)
            _library.check(self._library, status)


def opened(name_or_path: str | os.PathLike[str]) -> Kernel | Model:
    """The kernel or the reduced model of that name, folder or file."""
    with contextlib.suppress(ModelFileError):
        kernel = Kernel(name_or_path)
        if kernel.document["schema"] == "nubridge-kernel":
            return kernel
    return Model(name_or_path)


def _row(values: ArrayLike, count: int, what: str) -> Array:
    row = np.array(values, dtype=float)
    if row.shape != (count,):
        raise InvalidArgumentError(f"{what} have the shape {row.shape}; pass {count} numbers")
    return row
