"""The segment that tests couple to a peer."""

import numpy as np


def spine(n, mechanisms=("casource", "skpeer")):
    """One segment of 1 um3 whose calcium current is `casource`."""
    n.load_file("stdrun.hoc")
    section = n.Section("spine")
    section.L, section.diam = 4 / np.pi, 1
    for mechanism in mechanisms:
        section.insert(mechanism)
    n.dt = 0.025
    n.steps_per_ms = 40
    return section
