"""A site in nu: its law, what it keeps, and what it refuses."""

import numpy as np
import pytest

import nubridge
from nubridge.peers import Plan
from nubridge.peers.nu import Kinds, NuSite
from nubridge.peers.rates import SiteRates

SAMPLES = 4000


def site_of(network, pools=(), volume_um3=1.0):
    plan = Plan.of({"model": network, "sites": [{"volume_um3": volume_um3}]})
    kinds = Kinds(plan.network, pools)
    return NuSite(kinds, plan.initial[0]), SiteRates(plan).molecular[0], kinds


def drawn(site):
    random = np.random.default_rng(5)
    return np.array([site.sample(random) for _ in range(SAMPLES)])


def require_law(samples, mean, variance):
    """Mean and variance of a nearly normal number, each within 4 standard errors."""
    assert abs(samples.mean() - mean) < 4 * (variance / SAMPLES) ** 0.5
    assert abs(samples.var() - variance) < 4 * variance * (2.5 / SAMPLES) ** 0.5


def test_molecules_that_decay_are_binomial():
    site, k, _ = site_of("decay")
    site.advance(0.7, k)
    stays = np.exp(-0.7 * k[0])
    require_law(drawn(site)[:, 0], 100 * stays, 100 * stays * (1 - stays))


def test_channels_are_multinomial_by_the_exact_propagator():
    site, k, kinds = site_of("sk")
    for _ in range(20):
        site.advance(1e-3, k)
    model = nubridge.Model("sk")
    closed = np.eye(6)[0]
    occupancies = model.step_moments(closed, [602 / 602.214076], 20.0)
    assert np.allclose(site.means[kinds.in_kind], 50 * occupancies, atol=1e-9)
    samples = drawn(site)
    assert (samples[:, kinds.in_kind].sum(axis=1) == 50).all() and (samples[:, 0] == 602).all()
    opened = occupancies[4] + occupancies[5]
    require_law(samples[:, 5] + samples[:, 6], 50 * opened, 50 * opened * (1 - opened))


def test_what_comes_and_goes_becomes_poisson():
    birth = {"name": "birth", "reactants": [], "products": ["A"], "rate": 40.0}
    death = {"name": "death", "reactants": ["A"], "products": [], "rate": 2.0}
    site, k, _ = site_of(nubridge.Network.build({"A": 60}, [birth, death]))
    site.advance(0.3, k)
    left, new = np.exp(-0.6), 20 * (1 - np.exp(-0.6))
    assert site.means[0] == pytest.approx(60 * left + new, rel=0.1**2 / 24)  # midpoint steps of 0.1 at most
    require_law(drawn(site)[:, 0], 60 * left + new, 60 * left * (1 - left) + new)


def test_a_pool_keeps_its_total_with_what_was_added():
    site, k, kinds = site_of("sk_calcium", ["Ca"])
    total = dict.fromkeys(kinds.names, 0) | {"Ca": 1, "C2": 1, "C3": 2, "C4": 3, "O1": 2, "O2": 3}
    weights = np.array(list(total.values()))
    assert site.inject(0, 30) == 30
    site.advance(5e-3, k)
    free = site.means[0]
    assert site.inject(0, -(10**6)) == -int(free)
    assert 0 <= site.means[0] < 1
    site.inject(0, 100)
    assert (drawn(site) @ weights == 602 + 30 - int(free) + 100).all()


def test_the_state_goes_on_to_the_byte():
    site, k, kinds = site_of("sk_calcium", ["Ca"])
    site.advance(1e-3, k)
    again = NuSite.restored(kinds, site.state)
    for one in (site, again):
        one.inject(0, -7)
        one.advance(1e-3, k)
    assert again.means.tobytes() == site.means.tobytes()
    assert np.array_equal(drawn(again)[:20], drawn(site)[:20])


def test_two_molecules_of_a_kind_that_meet_are_pools():
    network = nubridge.Network.build(
        {"A": 40, "D": 3}, [{"reactants": ["A", "A"], "products": ["D"], "rate": 0.01}], unit="molecules"
    )
    site, k, kinds = site_of(network)
    assert not kinds.in_kind.any()
    site.advance(0.5, k)
    samples = drawn(site)
    assert (samples @ [1, 2] == 46).all()
