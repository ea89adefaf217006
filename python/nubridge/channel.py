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

import ctypes
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from . import _library
from ._arrays import pointer
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
        self._amounts = np.zeros(amounts, np.int64)
        self._rates = np.zeros(rates)
        self._counts = np.zeros(counts, np.int64)

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

        def come(limit_ms: int) -> int:
            check()
            return self._lib.nubridge_channel_wait_peer(self.handle, limit_ms)

        self._wait(come, timeout_s)

    def send(self, amounts: ArrayLike, rates: ArrayLike) -> None:
        """Publishes the next window; two may be under way."""
        amounts = _numbers(amounts, np.int64, self._amounts.size, "amounts")
        rates = _numbers(rates, np.float64, self._rates.size, "rates")
        self._check(self._lib.nubridge_channel_send(self.handle, self._next, pointer(amounts), pointer(rates)))
        self._next += 1

    def collect(self, timeout_s: float = 10) -> tuple[np.ndarray, np.ndarray]:
        """The realised amounts and the counts of the oldest window under way. PeerDiedError, PeerFailedError with the
        peer's words, PeerSilentError after `timeout_s`, after which it may be called again."""
        arrays = (pointer(self._amounts), pointer(self._counts))

        def come(limit_ms: int) -> int:
            return self._lib.nubridge_channel_collect(self.handle, limit_ms, ctypes.byref(self._window), *arrays)

        self._wait(come, timeout_s)
        return self._amounts.copy(), self._counts.copy()

    def drain(self) -> None:
        """Lets the peer end, once it has answered everything."""
        self._check(self._lib.nubridge_channel_drain(self.handle))

    def receive(self, timeout_s: float | None = None) -> tuple[int, np.ndarray, np.ndarray] | None:
        """The next window to advance: its number, the amounts to add, the rates. None when the owner drains or has closed.

        Waits as long as the owner lives unless `timeout_s` is given; PeerDiedError when it does not.
        """
        arrays = (pointer(self._amounts), pointer(self._rates))

        def come(limit_ms: int) -> int:
            return self._lib.nubridge_channel_receive(self.handle, limit_ms, ctypes.byref(self._window), *arrays)

        if self._wait(come, timeout_s) == _DRAINED:
            return None
        return self._window.value, self._amounts.copy(), self._rates.copy()

    def reply(self, realised: ArrayLike, counts: ArrayLike) -> None:
        """Answers the window received last: what became of each amount, and the counts at its end."""
        realised = _numbers(realised, np.int64, self._amounts.size, "realised amounts")
        counts = _numbers(counts, np.int64, self._counts.size, "counts")
        self._check(self._lib.nubridge_channel_reply(self.handle, pointer(realised), pointer(counts)))

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

    def _wait(self, come: Callable[[int], int], timeout_s: float | None) -> int:
        begin = time.monotonic()
        while True:
            status = come(_SLICE_MS)
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


def _numbers(values: ArrayLike, kind: type, size: int, what: str) -> np.ndarray:
    """`values` as `size` contiguous numbers of that kind, never cast from real to whole ones."""
    array = np.asarray(values)
    if array.shape != (size,):
        raise InvalidArgumentError(f"the {what} have the shape {array.shape}; the session has ({size},)")
    if kind is np.int64 and array.dtype.kind not in "iu" and size:
        raise InvalidArgumentError(f"the {what} are of the type {array.dtype}; give whole molecules, as int64")
    return np.ascontiguousarray(array, dtype=kind)
