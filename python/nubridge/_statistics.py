"""Statistics of runs that are not kept: accumulated in pieces, merged exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

#: Bins of a histogram, at most: beyond it two become one.
MOST_BINS = 4096
#: The covariances of all names at all times may take this much; beyond it the variances alone are kept.
MOST_COVARIANCE_BYTES = 64 * 2**20
#: Amounts that are no whole numbers are binned this much finer than one molecule.
FINEST = 1024


class Histogram:
    """How often an amount was met, at each time: `counts` is times x bins.

    A bin is one molecule, or 2, 4, 8 ... when more than MOST_BINS would be needed; of amounts that are no whole numbers
    it is 1/FINEST of a molecule or more. What it holds depends on the amounts only, not on their order or grouping.
    `quantum` is one molecule in the network's unit; `width` counts steps a bin, the first bin is number `low`.
    """

    def __init__(self, times: int, quantum: float, whole: bool) -> None:
        self.quantum, self.whole = quantum, whole
        self.width, self.low = 1, 0
        self.counts: NDArray[np.int64] = np.zeros((times, 0), np.int64)

    @property
    def edges(self) -> NDArray[np.float64]:
        """The bins' edges in the network's unit, one more than bins; a whole number lies amid its bin."""
        steps = (self.low + np.arange(self.counts.shape[1] + 1)) * self.width
        return (steps - 0.5) * self.quantum if self.whole else steps * (self.quantum / FINEST)

    def add(self, values: NDArray[np.float64]) -> None:
        """Counts amounts, runs x times."""
        steps = values / self.quantum
        steps = np.floor(steps + 0.5 if self.whole else steps * FINEST).astype(np.int64)
        self._cover(int(steps.min()), int(steps.max()))
        times, bins = self.counts.shape
        flat = steps // self.width - self.low + bins * np.arange(times)
        self.counts += np.bincount(flat.ravel(), minlength=times * bins).reshape(times, bins)

    def merge(self, other: Histogram) -> None:
        """Adds what the other counted."""
        bins = other.counts.shape[1]
        if bins == 0:
            return
        self._cover(other.low * other.width, (other.low + bins) * other.width - 1)
        self.widen(other.width)
        same = other.copy()
        same.widen(self.width)
        start = same.low - self.low
        self.counts[:, start : start + same.counts.shape[1]] += same.counts

    def widen(self, width: int) -> None:
        """Joins bins in pairs up to that width."""
        while self.width < width:
            before, bins = self.low % 2, self.counts.shape[1]
            padded = np.pad(self.counts, ((0, 0), (before, (before + bins) % 2)))
            self.counts = padded[:, ::2] + padded[:, 1::2]
            self.low, self.width = self.low // 2, self.width * 2

    def quantile(self, q: float) -> NDArray[np.float64]:
        """At each time; exact for bins of one whole number, within a bin's width else. Linear between the two nearest
        amounts, as numpy.quantile."""
        total = int(self.counts[0].sum())
        rank = q * (total - 1)
        below = int(rank)
        low, high = (self._ordered(min(number, total - 1)) for number in (below, below + 1))
        return low + (high - low) * (rank - below)

    def copy(self) -> Histogram:
        """Another with the same counts."""
        made = Histogram(len(self.counts), self.quantum, self.whole)
        made.width, made.low, made.counts = self.width, self.low, self.counts.copy()
        return made

    def _ordered(self, number: int) -> NDArray[np.float64]:
        """The amount of that number in ascending order, at each time: the middle of its bin."""
        bins = (np.cumsum(self.counts, axis=1) <= number).sum(axis=1)
        edges = self.edges
        return (edges[bins] + edges[bins + 1]) / 2

    def _cover(self, first: int, last: int) -> None:
        """Makes room for the steps from first to last, widening the bins when they are too many."""
        bins = self.counts.shape[1]
        if bins:
            first = min(first, self.low * self.width)
            last = max(last, (self.low + bins) * self.width - 1)
        width = self.width
        while last // width - first // width + 1 > MOST_BINS:
            width *= 2
        self.widen(width)
        low, high = first // width, last // width
        before = self.low - low if bins else 0
        self.counts = np.pad(self.counts, ((0, 0), (before, high - low + 1 - before - self.counts.shape[1])))
        self.low = low


class Statistics:
    """Number, mean, covariance, least and greatest amount of runs, at each time; histograms of some names.

    `mean`, `minimum` and `maximum` are times x names. `scatter` is the sum of squares about the mean: times x names x
    names, or times x names when that would take more than MOST_COVARIANCE_BYTES. `events` is their sum.
    """

    def __init__(
        self,
        values: NDArray[np.float64],
        events: int = 0,
        histograms: Mapping[int, tuple[float, bool]] | None = None,
    ) -> None:
        """Of runs x times x names; `histograms` has (quantum, whole) by the place of the name."""
        self.count, self.events = len(values), events
        self.mean = values.mean(axis=0)
        apart = values - self.mean
        names = values.shape[2]
        together = values.shape[1] * names**2 * 8 <= MOST_COVARIANCE_BYTES
        # Not by a matrix product: a library of those may order its sums by the number of threads.
        self.scatter = np.einsum("rtj,rtk->tjk" if together else "rtj,rtj->tj", *(apart, apart))
        self.minimum, self.maximum = values.min(axis=0), values.max(axis=0)
        self.histograms: dict[int, Histogram] = {}
        for place, (quantum, whole) in (histograms or {}).items():
            self.histograms[place] = Histogram(values.shape[1], quantum, whole)
            self.histograms[place].add(values[:, :, place])

    def merge(self, other: Statistics) -> None:
        """Adds what the other has seen (Chan, Golub, LeVeque 1983); the same bytes for the same order of the same pieces."""
        count = self.count + other.count
        apart = other.mean - self.mean
        product = apart[:, :, None] * apart[:, None, :] if self.scatter.ndim == 3 else apart**2
        self.scatter = self.scatter + other.scatter + product * (self.count * other.count / count)
        self.mean = self.mean + apart * (other.count / count)
        self.minimum = np.minimum(self.minimum, other.minimum)
        self.maximum = np.maximum(self.maximum, other.maximum)
        self.count, self.events = count, self.events + other.events
        for place, histogram in self.histograms.items():
            histogram.merge(other.histograms[place])

    @property
    def variance(self) -> NDArray[np.float64]:
        """times x names, over n - 1; 0 for one run."""
        diagonal = np.einsum("tjj->tj", self.scatter) if self.scatter.ndim == 3 else self.scatter
        return diagonal / max(self.count - 1, 1)

    def copy(self) -> Statistics:
        """Another that can be merged into without changing this one."""
        made = Statistics.__new__(Statistics)
        made.__dict__.update(self.__dict__)
        made.histograms = {place: histogram.copy() for place, histogram in self.histograms.items()}
        return made


def merged(pieces: Iterable[Statistics | None]) -> Statistics | None:
    """The pieces together, in their order; None are left out."""
    total: Statistics | None = None
    for piece in pieces:
        if total is None:
            total = piece.copy() if piece is not None else None
        elif piece is not None:
            total.merge(piece)
    return total
