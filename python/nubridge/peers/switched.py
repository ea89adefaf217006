"""A peer whose sites can be handed over to nu, and back, between two windows.

nu is advanced where the particles were, in the peer's process: the exchange, its schemes, the books of the ions and the
checkpoint are the same in both regimes, and no mechanism of NEURON knows of them. The regime of a site goes with the rates of
a window, so that both sides change it in the same one.
"""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import Peer
from .mixing import Mixing
from .nu import Kinds, NuSite
from .rates import SiteRates

PARTICLES, NU = 0, 1


class SwitchedPeer:
    """Any peer, and the sites that are in nu in place of it.

    A site that goes into nu takes all molecules from the peer, which simulates an empty site from then on; one that comes back
    is drawn from the law and put there. Both in whole numbers, with every conserved total as it was. The order of calls in a
    window: `set_rates`, `set_regimes`, `inject`, `advance`, `counts`, or `inject` between two `advance` as of a peer. Behind
    the counts stands the non-uniformity of every site where the plan asks for it.
    """

    def __init__(self, peer: Peer) -> None:
        self.plan, self._peer = peer.plan, peer
        self._rates = SiteRates(peer.plan)
        self._sites, self._species = peer.plan.slots()
        self._nu: dict[int, NuSite] = {}
        self._handed = 0
        self._mixing = Mixing(peer.plan, self._kinds) if peer.plan.mixing_ns and peer.has_space else None
        self._non_uniformity = [0.0] * len(peer.plan.sites) if peer.plan.mixing_ns else []
        self._now_ns = 0

    @functools.cached_property
    def _kinds(self) -> Kinds:
        return Kinds(self.plan.network, {one.species for one in self.plan.amounts})

    def set_rates(self, values: NDArray[np.float64]) -> None:
        """As of a peer, for all sites."""
        self._peer.set_rates(values)
        if self._nu or self.plan.regimes:
            self._rates.set(values)

    def set_regimes(self, values: NDArray[np.float64]) -> None:
        """PARTICLES or NU, one for each of `plan.regimes`."""
        wanted = {site for site, value in zip(self.plan.regimes, values, strict=True) if value == NU}
        if wanted == self._nu.keys():
            return
        molecules = self._peer.molecules()
        for site in sorted(wanted - self._nu.keys()):
            self._nu[site] = NuSite(self._kinds, molecules[site])
            self._peer.place(site, np.zeros_like(molecules[site]))
        for site in sorted(self._nu.keys() - wanted):
            self._handed += 1
            random = np.random.default_rng([self.plan.seed, site, self._handed])
            self._peer.place(site, self._nu.pop(site).sample(random))

    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """As of a peer."""
        realised = self._injected(amounts) if self._nu else self._peer.inject(amounts)
        if self._mixing is not None:
            self._mixing.add(realised)
        return realised

    def _injected(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        in_nu = np.isin(self._sites, list(self._nu))
        realised = self._peer.inject(np.where(in_nu, 0, amounts))
        for slot in np.flatnonzero(in_nu):
            realised[slot] = self._nu[self._sites[slot]].inject(self._species[slot], int(amounts[slot]))
        return realised

    def advance(self, window_ns: int) -> None:
        """As of a peer."""
        self._peer.advance(window_ns)
        for site, nu in self._nu.items():
            nu.advance(window_ns * 1e-9, self._rates.molecular[site])
        self._now_ns += window_ns
        if self._mixing is not None and self._now_ns % self.plan.mixing_ns < window_ns:
            molecules = self._peer.molecules().astype(np.float64)
            for site, nu in self._nu.items():
                molecules[site] = nu.means
            self._non_uniformity = self._mixing.of_sites(molecules, self._rates.molecular)

    def counts(self, parts: int) -> list[int]:
        """As of a peer, in so many parts of a molecule; of a site in nu the means, to the nearest part."""
        counts = [int(count) * parts for count in self._peer.counts()]
        for slot, count in enumerate(self.plan.counts) if self._nu else ():
            if count.site in self._nu:
                counts[slot] = round(parts * float(self.plan.weights[slot] @ self._nu[count.site].means))
        return counts + [round(parts * one) for one in self._non_uniformity]

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """The peer's own, and beside it, with `.nu` after the name, the sites in nu."""
        state = {
            "handed": self._handed,
            "values": [None if np.isnan(value) else value for value in self._rates.values.tolist()],
            "nu": {site: nu.state for site, nu in self._nu.items()},
            "now_ns": self._now_ns,
            "non_uniformity": self._non_uniformity,
            "mixing": self._mixing and self._mixing.state,
        }
        self._peer.checkpoint(path)
        Path(f"{path}.nu").write_text(json.dumps(state), encoding="utf-8")

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Goes on from a checkpoint, before the first window."""
        self._peer.restore(path)
        state = json.loads(Path(f"{path}.nu").read_text(encoding="utf-8"))
        self._handed = state["handed"]
        if None not in state["values"]:
            self._rates.set(np.array(state["values"]))
        self._nu = {int(site): NuSite.restored(self._kinds, one) for site, one in state["nu"].items()}
        self._now_ns, self._non_uniformity = state["now_ns"], state["non_uniformity"]
        if self._mixing is not None:
            self._mixing.state = state["mixing"]

    def close(self) -> None:
        """As of a peer."""
        self._peer.close()
