"""What the SK channel must do, from sources other than nubridge: the tables of `oracles/` and a matrix exponential of its own."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "oracles"
COLUMNS = ("C1", "C2", "C3", "C4", "O1", "O2")

# (from, to, rate, power of calcium), per ms and per uM and ms
TRANSITIONS = (
    (0, 1, 0.2, 1), (1, 0, 0.08, 0), (1, 2, 0.16, 1), (2, 1, 0.08, 0), (2, 3, 0.08, 1), (3, 2, 0.2, 0),
    (2, 4, 0.16, 0), (4, 2, 1.0, 0), (3, 5, 1.2, 0), (5, 3, 0.1, 0),
)  # fmt: skip


def table(name):
    """oracles/sk_<name>.csv as an array with named columns."""
    return np.genfromtxt(FOLDER / f"sk_{name}.csv", delimiter=",", names=True)


def states(rows):
    """The six occupancies of rows of a table, one row each."""
    return np.stack([rows[name] for name in COLUMNS], axis=-1)


def generator(ca_uM):
    """Q with dp/dt = Q p, per ms."""
    q = np.zeros((6, 6), np.longdouble)
    for source, target, rate, power in TRANSITIONS:
        q[target, source] += rate * ca_uM**power
    return q - np.diag(q.sum(axis=0))


def exponential(a):
    """exp(a) of a square matrix by a Taylor series with scaling and squaring, in extended precision."""
    squarings = max(0, int(np.ceil(np.log2(np.abs(a).sum(axis=0).max() + 1e-300))) + 4)
    term = total = np.eye(len(a), dtype=np.longdouble)
    for k in range(1, 16):
        term = term @ a / 2**squarings / k
        total = total + term
    for _ in range(squarings):
        total = total @ total
    return total


def propagate(p, ca_uM, dt_ms):
    """exp(Q dt) p."""
    return exponential(generator(ca_uM) * np.longdouble(dt_ms)) @ p


def steady(ca_uM):
    """The closed form: the reaction graph is a tree, so that detailed balance holds."""
    c = np.asarray(ca_uM, float)[..., np.newaxis]
    weights = np.concatenate([c**0, 2.5 * c, 5 * c**2, 2 * c**3, 0.8 * c**2, 24 * c**3], axis=-1)
    return weights / weights.sum(axis=-1, keepdims=True)
