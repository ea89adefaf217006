"""Which rate constants of a network follow a name, and how."""

from __future__ import annotations

import difflib

from .errors import InvalidArgumentError
from .network import Network


class Rates:
    """The rate constants of a network by the name of a reaction, or of a parameter from which they are computed.

    >>> import nubridge
    >>> rates = Rates(nubridge.Network("sk"))
    >>> rates.at("k21", 40.0)
    {1: 40.0}
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._names = network.reaction_names
        self._readers: dict[str, tuple[list[int], list[float] | None]] = {}
        self._replaced: dict[str, float] = {}

    def at(self, name: str, value: float) -> dict[int, float]:
        """The rate constants by reaction when `name` has the value, and what was replaced before its own.

        Raises InvalidArgumentError for a name of which no rate constant is computed.
        """
        chosen = {i: value for i, one in enumerate(self._names) if one == name}
        return chosen or self._computed(name, value)

    def reset(self) -> None:
        """Forgets the values of before."""
        self._replaced.clear()

    def _computed(self, name: str, value: float) -> dict[int, float]:
        if name not in self._readers:
            self._readers[name] = self._readers_of(name)
        indices, factors = self._readers[name]
        if factors is not None:
            rates = [factor * value for factor in factors]
        else:
            fresh = self._network.with_parameters({**self._replaced, name: value}).rates
            rates = [fresh[i] for i in indices]
        self._replaced[name] = value
        return dict(zip(indices, rates, strict=True))

    def _readers_of(self, name: str) -> tuple[list[int], list[float] | None]:
        """The reactions whose rate constant reads a parameter, and their factors when no other parameter does."""
        network = self._network
        before = network.parameters.get(name)
        if before is None:
            known = [*network.parameters, *self._names]
            near = ", ".join(difflib.get_close_matches(name, known))
            raise InvalidArgumentError(
                f"{network.name} has no reaction and no parameter {name!r}" + (f"; near are {near}" if near else "")
            )
        other = network.with_parameters({name: 0.999 * before or 1e-3})
        old, new = network.rates, other.rates
        indices = [i for i in range(len(old)) if old[i] != new[i]]
        if not indices:
            raise InvalidArgumentError(f"no rate constant of {network.name} reads the parameter {name!r}")
        if any(other.parameters[key] != value for key, value in network.parameters.items() if key != name):
            return indices, None
        return indices, [old[i] / before if before else new[i] / 1e-3 for i in indices]
