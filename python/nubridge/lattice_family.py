"""The Ising lattice in one to three dimensions with the same nu everywhere: a law that is sampled, not summed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, rows
from .errors import InvalidArgumentError, NotConvergedError
from .families import BinaryField

#: Gauss and Legendre's points along the way from nu = 0, for ln Z.
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_SETTLE, _AVERAGE = 60, 60


@dataclass(frozen=True)
class SampledMoments:
    """<X_a> of `chains` independent chains, and Cov(X_a, X_b) of one state; the mean has `standard_errors`."""

    mean: Array
    covariance: Array
    chains: int

    @property
    def standard_errors(self) -> Array:
        """Of the mean."""
        return np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1) / self.chains)


class Lattice:
    """Sites that hold one molecule or none, p~(s) = exp(sign SUM nu_a X_a(s)) / Z, with nu the same everywhere.

    X are the molecules, the pairs of nearest neighbours and, with `order` 3, three in a straight row: `nu_names` A, A_A, A_A_A.
    `shape` has one to three numbers of sites; `boundary` is "open" or "periodic". Every mean is over `chains` independent Markov
    chains of `sweeps` sweeps with replicas at lower couplings (nubridge.BinaryField.sample), the same for the same `seed`: a
    quantity comes with its standard error from `sampled`. For a chain use nubridge.IsingChain, which is exact.

    >>> import nubridge
    >>> plane = nubridge.Lattice((4, 4), chains=400)
    >>> found = plane.sampled([0.0, 0.0])                  # free sites: 8 molecules, and a quarter of 24 pairs
    >>> bool((abs(found.mean - [8, 6]) < 4 * found.standard_errors).all())
    True
    """

    def __init__(
        self,
        shape: Sequence[int] | int,
        species: str = "A",
        boundary: str = "open",
        order: int = 2,
        sign: int = 1,
        *,
        chains: int = 1000,
        sweeps: int = 100,
        seed: int = 0,
    ) -> None:
        self.shape = (shape,) if isinstance(shape, int) else tuple(shape)
        least = order + 1 if boundary == "periodic" else 1
        if not 1 <= len(self.shape) <= 3 or min(self.shape) < least or boundary not in ("open", "periodic"):
            raise InvalidArgumentError(
                f"the lattice has the shape {self.shape} and the boundary {boundary!r}; it has one to three numbers of sites, "
                "and is open, or periodic with more sites along each than its order"
            )
        if order not in (1, 2, 3) or chains < 2:
            raise InvalidArgumentError(
                f"order is {order} and chains {chains}; order is 1, 2 or 3, and chains at least 2"
            )
        groups = [self._straight(length, boundary == "periodic") for length in range(1, order + 1)]
        names = [f"s{i}" for i in range(int(np.prod(self.shape)))]
        cliques = [tuple(names[site] for site in clique) for group in groups for clique in group]
        self.nu_names = tuple("_".join([species] * length) for length in range(1, order + 1))
        self.moment_names, self.sign = self.nu_names, sign
        self.chains, self.sweeps, self.seed = chains, sweeps, seed
        self._groups = [np.array(group, dtype=np.int64).reshape(-1, length) for length, group in enumerate(groups, 1)]
        #: The same law with a nu for every site, pair and row.
        self.field = BinaryField(names, cliques, sign)

    def __repr__(self) -> str:
        return f"<nubridge.Lattice: {' x '.join(map(str, self.shape))}, nu {', '.join(self.nu_names)}>"

    def observables(self, states: ArrayLike) -> Array:
        """X_a of states (... x sites, the last axis of the shape fastest)."""
        s = np.asarray(states)
        return np.stack([s[..., group].prod(axis=-1).sum(axis=-1) for group in self._groups], axis=-1)

    def sample(self, nu: ArrayLike, count: int, seed: int) -> Array:
        """`count` independent states of one nu, count x sites."""
        return self.field.sample(self._everywhere(self._one(nu)), count, seed, method="tempering", sweeps=self.sweeps)

    def sampled(self, nu: ArrayLike) -> SampledMoments:
        """Means and covariances of X at one nu."""
        x = self.observables(self.sample(nu, self.chains, self.seed))
        covariance = np.cov(x.T).reshape(len(self.nu_names), len(self.nu_names))
        return SampledMoments(x.mean(axis=0), covariance, self.chains)

    def moments(self, nu: ArrayLike) -> Array:
        """<X_a>; one row a row of nu."""
        given = rows(nu, "nu", len(self.nu_names))
        return self.sampled(given).mean if given.ndim == 1 else np.array([self.sampled(row).mean for row in given])

    def fisher(self, nu: ArrayLike) -> Array:
        """Cov(X_a, X_b) = sign d<X_a>/dnu_b."""
        given = rows(nu, "nu", len(self.nu_names))
        if given.ndim == 1:
            return self.sampled(given).covariance
        return np.array([self.sampled(row).covariance for row in given])

    def log_partition(self, nu: ArrayLike) -> float:
        """ln Z of one nu: N ln 2 and the integral of sign nu . <X> from nu = 0 (thermodynamic integration)."""
        given = self._one(nu)
        ways = 0.5 * (1 + _NODES)
        slopes = [self.sign * given @ self.sampled(way * given).mean for way in ways]
        return float(np.log(2) * np.prod(self.shape) + 0.5 * _WEIGHTS @ slopes)

    def from_moments(self, moments: ArrayLike) -> Array:
        """The nu whose means these are, within what `chains` chains tell: Newton's steps along persistent chains.

        Raises InvalidArgumentError for a density that is not between 0 and 1, NotConvergedError when no nu is found.
        """
        aim = self._one(moments, "moments")
        density = aim[0] / len(self._groups[0])
        if not 0 < density < 1:
            raise InvalidArgumentError(f"there are {density:g} molecules a site; the mean lies between 0 and 1")
        nu = np.zeros(len(aim))
        nu[0] = self.sign * np.log(density / (1 - density))
        states, kept = self.sample(nu, self.chains, self.seed), []
        for step in range(_SETTLE + _AVERAGE):
            x = self.observables(states)
            covariance = np.cov(x.T).reshape(len(nu), len(nu))
            move = np.linalg.solve(covariance + 1e-6 * np.diag(np.diagonal(covariance)), aim - x.mean(axis=0))
            shrink = 0.5 if step < _SETTLE else 0.5 * _SETTLE / (step + 1)
            nu = nu + self.sign * shrink * move * min(1.0, 1.0 / max(np.abs(move).max(), 1e-300))
            if not np.isfinite(nu).all():
                raise NotConvergedError(f"no nu has the means {aim}; check that they are of states of this lattice")
            states = self.field.move(self._everywhere(nu), states, self.seed, step=step + 1, sweeps=2)
            kept.append(nu)
        return np.mean(kept[_SETTLE:], axis=0)

    def _one(self, given: ArrayLike, what: str = "nu") -> Array:
        row = rows(given, what, len(self.nu_names))
        if row.ndim != 1:
            raise InvalidArgumentError(
                f"{what} has the shape {row.shape}; this is of one: pass {len(self.nu_names)} numbers"
            )
        return row

    def _everywhere(self, nu: Array) -> Array:
        return np.concatenate([np.full(len(group), value) for group, value in zip(self._groups, nu, strict=True)])

    def _straight(self, length: int, periodic: bool) -> list[tuple[int, ...]]:
        """Sites in straight rows of this length, along every axis."""
        sites = np.arange(int(np.prod(self.shape))).reshape(self.shape)
        if length == 1:
            return [(int(site),) for site in sites.ravel()]
        found = []
        for axis, place in itertools.product(range(sites.ndim), np.ndindex(self.shape)):
            row = [tuple(c + (k if a == axis else 0) for a, c in enumerate(place)) for k in range(length)]
            if periodic or row[-1][axis] < self.shape[axis]:
                found.append(tuple(int(sites[tuple(np.mod(one, self.shape))]) for one in row))
        return found
