"""How far the ions of a site are from well mixed, by what reacts with them and what NEURON lets in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .nu import Kinds
from .plan import Plan

MOST = 1e6  # of an ion that reacts and does not move


class Mixing:
    """The part of a site's ions that has not had the time to spread: 0 is well mixed; near 1 space decides.

    In a cube of the edge L the slowest gradient decays at the rate m = pi^2 D / L^2. Reactions that take an ion at the rate k
    keep up the part k/m of it, a Damkoehler number. To it comes what NEURON has added or removed, forgotten at the rate m, over
    the ions that are there. It is an estimate from the model's numbers, so that it can be had of a site in nu too, where no
    molecule has a place; it does not see where on the membrane the ions come in.
    """

    def __init__(self, plan: Plan, kinds: Kinds) -> None:
        self._kinds, self._sites = kinds, len(plan.sites)
        self._slots = list(zip(*(one.tolist() for one in plan.slots()), strict=True))
        edge_um = [plan.sites[one.site].volume_um3 ** (1 / 3) for one in plan.amounts]
        diffusion_um2_s = [plan.placement.diffusion_um2_s[one.species] for one in plan.amounts]
        self._mixing_per_s = np.pi**2 * np.array(diffusion_um2_s) / np.array(edge_um) ** 2
        self._kept = np.exp(-self._mixing_per_s * plan.window_ns * 1e-9)
        self._new = np.zeros(len(plan.amounts))
        self._takes = np.array(
            [
                [one.reactants.get(name, 0) - one.products.get(name, 0) for name in plan.network.species]
                for one in plan.network.reactions
            ]
        ).clip(min=0)

    @property
    def state(self) -> list[float]:
        """What is not forgotten yet, by the plan's amounts."""
        return self._new.tolist()

    @state.setter
    def state(self, new: list[float]) -> None:
        self._new = np.array(new)

    def add(self, realised: NDArray[np.int64]) -> None:
        """What came in with a window, by the plan's amounts."""
        self._new = (self._new + realised) * self._kept

    def of_sites(self, molecules: NDArray[np.float64], k: NDArray[np.float64]) -> list[float]:
        """The greatest of the ions of each site, at these molecules and rate constants in molecules, both by site."""
        found = [0.0] * self._sites
        for slot, (site, ion) in enumerate(self._slots):
            ions = molecules[site, ion]
            taken_per_s = self._takes[:, ion] @ self._kinds.propensities(molecules[site], k[site])
            mixing_per_s = self._mixing_per_s[slot]
            kept_up = taken_per_s / mixing_per_s if mixing_per_s else np.inf if taken_per_s else 0.0
            part = (kept_up + abs(self._new[slot])) / max(ions, 1.0)
            found[site] = max(found[site], min(float(part), MOST))
        return found
