"""One network, every accuracy: simulate for ensembles, Simulator for steps."""

from __future__ import annotations

import ctypes
import math
import os
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library
from ._settings import DETERMINISTIC, settings
from .errors import InvalidArgumentError
from .network import Network
from .results import Result
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
    **accuracy: float,
) -> Result:
    """Runs a network from time 0 and records it at the times `t_s` (an end alone gives 101 times up to it).

    `regime` is "ssa" (exact events) or "ode" (mass action); one word changes the accuracy. Run i of a seed is the same
    for any number of threads and whatever ran before it. `initial` replaces amounts by name, `parameters` values by
    name; `record` names observables or species (default: all of both). A network in uM needs `volume_um3` for whole
    molecules. `inputs` drives species (clamped then) or parameters by name: a number, `(t_s, values)` held from each time
    to the next, a callable of t_s in the network's unit, a Waveform or a PulseTrain. `space` is where the spatial regimes live.
    `accuracy`: relative_tolerance, absolute_tolerance (ode, pde), step_s, epsilon (tau), max_states (cme).

    >>> import nubridge
    >>> exact = nubridge.simulate("decay", regime="ssa", t_s=[0, 1], runs=2000, seed=7)
    >>> mean_field = nubridge.simulate("decay", regime="ode", t_s=[0, 1])
    >>> abs(float(exact.mean("A")[1] - mean_field.mean("A")[1])) < 4 * float(exact.std("A")[1]) / 2000**0.5
    True
    >>> round(float(mean_field.mean("A")[1]), 5)
    36.78794
    """
    network = _network(network, parameters)
    times = np.atleast_1d(np.ascontiguousarray(t_s, dtype=np.float64))
    times = np.linspace(0.0, times[0], 101) if np.ndim(t_s) == 0 else times
    if times.ndim != 1 or runs < 1 or first_run < 0:
        raise InvalidArgumentError(
            f"t_s has the shape {times.shape}, runs is {runs}; pass a list of times and runs >= 1"
        )
    if regime in DETERMINISTIC and runs != 1:
        raise InvalidArgumentError(f"runs is {runs}; there is no chance in {regime}: runs is 1")
    names = tuple(record) if record is not None else tuple(dict.fromkeys((*network.observables, *network.species)))
    weights = np.ascontiguousarray([network.weights(name) for name in names])
    if not names:
        raise InvalidArgumentError("record is empty; name at least one observable or species")
    values = np.empty((runs, len(times), len(names)))
    variances = np.empty_like(values) if regime == "cme" else None
    amounts = _initial(network, initial)
    workers = threads if threads is not None else len(os.sched_getaffinity(0))
    how = settings(
        network,
        regime,
        volume_um3=volume_um3,
        seed=seed,
        run=first_run,
        inputs=inputs,
        space=space,
        end_s=float(times[-1]),
        **accuracy,
    )
    status = network._library.nubridge_ensemble(
        network._handle,
        ctypes.byref(how),
        runs,
        workers,
        amounts.ctypes.data,
        len(times),
        times.ctypes.data,
        len(names),
        weights.ctypes.data,
        values.ctypes.data,
        None if variances is None else variances.ctypes.data,
    )
    _library.check(network._library, status)
    said = {"regime": regime, "seed": seed, "first_run": first_run, "volume_um3": volume_um3}
    return Result(network, times, names, values, said, variances)


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
        self._reactions = self.network.reactions
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
        self._sampled_to_s = end_s if any(callable(value) for value in (inputs or {}).values()) else math.inf
        status = self._library.nubridge_simulator_open(self.network._handle, ctypes.byref(how), ctypes.byref(handle))
        _library.check(self._library, status)
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_simulator_close, handle)
        self._amounts = np.empty(len(self.network.species))
        self._readers: dict[str, tuple[list[int], list[float] | None]] = {}
        self._replaced: dict[str, float] = {}
        if initial:
            amounts = _initial(self.network, initial)
            _library.check(self._library, self._library.nubridge_simulator_restart(handle, amounts.ctypes.data, run))

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

    def __getitem__(self, name: str) -> float:
        """The amount of an observable or a species."""
        return float(self.network.weights(name) @ self.amounts)

    def __setitem__(self, name: str, amount: float) -> None:
        """Writes the amount of a species."""
        index = self.network.species_index(name)
        _library.check(self._library, self._library.nubridge_simulator_set_amount(self._handle, index, amount))

    def add(self, name: str, amount: float) -> None:
        """Adds to the amount of a species."""
        self[name] = float(self.amounts[self.network.species_index(name)]) + amount

    def set_rate(self, name: str, rate: float) -> None:
        """A new rate constant, by the name of a reaction, or of a parameter; parameters computed from it follow."""
        chosen = {i: rate for i, one in enumerate(self._reactions) if one.name == name}
        for index, k in (chosen or self._rates_with(name, rate)).items():
            _library.check(self._library, self._library.nubridge_simulator_set_rate(self._handle, index, k))

    def _rates_with(self, name: str, value: float) -> dict[int, float]:
        """The rate constants that read a parameter, by reaction, at a value of it."""
        if name not in self._readers:
            self._readers[name] = self._readers_of(name)
        indices, factors = self._readers[name]
        if factors is not None:
            rates = [factor * value for factor in factors]
        else:
            fresh = self.network.with_parameters({**self._replaced, name: value}).rates
            rates = [fresh[i] for i in indices]
        self._replaced[name] = value
        return dict(zip(indices, rates, strict=True))

    def _readers_of(self, name: str) -> tuple[list[int], list[float] | None]:
        """The reactions whose rate constant reads a parameter, and their factors when no other parameter does."""
        before = self.network.parameters.get(name)
        if before is None:
            raise InvalidArgumentError(f"{self.network.name} has no reaction and no parameter {name!r}")
        other = self.network.with_parameters({name: 0.999 * before or 1e-3})
        old, new = self.network.rates, other.rates
        indices = [i for i in range(len(old)) if old[i] != new[i]]
        if not indices:
            raise InvalidArgumentError(f"no rate constant of {self.network.name} reads the parameter {name!r}")
        if any(other.parameters[key] != value for key, value in self.network.parameters.items() if key != name):
            return indices, None
        return indices, [old[i] / before if before else new[i] / 1e-3 for i in indices]
