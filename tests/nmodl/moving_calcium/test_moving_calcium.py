"""A calcium that moves within the step: second order in dt, whatever moves it."""

import numpy as np
import pytest

import nubridge
from neuron_process import STATES, in_neuron

MEAN_uM, AMPLITUDE_uM, PERIOD_MS = 2.0, 1.0, 30.0
T_MS = 60
DTS_MS = (0.1, 0.05, 0.025)


def calcium_uM(t_ms):
    return MEAN_uM + AMPLITUDE_uM * np.sin(2 * np.pi * t_ms / PERIOD_MS)


def traces(mover):
    """Occupancies of sk and skkin at 1, 2, ... T_MS ms for each of DTS_MS: array (dt, mechanism, time, state)."""
    from neuron import n

    section = n.Section("s")
    segment = section(0.5)
    for mechanism in ("sk", "skkin", *((mover,) if mover.startswith("ca") else ())):
        section.insert(mechanism)
    out = []
    for dt_ms in DTS_MS:
        n.dt = dt_ms
        if mover == "caode":
            segment.caode.early = dt_ms / 2
        if mover == "play":
            times = n.Vector(np.arange(0, T_MS + 1, dt_ms))
            values = n.Vector(calcium_uM(times.as_numpy()) * 1e-3)
            values.play(segment._ref_cai, times, True)
        n.finitialize(-65)
        rows = []
        for _ in range(T_MS):
            for _ in range(round(1 / dt_ms)):
                n.fadvance()
            rows.append([[getattr(getattr(segment, name), state) for state in STATES] for name in ("sk", "skkin")])
        out.append(np.moveaxis(rows, 0, 1))
    return np.array(out)


def variable_trace(atol):
    """Occupancies of sk at 1, 2, ... T_MS ms by CVODE, the calcium that of the ODE."""
    from neuron import n

    section = n.Section("s")
    for mechanism in ("sk", "caode"):
        section.insert(mechanism)
    cvode = n.CVode()
    cvode.active(True)
    cvode.atol(atol)
    n.finitialize(-65)
    rows = []
    for time_ms in range(1, T_MS + 1):
        cvode.solve(time_ms)
        rows.append([getattr(section(0.5).sk, name) for name in STATES])
    return np.array(rows)


@pytest.fixture(scope="module")
def reference():
    """The middle of steps of 1 us: second order too, and so 600 times closer than the finest of DTS_MS."""
    sk = nubridge.Model("sk")
    dt_ms = 1e-3
    p = sk.initial_moments([calcium_uM(0)])
    rows = []
    for step in range(round(T_MS / dt_ms)):
        p = sk.step_moments(p, [calcium_uM((step + 0.5) * dt_ms)], dt_ms)
        if (step + 1) % 1000 == 0:
            rows.append(p)
    return np.array(rows)


@pytest.fixture(scope="module", params=["play", "casine", "caode"])
def errors(request, reference):
    """The largest error at each dt, of sk and of skkin."""
    return np.abs(in_neuron(traces, request.param) - reference).max(axis=(2, 3))


def test_error_of_sk_falls_four_times_when_dt_is_halved(errors):
    ratios = errors[:-1, 0] / errors[1:, 0]
    assert np.all((ratios > 3.5) & (ratios < 4.5)), ratios
    assert errors[-1, 0] < 2e-7


def test_error_of_skkin_falls_two_times(errors):
    ratios = errors[:-1, 1] / errors[1:, 1]
    assert np.all((ratios > 1.9) & (ratios < 2.1)), ratios


def test_cvode_keeps_the_tolerance(reference):
    assert np.abs(in_neuron(variable_trace, 1e-7) - reference).max() < 1e-5
