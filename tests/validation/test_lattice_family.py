"""nubridge.Lattice: sampled means against laws that are summed out."""

import numpy as np
import pytest

import nubridge

NU = np.array([-0.6, 0.5])


def test_a_plane_agrees_with_its_sum():
    """4 x 4 sites, summed out by the field with the same nu at every clique: all X within 4 standard errors."""
    plane = nubridge.Lattice((4, 4), chains=1000, sweeps=30)
    exact = plane.field.moments(np.repeat(NU, [16, 24]))
    found = plane.sampled(NU)
    assert (np.abs(found.mean - [exact[:16].sum(), exact[16:].sum()]) < 4 * found.standard_errors).all()
    # ln Z is 12 means along the way: each errs by nu . cov . nu / chains, of which the end has the largest
    error = np.sqrt(NU @ found.covariance @ NU / plane.chains)
    assert plane.log_partition(NU) == pytest.approx(
        float(plane.field.log_partition(np.repeat(NU, [16, 24]))), abs=4 * error
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_ring_agrees_with_the_chain_of_its_length(sign):
    ring = nubridge.Lattice(24, boundary="periodic", sign=sign, chains=2000, sweeps=30)
    chain = nubridge.IsingChain("A", boundary="ring", sites=24, sign=sign)
    found, nu = ring.sampled(sign * NU), sign * NU
    assert ring.nu_names == chain.nu_names == ("A", "A_A")
    assert (np.abs(found.mean - chain.moments(nu)) < 4 * found.standard_errors).all()
    # the covariance of n normal pairs errs by sqrt((s_aa s_bb + s_ab^2) / n); X are sums over 24 sites, nearly normal
    exact = chain.fisher(nu)
    error = np.sqrt((np.multiply.outer(np.diag(exact), np.diag(exact)) + exact**2) / ring.chains)
    assert (np.abs(ring.fisher(nu) - exact) < 4 * error).all()


def test_nu_is_found_from_the_means_of_a_box():
    """4 x 5 x 4 sites, periodic, with rows of three: nu again, within what the chains of the data and of the search tell."""
    box, nu = (
        nubridge.Lattice((4, 5, 4), boundary="periodic", order=3, chains=500, sweeps=30),
        np.array([-1.2, 0.3, 0.2]),
    )
    assert box.nu_names == ("A", "A_A", "A_A_A") and [len(group) for group in box._groups] == [80, 240, 240]
    many = nubridge.Lattice((4, 5, 4), boundary="periodic", order=3, chains=2000, sweeps=30, seed=1).sampled(nu)
    # Newton's last 60 steps average chains of 500 that forget in a few sweeps: better than one set of 500
    error = np.sqrt(np.diagonal(np.linalg.inv(many.covariance)) * (1 / many.chains + 1 / box.chains))
    assert (np.abs(box.from_moments(many.mean) - nu) < 4 * error).all()


def test_the_same_seed_gives_the_same_means():
    plane = nubridge.Lattice((5, 5), chains=50)
    np.testing.assert_array_equal(plane.moments([NU, NU]), nubridge.Lattice((5, 5), chains=50).moments([NU, NU]))
    assert (plane.moments(NU) != nubridge.Lattice((5, 5), chains=50, seed=1).moments(NU)).any()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nubridge.Lattice((2, 2), boundary="periodic"), "more sites along each than its order"),
        (lambda: nubridge.Lattice((2, 2, 2, 2)), "one to three"),
        (lambda: nubridge.Lattice((3, 3), order=4), "order is 4"),
        (lambda: nubridge.Lattice((3, 3)).sampled([0.0]), "nu has the shape"),
        (lambda: nubridge.Lattice((3, 3)).from_moments([9.0, 12.0]), "1 molecules a site"),
    ],
)
def test_what_is_no_lattice_is_refused(call, words):
    with pytest.raises(nubridge.InvalidArgumentError, match=words):
        call()
