"""NEURON coupled to MCell at a spine: what the coupling adds to the time of MCell itself, and what `parallel` saves."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

import nubridge
from nubridge.peers import Plan
from nubridge.peers.mcell import McellPeer

VOLUME_um3 = 40 / 602.214076  # so that 40 ions are 1 uM
DT_us = 25
WARM = 20  # windows that are not counted
MODEL = """
import nubridge

network = nubridge.Network("sk_calcium", parameters={"Ca0": IONS / 40, "channels": 50 / 40})
"""


class TimedMcell(McellPeer):
    """MCell that leaves, in the file `times` of the session's options, the seconds that it computed in every window."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._seconds: list[float] = []
        run = self._world.run

        def timed(iterations: int) -> None:
            begin = time.perf_counter()
            run(iterations)
            self._seconds.append(time.perf_counter() - begin)

        self._world.run = timed

    def close(self) -> None:
        np.save(self.plan.options["times"], self._seconds)
        super().close()


class Cell:
    """A spine head whose calcium channels are held open a little, beside a cable of hh that costs NEURON its time."""

    def __init__(self) -> None:
        from neuron import n

        n.load_file("stdrun.hoc")
        self.spine, self.cable = n.Section("spine"), n.Section("cable")
        self.spine.L = self.spine.diam = (4 * VOLUME_um3 / np.pi) ** (1 / 3)
        for mechanism in ("cahva", "skpeer"):
            self.spine.insert(mechanism)
        self.spine.gbar_cahva = 1e-5  # S/cm2: some ions a ms
        self.clamp = n.SEClamp(self.spine(0.5))
        self.clamp.dur1, self.clamp.amp1, self.clamp.rs = 1e9, -10, 1
        self.cable.L = 1e5
        self.cable.insert("hh")
        n.dt = DT_us * 1e-3

    def step_s(self) -> float:
        """Seconds of one step."""
        from neuron import n

        begin = time.perf_counter()
        n.fadvance()
        return time.perf_counter() - begin

    def take(self, seconds: float) -> None:
        """Gives the cable the number of segments by which a step of NEURON alone takes so long."""
        from neuron import n

        for _ in range(3):
            n.finitialize(-65)
            took_s = np.median([self.step_s() for _ in range(WARM + 100)][WARM:])
            self.cable.nseg = max(round(self.cable.nseg * seconds / took_s), 1) // 2 * 2 + 1

    def alone_ms(self, pause_ms: float, steps: int) -> np.ndarray:
        """ms of each step of NEURON without a session, after pauses as a peer makes them: its caches are as cold."""
        from neuron import n

        n.finitialize(-65)
        found = []
        for _ in range(steps):
            time.sleep(1e-3 * pause_ms)
            found.append(1e3 * self.step_s())
        return np.array(found)

    def windows_ms(self, ions: int, scheme: str, windows: int, window_us: int = DT_us) -> tuple[np.ndarray, np.ndarray]:
        """ms of each window of a session with so many calcium ions, and of MCell itself in it."""
        from neuron import n

        steps = window_us // DT_us
        with tempfile.TemporaryDirectory() as folder:
            model, times = Path(folder, "spine.py"), Path(folder, "times.npy")
            model.write_text(MODEL.replace("IONS", str(ions)), encoding="utf-8")
            options = {"times": str(times)}
            with nubridge.Session(f"{__file__}:TimedMcell", model, window_us, 1, scheme, options=options) as session:
                session.couple(self.spine(0.5), reads=["O1 + O2 -> skpeer.popen"])
                n.finitialize(-65)
                wall = [sum(self.step_s() for _ in range(steps)) for _ in range(WARM + windows)]
            own = np.load(times)
        return 1e3 * np.array(wall)[WARM:], 1e3 * own[WARM : len(wall)]
