"""From a network and data, or from a training file, to a model file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _library
from ._arrays import Array
from ._awake import Protocol, close, species_of
from ._ensemble import default_threads
from ._fit import Fit, cover, windows
from ._mpi import shared
from ._optimise import LBFGS, Adam
from ._simulated import given, simulated
from ._train_file import read_toml, words_of
from .dynamics import BasisCombination, Dynamics, GridElements, SmoothMap
from .errors import Interrupted, InvalidArgumentError, ModelFileError
from .families import Family
from .kernel import Kernel
from .learned import LearnedModel, document_of, require_policy
from .model import Model
from .network import Network

_SCHEMA = {"schema": "nubridge-model", "schema_version": 1}
_KERNEL_KINDS = ("mass_action", "subunit_sums")
_OPTIMISERS = ("gauss-newton", "lbfgs", "adam")
_MOST_ERRORS = 100


def train(
    source: Network | str | os.PathLike[str] | None,
    output: str | os.PathLike[str] | None = None,
    *,
    family: Family | None = None,
    dynamics: Dynamics | None = None,
    data: Any = None,
    protocols: Iterable[Mapping[str, Any]] = (),
    held_out: Iterable[Any] = (),
    inputs: Mapping[str, str] | Sequence[str] = (),
    regime: str = "ssa",
    runs: int = 100,
    seed: int = 0,
    optimiser: str = "gauss-newton",
    steps: int = 50,
    rate: float = 0.01,
    patience: int = 10,
    substeps: int = 4,
    window: int | None = None,
    policy: str = "clamp",
    name: str = "learned",
    threads: int | None = None,
    comm: Any = None,
    resume: bool = False,
    progress: bool | None = None,
    **simulation: Any,
) -> Model | LearnedModel | Kernel:
    """Learns d nu/dt = F(nu, inputs) of a `family` from data; or, given the path of a train.toml alone, makes its model.

    `source` is the network (or its name; None when data are given and dynamics needs no network). `dynamics` is a
    nubridge.BasisCombination (the default), GridElements, Polynomial or SmoothMap. Awake moments come from `data` (a Result, a
    mapping of arrays with t_s, a .h5, .csv or .npz file, or a list of these) or from simulating `protocols` in `regime`:
    each a mapping of `t_s`, and where wanted `initial` amounts or a law `nu`, `inputs` by name (a number, values at t_s,
    a callable), `name`. `simulation` goes to nubridge.simulate (volume_um3, space, ...). `inputs` names what drives the
    network, with units where it is a mapping. `held_out` are protocols or data that are not trained on: training keeps
    the coefficients with the least loss on them and stops `patience` steps after the best.

    The loss is the mean over time of KL(data's law || model's law), both in the family, along nu(t) from the data's
    first moments (`substeps` Runge-Kutta steps from one time to the next), its gradient is exact. With a `window`
    paths are cut: they begin anew from the data's nu every half window, and are so many intervals long (sliding windows, for
    paths that are long or run away from the data while the coefficients are still wrong). The loss is made small by
    `steps` of `optimiser`: "gauss-newton", "lbfgs", or "adam" at `rate`. `output` is a folder: model.json goes there and a
    checkpoint after every step, so that Ctrl-C loses nothing and `resume` goes on to the bytes of an uncut run. `comm` is
    a communicator of mpi4py: its ranks share the protocols, to simulate and to learn from; all have the model, rank 0
    writes it. The same seed gives the same bytes for any number of threads and ranks.

    >>> import numpy as np, nubridge
    >>> decay = nubridge.Network.build({"A": 10}, [{"name": "decay", "reactants": ["A"], "rate": 1.0}])
    >>> t_s = np.linspace(0, 1, 21)
    >>> data = {"t_s": t_s, "A": 10 * np.exp(-0.7 * t_s)}
    >>> model = nubridge.train(decay, family=nubridge.Counts("A", base="poisson"), data=data)
    >>> dict(zip(model.coefficient_names, model.coefficients.round(6).tolist()))
    {'decay': 0.7}
    """
    if family is None:
        return _sealed(source, output, resume, progress, comm)
    if optimiser not in _OPTIMISERS:
        raise InvalidArgumentError(f"the optimiser is {optimiser!r}; it is one of {', '.join(_OPTIMISERS)}")
    require_policy(policy)
    network = source if isinstance(source, Network) or source is None else Network(source)
    units = _units(inputs)
    dynamics = BasisCombination() if dynamics is None else dynamics
    how = Seen(network, family, tuple(units), regime, runs, seed, simulation)
    listed = [] if data is None else list(data) if isinstance(data, list | tuple) else [data]
    told = [(one, False) for one in listed] + [(one, True) for one in protocols]
    if not told:
        raise InvalidArgumentError("there is nothing to learn from; pass data, or protocols to simulate")
    unseen = list(held_out)
    training = shared(comm, len(told), lambda i: how.protocol(*told[i], i, f"protocol {i}"))
    held = shared(
        comm,
        len(unseen),
        lambda i: how.protocol(unseen[i], how.is_protocol(unseen[i]), len(told) + i, f"held-out protocol {i}"),
    )
    bounds = _ranges(training, family, tuple(units))
    if isinstance(dynamics, SmoothMap):
        dynamics = dynamics.over([bounds[one] for one in (*family.nu_names, *units)])
    field, names = dynamics.field(network, family, tuple(units))
    if isinstance(dynamics, GridElements):
        spacing = np.array([dynamics.spacing.get(nu, 1.0) for nu in family.nu_names])
        cover(field, training, dynamics.margin, spacing)
    positive = isinstance(dynamics, BasisCombination) and dynamics.nonnegative
    ridge = 1e-14 if isinstance(dynamics, BasisCombination) else dynamics.ridge
    pieces = training if window is None else [piece for one in training for piece in windows(one, window)]
    fit = Fit(field, family, pieces, substeps, threads or default_threads(comm), positive, ridge, comm)
    path = fit.l1_path() if isinstance(dynamics, BasisCombination) and field.coefficient_count <= _MOST_ERRORS else []
    if isinstance(dynamics, BasisCombination) and dynamics.penalty:
        fit.kept = _kept(path, dynamics.penalty)
    holding = replace(fit, protocols=held, actions=[], least=0.0) if held else None
    settings = {
        "optimiser": optimiser,
        "rate": rate,
        "patience": patience,
        "substeps": substeps,
        "seed": seed,
        "runs": runs,
        "regime": "data" if data is not None else regime,
        **({} if window is None else {"window": window}),
    }
    data_hash = _digest([*training, *held], family, dynamics, network, settings)
    folder = None if output is None else Path(output).parent if Path(output).suffix == ".json" else Path(output)
    descent = _Descent(fit, holding, settings, data_hash, folder)
    best = descent.run(steps, resume, progress)
    provenance = {
        **settings,
        "network": None if network is None else network.hash,
        "data": data_hash,
        "protocols": [one.name for one in training],
        "held_out": [one.name for one in held],
        "history": descent.history,
        "loss": fit.loss(best),
        "held_out_loss": None if holding is None else holding.loss(best),
        "theta_path": [[penalty, c.tolist()] for penalty, c in path],
    }
    driven = [(one, unit, bounds[one]) for one, unit in units.items()]
    ranges = {nu: bounds[nu] for nu in family.nu_names}
    document = document_of(name, family, dynamics, network, driven, ranges, provenance, policy)
    document["dynamics"].update(_fitted(fit, best, names))
    model = LearnedModel(document, family, field, best)
    if output is not None:
        shared(comm, 1, lambda _: model.save(output))  # rank 0
    return model


def _kept(path: Sequence[tuple[float, Array]], penalty: float) -> NDArray[np.bool_]:
    """The coefficients that are not 0 at this penalty; between two points of the path they are those of either end."""
    if not 0 < penalty < 1 or not path:
        raise InvalidArgumentError(
            f"the penalty is {penalty} for {len(path)} points of a path; it lies between 0 and 1, for at most {_MOST_ERRORS} terms"
        )
    above = [c for weight, c in path if weight > penalty][-1]
    below = next(c for weight, c in path if weight <= penalty)
    return (above != 0) | (below != 0)


def _fitted(fit: Fit, best: Array, names: Sequence[str]) -> dict[str, Any]:
    """What is found, as model.json holds it."""
    errors = fit.standard_errors(best) if len(best) <= _MOST_ERRORS else np.full(len(best), np.nan)
    found = {
        "coefficients": best.tolist(),
        "names": list(names),
        "standard_errors": [None if np.isnan(one) else float(one) for one in errors],
    }
    vertices = fit.field.vertices.tolist()
    return {**found, "vertices": vertices} if vertices else found


def _units(inputs: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Units by input; "1" where none is said."""
    if isinstance(inputs, Mapping):
        return dict(inputs)
    return dict.fromkeys([inputs] if isinstance(inputs, str) else inputs, "1")


