"""MCell as a peer: particles in closed boxes, by pyMCell 0.2 (the library of MCell 3.4).

What NEURON hands over is exact: a release site that fires once a part of a window reads its number at that moment, and a
negative number removes molecules. pyMCell's own call for the number takes no release site, so that it is called by ctypes.
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
from .mcell_world import World, place
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
    goes on from it is another sample. What a window does is in plain numbers: MCell leaves the caches cold, in which one
    call of NumPy takes 10 to 50 us.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._pymcell, self._library = _pymcell()
        require_possible(plan, "mcell")
        self._rates = SiteRates(plan)
        self._wanted = self._read_every_window()
        self._sums = [
            [(self._wanted.index((one.site, s)), int(row[s])) for s in np.flatnonzero(row)]
            for one, row in zip(plan.counts, plan.weights, strict=True)
        ]
        self._all = [place(*slot) for slot in np.ndindex(plan.initial.shape)]
        self._places = [place(*slot) for slot in self._wanted]
        self._molecules = plan.initial.copy()
        self._fresh = True
        self._open(None)
        #: What the next part of a window begins with: one number for each of the world's slots.
        self._due = [int(plan.initial[slot]) for slot in self._world.slots]
        self._now = [int(plan.initial[slot]) for slot in self._wanted]
        self._amounts = [self._wanted.index(slot) for slot in self._world.slots[: len(plan.amounts)]]
        self._realised: list[int] = []

    @classmethod
    def missing(cls) -> str:
        try:
            _pymcell()
        except PeerError:
            return INSTALL
        return ""

    def _read_every_window(self) -> list[tuple[int, int]]:
        """The (site, species) of every amount and count."""
        wanted = set(zip(*(one.tolist() for one in self.plan.slots()), strict=True))
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
            self._molecules = np.array(self._world.read(self._all)).reshape(self.plan.initial.shape)
        return self._molecules.copy()

    def place(self, site: int, molecules: NDArray[np.int64]) -> None:
        before = self.molecules()[site]
        for slot, (i, s) in enumerate(self._world.slots):
            if i == site and molecules[s] != before[s]:
                self._due[slot] += int(molecules[s] - before[s])
                self._molecules[site, s] = molecules[s]
                if (i, s) in self._wanted:
                    self._now[self._wanted.index((i, s))] = int(molecules[s])

    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        present = [self._now[at] for at in self._amounts]
        wanted = amounts.tolist()
        if not all(0 <= had + more <= MOST_MOLECULES for had, more in zip(present, wanted, strict=True)):
            amounts = bounded(amounts, np.array(present), MOST_MOLECULES)
            wanted = amounts.tolist()
        for slot, number in enumerate(wanted):
            self._due[slot] += number
        self._realised = wanted
        return amounts

    def advance(self, window_ns: int) -> None:
        if window_ns not in self.plan.parts_ns:
            parts = " and ".join(map(str, self.plan.parts_ns))
            raise InvalidArgumentError(
                f"mcell advances by its window of {parts} ns, not by {window_ns} ns: amounts cross once in it"
            )
        self._world.release(self._due)
        self._due = [0] * len(self._due)
        self._world.run(window_ns // self.plan.step_ns)
        if self._fresh:
            self._fresh = False
            self._require_counts(self._molecules, self.molecules())
        self._now = self._world.read(self._places)

    def _require_counts(self, before: NDArray[np.int64], after: NDArray[np.int64]) -> None:
        """MCell finds a count in a table that it does not check: the conserved totals tell whether all are right."""
        for (i, s), number in zip(self._world.slots, self._realised, strict=False):
            before[i, s] += number
        for total in self.plan.network.conserved:
            columns = [self.plan.network.species_index(name) for name in total]
            weights = np.array(list(total.values()))
            for site, (had, has) in enumerate(zip(before[:, columns], after[:, columns], strict=True)):
                if had @ weights != has @ weights:
                    raise PeerError(
                        f"MCell counts {has @ weights} molecules of {' + '.join(total)} at site "
                        f"{self.plan.sites[site].name!r}, where {had @ weights} were released; use fewer species"
                    )

    def counts(self) -> list[int]:
        return [sum([weight * self._now[at] for at, weight in terms]) for terms in self._sums]

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
        self._fresh = False
        self._due = [0] * len(self._due)
        self._now = self._world.read(self._places)

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
