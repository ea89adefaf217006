"""Random staircases of calcium: the occupancies stay probabilities."""

import numpy as np

import sk_oracle
from neuron_process import STATES, in_neuron

SEGMENTS = 41
STAIRS = 40


def staircases(seed):
    """Stairs of 1 ms, 1 nM to 1 mM, one staircase a segment: calcium (stair, segment) and the occupancies after each step."""
    from neuron import n

    section = n.Section("s")
    section.nseg = SEGMENTS
    section.insert("sk")
    ca_mM = 10 ** np.random.default_rng(seed).uniform(-6, 0, (STAIRS + 1, SEGMENTS))
    rows = []
    for stair, values in enumerate(ca_mM):
        for segment, value in zip(section, values, strict=True):
            segment.cai = value
        if stair == 0:
            n.finitialize(-65)
        for _ in range(40 if stair else 0):
            n.fadvance()
            rows.append([[getattr(segment.sk, name) for name in STATES] for segment in section])
    return ca_mM, np.array(rows)


def test_occupancies_stay_probabilities_and_exact():
    ca_mM, rows = in_neuron(staircases, 1)
    assert np.abs(rows.sum(axis=-1) - 1).max() < 1e-12
    assert rows.min() >= 0
    for segment in range(0, SEGMENTS, 10):
        p = sk_oracle.steady(ca_mM[0, segment] * 1e3)
        for ca in ca_mM[1:, segment]:
            p = sk_oracle.propagate(p, ca * 1e3, 1.0)
        np.testing.assert_allclose(rows[-1, segment], p.astype(float), rtol=0, atol=1e-12)
