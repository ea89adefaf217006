"""A peer in a process of its own, as `nubridge peer` starts it, and the owner's end of its session."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuron_process import environment
from nubridge.channel import Channel

TIMEOUT_S = 120
#: The simulators of particles that the `test` extra and ./run install; Smoldyn's package has no build for newer Pythons.
PARTICLES = ["mcell", "smoldyn"] if sys.version_info < (3, 12) else ["mcell"]
_numbers = itertools.count()


class PeerProcess:
    """`exchange` once a window, `close` waits for a clean exit. `words` follow the kind on the command line."""

    def __init__(self, config: dict[str, Any], folder: Path, *words: str) -> None:
        self.folder = folder
        self.session = f"test-{os.getpid()}-{next(_numbers)}"
        sizes = [len(config.get(what, ())) for what in ("amounts", "rates", "counts")]
        sizes[1] += len(config.get("regimes", ()))
        self.channel = Channel.create(self.session, config, *sizes, config["window_ns"])
        command = [sys.executable, "-W", "error", "-m", "nubridge", "peer", config["peer"], *words]
        self._process = subprocess.Popen(
            [*command, "--session", self.session, "--wait", str(TIMEOUT_S)],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.channel.wait_for_peer(TIMEOUT_S)

    def exchange(self, amounts: Any = (), rates: Any = ()) -> tuple[np.ndarray, np.ndarray]:
        """(realised, counts) of one window. Raises PeerFailedError with the peer's last words."""
        self.channel.send(np.array(amounts, np.int64), np.array(rates, np.float64))
        return self.channel.collect(TIMEOUT_S)

    def close(self) -> int:
        """The exit code; `printed` and `errors` are what the process wrote, `leftovers` the files that it left."""
        self.channel.close()
        self.printed, self.errors = self._process.communicate(timeout=TIMEOUT_S)
        self.leftovers = sorted(path.name for path in self.folder.iterdir())
        return self._process.returncode

    def __enter__(self) -> PeerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()
