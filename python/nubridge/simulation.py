"""One network, every accuracy: simulate for ensembles, Simulator for steps."""

from __future__ import annotations

import ctypes
import math
import os
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library
from ._ensemble import Ensemble, default_threads
from ._job import Job
from ._rates import Rates
from ._settings import DETERMINISTIC, is_pair, settings
from .errors import InvalidArgumentError
from .network import Network
from .results import Result, molecules
from .space import Space


def _network(source: Network | str | os.PathLike[str], parameters: Mapping[str, float] | None) -> Network:
    if isinstance(source, Network):
        if parameters:
            raise InvalidArgumentError(
                "parameters belong to the network: pass them to nubridge.Network(..., parameters=)"
            )
        return source
    return Network(source, parameters)


def _initial(network: Network, replaced: Mapping[str, float] | None) -> NDArray[np.float64]:
    amounts = np.array(list(network.initial.values()), dtype=np.float64)
    for name, amount in (replaced or {}).items():
        amounts[network.species_index(name)] = amount
    return amounts


def simulate(
    network: Network | str | os.PathLike[str],
    regime: str = "ssa",
    t_s: ArrayLike = 1.0,
    runs: int = 1,
    seed: int = 0,
    *,
    initial: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
    volume_um3: float | None = None,
    record: Sequence[str] | None = None,
    threads: int | None = None,
    first_run: int = 0,
    inputs: Mapping[str, Any] | None = None,
    space: Space | None = None,
    keep: str | None = None,
    histograms: Sequence[str] = (),
    output: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool | None = None,
    comm: Any = None,
    **accuracy: float,
) -> Result:
    """Runs a network from time 0 and records it at the times `t_s` (an end alone gives 101 times up to it).

    `regime` is well mixed: "cme" (the master equation), "ssa" (exact events), "tau", "langevin", "ode" (mass action); or in
    `space`: "lattice", "grid-ssa", "spde", "pde". One word changes the accuracy. Run i of a seed is the same for any number
    of threads and whatever ran before it. `initial` replaces amounts by name, `parameters` values by name; `record` names
    observables or species (default: all of both), on a lattice pairs of neighbours like "A-B" too. A network in uM needs
    `volume_um3` for whole molecules, unless its text says one (`network.volume_um3`). `inputs` drives species (clamped
    then) or parameters by name: a number, `(t_s, values)` held from each time to the next, a callable of t_s in the
    network's unit, a Waveform or a PulseTrain.
    `accuracy`: relative_tolerance, absolute_tolerance (ode, pde), step_s, epsilon (tau), max_states (cme).

    `keep` is "runs", or "statistics": mean, covariance, extremes, and `histograms` of the names that are asked for, so
    that a million runs take no room; by default runs are kept when they take at most 1 GiB. `output` is an HDF5 file
    that is readable at any moment. `resume` goes on with it to more runs in all; to a longer time every run is made
    again from 0 and the file replaced at the end. Either way the result is that of one straight call, to the byte.
    `progress` shows it (default: after 2 s, in a terminal). Ctrl-C raises Interrupted with what was finished. `comm` is
    a communicator of mpi4py: its ranks share the runs, and rank 0 has the result, the others one without runs.

    >>> import nubridge
    >>> exact = nubridge.simulate("decay", regime="ssa", t_s=[0, 1], runs=2000, seed=7)
    >>> mean_field = nubridge.simulate("decay", regime="ode", t_s=[0, 1])
    >>> abs(float(exact.mean("A")[1] - mean_field.mean("A")[1])) < 4 * float(exact.std("A")[1]) / 2000**0.5
    True
    >>> round(float(mean_field.mean("A")[1]), 5)
    36.78794
    """
    network = _network(network, parameters)
    times = times_of(t_s)
    if runs < 1 or first_run < 0:
        raise InvalidArgumentError(f"runs is {runs} and first_run {first_run}; pass runs >= 1 and first_run >= 0")
    if regime in DETERMINISTIC and runs != 1:
        raise InvalidArgumentError(f"runs is {runs}; there is no chance in {regime}: runs is 1")
    names = tuple(record) if record is not None else tuple(dict.fromkeys((*network.observables, *network.species)))
    if not names:
        raise InvalidArgumentError("record is empty; name at least one observable or species")
    volume_um3 = _volume_um3(network, volume_um3, space)
    names = tuple(sorted(names, key=lambda name: is_pair(network, name)))  # the library records pairs last
    options = {"volume_um3": volume_um3, "seed": seed, "run": first_run, "inputs": inputs, "space": space, **accuracy}
    amounts = _initial(network, initial)
    workers = threads if threads is not None else default_threads(comm)
    ensemble = Ensemble(network, regime, times, names, amounts, options, workers)
    job = Job(ensemble, runs, keep, tuple(histograms), None if output is None else Path(output), resume)
    return job.run(progress, comm)


