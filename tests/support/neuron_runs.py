"""Runs that several tests of mechanisms make, within the process of `neuron_process.in_neuron`; the model is built by the test."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def traces(references: Sequence[Any], by_coreneuron: bool) -> np.ndarray:
    """The values of `references` at every step of 10 ms, references x steps."""
    from neuron import coreneuron, n

    records = [n.Vector().record(reference) for reference in references]
    n.CVode().cache_efficient(True)
    coreneuron.enable = by_coreneuron
    n.ParallelContext().set_maxstep(10)
    n.finitialize(-65)
    n.ParallelContext().psolve(10)
    return np.array([record.as_numpy() for record in records])


def twice_from_a_save(
    row: Callable[[], Any], before: Callable[[], None] = lambda: None
) -> tuple[np.ndarray, np.ndarray]:
    """row() at every step from 10.05 ms, in the middle of a hold, to 20 ms, and again after finitialize(), a restore and `before`."""
    from neuron import n

    def advance(end_ms: float) -> np.ndarray:
        rows = []
        while n.t < end_ms - n.dt / 2:
            n.fadvance()
            rows.append(row())
        return np.array(rows)

    advance(10.05)
    saved = n.SaveState()
    saved.save()
    first = advance(20)
    n.finitialize(-65)
    saved.restore()
    before()
    return first, advance(20)
