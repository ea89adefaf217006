"""The process of a session's peer, when the session starts it, and the log of what it prints."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .errors import SessionError

_END_S = 10.0
_LOG_LINES = 20


class PeerProcess:
    """`nubridge peer` for one session. The log is kept when its path is given."""

    def __init__(self, kind: str, session: str, log: str | os.PathLike[str] | None) -> None:
        self._kind, self._session, self._keeps_log = kind, session, log is not None
        self.log = Path(log) if log else Path(tempfile.gettempdir()) / f"nubridge-{session}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """In a session of its own: Ctrl-C is NEURON's, which then lets the peer end."""
        words = ["peer", self._kind, "--session", self._session, "--log", str(self.log)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nubridge", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def require(self) -> None:
        """Raises SessionError with the end of the log when the process was started and has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise SessionError(
                f"the peer {self._kind} ended with status {self._process.returncode} before it was ready; its log says:\n{self.log_end()}"
            )

    def end(self) -> None:
        """Waits for the end that the channel has asked for, then kills."""
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """Ends, and removes a log that is not kept."""
        self.end()
        if not self._keeps_log:
            self.log.unlink(missing_ok=True)

    def log_end(self) -> str:
        """The last lines of the log."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:])
        except OSError:
            return ""
