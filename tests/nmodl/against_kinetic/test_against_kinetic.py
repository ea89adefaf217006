"""sk against skkin, NEURON's own KINETIC solution of the same six states."""

import numpy as np

import sk_oracle
from neuron_process import in_neuron

DTS_MS = (0.1, 0.05, 0.025)


def popen():
    """popen of sk and skkin every 0.1 ms of the step protocol, for each of DTS_MS: array (dt, mechanism, time)."""
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    section.insert("skkin")
    segment = section(0.5)
    out = []
    for dt_ms in DTS_MS:
        n.dt = dt_ms
        segment.cai = 5e-5
        n.finitialize(-65)
        rows = []
        for ca_mM, until_ms in ((5e-3, 50), (5e-5, 300)):
            segment.cai = ca_mM
            while n.t < until_ms - dt_ms / 2:
                n.fadvance()
                rows.append([segment.sk.o1 + segment.sk.o2, segment.skkin.o1 + segment.skkin.o2])
        out.append(np.array(rows)[round(0.1 / dt_ms) - 1 :: round(0.1 / dt_ms)].T)
    return np.array(out)


def test_the_difference_is_the_backward_euler_error_of_skkin():
    runs = in_neuron(popen)
    exact, p = [], sk_oracle.steady(0.05)
    for ca_uM, steps in ((5.0, 500), (0.05, 2500)):
        for _ in range(steps):
            p = sk_oracle.propagate(p, ca_uM, 0.1)
            exact.append(float(p[4] + p[5]))
    assert np.abs(runs[:, 0] - exact).max() < 1e-10
    differences = np.abs(runs[:, 0] - runs[:, 1]).max(axis=1)
    ratios = differences[:-1] / differences[1:]
    assert np.all((ratios > 1.9) & (ratios < 2.1)), ratios
    assert differences[-1] < 1.355e-3  # documented as 1.35e-3
