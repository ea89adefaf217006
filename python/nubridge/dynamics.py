"""What d nu/dt = F(nu, inputs; c) can be made of; nubridge.train fits the coefficients c."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ._arrays import Array
from ._fields import Field
from .closure import Closure
from .errors import InvalidArgumentError
from .families import Family
from .network import Network


@dataclass(frozen=True)
class BasisCombination:
    """F = SUM_r theta_r F_r: the terms of the network's closure, one a reaction, weighed by what is learned.

    With `each_nu` every nu has a theta of its own for every term. theta is not negative unless `nonnegative` is False.
    `penalty` says which terms matter: from 0 (all) to 1 (none), relative to the L1 penalty at which the first term joins;
    those that are 0 under it stay 0, the others are fitted without it. LearnedModel.theta_path has the whole path.
    `hop_per_s`, `empty` and `volume_um3` are those of nubridge.Closure.

    >>> import nubridge
    >>> nubridge.BasisCombination().nonnegative
    True
    """

    each_nu: bool = False
    nonnegative: bool = True
    penalty: float = 0.0
    hop_per_s: Mapping[str, float] | None = None
    empty: str | None = None
    volume_um3: float | None = None

    def closure(self, network: Network, family: Family, inputs: Sequence[str]) -> Closure:
        """The closure whose terms are weighed."""
        return Closure(
            network, family, inputs=inputs, hop_per_s=self.hop_per_s, empty=self.empty, volume_um3=self.volume_um3
        )

    def field(self, network: Network | None, family: Family, inputs: Sequence[str]) -> tuple[Field, tuple[str, ...]]:
        """F, and the names of its coefficients."""
        if network is None:
            raise InvalidArgumentError(
                "the terms of a closure are those of a network; pass one, or use nubridge.GridElements"
            )
        closure = self.closure(network, family, inputs)
        names = closure.term_names
        if self.each_nu:
            names = tuple(f"{nu}: {term}" for nu in family.nu_names for term in closure.term_names)
        return Field.of_terms(closure, self.each_nu), names

    def description(self, network: Network, _family: Family, _inputs: Sequence[str]) -> dict[str, Any]:
        """As model.json holds it, without the coefficients."""
        closing = {"hop_per_s": self.hop_per_s and dict(self.hop_per_s), "empty": self.empty}
        made = {
            "kind": "terms",
            "each_nu": self.each_nu,
            "network": network.to_net(),
            "volume_um3": self.volume_um3,
            **closing,
        }
        return {key: value for key, value in made.items() if value is not None}


@dataclass(frozen=True)
class GridElements:
    """F_k a C1 piecewise cubic of its arguments: tensor products of cubic Hermite polynomials on a grid of this spacing.

    `spacing` has the edge of a cell along each nu and input that is an argument. `arguments` names those of each F, by
    its nu; unless said all names of `spacing`. Cells are made where the data lie, with `margin` cells around them.
    `ridge` holds coefficients that the data do not decide (relative to the best decided one).

    >>> import nubridge
    >>> grid = nubridge.GridElements({"A": 0.25, "ca": 0.5}, arguments={"A": ["A", "ca"]})
    >>> grid.spacing["ca"]
    0.5
    """

    spacing: Mapping[str, float]
    arguments: Mapping[str, Sequence[str]] = field(default_factory=dict)
    margin: int = 1
    ridge: float = 1e-9

    def field(self, _network: Network | None, family: Family, inputs: Sequence[str]) -> tuple[Field, tuple[str, ...]]:
        """F without a cell yet; its coefficients have no names."""
        known = (*family.nu_names, *inputs)
        used = self._used(family)
        for name in (*self.spacing, *self.arguments, *(one for names in used.values() for one in names)):
            if name not in known:
                raise InvalidArgumentError(f"the grid names {name!r}; the nu and inputs are {', '.join(known)}")
        missing = [name for names in used.values() for name in names if name not in self.spacing]
        if missing:
            raise InvalidArgumentError(f"{missing[0]!r} is an argument without a spacing; give one")
        places = [[known.index(name) for name in used[nu]] for nu in family.nu_names]
        return Field.on_grid(len(inputs), [float(self.spacing.get(name, 0.0)) for name in known], places), ()

    def _used(self, family: Family) -> dict[str, tuple[str, ...]]:
        return {nu: tuple(self.arguments.get(nu, self.spacing)) for nu in family.nu_names}

    def description(self, _network: Network | None, family: Family, _inputs: Sequence[str]) -> dict[str, Any]:
        """As model.json holds it, without vertices and coefficients; places of vertices follow the order of arguments."""
        arguments = {nu: list(names) for nu, names in self._used(family).items()}
        return {"kind": "grid", "spacing": dict(self.spacing), "arguments": arguments}


def products_up_to(names: Sequence[str], order: int) -> list[tuple[str, ...]]:
    """All products of the names up to the order, the constant first.

    >>> products_up_to(["a", "b"], 2)
    [(), ('a',), ('b',), ('a', 'a'), ('a', 'b'), ('b', 'b')]
    """
    degrees = range(order + 1)
    return [one for degree in degrees for one in itertools.combinations_with_replacement(names, degree)]


@dataclass(frozen=True)
class Polynomial:
    """F_k = SUM c PRODUCT: polynomials of nu and inputs, for many nu where a grid has too many cells.

    All products up to `order`, or by nu the `products` that it has, each the names of its factors (none: the constant).
    `ridge` holds coefficients that the data do not decide (relative to the best decided one).

    >>> import nubridge
    >>> decay = nubridge.Polynomial(products={"A": [[], ["A"], ["A", "ca"]]})
    >>> decay.products["A"][2]
    ['A', 'ca']
    """

    order: int = 1
    products: Mapping[str, Sequence[Sequence[str]]] | None = None
    ridge: float = 1e-9

    def field(self, _network: Network | None, family: Family, inputs: Sequence[str]) -> tuple[Field, tuple[str, ...]]:
        """F, and the names of its coefficients."""
        known, of_nu = (*family.nu_names, *inputs), self._products(family, inputs)
        places = [[[known.index(factor) for factor in product] for product in products] for products in of_nu]
        pairs = zip(family.nu_names, of_nu, strict=True)
        names = tuple(f"{nu}: {' '.join(product) or '1'}" for nu, products in pairs for product in products)
        return Field.of_products(len(inputs), places), names

    def description(self, _network: Network | None, family: Family, inputs: Sequence[str]) -> dict[str, Any]:
        """As model.json holds it, without coefficients, which follow the order of the nu and their products."""
        pairs = zip(family.nu_names, self._products(family, inputs), strict=True)
        return {"kind": "polynomial", "products": {nu: [list(one) for one in products] for nu, products in pairs}}

    def _products(self, family: Family, inputs: Sequence[str]) -> list[Sequence[Sequence[str]]]:
        known = (*family.nu_names, *inputs)
        if self.products is None:
            if self.order < 0:
                raise InvalidArgumentError(f"the order of the polynomial is {self.order}; it is 0 or more")
            return [products_up_to(known, self.order)] * len(family.nu_names)
        for name in (
            *self.products,
            *(one for listed in self.products.values() for product in listed for one in product),
        ):
            if name not in known:
                raise InvalidArgumentError(f"the polynomial names {name!r}; the nu and inputs are {', '.join(known)}")
        return [self.products.get(nu, ()) for nu in family.nu_names]


@dataclass(frozen=True)
class SmoothMap:
    """F_k a smooth function of all nu and inputs: a plane and `units` hidden units tanh(b + w . z) with weights that are learned.

    z is nu and inputs by the middle and half width of their range in the data; b and w are drawn from `seed`, w with the
    standard deviation `steepness`. For many nu, where the cells of a grid are too many: the coefficients are
    nu x (1 + nu + inputs + units). `ridge` holds those that the data do not decide (relative to the best decided one).

    >>> import numpy as np, nubridge
    >>> t_s = np.linspace(0, 2, 21)
    >>> data = [{"t_s": t_s, "A": n * np.exp(-t_s)} for n in (30.0, 10.0)]
    >>> model = nubridge.train(
    ...     None, family=nubridge.Counts("A", base="poisson"), dynamics=nubridge.SmoothMap(units=5), data=data
    ... )
    >>> round(1000 * float(model.rhs([-2.0])[0]), 3)            # the decay of Poisson counts: 1/s, everywhere
    1.0
    """

    units: int = 40
    steepness: float = 1.0
    ridge: float = 1e-10
    seed: int = 0
    #: Centre and scale, one a nu and input; of the data where it is None.
    standard: tuple[tuple[float, ...], tuple[float, ...]] | None = None

    def over(self, ranges: Sequence[tuple[float, float]]) -> SmoothMap:
        """The same with the middle and half width of these ranges of nu and inputs."""
        middle = tuple(0.5 * (low + high) for low, high in ranges)
        half = tuple(0.5 * (high - low) or 1.0 for low, high in ranges)
        return replace(self, standard=self.standard or (middle, half))

    def field(self, _network: Network | None, family: Family, inputs: Sequence[str]) -> tuple[Field, tuple[str, ...]]:
        """F; its coefficients have no names."""
        if self.units < 0 or not self.steepness > 0:
            raise InvalidArgumentError(
                f"a smooth map has units from 0 on and a steepness above 0; got {self.units} and {self.steepness}"
            )
        return Field.of_map(len(family.nu_names), len(inputs), np.array(self.standard), self._hidden()), ()

    def description(self, _network: Network | None, _family: Family, _inputs: Sequence[str]) -> dict[str, Any]:
        """As model.json holds it, without the coefficients."""
        centre, scale = map(list, self.standard)
        return {"kind": "map", "centre": centre, "scale": scale, "hidden": self._hidden().tolist()}

    def _hidden(self) -> Array:
        """Rows (b, w): each unit bends at a place that is uniform in the data's box."""
        random, wide = np.random.default_rng(self.seed), len(self.standard[0])
        w = self.steepness * random.normal(size=(self.units, wide))
        place = random.uniform(-1.0, 1.0, size=(self.units, wide))
        return np.column_stack([-(w * place).sum(axis=1), w])


Dynamics = BasisCombination | GridElements | Polynomial | SmoothMap
