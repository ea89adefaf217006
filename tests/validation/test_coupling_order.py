"""The error of a coupling falls with its window, in the order of its scheme. `./run python tests/validation/test_coupling_order.py FIGURE` draws it.

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

ORDERS = {"serial": 1, "parallel": 1, "predictor": 2}
WINDOWS_us = (20, 40, 80, 160)
END_ms = 8.0
FASTEST_per_ms = 1.7  # of the membrane, of whose channels at most 0.67 open; the buffer's is below
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
    n.dt = 0.02
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


def errors(found, order):
    """Of all windows: the difference to the limit of none, to which the errors of the two shortest point by their order."""
    return np.abs(found - found[0] + (found[1] - found[0]) / (2**order - 1))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("order")
    return {scheme: ends(folder, scheme) for scheme in ORDERS}


@pytest.mark.parametrize("scheme", ORDERS)
def test_halving_the_window_divides_the_error_by_two_to_the_order(scheme, found):
    steps = np.diff(found[scheme], axis=0)
    ratios = steps[1:] / steps[:-1]  # 2 for a first order, 4 for a second, but for a part that halves with the window
    rest = (2 * ratios[0] - ratios[1]) / 2 ** ORDERS[scheme] - 1  # and, where that has gone, one that is quartered
    assert np.abs(rest).max() < (FASTEST_per_ms * WINDOWS_us[2] / 1e3) ** 2


def test_the_predictor_errs_less_than_serial_with_windows_of_an_eighth(found):
    serial, predictor = (errors(found[scheme], ORDERS[scheme]) for scheme in ("serial", "predictor"))
    assert WINDOWS_us[-1] == 8 * WINDOWS_us[0]
    assert (predictor[-1] < serial[0]).all()


def draw(path, found):
    """The errors of the schemes against the window, beside lines of slope 1 and 2."""
    with mpl.rc_context(plot.STYLE):
        figure = plot.figure(7, 3.2, layout="constrained")
        for axes, column, title, unit in zip(
            figure.subplots(1, 2), (0, 1), ("voltage", "calcium"), ("mV", "mM"), strict=True
        ):
            windows = np.array(WINDOWS_us)
            for (scheme, values), colour in zip(found.items(), (plot.BLUE, plot.ORANGE, plot.GREEN), strict=True):
                error = errors(values, ORDERS[scheme])[:, column]
                axes.loglog(windows, error, "o-", color=colour, label=scheme)
                if scheme != "parallel":
                    line = error[0] / 2 * (windows / windows[0]) ** ORDERS[scheme]
                    axes.loglog(windows, line, color=plot.GREY, dashes=(3, 3))
                    axes.annotate(
                        f"slope {ORDERS[scheme]}", (windows[2], line[2]), (4, -4), textcoords="offset points", va="top"
                    )
            axes.set_xticks(WINDOWS_us, map(str, WINDOWS_us))
            axes.minorticks_off()
            axes.set(title=f"error of the {title} at {END_ms:g} ms", xlabel="coupling window (µs)", ylabel=unit)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right center")
        figure.savefig(path)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as temporary:
        results = {scheme: ends(Path(temporary), scheme) for scheme in ORDERS}
    for scheme, values in results.items():
        for window_us, (error_mV, error_mM) in zip(WINDOWS_us, errors(values, ORDERS[scheme]), strict=True):
            print(f"{scheme:9} {window_us:4} us: {error_mV:.3e} mV, {error_mM:.3e} mM")
    draw(sys.argv[1], results)
