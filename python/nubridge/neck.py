"""Calcium through the neck of a spine."""

from __future__ import annotations

from typing import Any

from .errors import InvalidArgumentError


def neck(head: Any, parent: Any, length_um: float = 0.5, diameter_um: float = 0.1) -> tuple[Any, Any]:
    """Joins the calcium of two segments by diffusion; returns the two `neckca`, one at each end, which must be kept alive.

    Each segment needs a pool that takes in the whole `ica` and writes `cai`: `spineca` for one. The neck's length and
    diameter are in um, the diffusion constant is that of free calcium, 0.22 um2/ms (`diffusion` of both ends).

    Raises InvalidArgumentError for a segment without calcium, for one joined to itself, and for a neck without length or
    diameter.
    """
    from neuron import n

    for what, given in (("length", length_um), ("diameter", diameter_um)):
        if not 0 < given <= 1e9:
            raise InvalidArgumentError(f"the {what} of the neck is {given} um; it is a positive number")
    if head == parent:
        raise InvalidArgumentError(f"the neck joins {head} to itself; give the head and the segment that bears it")
    for segment in (head, parent):
        if not n.ismembrane("ca_ion", sec=segment.sec):
            raise InvalidArgumentError(f"{segment} has no calcium; insert spineca, or another pool that writes cai")
    ends = n.neckca(head), n.neckca(parent)
    for end, beyond in zip(ends, (parent, head), strict=True):
        end.length, end.diameter = length_um, diameter_um
        end._ref_other = beyond._ref_cai
    return ends
