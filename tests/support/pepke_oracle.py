"""The tables of the CaM/CaMKII network in oracles/pepke_*.csv (shared/science/biology.md, section 2.4)."""

import csv
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "oracles"
OBSERVED = "KaMe CaM_free CaM4_free KCaM_mono KCaM4_mono KK_dimer pK_mono pKK_dimer pK_total".split()
RATES_OFF = "kp10 kp20 kp01 kp11 kp21 kp02 kp12 kp22".split()
PULSE_uM, TAU_MS, REST_uM = 10.0, 12.0, 0.1


def table(name: str, *keys: str) -> dict[tuple[float, ...], np.ndarray]:
    """OBSERVED in uM by the values of the columns `keys`."""
    with (FOLDER / name).open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    return {tuple(float(row[key]) for key in keys): np.array([float(row[o]) for o in OBSERVED]) for row in rows}


def clamped() -> dict[tuple[float, ...], np.ndarray]:
    """By (calcium in uM, time in s), from apo calmodulin and free CaMKII."""
    return table("pepke_clamped_ca_k11_0.33.csv", "ca_uM_clamped", "t_s")


def trains() -> dict[tuple[float, ...], np.ndarray]:
    """By (frequency in Hz, pulses so far, time in s), from 200 s at REST_uM without phosphorylation."""
    return table("pepke_pulse_trains_k11_0.33.csv", "freq_Hz", "n_pulses", "t_s")
