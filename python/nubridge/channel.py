"""The exchange between NEURON and a particle simulator: one window at a time, whole molecules there and back.

>>> from nubridge.channel import Channel
>>> owner, peer = Channel.pair({"model": "decay"}, amounts=1, rates=0, counts=1, window_ns=25_000)
>>> owner.send([3], [])
>>> peer.receive()
(0, array([3]), array([], dtype=float64))
>>> peer.reply([3], [3])
>>> owner.collect()
(array([3]), array([3]))
>>> owner.close(), peer.close()
(None, None)

`Channel.create` and `Channel.attach` do the same between two processes, by shared memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _library
from .errors import InvalidArgumentError, PeerSilentError

#: How long a wait is in the library before Python looks for Ctrl-C.
_SLICE_MS = 50
_WAITING, _DRAINED = 2, 3
_NAMES_BYTES = 1 << 16


class Channel:
    """One end of an exchange, the owner's (`send`, `collect`) or the peer's (`receive`, `reply`, `fail`).

    A context manager; not for several threads at once. The other end's death is a PeerDiedError within 100 ms.
    """

    def __init__(self, handle: int, is_owner: bool, name: str) -> None:
        self._lib = _library.library()
        self._handle: int | None = handle
        self._next = 0
        self.is_owner = is_owner
        self.name = name
        shape = (ctypes.c_int64 * 4)()
        self._check(self._lib.nubridge_channel_shape(handle, shape))
        amounts, rates, counts, self.window_ns = shape
        self.config: dict[str, Any] = json.loads(self._lib.nubridge_channel_config(handle).decode())
        self._window = ctypes.c_int64()
        self._amounts, self._realised, self._counts = ((ctypes.c_int64 * size)() for size in (amounts, amounts, counts))
        self._rates = (ctypes.c_double * rates)()
        self._asked = tuple(np.ctypeslib.as_array(one) for one in (self._amounts, self._rates))
        self._answer = tuple(np.ctypeslib.as_array(one) for one in (self._realised, self._counts))

    @classmethod
    def create(
        cls, name: str, config: dict[str, Any], amounts: int, rates: int, counts: int, window_ns: int
    ) -> Channel:
        """The owner's end of a new session: `config` goes to the peer. SessionError for a name in use or a full /dev/shm."""
        handle = ctypes.c_void_p()
        shape = (ctypes.c_int64 * 4)(amounts, rates, counts, window_ns)
        text = json.dumps(config).encode()
        lib = _library.library()
        _library.check(lib, lib.nubridge_channel_create(name.encode(), text, shape, ctypes.byref(handle)))
        return cls(handle.value, True, name)

    @classmethod
    def attach(cls, name: str, timeout_s: float = 10) -> Channel:
        """The peer's end of a session, for which it waits so long. SessionError when there is none, or it has a peer."""
        lib = _library.library()
        handle = ctypes.c_void_p()
        deadline = time.monotonic() + timeout_s
        while not handle.value:
            left_ms = max(0, min(_SLICE_MS, int(1000 * (deadline - time.monotonic()))))
            status = lib.nubridge_channel_attach(name.encode(), left_ms, ctypes.byref(handle))
            if status < 0 and (time.monotonic() >= deadline or b"there is no session" not in lib.nubridge_last_error()):
                _library.check(lib, status)
        return cls(handle.value, False, name)

    @classmethod
    def pair(
        cls, config: dict[str, Any], amounts: int, rates: int, counts: int, window_ns: int
    ) -> tuple[Channel, Channel]:
        """The owner's and the peer's end for two threads of this process."""
        lib = _library.library()
        owner, peer = ctypes.c_void_p(), ctypes.c_void_p()
        shape = (ctypes.c_int64 * 4)(amounts, rates, counts, window_ns)
        text = json.dumps(config).encode()
        _library.check(lib, lib.nubridge_channel_pair(text, shape, ctypes.byref(owner), ctypes.byref(peer)))
        return cls(owner.value, True, "of this process"), cls(peer.value, False, "of this process")

    @property
    def handle(self) -> int:
        """The nubridge_channel of the C interface. InvalidArgumentError once it is closed."""
        if self._handle is None:
            raise InvalidArgumentError(f"the channel {self.name} is closed; make another one")
        return self._handle

    @property
    def other(self) -> tuple[int, int, float]:
        """The other side's process, the time in ns that it has reached, the seconds since its last sign of life."""
        pid, time_ns, silent_s = ctypes.c_int32(), ctypes.c_int64(), ctypes.c_double()
        places = (ctypes.byref(pid), ctypes.byref(time_ns), ctypes.byref(silent_s))
        self._check(self._lib.nubridge_channel_other(self.handle, *places))
        return pid.value, time_ns.value, silent_s.value

    def wait_for_peer(self, timeout_s: float = 10, check: Callable[[], None] = lambda: None) -> None:
        """Waits for the peer to attach; `check` is called some times a second and may raise."""

        def come(handle: int, limit_ms: int) -> int:
            check()
            return self._lib.nubridge_channel_wait_peer(handle, limit_ms)

        self._wait(come, (), timeout_s)

    def send(self, amounts: ArrayLike, rates: ArrayLike) -> None:
        """Publishes the next window; two may be under way."""
        _put(amounts, self._amounts, "amounts")
        _put(rates, self._rates, "rates")
        self._check(self._lib.nubridge_channel_send(self.handle, self._next, self._amounts, self._rates))
        self._next += 1

    def collect(self, timeout_s: float = 10) -> tuple[np.ndarray, np.ndarray]:
        """The realised amounts and the counts of the oldest window under way. PeerDiedError, PeerFailedError with the
        peer's words, PeerSilentError after `timeout_s`, after which it may be called again."""
        places = (ctypes.byref(self._window), self._realised, self._counts)
        self._wait(self._lib.nubridge_channel_collect, places, timeout_s)
        realised, counts = self._answer
        return realised.copy(), counts.copy()

    def drain(self) -> None:
        """Lets the peer end, once it has answered everything."""
        self._check(self._lib.nubridge_channel_drain(self.handle))

    def receive(self, timeout_s: float | None = None) -> tuple[int, np.ndarray, np.ndarray] | None:
        """The next window to advance: its number, the amounts to add, the rates. None when the owner drains or has closed.

        Waits as long as the owner lives unless `timeout_s` is given; PeerDiedError when it does not.
        """
        places = (ctypes.byref(self._window), self._amounts, self._rates)
        if self._wait(self._lib.nubridge_channel_receive, places, timeout_s) == _DRAINED:
            return None
        amounts, rates = self._asked
        return self._window.value, amounts.copy(), rates.copy()

    def reply(self, realised: ArrayLike, counts: ArrayLike) -> None:
        """Answers the window received last: what became of each amount, and the counts at its end."""
        _put(realised, self._realised, "realised amounts")
        _put(counts, self._counts, "counts")
        self._check(self._lib.nubridge_channel_reply(self.handle, self._realised, self._counts))

    def fail(self, text: str) -> None:
        """Leaves a text for the owner, which raises it as PeerFailedError even when this process is gone."""
        self._check(self._lib.nubridge_channel_fail(self.handle, text.encode()))

    def close(self) -> None:
        """Closes this end; the other one sees it. Twice is once."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._lib.nubridge_channel_close(handle)

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()

    def _check(self, status: int) -> None:
        _library.check(self._lib, status)

    def _wait(self, call: Callable[..., int], places: tuple[Any, ...], timeout_s: float | None) -> int:
        begin = time.monotonic()
        while True:
            status = call(self.handle, _SLICE_MS, *places)
            if status != _WAITING:
                self._check(status)
                return status
            if timeout_s is not None and time.monotonic() - begin >= timeout_s:
                pid, time_ns, silent_s = self.other
                raise PeerSilentError(
                    f"the other side of the session {self.name} (process {pid}) stands at {time_ns} ns and has not answered for"
                    f" {timeout_s:g} s, its last sign of life is {silent_s:.1f} s old; look at its log, or wait longer with timeout_s"
                )


def stale() -> list[str]:
    """The names of the sessions that dead processes of this user left in /dev/shm."""
    return _listed(_library.library().nubridge_sessions_stale)


def clean() -> list[str]:
    """Removes them, and returns their names."""
    return _listed(_library.library().nubridge_sessions_clean)


def _listed(call: Callable[..., int]) -> list[str]:
    names = ctypes.create_string_buffer(_NAMES_BYTES)
    found = ctypes.c_size_t()
    _library.check(_library.library(), call(_NAMES_BYTES, names, ctypes.byref(found)))
    return names.value.decode().split()


def _put(values: ArrayLike, place: ctypes.Array[Any], what: str) -> None:
    """Writes `values`, one each, into a place of the library's; real ones are never cast to whole ones."""
    if isinstance(values, list):
        with contextlib.suppress(TypeError, ValueError):
            place[:] = values
            return
    array = np.asarray(values)
    if array.shape != (len(place),):
        raise InvalidArgumentError(f"the {what} have the shape {array.shape}; the session has ({len(place)},)")
    if place._type_ is ctypes.c_int64 and array.dtype.kind not in "iu" and array.size:
        raise InvalidArgumentError(f"the {what} are of the type {array.dtype}; give whole molecules, as int64")
    place[:] = array.tolist()
