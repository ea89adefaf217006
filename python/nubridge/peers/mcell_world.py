"""One simulation of MCell by pyMCell, in cubes."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PeerError
from ..network import Reaction
from ..results import MOLECULES_PER_uM_um3
from .particles import Box, boxes, order, products_of
from .plan import Plan
from .process import printed

ITERATIONS = 10**9  # a call past the last one does nothing
MOST_TRAINS = 2**31 - 1
RARELY = 2**30  # iterations between two looks of MCell at its own output
PROBABILITY = re.compile(r"Probability (\S+) set for (\S+) \+ (\S+) -> ")
FILE_NAME = ctypes.create_string_buffer(os.fsencode(os.devnull))
FILE_NAME_BYTE = 16  # of struct output_set, behind two pointers
KEPT: list[Any] = []  # all that pyMCell made, for its destructors free what MCell still has
WORD = re.compile(r"m(\d+)_(\d+)\{")
CORNERS = [(1, 1, -1), (1, -1, -1), (-1, -1, -1), (-1, 1, -1), (1, 1, 1), (1, -1, 1), (-1, -1, 1), (-1, 1, 1)]
FACES = [
    (1, 2, 3), (7, 6, 5), (0, 4, 5), (1, 5, 6), (6, 7, 3), (0, 3, 7),
    (0, 1, 3), (4, 7, 5), (1, 0, 5), (2, 1, 6), (2, 6, 3), (4, 0, 7),
]  # fmt: skip


class World:
    """One MCell simulation; the order of calls is that of a run."""

    def __init__(self, pymcell: Any, library: ctypes.CDLL, plan: Plan, checkpoint: Path | None) -> None:
        self._m, self._library, self._plan = pymcell, library, plan
        self._reactions = plan.network.reactions
        self._get_count = pymcell._pymcell.mcell_get_count  # cold, the wrapper around it takes as long
        self._kept: list[Any] = []
        KEPT.append(self)
        self._injectors: list[ctypes.c_void_p] = []
        #: Of each number of `release`: its site and its species; first those of the plan's amounts.
        self.slots = _slots(plan)
        self._numbers = [0] * len(self.slots)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder, "log")
            with printed(log):
                self._world = pymcell.mcell_create()
                pymcell.mcell_set_seed(self._world, 1 + plan.seed % (2**31 - 2))
                pymcell.mcell_init_state(self._world)
                if checkpoint is not None:
                    self._read(checkpoint, Path(folder))
                self._build()
                self._require(pymcell.mcell_init_simulation(self._world), "start")
                if checkpoint is not None:
                    self._require(pymcell.mcell_init_read_checkpoint(self._world), f"read {checkpoint}")
                self._require(pymcell.mcell_init_output(self._world), "start its output")
                pymcell.mcell_silence_notifications(self._world)
                pymcell.mcell_silence_warnings(self._world)
            self._per_unit = self._of_unit_rates(log.read_text(encoding="utf-8", errors="replace"))

    def _build(self) -> None:
        m, world = self._m, self._world
        m.mcell_set_time_step(world, self._plan.step_ns * 1e-9)
        m.mcell_set_iterations(world, ITERATIONS)
        self._scene = m.create_instance_object(world, "Scene")
        window_s, part_s, step_s = (
            1e-9 * ns for ns in (self._plan.window_ns, self._plan.parts_ns[0], self._plan.step_ns)
        )
        # A window is a train of one release for each part of it, in the middle of the part's first step: rounding cannot
        # move it into another one.
        pattern = m.create_release_pattern(
            world,
            "window",
            delay=0.5 * step_s,
            release_interval=part_s,
            train_interval=window_s,
            train_duration=(len(self._plan.parts_ns) - 0.5) * part_s,
            number_of_trains=MOST_TRAINS,
        )
        self._kept.append(pattern)
        self._symbols = [
            [self._species(i, s) for s in range(len(self._plan.network.species))] for i in range(len(self._plan.sites))
        ]
        self._meshes = [self._mesh(i, box) for i, box in enumerate(boxes(self._plan))]
        for i in range(len(self._plan.sites)):
            for r, reaction in enumerate(self._reactions):
                self._reaction(i, r, reaction)
            for s in range(len(self._plan.network.species)):
                self._count(i, s)
        for i, s in self.slots:
            site = self._release(f"amount{i}_{s}", i, s, 0, pattern)
            self._injectors.append(ctypes.c_void_p(int(site.contents)))
        for i, s in np.argwhere(self._plan.initial > 0):
            if (i, s) not in self.slots:
                self._release(f"initial{i}_{s}", i, s, self._plan.initial[i, s], None)

    def _species(self, site: int, species: int) -> Any:
        name = self._plan.network.species[species]
        membrane = name in self._plan.placement.membrane
        diffusion_cm2_s = self._plan.placement.diffusion_um2_s[name] * 1e-8
        return self._m.create_species(self._world, _word(site, species), diffusion_cm2_s, membrane)

    def _mesh(self, site: int, box: Box) -> Any:
        half_um = box.edge_um / 2
        corners = [(box.x_um + half_um * (1 + x), half_um * y, half_um * z) for x, y, z in CORNERS]
        return self._m.create_polygon_object(self._world, corners, FACES, self._scene, f"site{site}")

    def _names(self, site: int, names: Iterable[str], oriented: bool) -> Any:
        """On the membrane all face outwards and all else is inside: left free, half of what reacts would leave the cube."""
        listed = None
        for name in names:
            symbol = self._symbols[site][self._plan.network.species_index(name)]
            side = 1 if name in self._plan.placement.membrane else -1
            listed = self._m.mcell_add_to_species_list(symbol, oriented, side if oriented else 0, listed)
        return listed

    def _reaction(self, site: int, r: int, reaction: Reaction) -> None:
        both = reaction.reactants, products_of(reaction, self._plan)
        sides = [[name for name, n in side.items() for _ in range(n)] for side in both]
        oriented = bool(self._plan.placement.membrane.intersection(sides[0]))
        left, right = (self._names(site, side, oriented) for side in sides)
        k = self._at_start(site, r)
        self._m.create_reaction(self._world, left, right, k, 0.0, name=_path(site, r))

    def _count(self, site: int, species: int) -> None:
        where = self._m.mcell_get_obj_sym(self._meshes[site])
        count = self._m.create_count(self._world, where, self._symbols[site][species], os.devnull, 1e2)
        self._kept.append(count)
        # The text that create_count passed is freed by now, and MCell would write a file of a random name.
        ctypes.c_void_p.from_address(int(count[1].this) + FILE_NAME_BYTE).value = ctypes.addressof(FILE_NAME)
        if count[1].outfile_name != os.devnull:
            raise PeerError("the output of this pyMCell is not laid out like that of 0.2; install pymcell==0.2")

    def _release(self, name: str, site: int, species: int, number: int, pattern: Any) -> Any:
        listed = self._names(site, [self._plan.network.species[species]], self._is_on_membrane(species))
        made = self._m.mcell_create_region_release(
            self._world,
            self._scene,
            self._meshes[site],
            name,
            "ALL",
            listed,
            float(number),
            0,
            1,
            pattern,
            self._m.object(),
        )
        self._m.mcell_delete_species_list(listed)
        self._kept.append(made)
        return made

    def _is_on_membrane(self, species: int) -> bool:
        return self._plan.network.species[species] in self._plan.placement.membrane

    def _at_start(self, site: int, r: int) -> float:
        """The rate constant of which MCell states the probability; of one that is 0, and set so before the first step."""
        return self._in_mcell(site, r, self._reactions[r].rate or 1.0)

    def _in_mcell(self, site: int, r: int, k: float) -> float:
        """A rate constant of the network in 1/s or 1/(M s)."""
        if order(self._reactions[r]) < 2:
            return k
        per_uM = 1.0 if self._plan.network.unit == "uM" else MOLECULES_PER_uM_um3 * self._plan.sites[site].volume_um3
        return k * per_uM * 1e6

    def require_probabilities(
        self, constants: NDArray[np.float64], changed: Sequence[tuple[int, int]] | None = None
    ) -> None:
        """Raises PeerError when two molecules that meet would react with a probability above 1: MCell caps it in silence.

        constants: of the network, sites x reactions; `changed` of them, as (site, reaction), or all.
        """
        if changed is not None and all(order(self._reactions[r]) < 2 for _, r in changed):
            return
        total: dict[tuple[int, frozenset[str]], float] = defaultdict(float)
        for site in range(len(self._plan.sites)):
            for r, reaction in enumerate(self._reactions):
                if order(reaction) == 2:
                    k = self._in_mcell(site, r, constants[site, r])
                    total[site, frozenset(reaction.reactants)] += (
                        k * self._per_unit[site, frozenset(reaction.reactants)]
                    )
        for (site, pair), probability in total.items():
            if probability > 1:
                raise PeerError(
                    f"{' and '.join(sorted(pair))} at site {self._plan.sites[site].name!r} would react with the probability "
                    f"{probability:.3g} when they meet in a step of {self._plan.step_ns} ns, and MCell would make it 1; "
                    f"make the step shorter than {self._plan.step_ns / probability**2:.0f} ns"
                )

    def change(self, changed: Sequence[tuple[int, int, float]]) -> None:
        """New rate constants of the network: (site, reaction, value); all at once, for each one costs a scan."""
        if changed:
            names = [_path(site, r) for site, r, _ in changed]
            values = [float(self._in_mcell(site, r, k)) for site, r, k in changed]
            code = self._m.mcell_modify_multiple_rate_constants(self._world, names, values, len(names))
            self._require(code, f"change the rates {', '.join(names)}")

    def release(self, numbers: Sequence[int]) -> None:
        """What the next part of a window begins with, one number for each of `slots`; below 0 it removes."""
        for slot, number in enumerate(numbers):
            if number != self._numbers[slot]:
                self._library.set_release_site_constant_number(self._injectors[slot], number)
                self._numbers[slot] = number

    def run(self, iterations: int) -> None:
        """By so many steps."""
        self._require(self._m.mcell_run_n_iterations(self._world, RARELY, 0, iterations), "run")

    def read(self, places: Iterable[tuple[str, str]]) -> list[int]:
        """The counts at these places, each a `place`."""
        counts = [self._get_count(species, where, self._world) for species, where in places]
        if counts and min(counts) < 0:
            self._require(min(counts), "count its molecules")
        return counts

    def save(self, path: Path) -> None:
        """MCell's own checkpoint."""
        self._require(self._library.create_chkpt(int(self._world), os.fsencode(path)), f"write {path}")

    def _read(self, checkpoint: Path, folder: Path) -> None:
        (folder / "empty.mdl").touch()
        words = ["mcell", "-checkpoint_infile", str(checkpoint), str(folder / "empty.mdl")]
        self._require(self._m.mcell_argparse(len(words), words, self._world), f"take the checkpoint {checkpoint}")

    def _of_unit_rates(self, log: str) -> dict[tuple[int, frozenset[str]], float]:
        """Of two reactants at a site: the probability that they react when they meet, for a rate constant of 1/(M s)."""
        names, found = self._plan.network.species, defaultdict(float)
        for probability, *reactants in PROBABILITY.findall(log):
            places = [tuple(map(int, WORD.match(one).groups())) for one in reactants]
            found[places[0][0], frozenset(names[s] for _, s in places)] += float(probability)
        constants: dict[tuple[int, frozenset[str]], float] = defaultdict(float)
        for site in range(len(self._plan.sites)):
            for r, reaction in enumerate(self._reactions):
                if order(reaction) == 2:
                    constants[site, frozenset(reaction.reactants)] += self._at_start(site, r)
        if missing := constants.keys() - found.keys():
            site, pair = missing.pop()
            raise PeerError(
                f"MCell states no probability for {' and '.join(sorted(pair))}; its log is that of another version"
            )
        return {key: found[key] / k for key, k in constants.items()}

    def _require(self, code: int | None, what: str) -> None:
        if code:
            raise PeerError(f"MCell could not {what} (code {code}); its reason stands in the peer's log")


def _slots(plan: Plan) -> list[tuple[int, int]]:
    """The amounts of the plan, then all that moves with a site that is handed over."""
    sites, species = plan.slots()
    slots = list(zip(sites.tolist(), species.tolist(), strict=True))
    moving = [s for s, name in enumerate(plan.network.species) if name not in plan.network.fixed]
    return slots + [(i, s) for i in plan.regimes for s in moving if (i, s) not in slots]


def _word(site: int, species: int) -> str:
    return f"m{site}_{species}"


def place(site: int, species: int) -> tuple[str, str]:
    """What MCell calls a species of a site, and where."""
    return _word(site, species), f"Scene.site{site},ALL"


def _path(site: int, reaction: int) -> str:
    return f"reaction{site}_{reaction}"
