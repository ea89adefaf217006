"""The gradient of the action of decay and pair annihilation on the infinite Ising chain, by nubridge and by SciPy."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable

import numpy as np

import nubridge
from nubridge._fields import Action, Field, total

BEGIN = np.array([0.5, 0.1])
T_S = np.linspace(0, 1, 21)
THETA = np.array([0.9, 0.6, 1.1, 0.4])
GRADIENTS = 20


def subjects() -> dict[str, Callable[[], float]]:
    """ms a gradient: four thetas by the adjoint, a grid of elements, and SciPy where it is installed."""
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
    return made


def timed_ms(gradient: Callable[[], object]) -> float:
    """Processor time of one."""
    begin = time.process_time()
    for _ in range(GRADIENTS):
        gradient()
    return 1e3 * (time.process_time() - begin) / GRADIENTS


def moments(nu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Molecules and bonds a site (learning.md 1.11)."""
    h, j = nu
    e, b = np.exp(h + j), np.exp(h)
    d = np.sqrt((1 - e) ** 2 + 4 * b)
    return (e + ((e - 1) * e + 2 * b) / d) / (1 + e + d), (e + (e - 1) * e / d) / (1 + e + d)


def terms_of(nu: np.ndarray) -> np.ndarray:
    """F_h and F_J of each reaction, by their closed forms: what a user of SciPy derives by hand."""
    rho, eta = moments(nu)
    a, b = rho - eta, 1 - 2 * rho + eta
    cross = -2 / a - 2 / b
    inverse = np.array([[-1 / (1 - rho) - 1 / rho + 2 / a + 4 / b, cross], [cross, 1 / eta + 1 / b + 2 / a]])
    return inverse @ np.array([[-rho, -2 * eta], [-2 * eta, -(eta + 2 * eta**2 / rho)]])


def by_scipy(awake: np.ndarray) -> np.ndarray:
    """Forward differences of the action along solve_ivp, at about the accuracy of our steps."""
    from scipy.integrate import solve_ivp

    def value(theta: np.ndarray) -> float:
        weights = theta.reshape(2, 2)
        path = solve_ivp(
            lambda _, nu: (weights * terms_of(nu)).sum(axis=1), (0, 1), BEGIN, t_eval=T_S, rtol=1e-7, atol=1e-9
        ).y
        rho, eta = moments(path)
        return float((np.log((1 - rho) / (1 - 2 * rho + eta)) - (path.T * awake).sum(axis=1)).sum())

    here = value(THETA)
    return np.array([(value(THETA + step) - here) / 1e-6 for step in 1e-6 * np.eye(4)])