class Seen(NamedTuple):
    """How data become protocols of a family."""

    network: Network | None
    family: Family
    inputs: tuple[str, ...]
    regime: str
    runs: int
    seed: int
    simulation: Mapping[str, Any]

    def is_protocol(self, source: Any) -> bool:
        """Whether it is to be simulated: it holds no amounts."""
        return isinstance(source, Mapping) and not any(species in source for species in species_of(self.family))

    def protocol(self, source: Any, simulate: bool, number: int, name: str) -> Protocol:
        """The awake moments of data, or of a simulation with random numbers of its own."""
        if not simulate:
            return close(self.family, given(self.family, self.inputs, source, name))
        if self.network is None:
            raise InvalidArgumentError("protocols are simulated; pass the network")
        named = {"name": name, **source}
        made = (self.regime, self.runs, self.seed + number, self.simulation)
        return close(self.family, simulated(self.network, self.family, self.inputs, named, *made))


class _Descent:
    """Steps of an optimiser with a checkpoint after each, early stopping, and Ctrl-C that keeps what there is."""

    def __init__(
        self, fit: Fit, holding: Fit | None, settings: dict[str, Any], data_hash: str, folder: Path | None
    ) -> None:
        self.fit, self.holding, self.settings, self.folder = fit, holding, settings, folder
        self.key = hashlib.sha256(json.dumps([settings, data_hash], sort_keys=True).encode()).hexdigest()
        self.history: list[list[float]] = []
        self._kept_best: Array | None = None

    def run(self, steps: int, resume: bool, progress: bool | None) -> Array:
        """The best coefficients: least held-out loss, or least loss."""
        c, state, ended = self._begin(resume)
        optimiser = self._optimiser(state)
        value, gradient = self.fit.loss_and_gradient(c)
        if not self.history:
            self._record(c, value)
        best, least = self._best(c)
        with self._bar(steps, progress) as bar:
            try:
                while len(self.history) <= steps and not ended:
                    before = value
                    if optimiser is None:
                        c, value, gradient = self.fit.newton(c, value, gradient)
                    else:
                        c, value, gradient = optimiser.step(self.fit.loss_and_gradient, c, value, gradient)
                    self._record(c, value)
                    if self.history[-1][1] < least:
                        best, least = c.copy(), self.history[-1][1]
                    ended = self._ended(before, value)
                    self._keep(c, best, None if optimiser is None else optimiser.state, ended)
                    bar.set_postfix_str(f"loss {value:.3e}, held out {self.history[-1][1]:.3e}")
                    bar.update()
            except KeyboardInterrupt:
                where = "" if self.folder is None else f"; {self._file} has them: pass resume=True to go on"
                raise Interrupted(f"stopped after {len(self.history) - 1} of {steps} steps{where}", None) from None
        return best

    @property
    def _file(self) -> Path:
        return self.folder / "checkpoint.npz"

    def _begin(self, resume: bool) -> tuple[Array, dict[str, Array], bool]:
        if resume and self.folder is not None and self._file.exists():
            with np.load(self._file) as kept:
                state = dict(kept)
            if str(state.pop("key")) != self.key:
                raise InvalidArgumentError(
                    f"{self._file} was made by other settings or data; pass what they were, or start without resume"
                )
            self.history = state.pop("history").tolist()
            self._kept_best = state.pop("best")
            return state.pop("c"), state, bool(state.pop("ended"))
        c = self.fit.start()
        if not np.isfinite(self.fit.loss(c)):
            c = np.zeros_like(c)
        return c, {}, False

    def _best(self, c: Array) -> tuple[Array, float]:
        if self._kept_best is None:
            return c.copy(), self.history[-1][1]
        return self._kept_best, min(row[1] for row in self.history)

    def _optimiser(self, state: dict[str, Array]) -> LBFGS | Adam | None:
        if self.settings["optimiser"] == "gauss-newton":
            return None
        return LBFGS(state) if self.settings["optimiser"] == "lbfgs" else Adam(self.settings["rate"], state)

    def _record(self, c: Array, value: float) -> None:
        held = value if self.holding is None else self.holding.loss(c)
        self.history.append([float(value), float(held)])

    def _ended(self, before: float, value: float) -> bool:
        """No descent is left, or held-out data stopped gaining."""
        held = [row[1] for row in self.history]
        stale = len(held) - 1 - int(np.argmin(held)) >= self.settings["patience"]
        still = self.settings["optimiser"] != "adam" and before - value <= 1e-13 * (1 + abs(value))
        return stale or still

    def _keep(self, c: Array, best: Array, state: dict[str, Array] | None, ended: bool) -> None:
        if self.folder is None or self.fit.rank > 0:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "checkpoint.part.npz"
        np.savez(part, key=self.key, c=c, best=best, history=np.array(self.history), ended=ended, **(state or {}))
        part.replace(self._file)

    def _bar(self, steps: int, progress: bool | None) -> Any:
        from tqdm import tqdm

        hidden = True if self.fit.rank > 0 else None if progress is None else not progress
        return tqdm(
            total=steps, initial=len(self.history[1:]), desc="training", unit="step", disable=hidden, leave=False
        )


