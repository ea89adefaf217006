"""A learned model: a family, a fitted vector field, and where both were learned."""

from __future__ import annotations

import json
import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library, families, paths
from ._arrays import Array, aligned, rows
from ._fields import Action, Field
from .dynamics import BasisCombination, Dynamics, GridElements, Polynomial
from .errors import InvalidArgumentError, NotConvergedError, OutsideDomainError, OutsideDomainWarning
from .families import Family
from .network import Network

_KINDS = {
    "counts": families.Counts,
    "ising_chain": families.IsingChain,
    "binary_field": families.BinaryField,
    "gaussian": families.Gaussian,
    "categorical": families.Categorical,
}
_POLICIES = ("clamp", "extrapolate", "error")
_LEARNED = ("terms", "grid", "polynomial", "map")


class LearnedModel:
    """What nubridge.train gives, and nubridge.Model reads: d nu/dt = F(nu, inputs; c) on a family, with its domain.

    `domain` has the range of each nu and input in the data. Off it `policy` decides: "clamp" holds inputs at the bound and
    warns, "extrapolate" goes on and warns, "error" raises. `coefficients`, by `coefficient_names` where they have names, have
    `standard_errors` if the data were runs. `history` is the loss by step: the mean over time of KL(data || model), in nats.
    """

    def __init__(self, document: Mapping[str, Any], family: Family, field: Field, coefficients: Array) -> None:
        self.document, self.family, self.field = dict(document), family, field
        self.coefficients = np.ascontiguousarray(coefficients, dtype=np.float64)
        self.name: str = document["name"]
        self.nu_names = family.nu_names
        self.observable_names = family.nu_names
        self.input_names = tuple(one["name"] for one in document["inputs"])
        self.input_units = tuple(one["unit"] for one in document["inputs"])
        self.policy: str = document["policy"]
        self.coefficient_names = tuple(document["dynamics"].get("names", ()))
        self.path: Path | None = None

    @property
    def domain(self) -> dict[str, tuple[float, float]]:
        """The range of each nu and input in which the model was learned."""
        inputs = {one["name"]: tuple(one["domain"]) for one in self.document["inputs"]}
        return {**{name: tuple(bounds) for name, bounds in self.document["domain"].items()}, **inputs}

    @property
    def hash(self) -> str | None:
        """Of the text; None before it is saved."""
        return self.document.get("hash")

    @property
    def provenance(self) -> dict[str, Any]:
        """Where the coefficients come from: network, data, seed, settings, errors."""
        return dict(self.document["provenance"])

    @property
    def history(self) -> list[list[float]]:
        """Loss and held-out loss, a row a step."""
        return self.document["provenance"].get("history", [])

    @property
    def theta_path(self) -> tuple[Array, Array]:
        """Which terms matter, by L1 on the start of the fit: penalties from 1 to 0, and theta (penalties x coefficients).

        A penalty of 1 is that at which the first theta leaves 0. Empty for other dynamics and more than 100 coefficients.
        """
        given = self.document["provenance"].get("theta_path", [])
        theta = np.array([row[1] for row in given]).reshape(len(given), len(self.coefficients))
        return np.array([row[0] for row in given]), theta

    @property
    def standard_errors(self) -> Array:
        """Of the coefficients; NaN where the data do not say."""
        given = self.document["dynamics"].get("standard_errors", [None] * len(self.coefficients))
        return np.array([math.nan if one is None else one for one in given])

    def __repr__(self) -> str:
        kind = self.document["dynamics"]["kind"]
        return f"<nubridge.LearnedModel {self.name!r}: {kind}, {len(self.coefficients)} coefficients; nu {', '.join(self.nu_names)}>"

    def outside(self, nu: ArrayLike, inputs: ArrayLike = ()) -> NDArray[np.bool_]:
        """Whether nu or an input is off the domain, one answer a row."""
        state, u = self._aligned(nu, inputs)
        values = np.concatenate([state, u], axis=-1)
        lower, upper = np.array([self.domain[name] for name in (*self.nu_names, *self.input_names)]).T
        slack = 1e-9 * (1 + np.abs(upper - lower))
        return ((values < lower - slack) | (values > upper + slack)).any(axis=-1)

    def rhs(self, nu: ArrayLike, inputs: ArrayLike = ()) -> Array:
        """d nu/dt, per ms."""
        state, u = self._admitted(nu, inputs)
        return self.field.rhs(self.coefficients, state, u)[0] / 1000.0

    def jacobian(self, nu: ArrayLike, inputs: ArrayLike = ()) -> tuple[Array, Array]:
        """(dF/dnu, dF/dinputs) of F = rhs."""
        by_nu, by_input = self.field.jacobian(self.coefficients, *self._admitted(nu, inputs))
        return by_nu / 1000.0, by_input / 1000.0

    def step(
        self,
        nu: ArrayLike,
        inputs: ArrayLike = (),
        dt_ms: float = 1.0,
        inputs_end: ArrayLike | None = None,
        tolerance: float = 1e-9,
    ) -> Array:
        """nu after `dt_ms`, inputs moving linearly to `inputs_end`; Runge-Kutta steps are halved until they agree to
        `tolerance`."""
        if not (math.isfinite(dt_ms) and dt_ms >= 0):
            raise InvalidArgumentError(f"dt_ms is {dt_ms}; a step is finite and not negative")
        state, begin = self._admitted(nu, inputs)
        end = begin if inputs_end is None else self._admitted(nu, inputs_end)[1]
        if dt_ms == 0:
            return state.copy()
        if state.ndim == 2:
            return np.array([self._solved(*row, dt_ms, tolerance) for row in zip(state, begin, end, strict=True)])
        return self._solved(state, begin, end, dt_ms, tolerance)

    def trajectory(self, nu: ArrayLike, t_s: ArrayLike, inputs: ArrayLike = (), substeps: int = 4) -> Array:
        """nu at the times from `nu` at the first; `inputs` is one row, or one a time, linear between."""
        times = np.ascontiguousarray(t_s, dtype=np.float64)
        begin = rows(nu, "nu", len(self.nu_names))
        driven = self._aligned(np.broadcast_to(begin, (len(times), len(begin))).copy(), inputs)[1]
        self._admitted(begin, driven[0])
        return self._action(times, driven, begin, substeps).path(self.coefficients)[1]

    def observe(self, nu: ArrayLike) -> Array:
        """<X_a> at nu, in the order of `observable_names`."""
        moments = self.family.moments(nu)
        return moments[..., len(self.family.moment_names) - len(self.nu_names) :]

    def save(self, folder: Path | str) -> Path:
        """Writes model.json into the folder (or to that .json file), sealed with its hash; equal models give equal bytes."""
        target = Path(folder)
        target = target if target.suffix == ".json" else target / "model.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        library = _library.library()
        text = json.dumps({key: value for key, value in self.document.items() if key != "hash"}, allow_nan=False)
        _library.check(library, library.nubridge_model_seal(text.encode(), str(target).encode()))
        self.document, self.path = json.loads(target.read_text(encoding="utf-8")), target
        return target

    @classmethod
    def load(cls, path: Path) -> LearnedModel:
        """Reads a file that `save` wrote; its hash is checked."""
        text = path.read_text(encoding="utf-8")
        library = _library.library()
        _library.check(library, library.nubridge_model_verify(text.encode(), str(path).encode()))
        document = json.loads(text)
        family = family_of(document["family"])
        inputs = [one["name"] for one in document["inputs"]]
        described = document["dynamics"]
        field = _field_of(described, family, inputs)
        if described["kind"] == "grid":
            field.add(np.array(described["vertices"], np.int32))
        if len(described["coefficients"]) != field.coefficient_count:
            raise InvalidArgumentError(
                f"{path} has {len(described['coefficients'])} coefficients; its dynamics needs {field.coefficient_count}: train it again"
            )
        model = cls(document, family, field, np.array(described["coefficients"]))
        model.path = path
        return model

    def _solved(self, nu: Array, begin: Array, end: Array, dt_ms: float, tolerance: float) -> Array:
        times, driven = np.array([0.0, dt_ms / 1000.0]), np.stack([begin, end])
        before = self._action(times, driven, nu, 1).path(self.coefficients)[1][-1]
        for halvings in range(1, 16):
            after = self._action(times, driven, nu, 2**halvings).path(self.coefficients)[1][-1]
            if np.all(np.abs(after - before) <= 15 * tolerance * (1 + np.abs(after))):
                return after
            before = after
        raise NotConvergedError(f"a step of {dt_ms} ms from nu {nu} does not settle in 32768 parts; shorten it")

    def _action(self, times: Array, driven: Array, nu: Array, substeps: int) -> Action:
        nothing = np.zeros((len(times), len(self.nu_names)))
        return Action(self.field, self.family, times, driven, nothing, np.zeros(len(times)), nu, substeps)

    def _aligned(self, nu: ArrayLike, inputs: ArrayLike) -> tuple[Array, Array]:
        return aligned(nu, inputs, len(self.nu_names), len(self.input_names))

    def _admitted(self, nu: ArrayLike, inputs: ArrayLike) -> tuple[Array, Array]:
        """nu and the inputs as the dynamics sees them."""
        state, u = self._aligned(nu, inputs)
        off = np.atleast_1d(self.outside(state, u))
        if off.any():
            first = int(off.argmax())
            values = dict(
                zip(
                    (*self.nu_names, *self.input_names),
                    np.concatenate([np.atleast_2d(state)[first], np.atleast_2d(u)[first]]),
                    strict=True,
                )
            )
            name = next(name for name, (low, high) in self.domain.items() if not low <= values[name] <= high)
            low, high = self.domain[name]
            text = f"nubridge model {self.name!r}: {name} is {values[name]:.6g}, outside the domain {low:.6g} to {high:.6g}"
            if self.policy == "error":
                raise OutsideDomainError(f"{text}; the policy is error: stay inside, or train on data that reach there")
            warnings.warn(f"{text} ({off.sum()} of {len(off)} rows)", OutsideDomainWarning, stacklevel=4)
        if self.policy == "clamp" and len(self.input_names):
            lower, upper = np.array([self.domain[name] for name in self.input_names]).T
            u = np.clip(u, lower, upper)
        return state, np.ascontiguousarray(u)


