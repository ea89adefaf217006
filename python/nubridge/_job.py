"""A call of simulate: which runs to make, what to keep of them, and the file they go to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ._ensemble import Ensemble, Kept, Streamed, Watch, execute
from .errors import Error, Interrupted, InvalidArgumentError, ResultFileError
from .results import Result, quantum

#: Runs are kept by default when they take at most this.
MOST_KEPT_BYTES = 2**30


class _Plan(NamedTuple):
    """Whether runs are kept, the first one to make, and whether the file is for a shorter time."""

    keep: bool
    first: int
    longer: bool


@dataclass
class Job:
    """`runs` runs of an ensemble, into memory and into `output` if that is named; the arguments are those of simulate."""

    ensemble: Ensemble
    runs: int
    keep: str | None
    histograms: tuple[str, ...]
    output: Path | None
    resume: bool

    def run(self, progress: bool | None, comm: Any) -> Result:
        """The result, complete on rank 0."""
        started, ensemble = time.monotonic(), self.ensemble
        lead = comm is None or comm.rank == 0
        settings = ensemble.described(float(ensemble.t_s[-1]))
        result = Result(ensemble.network, ensemble.t_s, ensemble.names, None, settings)
        earlier, plan = _agreed(self._plan, comm)
        work = self._work(plan, earlier)
        save = self._saver(work, result, plan) if lead and self.output is not None and not plan.longer else None
        if save is not None:
            work.save = save
        shown = progress if lead else False
        with Watch(ensemble.network._library, self.runs - plan.first, len(ensemble.t_s), shown) as watch:
            execute(work, plan.first, self.runs, watch, comm)
            self._hand_over(work, result)
            if save is not None:
                work.save(work.done, result.events, now=True)
            if (
                lead
                and self.output is not None
                and (not watch.stopped if plan.longer else result.t_s.size < ensemble.t_s.size)
            ):
                result.to_hdf5(self.output)
        result.elapsed_s = time.monotonic() - started
        if watch.stopped:
            raise Interrupted(self._farewell(result, plan), result if result.runs else None)
        return result

    def _plan(self) -> tuple[Result | None, _Plan]:
        """What the file holds already, if it is to be gone on with, and what follows from it."""
        if self.keep not in (None, "runs", "statistics"):
            raise InvalidArgumentError(f'keep is {self.keep!r}; it is "runs" or "statistics"')
        for name in self.histograms:
            if name not in self.ensemble.names:
                raise InvalidArgumentError(
                    f"a histogram of {name!r} is asked for, which is not recorded; record it too"
                )
        size = self.runs * self.ensemble.values_per_run * 8
        keep = self.keep == "runs" if self.keep else size <= MOST_KEPT_BYTES or self.ensemble.regime == "cme"
        if self.output is None or not self.output.exists():
            if self.resume and self.output is None:
                raise InvalidArgumentError("there is nothing to resume: name the file as output")
            return None, _Plan(keep, 0, False)
        if not self.resume:
            raise ResultFileError(
                f"{self.output} is there already; resume goes on with it; else name another output or remove it"
            )
        earlier = Result.from_hdf5(self.output)
        if self.keep is None:
            keep = earlier.parts is None
        self._require_same(earlier, keep)
        if not np.array_equal(earlier.t_s, self.ensemble.t_s):
            return None, _Plan(keep, 0, True)
        if keep:
            return earlier, _Plan(keep, earlier.runs, False)
        return earlier, _Plan(keep, earlier.parts[0].count if earlier.parts[0] else 0, False)

    def _require_same(self, earlier: Result, keep: bool) -> None:
        """Refuses a file of other settings, and names them."""
        now = self.ensemble.described(earlier.settings["end_s"])
        changes = list(_changes(earlier.settings, now))
        if keep != (earlier.parts is None):
            changes.append(f"keep is no longer {'statistics' if keep else 'runs'}")
        if earlier.statistics is not None:
            known = {self.ensemble.names[place] for place in earlier.statistics.histograms}
            if known != set(self.histograms):
                changes.append(f"histograms were of {', '.join(sorted(known)) or 'nothing'}")
        if changes:
            more = f" and {len(changes) - 3} more" if len(changes) > 3 else ""
            raise ResultFileError(
                f"{self.output} cannot be gone on with, since {'; '.join(changes[:3])}{more}: "
                "pass what it was made with, or another output"
            )
        here, there = self.ensemble.t_s, earlier.t_s
        if not np.array_equal(here, there) and not here[-1] > there[-1]:
            raise ResultFileError(
                f"{self.output} has {len(there)} times to {there[-1]:g} s, asked are {len(here)} to {here[-1]:g} s; "
                "resume goes on to a longer time or more runs: pass the same times or a later end"
            )
        if self.runs < earlier.runs:
            raise ResultFileError(
                f"{self.output} holds {earlier.runs} runs and runs is {self.runs}; resume goes on to more runs in all"
            )

    def _work(self, plan: _Plan, earlier: Result | None) -> Kept | Streamed:
        if not plan.keep:
            named = {self.ensemble.names.index(name): name for name in self.histograms}
            bins = quantum(self.ensemble.network, {**self.ensemble.options, "regime": self.ensemble.regime})
            streamed = Streamed(self.ensemble, dict.fromkeys(named, bins))
            if earlier is not None:
                streamed.whole, streamed.tail = earlier.parts
            return streamed
        kept = Kept(self.ensemble, self.runs)
        if earlier is not None:
            kept.values[: earlier.runs] = earlier.values
            if earlier.variances is not None:
                kept.variances[: earlier.runs] = earlier.variances
            kept.done, kept.events = earlier.runs, earlier.events
        return kept

    def _saver(self, work: Kept | Streamed, result: Result, plan: _Plan) -> Callable[..., None]:
        """Puts what is done into the file, now and then."""
        from . import _store

        if isinstance(work, Kept):
            runs = _store.Recorder(self.output, result, self.runs, plan.first if self.output.exists() else None)
            return lambda done, events, now=False: runs.save(work.values, work.variances, done, events, now)
        statistics = _store.StatisticsRecorder(self.output, result)
        return lambda *_, now=False: statistics.save(work.whole, work.tail, now)

    def _hand_over(self, work: Kept | Streamed, result: Result) -> None:
        """What was computed becomes the result's: whole runs, or the one run up to where it was stopped."""
        if isinstance(work, Streamed):
            result.keep_statistics(work.whole, work.tail)
            return
        runs, times = (1, work.rows) if work.rows else (work.done, len(result.t_s))
        variances = None if work.variances is None else work.variances[:runs, :times]
        result.t_s = result.t_s[:times]
        result.keep(work.values[:runs, :times], variances, work.events)

    def _farewell(self, result: Result, plan: _Plan) -> str:
        reached = f"{result.runs} of {self.runs} runs"
        if result.t_s.size < self.ensemble.t_s.size:
            reached = f"{result.t_s[-1]:g} of {self.ensemble.t_s[-1]:g} s"
        if self.output is None:
            return f"stopped after {reached}"
        if plan.longer:
            return f"stopped after {reached} of the longer time; {self.output} is as it was"
        return f"stopped after {reached}; {self.output} holds them, resume goes on"


def _agreed(plan: Callable[[], tuple[Result | None, _Plan]], comm: Any) -> tuple[Result | None, _Plan]:
    """What rank 0 finds, on every rank; its error too. What the file holds stays on rank 0."""
    if comm is None:
        return plan()
    found: Any = None
    if comm.rank == 0:
        try:
            found = plan()
        except Error as error:
            found = (error, None)
    told = comm.bcast((found[0] if isinstance(found[0], Error) else None, found[1]) if comm.rank == 0 else None)
    if told[0] is not None:
        raise told[0]
    return (found[0] if comm.rank == 0 else None), told[1]


def _changes(before: dict[str, Any], now: dict[str, Any], inside: str = "") -> Iterator[str]:
    """What differs, in words."""
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _changes(old, new, f"{inside}{key} ")
        elif old != new:
            long = any(len(str(value)) > 60 for value in (old, new))
            yield f"{inside}{key} changed" if long else f"{inside}{key} was {old} and is {new}"
