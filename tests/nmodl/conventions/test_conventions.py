"""Temperature, diff, nu, and calcium off the domain."""

import numpy as np
import pytest

import sk_oracle
from neuron_process import STATES, in_neuron, run

STEPS = 200


def stepped(mechanism, settings, ca_mM, dt_ms, start_mM=5e-5):
    """States, one row a step, after a step from start_mM to ca_mM; and what sk counted outside its domain."""
    from neuron import n

    section = n.Section("s")
    section.insert(mechanism)
    for name, value in settings.items():
        setattr(n if name in ("celsius", "policy_sk") else section, name, value)
    n.dt = dt_ms
    segment = section(0.5)
    segment.cai = start_mM
    n.finitialize(-65)
    segment.cai = ca_mM
    rows = []
    for _ in range(STEPS):
        n.fadvance()
        rows.append([getattr(getattr(segment, mechanism), name) for name in STATES])
    return np.array(rows), getattr(segment.sk, "outside", None) if mechanism == "sk" else None


def currents(mechanism):
    """(gbar, popen, g, v, ek, ik) after an initialisation."""
    from neuron import n

    section = n.Section("s")
    section.insert(mechanism)
    setattr(section, f"gbar_{mechanism}", 0.02)
    section.ek = -85
    section(0.5).cai = 1e-3
    n.finitialize(-60)
    segment = section(0.5)
    values = getattr(segment, mechanism)
    return values.gbar, values.popen, values.g, segment.v, segment.ek, values.ik


def interactions(track):
    """nu0 ... nu4 and nu(0) ... nu(6) at 0.4 uM, at the start and after a step to 2 uM, with the states."""
    from neuron import n

    n.track_nu_sk = track
    section = n.Section("s")
    section.insert("sk")
    segment = section(0.5)
    segment.cai = 4e-4
    n.finitialize(-65)
    rows = []
    for _ in range(2):
        tracked = [getattr(segment.sk, f"nu{i}") for i in range(5)]
        asked = [segment.sk.nu(i) for i in range(7)]
        rows.append((tracked, asked, [getattr(segment.sk, name) for name in STATES]))
        segment.cai = 2e-3
        n.fadvance()
    return rows


@pytest.mark.parametrize("mechanism", ["sk", "skkin"])
def test_current_is_ohmic(mechanism):
    gbar, popen, g, v_mV, ek_mV, ik = in_neuron(currents, mechanism)
    assert popen == pytest.approx(0.702549575070822, abs=1e-8)  # skkin iterates to its steady state
    assert g == gbar * popen
    assert ik == g * (v_mV - ek_mV)


@pytest.mark.parametrize("mechanism", ["sk", "skkin"])
def test_q10_three_ten_degrees_up_is_three_times_as_fast(mechanism):
    warm, _ = in_neuron(stepped, mechanism, {"celsius": 33, f"q10_{mechanism}": 3}, 5e-3, 0.025)
    cold, _ = in_neuron(stepped, mechanism, {"celsius": 23, f"q10_{mechanism}": 3}, 5e-3, 0.075)
    np.testing.assert_allclose(warm, cold, rtol=0, atol=1e-7)  # skkin iterates to its steady state


def test_temperature_does_nothing_at_the_default_q10():
    warm, _ = in_neuron(stepped, "sk", {"celsius": 37}, 5e-3, 0.025)
    np.testing.assert_array_equal(warm, in_neuron(stepped, "sk", {}, 5e-3, 0.025)[0])


@pytest.mark.parametrize("mechanism", ["sk", "skkin"])
def test_diff_divides_the_calcium(mechanism):
    one, _ = in_neuron(stepped, mechanism, {}, 2e-3, 0.025, 1e-4)
    three, _ = in_neuron(stepped, mechanism, {f"diff_{mechanism}": 3}, 6e-3, 0.025, 3e-4)
    np.testing.assert_allclose(three, one, rtol=0, atol=1e-13)


def test_solinas_convention_opens_half_the_channels_at_1_504_uM():
    rows, _ = in_neuron(stepped, "sk", {"diff_sk": 3, "q10_sk": 3, "celsius": 33}, 1.504e-3, 0.025, 1.504e-3)
    popen = rows[-1, 4] + rows[-1, 5]
    assert popen == pytest.approx(6 / 13, abs=2e-4)  # half of Pmax = 12/13; the EC50 is given to 1 nM


def test_nu_is_the_dual_of_the_occupancies():
    for tracked, asked, states in in_neuron(interactions, 1):
        np.testing.assert_allclose(tracked, -np.log(np.array(states[1:]) / states[0]), rtol=1e-13, atol=1e-15)
        assert tracked == asked[1:6]
        assert np.isnan([asked[0], asked[6]]).all()


def test_nu_is_nan_where_it_is_not_tracked():
    for tracked, asked, _ in in_neuron(interactions, 0):
        assert np.isnan(tracked).all()
        assert np.isfinite(asked[1:6]).all()


@pytest.mark.parametrize(("policy", "seen_uM"), [(0, 2000), (1, 1000), (2, 2000)])
def test_calcium_off_the_domain_follows_the_policy_and_is_counted(policy, seen_uM):
    outcome = run(stepped, "sk", {"policy_sk": policy}, 2.0, 0.025)
    rows, outside = outcome.value
    p = sk_oracle.propagate(sk_oracle.steady(0.05), seen_uM, STEPS * 0.025).astype(float)
    np.testing.assert_allclose(rows[-1], p, rtol=0, atol=1e-12)
    assert outside == STEPS
    assert outcome.stderr.count("input 'ca' is 2000 uM, outside the domain 0 to 1000 uM; the policy") == 1
    assert ("clamp" if policy == 1 else "extrapolate") in outcome.stderr


def test_calcium_in_the_domain_is_not_counted():
    outcome = run(stepped, "sk", {"policy_sk": 3}, 1.0, 0.025)
    assert outcome.status == 0 and outcome.value[1] == 0
    assert "domain" not in outcome.stderr


@pytest.mark.parametrize("start_mM", [5e-5, 2.0])
def test_policy_error_raises(start_mM):
    outcome = run(stepped, "sk", {"policy_sk": 3}, 2.0, 0.025, start_mM)
    assert outcome.status == 1
    assert "RuntimeError" in outcome.stderr
    assert "input 'ca' is 2000 uM, outside the domain 0 to 1000 uM; the policy is error: choose clamp" in outcome.stderr
