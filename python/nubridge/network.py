"""Reaction networks: read from BioNetGen's files or built here; what simulate and Simulator take."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _library, paths
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

    `source` is the name of a shipped network (`"abc"`), a BioNetGen `.net` file, or a `.bngl` file (then BioNetGen
    makes the network: pip install bionetgen). `parameters` replaces values by name, expressions follow. `unit`
    ("molecules" or "uM") says what the amounts are when the file's `# unit:` comment does not.

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
        path = _find(source)
        text = _generated(path) if path.suffix == ".bngl" else path.read_text(encoding="utf-8")
        self._open(text, str(path), parameters or {}, unit)

    @classmethod
    def build(
        cls,
        species: Sequence[str] | Mapping[str, float],
        reactions: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, float] | None = None,
        unit: str = "molecules",
        name: str = "network",
    ) -> Network:
        """A network from names: `species` with or without initial amounts; `reactants`, `products` and `rate` of each.

        A rate is a number or a parameter's name, of one set of reactants (propensity k n(n-1)/2 for A + A).

        >>> import nubridge
        >>> pairs = nubridge.Network.build(
        ...     {"A": 100}, [{"reactants": ["A", "A"], "products": [], "rate": "k"}], parameters={"k": 1.0}
        ... )
        >>> pairs.reactions[0].rate
        1.0
        """
        initial = dict(species) if isinstance(species, Mapping) else dict.fromkeys(species, 0.0)
        network = cls.__new__(cls)
        network._open(_net_text(initial, reactions, parameters or {}), name, {}, unit)
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
    def rates(self) -> list[float]:
        """The rate constant of every reaction, per unit^(order-1) and second."""
        return self._values(_REACTION)

    @property
    def conserved(self) -> tuple[dict[str, int], ...]:
        """The conserved totals: whole weights of the species, a basis."""
        rows = (self._weights(_CONSERVED, index) for index in range(self._count(_CONSERVED)))
        return tuple({self.species[s]: int(row[s]) for s in np.flatnonzero(row)} for row in rows)

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


def _find(source: str | os.PathLike[str]) -> Path:
    path = Path(source)
    folder = paths.prefix() / "models" / "networks"
    if not path.suffix and not path.exists():
        path = folder / f"{path.name}.net"
    if path.suffix not in (".net", ".bngl"):
        raise NetworkError(f"{path} is no network; pass a .net or a .bngl file, or a name")
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.net")))
        raise NetworkError(f"there is no network {path}; shipped are {known}")
    return path


def _generated(path: Path) -> str:
    """The `.net` text of a BNGL model, by BioNetGen, with the comments at its head."""
    try:
        import bionetgen
    except ImportError as error:
        raise NetworkError(
            f"{path} holds rules: install BioNetGen (pip install bionetgen), or pass its .net"
        ) from error
    script = next(Path(bionetgen.__file__).parent.glob("bng-*/BNG2.pl"), None)
    perl = shutil.which("perl")
    if script is None or perl is None:
        raise NetworkError(f"{path} holds rules: BioNetGen needs its BNG2.pl and Perl; install Perl, or pass the .net")
    text = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.bngl"
        copy.write_text(text.split("end model")[0] + "\nend model\ngenerate_network({overwrite=>1})\n")
        run = subprocess.run([perl, script, copy.name], cwd=folder, capture_output=True, text=True)
        net = copy.with_suffix(".net")
        if run.returncode != 0 or not net.is_file():
            said = [line for line in (run.stdout + run.stderr).splitlines() if "ERROR" in line or "ABORT" in line]
            raise NetworkError(f"BioNetGen cannot read {path}: {' '.join(said) or 'it made no network'}")
        head = [line for line in text.splitlines() if line.replace(" ", "").startswith("#unit:")]
        return "\n".join([*head, net.read_text(encoding="utf-8")])


def _net_text(
    initial: Mapping[str, float], reactions: Sequence[Mapping[str, Any]], parameters: Mapping[str, float]
) -> str:
    names = list(initial)
    lines = ["begin parameters"]
    lines += [f"{i} {name} {float(value)!r}" for i, (name, value) in enumerate(parameters.items(), 1)]
    lines += ["end parameters", "begin species"]
    lines += [f"{i} {name} {float(amount)!r}" for i, (name, amount) in enumerate(initial.items(), 1)]
    lines += ["end species", "begin reactions"]
    for number, reaction in enumerate(reactions, 1):
        unknown = set(reaction) - {"name", "reactants", "products", "rate"}
        if unknown:
            raise InvalidArgumentError(
                f"reaction {number} has {', '.join(sorted(unknown))}; known: reactants, products, rate"
            )
        sides = []
        for side in ("reactants", "products"):
            for name in reaction.get(side, ()):
                if name not in names:
                    raise NetworkError(f"reaction {number} names {name!r}; the species are {', '.join(names)}")
            sides.append(",".join(str(names.index(name) + 1) for name in reaction.get(side, ())) or "0")
        rate = reaction.get("rate")
        if isinstance(rate, str) and rate not in parameters:
            raise NetworkError(f"reaction {number} has the rate {rate!r}; the parameters are {', '.join(parameters)}")
        if not isinstance(rate, str | int | float):
            raise NetworkError(f"reaction {number} has the rate {rate!r}; it is a number or a parameter's name")
        counts = [list(reaction.get("reactants", ())).count(name) for name in names]
        factor = 1.0 / np.prod([[1, 1, 2, 6][min(count, 3)] for count in counts])  # a .net holds k / m!
        lines.append(
            f"{number} {' '.join(sides)} {float(factor)!r}*{rate if isinstance(rate, str) else repr(float(rate))}"
        )
    return "\n".join([*lines, "end reactions", ""])
