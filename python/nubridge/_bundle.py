"""A session's bundle: NEURON's state, the peer's checkpoint and the books between them, of one moment, in one file."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InvalidArgumentError, SessionError

_FORMAT = 1
_NEURON = "neuron"
_PEER = ("peer", "peer.nu")


@dataclass(frozen=True)
class Bundle:
    """`books` holds what JSON can: the epoch (whole windows), the ledger, what the session is of."""

    books: Mapping[str, Any]
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, books: Mapping[str, Any], peer: Path, by: str) -> Bundle:
        """Of NEURON as it is now, by its SaveState or BBSaveState, and of the checkpoint that the peer has written."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, _NEURON)
            _SAVES[by](place)
            files = {_NEURON: place.read_bytes()}
        for name in _PEER:
            files[name] = peer.with_name(name).read_bytes()
        return cls({"format": _FORMAT, "by": by, **books}, files)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Whole or not at all: what was there stays until this is written."""
        whole = Path(path)
        part = whole.with_name(f".{whole.name}.{os.getpid()}")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("books.json", json.dumps(self.books))
                for name, content in self.files.items():
                    archive.writestr(name, content)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Bundle:
        """Raises SessionError for a file that is none."""
        try:
            with zipfile.ZipFile(path) as archive:
                books = json.loads(archive.read("books.json"))
                files = {name: archive.read(name) for name in (_NEURON, *_PEER)}
        except FileNotFoundError:
            raise SessionError(f"there is no bundle {path}; pass what Session.save has written") from None
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise SessionError(
                f"{path} is no bundle of a session ({error}); pass what Session.save has written"
            ) from None
        if books.get("format") != _FORMAT:
            raise SessionError(f"the bundle {path} has the format {books.get('format')}, this nubridge reads {_FORMAT}")
        return cls(books, files)

    def require(self, session: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
        """Raises SessionError naming both values of what is not that of the session."""
        for what, mine in json.loads(json.dumps(session)).items():
            if self.books["session"].get(what) != mine:
                raise SessionError(
                    f"the bundle {path} is of the {what} {self.books['session'].get(what)}, this session of {mine}; "
                    "build the session as the one that was saved"
                )

    def put_peer(self, folder: Path) -> Path:
        """Writes the peer's part into a folder and returns its path."""
        for name in _PEER:
            (folder / name).write_bytes(self.files[name])
        return folder / _PEER[0]

    def put_neuron(self) -> None:
        """Gives NEURON its state back, after finitialize; CVODE has to begin anew then."""
        from neuron import n

        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, _NEURON)
            place.write_bytes(self.files[_NEURON])
            if self.books.get("by") == "BBSaveState":
                n.BBSaveState().restore(str(place))
            else:
                state = n.SaveState()
                state.fread(n.File(str(place)))
                state.restore()


def require_possible(by: str) -> None:
    """Raises InvalidArgumentError for a way to save that NEURON has not, or that crashes with this model."""
    from neuron import n

    if by not in _SAVES:
        raise InvalidArgumentError(f"NEURON saves by {', '.join(_SAVES)}, not by {by!r}")
    alone = [section for section in n.allsec() if section.cell() is None] if by == "BBSaveState" else []
    if alone:
        raise InvalidArgumentError(
            f"NEURON's BBSaveState crashes on {alone[0]}, which is in no cell; make it with Section(cell=...), or in a template"
        )


def _by_savestate(place: Path) -> None:
    from neuron import n

    state = n.SaveState()
    state.save()
    state.fwrite(n.File(str(place)))


def _by_bbsavestate(place: Path) -> None:
    """It leaves out, in silence, what is in a cell without a gid."""
    from neuron import n

    n.BBSaveState().save(str(place))
    found = place.read_text(encoding="utf-8").split("\n").count("begin section")
    if found != (there := len(list(n.allsec()))):
        raise InvalidArgumentError(
            f"NEURON's BBSaveState has saved {found} of {there} sections; give every cell a gid by ParallelContext.cell, or save by SaveState"
        )


_SAVES = {"SaveState": _by_savestate, "BBSaveState": _by_bbsavestate}
