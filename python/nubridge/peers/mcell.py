"""MCell as a peer: particles in closed boxes, by pyMCell 0.2 (the library of MCell 3.4).

What NEURON hands over is exact: a release site that fires once a window reads its number at that moment, and a negative
number removes molecules. pyMCell's own call for the number takes no release site, so that it is called by ctypes.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import tempfile
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError, PeerError
from . import Peer, bounded
from .mcell_world import World
from .particles import require_possible
from .plan import Plan
from .process import flush_c
from .rates import SiteRates

MOST_MOLECULES = 2**31 - 1
INSTALL = 'pip install swig wheel "setuptools<70", then pip install --no-build-isolation pymcell==0.2'


class McellPeer(Peer):
    """Every site is a cube of its volume, with the species of the membrane on its walls.

    A clamped species keeps its number of molecules. Its process must be left by `nubridge.peers.process.leave`: MCell's
    own end writes files and crashes. The numbers of a checkpoint are exact, but it holds no random numbers: the run that
    goes on from it is another sample.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._pymcell, self._library = _pymcell()
        require_possible(plan, "mcell")
        self._sites, self._species = plan.slots()
        self._rates = SiteRates(plan)
        self._molecules = plan.initial.copy()
        self._all = list(np.ndindex(plan.initial.shape))
        self._wanted = self._read_every_window()
        self._fresh = True
        self._open(None)
        self._placed = np.zeros(len(self._world.slots), np.int64)

    @classmethod
    def missing(cls) -> str:
        try:
            _pymcell()
        except PeerError:
            return INSTALL
        return ""

    def _read_every_window(self) -> list[tuple[int, int]]:
        wanted = set(zip(self._sites.tolist(), self._species.tolist(), strict=True))
        for count, weights in zip(self.plan.counts, self.plan.weights, strict=True):
            wanted |= {(count.site, s) for s in np.flatnonzero(weights).tolist()}
        return sorted(wanted)

    def _open(self, checkpoint: Path | None) -> None:
        self._world = World(self._pymcell, self._library, self.plan, checkpoint)
        self._world.require_probabilities(self._rates.constants)
        self._apply(np.argwhere(self._rates.constants == 0).tolist())

    def set_rates(self, values: NDArray[np.float64]) -> None:
        if changed := self._rates.set(values):
            self._world.require_probabilities(self._rates.constants, changed)
            self._apply(changed)

    def _apply(self, changed: Sequence[tuple[int, int]]) -> None:
        self._world.change([(site, r, float(self._rates.constants[site, r])) for site, r in changed])

    def molecules(self) -> NDArray[np.int64]:
        if not self._fresh:
            self._world.read(self._molecules, self._all)
        return self._molecules.copy()

    def place(self, site: int, molecules: NDArray[np.int64]) -> None:
        before = self.molecules()[site]
        for slot, (i, s) in enumerate(self._world.slots):
            if i == site and molecules[s] != before[s]:
                self._placed[slot] = molecules[s] - before[s]
                self._molecules[site, s] = molecules[s]

    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        realised = bounded(amounts, self._molecules[self._sites, self._species], MOST_MOLECULES)
        # A number is released in the window's first step; the first release is that of the start, too.
        numbers = [self._molecules[slot] for slot in self._world.slots] if self._fresh else self._placed
        numbers = np.array(numbers, np.int64)
        numbers[: len(realised)] += realised
        self._world.release(numbers)
        self._placed[:] = 0
        self._realised = realised
        return realised

    def advance(self, window_ns: int) -> None:
        if window_ns != self.plan.window_ns:
            raise InvalidArgumentError(
                f"mcell advances by its window of {self.plan.window_ns} ns, not by {window_ns} ns: amounts cross once in it"
            )
        self._world.run(window_ns // self.plan.step_ns)
        if self._fresh:
            before = self._molecules.copy()
            self._world.read(self._molecules, self._all)
            self._require_counts(before)
            self._fresh = False
        else:
            self._world.read(self._molecules, self._wanted)

    def _require_counts(self, before: NDArray[np.int64]) -> None:
        """MCell finds a count in a table that it does not check: the conserved totals tell whether all are right."""
        if self.plan.amounts:
            np.add.at(before, (self._sites, self._species), self._realised)
        for total in self.plan.network.conserved:
            columns = [self.plan.network.species_index(name) for name in total]
            weights = np.array(list(total.values()))
            for site, (had, has) in enumerate(zip(before[:, columns], self._molecules[:, columns], strict=True)):
                if had @ weights != has @ weights:
                    raise PeerError(
                        f"MCell counts {has @ weights} molecules of {' + '.join(total)} at site "
                        f"{self.plan.sites[site].name!r}, where {had @ weights} were released; use fewer species"
                    )

    def counts(self) -> NDArray[np.int64]:
        return self.plan.sums(self._molecules)

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        state = {
            "network": self.plan.network.hash,
            "constants": self._rates.constants.tolist(),
            "values": self._rates.values.tolist(),
        }
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path, "w") as bundle:
            self._world.save(Path(folder, "mcell"))
            bundle.write(Path(folder, "mcell"), "mcell")
            bundle.writestr("state.json", json.dumps(state))

    def restore(self, path: str | os.PathLike[str]) -> None:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as bundle:
            state = json.loads(bundle.read("state.json"))
            if state["network"] != self.plan.network.hash or len(state["constants"]) != len(self.plan.sites):
                raise PeerError(
                    f"the checkpoint {path} is of another network or other sites than this session; use its own"
                )
            bundle.extract("mcell", folder)
            self._open(Path(folder, "mcell"))
        self._rates.constants[:], self._rates.values[:] = state["constants"], state["values"]
        self._apply(np.argwhere(self._rates.constants >= 0).tolist())
        self._world.read(self._molecules, self._all)
        self._fresh = False

    def close(self) -> None:
        flush_c()


def _pymcell() -> tuple[Any, ctypes.CDLL]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SWIG
            library = ctypes.CDLL(importlib.import_module("_pymcell").__file__)
            pymcell = importlib.import_module("pymcell")
    except ImportError as error:
        raise PeerError(f"the peer mcell needs pyMCell ({error}): {INSTALL}") from error
    library.set_release_site_constant_number.argtypes = [ctypes.c_void_p, ctypes.c_double]
    library.create_chkpt.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    return pymcell, library
