"""Ranks of MPI: those that mpiexec started, work shared among them, and their one voice."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from .errors import Error, Interrupted, InvalidArgumentError

Piece = TypeVar("Piece")


def world() -> Any:
    """The ranks that mpiexec started, or None when there is one."""
    sizes = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS")
    size = max((int(os.environ.get(name, "1")) for name in sizes), default=1)
    if size == 1:
        return None
    try:
        from mpi4py import MPI
    except ImportError:
        raise InvalidArgumentError(
            f"{size} ranks were started and mpi4py is not installed: pip install mpi4py, or leave mpiexec out"
        ) from None
    return MPI.COMM_WORLD


@contextlib.contextmanager
def telling(comm: Any) -> Iterator[None]:
    """One sentence, and the end of all ranks; the others' words are the same and stay unsaid."""
    try:
        yield
    except (Error, Interrupted) as error:
        if comm is None:
            raise
        if comm.rank == 0:
            print(f"nubridge: {error}", file=sys.stderr, flush=True)
            comm.Abort(130 if isinstance(error, Interrupted) else 1)
        comm.Barrier()  # rank 0 ends it


def shared(comm: Any, count: int, make: Callable[[int], Piece]) -> list[Piece]:
    """make(0) to make(count - 1), in turns of the ranks; every rank has them all, and raises what the first of them raised.

    `comm` is a communicator of mpi4py, or None for this process alone.
    """
    if comm is None:
        return [make(i) for i in range(count)]
    own: dict[int, Any] = {}
    for i in range(comm.rank, count, comm.size):
        try:
            own[i] = make(i)
        except Exception as error:
            own[i] = error
    pieces: dict[int, Any] = {}
    for part in comm.allgather(own):
        pieces.update(part)
    for i in range(count):
        if isinstance(pieces[i], Exception):
            raise pieces[i]
    return [pieces[i] for i in range(count)]
