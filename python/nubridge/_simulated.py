"""Awake moments from the regimes of nubridge.simulate, and from results, arrays and files."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import Array
from ._awake import Protocol, observables, recorded, species_of
from ._settings import DETERMINISTIC
from .errors import InvalidArgumentError
from .families import Family, IsingChain
from .inputs import Waveform
from .network import Network
from .results import Result
from .simulation import Simulator, simulate

_PROTOCOL = {"t_s", "inputs", "initial", "nu", "name"}


def simulated(
    network: Network,
    family: Family,
    inputs: Sequence[str],
    protocol: Mapping[str, Any],
    regime: str,
    runs: int,
    seed: int,
    options: Mapping[str, Any],
) -> Protocol:
    """One protocol: `t_s`, `inputs` by name (a number, values at t_s, or a callable), `initial` amounts or a law `nu`."""
    unknown = set(protocol) - _PROTOCOL
    if unknown or "t_s" not in protocol:
        raise InvalidArgumentError(
            f"a protocol has {', '.join(sorted(map(str, protocol)))}; it needs t_s and may have {', '.join(sorted(_PROTOCOL))}"
        )
    t_s = np.ascontiguousarray(protocol["t_s"], dtype=np.float64)
    driven = driven_by(protocol.get("inputs", {}), inputs, t_s)
    waves = {name: Waveform(t_s, column, "linear") for name, column in zip(inputs, driven.T, strict=True)}
    how = {**options, "inputs": waves or None}
    named = str(protocol.get("name", "protocol"))
    if regime == "cme":
        awake = _exact(network, family, protocol, t_s, how)
        return Protocol(t_s, driven, awake, None, named)
    if "nu" in protocol:
        values = _from_law(network, family, protocol["nu"], t_s, regime, runs, seed, how)
    else:
        result = simulate(
            network,
            regime,
            t_s,
            1 if regime in DETERMINISTIC else runs,
            seed,
            initial=protocol.get("initial"),
            record=recorded(family),
            progress=False,
            **how,
        )
        values = {name: result[name] for name in recorded(family)}
    if regime in DETERMINISTIC:
        each = observables(family, values)
        return Protocol(t_s, driven, each[0], None, named)
    space = options.get("space")
    each = observables(family, values, None if space is None else int(np.prod(space.shape)))
    return Protocol(t_s, driven, each.mean(axis=0), each, named)


def given(family: Family, inputs: Sequence[str], source: Any, name: str) -> Protocol:
    """A protocol from a Result, a mapping of arrays (t_s, inputs, amounts by species) or a file (.h5, .csv, .npz)."""
    if isinstance(source, str | os.PathLike):
        return given(family, inputs, _read(Path(source)), str(source))
    if isinstance(source, Result):
        missing = [one for one in recorded(family) if one not in source.names]
        if missing:
            raise InvalidArgumentError(
                f"{name}: {missing[0]!r} was not recorded; recorded are {', '.join(source.names)}"
            )
        source = {"t_s": source.t_s, **{one: source[one] for one in recorded(family)}}
    if not isinstance(source, Mapping) or "t_s" not in source:
        raise InvalidArgumentError(
            f"{name} is {type(source).__name__}; data are a Result, a mapping with t_s, or a file"
        )
    t_s = np.ascontiguousarray(source["t_s"], dtype=np.float64)
    missing = [one for one in recorded(family) if one not in source]
    if missing:
        raise InvalidArgumentError(
            f"{name} lacks the species {missing[0]!r}; it has {', '.join(map(str, source))}: give its amounts (runs x times)"
        )
    amounts = {one: np.atleast_2d(np.asarray(source[one], dtype=np.float64)) for one in recorded(family)}
    for one, values in amounts.items():
        if values.shape[-1] != len(t_s):
            raise InvalidArgumentError(f"{name}: {one!r} has the shape {values.shape}; there are {len(t_s)} times")
        if not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise InvalidArgumentError(
                f"{name}: {one!r} is {values[place]} at run {place[0]}, time {t_s[place[1]]} s; "
                "data are finite: leave that run out, or correct it"
            )
    each = observables(family, amounts, source.get("sites"))
    return Protocol(t_s, driven_by(source.get("inputs", source), inputs, t_s), each.mean(axis=0), each, name)


def driven_by(values: Mapping[str, Any], inputs: Sequence[str], t_s: Array) -> Array:
    """The inputs at the times, times x inputs."""
    columns = []
    for name in inputs:
        if name not in values:
            raise InvalidArgumentError(
                f"the input {name!r} has no values; give a number, one a time, or a callable of t_s"
            )
        value = values[name]
        column = [value(float(t)) for t in t_s] if callable(value) else value
        try:
            columns.append(np.broadcast_to(np.asarray(column, dtype=np.float64), t_s.shape))
        except (TypeError, ValueError):
            raise InvalidArgumentError(
                f"the input {name!r} is {value!r}; give a number, {len(t_s)} values, or a callable of t_s"
            ) from None
    return np.stack(columns, axis=1) if columns else np.empty((len(t_s), 0))


def _exact(network: Network, family: Family, protocol: Mapping[str, Any], t_s: Array, how: Mapping[str, Any]) -> Array:
    """Awake moments by the master equation: the joint law of the family's species at each time."""
    species = species_of(family)
    simulator = Simulator(network, "cme", initial=protocol.get("initial"), **how)
    if "nu" in protocol:
        states, probabilities = family.states(np.asarray(protocol["nu"], dtype=np.float64))
        simulator.set_distribution(dict(zip(species, states.T, strict=True)), probabilities)
    awake = []
    for t in t_s:
        simulator.advance(float(t))
        amounts, probabilities = joint(simulator, species)
        awake.append(probabilities @ observables(family, amounts))
    return np.array(awake)


