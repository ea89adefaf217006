"""A segment of NEURON whose ions are a peer's: its mechanisms, and the wires between its variables and the exchange."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._reads import Read
from .errors import InvalidArgumentError

#: Counts cross in such parts of a molecule, since those of a site in nu are means; a power of 2, so that whole ones are exact.
PARTS = 65536
_IONS_PER_mM_um3 = 602214.076


@dataclass
class CoupledSite:
    """What `Session.couple` has noted of a segment. `counts` are weights by species, the ion's own species first."""

    name: str
    segment: Any
    volume_um3: float
    species: str
    counts: list[dict[str, int]] = field(default_factory=list)
    links: list[tuple[Any, dict[str, float]]] = field(default_factory=list)
    regime: int = 0

    def insert(self) -> None:
        """Gives the segment's calcium to the peer."""
        self.require_one_owner()
        self.segment.sec.insert("peerca")
        self.counts.append({self.species: 1})
        self._link("cai", {"kind": 0, "slot": 0, "total_slot": -1, "scale": 1 / self.per_mM})

    def require_one_owner(self) -> None:
        """Refuses a segment in which another mechanism writes cai."""
        from neuron import n

        for mechanism in self.segment:
            name = mechanism.name()
            if name in ("peerca", "ca_ion"):
                continue
            kind = n.MechanismType(0)
            kind.select(name)
            if not kind.is_ion() and re.search(r"USEION\s+ca\b[^\n]*WRITE[^\n]*\bcai\b", kind.code()):
                raise InvalidArgumentError(
                    f"{name} writes cai in {self.segment}, and so would peerca; one of them owns the calcium: uninsert {name}"
                )

    @property
    def per_mM(self) -> float:
        """Of the ion's count."""
        return _IONS_PER_mM_um3 * self.volume_um3 * PARTS

    @property
    def count_names(self) -> list[str]:
        """What is counted, as a read has it: "O1 + 2*O2"."""
        return [
            " + ".join(name if weight == 1 else f"{weight}*{name}" for name, weight in weights.items())
            for weights in self.counts
        ]

    def read(self, read: Read) -> None:
        """Lets a variable follow a count, or a fraction of two."""
        scale = 1 / PARTS if read.whole is None else 1.0
        settings = {"kind": 0, "slot": len(self.counts), "total_slot": -1, "scale": scale}
        self.counts.append(read.weights)
        if read.whole is not None:
            settings["total_slot"] = len(self.counts)
            self.counts.append(read.whole)
        self._link(read.variable, settings)

    def rate(self, slot: int, variable: str, factor: float) -> None:
        """Lets a rate follow a variable; `slot` is the rate's place in the exchange."""
        self._link(variable, {"kind": 1, "slot": slot, "scale": factor})

    def _link(self, variable: str, settings: Mapping[str, float]) -> None:
        from neuron import n

        mechanism, _, name = variable.rpartition(".")
        try:
            owner = getattr(self.segment, mechanism) if mechanism else self.segment
            reference = getattr(owner, f"_ref_{name}")
        except (AttributeError, NameError) as error:
            raise InvalidArgumentError(
                f"{self.segment} has no variable {variable!r}; insert the mechanism first, and write it as 'mechanism.variable'"
            ) from error
        link = n.peerlink(self.segment)
        link._ref_variable = reference
        self.links.append((link, dict(settings)))

    def wire(self, slot: int, first: int) -> None:
        """Tells the mechanisms their places in the exchange: of the amount, and of the site's first count."""
        calcium = self.segment.peerca
        calcium.slot, calcium.count_slot, calcium.per_mM = slot, first, self.per_mM
        for link, settings in self.links:
            shift = first if settings["kind"] == 0 else 0
            for key, value in settings.items():
                setattr(link, key, value + shift if key.endswith("slot") and value >= 0 else value)

    def show(self) -> None:
        """Sets the variables that are read."""
        for link, _ in self.links:
            link.set()

    @property
    def mechanisms(self) -> list[Any]:
        """Those that hold the number of the coupling."""
        return [self.segment.peerca, *(link for link, _ in self.links)]
