"""The demo of NEURON beside MCell: calcium crosses between the processes, and the three descriptions agree."""

import re
import subprocess
import sys

from neuron_process import environment


def test_particles_nu_and_kinetic_agree_on_calcium_that_crosses(tmp_path):
    command = [sys.executable, "-m", "nubridge", "demo", "particles", "--quick", "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    requested, realised, returned = map(
        int, re.search(r"(\d+) ions requested = (\d+) realised \+ (\d+)", done.stdout).groups()
    )
    assert requested == realised + returned
    assert realised > 500
    assert float(re.search(r"peak calcium (\S+) uM", done.stdout)[1]) > 1
    particles, nu, kinetic = (
        float(re.search(rf"\b{name} (0\.\d+)", done.stdout)[1]) for name in ("skpeer", "sk", "skkin")
    )
    # Channels keep their state for some ms: the mean of 50 of them over 30 ms is no better than that of 3 x 50 coins.
    assert abs(particles - nu) < 4 * (nu * (1 - nu) / 150) ** 0.5
    assert abs(kinetic - nu) < 0.01
    assert [file.name for file in tmp_path.iterdir()] == ["particles.png"]
