"""What a session reads of a peer, written as text: "O1 + 2*O2 -> skpeer.popen"."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from .errors import InvalidArgumentError
from .network import Network
from .peers.plan import known


class Read(NamedTuple):
    """Weights by species, those of the whole that it is a fraction of, and the variable that it goes to."""

    weights: dict[str, int]
    whole: dict[str, int] | None
    variable: str


class Reads:
    """Parses reads of one network.

    >>> import nubridge
    >>> Reads(nubridge.Network("abc")).read("a + 2*b -> skpeer.gbar")
    Read(weights={'A': 1, 'B': 2}, whole=None, variable='skpeer.gbar')
    """

    def __init__(self, network: Network) -> None:
        self._network = network

    def read(self, text: str) -> Read:
        """Of "sum -> variable" or "sum / sum -> variable"; the whole of a popen is the conserved total of its species."""
        counted, arrow, variable = (part.strip() for part in text.partition("->"))
        if not arrow or not counted or not variable:
            raise InvalidArgumentError(f"the read {text!r} is none; write it as 'O1 + O2 -> skpeer.popen'")
        part, slash, rest = counted.partition("/")
        weights = self._sum(part, text)
        whole = self._sum(rest, text) if slash else None
        if whole is None and variable.endswith("popen"):
            whole = self._conserved(weights, text)
        return Read(weights, whole, variable)

    def species(self, name: str) -> str:
        """The species of a name, or the one that differs in capitals only. InvalidArgumentError with the near names."""
        return self._known(name, tuple(self._network.species))

    def _known(self, name: str, names: tuple[str, ...]) -> str:
        alike = [one for one in dict.fromkeys(names) if one.lower() == name.lower()]
        if name in names or len(alike) != 1:
            known(name, names, f"{self._network.name} has no species")
            return name
        return alike[0]

    def _sum(self, text: str, read: str) -> dict[str, int]:
        """Weights of "a + 2*b"."""
        weights: dict[str, int] = {}
        names = (*self._network.species, *self._network.observables)
        for term in text.split("+"):
            match = re.fullmatch(r"(?:(\d+)\s*\*\s*)?([A-Za-z_]\w*)", term.strip())
            if match is None:
                raise InvalidArgumentError(
                    f"{term.strip()!r} in the read {read!r} is no species; write it as 'O1 + 2*O2'"
                )
            name = self._known(match[2], names)
            weights[name] = weights.get(name, 0) + int(match[1] or 1)
        return weights

    def _conserved(self, weights: dict[str, int], read: str) -> dict[str, int]:
        """The smallest conserved total whose species all weigh 1 and hold those of `weights`."""
        named = np.sum([self._network.weights(name) for name in weights], axis=0)
        inside = {self._network.species[i] for i in np.flatnonzero(named)}
        totals = [law for law in self._network.conserved if inside <= set(law) and set(law.values()) == {1}]
        if not totals:
            raise InvalidArgumentError(
                f"no conserved total holds the species of {read!r}; write it as 'O1 / C1 + O1 -> ...'"
            )
        return min(totals, key=len)