def _ranges(protocols: Sequence[Protocol], family: Family, inputs: Sequence[str]) -> dict[str, tuple[float, float]]:
    nu = np.concatenate([one.nu[one.usable] for one in protocols])
    driven = np.concatenate([one.inputs for one in protocols])
    columns = zip((*family.nu_names, *inputs), (*nu.T, *driven.T), strict=True)
    return {name: (float(column.min()), float(column.max())) for name, column in columns}


def _digest(
    protocols: Sequence[Protocol],
    family: Family,
    dynamics: Dynamics,
    network: Network | None,
    settings: Mapping[str, Any],
) -> str:
    """Of everything that the coefficients depend on."""
    digest = hashlib.sha256(json.dumps([family.description, dict(settings)], sort_keys=True).encode())
    digest.update(repr(dynamics).encode())
    digest.update(b"" if network is None else network.hash.encode())
    for one in protocols:
        for array in (one.t_s, one.inputs, one.awake):
            digest.update(np.ascontiguousarray(array).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _sealed(
    settings: Any, output: str | os.PathLike[str] | None, resume: bool, progress: bool | None, comm: Any
) -> Model | LearnedModel | Kernel:
    """Makes the model that `settings` (train.toml) describes and writes it to `output`, by default model.json beside it.

    A file with protocols is learned. Otherwise a categorical family with the parameter-free closure is exact, and so is
    mass action (`kind = "mass_action"` or `"subunit_sums"`, `network` a name or a file): nothing is fitted, the file is checked, sealed with
    its hash and written. The same settings give the same bytes.
    """
    if isinstance(settings, Network) or settings is None:
        raise InvalidArgumentError("there is no family to learn; pass family=, for example nubridge.Counts")
    source = Path(settings)
    definition = read_toml(source)
    if "protocols" in definition:
        words = words_of(definition, source)
        return train(output=output or source.parent, resume=resume, progress=progress, comm=comm, **words)
    target = Path(output) if output else source.with_name("model.json")
    library = _library.library()
    dynamics = definition.get("dynamics", {})
    is_kernel = isinstance(dynamics, dict) and dynamics.get("kind") in _KERNEL_KINDS
    if is_kernel:
        dynamics["net"] = Network(dynamics.pop("network", "")).to_net()
    schema = {**_SCHEMA, "schema": "nubridge-kernel"} if is_kernel else _SCHEMA
    try:
        text = json.dumps({**schema, **definition}, allow_nan=False)
    except (TypeError, ValueError) as error:  # TOML knows dates and nan
        raise ModelFileError(
            f"{source}: {error}; a model holds texts, finite numbers and lists: correct that entry"
        ) from error
    seal = library.nubridge_kernel_seal if is_kernel else library.nubridge_model_seal
    shared(comm, 1, lambda _: _library.check(library, seal(text.encode(), os.fsencode(target))))  # rank 0
    return Kernel(target) if is_kernel else Model(target)
