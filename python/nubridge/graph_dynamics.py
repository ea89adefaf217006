"""Graph-constrained correlation dynamics (Johnson et al. 2015): nu of a graph at each time, then d nu/dt by regression."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._arrays import Array, aligned
from ._boltzmann import samples_of
from ._optimise import lasso_path, nonnegative
from ._simulated import driven_by
from .dynamics import Polynomial, products_up_to
from .errors import InvalidArgumentError, OutsideDomainWarning
from .families import BinaryField
from .learned import LearnedModel, document_of
from .results import Result

# Sets of errors on top of the data, from which the errors of theta come: known to 1 / sqrt(2 * 50) = 10 %.
_REPEATS = 50

#: A candidate: rows of nu and of inputs to one number a row.
Candidate = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Slices:
    """One protocol as the family sees it: `nu` (times x nu) and the `covariance` of its error (times x nu x nu) at `t_s`
    under `inputs` (times x inputs)."""

    t_s: Array
    inputs: Array
    nu: Array
    covariance: Array

    @property
    def standard_errors(self) -> Array:
        """Of nu, times x nu."""
        return np.sqrt(np.diagonal(self.covariance, axis1=1, axis2=2))

    def shaken(self, random: np.random.Generator) -> Slices:
        """With another error of nu on top."""
        noise = random.standard_normal((*self.nu.shape, 1))
        return replace(self, nu=self.nu + (np.linalg.cholesky(self.covariance) @ noise)[..., 0])


@dataclass(frozen=True)
class GraphDynamics:
    """d nu_a/dt = SUM_A theta[a, A] f_A(nu, inputs) on the graph of `family`; made by nubridge.gccd.

    `standard_errors` are those of theta, from the errors of the slices' nu; NaN where theta is 0. `paths` has for each nu the pairs (penalty, theta) of its L1
    path, the penalty in standard errors. `slices` is what was regressed, `domain` the range of each nu and input there.
    """

    family: BinaryField
    input_names: tuple[str, ...]
    candidates: Mapping[str, Candidate]
    theta: Array
    standard_errors: Array
    paths: tuple[tuple[tuple[float, Array], ...], ...]
    slices: tuple[Slices, ...]
    #: Up to which the candidates are all products; None for candidates of one's own.
    order: int | None = None

    @property
    def domain(self) -> dict[str, tuple[float, float]]:
        """The range of each nu and input in the slices."""
        seen = np.concatenate([np.hstack([one.nu, one.inputs]) for one in self.slices])
        names = (*self.family.nu_names, *self.input_names)
        return {name: (float(column.min()), float(column.max())) for name, column in zip(names, seen.T, strict=True)}

    def model(self, name: str = "gccd", policy: str = "clamp", units: Mapping[str, str] | None = None) -> LearnedModel:
        """The same as a nubridge.LearnedModel with polynomial dynamics, which can be saved; `units` are those of inputs."""
        if self.order is None:
            raise InvalidArgumentError(
                "the candidates are functions of your own, which no file holds; pass an order as candidates"
            )
        known = (*self.family.nu_names, *self.input_names)
        products, kept = products_up_to(known, self.order), self.theta != 0
        listed = {
            nu: [products[i] for i in np.flatnonzero(row)] for nu, row in zip(self.family.nu_names, kept, strict=True)
        }
        dynamics = Polynomial(products=listed)
        field, names = dynamics.field(None, self.family, self.input_names)
        units = {one: (units or {}).get(one, "1") for one in self.input_names}
        inputs = [(one, unit, self.domain[one]) for one, unit in units.items()]
        ranges = {one: self.domain[one] for one in self.family.nu_names}
        made_by = {"method": "gccd", "protocols": len(self.slices)}
        document = document_of(name, self.family, dynamics, None, inputs, ranges, made_by, policy)
        found = {"coefficients": self.theta[kept].tolist(), "standard_errors": self.standard_errors[kept].tolist()}
        document["dynamics"].update(found, names=list(names))
        return LearnedModel(document, self.family, field, self.theta[kept])

    def rhs(self, nu: ArrayLike, inputs: ArrayLike = ()) -> Array:
        """d nu/dt, per second; one row an instance."""
        state, given = aligned(nu, inputs, len(self.family.nu_names), len(self.input_names))
        return _values(self.candidates, state, given) @ self.theta.T

    def trajectory(self, nu: ArrayLike, t_s: ArrayLike, inputs: ArrayLike = (), substeps: int = 10) -> Array:
        """nu at the times from `nu` at the first, by Runge-Kutta steps; warns where it leaves the domain.

        `inputs` is one row, or one a time, linear between.
        """
        times = np.asarray(t_s, dtype=np.float64)
        begin = np.asarray(nu, dtype=np.float64)
        path, driven = aligned(
            np.broadcast_to(begin, (len(times), len(begin))).copy(), inputs, len(begin), len(self.input_names)
        )
        for i, (t, end) in enumerate(itertools.pairwise(times)):
            dt, here = (end - t) / substeps, path[i]
            for part in range(substeps):
                u = [driven[i] + (part + c) / substeps * (driven[i + 1] - driven[i]) for c in (0, 0.5, 1)]
                a = self.rhs(here, u[0])
                b = self.rhs(here + dt / 2 * a, u[1])
                c = self.rhs(here + dt / 2 * b, u[1])
                here = here + dt / 6 * (a + 2 * b + 2 * c + self.rhs(here + dt * c, u[2]))
            path[i + 1] = here
        self._warn(np.hstack([path, driven]))
        return path

    def _warn(self, rows: Array) -> None:
        for (name, (low, high)), column in zip(self.domain.items(), rows.T, strict=True):
            off = column[~((column >= low) & (column <= high))]
            if len(off):
                text = f"{name} is {off[0]:.6g}, outside the domain {low:.6g} to {high:.6g} ({len(off)} of {len(rows)} times)"
                warnings.warn(text, OutsideDomainWarning, stacklevel=3)

    def __repr__(self) -> str:
        names = tuple(self.candidates)
        laws = []
        for nu, row in zip(self.family.nu_names, self.theta, strict=True):
            terms = " ".join(f"{row[i]:+.3g} {names[i]}" for i in np.flatnonzero(row))
            laws.append(f"d {nu}/dt = {terms or 0}")
        return f"<nubridge.GraphDynamics: {'; '.join(laws)}>"


def gccd(
    family: BinaryField,
    data: Mapping[str, Any] | Result | Sequence[Mapping[str, Any] | Result],
    candidates: int | Mapping[str, Candidate] = 1,
    *,
    inputs: Sequence[str] = (),
    graph_z: float | None = None,
    theta_z: float | None = None,
    positive: bool = False,
    method: str = "exact",
    **how: Any,
) -> GraphDynamics:
    """A graph and d nu/dt on it from samples at times.

    `family` holds the candidate cliques, `data` one or several mappings of `t_s` and `samples` (times x samples x units,
    0 and 1), and what `inputs` names: a number, one a time, or a callable; or, without inputs, results of
    nubridge.simulate whose species are the units. First each time has its nu by
    `BinaryField.fit` (`method`, `how`). With `method` "exact" the graph is found: by an L1 fit with a penalty of `graph_z`
    standard errors; then the cliques found at any time are fitted without it, and those stay whose nu reaches as many
    standard errors at some time. 0 keeps all cliques.

    Then nu(t) = nu(0) + SUM theta INTEGRAL f(nu, inputs) dt is regressed on the candidates: by name functions of
    (rows of nu, rows of inputs), or a number for all products of nu and inputs up to that order. The L1 path offers sets
    of candidates, the Bayesian information criterion of least squares chooses one, and the theta that do not reach
    `theta_z` standard errors leave it one by one. `positive` allows no theta below 0. Unless said both z are such that
    over all tests something that is not there stays with a chance of 1 % at most, were the errors normal.

    >>> import numpy as np, nubridge
    >>> field = nubridge.BinaryField(["a", "b"], [("a",), ("b",), ("a", "b")])
    >>> t_s = np.linspace(0, 2, 21)
    >>> begins = ([2.0, 0.5], [0.5, 2.0])
    >>> data = []
    >>> for i, begin in enumerate(begins):
    ...     nu = [[first * np.exp(-t), second * np.exp(-t), 0.0] for t in t_s for first, second in [begin]]
    ...     data.append({"t_s": t_s, "samples": field.sample(nu, 4000, seed=100 * i)})
    >>> found = nubridge.gccd(field, data)
    >>> found.family.nu_names
    ('a', 'b')
    >>> bool((abs(found.theta - [[0, -1, 0], [0, 0, -1]]) < 0.05).all()), tuple(found.candidates)
    (True, ('1', 'a', 'b'))
    """
    listed = [data] if isinstance(data, Mapping | Result) else list(data)
    names = (inputs,) if isinstance(inputs, str) else tuple(inputs)
    seen = [_read(family, one, names, f"protocol {i}") for i, one in enumerate(listed)]
    if method == "exact":
        family = _graph(family, seen, graph_z)
    slices = []
    for t_s, samples, driven in seen:
        fits = [family.fit(rows, method, **how) for rows in samples]
        slices.append(
            Slices(t_s, driven, np.array([fit.nu for fit in fits]), np.array([fit.covariance for fit in fits]))
        )
    offered = _products((*family.nu_names, *names), candidates) if isinstance(candidates, int) else dict(candidates)
    random = np.random.default_rng(0)
    shaken = [[one.shaken(random) for one in slices] for _ in range(_REPEATS)]
    normals = [_normals(some, offered) for some in (slices, *shaken)]
    theta, errors = np.zeros((2, len(family.nu_names), len(offered)))
    least_z = _least_z(theta.size) if theta_z is None else theta_z
    paths = []
    for a in range(len(theta)):
        choice = _Choice([some[a] for some in normals], positive)
        paths.append(choice.path())
        theta[a], errors[a] = choice.selected(paths[-1], least_z)
    order = candidates if isinstance(candidates, int) else None
    return GraphDynamics(family, names, offered, theta, errors, tuple(paths), tuple(slices), order)


def _read(
    family: BinaryField, source: Mapping[str, Any] | Result, inputs: Sequence[str], name: str
) -> tuple[Array, list[Array], Array]:
    """Times, samples a time, and inputs at the times."""
    if isinstance(source, Result):
        units = family.description["units"]
        missing = [unit for unit in units if unit not in source.names]
        if missing:
            raise InvalidArgumentError(f"{name} has no {missing[0]!r}; record every unit: {', '.join(units)}")
        source = {"t_s": source.t_s, "samples": np.stack([source[unit].T for unit in units], axis=-1)}
    missing = [key for key in ("t_s", "samples") if key not in source]
    if missing:
        raise InvalidArgumentError(f"{name} lacks {missing[0]!r}; give t_s and samples (times x samples x units)")
    t_s = np.asarray(source["t_s"], dtype=np.float64)
    if t_s.ndim != 1 or len(t_s) < 3 or not (np.diff(t_s) > 0).all() or len(source["samples"]) != len(t_s):
        raise InvalidArgumentError(
            f"{name} has times of the shape {t_s.shape} and {len(source['samples'])} sets of samples; "
            "there are at least 3 times, they ascend, and each has its samples"
        )
    samples = [samples_of(rows, family, None)[0] for rows in source["samples"]]
    return t_s, samples, driven_by(source, inputs, t_s)


def _least_z(tests: int) -> float:
    """What the largest of so many standard normal numbers passes with a chance below 1 % (their tail is below exp(-z^2/2))."""
    return float(np.sqrt(2 * np.log(100 * tests)))


def _graph(family: BinaryField, seen: Sequence[tuple[Array, list[Array], Array]], z: float | None) -> BinaryField:
    """The family with the cliques of two units and more that the samples ask for."""
    sets = [rows for _, samples, _ in seen for rows in samples]
    cliques = [tuple(clique) for clique in family.description["cliques"]]
    least = _least_z(len(cliques) * len(sets)) if z is None else z
    if least == 0:
        return family

    def of(kept: Array) -> BinaryField:
        chosen = [clique for clique, keep in zip(cliques, kept, strict=True) if keep or len(clique) == 1]
        return BinaryField(family.description["units"], chosen, family.sign)

    found = np.any([family.fit(rows, penalty=least).nu != 0 for rows in sets], axis=0)
    first = of(found)
    fits = [first.fit(rows) for rows in sets]
    far = np.max([np.abs(fit.nu / fit.standard_errors) for fit in fits], axis=0)
    strong = {tuple(clique) for clique, one in zip(first.description["cliques"], far, strict=True) if one > least}
    return of(np.array([clique in strong for clique in cliques]))


def _products(names: tuple[str, ...], order: int) -> dict[str, Candidate]:
    """1, and all products of nu and inputs up to the order, by name."""
    made: dict[str, Candidate] = {}
    for product in products_up_to(names, order):
        places = [names.index(factor) for factor in product]
        made[" ".join(product) or "1"] = lambda nu, inputs, places=places: np.hstack([nu, inputs])[:, places].prod(
            axis=1
        )
    return made


def _values(candidates: Mapping[str, Candidate], nu: Array, inputs: Array) -> Array:
    """f_A, a row an instance."""
    rows, given = np.atleast_2d(nu), np.atleast_2d(inputs)
    columns = []
    for name, f in candidates.items():
        value = np.asarray(f(rows, given), dtype=np.float64)
        if value.shape != (len(rows),):
            raise InvalidArgumentError(
                f"the candidate {name!r} gave the shape {value.shape} for {len(rows)} rows of nu; it gives one number a row"
            )
        columns.append(value)
    values = np.stack(columns, axis=1)
    return values if np.ndim(nu) == 2 else values[0]


def _integrals(one: Slices, candidates: Mapping[str, Candidate]) -> Array:
    """INTEGRAL f dt from the first time on, by the trapezoidal rule with the correction of its ends (Euler, Maclaurin)."""
    f, dt = _values(candidates, one.nu, one.inputs), np.diff(one.t_s)[:, None]
    slope = np.gradient(f, one.t_s, axis=0)
    pieces = dt / 2 * (f[:-1] + f[1:]) - dt**2 / 12 * np.diff(slope, axis=0)
    return np.vstack([np.zeros(f.shape[1]), np.cumsum(pieces, axis=0)])


class _Normal(NamedTuple):
    """Least squares of one nu: normal matrix and right side, the sum of squares, how many numbers there are."""

    h: Array
    b: Array
    whole: float
    count: int


def _normals(slices: Sequence[Slices], candidates: Mapping[str, Candidate]) -> list[_Normal]:
    """Of each nu on the integrals, each protocol with a free begin."""
    made, integrals = [], [_integrals(one, candidates) for one in slices]
    for a in range(slices[0].nu.shape[1]):
        h, b, whole, count = np.zeros((len(candidates),) * 2), np.zeros(len(candidates)), 0.0, 0
        for one, f in zip(slices, integrals, strict=True):
            w = 1 / one.covariance[:, a, a]
            x, y = f - w @ f / w.sum(), one.nu[:, a] - w @ one.nu[:, a] / w.sum()
            h, b, whole = h + (x.T * w) @ x, b + (x.T * w) @ y, whole + float(w @ y**2)
            count += len(y) - 1
        made.append(_Normal(h, b, whole, count))
    return made


class _Choice:
    """Which candidates one nu has: least squares of the data, and of the data with other errors on top."""

    def __init__(self, normals: Sequence[_Normal], positive: bool) -> None:
        scale = np.sqrt(np.diagonal(normals[0].h))
        known = scale > 1e-9 * scale.max(initial=0.0)
        self.scale, self.positive = np.where(known, scale, 1.0), positive
        self.normals = []
        for h, b, whole, count in normals:
            unit = np.where(np.outer(known, known), h / np.outer(self.scale, self.scale), 0.0)
            unit += np.diag(np.where(known, 1e-10, 1.0))
            self.normals.append(_Normal(unit, np.where(known, b, 0.0) / self.scale, whole, count))

    def path(self) -> tuple[tuple[float, Array], ...]:
        """L1, the penalty in standard errors."""
        h, b = self.normals[0][:2]
        return tuple((weight, x / self.scale) for weight, x in lasso_path(h, b, np.ones(len(b)), self.positive))

    def selected(self, path: Sequence[tuple[float, Array]], least_z: float) -> tuple[Array, Array]:
        """Theta and its standard errors."""
        _, b, whole, count = self.normals[0]
        best, kept = np.inf, np.zeros(len(b), dtype=bool)
        for offered in (x != 0 for _, x in path):
            left = max(whole - b @ self._theta(0, offered), 1e-12 * whole)
            criterion = count * np.log(left / count) + offered.sum() * np.log(count)
            if criterion < best and offered.sum() < count:
                best, kept = criterion, offered
        while True:
            theta = self._theta(0, kept)
            errors = np.std([self._theta(i, kept) for i in range(1, len(self.normals))], axis=0, ddof=1)
            z = np.where(kept, np.abs(theta) / np.where(kept, np.maximum(errors, 1e-300), 1.0), np.inf)
            if z.min() >= least_z:
                return theta / self.scale, np.where(kept, errors, np.nan) / self.scale
            kept = kept & (np.arange(len(b)) != z.argmin())

    def _theta(self, number: int, kept: np.ndarray) -> Array:
        h, b = self.normals[number][:2]
        theta, part = np.zeros(len(b)), h[np.ix_(kept, kept)]
        theta[kept] = nonnegative(part, b[kept]) if self.positive else np.linalg.solve(part, b[kept])
        return theta
