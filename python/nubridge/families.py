"""Maximum-entropy families p~(s; nu) = exp(sign SUM nu_a X_a(s)) g(s) / Z(nu): laws, their moments, their inverse.

Arrays are float64. One nu is one-dimensional and gives one result; rows of nu give rows.
"""

from __future__ import annotations

import ctypes
import json
import operator
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _library
from ._arrays import Array, pointer, rows
from ._boltzmann import METHODS, Descent, FieldFit, fit_exactly, samples_of
from .errors import InvalidArgumentError, ModelFileError

_NU, _MOMENT, _STATE = range(3)


class Family:
    """What every family can do; make one with Counts, IsingChain, BinaryField, Gaussian or Categorical.

    `description` is the family as JSON holds it, the `family` section of a model.json.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.description = {key: value for key, value in description.items() if value is not None}
        try:
            text = json.dumps(self.description)
        except TypeError as error:
            raise InvalidArgumentError(f"the family cannot be described: {error}; pass names and numbers") from error
        self._library = _library.library()
        handle = ctypes.c_void_p()
        try:
            _library.check(self._library, self._library.nubridge_family_open(text.encode(), ctypes.byref(handle)))
        except ModelFileError as error:
            raise InvalidArgumentError(str(error)) from None
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_family_close, handle)
        self.nu_names = self._names(_NU)
        self.moment_names = self._names(_MOMENT)
        #: How many numbers a state is.
        self.state_size: int = self._library.nubridge_family_count(handle, _STATE)

    def __repr__(self) -> str:
        return f"<nubridge.{type(self).__name__}: nu {', '.join(self.nu_names)}>"

    def __copy__(self) -> Family:
        return self  # immutable, and the handle has one owner

    def __deepcopy__(self, _memo: dict) -> Family:
        return self

    @property
    def sign(self) -> int:
        """The sign in front of nu."""
        return self.description["sign"]

    def log_partition(self, nu: ArrayLike) -> Array:
        """ln Z(nu); per site for an infinite chain."""
        return self._call("log_partition", self._nu(nu), 1)[..., 0]

    def moments(self, nu: ArrayLike) -> Array:
        """<X_a>, in the order of `moment_names`."""
        return self._call("moments", self._nu(nu), len(self.moment_names))

    def from_moments(self, moments: ArrayLike) -> Array:
        """The nu whose moments these are; InvalidArgumentError when no law of the family has them."""
        return self._call("from_moments", rows(moments, "moments", len(self.moment_names)), len(self.nu_names))

    def fisher(self, nu: ArrayLike) -> Array:
        """Cov(X_a, X_b) = sign d<X_a>/dnu_b, a (nu x nu) matrix a row."""
        n = len(self.nu_names)
        flat = self._call("fisher", self._nu(nu), n * n)
        return flat.reshape((*flat.shape[:-1], n, n))

    def sample(self, nu: ArrayLike, count: int, seed: int) -> Array:
        """`count` independent states, (count x state) a row; the same seed gives the same samples."""
        return self._sampled("sample", nu, count, seed)

    def _sampled(self, name: str, nu: ArrayLike, count: int, seed: int, *how: int) -> Array:
        given = self._nu(nu)
        count, seed = _whole("count", count, 0), _whole("seed", seed, 0)
        samples = np.empty((*given.shape[:-1], count, self.state_size))
        many = 1 if given.ndim == 1 else len(given)
        function = getattr(self._library, f"nubridge_family_{name}")
        _library.check(self._library, function(self._handle, many, pointer(given), count, *how, seed, pointer(samples)))
        return samples

    def states(self, nu: ArrayLike) -> tuple[Array, Array]:
        """One law written out: its states (states x state) and their probabilities.

        Of Gaussian the nodes and weights of a quadrature that is exact for polynomials up to degree 11.
        """
        given = rows(nu, "nu", len(self.nu_names))
        if given.ndim != 1:
            raise InvalidArgumentError(f"nu has the shape {given.shape}; the states are those of one nu")
        found = ctypes.c_size_t()
        function = self._library.nubridge_family_states
        place = ctypes.byref(found)
        _library.check(self._library, function(self._handle, pointer(given), 0, place, None, None))
        states, probabilities = np.empty((found.value, self.state_size)), np.empty(found.value)
        arguments = (pointer(given), found.value, place, pointer(states), pointer(probabilities))
        _library.check(self._library, function(self._handle, *arguments))
        return states, probabilities

    def expectation(self, nu: ArrayLike, f: Callable[[Array], ArrayLike]) -> Array:
        """<f>: `f` takes the states (states x state) and returns one number, or one row, a state."""
        given = self._nu(nu)
        if given.ndim == 2:
            return np.array([self.expectation(row, f) for row in given])
        states, probabilities = self.states(given)
        values = np.asarray(f(states), dtype=np.float64)
        if values.shape[:1] != probabilities.shape:
            raise InvalidArgumentError(
                f"f returned the shape {values.shape} for {len(states)} states; it returns one number or row a state"
            )
        return probabilities @ values

    def _nu(self, nu: ArrayLike) -> Array:
        return rows(nu, "nu", len(self.nu_names))

    def _names(self, kind: int) -> tuple[str, ...]:
        count = self._library.nubridge_family_count(self._handle, kind)
        return tuple(self._library.nubridge_family_name(self._handle, kind, i).decode() for i in range(count))

    def _call(self, name: str, given: Array, width: int) -> Array:
        out = np.empty((*given.shape[:-1], width))
        many = 1 if given.ndim == 1 else len(given)
        function = getattr(self._library, f"nubridge_family_{name}")
        _library.check(self._library, function(self._handle, many, pointer(given), pointer(out)))
        return out


class Counts(Family):
    """Molecules in a well-mixed volume: X = PRODUCT_i binom(n_i, m_i) up to the total order `order`.

    `base` is g(n): "counting" (1; order 1 is a geometric law), "poisson" (1/n!), or "binomial" (molecules on `sites`
    common sites, at most one each: N identical channels). `largest` bounds every count, so that every nu has a law.

    >>> import nubridge
    >>> family = nubridge.Counts("A", order=2, base="poisson")
    >>> family.nu_names
    ('A', 'A_A')
    >>> family.moments([-1.5, 0.03]).round(6)
    array([3.983232, 7.722746])
    >>> family.from_moments(family.moments([-1.5, 0.03])).round(9)
    array([-1.5 ,  0.03])
    """

    def __init__(
        self,
        species: str | Iterable[str],
        order: int = 1,
        base: str = "counting",
        sign: int = -1,
        sites: int | None = None,
        largest: int | None = None,
    ) -> None:
        description = {"species": _names(species), "order": order, "base": base, "sign": sign}
        super().__init__({"kind": "counts", **description, "sites": sites, "largest": largest})


class IsingChain(Family):
    """Single-occupancy sites in a row with nearest-neighbour couplings: X = molecules of a species, bonds of a pair.

    `boundary` is "infinite" (then all is per site, and a state is a stretch of `sites` neighbours, 4 unless said),
    "ring" or "open" with `sites` sites. `couplings` are the pairs of species with a nu, all unless said. A state holds
    0 for an empty site and 1, 2, ... for the species.

    >>> import nubridge
    >>> family = nubridge.IsingChain(["A"])
    >>> family.nu_names, family.moments([0.5, 0.1]).round(6)
    (('A', 'A_A'), array([0.652445, 0.430849]))
    """

    def __init__(
        self,
        species: str | Iterable[str],
        boundary: str = "infinite",
        sign: int = 1,
        sites: int | None = None,
        couplings: Iterable[Sequence[str]] | None = None,
    ) -> None:
        pairs = None if couplings is None else [list(pair) for pair in couplings]
        description = {"species": _names(species), "boundary": boundary, "sign": sign}
        super().__init__({"kind": "ising_chain", **description, "sites": sites, "couplings": pairs})


class BinaryField(Family):
    """Binary units on a graph of cliques: X is the product of a clique's units, so that moments are probabilities.

    Exact by variable elimination, as long as the graph is not too tightly knit; any graph is sampled by Markov chains
    and learned with them.

    >>> import nubridge
    >>> family = nubridge.BinaryField(["a", "b", "c"], [("a",), ("b",), ("c",), ("a", "b"), ("b", "c")])
    >>> family.moments([0.0, 0.0, 0.0, 0.0, 0.0])
    array([0.5 , 0.5 , 0.5 , 0.25, 0.25])
    """

    def __init__(self, units: Iterable[str], cliques: Iterable[Sequence[str]], sign: int = 1) -> None:
        groups = [_names(clique) for clique in cliques]
        super().__init__({"kind": "binary_field", "units": _names(units), "cliques": groups, "sign": sign})

    def sample(
        self, nu: ArrayLike, count: int, seed: int, method: str = "exact", sweeps: int = 100, rungs: int = 8
    ) -> Array:
        """`count` independent states, (count x state) a row; the same seed gives the same samples.

        "exact" needs a graph that can be summed out. The states of "gibbs" and "tempering" are where Markov chains of
        `sweeps` sweeps end, each from a state of equal chances; tempering has replicas at `rungs` inverse temperatures
        from 0 to 1 that swap, so that a law with several peaks is crossed.

        >>> import nubridge
        >>> family = nubridge.BinaryField(["a", "b"], [("a",), ("b",), ("a", "b")])
        >>> family.sample([-3.0, -3.0, 9.0], 4, seed=1, method="tempering").shape
        (4, 2)
        """
        if method == "exact":
            return super().sample(nu, count, seed)
        if method not in ("gibbs", "tempering"):
            raise InvalidArgumentError(f"the method is {method!r}; it is exact, gibbs or tempering")
        replicas = _whole("rungs", rungs, 2) if method == "tempering" else 1
        return self._sampled("sample_chains", nu, count, seed, _whole("sweeps", sweeps, 1), replicas)

    def move(
        self,
        nu: ArrayLike,
        states: ArrayLike,
        seed: int,
        step: int = 1,
        sweeps: int = 1,
        held: ArrayLike | None = None,
    ) -> Array:
        """Where Gibbs sweeps lead chains from these states (rows of 0 and 1), the law of `nu` unchanged.

        Every `step` has random numbers of its own, step 0 those of `sample`. `held` says by unit what stays as it is.
        """
        given = rows(nu, "nu", len(self.nu_names))
        moved = np.array(np.atleast_2d(rows(states, "states", self.state_size)))
        stay = None if held is None else np.ascontiguousarray(held, np.uint8)
        if given.ndim != 1 or (stay is not None and stay.shape != (self.state_size,)):
            raise InvalidArgumentError("chains move under one nu, and held has one entry a unit; check their shapes")
        place = None if stay is None else pointer(stay)
        arguments = (pointer(given), len(moved), _whole("sweeps", sweeps, 1), place, _whole("seed", seed, 0))
        function = self._library.nubridge_family_move_chains
        _library.check(self._library, function(self._handle, *arguments, _whole("step", step, 0), pointer(moved)))
        return moved

    def fit(
        self,
        samples: ArrayLike,
        method: str = "exact",
        *,
        penalty: float = 0.0,
        units: Sequence[str] | None = None,
        sweeps: int = 1,
        steps: int = 1000,
        rate: float = 0.5,
        chains: int = 1000,
        seed: int = 0,
    ) -> FieldFit:
        """nu from samples (rows of 0 and 1), by maximum likelihood.

        "exact" sums the graph out. Its `penalty` is L1, in standard errors: a clique of two units and more has a nu only
        where its moment lies further than that from what the others explain. It shrinks all of them; nubridge.gccd fits what
        it finds again without.

        "cd" and "pcd" climb by `chains` Markov chains of `sweeps` sweeps a step: contrastive divergence from the samples
        (CD-k), or persistent chains. Their samples may be of some `units` alone; the others are hidden, as in a
        restricted Boltzmann machine. The same seed gives the same nu.

        >>> import nubridge
        >>> family = nubridge.BinaryField(["a", "b"], [("a",), ("b",), ("a", "b")])
        >>> family.fit([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [0, 0]]).nu.round(6).tolist()
        [-0.693147, -0.693147, 1.386294]
        """
        if method not in METHODS:
            raise InvalidArgumentError(f"the method is {method!r}; it is one of {', '.join(METHODS)}")
        seen, places = samples_of(samples, self, units)
        if method == "exact":
            if len(places) < self.state_size:
                raise InvalidArgumentError("units without samples are hidden; learn them with the method pcd or cd")
            return fit_exactly(self, seen[:, np.argsort(places)], float(penalty))
        if penalty:
            raise InvalidArgumentError(f"the penalty is {penalty}; chains learn without one: use the method exact")
        how = (_whole("sweeps", sweeps, 1), _whole("steps", steps, 2), float(rate), _whole("chains", chains, 2))
        return Descent(method == "pcd", *how, _whole("seed", seed, 0)).fit(self, seen, places)


class Gaussian(Family):
    """The normal law by its natural parameters: X = x_i, then x_i x_j for i <= j; all reals.

    >>> import nubridge
    >>> family = nubridge.Gaussian(["x"])
    >>> family.from_moments([2.0, 4.0 + 0.25])        # mean 2, variance 1/4
    array([-8.,  2.])
    """

    def __init__(self, variables: str | Iterable[str], sign: int = -1) -> None:
        super().__init__({"kind": "gaussian", "variables": _names(variables), "sign": sign})


class Categorical(Family):
    """The states of one molecule or channel: X = [s is the state], the first state is the reference with nu = 0.

    The moments are all the occupancies. A state is its index.

    >>> import nubridge
    >>> nubridge.Categorical(["C", "O"]).moments([0.0])
    array([0.5, 0.5])
    """

    def __init__(self, states: Iterable[str], sign: int = -1) -> None:
        super().__init__({"kind": "categorical", "states": _names(states), "sign": sign})


def _whole(what: str, given: int, least: int) -> int:
    """`given` as a whole number of at least `least`."""
    try:
        number = operator.index(given)
    except TypeError:
        number = least - 1
    if not least <= number < 2**64:
        raise InvalidArgumentError(f"{what} is {given!r}; it is a whole number of at least {least}")
    return number


def _names(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)
