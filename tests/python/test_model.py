"""Model: what it computes, against tables and formulas that are not ours."""

import copy
import gc
import itertools
import warnings

import numpy as np
import pytest

import nubridge
import sk_oracle

DTS_MS = (0.005, 0.025, 0.1, 1.0, 1000.0)


@pytest.fixture(scope="module")
def sk():
    return nubridge.Model("sk")


@pytest.fixture(scope="module")
def anywhere():
    """Rows of nu, occupancies and calcium, seeded."""
    random = np.random.default_rng(7)
    nu = random.normal(0, 3, (50, 5))
    weights = np.exp(-np.concatenate([np.zeros((50, 1)), nu], axis=1))
    return nu, weights / weights.sum(axis=1, keepdims=True), 10 ** random.uniform(-2, 2, (50, 1))


def advanced(step, state, ca_uM, duration_ms, dt_ms):
    """`state` after `duration_ms`: whole steps of `dt_ms`, then the rest."""
    whole = int(duration_ms / dt_ms + 1e-9)
    for _ in range(whole):
        state = step(state, [ca_uM], dt_ms)
    rest_ms = duration_ms - whole * dt_ms
    return step(state, [ca_uM], rest_ms) if rest_ms > 1e-9 else state


def test_says_what_it_is(sk):
    assert (sk.name, sk.policy) == ("sk", "extrapolate")
    assert sk.state_names == ("C1", "C2", "C3", "C4", "O1", "O2")
    assert sk.nu_names == sk.state_names[1:]
    assert (sk.input_names, sk.input_units, sk.observable_names) == (("ca",), ("uM",), ("popen",))
    assert sk.domain == {"ca": (0.0, 1000.0)}
    assert sk.hash.startswith("sha256:") and len(sk.hash) == 71
    assert sk.path.name == "model.json"
    assert "Hirschberg" in sk.provenance["source"]
    assert "C2, C3, C4, O1, O2" in repr(sk)


def test_steady_states_are_those_of_the_table(sk):
    rows = sk_oracle.table("steady_state")
    ca = rows["ca_uM"][:, np.newaxis]
    exact = sk_oracle.states(rows)
    np.testing.assert_allclose(sk.initial_moments(ca), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sk.moments(sk.initial(ca)), exact, rtol=0, atol=1e-14)
    np.testing.assert_allclose(sk.observe(sk.initial(ca))[:, 0], rows["Po"], rtol=0, atol=1e-14)


def test_dose_response_is_that_of_the_table(sk):
    rows = sk_oracle.table("dose_response")
    popen = sk.observe(sk.initial(rows["ca_uM"][:, np.newaxis]))[:, 0]
    np.testing.assert_allclose(popen, rows["Po"], rtol=0, atol=1e-9)


def test_time_constants_are_those_of_the_table(sk):
    for row in sk_oracle.table("time_constants"):
        columns = sk.rhs_moments(np.eye(6), np.full((6, 1), row["ca_uM"]))
        taus = np.sort(-1 / np.sort(np.linalg.eigvals(columns.T).real)[:5])[::-1]
        np.testing.assert_allclose(taus, [row[f"tau{i}_ms"] for i in range(1, 6)], rtol=1e-9)


def test_activation_takes_the_time_of_the_table(sk):
    start, (begin,) = sk.initial([0.05]), sk.observe(sk.initial([0.05]))
    for row in sk_oracle.table("time_constants"):
        if not np.isfinite(row["act_t63_ms"]):
            continue
        (popen,) = sk.observe(sk.step(start, [row["ca_uM"]], row["act_t63_ms"]))
        (end,) = sk.observe(sk.initial([row["ca_uM"]]))
        assert (popen - begin) / (end - begin) == pytest.approx(1 - np.exp(-1), abs=1e-9)


