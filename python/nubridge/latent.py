"""Gaussian laws with latent factors: many variables by a few, and how reactions move their parameters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array
from .closure import Closure
from .errors import InvalidArgumentError
from .families import Gaussian
from .network import Network


@dataclass(frozen=True)
class LatentGaussian:
    """x = bias + latent_weights^T z + noise: visible variables x by fewer latent ones z that are independent normal variables.

    `weights` is latent x visible, `bias` one a visible variable, `noise` the variance of the rest, the same for each. z has
    the means `latent_mean` and the variances `latent_variance`, 0 and 1 in the standard gauge. The parameters are those of
    probabilistic principal components, and of dynamic Boltzmann machines with hidden species (Ernst et al., phys_dbd).

    >>> import numpy as np, nubridge
    >>> law = nubridge.LatentGaussian(("Ca", "IP3"), ("z",), weights=[[0.8, 0.1]], bias=[0.3, -0.2], noise=0.05)
    >>> law.covariance.round(3)
    array([[0.69, 0.08, 0.8 ],
           [0.08, 0.06, 0.1 ],
           [0.8 , 0.1 , 1.  ]])
    """

    visible: tuple[str, ...]
    latent: tuple[str, ...]
    weights: Array
    bias: Array
    noise: float
    latent_mean: Array | None = None
    latent_variance: Array | None = None

    def __post_init__(self) -> None:
        many, few = len(self.visible), len(self.latent)
        mean = np.zeros(few) if self.latent_mean is None else self.latent_mean
        variance = np.ones(few) if self.latent_variance is None else self.latent_variance
        for name, given, shape in (
            ("latent_mean", mean, (few,)),
            ("latent_variance", variance, (few,)),
            ("weights", self.weights, (few, many)),
            ("bias", self.bias, (many,)),
        ):
            array = np.array(given, dtype=np.float64)
            if name == "latent_variance" and not (self.noise > 0 and (array > 0).all()):
                raise InvalidArgumentError(f"noise is {self.noise} and latent_variance {array}; both are positive")
            if array.shape != shape or not np.isfinite(array).all():
                raise InvalidArgumentError(
                    f"{name} has the shape {array.shape}; it is {shape} and finite: pass one row a latent variable"
                )
            object.__setattr__(self, name, array)

    @classmethod
    def from_samples(cls, visible: Sequence[str], latent: Sequence[str], samples: ArrayLike) -> LatentGaussian:
        """The most likely law of samples (rows of visible variables), in the standard gauge (Tipping and Bishop 1999).

        The weights are the first principal components, each with a sum that is not positive. Raises InvalidArgumentError for
        fewer samples than variables + 1, or as many latent variables as visible ones.
        """
        x, many, few = np.atleast_2d(np.asarray(samples, dtype=np.float64)), len(visible), len(latent)
        if x.shape[1] != many or len(x) <= many or not 0 < few < many or not np.isfinite(x).all():
            raise InvalidArgumentError(
                f"the samples have the shape {x.shape}; {few} latent variables of {many} need more than {many} finite rows "
                f"of {many} numbers, and fewer latent variables than visible ones"
            )
        values, vectors = np.linalg.eigh(np.cov(x.T, bias=True))
        noise = float(values[: many - few].mean())
        kept = vectors[:, ::-1][:, :few]
        kept = kept * np.where(kept.sum(axis=0) > 0, -1.0, 1.0)
        weights = (kept * np.sqrt(values[::-1][:few] - noise)).T
        return cls(tuple(visible), tuple(latent), weights, x.mean(axis=0), noise)

    def in_gauge(self, latent_mean: ArrayLike, latent_variance: ArrayLike) -> LatentGaussian:
        """The same law of the visible variables with other means and variances of the latent ones."""
        mean, variance = np.asarray(latent_mean, dtype=np.float64), np.asarray(latent_variance, dtype=np.float64)
        weights = np.sqrt(self.latent_variance / variance)[:, None] * self.weights
        bias = self.bias + self.weights.T @ self.latent_mean - weights.T @ mean
        return LatentGaussian(self.visible, self.latent, weights, bias, self.noise, mean, variance)

    @property
    def mean(self) -> Array:
        """Of the visible variables, then of the latent ones."""
        return np.concatenate([self.bias + self.weights.T @ self.latent_mean, self.latent_mean])

    @property
    def covariance(self) -> Array:
        """Of all variables, in the same order."""
        loaded = self.latent_variance[:, None] * self.weights
        seen = self.weights.T @ loaded + self.noise * np.eye(len(self.visible))
        return np.block([[seen, loaded.T], [loaded, np.diag(self.latent_variance)]])

    def rates(self, network: Network) -> LatentRates:
        """How fast each reaction of a network on all the variables moves the parameters of the standard gauge, per s.

        The network's species are the variables, visible and latent; the maximum-entropy closure on the normal law gives the
        rates of the means and covariances, which are carried over to weights, bias and noise. With several latent variables
        their covariance is taken as diagonal, as the parameters have it.
        """
        names = (*self.visible, *self.latent)
        family = Gaussian(names)
        mean, covariance = self.mean, self.covariance
        upper = np.triu_indices(len(names))
        # family.nu_names: x_i, then x_i x_j for i <= j
        nu = family.from_moments(np.concatenate([mean, (covariance + np.outer(mean, mean))[upper]]))
        closure = Closure(network, family)
        moving = -closure.terms(nu) @ family.fisher(nu)
        made = [self._carried(row[: len(names)], row[len(names) :], upper) for row in moving]
        weights, bias, noise = (np.array(part) for part in zip(*made, strict=True))
        return LatentRates(closure.term_names, weights, bias, noise)

    def _carried(self, mean_rate: Array, second_rate: Array, upper: tuple[Array, Array]) -> tuple[Array, Array, float]:
        """Rates of (weights, bias, noise) of the standard gauge from those of <x_i> and <x_i x_j>."""
        many, variance = len(self.visible), self.latent_variance
        n = np.zeros((len(self.mean),) * 2)
        n[upper] = second_rate
        n = n + n.T - np.diag(np.diag(n))
        moved = n - np.outer(mean_rate, self.mean) - np.outer(self.mean, mean_rate)
        spread = np.diag(np.diag(moved[many:, many:]))  # C'
        turned = (moved[many:, :many] - spread @ self.weights) / variance[:, None]  # weights' in this gauge
        root = np.sqrt(variance)[:, None]
        weights = 0.5 / root * (spread @ self.weights) + root * turned
        explained = 2 * np.einsum("kv,k,kv", turned, variance, self.weights)
        explained += np.einsum("kv,k,kv", self.weights, np.diag(spread), self.weights)
        return weights, mean_rate[:many], float(np.trace(moved[:many, :many]) - explained) / many


@dataclass(frozen=True)
class LatentRates:
    """One row a reaction: d weights/dt (latent x visible), d bias/dt, d noise/dt, each at its own rate constant."""

    term_names: tuple[str, ...]
    weights: Array
    bias: Array
    noise: Array


def fourier_series(
    t: ArrayLike, frequencies: Iterable[float], sines: ArrayLike, cosines: ArrayLike, offset: float = 0.0
) -> Array:
    """offset + SUM_l (s_l sin f_l t + c_l cos f_l t) / max(1, SUM |s| + |c| + 1e-8): bounded by 1 around the offset.

    How latent means and variances are let move in time. `frequencies` are angular, in the unit of 1/t.

    >>> round(float(fourier_series(2.0, (1, 2, 3), (1, 5, 4), (1, 2, 4))), 12)
    -0.110301763122
    """
    angles = np.multiply.outer(np.asarray(t, dtype=np.float64), np.asarray(tuple(frequencies), dtype=np.float64))
    s, c = np.asarray(sines, dtype=np.float64), np.asarray(cosines, dtype=np.float64)
    return offset + (np.sin(angles) @ s + np.cos(angles) @ c) / max(1.0, np.abs(s).sum() + np.abs(c).sum() + 1e-8)
