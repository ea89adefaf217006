"""Runs of a peer's simulator by themselves: the counts that training learns from."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .._arrays import Array
from .._peer_process import PeerProcess
from ..channel import Channel
from ..errors import InvalidArgumentError
from .plan import Plan

_START_S = 60.0
_WINDOW_S = 600.0


def record(
    peer: str,
    model: str | os.PathLike[str],
    t_s: ArrayLike,
    species: str | Sequence[str],
    *,
    runs: int = 20,
    seed: int = 0,
    volume_um3: float = 1.0,
    step_us: float = 1.0,
    inputs: Mapping[str, float | ArrayLike | Callable[[float], float]] | None = None,
    options: Mapping[str, Any] | None = None,
    progress: bool | None = None,
) -> dict[str, Array]:
    """Counts of `species` (or observables) in `runs` closed compartments of one peer process: arrays of runs x times, and t_s.

    What comes back is data for nubridge.train and for any plot. `peer` and `model` are those of a Session. The times are
    evenly spaced from 0, by whole steps of `step_us`. `inputs` are rate constants or parameters by name: a number, values
    at t_s, or a callable of s; each stands still from one time to the next, at its value in the middle.

    Raises InvalidArgumentError for what does not fit the model, SessionError with the peer's words when it fails.

    >>> import nubridge
    >>> data = nubridge.record("ssa", "decay", [0.0, 0.5, 1.0], "A", runs=3, seed=1)
    >>> data["A"].shape, data["A"][:, 0].tolist()
    ((3, 3), [100.0, 100.0, 100.0])
    """
    times, window_ns = _windows(t_s)
    names = [species] if isinstance(species, str) else list(species)
    middle = (times[:-1] + times[1:]) / 2
    driven = {name: _at(name, value, times) for name, value in (inputs or {}).items()}
    config = {
        "peer": peer,
        "model": os.fspath(model),
        "window_ns": window_ns,
        "step_ns": round(step_us * 1000),
        "seed": seed,
        "options": dict(options or {}),
        "sites": [{"name": f"run{i}", "volume_um3": volume_um3} for i in range(runs)],
        "rates": [{"site": i, "name": name} for i in range(runs) for name in driven],
        "counts": [{"site": i, "weights": {name: 1}} for i in range(runs) for name in names],
    }
    plan = Plan.of(config)
    seen = np.empty((len(times), runs, len(names)))
    seen[0] = plan.sums(plan.initial).reshape(runs, len(names))
    held = np.array([np.interp(middle, times, values) for values in driven.values()]).reshape(len(driven), len(middle))
    _run(config, np.tile(held.T, runs), seen, progress)
    return {"t_s": times, **driven, **{name: seen[:, :, i].T.copy() for i, name in enumerate(names)}}


def _run(config: Mapping[str, Any], rates: Array, seen: Array, progress: bool | None) -> None:
    """One exchange from each time to the next, in which nothing but the rates crosses."""
    from tqdm import tqdm

    shape = (0, len(config["rates"]), len(config["counts"]), config["window_ns"])
    channel = Channel.create(f"record-{os.getpid()}-{os.urandom(3).hex()}", dict(config), *shape)
    process = PeerProcess(config["peer"], channel.name, None)
    try:
        process.start()
        channel.wait_for_peer(_START_S, process.require)
        hidden = None if progress is None else not progress
        for i in tqdm(range(len(rates)), desc=f"{config['peer']}", unit="window", disable=hidden, leave=False):
            channel.send(np.empty(0, np.int64), rates[i])
            seen[i + 1] = channel.collect(_WINDOW_S)[1].reshape(seen.shape[1:])
    finally:
        channel.close()
        process.close()


def _windows(t_s: ArrayLike) -> tuple[Array, int]:
    """The times and what lies between two of them, whole ns."""
    times = np.ascontiguousarray(t_s, dtype=np.float64)
    if times.ndim != 1 or len(times) < 2 or times[0] != 0 or not np.isfinite(times).all():
        raise InvalidArgumentError("the times t_s of a recording are at least two, from 0 on; correct them")
    window_ns = round(times[1] * 1e9)
    if window_ns < 1 or not np.allclose(times, np.arange(len(times)) * window_ns * 1e-9, rtol=1e-9, atol=0):
        raise InvalidArgumentError(
            f"the times t_s are {times[1]:g} s apart at first, and not later, or by no whole ns; space them evenly"
        )
    return times, window_ns


def _at(name: str, value: Any, times: Array) -> Array:
    try:
        values = [value(float(t)) for t in times] if callable(value) else value
        return np.broadcast_to(np.asarray(values, dtype=np.float64), times.shape).copy()
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"the input {name!r} is {value!r}; give a number, {len(times)} values, or a callable of t_s"
        ) from None
