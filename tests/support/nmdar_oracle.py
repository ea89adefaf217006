"""What the NMDA receptor must do, from sources other than nubridge: the tables of `oracles/` and a matrix exponential of its own."""

from pathlib import Path

import numpy as np

from sk_oracle import exponential

FOLDER = Path(__file__).parent / "oracles"
COLUMNS = ("C0", "C1", "C2", "D", "O", "OB", "C2B", "DB", "C1B", "C0B")

# (from, to, rate, power of glutamate), per ms and per mM and ms: Bartol et al. 2015, Table 1
TRANSITIONS = (
    ("C0", "C1", 20, 1), ("C1", "C0", 0.011, 0), ("C1", "C2", 10, 1), ("C2", "C1", 0.022, 0),
    ("C2", "O", 0.093, 0), ("O", "C2", 0.1832, 0), ("C2", "D", 0.0168, 0), ("D", "C2", 0.0036, 0),
    ("C2B", "OB", 0.097, 0), ("OB", "C2B", 0.574, 0), ("C2B", "DB", 0.0168, 0), ("DB", "C2B", 0.0036, 0),
    ("C0B", "C1B", 20, 1), ("C1B", "C0B", 0.011, 0), ("C1B", "C2B", 10, 1), ("C2B", "C1B", 0.022, 0),
)  # fmt: skip


def table(name):
    """oracles/nmdar_<name>.csv as an array with named columns."""
    return np.genfromtxt(FOLDER / f"nmdar_{name}.csv", delimiter=",", names=True)


def states(rows):
    """The ten occupancies of rows of a table, one row each."""
    return np.stack([rows[name] for name in COLUMNS], axis=-1)


def generator(glu_mM, v_mV, mg_mM=1.0):
    """Q with dp/dt = Q p, per ms."""
    block, unblock = 1.2 * mg_mM * np.exp(-v_mV / 17), 10.8 * np.exp(v_mV / 47)
    q = np.zeros((10, 10), np.longdouble)
    for source, target, rate, power in (*TRANSITIONS, ("O", "OB", block, 0), ("OB", "O", unblock, 0)):
        q[COLUMNS.index(target), COLUMNS.index(source)] += rate * glu_mM**power
    return q - np.diag(q.sum(axis=0))


def propagate(p, glu_mM, v_mV, dt_ms):
    """exp(Q dt) p at 1 mM magnesium."""
    return exponential(generator(glu_mM, v_mV) * np.longdouble(dt_ms)) @ p
