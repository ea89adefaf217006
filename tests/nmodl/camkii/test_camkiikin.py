"""camkiikin, the network of CaM and CaMKII as NEURON's own KINETIC, against the tables."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import pepke_oracle
from neuron_process import in_neuron, nubridge_command
from nubridge import mechanisms

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """camkiikin and catrain, compiled without optimising: that takes minutes."""
    folder = tmp_path_factory.mktemp("camkiikin")
    options = ("--suffix", "camkiikin", "--off-at-rest", *pepke_oracle.RATES_OFF)
    made = nubridge_command("mechanisms", "--kinetic", "camkii75", *options)
    assert made.returncode == 0, made.stderr
    (folder / "camkiikin.mod").write_text(made.stdout)
    shutil.copy(HERE / "catrain.mod", folder)
    subprocess.run([mechanisms.nrnivmodl(), "-incflags", "-O0", "."], cwd=folder, capture_output=True, check=True)
    return mechanisms.library_file(folder)


class Bench:
    """One segment of camkiikin under CVODE."""

    def __init__(self, library, *others):
        from neuron import n

        from nubridge import Network
        from nubridge.nmodl import state_names

        network = Network("camkii75")
        n.nrn_load_dll(str(library))
        self.section = n.Section("s")
        for name in ("camkiikin", *others):
            self.section.insert(name)
        self.segment = self.section(0.5)
        self.cvode = n.CVode()
        self.cvode.active(True)
        self.cvode.atol(1e-12)
        self.states = list(state_names(network, "Ca").values())
        columns = [network.species_index(name) for name in state_names(network, "Ca")]
        self.weights = np.array([network.weights(name)[columns] for name in pepke_oracle.OBSERVED])

    def observed_uM(self):
        return self.weights @ [getattr(self.segment.camkiikin, name) * 1e3 for name in self.states]

    def solve(self, t_ms):
        from neuron import n

        if t_ms > n.t:
            self.cvode.solve(t_ms)


def clamped_errors(library, ca_uM):
    from neuron import n

    bench = Bench(library)
    bench.segment.cai = ca_uM * 1e-3
    n.finitialize(-65)
    errors = []
    for (ca, t_s), expected in pepke_oracle.clamped().items():
        if ca == ca_uM:
            bench.solve(t_s * 1e3)
            errors.append(np.abs(bench.observed_uM() - expected).max())
    return errors


def train_errors(library, frequency_Hz):
    from neuron import n

    bench = Bench(library, "catrain")
    segment, rest_ms = bench.segment, 200e3
    segment.camkiikin.running = 0
    n.finitialize(-65)
    bench.solve(rest_ms)
    segment.camkiikin.running = 1
    errors, given = [], 0
    for (frequency, _, t_s), expected in pepke_oracle.trains().items():
        if frequency != frequency_Hz:
            continue
        while given < 30 and given / frequency < t_s - 1e-9:
            bench.solve(rest_ms + given * 1e3 / frequency)
            segment.cai += pepke_oracle.PULSE_uM * 1e-3
            bench.cvode.re_init()
            given += 1
        bench.solve(rest_ms + t_s * 1e3)
        errors.append(np.abs(bench.observed_uM() - expected).max())
    return errors


@pytest.mark.parametrize("ca_uM", [0.1, 1.0, 10.0])
def test_clamped_calcium_gives_the_table(library, ca_uM):
    errors = in_neuron(clamped_errors, library, ca_uM, load="nothing")
    assert len(errors) > 5 and max(errors) < 1e-6


@pytest.mark.parametrize("frequency_Hz", [5.0, 100.0])
def test_trains_of_pulses_give_the_table(library, frequency_Hz):
    errors = in_neuron(train_errors, library, frequency_Hz, load="nothing")
    assert len(errors) > 3 and max(errors) < 1e-6
