"""The gradient of the action of decay and pair annihilation on the infinite Ising chain, by nubridge, SciPy, diffrax and JAX."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import nubridge
from nubridge._fields import Action, Field, total

BEGIN = np.array([0.5, 0.1])
T_S = np.linspace(0, 1, 21)
THETA = np.array([0.9, 0.6, 1.1, 0.4])
GRADIENTS = 20


def subjects() -> dict[str, Callable[[], float]]:
    """ms a gradient: four thetas by the adjoint, a grid of elements, and those of the others that are installed."""
    family = nubridge.IsingChain("A")
    awake = np.tile(family.moments(BEGIN), (len(T_S), 1))
    network = nubridge.Network.build(
        {"A": 0}, [{"reactants": ["A"], "rate": 1.0}, {"reactants": ["A", "A"], "rate": 1.0}]
    )
    terms = Field.of_terms(nubridge.Closure(network, family), each_nu=True)
    grid = Field.on_grid(0, [0.25, 0.25], [[0, 1], [0, 1]])
    places = np.linspace(-1, 1, 9)
    for h in places:
        grid.cover(np.stack([np.full(9, h), places], axis=1), np.empty((9, 0)))
    c = 0.1 * np.sin(np.arange(grid.coefficient_count))

    def adjoint(field: Field, coefficients: np.ndarray) -> Callable[[], float]:
        action = Action(field, family, T_S, np.empty((len(T_S), 0)), awake, np.ones(len(T_S)), BEGIN, 1)
        return lambda: timed_ms(lambda: total([action], coefficients, 1))

    made = {"nubridge, 4 theta": adjoint(terms, THETA), f"nubridge, grid of {len(c)}": adjoint(grid, c)}
    if importlib.util.find_spec("scipy"):
        made["SciPy, 4 theta"] = lambda: timed_ms(lambda: by_scipy(awake))
    if importlib.util.find_spec("jax"):
        made["JAX, 4 theta, 20 steps unrolled"] = by_jax(awake, path_by_steps)
    if importlib.util.find_spec("diffrax"):
        made["diffrax, 4 theta"] = by_jax(awake, path_by_diffrax)
    return made


def timed_ms(gradient: Callable[[], object]) -> float:
    """Of one."""
    begin = time.perf_counter()
    for _ in range(GRADIENTS):
        gradient()
    return 1e3 * (time.perf_counter() - begin) / GRADIENTS


def moments(nu: Any, xp: Any = np) -> tuple[Any, Any]:
    """Molecules and bonds a site (learning.md 1.11); `xp` is numpy or jax.numpy."""
    h, j = nu
    e, b = xp.exp(h + j), xp.exp(h)
    d = xp.sqrt((1 - e) ** 2 + 4 * b)
    return (e + ((e - 1) * e + 2 * b) / d) / (1 + e + d), (e + (e - 1) * e / d) / (1 + e + d)


def terms_of(nu: Any, xp: Any = np) -> Any:
    """F_h and F_J of each reaction, by their closed forms: what a user derives by hand."""
    rho, eta = moments(nu, xp)
    a, b = rho - eta, 1 - 2 * rho + eta
    cross = -2 / a - 2 / b
    inverse = xp.array([[-1 / (1 - rho) - 1 / rho + 2 / a + 4 / b, cross], [cross, 1 / eta + 1 / b + 2 / a]])
    return inverse @ xp.array([[-rho, -2 * eta], [-2 * eta, -(eta + 2 * eta**2 / rho)]])


def action_of(path: Any, awake: Any, xp: Any = np) -> Any:
    """Of nu (2 x times)."""
    rho, eta = moments(path, xp)
    return (xp.log((1 - rho) / (1 - 2 * rho + eta)) - (path.T * awake).sum(axis=1)).sum()


def by_scipy(awake: np.ndarray) -> np.ndarray:
    """Forward differences of the action along solve_ivp, at about the accuracy of our steps."""
    from scipy.integrate import solve_ivp

    def value(theta: np.ndarray) -> float:
        weights = theta.reshape(2, 2)
        path = solve_ivp(
            lambda _, nu: (weights * terms_of(nu)).sum(axis=1), (0, 1), BEGIN, t_eval=T_S, rtol=1e-7, atol=1e-9
        ).y
        return float(action_of(path, awake))

    here = value(THETA)
    return np.array([(value(THETA + step) - here) / 1e-6 for step in 1e-6 * np.eye(4)])


def by_jax(awake: np.ndarray, path_of: Callable[[Callable[[Any, Any], Any], Any], Any]) -> Callable[[], float]:
    """Reverse mode through a path, compiled."""
    import jax

    jax.config.update("jax_enable_x64", True)

    def value(theta: Any) -> Any:
        weights = theta.reshape(2, 2)
        return action_of(path_of(lambda nu, w: (w * terms_of(nu, jax.numpy)).sum(axis=1), weights), awake, jax.numpy)

    gradient = jax.jit(jax.value_and_grad(value))
    return lambda: timed_ms(lambda: jax.block_until_ready(gradient(THETA)))


def path_by_steps(rhs: Callable[[Any, Any], Any], weights: Any) -> Any:
    """Runge and Kutta's steps, the same that ours takes."""
    import jax

    h = T_S[1]

    def step(nu: Any, _: None) -> tuple[Any, Any]:
        k1 = rhs(nu, weights)
        k2 = rhs(nu + h / 2 * k1, weights)
        k3 = rhs(nu + h / 2 * k2, weights)
        k4 = rhs(nu + h * k3, weights)
        nu = nu + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return nu, nu

    begin = jax.numpy.asarray(BEGIN)
    path = jax.lax.scan(step, begin, None, length=len(T_S) - 1, unroll=len(T_S) - 1)[1]
    return jax.numpy.vstack([begin[None], path]).T


def path_by_diffrax(rhs: Callable[[Any, Any], Any], weights: Any) -> Any:
    """Steps of Tsitouras, of the same error as SciPy's."""
    import diffrax

    return diffrax.diffeqsolve(
        diffrax.ODETerm(lambda _, nu, w: rhs(nu, w)),
        diffrax.Tsit5(),
        0.0,
        1.0,
        T_S[1],
        BEGIN,
        args=weights,
        saveat=diffrax.SaveAt(ts=T_S),
        stepsize_controller=diffrax.PIDController(rtol=1e-7, atol=1e-9),
    ).ys.T
