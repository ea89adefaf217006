"""Where a network lives: a box of cubes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from . import _library
from .errors import InvalidArgumentError
from .network import Network

FACES = {"x-": 1, "x+": 2, "y-": 3, "y+": 4, "z-": 5, "z+": 6}
RULES = {"events": 0, "hop-and-react": 1}


@dataclass(frozen=True)
class Space:
    """A box of `shape` = (x, y, z) cubes (voxels, or sites of a lattice) of edge `spacing_um`; reflecting, or periodic.

    `diffusion_um2_s` has the constant of each species that moves; `face` puts a species on a face of the box ("x-" to
    "z+"): it lives in the voxels along that face, moves within it and reacts there; the box does not wrap across it.
    `rule` is a lattice's: "events" (exact) or "hop-and-react" (every molecule has one turn in each
    `step_s`, as in published codes). A lattice's rate constants are those of a molecule, an empty site or a pair of
    neighbours: models/networks/README.md.

    On voxels (grid-ssa, spde, pde) every rate constant is the network's own: molecules that are spread evenly over their
    homes react as in the well-mixed network in the volume of the box, on faces too. Amounts are those of the box.

    >>> import nubridge
    >>> box = nubridge.Space((8, 4), spacing_um=0.1, diffusion_um2_s={"A": 0.5})
    >>> simulator = nubridge.Simulator("decay", "grid-ssa", space=box, seed=1)
    >>> simulator.advance(0.1)
    >>> simulator.field("A").shape, bool(simulator.field("A").sum() == simulator["A"])
    ((4, 8), True)
    """

    shape: Sequence[int]
    spacing_um: float = 1.0
    diffusion_um2_s: Mapping[str, float] = field(default_factory=dict)
    periodic: bool = False
    face: Mapping[str, str] = field(default_factory=dict)
    rule: str = "events"

    @property
    def field_shape(self) -> tuple[int, ...]:
        """Of a species' field: (z, y, x) without the dimensions that `shape` leaves out."""
        return tuple(int(edge) for edge in reversed(self.shape))

    def _structure(self, network: Network) -> _library.Space:
        shape = (*self.shape, 1, 1, 1)[: max(3, len(self.shape))]
        if len(shape) != 3 or min(shape) < 1:
            raise InvalidArgumentError(
                f"the shape of the space is {tuple(self.shape)}; pass 1 to 3 whole numbers of at least 1"
            )
        for what, known in ((self.rule, RULES), *((name, FACES) for name in self.face.values())):
            if what not in known:
                raise InvalidArgumentError(f"{what!r} is unknown; it is one of {', '.join(known)}")
        diffusion = np.zeros(len(network.species))
        for name, constant in self.diffusion_um2_s.items():
            diffusion[network.species_index(name)] = constant
        face = np.zeros(len(network.species), np.uint8)
        for name, side in self.face.items():
            face[network.species_index(name)] = FACES[side]
        made = _library.Space()
        made.shape[:] = [int(edge) for edge in shape]
        made.spacing_um, made.periodic, made.rule = self.spacing_um, int(self.periodic), RULES[self.rule]
        made.diffusion_um2_s, made.face = diffusion.ctypes.data, face.ctypes.data
        made._kept = (diffusion, face)
        return made
