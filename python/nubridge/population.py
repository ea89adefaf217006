"""Reduced models of patterns of 0 and 1, learned from spikes: population tracking and pairwise maximum entropy."""

from __future__ import annotations

import abc
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library
from ._arrays import Array, pointer
from ._ensemble import default_threads
from .errors import InvalidArgumentError, NotConvergedError
from .families import BinaryField
from .neural import MOST_ENUMERATED, Patterns, all_patterns, patterns_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Divergence(NamedTuple):
    """A divergence in nats; the standard error is 0 where it is exact."""

    nats: float
    standard_error: float


class PatternModel(abc.ABC):
    """A law of patterns of 0 and 1: probabilities, entropy, divergences, samples. Logarithms are natural."""

    #: How many units.
    size: int

    @abc.abstractmethod
    def log_probability(self, patterns: ArrayLike) -> Array:
        """ln p of each pattern (..., units)."""

    @abc.abstractmethod
    def entropy(self) -> float:
        """-SUM p ln p in nats, exactly."""

    @abc.abstractmethod
    def sample(self, count: int, seed: int = 0) -> Patterns:
        """`count` independent patterns (count x units); the same seed gives the same ones."""

    @abc.abstractmethod
    def _kl_of_a_kind(self, other: PatternModel) -> float | None:
        """KL(self || other) in closed form, or None where there is none."""

    def probabilities(self) -> Array:
        """p of all 2^N patterns, in the order of NeuralNetwork.states(); N is at most 14."""
        if self.size > MOST_ENUMERATED:
            raise InvalidArgumentError(
                f"the model has {self.size} units; all patterns are written out for at most {MOST_ENUMERATED}: use samples"
            )
        return np.exp(self.log_probability(all_patterns(self.size)))

    def kl(self, other: PatternModel, samples: int = 10_000, seed: int = 0) -> Divergence:
        """KL(self || other): exact between two models of a kind or for N <= 14, else the mean over `samples` of self."""
        self._require_same_size(other)
        exact = self._kl_of_a_kind(other)
        if exact is not None:
            return Divergence(exact, 0.0)
        if self.size <= MOST_ENUMERATED:
            return Divergence(other.kl_from(self.probabilities()), 0.0)
        drawn = self.sample(samples, seed)
        return _mean(self.log_probability(drawn) - other.log_probability(drawn))

    def js(self, other: PatternModel, samples: int = 10_000, seed: int = 0) -> Divergence:
        """The Jensen-Shannon divergence: exact for N <= 14, else from `samples` of each model."""
        self._require_same_size(other)
        if self.size <= MOST_ENUMERATED:
            p, q = self.probabilities(), other.probabilities()
            middle = (p + q) / 2
            return Divergence((_kl(p, np.log(middle)) + _kl(q, np.log(middle))) / 2, 0.0)
        halves = []
        for one, another, stream in ((self, other, seed), (other, self, seed + 1)):
            drawn = one.sample(samples, stream)
            own = one.log_probability(drawn)
            halves.append(_mean(own - np.logaddexp(own, another.log_probability(drawn)) + np.log(2)))
        return Divergence(
            (halves[0].nats + halves[1].nats) / 2, float(np.hypot(*(half.standard_error for half in halves))) / 2
        )

    def kl_from(self, p: ArrayLike) -> float:
        """KL(p || self) of a distribution over all 2^N states, such as NeuralNetwork.steady_state()."""
        given = np.asarray(p, dtype=np.float64)
        if given.shape != (2**self.size,) or self.size > MOST_ENUMERATED:
            raise InvalidArgumentError(
                f"p has the shape {given.shape}; it is a distribution over the 2^{self.size} states of the model's units, "
                f"of which there are at most {MOST_ENUMERATED}"
            )
        return _kl(given, self.log_probability(all_patterns(self.size)))

    def _require_same_size(self, other: PatternModel) -> None:
        if other.size != self.size:
            raise InvalidArgumentError(
                f"the models have {self.size} and {other.size} units; they must be the same ones"
            )


