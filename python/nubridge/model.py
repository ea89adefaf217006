"""Reduced models from Python: NumPy arrays in and out, one row an instance."""

from __future__ import annotations

import ctypes
import functools
import json
import math
import operator
import os
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _arrays, _library
from ._arrays import Array
from ._arrays import pointer as _pointer
from .errors import InvalidArgumentError, InvalidStateError, OutsideDomainWarning
from .learned import LearnedModel, found


class Model:
    """A reduced model: a maximum-entropy family, its dynamics and its observables.

    `name_or_path` is a model's name (`"sk"`), its folder or its model.json. `policy` says what happens to an input outside the domain:
    "clamp", "extrapolate", "error", or "model" for what the file says; an OutsideDomainWarning tells of the first two.

    Arrays are float64, one row an instance; a single instance may be one-dimensional and comes back so. Inputs are in the units of
    `input_units`, nu, moments and fractions have none, rates are per ms. Every method is pure: the state is the caller's.

    >>> import nubridge
    >>> sk = nubridge.Model("sk")
    >>> sk.input_names, sk.input_units, sk.observable_names
    (('ca',), ('uM',), ('popen',))
    >>> nu = sk.initial([0.05])                  # the steady state at 0.05 uM
    >>> nu = sk.step(nu, [5.0], dt_ms=5.0)       # 5 ms at 5 uM, exact
    >>> round(float(sk.observe(nu)[0]), 9)
    0.45352168

    The name or path of a learned model gives a nubridge.LearnedModel.
    """

    def __new__(cls, name_or_path: str | os.PathLike[str], policy: str = "model") -> Model | LearnedModel:
        learned = found(name_or_path)
        if learned is None:
            return super().__new__(cls)
        if policy != "model":
            learned.policy = policy
        return learned

    def __init__(self, name_or_path: str | os.PathLike[str], policy: str = "model") -> None:
        if policy not in _library.POLICIES:
            raise InvalidArgumentError(f"policy {policy!r} is unknown; it is one of {', '.join(_library.POLICIES)}")
        self._library = _library.library()
        self._policy = _library.POLICIES[policy]
        handle = ctypes.c_void_p()
        _library.check(
            self._library, self._library.nubridge_model_open(os.fsencode(name_or_path), ctypes.byref(handle))
        )
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_model_close, handle)

    # ---- what it is ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The model's name."""
        return self._library.nubridge_model_name(self._handle).decode()

    @property
    def hash(self) -> str:
        """ "sha256:..." over the model file without this entry."""
        return self._library.nubridge_model_hash(self._handle).decode()

    @property
    def path(self) -> Path:
        """The file that it was read from."""
        return Path(self._library.nubridge_model_path(self._handle).decode())

    @functools.cached_property
    def nu_names(self) -> tuple[str, ...]:
        """The states whose interactions nu are; the reference state has nu = 0."""
        return self._names(_library.NU)

    @functools.cached_property
    def state_names(self) -> tuple[str, ...]:
        """The states of the family, in the order of the moments."""
        return self._names(_library.STATE)

    @functools.cached_property
    def input_names(self) -> tuple[str, ...]:
        """The inputs u, in order."""
        return self._names(_library.INPUT)

    @functools.cached_property
    def input_units(self) -> tuple[str, ...]:
        """The unit of each input."""
        return tuple(
            self._library.nubridge_item_unit(self._handle, _library.INPUT, i).decode()
            for i in range(len(self.input_names))
        )

    @functools.cached_property
    def observable_names(self) -> tuple[str, ...]:
        """What `observe` returns, in order."""
        return self._names(_library.OBSERVABLE)

    @property
    def domain(self) -> dict[str, tuple[float, float]]:
        """The domain of each input, in its unit."""
        bounds = {}
        for i, name in enumerate(self.input_names):
            lower, upper = ctypes.c_double(), ctypes.c_double()
            _library.check(
                self._library, self._library.nubridge_domain(self._handle, i, ctypes.byref(lower), ctypes.byref(upper))
            )
            bounds[name] = (lower.value, upper.value)
        return bounds

    @property
    def policy(self) -> str:
        """What happens to an input outside the domain."""
        code = self._policy or self._library.nubridge_model_policy(self._handle)
        return {code: name for name, code in _library.POLICIES.items()}[code]

    @property
    def provenance(self) -> dict[str, str]:
        """Where the numbers come from."""
        return json.loads(self._library.nubridge_model_json(self._handle)).get("provenance", {})

    def __repr__(self) -> str:
        return f"<nubridge.Model {self.name!r}: nu {', '.join(self.nu_names)}; inputs {', '.join(self.input_names)}>"

    def __copy__(self) -> Model:
        return self  # immutable, and the handle has one owner

    def __deepcopy__(self, _memo: dict) -> Model:
        return self

    # ---- the family ------------------------------------------------------------------------------------------------------

    def log_partition(self, nu: ArrayLike) -> Array:
        """ln Z(nu), one number a row."""
        rows = self._rows(nu, "nu", len(self.nu_names))
        return self._call(self._library.nubridge_log_partition, rows, (), 1)[..., 0]

    def moments(self, nu: ArrayLike) -> Array:
        """The dual of nu: the occupancies of all states, which sum to 1."""
        return self._call(
            self._library.nubridge_moments, self._rows(nu, "nu", len(self.nu_names)), (), len(self.state_names)
        )

    def from_moments(self, moments: ArrayLike) -> Array:
        """The nu whose occupancies these are; infinite where an occupancy is 0."""
        rows = self._rows(moments, "moments", len(self.state_names))
        return self._call(self._library.nubridge_from_moments, rows, (), len(self.nu_names))

    def fisher(self, nu: ArrayLike) -> Array:
        """The Fisher matrix Cov(X, X), one (nu x nu) matrix a row."""
        n = len(self.nu_names)
        flat = self._call(self._library.nubridge_fisher, self._rows(nu, "nu", n), (), n * n)
        return flat.reshape((*flat.shape[:-1], n, n))

    def sample(self, nu: ArrayLike, count: int, seed: int) -> NDArray[np.int32]:
        """`count` independent state indices a row; the same seed gives the same samples."""
        rows = self._rows(nu, "nu", len(self.nu_names))
        try:
            count, seed = operator.index(count), operator.index(seed)
        except TypeError as error:
            raise InvalidArgumentError(f"count is {count!r} and seed {seed!r}; both are whole numbers") from error
        if count < 0 or not 0 <= seed < 2**64:
            raise InvalidArgumentError(
                f"count is {count} and seed {seed}; neither may be negative, nor the seed above 2**64 - 1"
            )
        if np.isnan(rows).any():
            raise InvalidStateError("nu has NaN, which has no probabilities to sample from; look for what wrote it")
        samples = np.empty((*rows.shape[:-1], count), np.int32)
        many = 1 if rows.ndim == 1 else len(rows)
        _library.check(
            self._library,
            self._library.nubridge_sample(self._handle, many, _pointer(rows), count, seed, _pointer(samples)),
        )
        return samples

    # ---- the dynamics -----------------------------------------------------------------------------------------------------

    def initial(self, inputs: ArrayLike) -> Array:
        """nu of the steady state at constant inputs."""
        return self._advance(self._library.nubridge_initial, (), inputs, (), len(self.nu_names))

    def rhs(self, nu: ArrayLike, inputs: ArrayLike) -> Array:
        """d nu/dt, per ms."""
        return self._advance(
            self._library.nubridge_rhs, (self._rows(nu, "nu", len(self.nu_names)),), inputs, (), len(self.nu_names)
        )

    def jacobian(self, nu: ArrayLike, inputs: ArrayLike) -> tuple[Array, Array]:
        """(dF/dnu, dF/dinputs) of F = rhs: matrices (nu x nu) and (nu x inputs), one pair a row."""
        n, m = len(self.nu_names), len(self.input_names)
        state, u = self._rows(nu, "nu", n), self._rows(inputs, "inputs", m)
        self._require_same_rows(state, u)
        by_nu, by_input = np.empty((*state.shape[:-1], n, n)), np.empty((*state.shape[:-1], n, m))
        many = 1 if state.ndim == 1 else len(state)
        pointers = (_pointer(state), _pointer(u), _pointer(by_nu), _pointer(by_input))
        self._finish(self._library.nubridge_jacobian(self._handle, self._policy, many, *pointers), u, None)
        return by_nu, by_input

    def step(
        self,
        nu: ArrayLike,
        inputs: ArrayLike,
        dt_ms: float,
        inputs_end: ArrayLike | None = None,
        tolerance: float = 1e-9,
    ) -> Array:
        """nu after `dt_ms`: exact at constant `inputs`.

        With `inputs_end` the inputs move linearly from `inputs` to `inputs_end` over the step, and L-stable Rosenbrock steps in nu keep
        each error within `tolerance` (absolute and relative, 1e-12 to 0.1).
        """
        n = len(self.nu_names)
        state = (self._rows(nu, "nu", n),)
        step_ms = self._step_ms(dt_ms)
        if inputs_end is None:
            return self._advance(self._library.nubridge_step, state, inputs, (step_ms,), n)
        if not 1e-12 <= tolerance <= 0.1:
            raise InvalidArgumentError(f"tolerance is {tolerance}; it lies between 1e-12 and 0.1")
        begin = self._rows(inputs, "inputs", len(self.input_names))
        return self._advance(self._library.nubridge_step_ramp, (state[0], begin), inputs_end, (step_ms, tolerance), n)

    def observe(self, nu: ArrayLike) -> Array:
        """The observables at nu, in the order of `observable_names`."""
        return self._call(
            self._library.nubridge_observe, self._rows(nu, "nu", len(self.nu_names)), (), len(self.observable_names)
        )

    # ---- the same in the dual moments -------------------------------------------------------------------------------------

    def initial_moments(self, inputs: ArrayLike) -> Array:
        """The occupancies of the steady state at constant inputs."""
        return self._advance(self._library.nubridge_initial_moments, (), inputs, (), len(self.state_names))

    def step_moments(self, moments: ArrayLike, inputs: ArrayLike, dt_ms: float) -> Array:
        """The occupancies after `dt_ms` at constant inputs: exact, never negative, summing to 1."""
        n = len(self.state_names)
        state = (self._rows(moments, "moments", n),)
        if (state[0] < 0).any():
            raise InvalidStateError(
                f"moments has {state[0].min()}; an occupancy is not negative: look for what wrote it"
            )
        return self._advance(self._library.nubridge_step_moments, state, inputs, (self._step_ms(dt_ms),), n)

    def rhs_moments(self, moments: ArrayLike, inputs: ArrayLike) -> Array:
        """d moments/dt, per ms."""
        n = len(self.state_names)
        return self._advance(self._library.nubridge_rhs_moments, (self._rows(moments, "moments", n),), inputs, (), n)

    def observe_moments(self, moments: ArrayLike) -> Array:
        """The observables at the occupancies."""
        rows = self._rows(moments, "moments", len(self.state_names))
        return self._call(self._library.nubridge_observe_moments, rows, (), len(self.observable_names))

    # ---- arrays across the border -----------------------------------------------------------------------------------------

    def _names(self, kind: int) -> tuple[str, ...]:
        count = self._library.nubridge_count(self._handle, kind)
        return tuple(self._library.nubridge_item_name(self._handle, kind, i).decode() for i in range(count))

    _rows = staticmethod(_arrays.rows)

    @staticmethod
    def _step_ms(dt_ms: float) -> float:
        try:
            step_ms = float(dt_ms)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(f"dt_ms is {dt_ms!r}; pass one number, in ms") from error
        if not (math.isfinite(step_ms) and step_ms >= 0):
            raise InvalidArgumentError(f"dt_ms is {dt_ms}; a step is finite and not negative")
        return step_ms

    @staticmethod
    def _require_same_rows(state: Array, inputs: Array) -> None:
        if state.shape[:-1] != inputs.shape[:-1]:
            raise InvalidArgumentError(
                f"the state has the shape {state.shape} and inputs {inputs.shape}; they need the same rows"
            )

    def _call(self, function: Callable[..., int], rows: Array, extra: tuple, width: int) -> Array:
        out = np.empty((*rows.shape[:-1], width))
        many = 1 if rows.ndim == 1 else len(rows)
        _library.check(self._library, function(self._handle, many, _pointer(rows), *extra, _pointer(out)))
        return out

    def _advance(
        self, function: Callable[..., int], states: tuple[Array, ...], inputs: ArrayLike, extra: tuple, width: int
    ) -> Array:
        u = self._rows(inputs, "inputs", len(self.input_names))
        for state in states:
            self._require_same_rows(state, u)
        out = np.empty((*u.shape[:-1], width))
        many = 1 if u.ndim == 1 else len(u)
        outside = np.zeros(many, np.uint8)
        pointers = [_pointer(array) for array in (*states, u)]
        status = function(self._handle, self._policy, many, *pointers, *extra, _pointer(out), _pointer(outside))
        self._finish(status, u, outside, *states[1:])  # of a ramp: the inputs at its begin
        return out

    def _finish(self, status: int, inputs: Array, outside: NDArray[np.uint8] | None, *begin: Array) -> None:
        """Raises for an error, warns for inputs outside the domain; the library writes the text for the row at fault."""
        if status == 0:
            return
        rows = np.concatenate([np.atleast_2d(array) for array in (*begin, inputs)])
        explain = self._library.nubridge_explain
        texts = (explain(self._handle, status, self._policy, _pointer(row)).decode() for row in rows)
        text = next(
            (text for text in texts if "an input is at fault" not in text),
            self._library.nubridge_status_text(status).decode(),
        )
        if status == _library.OUTSIDE:
            count = "" if outside is None else f" ({int(outside.sum())} of {len(outside)} rows)"
            warnings.warn(text + count, OutsideDomainWarning, stacklevel=4)
            return
        raise _library._EXCEPTIONS[status](text)
