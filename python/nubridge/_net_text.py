"""Networks as text: `.net` from names, and BNGL from `.net`."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import InvalidArgumentError, NetworkError

Amounts = Mapping[str, float | str]


def built(
    initial: Amounts,
    reactions: Sequence[Mapping[str, Any]],
    parameters: Amounts,
    *,
    fixed: Sequence[str] = (),
    observables: Mapping[str, Mapping[str, float]] | None = None,
    units: Mapping[str, str] | None = None,
) -> str:
    """The `.net` text of what Network.build takes."""
    names = {name: place for place, name in enumerate(initial)}
    units = units or {}
    for given, known, what in ((fixed, names, "species"), (units, parameters, "parameter")):
        for name in given:
            if name not in known:
                raise NetworkError(f"there is no {what} {name!r}; known are {', '.join(known)}")
    lines = ["begin parameters"]
    for i, (name, value) in enumerate(parameters.items(), 1):
        lines.append(f"{i} {name} {_number(value, name)}" + (f" # unit: {units[name]}" if name in units else ""))
    lines += ["end parameters", "begin species"]
    for i, (name, amount) in enumerate(initial.items(), 1):
        lines.append(f"{i} {'$' if name in fixed else ''}{name} {_number(amount, name)}")
    lines += ["end species", "begin reactions"]
    lines += [_reaction(number, one, names, parameters) for number, one in enumerate(reactions, 1)]
    lines += ["end reactions", "begin groups"]
    for i, (name, weights) in enumerate((observables or {}).items(), 1):
        terms = (f"{_number(weight, name)}*{_place(one, names, name) + 1}" for one, weight in weights.items())
        lines.append(f"{i} {name} {','.join(terms)}")
    for label, count in Counter(one["name"] for one in reactions if "name" in one).items():
        if count > 1:
            raise NetworkError(f"two reactions are named {label!r}; rename one")
    return "\n".join([*lines, "end groups", ""])


def _number(value: float | str, name: str) -> str:
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        raise NetworkError(f"{name!r} is {value}; it must be finite: correct it")
    return repr(float(value))


def _place(name: str, names: Mapping[str, int], where: str) -> int:
    if name not in names:
        raise NetworkError(f"{where} names {name!r}; the species are {', '.join(names)}")
    return names[name]


def _reaction(number: int, reaction: Mapping[str, Any], names: Mapping[str, int], parameters: Amounts) -> str:
    unknown = set(reaction) - {"name", "reactants", "products", "rate"}
    if unknown:
        raise InvalidArgumentError(
            f"reaction {number} has {', '.join(sorted(unknown))}; known: name, reactants, products, rate"
        )
    label = reaction.get("name", f"R{number}")
    if not re.fullmatch(r"[^\s#_][^\s#]*", label):
        raise InvalidArgumentError(f"reaction {number} is named {label!r}; a name is one word without # or _ before it")
    where = f"reaction {number} ({label})"
    sides = [[_place(name, names, where) for name in reaction.get(side, ())] for side in ("reactants", "products")]
    rate = reaction.get("rate")
    if isinstance(rate, str) and rate not in parameters:
        raise NetworkError(f"{where} has the rate {rate!r}; the parameters are {', '.join(parameters) or 'none'}")
    if isinstance(rate, bool) or not isinstance(rate, str | int | float):
        raise NetworkError(f"{where} has the rate {rate!r}; it is a number or a parameter's name")
    factor = 1.0 / math.prod(math.factorial(sides[0].count(s)) for s in set(sides[0]))  # a .net holds k / m!
    left, right = (",".join(str(s + 1) for s in side) or "0" for side in sides)
    law = _number(rate, where) if factor == 1.0 else f"{factor!r}*{_number(rate, where)}"
    return f"{number} {left} {right} {law} #{label}"


class _Net(NamedTuple):
    """The words of each line of the blocks of a `.net` that nubridge wrote; comments as last word."""

    unit: str
    parameters: list[list[str]]
    species: list[list[str]]
    reactions: list[list[str]]
    groups: list[list[str]]


def _read(net: str) -> _Net:
    blocks: dict[str, list[list[str]]] = {"parameters": [], "species": [], "reactions": [], "groups": []}
    block, unit = "", ""
    for line in net.splitlines():
        first, _, rest = line.partition(" ")
        if first == "begin":
            block = rest
        elif line.startswith("# unit: "):
            unit = line[8:]
        elif first != "end":
            code, _, comment = line.partition("#")
            width = 3 if block == "reactions" else 2
            blocks[block].append([*code.split(maxsplit=width)[1:], comment.strip()])
    return _Net(unit, **blocks)


def clamped(net: str) -> tuple[str, ...]:
    """The names of the clamped species."""
    return tuple(words[0][1:].removesuffix("()") for words in _read(net).species if words[0].startswith("$"))


def bngl(net: str, title: str) -> str:
    """BNGL with one rule a reaction and a molecule type without sites a species.

    Names that BNGL cannot hold stand in comments `# name: word name`. Rules of equal reactants have BioNetGen's rate:
    k of one set, over the number of ways to choose which of the equal molecules stay.

    Raises NetworkError for an observable whose weights are not whole numbers.
    """
    read = _read(net)
    species = _words([words[0].removeprefix("$").removesuffix("()") for words in read.species], "S")
    labels = _words([words[3] or f"R{i}" for i, words in enumerate(read.reactions, 1)], "R")
    lines = [f"# {title}", f"# unit: {read.unit}"]
    lines += [f"# name: {word} {name}" for name, word in (*species, *labels) if name != word]
    lines += ["begin model", "begin parameters"]
    for name, value, comment in read.parameters:
        value = value.strip().replace("**", "^")
        value = re.sub(r"\b_pi\b", repr(math.pi), re.sub(r"\b_e\b", repr(math.e), value))
        lines.append(f"  {name} {value}" + (f" # {comment}" if comment else ""))
    lines += ["end parameters", "begin molecule types", *(f"  {word}()" for _, word in species), "end molecule types"]
    lines += ["begin seed species"]
    for (_, word), (name, amount, _) in zip(species, read.species, strict=True):
        lines.append(f"  {'$' if name.startswith('$') else ''}{word}() {amount.strip()}")
    lines += ["end seed species", "begin observables"]
    lines += [_observable(words[0], words[1:-1], species) for words in read.groups]
    lines += ["end observables", "begin reaction rules"]
    for (_, label), (left, right, rate, _) in zip(labels, read.reactions, strict=True):
        lines.append(f"  {label}: {_side(left, species)} -> {_side(right, species)} {_rule_rate(left, right, rate)}")
    return "\n".join([*lines, "end reaction rules", "end model", ""])


def _words(names: list[str], letter: str) -> list[tuple[str, str]]:
    """(name, word): the name itself where BNGL can hold it."""
    return [
        (name, name if re.fullmatch(r"[A-Za-z]\w*", name) else f"{letter}{number}_")
        for number, name in enumerate(names, 1)
    ]


def _side(side: str, species: list[tuple[str, str]]) -> str:
    return " + ".join(f"{species[int(s) - 1][1]}()" for s in side.split(",") if s != "0") or "0"


def _rule_rate(left: str, right: str, rate: str) -> str:
    *factors, last = rate.strip().split("*")
    try:
        product, name = math.prod(map(float, [*factors, last])), ""
    except ValueError:
        product, name = math.prod(map(float, factors)), last
    for s in set(left.split(",")) - {"0"}:
        before = left.split(",").count(s)
        stay = min(before, right.split(",").count(s))
        product *= math.factorial(stay) * math.factorial(before - stay)
    return name if name and product == 1.0 else "*".join(filter(None, [repr(product), name]))


def _observable(name: str, terms: list[str], species: list[tuple[str, str]]) -> str:
    patterns = list(_patterns(name, terms[0].split(",") if terms else [], species))
    if not patterns:
        raise NetworkError(f"the observable {name!r} counts nothing, which BNGL cannot say; use to_net")
    return f"  Species {name} {', '.join(patterns)}"


def _patterns(name: str, terms: list[str], species: list[tuple[str, str]]) -> Iterator[str]:
    for term in terms:
        weight, _, number = term.rpartition("*")
        times = float(weight or 1)
        if times != int(times) or times < 0:
            raise NetworkError(f"the observable {name!r} has the weight {weight}, which BNGL cannot say; use to_net")
        yield from [f"{species[int(number) - 1][1]}()"] * int(times)