class PopulationTracking(PatternModel):
    """Population tracking: the law of the number K of active units, and how each unit goes with K.

    p(s) = p(K) exp(SUM_i h_Ki s_i) / Z_K for the patterns with K active: given K, units are independent but for their
    number (O'Donnell, Goncalves, Whiteley, Portera-Cailliau and Sejnowski, Neural Comput 29:50, 2017). Z_K is summed
    exactly, in a time of N K, for thousands of units. `count_p` is p(K) for K = 0 to N, `h` (N + 1 x N) the log odds; they
    are all that a model is, to be kept by numpy.savez.

    >>> import nubridge
    >>> model = nubridge.PopulationTracking([0.5, 0.25, 0.25], [[0, 0], [1.0, 0.0], [0, 0]])
    >>> model.probabilities().round(4)                       # of 00, 10, 01, 11
    array([0.5   , 0.1828, 0.0672, 0.25  ])
    >>> model.activity[1].round(4), round(model.entropy(), 4)
    (array([0.7311, 0.2689]), 1.1853)
    """

    def __init__(self, count_p: ArrayLike, h: ArrayLike) -> None:
        #: p(K) for K = 0 to N.
        self.count_p = np.array(count_p, dtype=np.float64)
        #: The log odds of each unit beside the others, a row for each K.
        self.h = np.array(h, dtype=np.float64)
        self.size = len(self.count_p) - 1
        if self.size < 1 or self.h.shape != (self.size + 1, self.size):
            raise InvalidArgumentError(
                f"count_p has the shape {self.count_p.shape} and h {self.h.shape}; for N units they are (N + 1,) and (N + 1, N)"
            )
        if not (np.all(self.count_p >= 0) and abs(self.count_p.sum() - 1) <= 1e-9):
            raise InvalidArgumentError(
                f"count_p sums to {self.count_p.sum():g}; it is not negative and sums to 1 within 1e-9: normalise it"
            )
        #: ln Z_K, and the probability of each unit to be active given K (N + 1 x N).
        self.log_partition, self.activity = fixed_counts(np.arange(self.size + 1), self.h)

    def __repr__(self) -> str:
        return f"<nubridge.PopulationTracking: {self.size} units>"

    @classmethod
    def fit(
        cls,
        patterns: ArrayLike,
        *,
        weights: ArrayLike | None = None,
        count_prior: float = 0.01,
        unit_prior: float | None = None,
    ) -> PopulationTracking:
        """Learns from patterns (..., units) of 0 and 1, at least N + 1 of them.

        `weights` says how often each was seen (default: once). The priors are `count_prior` patterns with each K, as in
        the paper, and for every K `unit_prior` patterns of independent units that have the means of all patterns: where
        K was seen rarely, the units stay as they mostly are. By default there are as many as the spread of the units'
        means between the K says (the moments of a beta-binomial law); the paper has 3, of units that are all alike. The
        units' means given K are then matched exactly, where the paper takes the means of the free units for them.

        >>> import nubridge
        >>> network = nubridge.NeuralNetwork([[0, 2], [2, 0]], decay_per_s=10, max_rate_per_s=40, threshold=2)
        >>> model = nubridge.PopulationTracking.fit(network.states(), weights=1e6 * network.steady_state())
        >>> bool(model.kl_from(network.steady_state()) < 1e-9)
        True
        """
        if not (count_prior > 0 and (unit_prior is None or unit_prior > 0)):
            raise InvalidArgumentError(
                f"count_prior is {count_prior} and unit_prior {unit_prior}; both are positive, or laws without samples have no fit"
            )
        rows, seen = _weighted(patterns, weights)
        size = rows.shape[1]
        _require_samples(seen, size + 1, f"population tracking of {size} units")
        active = rows.sum(axis=1, dtype=np.int64)
        counted = np.bincount(active, seen, size + 1)
        means = (seen @ rows + 0.5) / (seen.sum() + 1)
        h = np.tile(np.log(means) - np.log1p(-means), (size + 1, 1))
        counts = np.flatnonzero(counted[1:-1]) + 1
        sums = np.array([seen[active == k] @ rows[active == k] for k in counts]).reshape(len(counts), size)
        alone, times = fixed_counts(counts, h[counts])[1], counted[counts, None]
        added = _patterns_to_add(times, sums, alone) if unit_prior is None else unit_prior
        h[counts] = _matched(counts, (sums + added * alone) / (times + added), h[counts])
        return cls((counted + count_prior) / (counted + count_prior).sum(), h)

    def log_probability(self, patterns: ArrayLike) -> Array:
        given = patterns_of(patterns, self.size)
        rows = given.reshape(-1, self.size)
        active = rows.sum(axis=1, dtype=np.int64)
        found = _log(self.count_p)[active] - self.log_partition[active]
        for k in np.unique(active):
            chosen = active == k
            found[chosen] += rows[chosen] @ self.h[k]
        return found.reshape(given.shape[:-1])

    def entropy(self) -> float:
        given_count = self.log_partition - np.einsum("ki,ki->k", self.h, self.activity)
        return float(self.count_p @ (given_count - np.where(self.count_p > 0, _log(self.count_p), 0.0)))

    def _kl_of_a_kind(self, other: PatternModel) -> float | None:
        if not isinstance(other, PopulationTracking):
            return None
        inside = np.einsum("ki,ki->k", self.h - other.h, self.activity) - self.log_partition + other.log_partition
        return _kl(self.count_p, _log(other.count_p)) + float(self.count_p @ inside)

    def sample(self, count: int, seed: int = 0) -> Patterns:
        cumulated = np.cumsum(self.count_p)
        uniform = np.random.Generator(np.random.Philox(seed)).random(count) * cumulated[-1]
        active = np.searchsorted(cumulated, uniform, side="right").clip(0, self.size)
        order, drawn, begin = np.argsort(active, kind="stable"), np.empty((count, self.size), np.uint8), 0
        library = _library.library()
        for k, many in zip(*np.unique(active, return_counts=True), strict=True):
            place = (pointer(self.h[k]), seed, begin, int(many), pointer(drawn[begin:]))
            _library.check(library, library.nubridge_fixed_count_sample(self.size, int(k), *place))
            begin += int(many)
        found = np.empty_like(drawn)
        found[order] = drawn
        return found


