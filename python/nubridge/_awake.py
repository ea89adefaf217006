"""Awake moments: what a family's observables X_a are on average in data."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ._arrays import Array
from .errors import InvalidArgumentError
from .families import Family


@dataclass
class Protocol:
    """What was seen: `awake` (times x nu) at `t_s` under `inputs` (times x inputs), and `runs` (runs x times x nu) if kept."""

    t_s: Array
    inputs: Array
    awake: Array
    runs: Array | None = None
    name: str = "data"
    #: nu whose moments are `awake`, NaN where the data have none; and where that is so.
    nu: Array = field(default_factory=lambda: np.empty(0))

    @property
    def usable(self) -> np.ndarray:
        """The times at which the data have a law of the family."""
        return np.isfinite(self.nu).all(axis=1)


def species_of(family: Family) -> tuple[str, ...]:
    """What a state of the family is made of."""
    description = family.description
    return tuple(next(description[key] for key in ("species", "states", "units", "variables") if key in description))


def recorded(family: Family) -> tuple[str, ...]:
    """What a simulation records so that the observables can be computed: on a chain pairs too."""
    species = species_of(family)
    if family.description["kind"] != "ising_chain":
        return species
    return (*species, *("-".join(pair) for pair in _couplings(family)))


def observables(family: Family, amounts: Mapping[str, Array], sites: int | None = None) -> Array:
    """X_a (... x nu) of amounts by name, each of the same shape; on the infinite chain per site of `sites`."""
    kind, species = family.description["kind"], species_of(family)
    columns = [np.asarray(amounts[name], dtype=np.float64) for name in species]
    if kind == "counts":
        powers = _subsets(len(species), family.description["order"])
        made = [prod((_binomial(columns[s], m.count(s)) for s in set(m)), start=1.0) for m in powers]
    elif kind == "gaussian":
        made = [prod((columns[s] for s in m), start=1.0) for m in _subsets(len(species), 2)]
    elif kind == "categorical":
        whole = sum(columns)
        if not (whole > 0).all():
            raise InvalidArgumentError(f"the states {', '.join(species)} hold nothing in all; give an amount above 0")
        made = [column / whole for column in columns[1:]]
    elif kind == "binary_field":
        place = {name: i for i, name in enumerate(species)}
        made = [prod((columns[place[u]] for u in clique), start=1.0) for clique in family.description["cliques"]]
    else:
        pairs = ["-".join(pair) for pair in _couplings(family)]
        scale = 1.0 if sites is None else 1.0 / sites
        made = [scale * np.asarray(amounts[name], dtype=np.float64) for name in (*species, *pairs)]
    return np.stack(made, axis=-1)


def close(family: Family, protocol: Protocol) -> Protocol:
    """With nu at each time; a time at which the data have no law of the family has NaN.

    Raises InvalidArgumentError when no two times have one.
    """
    require_data(protocol)
    moments = protocol.awake
    if len(family.moment_names) > len(family.nu_names):
        moments = np.concatenate([1 - moments.sum(axis=1, keepdims=True), moments], axis=1)
    nu, fault = np.full(protocol.awake.shape, np.nan), ""
    for time, row in enumerate(np.ascontiguousarray(moments)):
        try:
            found = family.from_moments(row)
            nu[time] = np.where(np.isfinite(found).all(), found, np.nan)
        except (InvalidArgumentError, ArithmeticError) as error:
            fault = fault or str(error)
    protocol.nu = nu
    if protocol.usable.sum() < 2:
        count = "" if protocol.runs is None else f"; there are {len(protocol.runs)} runs"
        raise InvalidArgumentError(
            f"{protocol.name}: the moments are those of a law of the family at {protocol.usable.sum()} of "
            f"{len(nu)} times, and 2 are needed ({fault}){count}: record more runs (at least {len(family.nu_names) + 1}), "
            "start from a law instead of a fixed amount, or lower the order"
        )
    return protocol


def require_data(protocol: Protocol) -> None:
    """Raises InvalidArgumentError for NaN and for times that do not ascend."""
    t_s = protocol.t_s
    for what, array in (("t_s", t_s), ("inputs", protocol.inputs), ("moments", protocol.awake)):
        if not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise InvalidArgumentError(
                f"{protocol.name}: {what} has {array[place]} at {place}; data are finite: leave that time out, or correct it"
            )
    falling = np.flatnonzero(np.diff(t_s) <= 0)
    if len(falling):
        i = int(falling[0])
        raise InvalidArgumentError(f"{protocol.name}: t_s has {t_s[i + 1]} after {t_s[i]}; times ascend: sort them")


def _couplings(family: Family) -> list[Sequence[str]]:
    species = species_of(family)
    given = family.description.get("couplings")
    return list(itertools.combinations_with_replacement(species, 2)) if given is None else given


def _subsets(species: int, order: int) -> list[tuple[int, ...]]:
    orders = range(1, order + 1)
    return [m for k in orders for m in itertools.combinations_with_replacement(range(species), k)]


def _binomial(n: Array, m: int) -> Array:
    return prod(((n - k) / (k + 1) for k in range(m)), start=np.ones_like(n))