@pytest.mark.parametrize("dt_ms", DTS_MS)
def test_steps_of_any_length_are_exact(sk, dt_ms):
    rows = sk_oracle.table("step_0p05_5_0p05")
    exact = sk_oracle.states(rows)
    nu, moments = sk.initial([0.05]), sk.initial_moments([0.05])
    for before, row, expected in zip(rows, rows[1:], exact[1:], strict=False):
        duration_ms, ca_uM = row["t_ms"] - before["t_ms"], row["ca_uM_held_up_to_t"]
        nu = advanced(sk.step, nu, ca_uM, duration_ms, dt_ms)
        moments = advanced(sk.step_moments, moments, ca_uM, duration_ms, dt_ms)
        np.testing.assert_allclose(sk.moments(nu), expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(moments, expected, rtol=0, atol=1e-10)
        assert sk.observe(nu)[0] == pytest.approx(row["Po"], abs=1e-10)


def test_long_steps_reach_the_steady_state(sk):
    rows = sk_oracle.table("steady_state")
    ca = rows["ca_uM"][:, np.newaxis]
    nu = np.tile(sk.initial([1000.0]), (len(rows), 1))
    for _ in range(20):
        nu = sk.step(nu, ca, 1000.0)
    np.testing.assert_allclose(sk.moments(nu), sk_oracle.states(rows), rtol=0, atol=1e-12)


def test_a_million_steps_on_random_staircases_stay_probabilities(sk):
    random = np.random.default_rng(1)
    p = sk.initial_moments(10 ** random.uniform(-3, 3, (1000, 1)))
    ca, dt_ms, off, least = None, 0.025, 0.0, 1.0
    for step in range(1000):
        if step % 10 == 0:
            ca = 10 ** random.uniform(-3, 3, (1000, 1))  # 1 nM to 1 mM
            dt_ms = 10 ** random.uniform(-3, 2)
        p = sk.step_moments(p, ca, dt_ms)
        off, least = max(off, np.abs(p.sum(axis=1) - 1).max()), min(least, p.min())
    assert off < 1e-12
    assert least >= 0


def test_many_short_steps_drift_no_more_than_their_rounding(sk):
    p = exact = sk_oracle.steady(0.1)
    for _ in range(10_000):
        p = sk.step_moments(p, [3.0], 0.025)
    np.testing.assert_allclose(p, sk_oracle.propagate(exact, 3.0, 250.0).astype(float), rtol=0, atol=1e-11)


def test_moments_are_the_family_and_from_moments_its_inverse(sk, anywhere):
    nu, p, _ = anywhere
    np.testing.assert_allclose(sk.moments(nu), p, rtol=1e-13)
    np.testing.assert_allclose(sk.from_moments(p), nu, rtol=0, atol=1e-13)
    np.testing.assert_allclose(sk.log_partition(nu), np.log(1 + np.exp(-nu).sum(axis=1)), rtol=1e-14)
    np.testing.assert_allclose(sk.observe(nu)[:, 0], p[:, 4] + p[:, 5], rtol=1e-13)
    np.testing.assert_allclose(sk.observe_moments(p)[:, 0], p[:, 4] + p[:, 5], rtol=1e-15)


def test_from_moments_of_an_empty_state_is_infinite(sk):
    assert sk.from_moments([0.5, 0.5, 0.0, 0.0, 0.0, 0.0]).tolist() == [0.0, np.inf, np.inf, np.inf, np.inf]


def test_fisher_is_the_covariance_of_the_states(sk, anywhere):
    nu, p, _ = anywhere
    inner = p[:, 1:]
    covariance = inner[:, :, np.newaxis] * np.eye(5) - inner[:, :, np.newaxis] * inner[:, np.newaxis, :]
    np.testing.assert_allclose(sk.fisher(nu), covariance, rtol=0, atol=1e-15)


def test_rhs_is_the_master_equation_in_nu(sk, anywhere):
    nu, p, ca = anywhere
    rates = np.array([(sk_oracle.generator(c) @ row).astype(float) for c, row in zip(ca[:, 0], p, strict=True)])
    np.testing.assert_allclose(sk.rhs_moments(p, ca), rates, rtol=0, atol=1e-12)
    by_nu = -(rates[:, 1:] / p[:, 1:] - rates[:, :1] / p[:, :1])  # nu_i = ln p_C1 - ln p_i
    np.testing.assert_allclose(sk.rhs(nu, ca), by_nu, rtol=1e-9, atol=1e-9)


def test_jacobian_is_that_of_finite_differences(sk, anywhere):
    nu, _, ca = (array[:10] for array in anywhere)
    by_nu, by_input = sk.jacobian(nu, ca)
    h = 1e-5
    for j in range(5):
        shift = h * np.eye(5)[j]
        difference = (sk.rhs(nu + shift, ca) - sk.rhs(nu - shift, ca)) / (2 * h)
        scale = np.abs(by_nu).max(axis=(1, 2))[:, np.newaxis] + 1
        assert np.all(np.abs(by_nu[:, :, j] - difference) < 1e-8 * scale)
    difference = (sk.rhs(nu, ca * (1 + h)) - sk.rhs(nu, ca * (1 - h))) / (2 * h * ca)
    np.testing.assert_allclose(by_input[:, :, 0], difference, rtol=1e-7, atol=1e-7)


def test_ramp_is_the_limit_of_fine_steps(sk):
    nu = sk.initial([0.1])
    ramped = sk.step(nu, [0.1], 10.0, inputs_end=[4.0])
    fine = {}
    for steps in (1000, 2000):
        fine[steps] = nu
        for i in range(steps):
            fine[steps] = sk.step(fine[steps], [0.1 + 3.9 * (i + 0.5) / steps], 10.0 / steps)
    limit = fine[2000] + (fine[2000] - fine[1000]) / 3  # the middle of a step is second order
    np.testing.assert_allclose(sk.moments(ramped), sk.moments(limit), rtol=0, atol=1e-8)


def test_ramp_keeps_to_its_tolerance(sk):
    nu = sk.initial([0.1])
    best = sk.step(nu, [0.1], 20.0, inputs_end=[10.0], tolerance=1e-12)
    errors = [
        np.abs(sk.step(nu, [0.1], 20.0, inputs_end=[10.0], tolerance=10.0**-k) - best).max() for k in (3, 5, 7, 9)
    ]
    assert all(fine < coarse for coarse, fine in itertools.pairwise(errors)), errors
    assert errors[-1] < 1e-7


def test_ramp_of_constant_inputs_is_the_exact_step(sk):
    nu = sk.initial([0.1])
    np.testing.assert_allclose(
        sk.step(nu, [2.0], 5.0, inputs_end=[2.0], tolerance=1e-11), sk.step(nu, [2.0], 5.0), rtol=0, atol=1e-8
    )


def test_samples_repeat_with_the_seed_and_follow_the_occupancies(sk):
    nu = sk.initial([[0.3], [3.0]])
    samples = sk.sample(nu, 20_000, seed=5)
    assert samples.shape == (2, 20_000) and samples.dtype == np.int32
    np.testing.assert_array_equal(samples, sk.sample(nu, 20_000, seed=5))
    assert (samples != sk.sample(nu, 20_000, seed=6)).any()
    for row, p in zip(samples, sk.moments(nu), strict=True):
        counts = np.bincount(row, minlength=6)
        assert np.all(np.abs(counts - 20_000 * p) < 4.5 * np.sqrt(20_000 * p * (1 - p)) + 1)
    assert sk.sample(nu[0], 0, seed=0).shape == (0,)
    assert sk.sample(nu[0], 3, seed=2**64 - 1).shape == (3,)


@pytest.mark.parametrize("rows", [1, 2, 3, 4, 5, 8, 17])
def test_a_row_does_not_depend_on_the_others(sk, anywhere, rows):
    nu, p, ca = (np.ascontiguousarray(array[:rows]) for array in anywhere)
    for batch, single in [
        (sk.moments(nu), lambda i: sk.moments(nu[i])),
        (sk.from_moments(p), lambda i: sk.from_moments(p[i])),
        (sk.initial(ca), lambda i: sk.initial(ca[i])),
        (sk.rhs(nu, ca), lambda i: sk.rhs(nu[i], ca[i])),
        (sk.observe(nu), lambda i: sk.observe(nu[i])),
    ]:
        np.testing.assert_array_equal(batch, [single(i) for i in range(rows)])
    # Steps of many rows take another order of sums than those of one.
    stepped = [sk.step_moments(p[i], ca[i], 0.1) for i in range(rows)]
    np.testing.assert_allclose(sk.step_moments(p, ca, 0.1), stepped, rtol=0, atol=1e-12)
    stepped = [sk.moments(sk.step(nu[i], ca[i], 0.1)) for i in range(rows)]
    np.testing.assert_allclose(sk.moments(sk.step(nu, ca, 0.1)), stepped, rtol=0, atol=1e-12)


def test_shapes_follow_the_arguments(sk):
    nu, ca = np.zeros((3, 5)), np.ones((3, 1))
    shapes = {
        (3, 6): [sk.moments(nu), sk.initial_moments(ca), sk.step_moments(np.full((3, 6), 1 / 6), ca, 1.0)],
        (3, 5): [sk.initial(ca), sk.rhs(nu, ca), sk.step(nu, ca, 1.0), sk.from_moments(np.full((3, 6), 1 / 6))],
        (3, 1): [sk.observe(nu), sk.jacobian(nu, ca)[1][:, :, 0][:, :1]],
        (3, 5, 5): [sk.fisher(nu), sk.jacobian(nu, ca)[0]],
        (3, 5, 1): [sk.jacobian(nu, ca)[1]],
        (3,): [sk.log_partition(nu)],
        (6,): [sk.moments(nu[0])],
        (5, 5): [sk.fisher(nu[0])],
        (0, 5): [sk.step(np.empty((0, 5)), np.empty((0, 1)), 1.0)],
        (): [sk.log_partition(nu[0])],
    }
    for shape, arrays in shapes.items():
        for array in arrays:
            assert array.shape == shape and array.dtype == np.float64


def test_arguments_stay_as_they_were(sk):
    nu, ca = np.zeros((2, 5)), np.ones((2, 1))
    sk.step(nu, ca, 1.0)
    sk.step(nu, ca, 1.0, inputs_end=2 * ca)
    assert not nu.any() and (ca == 1).all()


def test_lists_and_strided_arrays_are_taken(sk):
    wide = np.arange(20.0).reshape(2, 10)
    np.testing.assert_array_equal(sk.moments(wide[:, ::2]), sk.moments(np.ascontiguousarray(wide[:, ::2])))
    np.testing.assert_array_equal(sk.moments([0, 2, 4, 6, 8]), sk.moments(wide[0, ::2]))
    np.testing.assert_array_equal(sk.moments([[0, 2.0, 4, 6, 8]]), sk.moments(wide[:1, ::2]))


@pytest.mark.parametrize(("policy", "seen_uM"), [("clamp", 1000.0), ("extrapolate", 2000.0), ("model", 2000.0)])
def test_inputs_off_the_domain_follow_the_policy_and_warn(policy, seen_uM):
    model = nubridge.Model("sk", policy=policy)
    nu = np.tile(model.initial([1.0]), (3, 1))
    with pytest.warns(
        nubridge.OutsideDomainWarning, match="input 'ca' is 2000 uM, outside the domain 0 to 1000"
    ) as seen:
        found = model.step(nu, [[1.0], [2000.0], [3.0]], 0.1)
    assert "(1 of 3 rows)" in str(seen[0].message)
    assert ("clamp" if policy == "clamp" else "extrapolate") in str(seen[0].message)
    assert seen[0].filename == __file__
    expected = sk_oracle.propagate(sk_oracle.steady(1.0), seen_uM, 0.1).astype(float)
    np.testing.assert_allclose(model.moments(found[1]), expected, rtol=0, atol=1e-12)


def test_inputs_on_the_bounds_do_not_warn(sk):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sk.step(np.zeros((2, 5)), [[0.0], [1000.0]], 0.1)


def test_policy_error_refuses(sk):
    strict = nubridge.Model("sk", policy="error")
    assert strict.policy == "error"
    with pytest.raises(
        nubridge.OutsideDomainError, match="'ca' is 2000 uM, outside the domain 0 to 1000 uM; the policy is error"
    ):
        strict.step(sk.initial([1.0]), [2000.0], 0.1)


def test_a_copy_outlives_the_model():
    model = nubridge.Model("sk")
    copies = [copy.copy(model), copy.deepcopy(model)]
    del model
    gc.collect()
    for each in copies:
        assert each.moments([0.0] * 5).sum() == pytest.approx(1)
