"""Runs of a network in pieces: by threads and ranks, watched, stoppable, saved as they come."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._settings import is_pair, settings
from ._statistics import Statistics, merged
from .errors import InvalidArgumentError
from .network import Network

_STOPPED = -16
_TELL_AFTER_S = 2.0


class Done(NamedTuple):
    """How far a call came: the first so many runs are whole, their events, recorded times over all runs."""

    runs: int
    events: int
    points: int


Ready = Callable[[Done], None]


@dataclass
class Ensemble:
    """What is run and recorded; `options` are those of settings(). Everything that the bytes of a run depend on."""

    network: Network
    regime: str
    t_s: NDArray[np.float64]
    names: tuple[str, ...]
    amounts: NDArray[np.float64]
    options: Mapping[str, Any]
    threads: int
    _weights: NDArray[np.float64] = field(init=False)
    _how: _library.Simulation = field(init=False)

    def __post_init__(self) -> None:
        sums = [self.network.weights(name) for name in self.names if not is_pair(self.network, name)]
        self._weights = np.array(sums, np.float64)
        self._how = self._settings(float(self.t_s[-1]))

    def _settings(self, end_s: float) -> _library.Simulation:
        pairs = [name for name in self.names if is_pair(self.network, name)]
        return settings(self.network, self.regime, end_s=end_s, pairs=pairs, **self.options)

    @property
    def values_per_run(self) -> int:
        """Numbers that a run records."""
        return len(self.t_s) * len(self.names)

    @property
    def chunk(self) -> int:
        """Runs whose statistics are taken together; by the number of values of a run alone, so that they repeat."""
        return int(np.clip(2**20 // self.values_per_run, 16, 256))

    def described(self, end_s: float) -> dict[str, Any]:
        """What a file says of the runs up to end_s, and what must be the same for it to be gone on with."""
        how = self._how if end_s == self.t_s[-1] else self._settings(end_s)
        options = {key: value for key, value in self.options.items() if key not in ("inputs", "space", "run")}
        space = self.options.get("space")
        inputs = {}
        for index, name in enumerate(self.options.get("inputs") or {}):
            given = how.input_list[index]
            numbers = ctypes.string_at(given.knots_s, given.knots * 8) + ctypes.string_at(
                given.pieces, given.knots * 32
            )
            inputs[name] = "sha256:" + hashlib.sha256(numbers).hexdigest()
        said = {
            "nubridge": _library.version(),
            "network": self.network.hash,
            "parameters": self.network.parameters,
            "regime": self.regime,
            **options,
            "first_run": self.options["run"],
            "end_s": end_s,
            "record": self.names,
            "initial": dict(zip(self.network.species, self.amounts.tolist(), strict=True)),
            "inputs": inputs,
            "space": None if space is None else asdict(space),
        }
        return json.loads(json.dumps(said, default=lambda value: np.asarray(value).tolist()))

    def run(
        self, first: int, values: NDArray, variances: NDArray | None, watch: Watch, ready: Ready | None = None
    ) -> Done:
        """Runs first, first + 1, ... into `values` and `variances`, runs x times x names."""
        self._how.run_number = self.options["run"] + first

        def call(progress: ctypes.c_void_p) -> int:
            return self.network._library.nubridge_ensemble(
                self.network._handle,
                ctypes.byref(self._how),
                len(values),
                self.threads,
                self.amounts.ctypes.data,
                len(self.t_s),
                self.t_s.ctypes.data,
                len(self.names),
                self._weights.ctypes.data,
                values.ctypes.data,
                None if variances is None else variances.ctypes.data,
                progress,
            )

        return watch.call(call, ready)


class Watch:
    """Shows progress, and turns SIGINT (Ctrl-C) and SIGTERM into an orderly end: `stopped` is then true, calls return early.

    `shown` is true, false, or None: then when it takes long and somebody looks at the terminal.
    """

    def __init__(self, library: ctypes.CDLL, runs: int, times: int, shown: bool | None) -> None:
        self.stopped = False
        self._library, self._runs, self._times = library, runs, times
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._started, self._silent_s = time.monotonic(), 0.0 if shown else _TELL_AFTER_S
        self._bar, self._points = None, 0
        self._progress: ctypes.c_void_p | None = None
        self._outer: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Watch:
        if threading.current_thread() is threading.main_thread():
            heeded = (one for one in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(one) is not signal.SIG_IGN)
            self._outer = {one: signal.signal(one, self._stop) for one in heeded}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._outer.items():
            signal.signal(one, handler)
        if self._bar is not None:
            self._bar.close()

    def _stop(self, *_: object) -> None:
        if self.stopped:  # the second time: at once
            raise KeyboardInterrupt
        self.stopped = True
        if self._progress is not None:
            self._library.nubridge_progress_stop(self._progress)

    def call(self, function: Callable[[ctypes.c_void_p], int], ready: Ready | None) -> Done:
        """Calls it in a thread of its own, so that this one sees signals; raises its error here."""
        progress, library = ctypes.c_void_p(), self._library
        _library.check(library, library.nubridge_progress_open(ctypes.byref(progress)))
        failures: list[Exception] = []

        def work() -> None:
            try:
                status = function(progress)
                if status != _STOPPED:
                    _library.check(library, status)  # the library's text is this thread's
            except Exception as error:
                failures.append(error)

        def done() -> Done:
            runs, events = ctypes.c_uint64(), ctypes.c_uint64()
            library.nubridge_progress_whole(progress, ctypes.byref(runs), ctypes.byref(events))
            return Done(runs.value, events.value, library.nubridge_progress_points(progress))

        self._progress = progress
        if self.stopped:
            library.nubridge_progress_stop(progress)
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.1)
            self._show(self._points + done().points)
            if ready is not None and thread.is_alive():
                ready(done())
        self._progress, last = None, done()
        library.nubridge_progress_close(progress)
        if failures:
            raise failures[0]
        return last

    def count(self, points: int) -> None:
        """So many recorded times are done, here or by another rank."""
        self._points += points
        self._show(self._points)

    def _show(self, points: int) -> None:
        if not self._shown or time.monotonic() - self._started < self._silent_s:
            return
        if self._bar is None:
            from tqdm import tqdm

            layout = "{percentage:3.0f}% |{bar}| {n:.4g} of {total_fmt} runs, {rate_fmt}, {remaining} left"
            self._bar = tqdm(
                total=self._runs, unit=" runs", bar_format=layout, leave=False, file=sys.stderr, smoothing=0
            )
            self._bar.start_t -= time.monotonic() - self._started  # the rate is that of all that was done
        self._bar.update(points / self._times - self._bar.n)


def default_threads(comm: Any) -> int:
    """The processors this process may use, shared among the ranks of this machine."""
    processors = len(os.sched_getaffinity(0))
    if comm is None:
        return processors
    from mpi4py import MPI

    here = comm.Split_type(MPI.COMM_TYPE_SHARED)
    ranks = here.size
    here.Free()
    return max(1, processors // ranks)


class Kept:
    """Every run of an ensemble, in memory; `save(done)` when some are new, not too often."""

    def __init__(self, ensemble: Ensemble, runs: int) -> None:
        shape = (runs, len(ensemble.t_s), len(ensemble.names))
        try:
            self.values = np.empty(shape)
            self.variances = np.empty(shape) if ensemble.regime == "cme" else None
        except MemoryError:
            raise InvalidArgumentError(
                f"{runs} runs of {shape[1]} times and {shape[2]} names do not fit into memory; "
                'record fewer, or pass keep="statistics"'
            ) from None
        self.ensemble, self.done, self.events, self.rows = ensemble, 0, 0, 0
        self.save: Callable[..., None] = lambda *_: None

    def compute(self, first: int, last: int, watch: Watch) -> tuple[Done, Any]:
        """Runs first to last - 1, and what `take` needs of them on another rank."""
        values = self.values[first:last]
        variances = None if self.variances is None else self.variances[first:last]
        done = self.ensemble.run(
            first, values, variances, watch, lambda now: self.save(first + now.runs, self.events + now.events)
        )
        return done, (values[: done.runs], variances)

    def take(self, first: int, done: Done, content: Any) -> None:
        """The next piece, in the order of runs."""
        values, variances = content
        self.values[first : first + done.runs] = values
        if variances is not None:
            self.variances[first:] = variances
        self.rows = done.points if len(self.values) == 1 and done.runs == 0 else 0
        self.done, self.events = first + done.runs, self.events + done.events
        self.save(self.done, self.events)


class Streamed:
    """Statistics of an ensemble: `whole` of its whole chunks, `tail` of the runs after them, which --resume makes again."""

    def __init__(self, ensemble: Ensemble, histograms: Mapping[int, tuple[float, bool]]) -> None:
        self.ensemble, self.histograms = ensemble, histograms
        self.whole: Statistics | None = None
        self.tail: Statistics | None = None
        self._buffer: NDArray[np.float64] = np.empty((ensemble.chunk, len(ensemble.t_s), len(ensemble.names)))
        self.save: Callable[..., None] = lambda *_: None

    @property
    def done(self) -> int:
        """Runs that they are of."""
        return sum(part.count for part in (self.whole, self.tail) if part is not None)

    def compute(self, first: int, last: int, watch: Watch) -> tuple[Done, Any]:
        """Runs first to last - 1, and their statistics."""
        done = self.ensemble.run(first, self._buffer[: last - first], None, watch)
        if done.runs == 0:
            return done, None
        return done, Statistics(self._buffer[: done.runs], done.events, self.histograms)

    def take(self, first: int, done: Done, content: Any) -> None:
        """The next piece, in the order of runs."""
        if done.runs == self.ensemble.chunk:
            self.whole = merged([self.whole, content])
        else:
            self.tail = content
        self.save(self.done, first)


def execute(work: Kept | Streamed, first: int, runs: int, watch: Watch, comm: Any = None) -> None:
    """Runs first to runs - 1 into `work`, which is complete on rank 0; chunk by chunk, in turns of the ranks.

    `comm` is a communicator of mpi4py, or None. A failure of any rank is raised on rank 0; the other one then waits to
    be aborted.
    """
    rank, size = (0, 1) if comm is None else (comm.rank, comm.size)
    chunk, sending = work.ensemble.chunk, None
    for number, start in enumerate(range(first, runs, chunk)):
        if watch.stopped:
            return
        last = min(start + chunk, runs)
        piece: Any = None
        if number % size == rank:
            piece = work.compute(start, last, watch) if rank == 0 else _attempt(work, start, last, watch)
        if rank != 0 and piece is not None:
            if sending is not None:
                sending.wait()
            sending = comm.isend(piece, dest=0, tag=number % 2)
        if rank == 0:
            piece = comm.recv(source=number % size, tag=number % 2) if piece is None else piece
            if isinstance(piece, Exception):
                raise piece
            work.take(start, *piece)
            watch.count(piece[0].points)
            if piece[0].runs < last - start:
                watch.stopped = True
    if sending is not None:
        sending.wait()


def _attempt(work: Kept | Streamed, start: int, last: int, watch: Watch) -> Any:
    try:
        return work.compute(start, last, watch)
    except Exception as error:
        return error