def _volume_um3(network: Network, given: float | None, space: Space | None) -> float | None:
    return given if given is not None or space is not None else network.volume_um3


def times_of(t_s: ArrayLike) -> NDArray[np.float64]:
    """Times in s; an end alone gives 101 times up to it."""
    times = np.ascontiguousarray(t_s, dtype=np.float64)
    if np.ndim(t_s) == 0 and times > 0 and np.isfinite(times):
        return np.linspace(0.0, float(times[0]), 101)
    if np.ndim(t_s) != 1 or times.size == 0:
        raise InvalidArgumentError(f"t_s is {t_s}; pass an end > 0 in s, or a list of times")
    return times


class Simulator:
    """One run of a network, step by step: advance, read, change, go on. Changes act at once, exactly.

    The arguments are those of simulate. `inputs` that are callables are sampled ahead, up to `end_s`; beyond it the run
    does not go.

    >>> import nubridge
    >>> simulator = nubridge.Simulator("decay", "ode")
    >>> simulator.advance(1.0)
    >>> round(simulator["A"], 5)
    36.78794
    >>> simulator.add("A", 100)
    >>> simulator.set_rate("k", 0)
    >>> simulator.advance(2.0)
    >>> simulator.t_s, round(simulator["A"], 5)
    (2.0, 136.78794)
    """

    def __init__(
        self,
        network: Network | str | os.PathLike[str],
        regime: str = "ssa",
        *,
        initial: Mapping[str, float] | None = None,
        parameters: Mapping[str, float] | None = None,
        volume_um3: float | None = None,
        seed: int = 0,
        run: int = 0,
        inputs: Mapping[str, Any] | None = None,
        space: Space | None = None,
        end_s: float | None = None,
        **accuracy: float,
    ) -> None:
        self.network = _network(network, parameters)
        self._library = self.network._library
        self._rates = Rates(self.network)
        volume_um3 = _volume_um3(self.network, volume_um3, space)
        handle = ctypes.c_void_p()
        how = settings(
            self.network,
            regime,
            volume_um3=volume_um3,
            seed=seed,
            run=run,
            inputs=inputs,
            space=space,
            end_s=end_s,
            **accuracy,
        )
        self._volume_um3 = volume_um3
        self._sampled_to_s = end_s if any(callable(value) for value in (inputs or {}).values()) else math.inf
        status = self._library.nubridge_simulator_open(self.network._handle, ctypes.byref(how), ctypes.byref(handle))
        _library.check(self._library, status)
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_simulator_close, handle)
        self._amounts = np.empty(len(self.network.species))
        self._field_shape = () if space is None else space.field_shape
        if initial:
            self.restart(initial, run)

    def restart(self, initial: Mapping[str, float] | None = None, run: int = 0) -> None:
        """Back to time 0, the network's rate constants and the random numbers of `run`, with these amounts by name.

        >>> import nubridge
        >>> simulator = nubridge.Simulator("decay")
        >>> simulator.advance(1.0)
        >>> simulator.restart({"A": 5})
        >>> simulator.t_s, simulator["A"]
        (0.0, 5.0)
        """
        amounts = _initial(self.network, initial)
        status = self._library.nubridge_simulator_restart(self._handle, amounts.ctypes.data, run)
        _library.check(self._library, status)
        self._rates.reset()

    @property
    def t_s(self) -> float:
        """The time."""
        return self._library.nubridge_simulator_time(self._handle)

    @property
    def events(self) -> int:
        """Reactions fired, or steps of the ode."""
        return self._library.nubridge_simulator_events(self._handle)

    def advance(self, t_s: float) -> None:
        """To that time."""
        if t_s > self._sampled_to_s:
            raise InvalidArgumentError(
                f"cannot advance to {t_s} s: the inputs were sampled up to {self._sampled_to_s} s; pass a longer end_s"
            )
        _library.check(self._library, self._library.nubridge_simulator_advance(self._handle, t_s))

    @property
    def amounts(self) -> NDArray[np.float64]:
        """One amount a species, in the network's unit."""
        self._library.nubridge_simulator_amounts(self._handle, self._amounts.ctypes.data)
        return self._amounts.copy()

    @property
    def counts(self) -> dict[str, float]:
        """Molecules of each species, by name.

        >>> import nubridge
        >>> nubridge.Simulator("abc").counts
        {'A': 1000.0, 'B': 1000.0, 'C': 1000.0}
        """
        counts = self.amounts
        if self.network.unit == "uM":
            if not self._volume_um3:
                raise InvalidArgumentError("molecules of a network in uM need a volume: pass volume_um3 to Simulator")
            counts = molecules(counts, self._volume_um3)
        return dict(zip(self.network.species, counts.tolist(), strict=True))

    def __getitem__(self, name: str) -> float:
        """The amount of an observable or a species."""
        return float(self.network.weights(name) @ self.amounts)

    def __setitem__(self, name: str, amount: float) -> None:
        """Writes the amount of a species."""
        index = self.network.species_index(name)
        _library.check(self._library, self._library.nubridge_simulator_set_amount(self._handle, index, amount))

    def field(self, name: str) -> NDArray[np.float64]:
        """Where the molecules of a species are, in a regime with a space: axes (z, y, x) without the absent ones.

        Molecules, or uM in the cube; of a species on a face too, so that the sum (or the mean) is always `self[name]`.
        """
        field = np.empty(self._field_shape)
        index = self.network.species_index(name)
        _library.check(self._library, self._library.nubridge_simulator_field(self._handle, index, field.ctypes.data))
        return field

    def set_field(self, name: str, amounts: ArrayLike) -> None:
        """Puts a species where `amounts` says, in the shape and the unit of `field`; acts at once."""
        field = np.ascontiguousarray(amounts, dtype=np.float64)
        if field.shape != self._field_shape:
            raise InvalidArgumentError(
                f"the field of {name!r} has the shape {field.shape}; pass {self._field_shape}, axes (z, y, x)"
            )
        index = self.network.species_index(name)
        _library.check(
            self._library, self._library.nubridge_simulator_set_field(self._handle, index, field.ctypes.data)
        )

    def add(self, name: str, amount: float) -> None:
        """Adds to the amount of a species; of cme, in every state."""
        index = self.network.species_index(name)
        _library.check(self._library, self._library.nubridge_simulator_add(self._handle, index, amount))

    def distribution(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of cme: the values that an observable or a species can have, ascending, and their probabilities.

        >>> import nubridge
        >>> simulator = nubridge.Simulator("decay", "cme", initial={"A": 2})
        >>> simulator.advance(1.0)
        >>> values, probabilities = simulator.distribution("A")
        >>> values.tolist(), probabilities.round(5).tolist()
        ([0.0, 1.0, 2.0], [0.39958, 0.46509, 0.13534])
        """
        return self._distribution(self.network.weights(name))

    def _distribution(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of SUM weight amount, one weight a species."""
        room = ctypes.c_size_t()
        write = self._library.nubridge_simulator_distribution
        _library.check(self._library, write(self._handle, weights.ctypes.data, 0, ctypes.byref(room), None, None))
        values, probabilities = np.empty(room.value), np.empty(room.value)
        places = values.ctypes.data, probabilities.ctypes.data
        status = write(self._handle, weights.ctypes.data, room.value, ctypes.byref(room), *places)
        _library.check(self._library, status)
        return values, probabilities

    def set_distribution(self, amounts: Mapping[str, ArrayLike], probabilities: ArrayLike) -> None:
        """Of cme: from now on, the amounts of these species have these probabilities, which sum to 1.

        A species that is not named has its mean, rounded to whole molecules, in every state.

        >>> import nubridge
        >>> simulator = nubridge.Simulator("decay", "cme")
        >>> simulator.set_distribution({"A": [0, 10]}, [0.25, 0.75])
        >>> simulator["A"]
        7.5
        """
        shares = np.ascontiguousarray(probabilities, dtype=np.float64)
        states = np.tile(self.amounts, (len(shares), 1))
        for name, column in amounts.items():
            states[:, self.network.species_index(name)] = column
        write = self._library.nubridge_simulator_set_distribution
        _library.check(self._library, write(self._handle, len(shares), states.ctypes.data, shares.ctypes.data))

    @property
    def error_bound(self) -> float:
        """Of cme: the probability lost to states that are not kept; no probability is wrong by more.

        `absolute_tolerance`, 1e-12 unless given, is what one call of advance may lose.
        """
        bound = ctypes.c_double()
        status = self._library.nubridge_simulator_error_bound(self._handle, ctypes.byref(bound))
        _library.check(self._library, status)
        return bound.value

    @property
    def sites(self) -> NDArray[np.int32]:
        """The lattice, indexed [x], [y, x] or [z, y, x]: the index of the species on a site, -1 for an empty one.

        >>> import nubridge
        >>> ring = nubridge.Space((8,), periodic=True)
        >>> simulator = nubridge.Simulator("annihilation", "lattice", space=ring, initial={"A": 0})
        >>> simulator.sites = [0, 0, 0, -1, -1, 0, -1, 0]
        >>> simulator["A"], simulator.pairs("A", "A")
        (5.0, 3)
        """
        sites = np.empty(self._field_shape, np.int32)
        status = self._library.nubridge_simulator_sites(self._handle, sites.size, sites.ctypes.data)
        _library.check(self._library, status)
        return sites

    @sites.setter
    def sites(self, sites: ArrayLike) -> None:
        given = np.asarray(sites)
        if given.shape != self._field_shape or not np.issubdtype(given.dtype, np.integer):
            raise InvalidArgumentError(
                f"the sites are {given.dtype} of the shape {given.shape}; pass whole numbers of the shape {self._field_shape}"
            )
        kept = np.ascontiguousarray(given, np.int32)
        status = self._library.nubridge_simulator_set_sites(self._handle, kept.size, kept.ctypes.data)
        _library.check(self._library, status)

    def pairs(self, a: str | None, b: str | None) -> int:
        """Nearest neighbours on the lattice that hold `a` and `b`; None stands for an empty site."""
        held = [-1 if name is None else self.network.species_index(name) for name in (a, b)]
        count = ctypes.c_uint64()
        status = self._library.nubridge_simulator_pairs(self._handle, *held, ctypes.byref(count))
        _library.check(self._library, status)
        return count.value

    def set_rate(self, name: str, rate: float) -> None:
        """A new rate constant, by the name of a reaction, or of a parameter; parameters computed from it follow."""
        for index, k in self._rates.at(name, rate).items():
            _library.check(self._library, self._library.nubridge_simulator_set_rate(self._handle, index, k))
