"""nu in the place of particles: a site whose molecules are a maximum-entropy law, not single ones.

A kind is a conserved total in which every state counts once: the channels of a site, its pumps. Its molecules are taken as
independent, each with a categorical law over its states whose nu move by the closure with theta = 1; kept are the dual
moments, the occupancies, which stay finite where nu do not. What reactions change besides, free calcium, is a pool: what is
left of the molecules that were there, binomial, and a Poisson number of newcomers. Mean and variance are exact where every
propensity is linear in what moves; else molecules meet the means of the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PeerError
from ..network import Network, Reaction

#: Of a step: how much of a pool may come and go in it, one molecule more counted.
_MOST_PER_STEP = 0.1
_DRAWS = 1000


class Kinds:
    """Which species of a network are states of a kind, which are pools, and how reactions move both.

    `pools` are species that come and go from outside. Raises PeerError for a network that has no such law.
    """

    def __init__(self, network: Network, pools: Iterable[str] = ()) -> None:
        self.names, self._fixed = network.species, frozenset(network.fixed)
        self._indices = {name: i for i, name in enumerate(self.names)}
        reactions = network.reactions
        taken = {*network.fixed, *pools}
        in_kind: dict[str, int] = {}
        for number, law in enumerate(sorted(network.conserved, key=len)):
            if set(law.values()) == {1} and taken.isdisjoint(law) and _moves_singly(law, reactions):
                in_kind.update(dict.fromkeys(law, number))
                taken.update(law)
        self.in_kind = np.array([name in in_kind for name in self.names])
        self.changes = np.array([self._change(one) for one in reactions]).reshape(-1, len(self.names))
        #: The conserved totals with a pool that follows from the rest: its place, and the weights of all species.
        self.laws = self._pivots([self._row(law) for law in network.conserved if not in_kind.keys() >= law.keys()])
        self._reactants = self._padded([_flat(one.reactants) for one in reactions])
        self._per_set = np.array([_sets(one.reactants) for one in reactions])
        self._transitions(reactions, in_kind)

    def propensities(self, means: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of every reaction, per s, at these means; k of one set of reactants."""
        return k * np.append(means, 1.0)[self._reactants].prod(axis=1) / self._per_set

    def generator(self, means: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rates per s from the state of the row to that of the column; a pool's molecules only leave."""
        size = len(self.names)
        rates = self._times * k[self._reaction] * np.append(means, 1.0)[self._others].prod(axis=1)
        matrix = np.bincount(self._entry, rates, size * (size + 1)).reshape(size, size + 1)
        matrix[np.diag_indices(size)] -= matrix.sum(axis=1)
        return matrix[:, :size]

    def _transitions(self, reactions: tuple[Reaction, ...], in_kind: Mapping[str, int]) -> None:
        """A molecule's ways: the entry of the generator, the reaction, how many at once, whom it meets."""
        size, ways, met = len(self.names), [], []
        for r, reaction in enumerate(reactions):
            for name in reaction.reactants:
                here = self._indices[name]
                if name in in_kind:
                    to = next(one for one in reaction.products if in_kind.get(one) == in_kind[name])
                    there, times = self._indices[to], 1.0 / self._per_set[r]
                else:
                    there, times = size, max(-self.changes[r, here], 0.0) / self._per_set[r]
                others = _flat(reaction.reactants)
                others.remove(name)
                if there != here and times:
                    ways.append((here * (size + 1) + there, r, times))
                    met.append(others)
        self._entry, self._reaction = (np.array([way[i] for way in ways], np.intp) for i in (0, 1))
        self._times, self._others = np.array([way[2] for way in ways]), self._padded(met)

    def _pivots(self, laws: list[NDArray[np.int64]]) -> list[tuple[int, NDArray[np.int64]]]:
        found: list[tuple[int, NDArray[np.int64]]] = []
        for law in laws:
            free = (law == 1) & ~self.in_kind & ~np.isin(np.arange(len(law)), [place for place, _ in found])
            if not free.any():
                raise PeerError("a conserved total has no pool of its own that could follow from the rest")
            found.append((int(np.flatnonzero(free)[0]), law))
        return found

    def _padded(self, sides: list[list[str]]) -> NDArray[np.intp]:
        """The places of the species of each side, filled up with that of a 1."""
        width = max(map(len, sides), default=0)
        rows = [[self._indices[name] for name in side] + [len(self.names)] * (width - len(side)) for side in sides]
        return np.array(rows, np.intp).reshape(len(sides), width)

    def _change(self, reaction: Reaction) -> NDArray[np.int64]:
        both = self._row(reaction.products) - self._row(reaction.reactants)
        return np.where([name in self._fixed for name in self.names], 0, both)

    def _row(self, numbers: Mapping[str, int]) -> NDArray[np.int64]:
        row = np.zeros(len(self.names), np.int64)
        for name, n in numbers.items():
            row[self._indices[name]] = n
        return row


class NuSite:
    """One site in nu, since it was handed over with these molecules."""

    def __init__(self, kinds: Kinds, molecules: NDArray[np.int64]) -> None:
        self._kinds = kinds
        self._begin = molecules.copy()
        self._totals = molecules.copy()  # with what was added
        self._stayed = np.eye(len(kinds.names))  # of a molecule of the row: the chance to be in the column's state
        self._means = molecules.astype(np.float64)
        self._ways: dict[float, tuple[Any, Any]] = {}  # of a step: the generator and its exponential, as they were last

    @property
    def state(self) -> dict[str, Any]:
        """All there is, for JSON; `restored` goes on from it."""
        arrays = {"begin": self._begin, "totals": self._totals, "stayed": self._stayed, "means": self._means}
        return {name: array.tolist() for name, array in arrays.items()}

    @classmethod
    def restored(cls, kinds: Kinds, state: Mapping[str, Any]) -> NuSite:
        """The site whose `state` this was."""
        site = cls(kinds, np.array(state["begin"], np.int64))
        site._totals[:], site._stayed[:], site._means[:] = state["totals"], state["stayed"], state["means"]
        return site

    @property
    def means(self) -> NDArray[np.float64]:
        """Of every species, in molecules."""
        return self._means.copy()

    def inject(self, species: int, amount: int) -> int:
        """Adds whole molecules to a pool; removes no more than there are. Returns what was done."""
        realised = max(amount, -int(self._means[species]))
        self._totals[species] += realised
        self._means[species] += realised
        return realised

    def advance(self, time_s: float, k: NDArray[np.float64]) -> None:
        """By midpoint steps: molecules of kinds exactly in the means of their middle; k of one set of reactants."""
        kinds, pools = self._kinds, ~self._kinds.in_kind
        moving = np.abs(kinds.changes[:, pools]).T @ kinds.propensities(self._means, k)
        fastest = (moving / (1.0 + self._means[pools])).max(initial=0.0)
        steps = 1 << max(0, math.ceil(math.log2(max(fastest * time_s / _MOST_PER_STEP, 1.0))))
        for _ in range(steps):
            self._step(time_s / steps, k)

    def _step(self, h: float, k: NDArray[np.float64]) -> None:
        begin = self._means
        middle, _ = self._moved(begin, begin, 0.5 * h, k)
        self._means, ways = self._moved(begin, middle, h, k)
        self._stayed = self._stayed @ ways
        for place, law in self._kinds.laws:
            self._means[place] += law @ (self._totals - self._means)

    def _moved(self, means: Any, by: Any, h: float, k: NDArray[np.float64]) -> tuple[Any, Any]:
        """Means after h, where the rates are those at the means `by`; and the chances of each molecule meanwhile."""
        kinds = self._kinds
        generator = h * kinds.generator(by, k)
        known = self._ways.get(h)
        if known is None or not np.array_equal(known[0], generator):
            known = self._ways[h] = generator, _exponential(generator)
        pools = np.maximum(means + h * kinds.propensities(by, k) @ kinds.changes, 0.0)
        return np.where(kinds.in_kind, means @ known[1], pools), known[1]

    def sample(self, random: np.random.Generator) -> NDArray[np.int64]:
        """Whole molecules of the law as it is now; every conserved total is what it was, with what was added.

        One pool of each total follows from the rest; where it would be negative all are drawn again. Raises PeerError where
        the totals leave no such numbers.
        """
        for _ in range(_DRAWS):
            molecules = self._draw(random)
            missing = [law @ (self._totals - molecules) for _, law in self._kinds.laws]
            if molecules.min(initial=0) >= 0 and not any(missing):
                return molecules
        means = dict(zip(self._kinds.names, self._means.round(2).tolist(), strict=True))
        raise PeerError(
            f"{_DRAWS} draws found no whole molecules with the totals of a site in nu, whose means are {means}; hand it back "
            "earlier, or leave it to the particles"
        )

    def _draw(self, random: np.random.Generator) -> NDArray[np.int64]:
        in_kind = self._kinds.in_kind
        molecules = np.zeros_like(self._begin)
        for state in np.flatnonzero(in_kind & (self._begin > 0)):
            law = np.maximum(self._stayed[state], 0.0)
            molecules += random.multinomial(self._begin[state], law / law.sum())
        left = np.clip(self._stayed.diagonal(), 0.0, 1.0)
        newcomers = np.maximum(self._means - left * self._begin, 0.0)
        pools = random.binomial(self._begin, left) + random.poisson(newcomers)
        molecules = np.where(in_kind, molecules, pools)
        for place, law in self._kinds.laws:
            molecules[place] += law @ (self._totals - molecules)
        return molecules


def _exponential(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """exp of a small matrix: Taylor's series to order 10 of a part of norm 1/2, and squares."""
    squares = max(0, int(np.frexp(np.abs(matrix).sum(axis=1).max(initial=0.0))[1]) + 1)
    part, unit = matrix / 2.0**squares, np.eye(len(matrix))
    total = unit
    for order in range(10, 0, -1):
        total = unit + part @ total / order
    for _ in range(squares):
        total = total @ total
    return total


def _moves_singly(law: Iterable[str], reactions: tuple[Reaction, ...]) -> bool:
    """Whether no two molecules of a kind react with each other."""
    return all(sum(one.reactants.get(name, 0) for name in law) <= 1 for one in reactions)


def _flat(side: Mapping[str, int]) -> list[str]:
    return [name for name, n in side.items() for _ in range(n)]


def _sets(side: Mapping[str, int]) -> float:
    """How many ordered sets of reactants make one: 2 of A + A."""
    return float(np.prod([np.prod(np.arange(1, n + 1)) for n in side.values()]))
