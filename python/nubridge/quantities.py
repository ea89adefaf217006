"""Numbers with units, as typed on a command line."""

from __future__ import annotations

import math
import re

from .errors import InvalidArgumentError

_LENGTH_UM = {"nm": 1e-3, "um": 1.0, "µm": 1.0, "mm": 1e3, "m": 1e6}
_LITRE_UM3 = 1e15
#: The first unit of each kind is what a bare number has.
UNITS = {
    "time": {"s": 1.0, "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "min": 60.0, "h": 3600.0},
    "length": {"um": 1.0, **_LENGTH_UM},
    "volume": {
        "um3": 1.0,
        **{f"{unit}3": factor**3 for unit, factor in _LENGTH_UM.items()},
        **{
            f"{prefix}l": _LITRE_UM3 * 10.0**-power
            for prefix, power in zip("afpnum", (18, 15, 12, 9, 6, 3), strict=True)
        },
        "l": _LITRE_UM3,
    },
    "diffusion constant": {"um2/s": 1.0, "µm2/s": 1.0, "um2/ms": 1e3, "nm2/s": 1e-6, "cm2/s": 1e8, "m2/s": 1e12},
    "number": {"": 1.0},
}
_QUANTITY = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*")


def split(text: str) -> tuple[float, str]:
    """The number and what follows it.

    >>> split("37 uM"), split("1e3")
    ((37.0, 'uM'), (1000.0, ''))
    """
    match = _QUANTITY.fullmatch(text)
    if match is None or not math.isfinite(float(match[1])):
        raise InvalidArgumentError(f"{text!r} is no number; write one like 0.5 or 2e3, with its unit behind it")
    return float(match[1]), match[2]


def quantity(text: str, kind: str) -> float:
    """The number in s, um, um3 or um2/s, from text in any unit of that kind.

    >>> quantity("0.5fl", "volume"), quantity("200ms", "time"), quantity("220", "diffusion constant")
    (0.5, 0.2, 220.0)
    """
    number, unit = split(text)
    known = UNITS[kind]
    if unit and unit not in known:
        raise InvalidArgumentError(f"{text!r} is no {kind}: its unit is one of {', '.join(known)}")
    return number * known.get(unit, 1.0)
