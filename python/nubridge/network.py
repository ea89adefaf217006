"""Reaction networks: read from BioNetGen's files or built here; what simulate and Simulator take."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import re
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _bionetgen, _library, _sbml, paths, quantities
from ._net_text import bngl, built, clamped
from .errors import InvalidArgumentError, NetworkError

UNITS = {"molecules": 0, "uM": 1}
_SPECIES, _REACTION, _PARAMETER, _OBSERVABLE, _CONSERVED = range(5)


class Reaction(NamedTuple):
    """A mass-action reaction: what is consumed and made how often, the rate constant per unit^(order-1) and second.

    With equal reactants the rate constant is that of one set: propensity k n(n-1)/2 for A + A, rate law k x^2/2.
    """

    name: str
    reactants: dict[str, int]
    products: dict[str, int]
    rate: float
    parameter: str | None


class Network:
    """Species and reactions; immutable.

    `source` is the name of a shipped network (`"abc"`), a BioNetGen `.net` file, a `.bngl` file (BioNetGen makes the
    network: pip install bionetgen; the shipped ones have their `.net` beside them), or SBML level 3 core (`.xml`,
    `.sbml`; pip install python-libsbml) whose laws are mass action. A variant that the file states in a comment
    `# variant: biomodels k11_on=3.3` follows after a colon: `"camkii:biomodels"`. `parameters` replaces values by name,
    expressions follow. `unit` ("molecules" or "uM") says what the amounts are when the file does not.

    >>> import nubridge
    >>> network = nubridge.Network("abc", parameters={"kon": 0.002})
    >>> network.species, network.unit, network.parameters["kon"]
    (('A', 'B', 'C'), 'molecules', 0.002)
    >>> network.reactions[0]
    Reaction(name='R1', reactants={'A': 1, 'B': 1}, products={'C': 1}, rate=0.002, parameter='kon')
    >>> network.conserved
    ({'A': 1, 'C': 1}, {'B': 1, 'C': 1})
    """

    def __init__(
        self, source: str | os.PathLike[str], parameters: Mapping[str, float] | None = None, unit: str | None = None
    ) -> None:
        path, variant = _find(source)
        if path.suffix in (".xml", ".sbml"):
            text, unit = _sbml.network_of(path, unit)
        else:
            text = _bionetgen.network_of(path) if path.suffix == ".bngl" else path.read_text(encoding="utf-8")
        self._open(text, str(path), {**_variant(text, path, variant), **(parameters or {})}, unit)

    @classmethod
    def build(
        cls,
        species: Sequence[str] | Mapping[str, float | str],
        reactions: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, float | str] | None = None,
        unit: str = "molecules",
        name: str = "network",
        *,
        fixed: Sequence[str] = (),
        observables: Mapping[str, Mapping[str, float]] | None = None,
        units: Mapping[str, str] | None = None,
    ) -> Network:
        """A network from names: `species` with or without initial amounts; of each reaction `reactants`, `products`,
        `rate` and, if wanted, `name`.

        A rate is a number or a parameter's name, of one set of reactants (propensity k n(n-1)/2 for A + A, so that
        `2 k` stands for a text's rate law k x^2). Amounts and parameters are numbers or expressions of the parameters
        before them. `fixed` species are clamped; `observables` are weights by species; `units` states those of
        parameters, which then must fit: "1/(uM s)" for the rate of a reaction of order 2.

        >>> import nubridge
        >>> pairs = nubridge.Network.build(
        ...     {"A": 100}, [{"reactants": ["A", "A"], "products": [], "rate": "k"}], parameters={"k": 1.0}
        ... )
        >>> pairs.reactions[0].rate
        1.0
        """
        initial = dict(species) if isinstance(species, Mapping) else dict.fromkeys(species, 0.0)
        network = cls.__new__(cls)
        text = built(initial, reactions, parameters or {}, fixed=fixed, observables=observables, units=units)
        network._open(text, name, {}, unit)
        return network

    def with_parameters(self, parameters: Mapping[str, float]) -> Network:
        """The same network with other values by name; expressions follow.

        >>> import nubridge
        >>> nubridge.Network("abc").with_parameters({"kon": 0.5}).reactions[0].rate
        0.5
        """
        text, origin, before, unit = self._source
        network = type(self).__new__(type(self))
        network._open(text, origin, {**before, **parameters}, unit)
        return network

    def _open(self, text: str, origin: str, parameters: Mapping[str, float], unit: str | None) -> None:
        self._source = (text, origin, dict(parameters), unit)
        if unit is not None and unit not in UNITS:
            raise InvalidArgumentError(f"the unit {unit!r} is unknown; it is one of {', '.join(UNITS)}")
        self._library = _library.library()
        names = (ctypes.c_char_p * len(parameters))(*(name.encode() for name in parameters))
        values = (ctypes.c_double * len(parameters))(*parameters.values())
        handle = ctypes.c_void_p()
        code = -1 if unit is None else UNITS[unit]
        arguments = (text.encode(), origin.encode(), code, len(parameters), names, values, ctypes.byref(handle))
        _library.check(self._library, self._library.nubridge_network_read(*arguments))
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_network_close, handle)
        self.name = Path(origin).stem
        self.unit = next(
            unit for unit, number in UNITS.items() if number == self._library.nubridge_network_unit(handle)
        )
        self.species = self._names(_SPECIES)
        self.observables = self._names(_OBSERVABLE)
        self.parameters = dict(zip(self._names(_PARAMETER), self._values(_PARAMETER), strict=True))
        self.initial = dict(zip(self.species, self._values(_SPECIES), strict=True))

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        """Every reaction, in the order of the file."""
        result = []
        names, rates, parameters = self._names(_REACTION), self._values(_REACTION), tuple(self.parameters)
        left, right = np.empty(len(self.species), np.int32), np.empty(len(self.species), np.int32)
        parameter = ctypes.c_int64()
        for index, (name, rate) in enumerate(zip(names, rates, strict=True)):
            status = self._library.nubridge_network_reaction(
                self._handle, index, ctypes.byref(parameter), left.ctypes.data, right.ctypes.data
            )
            _library.check(self._library, status)
            sides = ({self.species[s]: int(side[s]) for s in np.flatnonzero(side)} for side in (left, right))
            result.append(Reaction(name, *sides, rate, parameters[parameter.value] if parameter.value >= 0 else None))
        return tuple(result)

    @property
    def reaction_names(self) -> tuple[str, ...]:
        """The name of every reaction."""
        return self._names(_REACTION)

    def to_net(self) -> str:
        """BioNetGen's `.net` text that reads back to this network, with the parameters' replaced values."""
        return self._library.nubridge_network_text(self._handle).decode()

    def to_bngl(self) -> str:
        """BNGL, one rule a reaction, that BioNetGen and this class read back to the same network.

        Raises NetworkError for an observable with weights that are no whole numbers.

        >>> import nubridge
        >>> print(nubridge.Network("annihilation").to_bngl().split("rules")[1].strip())
        R1: A() + A() -> 0 k
        end reaction
        """
        return bngl(self.to_net(), self.name)

    @functools.cached_property
    def fixed(self) -> tuple[str, ...]:
        """The clamped species.

        >>> import nubridge
        >>> nubridge.Network("sk").fixed
        ('Ca',)
        """
        return clamped(self.to_net())

    def notes(self, word: str) -> tuple[str, ...]:
        """What the text says in lines `# word: ...`, in order.

        >>> import nubridge
        >>> nubridge.Network("camkii").notes("variant")
        ('biomodels k11_on=3.3',)
        """
        return tuple(re.findall(rf"^#[ \t]*{re.escape(word)}:[ \t]*(.*?)[ \t]*$", self._source[0], re.MULTILINE))

    @property
    def volume_um3(self) -> float | None:
        """What the text says in `# volume: 1 um3`: the volume where simulate is given none.

        >>> import nubridge
        >>> nubridge.Network("sk").volume_um3
        1.0
        """
        said = self.notes("volume")
        if not said:
            return None
        volume_um3 = quantities.quantity(said[0], "volume")
        if not 0.0 < volume_um3 < float("inf"):
            raise NetworkError(f"{self.name} says `# volume: {said[0]}`; it must be positive")
        return volume_um3

    @property
    def hash(self) -> str:
        """What a result was made of: "sha256:" of `to_net()`; equal networks have equal hashes, whatever their name.

        >>> import nubridge
        >>> nubridge.Network("decay").hash == nubridge.Network("decay", parameters={"k": 1}).hash
        True
        """
        return "sha256:" + hashlib.sha256(self.to_net().encode()).hexdigest()

    @property
    def rates(self) -> list[float]:
        """The rate constant of every reaction, per unit^(order-1) and second."""
        return self._values(_REACTION)

    @property
    def conserved(self) -> tuple[dict[str, int], ...]:
        """The conserved totals: whole weights of the species, a basis."""
        rows = (self._weights(_CONSERVED, index) for index in range(self._count(_CONSERVED)))
        return tuple({self.species[s]: int(row[s]) for s in np.flatnonzero(row)} for row in rows)

    def rates_of(self, parameter: str, value_of_t: Callable[[float], float]) -> dict[str, Callable[[float], float]]:
        """The inputs that let a parameter move from which rates are computed, such as a voltage: one a rate.

        `value_of_t` gives its value at a time in s. Rates are computed by the network's own expressions.

        >>> import math, nubridge
        >>> network = nubridge.Network("nmdar")
        >>> inputs = network.rates_of("V_mV", lambda t_s: -65 + 10 * t_s)
        >>> sorted(inputs), round(inputs["unblock"](2.0) / (10800 * math.exp(-45 / 47)), 12)
        (['block', 'unblock'], 1.0)
        """
        text, name = self.to_net(), self.name

        @functools.lru_cache(maxsize=100_000)
        def values(t_s: float) -> dict[str, float]:
            moved = Network.__new__(Network)
            moved._open(text, name, {parameter: float(value_of_t(t_s))}, None)
            return moved.parameters

        before = self.parameters.get(parameter, 0.0)
        other = Network.__new__(Network)
        other._open(text, name, {parameter: before + 1.0}, None)
        rates = dict.fromkeys(one.parameter for one in self.reactions if one.parameter)
        moved = [one for one in rates if self.parameters[one] != other.parameters[one]]
        if not moved:
            raise InvalidArgumentError(f"{self.name} computes no rate from {parameter!r}")
        return {one: lambda t_s, one=one: values(t_s)[one] for one in moved}

    def weights(self, name: str) -> NDArray[np.float64]:
        """The weights of an observable, or of a species alone; an observable goes before a species of its name."""
        if name in self.observables:
            return self._weights(_OBSERVABLE, self.observables.index(name))
        row = np.zeros(len(self.species))
        row[self.species_index(name)] = 1.0
        return row

    def species_index(self, name: str) -> int:
        """The place of a species."""
        if name not in self.species:
            known = ", ".join((*self.species[:20], "..." if len(self.species) > 20 else "")).rstrip(", ")
            raise InvalidArgumentError(f"{self.name} has no species {name!r}; it has {known}")
        return self.species.index(name)

    def _count(self, kind: int) -> int:
        count = ctypes.c_size_t()
        _library.check(self._library, self._library.nubridge_network_count(self._handle, kind, ctypes.byref(count)))
        return count.value

    def _names(self, kind: int) -> tuple[str, ...]:
        name = self._library.nubridge_network_name
        return tuple(name(self._handle, kind, index).decode() for index in range(self._count(kind)))

    def _values(self, kind: int) -> list[float]:
        value = ctypes.c_double()
        values = []
        for index in range(self._count(kind)):
            status = self._library.nubridge_network_value(self._handle, kind, index, ctypes.byref(value))
            _library.check(self._library, status)
            values.append(value.value)
        return values

    def _weights(self, kind: int, index: int) -> NDArray[np.float64]:
        row = np.empty(len(self.species))
        status = self._library.nubridge_network_weights(self._handle, kind, index, row.ctypes.data)
        _library.check(self._library, status)
        return row


def _find(source: str | os.PathLike[str]) -> tuple[Path, str]:
    """The file, and the variant that follows it after a colon, or ""."""
    name, _, variant = (os.fspath(source), "", "") if Path(source).exists() else os.fspath(source).partition(":")
    path = Path(name)
    folder = paths.prefix() / "models" / "networks"
    if not path.suffix and not path.exists():
        path = folder / f"{path.name}.net"
    if path.suffix not in (".net", ".bngl", ".xml", ".sbml"):
        raise NetworkError(f"{path} is no network; pass a .net, .bngl or SBML (.xml) file, or a name")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.net")))
        raise NetworkError(f"there is no network {path}; shipped are {known}")
    return path, variant


def _variant(text: str, path: Path, name: str) -> dict[str, float]:
    """The parameters of a variant; none for "" and "default"."""
    known: dict[str, dict[str, float]] = {"": {}, "default": {}}
    for line in text.splitlines():
        stated = re.fullmatch(r"# variant: (\w+)((?: \w+=[^\s=]+)+)", line)
        if stated:
            pairs = (pair.split("=") for pair in stated[2].split())
            known[stated[1]] = {parameter: float(value) for parameter, value in pairs}
    if name not in known:
        raise NetworkError(f"{path} has no variant {name!r}; it has {', '.join(filter(None, known))}")
    return known[name]
