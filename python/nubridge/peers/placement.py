"""Where the species of a network are, and how fast they move."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidArgumentError
from ..network import Network


@dataclass(frozen=True)
class Placement:
    """Which species sit on the membrane, and the diffusion constants of the others.

    A network's text says it in comments, by the names of species or of whole molecules (`PMCA` is every state of it):
    `# membrane: PMCA, NCX` and `# diffusion: Ca 220, Calb 28 um2/s`. What is not named is in the volume and does not
    move.

    >>> import nubridge
    >>> placement = Placement.of(nubridge.Network("sk"))
    >>> sorted(placement.membrane)[:2], placement.diffusion_um2_s["Ca"]
    (['C1', 'C2'], 220.0)
    """

    membrane: frozenset[str]
    diffusion_um2_s: Mapping[str, float]

    @classmethod
    def of(cls, network: Network, options: Mapping[str, Any] | None = None) -> Placement:
        """What the text says, replaced by `membrane` (names) and `diffusion_um2_s` (by name) of the options.

        Raises InvalidArgumentError for a name that is no species, a negative constant, or another unit.
        """
        options = options or {}
        membrane = options.get("membrane")
        if membrane is None:
            membrane = [name.strip() for note in network.notes("membrane") for name in note.split(",")]
        diffusion = options.get("diffusion_um2_s")
        if diffusion is None:
            diffusion = dict(pair for note in network.notes("diffusion") for pair in _constants(note, network.name))
        everywhere = dict.fromkeys(network.species, 0.0)
        for name, constant in diffusion.items():
            if not 0 <= constant < float("inf"):
                raise InvalidArgumentError(
                    f"{name!r} of {network.name} diffuses by {constant} um2/s; it must not be negative"
                )
            everywhere.update(dict.fromkeys(_species(network, name), float(constant)))
        return cls(frozenset(one for name in membrane for one in _species(network, name)), everywhere)


def _constants(note: str, network: str) -> Iterable[tuple[str, float]]:
    *words, unit = note.split()
    try:
        if unit != "um2/s":
            raise ValueError
        for pair in " ".join(words).split(","):
            name, constant = pair.split()
            yield name, float(constant)
    except ValueError:
        raise InvalidArgumentError(
            f"{network} says `# diffusion: {note}`; it must be like `# diffusion: Ca 220, Calb 28 um2/s`"
        ) from None


def _species(network: Network, name: str) -> list[str]:
    """The species of a name: itself, or all states of a molecule."""
    found = [one for one in network.species if one == name or one.partition("(")[0] == name]
    if not found:
        kinds = dict.fromkeys(one.partition("(")[0] for one in network.species)
        raise InvalidArgumentError(f"{network.name} has no species {name!r} to place; it has {', '.join(kinds)}")
    return found
