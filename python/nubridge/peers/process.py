"""What a peer's process needs because its simulator is written in C: a stdout to itself, and a way out."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn, TextIO


def own_stdout() -> TextIO:
    """The stdout of before; from now on all that is printed, by C code too, goes to stderr, which is the log."""
    sys.stdout.flush()
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return kept


@contextlib.contextmanager
def printed(path: Path) -> Iterator[None]:
    """What C code prints on stdout meanwhile stands in a file, whose text goes to the log afterwards."""
    flush_c()
    before = os.dup(1)
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
    try:
        yield
    finally:
        flush_c()
        os.dup2(before, 1)
        os.close(before)


def flush_c() -> None:
    """Writes out what Python and C have in their buffers."""
    sys.stdout.flush()
    sys.stderr.flush()
    ctypes.CDLL(None).fflush(None)


def leave(code: int) -> NoReturn:
    """Ends the process without the destructors of Python and C: those of some simulators crash or write files."""
    flush_c()
    os._exit(code)
