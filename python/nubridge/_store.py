"""Results in HDF5 files: written whole, or as the runs come and always readable; read back; gone on with.

A file holds `t_s`, `names`, `network` (the .net text) and either `values` (runs x times x names, and `variances` for
cme) or `statistics`. Its attributes name format, versions, hash, unit, seed and every setting (JSON).
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from . import __version__
from ._statistics import Histogram, Statistics
from .errors import ResultFileError
from .network import Network
from .results import Result

FORMAT = "nubridge result 1"
_SAVE_EVERY_S = 1.0
_METADATA_BYTES = 2**16
_MOST_AT_ONCE = 2**22
_PARTS = ("whole", "tail")
_ARRAYS = ("mean", "scatter", "minimum", "maximum")


def write(path: Path, result: Result) -> None:
    """The whole result, in place of a file of that name; that one stays when this fails."""
    with _replacing(path) as part, h5py.File(part, "w") as file:
        _describe(file, result)
        if result.parts is not None:
            _write_statistics(file, result.parts, result.names)
            return
        _make_runs(file, result, result.runs)
        _extend(file, result.values, result.variances, result.events)


def read(path: Path) -> Result:
    """What `write` or a Recorder wrote, up to the last runs that were saved."""
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            if file.attrs.get("format") != FORMAT:
                raise ResultFileError(
                    f"{path} is of the format {file.attrs.get('format', 'unknown')!r}, not {FORMAT!r}; "
                    "name a file that nubridge wrote"
                )
            return _result(file)
    except FileNotFoundError:
        raise ResultFileError(f"there is no file {path}") from None
    except (OSError, KeyError, ValueError) as error:
        raise ResultFileError(f"{path} cannot be read: {_reason(error)}; is it a result in HDF5?") from error


class Recorder:
    """Saves runs into a file as they come. The file is open only for as long as that takes, and before each time its
    room on the disk is taken, so that it stays readable whatever happens. With `saved` the file is there and has so many.
    """

    def __init__(self, path: Path, result: Result, runs: int, saved: int | None = None) -> None:
        self._path, self.saved, self._at = path, saved or 0, time.monotonic()
        self._marks: list[tuple[int, int]] = []
        if saved is None:
            with _replacing(path) as part, h5py.File(part, "w") as file:
                _describe(file, result)
                _make_runs(file, result, runs)

    def save(self, values: NDArray, variances: NDArray | None, done: int, events: int, now: bool = False) -> None:
        """Appends the runs up to `done`, which had so many events; later, when the last time was less than a second ago,
        unless `now`."""
        if done > max((mark[0] for mark in self._marks), default=self.saved):
            self._marks.append((done, events))
        if time.monotonic() - self._at < _SAVE_EVERY_S and not now:
            return
        try:
            while self._marks:
                self._append(values, variances)
        except OSError as error:
            raise ResultFileError(
                f"{self._path} cannot be written: {_reason(error)}; it holds the first {self.saved} runs: make room, "
                "then go on with resume"
            ) from error
        self._at = time.monotonic()

    def _append(self, values: NDArray, variances: NDArray | None) -> None:
        """The next few megabytes."""
        within = self.saved + _MOST_AT_ONCE // values[0].nbytes
        count = max(1, sum(done <= within for done, _ in self._marks))
        done, events = self._marks[count - 1]
        new = slice(self.saved, done)
        _reserve(self._path, _room(self._path, done))
        with h5py.File(self._path, "r+", locking="best-effort") as file:
            _extend(file, values[new], None if variances is None else variances[new], events)
        self.saved = done
        del self._marks[:count]


class StatisticsRecorder:
    """Saves statistics every ten seconds, each time in place of the whole file."""

    def __init__(self, path: Path, result: Result) -> None:
        self._path, self._result, self._at = path, result, time.monotonic()

    def save(self, whole: Statistics | None, tail: Statistics | None, now: bool = False) -> None:
        """Nothing when the last time was less than that ago, unless `now`."""
        if time.monotonic() - self._at >= 10 * _SAVE_EVERY_S or now:
            self._result.keep_statistics(whole, tail)
            write(self._path, self._result)
            self._at = time.monotonic()


def _describe(file: h5py.File, result: Result) -> None:
    network, settings = result.network, result.settings
    file.attrs.update(
        format=FORMAT,
        nubridge=__version__,
        network_name=network.name,
        network_hash=network.hash,
        unit=result.unit,
        regime=settings["regime"],
        seed=settings["seed"],
        settings=json.dumps(settings),
    )
    file["t_s"] = result.t_s
    file["t_s"].attrs["unit"] = "s"
    file.create_dataset("names", data=list(result.names), dtype=h5py.string_dtype())
    file.create_dataset("network", data=network.to_net(), dtype=h5py.string_dtype())


def _make_runs(file: h5py.File, result: Result, runs: int) -> None:
    times, names = len(result.t_s), len(result.names)
    rows = max(1, min(2**14 // (times * names), runs))
    chunk = (rows, min(times, max(1, 2**19 // names)), names)
    wanted = ("values", "variances") if result.settings["regime"] == "cme" else ("values",)
    for name in wanted:
        made = file.create_dataset(name, (0, times, names), "f8", maxshape=(None, times, names), chunks=chunk)
        made.attrs["unit"] = result.unit if name == "values" else f"{result.unit}^2"
        made.attrs["axes"] = "run, t_s, name"
    file.attrs["events"] = 0


def _extend(file: h5py.File, values: NDArray, variances: NDArray | None, events: int) -> None:
    for name, new in (("values", values), ("variances", variances)):
        if new is not None:
            before = file[name].shape[0]
            file[name].resize(before + len(new), axis=0)
            file[name][before:] = new
    file.attrs.modify("events", events)


def _room(path: Path, runs: int) -> int:
    """Bytes that the file grows by, at most, when it is to hold so many runs."""
    with h5py.File(path, "r", locking="best-effort") as file:
        values = file["values"]
        chunk, (before, times, _) = values.chunks, values.shape
        new = -(-runs // chunk[0]) + (before // -chunk[0])
        chunks = new * -(-times // chunk[1])
        return len({"values", "variances"} & set(file)) * chunks * (8 * int(np.prod(chunk)) + 256) + _METADATA_BYTES


def _reserve(path: Path, room: int) -> None:
    """Takes room on the disk behind the file's end, or leaves the file as it was: OSError. HDF5 gives back what it does
    not use."""
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        try:
            os.posix_fallocate(file.fileno(), size, room)
        except OSError:
            file.truncate(size)
            raise


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A name to write a file under, which then takes the place of `path`; on an error nothing is left of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise ResultFileError(
            f"{path} cannot be written: {_reason(error)}; choose another folder, or make room"
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _write_statistics(file: h5py.File, parts: tuple[Statistics | None, ...], names: tuple[str, ...]) -> None:
    for name, part in zip(_PARTS, parts, strict=True):
        group = file.create_group(f"statistics/{name}")
        if part is None:
            continue
        group.attrs.update(count=part.count, events=part.events)
        for array in _ARRAYS:
            group[array] = getattr(part, array)
        for place, histogram in part.histograms.items():
            made = group.create_dataset(f"histograms/{place}", data=histogram.counts)
            made.attrs.update(
                name=names[place],
                quantum=histogram.quantum,
                whole=histogram.whole,
                width=histogram.width,
                low=histogram.low,
            )


def _read_statistics(group: h5py.Group) -> Statistics | None:
    if "mean" not in group:
        return None
    made = Statistics.__new__(Statistics)
    made.count, made.events = int(group.attrs["count"]), int(group.attrs["events"])
    for array in _ARRAYS:
        setattr(made, array, group[array][()])
    made.histograms = {}
    for place, data in group.get("histograms", {}).items():
        histogram = Histogram(len(data), float(data.attrs["quantum"]), bool(data.attrs["whole"]))
        histogram.width, histogram.low, histogram.counts = int(data.attrs["width"]), int(data.attrs["low"]), data[()]
        made.histograms[int(place)] = histogram
    return made


def _result(file: h5py.File) -> Result:
    network = Network.__new__(Network)
    network._open(file["network"].asstr()[()], str(file.attrs["network_name"]), {}, None)
    names = tuple(str(name) for name in file["names"].asstr()[()])
    made = Result(network, file["t_s"][()], names, None, json.loads(file.attrs["settings"]))
    if "statistics" in file:
        made.keep_statistics(*(_read_statistics(file["statistics"][name]) for name in _PARTS))
        return made
    made.keep(file["values"][()], file["variances"][()] if "variances" in file else None, int(file.attrs["events"]))
    return made


def _reason(error: Exception) -> Any:
    """Without the internals of HDF5."""
    return os.strerror(error.errno) if getattr(error, "errno", None) else str(error).splitlines()[0]
