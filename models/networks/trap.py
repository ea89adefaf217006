"""Makes camkii_kernel.net of camkii75.net: the order and the observables that the mechanism camkii wants.

CaM on phosphorylated CaMKII never lets its calcium go. The lumping adds those subunits up and loses that calcium; here
every phosphorylation puts it into the species Ca_pK, so that the calcium in all species is conserved again.

The order is that of the kernel (bridge/src/dynamics/paired_kernel.hpp): K, CaM(c,n) and KCaM(c,n) by 3c + n, the
phosphorylated subunit, the pairs of the subunits i and i + d (mod 9) by d and i, the pairs with a phosphorylated one.
"""

import re

from lump import Net, Reaction, read

KINDS = [(c, n) for c in range(3) for n in range(3)]


def made(text: str) -> str:
    """The `.net` of the kernel from that of camkii75."""
    net = read(text)
    order = sorted(range(len(net.species)), key=lambda s: _place(net.species[s][0]))
    place = {species: n for n, species in enumerate(order, 1)}
    trapped = len(order) + 1
    lines = ["# camkii75 by trap.py: with the calcium on phosphorylated CaMKII (Ca_pK), in the order of the kernel."]
    lines += [line for line in net.head if line.startswith("# unit:") or "BioModels" in line]
    lines += ["begin parameters", *net.parameters, "end parameters", "begin species"]
    lines += [f"{place[s]:5} {net.species[s][0]} {net.species[s][1]}" for s in order]
    lines += [f"{trapped:5} Ca_pK() 0", "end species", "begin reactions"]
    for n, one in enumerate(net.reactions, 1):
        lines.append(f"{n:5} {_line(one, net, place, trapped)}")
    lines += ["end reactions", "begin groups"]
    for n, (name, weights) in enumerate(_groups(net, trapped).items(), 1):
        terms = sorted((place.get(s, trapped), w) for s, w in weights.items() if w)
        lines.append(f"{n:5} {name} {','.join(str(s) if w == 1 else f'{w:g}*{s}' for s, w in terms)}")
    return "\n".join([*lines, "end groups"]) + "\n"


def _kinds(name: str) -> list[int]:
    """3c + n of every molecule of known calcium."""
    return [3 * int(c) + int(n) for c, n in re.findall(r"c~(\d).*?n~(\d)", name)]


def _place(name: str) -> tuple[int, ...]:
    kinds = _kinds(name)
    if name.startswith("Ca("):
        return (9,)
    if name.startswith("K("):
        return (0,)
    if name.startswith("CaM("):
        return (1, *kinds)
    if "~?" in name:
        return (5, *kinds) if "." in name else (3,)
    if "." not in name:
        return (2, *kinds)
    turns = [(j - i) % 9 for i, j in (kinds, kinds[::-1])]
    first = kinds[0] if turns[0] <= 4 else kinds[1]
    return (4, min(turns), first)


def _ions(name: str) -> int:
    return 1 if name.startswith("Ca(") else sum(kind // 3 + kind % 3 for kind in _kinds(name))


def _line(one: Reaction, net: Net, place: dict[int, int], trapped: int) -> str:
    before, after = (sum(_ions(net.species[s][0]) for s in side) for side in (one.reactants, one.products))
    left = ",".join(str(place[s]) for s in one.reactants)
    right = ",".join([*(str(place[s]) for s in one.products), *[str(trapped)] * (before - after)])
    twice = len(one.reactants) == 2 and one.reactants[0] == one.reactants[1]
    factor = one.factor / (2 if twice else 1)
    return f"{left} {right} {one.parameter if factor == 1 else f'{factor!r}*{one.parameter}'}"


def _groups(net: Net, trapped: int) -> dict[str, dict[int, float]]:
    names = [name for name, _ in net.species]
    bound = {s: weight for s, weight in net.groups["K_total"].items() if not names[s].startswith("K(")}
    return {
        "bound": bound,
        "pT286": net.groups["pK_total"],
        "ca4cam": {s: _kinds(name).count(8) for s, name in enumerate(names)},
        "cataken": {**{s: _ions(name) for s, name in enumerate(names) if not name.startswith("Ca(")}, trapped: 1},
        "CaM_total": net.groups["CaM_total"],
        "K_total": net.groups["K_total"],
    }
