"""Constant calcium: each step is exact, whatever its length."""

import numpy as np
import pytest

import sk_oracle
from neuron_process import STATES, in_neuron


def steady_states(ca_uM):
    """States and popen of finitialize() at each calcium."""
    from neuron import n

    section = n.Section("s")
    section.nseg = len(ca_uM)
    section.insert("sk")
    for segment, ca in zip(section, ca_uM, strict=True):
        segment.cai = ca * 1e-3
    n.finitialize(-65)
    return np.array([[getattr(segment.sk, name) for name in (*STATES, "popen")] for segment in section])


def step_protocol(dt_ms, times_ms):
    """States, and popen after fcurrent(), at times: 50 ms at 5 uM from the steady state of 0.05 uM, then 0.05 uM again."""
    from neuron import n

    section = n.Section("s")
    section.insert("sk")
    segment = section(0.5)
    n.dt = dt_ms
    segment.cai = 5e-5
    n.finitialize(-65)
    segment.cai = 5e-3
    rows, step = [], 0
    for time_ms in times_ms:
        while step < round(time_ms / dt_ms):
            if step == round(50 / dt_ms):
                segment.cai = 5e-5
            n.fadvance()
            step += 1
        n.fcurrent()
        rows.append([getattr(segment.sk, name) for name in (*STATES, "popen")])
    return np.array(rows)


def test_steady_states_are_those_of_the_table():
    rows = sk_oracle.table("steady_state")
    found = in_neuron(steady_states, rows["ca_uM"])
    np.testing.assert_allclose(found[:, :6], sk_oracle.states(rows), rtol=0, atol=1e-14)
    np.testing.assert_allclose(found[:, 6], rows["Po"], rtol=0, atol=1e-14)


def test_dose_response_is_that_of_the_table():
    rows = sk_oracle.table("dose_response")
    exact = sk_oracle.steady(rows["ca_uM"])  # the table rounds its calcium to 10 digits, as this does
    found = in_neuron(steady_states, rows["ca_uM"])
    np.testing.assert_allclose(found[:, 6], exact[:, 4] + exact[:, 5], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found[:, 6], rows["Po"], rtol=0, atol=1e-9)


@pytest.mark.parametrize("dt_ms", [0.005, 0.025, 0.05])
def test_step_of_calcium_follows_the_matrix_exponential(dt_ms):
    rows = sk_oracle.table("step_0p05_5_0p05")
    found = in_neuron(step_protocol, dt_ms, rows["t_ms"])
    np.testing.assert_allclose(found[:, :6], sk_oracle.states(rows), rtol=0, atol=1e-10)
    np.testing.assert_allclose(found[:, 6], rows["Po"], rtol=0, atol=1e-10)