def family_of(description: Mapping[str, Any]) -> Family:
    """The family of a "family" section; what it leaves out has the default of its class."""
    kind = description.get("kind")
    if kind not in _KINDS:
        raise InvalidArgumentError(f"the family has the kind {kind!r}; it is one of {', '.join(_KINDS)}")
    try:
        return _KINDS[kind](**{key: value for key, value in description.items() if key != "kind"})
    except TypeError as error:
        raise InvalidArgumentError(f"the family {kind!r}: {error}; correct that entry") from None


def _network_of(described: Mapping[str, Any]) -> Network | None:
    if "network" not in described:
        return None
    network = Network.__new__(Network)
    network._open(described["network"], "learned", {}, None)
    return network


def _field_of(described: Mapping[str, Any], family: Family, inputs: Sequence[str]) -> Field:
    if described["kind"] == "map":
        standard = np.array([described["centre"], described["scale"]])
        return Field.of_map(len(family.nu_names), len(inputs), standard, np.array(described["hidden"]))
    if described["kind"] == "grid":
        return GridElements(described["spacing"], described["arguments"]).field(None, family, inputs)[0]
    if described["kind"] == "polynomial":
        return Polynomial(products=described["products"]).field(None, family, inputs)[0]
    options = {key: described.get(key) for key in ("hop_per_s", "empty", "volume_um3")}
    return BasisCombination(described["each_nu"], **options).field(_network_of(described), family, inputs)[0]


