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

from .errors import SessionError

_FORMAT = 1
_NEURON = "neuron"
_PEER = ("peer", "peer.nu")


@dataclass(frozen=True)
class Bundle:
    """`books` holds what JSON can: the epoch (whole windows), the ledger, what the session is of."""

    books: Mapping[str, Any]
    files: Mapping[str, bytes]

    @classmethod
    def of(cls, books: Mapping[str, Any], peer: Path) -> Bundle:
        """Of NEURON as it is now, and of the checkpoint that the peer has written."""
        from neuron import n

        with tempfile.TemporaryDirectory() as folder:
            state, place = n.SaveState(), Path(folder, _NEURON)
            state.save()
            state.fwrite(n.File(str(place)))
            files = {_NEURON: place.read_bytes()}
        for name in _PEER:
            files[name] = peer.with_name(name).read_bytes()
        return cls({"format": _FORMAT, **books}, files)

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
        """Gives NEURON its state back, after finitialize."""
        from neuron import n

        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, _NEURON)
            place.write_bytes(self.files[_NEURON])
            state = n.SaveState()
            state.fread(n.File(str(place)))
            state.restore()
        if n.cvode.active():
            n.cvode.re_init()