class PairwiseMaxEnt(PatternModel):
    """Pairwise maximum entropy on a graph: p(s) = exp(SUM_i nu_i s_i + SUM_(i,j) nu_ij s_i s_j) / Z, by BinaryField.

    Exact for any graph of up to about 20 units, and for thousands on a graph that is loosely knit, such as a tree.
    """

    def __init__(self, family: BinaryField, pairs: NDArray[np.int64], nu: Array) -> None:
        self.family, self.pairs, self.nu = family, pairs, nu
        self.size = family.state_size

    def __repr__(self) -> str:
        return f"<nubridge.PairwiseMaxEnt: {self.size} units, {len(self.pairs)} pairs>"

    @classmethod
    def fit(
        cls,
        patterns: ArrayLike,
        pairs: Iterable[tuple[int, int]] | None = None,
        *,
        weights: ArrayLike | None = None,
        prior: float = 1.0,
    ) -> PairwiseMaxEnt:
        """Learns from patterns (..., units) of 0 and 1, at least as many as units and pairs.

        `pairs` are the edges of the graph, by number; all unless said. `weights` says how often each pattern was seen
        (default: once). The prior is `prior` patterns of independent units with the means seen, so that every pattern
        stays possible.

        >>> import nubridge
        >>> model = nubridge.PairwiseMaxEnt.fit([[0, 0], [1, 1], [1, 1], [0, 1]], prior=1e-6)
        >>> model.probabilities().round(3)                   # of 00, 10, 01, 11
        array([0.25, 0.  , 0.25, 0.5 ])
        """
        if not prior > 0:
            raise InvalidArgumentError(f"prior is {prior}; it is positive, or patterns never seen are impossible")
        rows, seen = _weighted(patterns, weights)
        size = rows.shape[1]
        edges = _edges(pairs, size)
        _require_samples(seen, size + len(edges), f"{size} units and {len(edges)} pairs")
        names = [str(unit) for unit in range(size)]
        family = BinaryField(names, [(name,) for name in names] + [(names[i], names[j]) for i, j in edges])
        floats = rows.astype(np.float64)
        means = (seen @ floats + prior / 2) / (seen.sum() + prior)
        together = (floats.T @ (seen[:, None] * floats))[edges[:, 0], edges[:, 1]]
        joint = (together + prior * means[edges[:, 0]] * means[edges[:, 1]]) / (seen.sum() + prior)
        return cls(family, edges, family.from_moments(np.concatenate([means, joint])))

    def log_probability(self, patterns: ArrayLike) -> Array:
        given = patterns_of(patterns, self.size).astype(np.float64)
        coupled = given[..., self.pairs[:, 0]] * given[..., self.pairs[:, 1]]
        energy = given @ self.nu[: self.size] + coupled @ self.nu[self.size :]
        return energy - self.family.log_partition(self.nu)

    def entropy(self) -> float:
        return float(self.family.log_partition(self.nu) - self.nu @ self.family.moments(self.nu))

    def _kl_of_a_kind(self, other: PatternModel) -> float | None:
        if not isinstance(other, PairwiseMaxEnt) or not np.array_equal(self.pairs, other.pairs):
            return None
        change = (self.nu - other.nu) @ self.family.moments(self.nu)
        return float(change - self.family.log_partition(self.nu) + other.family.log_partition(other.nu))

    def sample(self, count: int, seed: int = 0) -> Patterns:
        return self.family.sample(self.nu, count, seed).astype(np.uint8)


