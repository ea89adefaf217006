"""What the template NubridgeSession of nubridge.hoc calls: hoc passes numbers and texts, and the section that is accessed."""

from __future__ import annotations

import atexit
import re

from .errors import InvalidArgumentError
from .session import Session

_RATE = re.compile(r"(?:(?P<factor>[-+.\deE]+)\s*\*\s*)?(?P<variable>[A-Za-z_][\w.]*)")


class HocSession:
    """A Session; x is a place in the section that is accessed."""

    def __init__(self, peer: str, model: str, window_us: float, seed: float, scheme: str, record: str) -> None:
        self._session = Session(peer, model, window_us, int(seed), scheme, record=record or None)
        self._x, self._texts = 0.5, []
        atexit.register(self._session.close)

    def begin(self, x: float) -> None:
        """Of a coupling at x, whose texts follow by `add`, as hoc passes no list."""
        self._x, self._texts = x, []

    def add(self, text: str) -> None:
        """A read "sum -> variable", or a rate "name <- variable", "name <- factor * variable"."""
        self._texts.append(text)

    def couple(self) -> None:
        """The segment at x with what was added."""
        reads = [text for text in self._texts if "<-" not in text]
        rates = dict(_rate(text) for text in self._texts if "<-" in text)
        self._session.couple(_segment(self._x), reads=reads, rates=rates)

    def set_regime(self, x: float, regime: str) -> None:
        """As of a Session."""
        self._session.set_regime(_segment(x), regime)

    def save(self, path: str) -> None:
        """As of a Session."""
        self._session.save(path)

    def restore(self, path: str) -> None:
        """As of a Session."""
        self._session.restore(path)

    def report(self) -> None:
        """Prints the report."""
        print(self._session.report(), flush=True)

    def close(self) -> None:
        """As of a Session."""
        self._session.close()


def _segment(x: float):
    from neuron import n

    return n.cas()(x)


def _rate(text: str) -> tuple[str, tuple[str, float]]:
    name, _, source = (part.strip() for part in text.partition("<-"))
    match = _RATE.fullmatch(source)
    if not name or match is None:
        raise InvalidArgumentError(f"the rate {text!r} is none; write it as 'k21 <- v' or 'k21 <- 80 * skpeer.gbar'")
    return name, (match["variable"], float(match["factor"] or 1))