def found(name_or_path: str | os.PathLike[str]) -> LearnedModel | None:
    """The learned model of that name, folder or file; None where another model is, or none."""
    given = Path(name_or_path)
    for path in (given, given / "model.json", paths.prefix() / "models" / given / "model.json"):
        if not path.is_file():
            continue
        try:
            dynamics = json.loads(path.read_text(encoding="utf-8"))["dynamics"]
            return LearnedModel.load(path) if dynamics["kind"] in _LEARNED else None
        except (ValueError, KeyError, TypeError):  # the library says what is wrong with it
            return None
    return None


def require_policy(policy: str) -> None:
    """Raises InvalidArgumentError for one that is unknown."""
    if policy not in _POLICIES:
        raise InvalidArgumentError(f"the policy is {policy!r}; it is one of {', '.join(_POLICIES)}")


def document_of(
    name: str,
    family: Family,
    dynamics: Dynamics,
    network: Network | None,
    inputs: Sequence[tuple[str, str, tuple[float, float]]],
    domain: Mapping[str, tuple[float, float]],
    provenance: Mapping[str, Any],
    policy: str,
) -> dict[str, Any]:
    """model.json without vertices, coefficients and hash."""
    return {
        "schema": "nubridge-model",
        "schema_version": 1,
        "name": name,
        "family": family.description,
        "inputs": [{"name": one, "unit": unit, "domain": list(bounds)} for one, unit, bounds in inputs],
        "dynamics": dynamics.description(network, family, [one for one, _, _ in inputs]),
        "domain": {one: list(bounds) for one, bounds in domain.items()},
        "policy": policy,
        "provenance": dict(provenance),
    }
