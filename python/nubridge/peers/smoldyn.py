"""Smoldyn as a peer: particles in closed boxes, by the package `smoldyn` 2.74.

Several reactions of one pair of molecules need care: Smoldyn offers a pair that is near enough to one after the other, each
with a radius and a probability of its own, so that the first would take them all. Here each gets the rate at which its
radius is that of all together, and its share of what the ones before have left.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PeerError
from . import Peer, bounded
from .particles import Box, boxes, order, products_of, require_possible
from .plan import Plan
from .rates import SiteRates

INSTALL = 'pip install "smoldyn==2.74", with Python 3.10 or 3.11'
MOST_MOLECULES = 2**31 - 1
FOR_EVER_S = 1e9
#: Of the partners that a molecule is near enough to in one step; it reacts with one of them only, so that the others come short.
MOST_WITHIN_REACH = 0.1
_IN, _ON = "bsoln", "back"  # sides of a wall whose front is outside


class SmoldynPeer(Peer):
    """Every site is a cube of its volume, with the species of the membrane on its walls.

    A clamped species keeps its number of molecules. Smoldyn has one stream of random numbers in a process, and no
    checkpoint that its Python package could write.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._smoldyn = _smoldyn()
        require_possible(plan, "smoldyn")
        self._sites, self._species = plan.slots()
        self._rates = SiteRates(plan)
        self._molecules = plan.initial.copy()
        self._fresh = True
        self._boxes = boxes(plan)
        self._pairs = _pairs(plan)
        self._build()
        self._set(np.ndindex(self._rates.constants.shape))

    @classmethod
    def missing(cls) -> str:
        try:
            _smoldyn()
        except PeerError:
            return INSTALL
        return ""

    def set_rates(self, values: NDArray[np.float64]) -> None:
        if changed := self._rates.set(values):
            self._set(changed)
            if any(order(self.plan.network.reactions[r]) == 2 for _, r in changed):
                self._require_reach()

    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        present = self._molecules[self._sites, self._species]
        realised = bounded(amounts, present, MOST_MOLECULES)
        np.add.at(self._molecules, (self._sites, self._species), realised)
        if self._fresh:
            self._fill(np.argwhere(self._molecules > 0))
        else:
            self._remove(np.flatnonzero(realised < 0))  # first: it does not see what is added
            for slot in np.flatnonzero(realised > 0):
                self._add(self._sites[slot], self._species[slot], int(realised[slot]))
        return realised

    def advance(self, window_ns: int) -> None:
        if self._fresh:
            self.inject(np.zeros(len(self.plan.amounts), np.int64))
        for _ in range(window_ns // self.plan.step_ns):
            self._require(self._world.runTimeStep(), "run")
        for site, species in np.ndindex(self._molecules.shape):
            self._molecules[site, species] = self._count(site, species)

    def _count(self, site: int, species: int) -> int:
        return self._world.getMoleculeCount(_word(site, species), self._smoldyn.MolecState.all)

    def counts(self) -> NDArray[np.int64]:
        return self.plan.sums(self._molecules)

    # ---- the world -------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        last = self._boxes[-1]
        widest = max(box.edge_um for box in self._boxes)
        edges = [-widest, last.x_um + last.edge_um + widest], [-widest, widest], [-widest, widest]
        self._world = self._smoldyn.Simulation(low=[e[0] for e in edges], high=[e[1] for e in edges], boundary_type="r")
        self._world.setFlags("q")
        self._require(self._world.setRandomSeed(1 + self.plan.seed % (2**31 - 2)), "take the seed")
        self._require(self._world.setSimTimes(0.0, FOR_EVER_S, self.plan.step_ns * 1e-9), "take the step")
        placement = self.plan.placement
        for site, box in enumerate(self._boxes):
            diffusion = [placement.diffusion_um2_s[name] for name in self.plan.network.species]
            made = [self._world.addSpecies(_word(site, s), difc=constant) for s, constant in enumerate(diffusion)]
            surface = self._world.addSurface(f"wall{site}", panels=self._walls(box))
            surface.setAction("both", made, "reflect")
            middle = [box.x_um + box.edge_um / 2, 0.0, 0.0]
            self._world.addCompartment(f"site{site}", surface=surface, point=middle)
            for r in range(len(self.plan.network.reactions)):
                self._reaction(site, r, made)

    def _walls(self, box: Box) -> list[Any]:
        """Six squares that face outwards."""
        low = [box.x_um, -box.edge_um / 2, -box.edge_um / 2]
        walls = []
        for axis, letter in enumerate("xyz"):
            opposite = [value + box.edge_um * (axis == i) for i, value in enumerate(low)]
            for corner, sign in ((low, "-"), (opposite, "+")):
                square = {"corner": corner, "dimensions": [box.edge_um] * 2, "axis": sign + letter}
                walls.append(self._world.addRectangle(**square))
        return walls

    def _reaction(self, site: int, r: int, made: list[Any]) -> None:
        reaction = self.plan.network.reactions[r]
        on_wall = bool(self.plan.placement.membrane.intersection(reaction.reactants))

        def side(molecules: Mapping[str, int]) -> list[Any]:
            listed = []
            for name, n in molecules.items():
                state = _ON if self._is_on_membrane(name) else _IN if on_wall else "soln"
                listed += [(made[self.plan.network.species_index(name)], state)] * n
            return listed

        products = products_of(reaction, self.plan)
        self._world.addReaction(_path(site, r), subs=side(reaction.reactants), prds=side(products), rate=0.0)

    def _is_on_membrane(self, name: str) -> bool:
        return name in self.plan.placement.membrane

    def _fill(self, places: Iterable[Iterable[int]]) -> None:
        self._fresh = False
        for site, species in places:
            self._add(site, species, int(self._molecules[site, species]))
        self._require_reach()

    def _add(self, site: int, species: int, number: int) -> None:
        name, word = self.plan.network.species[species], _word(site, species)
        if self._is_on_membrane(name):
            shapes = self._smoldyn.PanelShape.all, "all", []
            code = self._world.addSurfaceMolecules(word, self._smoldyn.MolecState.back, number, f"wall{site}", *shapes)
        else:
            code = self._world.addCompartmentMolecules(word, number, f"site{site}")
        self._require(code, f"add {number} of {name}")

    def _remove(self, slots: Iterable[int]) -> None:
        for slot in slots:
            site, species = self._sites[slot], self._species[slot]
            name, word, left = self.plan.network.species[species], _word(site, species), self._molecules[site, species]
            if self._is_on_membrane(name):
                self._world.runCommand(f"fixmolcountonsurf {word}({_ON}) {left} wall{site}")
            else:
                self._world.runCommand(f"fixmolcountincmpt {word} {left} site{site}")
            if (found := self._count(site, species)) != left:  # a command that fails says so in the log only
                raise PeerError(f"Smoldyn has {found} of {name} where {left} were to be left; its reason is in the log")

    # ---- rates -----------------------------------------------------------------------------------------------------------

    def _set(self, changed: Iterable[tuple[int, int]]) -> None:
        """The rate constants of the network, as they are now, of these (site, reaction)."""
        pairs = set()
        for site, r in changed:
            if order(self.plan.network.reactions[r]) == 1:
                self._set_rate(site, r, self._rates.constants[site, r])
            else:
                pairs.add((site, frozenset(self.plan.network.reactions[r].reactants)))
        for site, pair in pairs:
            left = total = self._um3_s(site, pair)
            for r in self._pairs[pair]:
                share = self._constant_um3_s(site, r) / left if left > 0 else 0.0
                left -= self._constant_um3_s(site, r)
                if len(self._pairs[pair]) > 1:
                    code = self._world.setReactionRate(_path(site, r), min(share, 1.0) if share > 0 else 1.0, 2)
                    self._require(code, f"set the share of {self.plan.network.reaction_names[r]}")
                self._set_rate(site, r, min(share, 1.0) * total)

    def _set_rate(self, site: int, r: int, value: float) -> None:
        code = self._world.setReactionRate(_path(site, r), float(value), 0)
        self._require(code, f"set the rate of {self.plan.network.reaction_names[r]}")

    def _constant_um3_s(self, site: int, r: int) -> float:
        return float(self._rates.molecular[site, r] * self.plan.sites[site].volume_um3)

    def _um3_s(self, site: int, pair: frozenset[str]) -> float:
        return sum(self._constant_um3_s(site, r) for r in self._pairs[pair])

    def _require_reach(self) -> None:
        """Raises PeerError where so many partners stand so close that a molecule often meets two of them in one step."""
        step_s = self.plan.step_ns * 1e-9
        for site, box in enumerate(self._boxes):
            within: dict[str, float] = {}
            for pair in self._pairs:
                k_um3_s = self._um3_s(site, pair)
                for name in pair:
                    (partner,) = pair - {name}
                    if self._is_on_membrane(name):
                        continue
                    here = self._molecules[site, self.plan.network.species_index(partner)]
                    if self._is_on_membrane(partner):  # half a ball at the wall
                        radius_um = (3 * k_um3_s * step_s / (2 * math.pi)) ** (1 / 3)
                        near = here * math.pi * radius_um**2 / (6 * box.edge_um**2)
                    else:
                        near = here * k_um3_s * step_s / box.edge_um**3
                    within[name] = within.get(name, 0.0) + near
            for name, near in within.items():
                if near > MOST_WITHIN_REACH:
                    raise PeerError(
                        f"a molecule of {name} at site {self.plan.sites[site].name!r} is near enough to {near:.2g} partners at "
                        f"once in a step of {self.plan.step_ns} ns, and Smoldyn would be {near / 2:.0%} too slow; make the "
                        f"step shorter, until it is {MOST_WITHIN_REACH:g} of them"
                    )

    def _require(self, code: Any, what: str) -> None:
        errors = self._smoldyn.ErrorCode
        if code not in (errors.ok, errors.notify, errors.warning):
            raise PeerError(f"Smoldyn could not {what} ({code.name}); its reason stands in the peer's log")


def _pairs(plan: Plan) -> dict[frozenset[str], list[int]]:
    """The reactions of every two molecules that meet, in the order of the network."""
    found: dict[frozenset[str], list[int]] = {}
    for r, reaction in enumerate(plan.network.reactions):
        if order(reaction) == 2:
            found.setdefault(frozenset(reaction.reactants), []).append(r)
    return found


def _smoldyn() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its docstrings
            module = importlib.import_module("smoldyn")
            core = importlib.import_module("smoldyn._smoldyn")
    except ImportError as error:
        raise PeerError(f"the peer smoldyn needs Smoldyn ({error}): {INSTALL}") from error
    for name in ("ErrorCode", "MolecState", "PanelShape"):
        setattr(module, name, getattr(core, name))
    return module


def _word(site: int, species: int) -> str:
    return f"m{site}_{species}"


def _path(site: int, reaction: int) -> str:
    return f"reaction{site}_{reaction}"
