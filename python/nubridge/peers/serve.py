"""The loop of a peer's process: one exchange a coupling window, until the owner drains the session."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..channel import Channel
from ..errors import PeerError
from . import Peer, open_peer
from .plan import Plan


def serve(channel: Channel, config: Mapping[str, Any] | None = None) -> int:
    """Runs the peer that the channel's config asks for, or another one; returns the number of windows.

    The options `restore` and `checkpoint` of the session name files: the one is read before the first window, the other
    written after the last. An exception goes to the owner first, and then on.
    """
    try:
        plan = Plan.of(channel.config if config is None else config)
        peer = open_peer(plan)
        try:
            if "restore" in plan.options:
                peer.restore(Path(plan.options["restore"]))
            return _exchange(channel, peer)
        finally:
            peer.close()
    except BaseException as error:
        channel.fail(f"{type(error).__name__}: {error}")
        raise


def _exchange(channel: Channel, peer: Peer) -> int:
    windows = 0
    while (message := channel.receive()) is not None:
        _, amounts, rates = message
        if (len(amounts), len(rates)) != (len(peer.plan.amounts), len(peer.plan.rates)):
            raise PeerError(
                f"the owner sent {len(amounts)} amounts and {len(rates)} rates; this session has "
                f"{len(peer.plan.amounts)} and {len(peer.plan.rates)}: open both ends with one config"
            )
        peer.set_rates(rates)
        realised = peer.inject(amounts)
        peer.advance(peer.plan.window_ns)
        channel.reply(realised, peer.counts())
        windows += 1
    if "checkpoint" in peer.plan.options:
        peer.checkpoint(Path(peer.plan.options["checkpoint"]))
    return windows
