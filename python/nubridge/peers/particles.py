"""What the particle simulators have in common: the boxes they fill, and the reactions that particles can have."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import PeerError
from ..network import Reaction
from .plan import Plan

GAP = 0.1  # between two boxes, in parts of an edge


@dataclass(frozen=True)
class Box:
    """The cube of a site: its lowest corner is (x, -edge/2, -edge/2)."""

    x_um: float
    edge_um: float


def boxes(plan: Plan) -> list[Box]:
    """The cubes of the sites' volumes, in a row, so that none touches another.

    >>> boxes(Plan.of({"model": "decay", "sites": [{"volume_um3": 1.0}, {"volume_um3": 8.0}]}))
    [Box(x_um=0.0, edge_um=1.0), Box(x_um=1.1, edge_um=2.0)]
    """
    row, x_um = [], 0.0
    for site in plan.sites:
        row.append(Box(x_um, site.volume_um3 ** (1 / 3)))
        x_um += row[-1].edge_um * (1 + GAP)
    return row


def require_possible(plan: Plan, kind: str) -> None:
    """Raises PeerError for a reaction that the simulators of particles have not, or that nothing here has tested."""
    for reaction in plan.network.reactions:
        if why := _impossible(reaction, plan):
            raise PeerError(f"{kind} cannot have the reaction {reaction.name!r} of {plan.network.name}: {why}")


def _impossible(reaction: Reaction, plan: Plan) -> str:
    reactants = [name for name, n in reaction.reactants.items() for _ in range(n)]
    membrane, diffusion = plan.placement.membrane, plan.placement.diffusion_um2_s
    if not reactants:
        return "nothing reacts; let an immobile molecule make the product, S -> S + A"
    if len(reactants) > 2:
        return "three molecules meet; split it into two steps"
    if len(reactants) == 2:
        if reactants[0] == reactants[1]:
            return "two equal molecules meet, which is not tested; use ssa"
        if all(name in membrane for name in reactants):
            return "two molecules of the membrane meet, which is not tested; use ssa"
        if not any(diffusion[name] > 0 for name in reactants if name not in membrane):
            return (
                f"neither of {' and '.join(reactants)} moves; state the constants, as in "
                f"`# diffusion: {reactants[0]} 220 um2/s`"
            )
    if not any(name in membrane for name in reactants) and (on := membrane.intersection(reaction.products)):
        return f"{', '.join(sorted(on))} of the membrane would come out of the volume; say what is on the membrane"
    return ""


def products_of(reaction: Reaction, plan: Plan) -> dict[str, int]:
    """The products, in which a clamped species neither comes nor goes."""
    products = dict(reaction.products)
    for name in plan.network.fixed:
        products[name] = reaction.reactants.get(name, 0)
    return products


def order(reaction: Reaction) -> int:
    """How many molecules meet."""
    return sum(reaction.reactants.values())
