"""Finds the coarsest exact lumping of a `.net` that keeps its observables, and writes the lumped `.net`.

`python models/networks/lump.py camkii.net --drop Ca_total` prints the network of 75 species (camkii75.net).

Species are equivalent when a molecule of one may stand for a molecule of the other: with every possible partner they
react at the same rates, named by the same parameters, into the same numbers of molecules of each class. Then the sums
over the classes follow a network of their own, exactly, in mean field and molecule by molecule, for any values of the
parameters. The classes come from refining a partition, first by the weights in the observables and by clamping, until
nothing splits (syntactic Markovian bisimulation of reaction networks: Cardelli, Tribastone, Tschaikowski and Vandin
2015, arXiv:1504.05478, strengthened to named rates).
"""

import argparse
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import NamedTuple

Class = tuple[int, ...]


class Reaction(NamedTuple):
    """Numbers of species, ascending; the rate as it stands, and its factor for a set of molecules."""

    reactants: tuple[int, ...]
    products: tuple[int, ...]
    factor: float
    parameter: str


class Net(NamedTuple):
    """The blocks of a `.net`; species as (name, initial amount)."""

    head: list[str]
    parameters: list[str]
    species: list[tuple[str, str]]
    reactions: list[Reaction]
    groups: dict[str, dict[int, float]]


def read(text: str) -> Net:
    """A `.net` whose rates are numbers times a parameter."""
    blocks: dict[str, list[str]] = defaultdict(list)
    block = ""
    for line in text.splitlines():
        if line.startswith(("begin ", "end ")):
            block = line[6:] if line.startswith("begin ") else ""
        elif line:
            blocks[block].append(line)
    species = [tuple(line.split()[1:3]) for line in blocks["species"]]
    reactions = [_reaction(line.split("#")[0].split()) for line in blocks["reactions"]]
    groups = {words[1]: _weights(words[2]) for words in (line.split() for line in blocks["groups"])}
    return Net(blocks[""], blocks["parameters"], species, reactions, groups)


def _reaction(words: list[str]) -> Reaction:
    sides = [tuple(sorted(int(s) - 1 for s in side.split(",") if s != "0")) for side in words[1:3]]
    *numbers, parameter = words[3].split("*")
    factor = float(_symmetry(sides[0]))
    for number in numbers:
        factor *= float(number)
    return Reaction(*sides, factor, parameter)


def _symmetry(side: tuple[int, ...]) -> int:
    product = 1
    for count in Counter(side).values():
        product *= (1, 1, 2, 6)[count]
    return product


def _weights(text: str) -> dict[int, float]:
    pairs = (term.rpartition("*") for term in text.split(","))
    return {int(number) - 1: float(weight or 1) for weight, _, number in pairs}


def classes_of(net: Net, kept: list[str]) -> list[Class]:
    """The coarsest partition, classes in the order of their first species."""
    by_reactant: dict[int, list[Reaction]] = defaultdict(list)
    for one in net.reactions:
        for species in set(one.reactants):
            by_reactant[species].append(one)
    keys: list = [
        (name.startswith("$"), *(net.groups[group].get(s, 0) for group in kept))
        for s, (name, _) in enumerate(net.species)
    ]
    while True:
        number = {key: n for n, key in enumerate(dict.fromkeys(keys))}
        label = [number[key] for key in keys]
        refined = [(label[s], _behaviour(s, by_reactant[s], label)) for s in range(len(label))]
        if len(set(refined)) == len(number):
            break
        keys = refined
    members: dict[int, list[int]] = defaultdict(list)
    for s, one in enumerate(label):
        members[one].append(s)
    return [tuple(one) for one in members.values()]


def _behaviour(species: int, reactions: list[Reaction], label: list[int]) -> frozenset:
    """Rates by partners and by what changes in the classes."""
    rates: Counter = Counter()
    for one in reactions:
        partners = list(one.reactants)
        partners.remove(species)
        change = Counter(label[s] for s in one.products)
        change.subtract(label[s] for s in one.reactants)
        moved = frozenset((n, by) for n, by in change.items() if by)
        if moved:
            rates[tuple(partners), moved, one.parameter] += one.factor
    return frozenset(rates.items())


def name_of(members: Class, species: list[tuple[str, str]]) -> str:
    """The members' common name: molecules that all have, and one whose differing sites are `~?`."""
    names = [species[s][0] for s in members]
    molecules = [Counter(name.split(".")) for name in names]
    common = molecules[0].copy()
    for one in molecules[1:]:
        common &= one
    rests = [list((one - common).elements()) for one in molecules]
    if len(names) == 1 or any(len(rest) != 1 for rest in rests):
        return names[0]
    tokens = list(zip(*(re.split(r"([~,()])", rest[0]) for rest in rests), strict=True))
    wild = "".join(token[0] if len(set(token)) == 1 else "?" for token in tokens)
    return ".".join([wild, *common.elements()])


def lumped(text: str, name: str, drop: list[str]) -> str:
    """The `.net` of the classes; observables in `drop` are given up, so that they may be lost."""
    net = read(text)
    classes = classes_of(net, [group for group in net.groups if group not in drop])
    label = {s: n for n, members in enumerate(classes) for s in members}
    lines = [f"# The exact lumping of `{name}` into {len(classes)} species by lump.py, without {', '.join(drop)}."]
    lines += ["# A species whose name has ~? stands for all of its states.", *_without_rules(net.head)]
    lines += ["begin parameters", *net.parameters, "end parameters", "begin species"]
    for n, members in enumerate(classes, 1):
        amounts = [net.species[s][1] for s in members if net.species[s][1] != "0"]
        lines.append(f"{n:5} {name_of(members, net.species)} {'+'.join(amounts) or '0'}")
    lines += ["end species", "begin reactions", *_reactions(net, classes, label), "end reactions", "begin groups"]
    kept = [(group, weights) for group, weights in net.groups.items() if group not in drop]
    for n, (group, weights) in enumerate(kept, 1):
        lines.append(f"{n:5} {group:20} {_sum({label[s]: weight for s, weight in weights.items()})}")
    return "\n".join([*lines, "end groups"]) + "\n"


def _without_rules(head: list[str]) -> list[str]:
    return [line for line in head if not line.startswith("# rules:")]


def _reactions(net: Net, classes: list[Class], label: dict[int, int]) -> list[str]:
    """Those of the first member of each class, with what is the same added up and what changes nothing left out."""
    first = {members[0] for members in classes}
    factors: Counter = Counter()
    for one in net.reactions:
        left, right = (tuple(sorted(label[s] + 1 for s in side)) for side in (one.reactants, one.products))
        if set(one.reactants) <= first and left != right:
            factors[left, right, one.parameter] += one.factor
    lines = []
    for n, ((left, right, parameter), factor) in enumerate(factors.items(), 1):
        factor /= _symmetry(left)
        rate = parameter if factor == 1 else f"{factor!r}*{parameter}"
        sides = (",".join(map(str, side)) or "0" for side in (left, right))
        lines.append(f"{n:5} {' '.join(sides)} {rate}")
    return lines


def _sum(weights: dict[int, float]) -> str:
    terms = (str(n + 1) if weight == 1 else f"{weight:g}*{n + 1}" for n, weight in sorted(weights.items()))
    return ",".join(terms)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("net", type=Path)
    parser.add_argument("--drop", nargs="*", default=[], help="observables that need not be kept")
    chosen = parser.parse_args()
    sys.stdout.write(lumped(chosen.net.read_text(), chosen.net.stem, chosen.drop))


if __name__ == "__main__":
    main()
