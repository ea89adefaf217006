"""What a simulation gives back: the same type for every regime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ._statistics import Histogram, Statistics, merged
from .errors import InvalidArgumentError
from .network import Network

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

MOLECULES_PER_uM_um3 = 602.214076
#: Regimes whose amounts are whole molecules.
_WHOLE = ("ssa", "tau", "lattice", "grid-ssa")


def molecules(amounts_uM: NDArray[np.float64], volume_um3: float) -> NDArray[np.float64]:
    """Of concentrations; what rounding alone keeps from a whole number is one."""
    counts = amounts_uM * (MOLECULES_PER_uM_um3 * volume_um3)
    whole = np.rint(counts)
    return np.where(np.isclose(counts, whole, rtol=1e-12, atol=0.0), whole, counts)


def quantum(network: Network, settings: dict[str, Any]) -> tuple[float, bool]:
    """One molecule in the network's unit, and whether amounts are whole numbers of it."""
    if network.unit == "molecules":
        return 1.0, settings["regime"] in _WHOLE
    volume_um3 = settings["volume_um3"]
    if not volume_um3:
        return 1.0, False
    return 1.0 / (MOLECULES_PER_uM_um3 * volume_um3), settings["regime"] in _WHOLE


class Result:
    """Runs of a network at the times `t_s`, in the network's `unit`, or their statistics; the same for every regime.

    `values` is runs x times x names; where runs were not kept, `parts` holds their statistics instead. `settings` says
    how they were made, `events` counts reactions fired (or steps taken), `elapsed_s` is what it took, or None.

    >>> import nubridge
    >>> r = nubridge.simulate("decay", t_s=[0, 1], runs=100, seed=7)
    >>> r
    <Result of decay: ssa, 100 runs from seed 7, 2 times to 1 s, A in molecules>
    >>> r.mean("A").shape, float(r.maximum("A")[0])
    ((2,), 100.0)
    """

    def __init__(
        self,
        network: Network,
        t_s: NDArray[np.float64],
        names: tuple[str, ...],
        values: NDArray[np.float64] | None,
        settings: dict[str, Any],
        variances: NDArray[np.float64] | None = None,
    ) -> None:
        self.network, self.t_s, self.names, self.settings = network, t_s, names, settings
        self.unit: str = network.unit
        self.parts: tuple[Statistics | None, Statistics | None] | None = None
        self.statistics: Statistics | None = None
        self.elapsed_s: float | None = None
        self._events = 0
        self._values, self.variances = values, variances

    @classmethod
    def from_hdf5(cls, path: str | os.PathLike[str]) -> Result:
        """A result that `to_hdf5` or `simulate(output=...)` wrote; the network is in the file too."""
        from . import _store

        return _store.read(Path(path))

    def to_hdf5(self, path: str | os.PathLike[str]) -> None:
        """Writes all of it, with network, settings, units and versions, in place of a file of that name."""
        from . import _store

        _store.write(Path(path), self)

    def keep(self, values: NDArray[np.float64], variances: NDArray[np.float64] | None, events: int) -> None:
        """Takes these runs as its own."""
        self._values, self.variances, self._events = values, variances, events

    def keep_statistics(self, whole: Statistics | None, tail: Statistics | None) -> None:
        """Takes the statistics of all whole chunks of runs, and of the rest, in place of runs."""
        self.parts, self.statistics = (whole, tail), merged((whole, tail))

    @property
    def values(self) -> NDArray[np.float64]:
        """runs x times x names."""
        if self._values is None:
            raise InvalidArgumentError(
                f"the {self.runs} runs were not kept, only their statistics; "
                'pass keep="runs" to simulate, record fewer names or times, or use mean, std, covariance, histogram'
            )
        return self._values

    @property
    def runs(self) -> int:
        """How many."""
        if self._values is not None:
            return len(self._values)
        return 0 if self.statistics is None else self.statistics.count

    @property
    def events(self) -> int:
        """Reactions fired in all runs, or steps taken."""
        return self._events if self.statistics is None else self.statistics.events

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:5]) + (f", ... ({len(self.names)})" if len(self.names) > 5 else "")
        return f"<Result of {self.caption}, {len(self.t_s)} times to {self.t_s[-1]:g} s, {shown} in {self.unit}>"

    @property
    def caption(self) -> str:
        """Network, regime, runs, seed and volume in a few words."""
        runs = f"{self.runs} run{'' if self.runs == 1 else 's'}"
        chance = (
            "" if self.settings["regime"] in ("ode", "cme", "pde") else f", {runs} from seed {self.settings['seed']}"
        )
        volume = f", {self.settings['volume_um3']:g} um3" if self.settings["volume_um3"] else ""
        return f"{self.network.name}: {self.settings['regime']}{chance}{volume}"

    def place(self, name: str) -> int:
        """Where a name stands in the last axis of `values`."""
        if name not in self.names:
            raise InvalidArgumentError(f"{name!r} was not recorded; recorded are {', '.join(self.names[:20])}")
        return self.names.index(name)

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """runs x times of one name."""
        return self.values[:, :, self.place(name)]

    def mean(self, name: str) -> NDArray[np.float64]:
        """The mean over the runs, at each time."""
        place, statistics = self.place(name), self.statistics
        return self[name].mean(axis=0) if statistics is None else statistics.mean[:, place]

    def std(self, name: str) -> NDArray[np.float64]:
        """The standard deviation over the runs (n - 1), at each time; of the distribution itself for cme; else 0 for one run."""
        place, statistics = self.place(name), self.statistics
        if self.variances is not None:
            return np.sqrt(self.variances[0, :, place])
        if statistics is not None:
            return np.sqrt(statistics.variance[:, place])
        return self[name].std(axis=0, ddof=1) if self.runs > 1 else np.zeros(len(self.t_s))

    def covariance(self, name: str, other: str) -> NDArray[np.float64]:
        """Of two names over the runs (n - 1), at each time."""
        i, j, statistics = self.place(name), self.place(other), self.statistics
        if self.variances is not None and i != j:
            raise InvalidArgumentError("cme records variances alone; use ssa for the covariance of two names")
        if i == j:
            return self.std(name) ** 2
        if statistics is None:
            apart = [self[one] - self.mean(one) for one in (name, other)]
            return (apart[0] * apart[1]).sum(axis=0) / max(self.runs - 1, 1)
        if statistics.scatter.ndim == 2:
            raise InvalidArgumentError(
                f"the covariances of {len(self.names)} names would have taken too much; record fewer names"
            )
        return statistics.scatter[:, i, j] / max(self.runs - 1, 1)

    def minimum(self, name: str) -> NDArray[np.float64]:
        """The least amount met, at each time."""
        place, statistics = self.place(name), self.statistics
        return self[name].min(axis=0) if statistics is None else statistics.minimum[:, place]

    def maximum(self, name: str) -> NDArray[np.float64]:
        """The greatest amount met, at each time."""
        place, statistics = self.place(name), self.statistics
        return self[name].max(axis=0) if statistics is None else statistics.maximum[:, place]

    def quantile(self, name: str, q: float) -> NDArray[np.float64]:
        """A quantile over the runs, 0 <= q <= 1, at each time; where runs were not kept it comes from the histogram."""
        if not 0 <= q <= 1:
            raise InvalidArgumentError(f"the quantile is {q}; it lies between 0 and 1")
        if self._values is not None:
            return np.quantile(self[name], q, axis=0)
        return self._histogram(name).quantile(q)

    def histogram(self, name: str, t_s: float | None = None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Runs in each bin and the bins' edges, in the network's unit, at one of the times (default: the last).

        Whole molecules lie amid their bins; a bin is one molecule, or 2, 4, 8 ... when more than 4096 would be needed.
        """
        histogram = self._histogram(name)
        (times,) = np.nonzero(np.isclose(self.t_s, self.t_s[-1] if t_s is None else t_s, rtol=1e-9, atol=0))
        if len(times) == 0:
            raise InvalidArgumentError(f"nothing was recorded at {t_s} s; choose one of r.t_s")
        return histogram.counts[times[0]], histogram.edges

    def _histogram(self, name: str) -> Histogram:
        place = self.place(name)
        if self._values is not None:
            made = Histogram(len(self.t_s), *quantum(self.network, self.settings))
            made.add(self[name])
            return made
        histogram = self.statistics.histograms.get(place)
        if histogram is None:
            raise InvalidArgumentError(
                f"the runs were not kept and {name!r} has no histogram; pass histograms=[{name!r}] or "
                'keep="runs" to simulate'
            )
        return histogram

    def _volume_um3(self, what: str) -> float:
        if not self.settings["volume_um3"]:
            raise InvalidArgumentError(f"{what} need a volume: pass volume_um3 to simulate")
        return self.settings["volume_um3"]

    def counts(self, name: str) -> NDArray[np.float64]:
        """runs x times in molecules."""
        if self.unit == "molecules":
            return self[name]
        return molecules(self[name], self._volume_um3("molecules of a network in uM"))

    def concentration(self, name: str, unit: str = "uM") -> NDArray[np.float64]:
        """runs x times in uM, or mM or nM."""
        factors = {"mM": 1e-3, "uM": 1.0, "nM": 1e3}
        if unit not in factors:
            raise InvalidArgumentError(f"the unit {unit!r} is unknown; it is one of {', '.join(factors)}")
        if self.unit == "uM":
            return self[name] * factors[unit]
        return self[name] / (MOLECULES_PER_uM_um3 * self._volume_um3("concentrations of molecules")) * factors[unit]

    def plot(
        self,
        names: Sequence[str] | None = None,
        path: str | os.PathLike[str] | None = None,
        band: str = "std",
        trajectories: int = 5,
    ) -> Figure:
        """A panel a name: the mean, a band about it ("std", or "quantiles": 5 to 95 %) and a few runs; saved to `path`.

        Default: the first six observables, or species where there are none.
        """
        from ._result_figure import draw

        return draw(self, names, None if path is None else Path(path), band, trajectories)

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each run and time (the index), a column for each name; needs pandas."""
        pandas = _imported("pandas")
        index = pandas.MultiIndex.from_product([self._run_numbers(), self.t_s], names=["run", "t_s"])
        return pandas.DataFrame(self.values.reshape(-1, len(self.names)), index=index, columns=list(self.names))

    def to_xarray(self) -> xarray.Dataset:
        """A variable for each name, over run and t_s, with its unit; needs xarray."""
        xarray = _imported("xarray")
        variables = {name: (("run", "t_s"), self[name], {"units": self.unit}) for name in self.names}
        coordinates = {"run": self._run_numbers(), "t_s": ("t_s", self.t_s, {"units": "s"})}
        plain = {key: value for key, value in self.settings.items() if isinstance(value, str | int | float)}
        return xarray.Dataset(variables, coordinates, plain)

    def _run_numbers(self) -> NDArray[np.int64]:
        return self.settings.get("first_run", 0) + np.arange(self.runs)


def _imported(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise InvalidArgumentError(f"{name} is not installed: pip install {name}") from None
