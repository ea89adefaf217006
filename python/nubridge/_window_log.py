"""The record of a session's windows: rows of doubles that the library writes, an HDF5 file at the end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .errors import SessionError


class WindowLog:
    """Gathers the rows of one coupling after another in the HDF5 file `path`.

    Its datasets have a row a window: `time_ms`, the window's end; `waited_s`, NEURON's wait for the peer; `requested`,
    `realised` and `carried` (ions; owed at the window's end) by site; `counts`, in molecules, by what NEURON reads. The
    attributes `sites` and `counted` name the columns.
    """

    def __init__(self, path: Path, raw: Path) -> None:
        self.path, self.raw = path, raw
        self._rows: np.ndarray | None = None
        try:
            h5py.File(path, "w").close()
        except OSError as error:
            raise SessionError(f"the record {path} cannot be written: {error}; choose another place") from error

    def gather(self, sites: Sequence[str], counted: Sequence[Mapping[str, Any]], parts: int) -> None:
        """Takes the rows that the library has written since, and writes the file; rows of times that come again replace
        those of before."""
        if not self.raw.is_file():
            return
        rows, first = np.fromfile(self.raw), 2 + 3 * len(sites)
        self.raw.unlink()
        width = first + len(counted)
        rows = rows[: rows.size // width * width].reshape(-1, width)
        rows[:, first:] /= parts
        if self._rows is not None:
            kept = self._rows[:, 0] < rows[:1, 0].min(initial=np.inf)
            rows = np.concatenate([self._rows[kept], rows])
        self._rows = rows
        with h5py.File(self.path, "w") as file:
            file["time_ms"], file["waited_s"], file["counts"] = rows[:, 0], rows[:, 1], rows[:, first:]
            file["requested"], file["realised"] = (rows[:, at:first:3].astype(np.int64) for at in (2, 3))
            file["carried"] = rows[:, 4:first:3]
            file.attrs["sites"] = list(sites)
            file.attrs["counted"] = [f"{one['site']}: {json.dumps(one['weights'])}" for one in counted]
