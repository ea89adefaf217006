"""CVODE: error-controlled, and with the exact Jacobian for its Newton step."""

import itertools
import re

import numpy as np
import pytest

import sk_oracle
from neuron_process import STATES, run

ATOLS = (1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
T_MS, ON_MS, OFF_MS = 60, 10, 50
COUNTS = re.compile(r"(\d+) advance_tn.*\n\s*(\d+) function evaluations, (\d+) mx=b solves, (\d+) jacobian setups")


def steps_of_calcium(mechanism, atol, local, high_mM):
    """0.05 uM, high_mM from ON_MS to OFF_MS: the states at 1, 2, ... T_MS ms. Prints CVODE's statistics."""
    from neuron import n

    cells = [n.Section(name) for name in ("a", "b")]  # b, at rest, has steps of its own when they are local
    for cell in cells:
        cell.L = cell.diam = 10
        for name in (mechanism, "pas"):
            cell.insert(name)
        cell(0.5).cai = 5e-5
    segment = cells[0](0.5)
    cvode = n.CVode()
    cvode.use_local_dt(local)  # before finitialize(): both ask for derivatives at once
    cvode.active(True)
    cvode.atol(atol)

    def set_calcium(ca_mM):
        segment.cai = ca_mM
        cvode.re_init()

    n.finitialize(-65)
    cvode.event(ON_MS, (set_calcium, high_mM))
    cvode.event(OFF_MS, (set_calcium, 5e-5))
    trace = []
    for time_ms in range(1, T_MS + 1):
        cvode.solve(time_ms)
        trace.append([getattr(getattr(segment, mechanism), name) for name in STATES])
    cvode.statistics()
    return np.array(trace)


def measured(mechanism, atol, local, high_mM):
    """(largest error, counts of CVODE: steps, evaluations, solves, set-ups; one row a solver)"""
    outcome = run(steps_of_calcium, mechanism, atol, local, high_mM)
    assert outcome.status == 0, outcome.stderr
    return np.abs(outcome.value - exact(high_mM)).max(), [
        list(map(int, counts)) for counts in COUNTS.findall(outcome.stdout)
    ]


def exact(high_mM):
    p, rows = sk_oracle.steady(0.05), []
    for time_ms in range(1, T_MS + 1):
        p = sk_oracle.propagate(p, high_mM * 1e3 if ON_MS < time_ms <= OFF_MS else 0.05, 1.0)
        rows.append(p.astype(float))
    return np.array(rows)


@pytest.fixture(scope="module", params=[5e-3, 0.1], ids=["5 uM", "100 uM"])
def high_mM(request):
    return request.param


def test_error_follows_the_tolerance(high_mM):
    errors = [measured("sk", atol, False, high_mM)[0] for atol in ATOLS]
    assert all(fine < coarse for coarse, fine in itertools.pairwise(errors)), errors
    assert errors[ATOLS.index(1e-7)] < 1e-5


def test_local_variable_step_is_error_controlled_too(high_mM):
    error, counts = measured("sk", 1e-7, True, high_mM)
    assert error < 1e-5
    assert len(counts) == 2 and counts[1][0] < counts[0][0]  # the cell at rest takes fewer steps


@pytest.mark.parametrize("local", [False, True])
def test_newton_steps_cost_no_more_than_those_of_kinetic(high_mM, local):
    """skkin's Jacobian is exact, from its KINETIC block: with another one sk would need more evaluations, at 100 uM above all."""
    assert measured("sk", 1e-6, local, high_mM)[1] == measured("skkin", 1e-6, local, high_mM)[1]
