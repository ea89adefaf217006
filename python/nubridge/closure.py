"""The parameter-free closure: d nu/dt of any reaction network on any family, with no hand derivation."""

from __future__ import annotations

import ctypes
import json
import weakref
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from . import _library
from ._arrays import Array, aligned, pointer
from .errors import InvalidArgumentError, ModelFileError
from .families import Family
from .network import Network

_TERM = 4


class Closure:
    """F = sign Cov^-1 SUM_r theta_r <a_r (X(s + v_r) - X(s))>, per second: the maximum-entropy closure.

    The family's species are found in the network by their names. `inputs` names species and parameters whose values are
    given with nu (amounts in the network's unit). `theta` weighs the terms: one number each, or by name; 1 unless said.
    `hop_per_s` lets species of a chain hop: hops per side and second, a term each. `empty` names the species that the
    empty sites of a binomial base are. A network in uM needs `volume_um3` where propensities are not linear.

    On a chain reactions mean what they mean to the regime `lattice`: 0 -> A per empty site, A + B per bond, A -> B + C
    with C on a random side if it is empty.

    >>> import nubridge
    >>> pairs = nubridge.Network.build({"A": 10}, [{"name": "R1", "reactants": ["A", "A"], "rate": 0.1}])
    >>> F = nubridge.Closure(pairs, nubridge.Counts("A", order=2, base="poisson"))
    >>> F([-2.3, 0.0]).round(9)
    array([0. , 0.1])
    >>> chain = nubridge.Closure(pairs, nubridge.IsingChain("A"), hop_per_s={"A": 1.0})
    >>> chain.term_names
    ('R1', 'hop_A')
    >>> chain.terms([0.5, 0.1]).round(6)
    array([[-0.644096,  0.21762 ],
           [ 0.251367, -0.19466 ]])
    """

    def __init__(
        self,
        network: Network,
        family: Family,
        theta: Sequence[float] | Mapping[str, float] | None = None,
        inputs: Iterable[str] = (),
        hop_per_s: Mapping[str, float] | None = None,
        empty: str | None = None,
        volume_um3: float | None = None,
    ) -> None:
        if not isinstance(network, Network) or not isinstance(family, Family):
            raise InvalidArgumentError(
                f"a closure is of a nubridge.Network on a family such as nubridge.Counts; got {network!r} and {family!r}"
            )
        self.network, self.family = network, family
        self.input_names = (inputs,) if isinstance(inputs, str) else tuple(inputs)
        self.nu_names = family.nu_names
        self._options = {"hop_per_s": hop_per_s and dict(hop_per_s), "empty": empty, "volume_um3": volume_um3}
        self._library = _library.library()
        self._open(None)
        count = self._library.nubridge_closure_count(self._handle, _TERM)
        names = (self._library.nubridge_closure_term(self._handle, index) for index in range(count))
        self.term_names = tuple(name.decode() for name in names)
        self.theta = self._theta(theta)
        if theta is not None:
            self._open(self.theta)

    def _open(self, theta: Array | None) -> None:
        options = {**self._options, "inputs": list(self.input_names) or None}
        options["theta"] = None if theta is None or not len(theta) else theta.tolist()
        text = json.dumps({key: value for key, value in options.items() if value is not None})
        handle = ctypes.c_void_p()
        arguments = (self.network._handle, self.family._handle, text.encode(), ctypes.byref(handle))
        try:
            _library.check(self._library, self._library.nubridge_closure_open(*arguments))
        except ModelFileError as error:
            raise InvalidArgumentError(str(error)) from None
        self._handle = handle
        weakref.finalize(self, self._library.nubridge_closure_close, handle)

    def _theta(self, given: Sequence[float] | Mapping[str, float] | None) -> Array:
        if given is None:
            return np.ones(len(self.term_names))
        if isinstance(given, Mapping):
            unknown = set(given) - set(self.term_names)
            if unknown:
                raise InvalidArgumentError(
                    f"theta names {', '.join(sorted(unknown))}; the terms are {', '.join(self.term_names)}"
                )
            given = [given.get(name, 1.0) for name in self.term_names]
        theta = np.array(given, dtype=np.float64)
        if theta.shape != (len(self.term_names),) or not np.isfinite(theta).all():
            raise InvalidArgumentError(
                f"theta is {given}; it is one finite number for each of {', '.join(self.term_names)}"
            )
        return theta

    def __repr__(self) -> str:
        return f"<nubridge.Closure of {self.network.name!r} on {self.family!r}: {', '.join(self.term_names)}>"

    def __call__(self, nu: ArrayLike, inputs: ArrayLike = ()) -> Array:
        """d nu/dt, per second; one row an instance. One row of inputs serves all rows of nu."""
        state, given = self._rows(nu, inputs)
        out = np.empty_like(state)
        self._call(self._library.nubridge_closure_rhs, state, given, out)
        return out

    def terms(self, nu: ArrayLike, inputs: ArrayLike = ()) -> Array:
        """One row a term with theta = 1: F = theta @ terms."""
        state, given = self._rows(nu, inputs)
        out = np.empty((*state.shape[:-1], len(self.term_names), len(self.nu_names)))
        self._call(self._library.nubridge_closure_terms, state, given, out)
        return out

    def jacobian(self, nu: ArrayLike, inputs: ArrayLike = ()) -> tuple[Array, Array]:
        """(dF/dnu, dF/dinputs), exact: matrices (nu x nu) and (nu x inputs), one pair a row."""
        state, given = self._rows(nu, inputs)
        n = len(self.nu_names)
        by_nu = np.empty((*state.shape[:-1], n, n))
        by_input = np.empty((*state.shape[:-1], n, len(self.input_names)))
        self._call(self._library.nubridge_closure_jacobian, state, given, by_nu, by_input)
        return by_nu, by_input

    def _rows(self, nu: ArrayLike, inputs: ArrayLike) -> tuple[Array, Array]:
        return aligned(nu, inputs, len(self.nu_names), len(self.input_names))

    def _call(self, function: ctypes._CFuncPtr, state: Array, given: Array, *out: Array) -> None:
        many = 1 if state.ndim == 1 else len(state)
        pointers = (pointer(state), pointer(given), *(pointer(array) for array in out))
        _library.check(self._library, function(self._handle, many, *pointers))
