"""A peer that says something and fails in a window."""

from nubridge.peers.ssa import SsaPeer


class FailingPeer(SsaPeer):
    """Fails at 1 ms, in window 40."""

    windows = 0

    def advance(self, window_ns):
        self.windows += 1
        if self.windows == 40:
            print("the box has leaked", flush=True)
            raise RuntimeError("no molecules left at 1 ms")
        super().advance(window_ns)
