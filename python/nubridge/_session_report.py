"""What a session says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ledger:
    """The books of one site, in ions: requested = realised + returned, and the part of an ion that is still owed."""

    site: str
    requested: int
    realised: int
    returned: int
    carried: float


@dataclass(frozen=True)
class Report:
    """How far a session is: the clocks of both sides, the share of time that NEURON waited, the books, the sites in nu,
    the peer's log."""

    neuron_ms: float
    peer_ms: float
    windows: int
    waited_s: float
    pid: int | None
    ledgers: tuple[Ledger, ...]
    in_nu: tuple[str, ...]
    log: str

    def __str__(self) -> str:
        lines = [
            f"NEURON {self.neuron_ms:g} ms, peer {self.peer_ms:g} ms (process {self.pid}), {self.windows} windows, waited {self.waited_s:.3g} s"
        ]
        lines += [
            f"{one.site}: {one.requested} ions requested = {one.realised} realised + {one.returned} returned; {one.carried:+.3f} carried"
            for one in self.ledgers
        ]
        lines += [f"{site}: in nu" for site in self.in_nu]
        return "\n".join(lines)
