"""The rate constants of every site while NEURON changes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._rates import Rates
from ..errors import InvalidArgumentError
from .plan import Plan


class SiteRates:
    """The rate constants of a plan's network, sites x reactions.

    >>> rates = SiteRates(Plan.of({"model": "decay", "rates": [{"site": 0, "name": "k"}]}))
    >>> rates.set([3.0]), rates.set([3.0]), rates.constants.tolist()
    ([(0, 0)], [], [[3.0]])
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._computed = [Rates(plan.network) for _ in plan.sites]
        #: The last values of plan.rates; nan before the first.
        self.values = np.full(len(plan.rates), np.nan)
        #: In the network's unit^(1-order) per s.
        self.constants = np.tile(np.array(plan.network.rates), (len(plan.sites), 1))
        self._orders = np.array([sum(one.reactants.values()) for one in plan.network.reactions])

    def set(self, values: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Takes values of plan.rates, one each; returns the changed rate constants as (site, reaction).

        Raises InvalidArgumentError when a rate constant would be negative or not finite.
        """
        changed = []
        for slot, (rate, value) in enumerate(zip(self._plan.rates, values, strict=True)):
            if value == self.values[slot]:
                continue
            for reaction, k in self._computed[rate.site].at(rate.name, float(value)).items():
                if not 0 <= k < np.inf:
                    name = self._plan.network.reaction_names[reaction]
                    raise InvalidArgumentError(
                        f"{rate.name!r} of {value} makes the rate constant of {name!r} {k}; it must be finite and not negative"
                    )
                self.constants[rate.site, reaction] = k
                changed.append((rate.site, reaction))
            self.values[slot] = value
        return changed

    @property
    def molecular(self) -> NDArray[np.float64]:
        """Of one set of reactants, per s: for amounts in molecules."""
        return self.constants * self._plan.molecules_per_unit[:, None] ** (1.0 - self._orders)
