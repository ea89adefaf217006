"""The loop of a peer's process: one exchange a coupling window, until the owner drains the session.

The rates that come are those of the plan, then a regime for each of `plan.regimes`. Counts go in parts of a molecule, as many
to one as the config's `parts` (1 unless said), since those of a site in nu are means.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..channel import Channel
from ..errors import PeerError
from . import open_peer
from .plan import Plan
from .switched import SwitchedPeer


def serve(channel: Channel, config: Mapping[str, Any] | None = None) -> int:
    """Runs the peer that the channel's config asks for, or another one; returns the number of windows.

    The options `restore` and `checkpoint` of the session name files: the one is read before the first window, the other
    written after the last. What the config calls `saves` is written by order. An exception goes to the owner first, and then
    on.
    """
    try:
        config = channel.config if config is None else config
        plan = Plan.of(config)
        if plan.window_ns != channel.window_ns:
            raise PeerError(
                f"the owner's window is {channel.window_ns} ns, that of its model {plan.window_ns} ns; open both with one"
            )
        peer = SwitchedPeer(open_peer(plan))
        try:
            if "restore" in peer.plan.options:
                peer.restore(Path(peer.plan.options["restore"]))
            return _exchange(channel, peer, config)
        finally:
            peer.close()
    except KeyboardInterrupt:
        channel.fail("the peer was stopped by Ctrl-C in its own terminal")
        raise
    except BaseException as error:
        channel.fail(f"{type(error).__name__}: {error}")
        raise


def _exchange(channel: Channel, peer: SwitchedPeer, config: Mapping[str, Any]) -> int:
    plan, windows, parts = peer.plan, 0, int(config.get("parts", 1))
    last, before = int(config.get("epoch", 0)) - 1, None
    *first, rest = plan.parts_ns
    while (message := channel.receive()) is not None:
        window, amounts, rates = message
        if (len(amounts), len(rates)) != (len(plan.amounts), len(plan.rates) + len(plan.regimes)):
            raise PeerError(
                f"the owner sent {len(amounts)} amounts and {len(rates)} rates; this session has {len(plan.amounts)} and "
                f"{len(plan.rates)}, and {len(plan.regimes)} regimes: open both ends with one config"
            )
        if window == last:  # an order
            peer.checkpoint(Path(config["saves"]))
            realised = amounts
        else:
            if (bits := rates.tobytes()) != before:
                peer.set_rates(rates[: len(plan.rates)])
                peer.set_regimes(rates[len(plan.rates) :])
                before = bits
            for part in first:
                peer.advance(part)
            realised = peer.inject(amounts)
            peer.advance(rest)
            windows += 1
        last = window
        channel.reply(realised, peer.counts(parts))
    if "checkpoint" in plan.options:
        peer.checkpoint(Path(plan.options["checkpoint"]))
    return windows
