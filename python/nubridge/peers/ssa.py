"""Our own exact engine as a peer: well mixed, the oracle of the others."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import PeerError
from ..simulation import Simulator
from . import Peer, bounded
from .plan import Plan

MOST_MOLECULES = 2**53


class SsaPeer(Peer):
    """Exact events in every site, without space.

    A checkpoint is exact to the byte: from there the run that wrote it and the run that reads it draw the same numbers,
    those of a fresh stream.
    """

    has_space = False

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._epoch = 0
        self._rates = np.array([np.nan] * len(plan.rates))
        self._now_ns = 0
        self._sites, self._species = plan.slots()
        self._simulators = [
            Simulator(plan.network, volume_um3=site.volume_um3, seed=plan.seed, run=self._run(i))
            for i, site in enumerate(plan.sites)
        ]

    def _run(self, site: int) -> int:
        return site << 32 | self._epoch

    def molecules(self) -> NDArray[np.int64]:
        amounts = np.array([simulator.amounts for simulator in self._simulators])
        return np.rint(amounts * self.plan.molecules_per_unit[:, None]).astype(np.int64)

    def place(self, site: int, molecules: NDArray[np.int64]) -> None:
        network = self.plan.network
        for name, before, number in zip(network.species, self.molecules()[site], molecules.tolist(), strict=True):
            if number != before and name not in network.fixed:
                self._simulators[site][name] = number / self.plan.molecules_per_unit[site]

    def set_rates(self, values: NDArray[np.float64]) -> None:
        for slot, (rate, value) in enumerate(zip(self.plan.rates, values, strict=True)):
            if value != self._rates[slot]:
                self._simulators[rate.site].set_rate(rate.name, float(value))
        self._rates = np.array(values, np.float64)

    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        present = self.molecules()[self._sites, self._species]
        realised = bounded(amounts, present, MOST_MOLECULES)
        for slot in np.flatnonzero(realised):
            site = self._sites[slot]
            count = float(present[slot] + realised[slot])
            self._simulators[site][self.plan.amounts[slot].species] = count / self.plan.molecules_per_unit[site]
        return realised

    def advance(self, window_ns: int) -> None:
        self._now_ns += window_ns
        for simulator in self._simulators:
            simulator.advance(self._now_ns * 1e-9)

    def counts(self) -> NDArray[np.int64]:
        return self.plan.sums(self.molecules())

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        state = {
            "network": self.plan.network.hash,
            "seed": self.plan.seed,
            "epoch": self._epoch + 1,
            "amounts": [simulator.amounts.tolist() for simulator in self._simulators],
            "rates": [None if np.isnan(value) else value for value in self._rates.tolist()],
        }
        Path(path).write_text(json.dumps(state), encoding="utf-8")
        self._go_on(state)

    def restore(self, path: str | os.PathLike[str]) -> None:
        state = json.loads(Path(path).read_text(encoding="utf-8"))
        for what, mine in (("network", self.plan.network.hash), ("seed", self.plan.seed)):
            if state[what] != mine:
                raise PeerError(
                    f"the checkpoint {path} is of the {what} {state[what]}, this session of {mine}; use its own"
                )
        if len(state["amounts"]) != len(self.plan.sites) or len(state["rates"]) != len(self.plan.rates):
            raise PeerError(f"the checkpoint {path} has other sites or rates than this session; use its own")
        self._go_on(state)

    def _go_on(self, state: dict) -> None:
        """From the amounts and rates of a checkpoint, with the random numbers that belong to it."""
        self._epoch, self._now_ns = state["epoch"], 0
        for i, (simulator, row) in enumerate(zip(self._simulators, state["amounts"], strict=True)):
            simulator.restart(dict(zip(self.plan.network.species, row, strict=True)), self._run(i))
        self._rates[:] = np.nan
        set_before = [np.nan if value is None else value for value in state["rates"]]
        for slot, (rate, value) in enumerate(zip(self.plan.rates, set_before, strict=True)):
            if not np.isnan(value):
                self._simulators[rate.site].set_rate(rate.name, value)
                self._rates[slot] = value
