"""NMODL text of a reaction network: its mass action as a KINETIC block, which NEURON integrates by itself."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from .errors import NetworkError
from .network import Network, Reaction

_WHOLE = {"break_long_words": False, "break_on_hyphens": False}

_HEAD = """TITLE {title} by plain KINETIC, made from the network {network} by nubridge.nmodl

COMMENT
{count} species and {reactions} reactions, mass action, solved by METHOD sparse (backward Euler at fixed step, so its error falls in proportion to dt).
Amounts are in mM and rates per ms: 1 /uM/s = 1 /mM/ms. {driven} is cai, of which nothing is taken.{rest}
Under CVODE the observables stand still, as in every mechanism without a current: add up the states.
Make it again: nubridge mechanisms --kinetic {command}
ENDCOMMENT
"""


def kinetic(
    source: str | Network, suffix: str, calcium: str = "Ca", off_at_rest: Sequence[str] = (), title: str = ""
) -> str:
    """The mod file of a mechanism `suffix` whose STATE variables are the species (mM), `calcium` being held at cai.

    `source` is a network in uM, or its name. Initial amounts are RANGE parameters NAME_0; every observable is a RANGE
    variable. Where parameters `off_at_rest` are rate constants, the RANGE parameter `running` multiplies them: 0 until
    a resting state is reached, then 1. Raises NetworkError for another unit, a reaction of more than two molecules,
    names that NMODL cannot tell apart, and a parameter at rest that is no rate constant.
    """
    network = source if isinstance(source, Network) else Network(source)
    if network.unit != "uM":
        raise NetworkError(f"{network.name} counts {network.unit}; a KINETIC block of concentrations needs uM")
    names = state_names(network, calcium)
    resting = network.with_parameters(dict.fromkeys(off_at_rest, 0.0)).rates if off_at_rest else network.rates
    blocks = [
        _head(network, suffix, calcium, off_at_rest, title, len(names)),
        _neuron_block(network, suffix, names, bool(off_at_rest)),
        _variables(network, names, bool(off_at_rest)),
        _run_blocks(network, names),
        _kinetic_block(network, names, resting),
    ]
    lines = "\n".join(blocks).split("\n")
    return "\n".join(
        piece for line in lines for piece in (textwrap.wrap(line, 118, subsequent_indent=" " * 8, **_WHOLE) or [""])
    )


def state_names(network: Network, calcium: str) -> dict[str, str]:
    """The STATE of every species but `calcium`: its name with the marks that NMODL has no use for left out.

    >>> import nubridge
    >>> state_names(nubridge.Network("camkii75"), "Ca")["KCaM(c~1,d,n~2,p~U)"]
    'KCaM_c1_d_n2_pU'
    """
    names = {}
    for species in network.species:
        if species.removesuffix("()") != calcium:
            words = re.sub(r"[~!]", "", species).replace("?", "x")
            names[species] = re.sub(r"\W+", "_", words).strip("_")
    if len(names) == len(network.species):
        raise NetworkError(f"{network.name} has no species {calcium!r} that cai could hold; name another one")
    if len(set(names.values())) < len(names):
        raise NetworkError(f"{network.name} has species whose names differ in marks only; rename them")
    return names


def _head(network: Network, suffix: str, calcium: str, off_at_rest: Sequence[str], title: str, count: int) -> str:
    off = " ".join(off_at_rest)
    return _HEAD.format(
        title=title or f"Network {network.name}",
        network=network.name,
        count=count,
        reactions=len(network.reactions),
        driven=calcium,
        rest=f"\nThe reactions of {', '.join(off_at_rest)} are multiplied by `running`." if off else "",
        command=f"{network.name} --suffix {suffix}" + (f" --off-at-rest {off}" if off else ""),
    )


def _initial_names(network: Network, names: dict[str, str]) -> dict[str, str]:
    return {species: f"{name}_0" for species, name in names.items() if network.initial[species] > 0}


def _observables(network: Network, names: dict[str, str]) -> dict[str, str]:
    """The sum of every observable that is one of states."""
    result = {}
    for observable in network.observables:
        weights = dict(zip(network.species, network.weights(observable), strict=True))
        terms = [(names.get(species), weight) for species, weight in weights.items() if weight]
        if all(name for name, _ in terms):
            result[observable] = " + ".join(name if weight == 1 else f"{weight:g}*{name}" for name, weight in terms)
    return result


def _neuron_block(network: Network, suffix: str, names: dict[str, str], rests: bool) -> str:
    ranges = [*_initial_names(network, names).values(), *_observables(network, names), *(["running"] if rests else [])]
    lines = ["NEURON {", "    THREADSAFE", f"    SUFFIX {suffix}", "    USEION ca READ cai"]
    return "\n".join(
        [*lines, f"    RANGE {', '.join(ranges)}", "}", "", "UNITS {", "    (mM) = (milli/liter)", "}", ""]
    )


def _variables(network: Network, names: dict[str, str], rests: bool) -> str:
    initial = _initial_names(network, names)
    parameters = [f"    {initial[s]} = {network.initial[s] * 1e-3:.15g} (mM) <0, 1e9>" for s in initial]
    parameters += ["    running = 1 (1) <0, 1>"] if rests else []
    states = [f"    {name} (mM)" for name in names.values()]
    assigned = ["    cai (mM)", *(f"    {name} (mM)" for name in _observables(network, names))]
    lines = ["PARAMETER {", *parameters, "}", "", "STATE {", *states, "}", "", "ASSIGNED {", *assigned, "}", ""]
    return "\n".join(lines)


def _run_blocks(network: Network, names: dict[str, str]) -> str:
    initial = _initial_names(network, names)
    starts = [f"    {name} = {initial.get(species, '0(mM)')}" for species, name in names.items()]
    sums = [f"    {name} = {text}" for name, text in _observables(network, names).items()]
    blocks = ["BREAKPOINT {", "    SOLVE scheme METHOD sparse", "    observe()", "}", ""]
    blocks += ["INITIAL {", *starts, "    observe()", "}", ""]
    return "\n".join([*blocks, "PROCEDURE observe() {", *sums, "}", ""])


def _kinetic_block(network: Network, names: dict[str, str], resting: Sequence[float]) -> str:
    """Every reaction with its reverse, where it has one, on a line."""
    lines = ["KINETIC scheme {"]
    forward: dict[tuple, list[float]] = {}
    for reaction, rest in zip(network.reactions, resting, strict=True):
        left, right = _side(reaction.reactants), _side(reaction.products)
        rates = [_rate_law(network, reaction, rate) for rate in (reaction.rate, rest)]
        if (right, left) in forward and len(forward[right, left]) == 2:
            forward[right, left] += rates
        else:
            forward[left, right] = rates
    for (left, right), rates in forward.items():
        both = [_rate(rates[:2], left, names), _rate(rates[2:], right, names) if rates[2:] else _zero(right, names)]
        sides = (" + ".join(names[s] for s in side if s in names) for side in (left, right))
        lines.append(f"    ~ {' <-> '.join(sides)} ({', '.join(both)})")
    for total in network.conserved:
        if set(total) <= set(names):
            lines.append(_conserve(total, network, names))
    return "\n".join([*lines, "}", ""])


def _side(side: dict[str, int]) -> tuple[str, ...]:
    return tuple(species for species, count in side.items() for _ in range(count))


def _rate_law(network: Network, reaction: Reaction, rate: float) -> float:
    """NMODL's rate constant, flux = rate times the product of the reactants; nubridge's k of A + A stands for k x^2/2."""
    order = sum(reaction.reactants.values())
    if not 1 <= order <= 2:
        raise NetworkError(
            f"{network.name}: the reaction {reaction.name} has {order} reactants; write it as one or two"
        )
    return rate * (1e-3 if order == 1 else 1.0) / (2.0 if 2 in reaction.reactants.values() else 1.0)


def _rate(rates: Sequence[float], side: tuple[str, ...], names: dict[str, str]) -> str:
    rate, rest = rates
    if rest not in (rate, 0.0):
        raise NetworkError(f"a rate is {rest:g} at rest and {rate:g} otherwise; at rest it may only be off")
    unit = "(/ms)" if len(side) == 1 else "(/mM-ms)"
    driven = "*cai" if any(species not in names for species in side) else ""
    return ("" if rest == rate else "running*") + f"{rate:.15g}{unit}{driven}"


def _zero(side: tuple[str, ...], names: dict[str, str]) -> str:
    return "0(/ms)" if sum(species in names for species in side) == 1 else "0(/mM-ms)"


def _conserve(total: dict[str, int], network: Network, names: dict[str, str]) -> str:
    initial = _initial_names(network, names)
    amounts = (
        " + ".join(
            f"{weight}*{initial[s]}" if weight != 1 else initial[s] for s, weight in total.items() if s in initial
        )
        or "0(mM)"
    )
    states = " + ".join(f"{weight} {names[s]}" if weight != 1 else names[s] for s, weight in total.items())
    return f"    CONSERVE {states} = {amounts}"