def joint(simulator: Simulator, species: Sequence[str]) -> tuple[dict[str, Array], Array]:
    """Of cme: the states of some species and their probabilities."""
    network, radix = simulator.network, 1.0
    weights, scales = np.zeros(len(network.species)), []
    for name in species:
        largest = simulator.distribution(name)[0].max()
        scales.append((name, radix, largest + 1))
        weights[network.species_index(name)] = radix
        radix *= largest + 1
    if radix > 2.0**53:
        raise InvalidArgumentError(
            f"the species {', '.join(species)} have {radix:.3g} joint states; the master equation of fewer can be read"
        )
    codes, probabilities = simulator._distribution(weights)
    return {name: np.floor(codes / scale) % count for name, scale, count in scales}, probabilities


def _from_law(
    network: Network,
    family: Family,
    nu: Any,
    t_s: Array,
    regime: str,
    runs: int,
    seed: int,
    how: Mapping[str, Any],
) -> dict[str, Array]:
    """Runs that start from samples of the law at nu."""
    start, species = np.asarray(nu, dtype=np.float64), species_of(family)
    names, space = recorded(family), how.get("space")
    if regime == "lattice":
        ring = IsingChain(species, "ring", family.sign, space.shape[0], family.description.get("couplings"))
        begins = ring.sample(start, runs, seed)
    else:
        begins = family.sample(start, runs, seed)
    values = {name: np.empty((runs, len(t_s))) for name in names}
    for run, state in enumerate(begins):
        initial = None if regime == "lattice" else dict(zip(species, state, strict=True))
        simulator = Simulator(network, regime, seed=seed, run=run, initial=initial, **how)
        if regime == "lattice":
            known = np.array([-1, *(network.species_index(name) for name in species)], np.int32)
            simulator.sites = known[state.astype(int)].reshape(space.field_shape)
        for time, t in enumerate(t_s):
            simulator.advance(float(t))
            for name in names:
                values[name][run, time] = simulator.pairs(*name.split("-")) if "-" in name else simulator[name]
    return values


def _read(path: Path) -> Any:
    """Result of HDF5; arrays of .npz; columns of .csv (t_s, perhaps run, one a species or input)."""
    if path.suffix in (".h5", ".hdf5"):
        return Result.from_hdf5(path)
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return dict(arrays)
    if path.suffix != ".csv":
        raise InvalidArgumentError(f"{path} is no .h5, .npz or .csv; convert it")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    try:
        table = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{path} is no table of numbers: {error}; give a header and numbers") from None
    runs = len(np.unique(table.pop("run"))) if "run" in table else 1
    cut = {name: column.reshape(runs, -1) for name, column in table.items()}
    times = {"t_s": cut.pop("t_s")[0]} if "t_s" in cut else {}
    return {**times, **cut}
