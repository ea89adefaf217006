"""Rules by which a session hands its sites over while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import InvalidArgumentError

#: (segment, its regime now, molecules by what is read, and "non_uniformity") -> the regime from the next window on.
Rule = Callable[[Any, str, Mapping[str, float]], str]


def copy_number(low: float, high: float, of: str | None = None) -> Rule:
    """A rule with hysteresis: nu where there are at least `high` molecules, particles where there are at most `low`.

    `of` is a read as `Session.couple` had it, "O1 + O2"; the ion unless said.

    >>> rule = copy_number(100, 200)
    >>> [rule(None, "particles", {"Ca": n}) for n in (150, 200)], rule(None, "nu", {"Ca": 150})
    (['particles', 'nu'], 'nu')
    """
    if not 0 <= low < high:
        raise InvalidArgumentError(f"low is {low} and high {high}; low must be below high, and not negative")

    def rule(_segment: Any, regime: str, counts: Mapping[str, float]) -> str:
        if of is not None and of not in counts:
            raise InvalidArgumentError(f"{of!r} is not read; read are {', '.join(counts)}")
        found = next(iter(counts.values())) if of is None else counts[of]
        return "nu" if found >= high else "particles" if found <= low else regime

    return rule


def non_uniformity(low: float, high: float) -> Rule:
    """A rule with hysteresis: nu where at most the part `low` of the ions is not well mixed, particles from `high` on.

    The part is estimated by `nubridge.peers.mixing` every `every_ms`. Let the session have the rule before finitialize(). In
    your own rule it stands as `counts["non_uniformity"]`.

    >>> rule = non_uniformity(0.05, 0.1)
    >>> [rule(None, "nu", {"non_uniformity": part}) for part in (0.07, 0.1)], rule(None, "particles", {"non_uniformity": 0.07})
    (['nu', 'particles'], 'particles')
    """
    if not 0 <= low < high:
        raise InvalidArgumentError(f"low is {low} and high {high}; low must be below high, and not negative")

    def rule(_segment: Any, regime: str, counts: Mapping[str, float]) -> str:
        if "non_uniformity" not in counts:
            raise InvalidArgumentError(
                "the peer does not tell how mixed its sites are; set the rule before finitialize(), with the peer ssa or mcell"
            )
        found = counts["non_uniformity"]
        return "particles" if found >= high else "nu" if found <= low else regime

    return rule


class Watch:
    """Asks a rule at every site, once in `every_ms`, from within NEURON's steps."""

    def __init__(self, session: Any, rule: Rule, every_ms: float) -> None:
        if not every_ms > 0:
            raise InvalidArgumentError(f"every_ms is {every_ms}; it must be positive")
        self._session, self._rule, self._every_ms = session, rule, every_ms
        self._due_ms = 0.0

    def start(self) -> None:
        """Until `stop`."""
        from neuron import n

        n.cvode.extra_scatter_gather(0, self._look)

    def stop(self) -> None:
        """Once is enough."""
        from neuron import n

        n.cvode.extra_scatter_gather_remove(self._look)

    def _look(self) -> None:
        from neuron import n

        if self._due_ms - self._every_ms <= n.t < self._due_ms:
            return
        self._due_ms = n.t + self._every_ms * (1 - 1e-9)
        for segment, regime, counts in self._session._counted():
            wanted = self._rule(segment, regime, counts)
            if wanted != regime:
                self._session.set_regime(segment, wanted)
