"""SBML level 3 core by libSBML: mass action becomes a `.net`, everything else is refused by name."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from .errors import NetworkError

# A product of powers of symbols, ascending by name; what it is multiplied with.
Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, float]

_NEVER = {
    "getListOfFunctionDefinitions": "function definition",
    "getListOfRules": "rule",
    "getListOfInitialAssignments": "initial assignment",
    "getListOfConstraints": "constraint",
    "getListOfEvents": "event",
}


class _Units(NamedTuple):
    """The network's unit, that unit in one SBML unit of substance (of concentration for uM), and s in a unit of time."""

    network: str
    amount: float
    time_s: float


def network_of(path: Path, unit: str | None) -> tuple[str, str]:
    """The `.net` text of an SBML file, and the unit of its amounts: molecules for items, uM for moles.

    `unit` says what the numbers are in (with s) where the file declares no units.

    A kinetic law is the rate of the reaction as it stands: k x^2 of 2 A -> ... is 2 k of one pair. A law
    k x (x - 1) / 2 of molecules is k of one pair.

    Raises NetworkError that names what is not mass action with constants in constant volumes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # SWIG's, from Python 3.12 on
            import libsbml
    except ImportError as error:
        raise NetworkError(f"{path} is SBML: install libSBML (pip install python-libsbml)") from error
    document = libsbml.readSBML(str(path))
    reader = _Reader(libsbml, document, str(path))
    return reader.read(unit)


class _Reader:
    def __init__(self, libsbml: Any, document: Any, path: str) -> None:
        self._sbml, self._document, self._path = libsbml, document, path
        self._model = document.getModel()
        self._require_core()
        self._species = {one.getId(): one for one in self._model.getListOfSpecies()}
        self._sizes = {one.getId(): self._size(one) for one in self._model.getListOfCompartments()}
        self._parameters: dict[str, str] = {one.getId(): self._value(one) for one in self._model.getListOfParameters()}

    def _refuse(self, what: str) -> NetworkError:
        return NetworkError(f"{self._path}: {what}")

    def _require_core(self) -> None:
        document = self._document
        if document.getNumErrors(self._sbml.LIBSBML_SEV_ERROR) + document.getNumErrors(self._sbml.LIBSBML_SEV_FATAL):
            faults = (document.getError(i) for i in range(document.getNumErrors()))
            first = next(one for one in faults if one.getSeverity() >= self._sbml.LIBSBML_SEV_ERROR)
            raise self._refuse(f"line {first.getLine()}: {' '.join(first.getMessage().split())}")
        if self._model is None:
            raise self._refuse("there is no model")
        if document.getLevel() != 3:
            raise self._refuse(f"it is SBML level {document.getLevel()}; convert it to level 3")
        for i in range(document.getNumPlugins()):
            name = document.getPlugin(i).getPackageName()
            if name != "l3v2extendedmath" and document.getPackageRequired(
                name
            ):  # libSBML's own name for level 3 version 2
                raise self._refuse(f"it needs the SBML package '{name}'; only the core is supported")
        for items, what in _NEVER.items():
            for one in getattr(self._model, items)():
                name = one.getId() or (one.getVariable() if what == "rule" else "")
                name = name or (one.getSymbol() if what == "initial assignment" else "")
                raise self._refuse(f"the {what} '{name}' is not supported; write constants and mass action")
        if self._model.isSetConversionFactor():
            raise self._refuse("the conversion factor of the model is not supported; use one unit of substance")

    def _size(self, compartment: Any) -> float:
        name = compartment.getId()
        if not compartment.getConstant():
            raise self._refuse(f"the compartment '{name}' changes its size; only constant ones are supported")
        if compartment.getUnits() not in ("", self._model.getVolumeUnits()):
            raise self._refuse(f"the compartment '{name}' has a unit of its own, '{compartment.getUnits()}'; drop it")
        size = compartment.getSize()
        if not (math.isfinite(size) and size > 0):
            raise self._refuse(f"the compartment '{name}' has the size {size}; state one above 0")
        return size

    def _value(self, parameter: Any) -> str:
        value = parameter.getValue()
        if not math.isfinite(value):
            raise self._refuse(f"the parameter '{parameter.getId()}' is {value}; state a finite value")
        return repr(value)

    # units

    def _units(self, unit: str | None) -> _Units:
        model = self._model
        stated = model.getSubstanceUnits() or model.getExtentUnits()
        if not stated:
            if unit is None:
                raise self._refuse('it declares no unit of substance; say what it means by unit="uM" or "molecules"')
            return _Units(unit, 1.0, self._time_s())
        if model.getExtentUnits() not in ("", stated):
            raise self._refuse(f"extents are in '{model.getExtentUnits()}' and substances in '{stated}'; use one unit")
        kind, exponent, factor = self._unit(stated)
        if exponent != 1 or kind not in ("mole", "item", "dimensionless"):
            raise self._refuse(f"the unit of substance '{stated}' is not supported; it is mole or item")
        made = _Units("molecules", factor, self._time_s())
        if kind == "mole":
            made = _Units("uM", factor * 1e6 / self._litres(), self._time_s())
        if unit not in (None, made.network):
            raise self._refuse(f"it is in {made.network} and unit says {unit}; leave unit out")
        return made

    def _time_s(self) -> float:
        stated = self._model.getTimeUnits() or "second"
        kind, exponent, factor = self._unit(stated)
        if kind != "second" or exponent != 1:
            raise self._refuse(f"the unit of time '{stated}' is not supported; it is a multiple of the second")
        return factor

    def _litres(self) -> float:
        stated = self._model.getVolumeUnits()
        kind, exponent, factor = self._unit(stated) if stated else ("", 0, 0.0)
        if (kind, exponent) == ("litre", 1):
            return factor
        if (kind, exponent) == ("metre", 3):
            return 1000.0 * factor
        raise self._refuse(f"the unit of volume '{stated}' is not supported; it is a multiple of the litre or of m^3")

    def _unit(self, name: str) -> tuple[str, int, float]:
        """Kind, exponent, factor of a unit that has one kind."""
        definition = self._model.getUnitDefinition(name)
        if definition is None:
            return name, 1, 1.0
        if definition.getNumUnits() != 1:
            raise self._refuse(f"the unit '{name}' has {definition.getNumUnits()} parts; it may have one")
        one = definition.getUnit(0)
        factor = (one.getMultiplier() * 10.0 ** one.getScale()) ** one.getExponentAsDouble()
        return self._sbml.UnitKind_toString(one.getKind()), one.getExponent(), factor

    # the network

    def read(self, unit: str | None) -> tuple[str, str]:
        units = self._units(unit)
        used = {one.getCompartment() for one in self._species.values()}
        if units.network == "uM" and len(used) > 1:
            raise self._refuse(f"its species are in {', '.join(sorted(used))}; a network in uM has one compartment")
        self._volume = self._sizes[next(iter(used))] if used else 1.0
        amounts = {name: self._amount(one, units) for name, one in self._species.items()}
        reactions = [line for one in self._model.getListOfReactions() for line in self._reaction(one, units)]
        lines = ["begin parameters"]
        lines += [f"{i} {name} {value}" for i, (name, value) in enumerate(self._parameters.items(), 1)]
        lines += ["end parameters", "begin species"]
        for i, (name, one) in enumerate(self._species.items(), 1):
            fixed = one.getBoundaryCondition() or one.getConstant()
            lines.append(f"{i} {'$' if fixed else ''}{name} {amounts[name]!r}")
        lines += ["end species", "begin reactions"]
        lines += [f"{i} {line}" for i, line in enumerate(reactions, 1)]
        return "\n".join([*lines, "end reactions", ""]), units.network

    def _amount(self, species: Any, units: _Units) -> float:
        name = species.getId()
        if species.getSubstanceUnits() not in ("", self._model.getSubstanceUnits()):
            raise self._refuse(f"the species '{name}' has a unit of its own, '{species.getSubstanceUnits()}'; drop it")
        if species.isSetConversionFactor():
            raise self._refuse(f"the conversion factor of the species '{name}' is not supported; drop it")
        size = self._sizes[species.getCompartment()]
        if species.isSetInitialAmount():
            substance = species.getInitialAmount()
        elif species.isSetInitialConcentration():
            substance = species.getInitialConcentration() * size
        else:
            raise self._refuse(f"the species '{name}' has no initial amount; state it")
        return (substance if units.network == "molecules" else substance / size) * units.amount

    def _reaction(self, reaction: Any, units: _Units) -> list[str]:
        """The lines of a `.net` for each direction, without numbers."""
        name, law = reaction.getId(), reaction.getKineticLaw()
        if reaction.getLevel() == 3 and reaction.isSetFast() and reaction.getFast():
            raise self._refuse(f"the fast reaction '{name}' is not supported; give it rates")
        if law is None or law.getMath() is None:
            raise self._refuse(f"the reaction '{name}' has no kinetic law; add one")
        local = {one.getId(): f"{name}_{one.getId()}" for one in law.getListOfLocalParameters()}
        for one in law.getListOfLocalParameters():
            self._parameters[local[one.getId()]] = self._value(one)
        sides = [self._side(one, name) for one in (reaction.getListOfReactants(), reaction.getListOfProducts())]
        formula = self._sbml.formulaToL3String(law.getMath())
        terms = _without_lower(self._polynomial(law.getMath(), local, name), sides)
        lines = []
        for monomial, factor in terms.items():
            if factor != 0.0:
                left, right = sides if factor > 0 else reversed(sides)
                direction = name if factor > 0 else f"{name}_reverse"
                lines.append(self._direction(direction, left, right, monomial, abs(factor), formula, units))
        return lines

    def _side(self, references: Any, reaction: str) -> Counter:
        side: Counter = Counter()
        for one in references:
            times = one.getStoichiometry()
            if not (one.isSetStoichiometry() and times > 0 and times == int(times)) or not one.getConstant():
                raise self._refuse(
                    f"the reaction '{reaction}' has {times} of '{one.getSpecies()}'; it is a constant whole number"
                )
            side[one.getSpecies()] += int(times)
        return side

    def _direction(
        self, name: str, left: Counter, right: Counter, monomial: Monomial, factor: float, formula: str, units: _Units
    ) -> str:
        present = Counter({symbol: power for symbol, power in monomial if symbol in self._species})
        constants = [(symbol, power) for symbol, power in monomial if symbol not in self._species]
        if left - present or any(power < 0 for power in present.values()):
            raise self._refuse(
                f"the law '{formula}' of the reaction '{name}' is no mass action: it consumes "
                f"{' + '.join(left.elements()) or 'nothing'}; write steps whose rate is k times what they consume"
            )
        catalysts = present - left
        factor *= self._scale(present, units) / units.time_s
        rate = self._rate(name, constants)
        numbers = list(self._species)
        sides = (
            ",".join(str(numbers.index(one) + 1) for one in side.elements()) or "0"
            for side in (present, right + catalysts)
        )
        return f"{' '.join(sides)} {factor!r}{'*' + rate if rate else ''} #{name}"

    def _scale(self, present: Counter, units: _Units) -> float:
        """What turns the law in SBML's amounts per time into that of the network's."""
        scale = 1.0 if units.network == "molecules" else 1.0 / self._volume
        for name, power in present.items():
            species = self._species[name]
            size = self._sizes[species.getCompartment()]
            concentration = not species.getHasOnlySubstanceUnits()
            if units.network == "molecules" and concentration:
                scale /= size**power
            if units.network == "uM" and not concentration:
                scale *= size**power
        return scale * units.amount ** (1 - present.total())

    def _rate(self, name: str, constants: list[tuple[str, int]]) -> str:
        """The parameter that is the rate constant; one is made when it is a product."""
        if not constants:
            return ""
        if len(constants) == 1 and constants[0][1] == 1:
            return constants[0][0]
        made = f"{name}_k"
        self._parameters[made] = "*".join(f"{symbol}^({power})" for symbol, power in constants)
        return made

    # kinetic laws

    def _polynomial(self, node: Any, local: dict[str, str], reaction: str) -> Polynomial:
        """The law multiplied out: sums, products, quotients by a product, whole powers."""
        sbml, kind = self._sbml, node.getType()
        parts = [self._polynomial(node.getChild(i), local, reaction) for i in range(node.getNumChildren())]
        if kind in (sbml.AST_INTEGER, sbml.AST_REAL, sbml.AST_REAL_E, sbml.AST_RATIONAL, sbml.AST_NAME_AVOGADRO):
            return {(): node.getValue()}
        if kind == sbml.AST_NAME:
            return self._symbol(node.getName(), local, reaction)
        if kind == sbml.AST_PLUS:
            return _sum(parts)
        if kind == sbml.AST_MINUS:
            negative = [{m: -c for m, c in one.items()} for one in (parts if len(parts) == 1 else parts[1:])]
            return _sum(negative if len(parts) == 1 else [parts[0], *negative])
        if kind == sbml.AST_TIMES:
            return _product(parts)
        if kind == sbml.AST_DIVIDE and len(parts[1]) == 1:
            return _product([parts[0], _power(parts[1], -1)])
        if kind in (sbml.AST_POWER, sbml.AST_FUNCTION_POWER) and list(parts[1]) == [()]:
            exponent = parts[1][()]
            if exponent == int(exponent) and (exponent >= 0 or len(parts[0]) == 1):
                return _power(parts[0], int(exponent))
        raise self._refuse(
            f"'{sbml.formulaToL3String(node)}' in the law of the reaction '{reaction}' is not supported; "
            "write mass action: constants times species"
        )

    def _symbol(self, name: str, local: dict[str, str], reaction: str) -> Polynomial:
        name = local.get(name, name)
        if name in self._sizes:
            return {(): self._sizes[name]}
        if name in self._species or name in self._parameters:
            return {((name, 1),): 1.0}
        raise self._refuse(f"the law of the reaction '{reaction}' names '{name}', which is not defined")


def _product(factors: list[Polynomial]) -> Polynomial:
    total: Polynomial = {(): 1.0}
    for one in factors:
        total = _sum([{_merged(a, b): x * y} for a, x in total.items() for b, y in one.items()])
    return total


def _sum(parts: list[Polynomial]) -> Polynomial:
    total: Polynomial = {}
    for part in parts:
        for monomial, factor in part.items():
            total[monomial] = total.get(monomial, 0.0) + factor
    return total


def _merged(one: Monomial, other: Monomial) -> Monomial:
    powers = Counter(dict(one))
    powers.update(dict(other))
    return tuple(sorted((symbol, power) for symbol, power in powers.items() if power))


def _power(base: Polynomial, exponent: int) -> Polynomial:
    if exponent < 0:
        ((monomial, factor),) = base.items()
        base, exponent = {tuple((symbol, -power) for symbol, power in monomial): 1.0 / factor}, -exponent
    return _product([base] * exponent)


def _without_lower(terms: Polynomial, sides: list[Counter]) -> Polynomial:
    """x^2 - x of two equal molecules as x^2: the rate of molecules that the `.net` factor of n(n-1) means."""
    kept = dict(terms)
    for monomial, factor in terms.items():
        for symbol, power in monomial:
            if power != 2 or max(side[symbol] for side in sides) < 2:
                continue
            lower = _merged(monomial, ((symbol, -1),))
            if math.isclose(kept.get(lower, 0.0), -factor, rel_tol=1e-12):
                del kept[lower]
    return kept
