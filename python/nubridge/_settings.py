"""What nubridge_simulation says of a run, from names and units."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import _library
from .errors import InvalidArgumentError
from .inputs import pieces
from .network import Network
from .space import Space

REGIMES = {"ssa": 0, "ode": 1, "tau": 2, "langevin": 3, "cme": 4, "lattice": 5, "grid-ssa": 6, "spde": 7, "pde": 8}
SPATIAL = ("lattice", "grid-ssa", "spde", "pde")
DETERMINISTIC = ("ode", "cme", "pde")
_SPECIES, _PARAMETER = 0, 2
_NUMBERS = ("relative_tolerance", "absolute_tolerance", "step_s", "epsilon", "max_states")


def settings(
    network: Network,
    regime: str,
    *,
    volume_um3: float | None = None,
    seed: int = 0,
    run: int = 0,
    inputs: Mapping[str, Any] | None = None,
    space: Space | None = None,
    end_s: float | None = None,
    pairs: Sequence[str] = (),
    **numbers: float | None,
) -> _library.Simulation:
    """The structure of the C interface; it keeps alive what it points to. `numbers` that are None keep their default.

    `pairs` are names like "A-B", recorded after the sums of amounts.
    """
    if regime not in REGIMES:
        raise InvalidArgumentError(f"regime {regime!r} is unknown; it is one of {', '.join(REGIMES)}")
    if (space is not None) != (regime in SPATIAL):
        raise InvalidArgumentError(
            f"the regime {regime!r} {'needs' if space is None else 'takes no'} space; pass "
            + ("space=nubridge.Space(...)" if space is None else f"one of {', '.join(SPATIAL)}, or leave space out")
        )
    made = _library.Simulation()
    _library.library().nubridge_simulation_defaults(ctypes.byref(made))
    made.regime, made.random_seed, made.run_number = REGIMES[regime], seed, run
    if volume_um3 is not None and not 0.0 < volume_um3 < math.inf:
        raise InvalidArgumentError(f"the volume is {volume_um3} um3; it is finite and positive")
    made.volume_um3 = volume_um3 or 0.0
    for name, value in numbers.items():
        if name not in _NUMBERS:
            raise InvalidArgumentError(f"there is no setting {name!r}; known are {', '.join(_NUMBERS)}")
        if value is not None:
            setattr(made, name, value)
    if inputs:
        given = [_input(network, name, value, end_s, volume_um3) for name, value in inputs.items()]
        made.input_count, made.input_list = len(given), (_library.Input * len(given))(*given)
        made._kept = given
    if pairs and regime != "lattice":
        raise InvalidArgumentError(
            f"{pairs[0]!r} is a pair of neighbours, which the regime {regime!r} has not; take lattice, or a species"
        )
    held = np.array([[network.species_index(one) for one in name.split("-")] for name in pairs], np.int32)
    made.pair_count, made.pair_list, made._pairs = len(held), held.ctypes.data, held
    if space is not None:
        made.space = ctypes.pointer(space._structure(network))
    return made


def is_pair(network: Network, name: str) -> bool:
    """Whether a recorded name is that of two species on neighbouring sites, like "A-B"."""
    return name.count("-") == 1 and name not in (*network.observables, *network.species)


def _input(network: Network, name: str, value: Any, end_s: float | None, volume_um3: float | None) -> _library.Input:
    known = (*network.species, *network.parameters)
    if name not in known:
        raise InvalidArgumentError(
            f"{network.name} has no species and no parameter {name!r}; it has {', '.join(known[:20])}"
        )
    is_species = name in network.species
    index = network.species.index(name) if is_species else list(network.parameters).index(name)
    knots_s, powers = pieces(value, name, network.unit if is_species else None, end_s, volume_um3)
    made = _library.Input(
        _SPECIES if is_species else _PARAMETER, index, len(knots_s), knots_s.ctypes.data, powers.ctypes.data
    )
    made._kept = (knots_s, powers)
    return made
