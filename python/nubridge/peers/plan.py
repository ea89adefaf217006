"""What a peer is asked to simulate: a network at several sites, and what crosses to NEURON."""

from __future__ import annotations

import difflib
import runpy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._rates import Rates
from ..errors import InvalidArgumentError
from ..network import Network
from ..results import MOLECULES_PER_uM_um3
from .placement import Placement

_CROSSINGS = ("begin", "middle")


@dataclass(frozen=True)
class Site:
    """A closed compartment that holds the whole network."""

    name: str
    volume_um3: float


@dataclass(frozen=True)
class Amount:
    """A species whose molecules NEURON adds and removes, by the index of its site."""

    site: int
    species: str


@dataclass(frozen=True)
class Rate:
    """A reaction's rate constant, or a parameter from which some are computed, that NEURON sets."""

    site: int
    name: str
    unit: str = ""


@dataclass(frozen=True)
class Count:
    """A sum of molecules that NEURON reads: whole weights by species or observable."""

    site: int
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """All that a peer has to know; times are whole ns.

    >>> plan = Plan.of({"peer": "ssa", "model": "sk", "sites": [{"name": "spine", "volume_um3": 0.1}],
    ...                 "amounts": [{"site": "spine", "species": "Ca"}], "counts": [{"site": 0, "weights": {"open": 1}}]})
    >>> plan.amounts[0], plan.initial[0][:2].tolist(), plan.weights.tolist()
    (Amount(site=0, species='Ca'), [60, 5], [[0, 0, 0, 0, 0, 1, 1]])
    """

    peer: str
    network: Network
    placement: Placement
    sites: tuple[Site, ...]
    amounts: tuple[Amount, ...] = ()
    rates: tuple[Rate, ...] = ()
    counts: tuple[Count, ...] = ()
    #: The sites, by index, that may be handed over to nu.
    regimes: tuple[int, ...] = ()
    #: How often the non-uniformity of every site is found, to be told behind the counts; 0 is never.
    mixing_ns: int = 0
    window_ns: int = 25_000
    step_ns: int = 1_000
    #: When amounts cross: at the "begin" of a window, or in its "middle".
    crossing: str = "begin"
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Plan:
        """From what a session wrote. A site is named, or given by its index; without sites there is one of 1 um3.

        Raises InvalidArgumentError for what does not fit: an unknown site or species, a window that is no multiple of
        the step, something twice.
        """
        network, placement = model_of(config["model"], config.get("options", {}))
        sites = tuple(
            Site(one.get("name", f"site{i}"), float(one["volume_um3"])) for i, one in enumerate(config.get("sites", ()))
        )
        sites = sites or (Site("site0", 1.0),)

        def each(items: Iterable[Mapping[str, Any]], make: type) -> tuple[Any, ...]:
            return tuple(make(**{**item, "site": _site(sites, item.get("site", 0))}) for item in items)

        plan = cls(
            peer=str(config.get("peer", "ssa")),
            network=network,
            placement=placement,
            sites=sites,
            amounts=each(config.get("amounts", ()), Amount),
            rates=each(config.get("rates", ()), Rate),
            counts=each(config.get("counts", ()), Count),
            regimes=tuple(_site(sites, one) for one in config.get("regimes", ())),
            mixing_ns=int(config.get("mixing_ns", 0)),
            window_ns=int(config.get("window_ns", 25_000)),
            step_ns=int(config.get("step_ns", 1_000)),
            crossing=str(config.get("crossing", "begin")),
            seed=int(config.get("seed", 0)),
            options=dict(config.get("options", {})),
        )
        plan._check()
        return plan

    def _check(self) -> None:
        if self.window_ns <= 0 or self.step_ns <= 0 or self.window_ns % self.step_ns:
            raise InvalidArgumentError(
                f"a window of {self.window_ns} ns is no multiple of the peer's step of {self.step_ns} ns; change one"
            )
        if self.crossing not in _CROSSINGS:
            raise InvalidArgumentError(
                f"amounts cannot cross at the {self.crossing!r} of a window; choose {' or '.join(_CROSSINGS)}"
            )
        for site in self.sites:
            if not (np.isfinite(site.volume_um3) and site.volume_um3 > 0):
                raise InvalidArgumentError(
                    f"the volume of site {site.name!r} is {site.volume_um3} um3; it must be positive"
                )
        for what, names in (
            ("site", [site.name for site in self.sites]),
            ("amount", [(one.site, one.species) for one in self.amounts]),
            ("rate", [(one.site, one.name) for one in self.rates]),
            ("regime", list(self.regimes)),
        ):
            if len(set(names)) != len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise InvalidArgumentError(f"the {what} {twice!r} stands twice in the session; leave one out")
        for one in self.amounts:
            known(one.species, self.network.species, f"{self.network.name} has no species")
        rates = Rates(self.network)
        for one in self.rates:
            rates.at(one.name, self.network.parameters.get(one.name, 0.0))
        for row, count in zip(self.weights, self.counts, strict=True):
            if not row.any():
                raise InvalidArgumentError(f"the count {dict(count.weights)} counts nothing; give a weight")

    @cached_property
    def parts_ns(self) -> tuple[int, ...]:
        """Of a window: what is advanced after the amounts have crossed, or before and after; whole steps."""
        before = self.window_ns // (2 * self.step_ns) * self.step_ns if self.crossing == "middle" else 0
        return (before, self.window_ns - before) if before else (self.window_ns,)

    @cached_property
    def initial(self) -> NDArray[np.int64]:
        """Whole molecules at the start, sites x species."""
        amounts = np.array(list(self.network.initial.values()))
        return np.rint(np.outer(self.molecules_per_unit, amounts)).astype(np.int64)

    @cached_property
    def molecules_per_unit(self) -> NDArray[np.float64]:
        """Of each site: the molecules in one of the network's units of amount."""
        volumes = np.array([site.volume_um3 for site in self.sites])
        return MOLECULES_PER_uM_um3 * volumes if self.network.unit == "uM" else np.ones_like(volumes)

    @cached_property
    def weights(self) -> NDArray[np.int64]:
        """Of each count: the weights of the species of its site."""
        rows = np.zeros((len(self.counts), len(self.network.species)), np.int64)
        for row, count in zip(rows, self.counts, strict=True):
            for name, weight in count.weights.items():
                names = (*self.network.observables, *self.network.species)
                known(name, names, f"{self.network.name} has no species and no observable")
                exact = weight * self.network.weights(name)
                if not np.array_equal(exact, np.rint(exact)):
                    raise InvalidArgumentError(
                        f"the weight of {name!r} in a count is {weight}; counts are whole numbers"
                    )
                row += np.rint(exact).astype(np.int64)
        return rows

    def slots(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Of each amount: the index of its site, and of its species."""
        species = [self.network.species_index(one.species) for one in self.amounts]
        return np.array([one.site for one in self.amounts], np.intp), np.array(species, np.intp)

    def sums(self, molecules: NDArray[np.int64]) -> NDArray[np.int64]:
        """The counts that are asked for, of molecules by site and species."""
        return (self.weights * molecules[self._count_sites]).sum(axis=1)

    @cached_property
    def _count_sites(self) -> NDArray[np.intp]:
        return np.array([one.site for one in self.counts], np.intp)


def model_of(source: Any, options: Mapping[str, Any]) -> tuple[Network, Placement]:
    """The network of a name, a file, or a Python file that sets `network`, and where its species are.

    A Python file may set `diffusion_um2_s` and `membrane` too; `options` of the session of these names go before.
    """
    stated: dict[str, Any] = {}
    if isinstance(source, str | Path) and str(source).endswith(".py"):
        if not Path(source).is_file():
            raise InvalidArgumentError(f"there is no model {source}; pass a file, or the name of a shipped network")
        stated = runpy.run_path(str(source))
        if not isinstance(stated.get("network"), Network):
            raise InvalidArgumentError(f"{source} is no model: it must set `network` to a nubridge.Network")
        source = stated["network"]
    network = source if isinstance(source, Network) else Network(source)
    return network, Placement.of(network, {**stated, **options})


def known(name: str, names: Iterable[str], sentence: str) -> None:
    """Raises InvalidArgumentError with the near names unless `name` is one of `names`."""
    names = tuple(names)
    if name in names:
        return
    folded = {one.lower(): one for one in reversed(names)}
    near = [folded[one] for one in difflib.get_close_matches(name.lower(), folded, cutoff=0.5)] or names[:20]
    raise InvalidArgumentError(f"{sentence} {name!r}; near are {', '.join(near)}")


def _site(sites: tuple[Site, ...], which: str | int) -> int:
    if isinstance(which, int) and 0 <= which < len(sites):
        return which
    names = [site.name for site in sites]
    known(str(which), names, "the session has no site")
    return names.index(str(which))
