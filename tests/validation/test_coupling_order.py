"""The error of a coupling falls with its window, in first order. `python tests/validation/test_coupling_order.py FIGURE` draws it.

Calcium that a sine of current brings into a site binds a buffer there, whose bound part makes a conductance, and the voltage
sets how fast it lets go: amounts, counts and rates all cross. The peer is mass action, exactly, in numbers so great that whole
molecules are none of the error; dt is the same in every run, so that its error is too and only the window's is left.
"""

import sys
import tempfile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from neuron_process import in_neuron
from nubridge import plot
from nubridge.peers import Peer
from nubridge.peers.rates import SiteRates

SCHEMES = ("serial", "parallel")
WINDOWS_us = (25, 50, 100, 200)
END_ms = 10.0
VOLUME_um3 = 1e7
MODEL = """
import nubridge

network = nubridge.Network.build(
    {"Ca": 6e9, "B": 0},
    [{"name": "on", "reactants": ["Ca"], "products": ["B"], "rate": 300.0},
     {"name": "off", "reactants": ["B"], "products": ["Ca"], "rate": 200.0}],
)
"""


class MassAction(Peer):
    """Reactions of one molecule each, by the exponential of their matrix; amounts are real numbers."""

    def __init__(self, plan):
        super().__init__(plan)
        self.amounts, self.rates = plan.initial.astype(float), SiteRates(plan)

    def set_rates(self, values):
        self.rates.set(values)

    def inject(self, amounts):
        np.add.at(self.amounts, self.plan.slots(), amounts)
        return amounts

    def advance(self, window_ns):
        species = self.plan.network.species
        for site, constants in enumerate(self.rates.molecular):
            matrix = np.zeros((len(species), len(species)))
            for reaction, k in zip(self.plan.network.reactions, constants, strict=True):
                (source,), (target,) = reaction.reactants, reaction.products
                begin, end = species.index(source), species.index(target)
                matrix[[begin, end], begin] += -k, k
            values, vectors = np.linalg.eig(matrix)
            left = np.linalg.solve(vectors, self.amounts[site])
            self.amounts[site] = (vectors @ (np.exp(values * window_ns * 1e-9) * left)).real

    def counts(self):
        return np.rint((self.plan.weights * self.amounts[[one.site for one in self.plan.counts]]).sum(axis=1)).astype(
            int
        )


def run(model, scheme, windows_us):
    """(voltage in mV, free calcium in mM) at the end, for each window."""
    from neuron import n

    import nubridge

    n.load_file("stdrun.hoc")
    section = n.Section("spine")
    section.L = section.diam = 2000  # many ions
    for mechanism in ("pas", "casource", "skpeer"):
        section.insert(mechanism)
    segment = section(0.5)
    segment.casource.amplitude, segment.casource.period, segment.casource.last = 0.003, 7.3, 1e9
    segment.skpeer.gbar = 0.001
    n.dt = 0.025
    found = []
    for window_us in windows_us:
        with nubridge.Session(f"{__file__}:MassAction", model, window_us, scheme=scheme) as session:
            reads = ["B / Ca + B -> skpeer.popen"]
            session.couple(segment, reads=reads, rates={"off": ("v", -3.0)}, volume_um3=VOLUME_um3)
            n.finitialize(-65)
            while n.t < END_ms - n.dt / 2:
                n.fadvance()
            found.append((section.v, segment.cai))
    return found


def ends(folder, scheme):
    """Voltage and free calcium at END_ms, windows x 2."""
    (folder / "model.py").write_text(MODEL)
    return np.array(in_neuron(run, str(folder / "model.py"), scheme, WINDOWS_us))


def errors(found):
    """Of all windows: the difference to the limit of none, to which the two shortest, whose errors are as 1 to 2, point."""
    return np.abs(found - (2 * found[0] - found[1]))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_halving_the_window_halves_the_error(scheme, tmp_path):
    steps = np.diff(ends(tmp_path, scheme), axis=0)
    ratios = steps[1:] / steps[:-1]  # 2 for a first order, 4 for a second, but for a part that halves with the window
    assert np.abs(2 * ratios[0] - ratios[1] - 2).max() < 0.05  # and one that is its square


def draw(path, found):
    """The errors of both schemes against the window, beside a line of slope 1."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(7, 3.2, layout="constrained")
        for axes, column, title, unit in zip(
            figure.subplots(1, 2), (0, 1), ("voltage", "calcium"), ("mV", "mM"), strict=True
        ):
            for (scheme, values), colour in zip(found.items(), (plot.BLUE, plot.ORANGE), strict=True):
                axes.loglog(WINDOWS_us, errors(values)[:, column], "o-", color=colour, label=scheme)
            windows = np.array(WINDOWS_us)
            line = errors(found["serial"])[0, column] * windows / windows[0]
            axes.loglog(windows, line, color=plot.GREY, dashes=(3, 3), label="slope 1")
            axes.set_xticks(WINDOWS_us, map(str, WINDOWS_us))
            axes.minorticks_off()
            axes.set(title=f"error of the {title} at {END_ms:g} ms", xlabel="coupling window (µs)", ylabel=unit)
        axes.legend()
        figure.savefig(path)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        results = {scheme: ends(Path(temporary), scheme) for scheme in SCHEMES}
    for scheme, values in results.items():
        for window_us, (error_mV, error_mM) in zip(WINDOWS_us, errors(values), strict=True):
            print(f"{scheme:9} {window_us:4} us: {error_mV:.3e} mV, {error_mM:.3e} mM")
    draw(sys.argv[1], results)
