"""Simulators of molecules that a session couples to NEURON: one class each, and how to write one for your own.

A peer runs in a process of its own. Once a coupling window it is given new rate constants and whole numbers of molecules
to add or remove; it advances by the window, and says how many it could add or remove, and its counts.
"""

from __future__ import annotations

import abc
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError, PeerError
from .plan import Amount, Count, Plan, Rate, Site

__all__ = ["KINDS", "Amount", "Count", "Peer", "Plan", "Rate", "Site", "bounded", "open_peer", "peer_class"]

KINDS = {
    "ssa": "nubridge.peers.ssa:SsaPeer",
    "mcell": "nubridge.peers.mcell:McellPeer",
    "smoldyn": "nubridge.peers.smoldyn:SmoldynPeer",
}
_WITHOUT = {"mcell4": "no package index has MCell4 to test an adapter with, and 'mcell' is the MCell 3.4 of pyMCell"}


class Peer(abc.ABC):
    """A simulator behind a coupling; the base of every adapter.

    The order of calls in every window: `set_rates` where a rate has changed, `inject`, `advance`, `counts`; where
    `plan.crossing` is "middle", `inject` comes between two `advance`. `close` is the last call. What an adapter raises
    reaches the owner of the session as text.
    """

    #: False where every site is well mixed by construction.
    has_space = True

    def __init__(self, plan: Plan) -> None:
        """Builds the model of `plan`, at its initial amounts; nothing has moved yet."""
        self.plan = plan

    @classmethod
    def missing(cls) -> str:
        """The line that installs what this peer still needs; empty where nothing is missing."""
        return ""

    @abc.abstractmethod
    def set_rates(self, values: NDArray[np.float64]) -> None:
        """The values of `plan.rates`, one each, in their units; they hold from now on."""

    @abc.abstractmethod
    def inject(self, amounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Adds whole molecules, one number for each of `plan.amounts`; below 0 it removes.

        Returns what was done: the same numbers, or less where there is not enough to remove. What is missing stays with
        the caller, who carries it into the next window.
        """

    @abc.abstractmethod
    def advance(self, window_ns: int) -> None:
        """By so much time, a multiple of `plan.step_ns`: a window, or the next of the parts of `plan.parts_ns`."""

    @abc.abstractmethod
    def counts(self) -> NDArray[np.int64] | Sequence[int]:
        """The sums that `plan.counts` asks for, now."""

    def molecules(self) -> NDArray[np.int64]:
        """All molecules, sites x species. Raises PeerError from a peer that hands no site over."""
        raise PeerError(f"{type(self).__name__} hands no site over to nu: it has no `molecules`; use ssa or mcell")

    def place(self, site: int, molecules: NDArray[np.int64]) -> None:
        """Makes these the molecules of a site, by species, in place of those there; before `inject` of the same window.

        Clamped species stay as they are.
        """
        raise PeerError(
            f"{type(self).__name__} cannot put {molecules.sum()} molecules into site {site}: it has no `place`; use ssa or mcell"
        )

    def checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Writes all that is needed to go on from here. Raises PeerError from a simulator that cannot."""
        raise PeerError(
            f"{type(self).__name__} writes no checkpoint to {path}: its simulator has none; use ssa or mcell"
        )

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Goes back to a checkpoint of the same plan, before the first window. Raises PeerError where there is none."""
        raise PeerError(f"{type(self).__name__} reads no checkpoint {path}: its simulator has none; use ssa or mcell")

    def close(self) -> None:  # noqa: B027
        """Leaves nothing behind."""


def open_peer(plan: Plan | Mapping[str, Any]) -> Peer:
    """The peer of a plan: its kind is one of KINDS, or "module:Class", "file.py:Class" of your own.

    >>> peer = open_peer({"peer": "ssa", "model": "decay", "counts": [{"weights": {"A": 1}}], "window_ns": 1000})
    >>> peer.advance(1000)
    >>> peer.counts().tolist()
    [100]
    """
    plan = plan if isinstance(plan, Plan) else Plan.of(plan)
    found = peer_class(plan.peer)
    return found(plan)


def peer_class(kind: str) -> type[Peer]:
    """The adapter of a kind. Raises PeerError for a kind that is unknown, or no Peer."""
    module, separator, name = KINDS.get(kind, kind).rpartition(":")
    if not separator:
        why = f", for {_WITHOUT[kind]}" if kind in _WITHOUT else ""
        raise PeerError(f"there is no peer {kind!r}{why}; there are {', '.join(KINDS)}, or your own as module:Class")
    try:
        loaded = _from_file(Path(module)) if module.endswith(".py") else importlib.import_module(module)
        found = getattr(loaded, name)
    except (ImportError, AttributeError, OSError) as error:
        raise PeerError(f"the peer {kind!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Peer)):
        raise PeerError(f"{kind!r} is no peer: {name} must be a subclass of nubridge.peers.Peer")
    return found


def _from_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ImportError(f"there is no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def bounded(amounts: NDArray[np.int64], present: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """The part of `amounts` that can be done: no more is removed than is present.

    Raises InvalidArgumentError when more than `most` molecules of one kind would be there.
    """
    if (beyond := np.flatnonzero(present + amounts > most)).size:
        slot = int(beyond[0])
        raise InvalidArgumentError(
            f"amount {slot} is {amounts[slot]} on top of {present[slot]} molecules; the simulator holds at most {most}: "
            "check the unit of the current and the volume"
        )
    return np.maximum(amounts, -present)