def plot(
    spikes: ArrayLike,
    t_s: ArrayLike,
    models: Mapping[str, PatternModel],
    exact: ArrayLike | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Figure:
    """Spikes (runs x times x units) at the times `t_s` and up to four models by name: activity in time, p(K), each pattern.

    `exact` is the distribution over all states, of at most 14 units. Of more units the last panel compares the means of
    the units. The figure is written to `path` if that is given.
    """
    given, times = patterns_of(spikes), np.asarray(t_s, np.float64)
    if given.ndim != 3 or given.shape[1] != times.size or given.size == 0:
        raise InvalidArgumentError(
            f"spikes has the shape {given.shape} for {times.size} times; it is (runs, times, units), as simulate gives it"
        )
    if len(models) > 4:
        raise InvalidArgumentError(f"there are {len(models)} models; the figure tells four apart: draw two figures")
    from . import _population_figure
    from ._result_figure import save

    made = _population_figure.draw(given, times, models, None if exact is None else np.asarray(exact, np.float64))
    if path is not None:
        save(made, Path(path))
    return made


def fixed_counts(counts: ArrayLike, h: Array) -> tuple[Array, Array]:
    """Units of which exactly K are active, else independent with the log odds h: ln Z and the units' probabilities.

    `counts` is a K for each row of `h` (rows x units).
    """
    many, wanted = np.ascontiguousarray(h, np.float64), np.ascontiguousarray(counts, np.uintp)
    log_z, activity = np.empty(len(many)), np.empty_like(many)
    places = (pointer(wanted), pointer(many), default_threads(None), pointer(log_z), pointer(activity))
    library = _library.library()
    _library.check(library, library.nubridge_fixed_count(len(many), many.shape[1], *places))
    return log_z, activity


def _patterns_to_add(times: Array, sums: Array, alone: Array) -> float:
    """The strength of the prior, a + b of a beta-binomial law with the means `alone`, by its second moment.

    Of `times` patterns (counts x 1), `sums` (counts x units) are active; their variance is n p q (1 + (n - 1) / (a + b + 1)).
    """
    spread = (sums - times * alone) ** 2 / (alone * (1 - alone)) - times
    pairs = alone.shape[1] * np.sum(times * np.maximum(times - 1, 0))
    share = np.sum(spread) / pairs if pairs > 0 else 0.0
    return 1 / np.clip(share, 1e-6, 0.5) - 1


def _matched(counts: NDArray[np.int64], targets: Array, begin: Array) -> Array:
    """The log odds whose probabilities given K are `targets` (rows sum to K), searched from `begin`.

    A Newton step with the diagonal of the Jacobian; its eigenvalues are at most 2 of those, so that half a step is sure.
    """
    wanted = np.log(targets) - np.log1p(-targets)
    h, open_rows = begin.copy(), np.arange(len(counts))
    step, error = np.ones(len(counts)), np.full(len(counts), np.inf)
    for _ in range(300):
        if open_rows.size == 0:
            return h
        found = fixed_counts(counts[open_rows], h[open_rows])[1]
        change = wanted[open_rows] - (np.log(found) - np.log1p(-found))
        now = np.abs(change).max(axis=1)
        step[open_rows[now > 0.5 * error[open_rows]]] = 0.5
        error[open_rows] = now
        h[open_rows] += step[open_rows, None] * change
        open_rows = open_rows[now > 1e-8]
    raise NotConvergedError(
        f"the units' means given K = {counts[open_rows[0]]} are still off by {error.max():g} in log odds; "
        "raise unit_prior, or leave out units that are always or never active"
    )


def _weighted(patterns: ArrayLike, weights: ArrayLike | None) -> tuple[Patterns, Array]:
    """Patterns as rows, and how often each was seen."""
    given = patterns_of(patterns)
    rows = given.reshape(-1, given.shape[-1])
    if given.ndim < 2 or rows.shape[1] == 0:
        raise InvalidArgumentError(f"the patterns have the shape {given.shape}; they are rows (patterns, units)")
    if weights is None:
        return rows, np.ones(len(rows))
    seen = np.asarray(weights, dtype=np.float64)
    if seen.shape != given.shape[:-1] or not np.all((seen >= 0) & np.isfinite(seen)):
        raise InvalidArgumentError(
            f"weights has the shape {seen.shape} for patterns of {given.shape}; it is one number a pattern, finite and not negative"
        )
    return rows, seen.ravel()


def _require_samples(seen: Array, needed: int, what: str) -> None:
    if seen.sum() < needed:
        raise InvalidArgumentError(f"there are {seen.sum():g} patterns; {what} need at least {needed}: record more")


def _edges(pairs: Iterable[tuple[int, int]] | None, size: int) -> NDArray[np.int64]:
    if pairs is None:
        return np.stack(np.triu_indices(size, 1), axis=1)
    edges = np.sort(np.array([*pairs], dtype=np.int64).reshape(-1, 2), axis=1)
    wrong = edges[(edges[:, 0] < 0) | (edges[:, 1] >= size) | (edges[:, 0] == edges[:, 1])]
    if len(wrong):
        raise InvalidArgumentError(f"({wrong[0, 0]}, {wrong[0, 1]}) is no pair; name two of the units 0 to {size - 1}")
    return edges


def _log(p: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(p)


def _kl(p: Array, log_q: Array) -> float:
    """SUM p (ln p - ln q) over p > 0."""
    some = p > 0
    return float(p[some] @ (np.log(p[some]) - log_q[some]))


def _mean(values: Array) -> Divergence:
    return Divergence(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))))
