"""A train.toml with protocols: what nubridge.train is called with; and the protocols of `nubridge evaluate`."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import Array
from .dynamics import BasisCombination, Dynamics, GridElements, Polynomial, SmoothMap
from .errors import InvalidArgumentError, ModelFileError, ModelNotFoundError
from .learned import family_of
from .network import Network

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

_TOP = {"name", "network", "policy", "family", "inputs", "dynamics", "training", "protocols", "held_out"}
_TRAINING = {"regime", "runs", "seed", "optimiser", "steps", "rate", "patience", "substeps", "window", "volume_um3"}
_PROTOCOL = {"name", "end_s", "points", "initial", "nu", "inputs"}


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The file's tables; a sentence for what cannot be read."""
    source = Path(path)
    try:
        with source.open("rb") as stream:
            return tomllib.load(stream)
    except OSError as error:
        raise ModelNotFoundError(f"{source} cannot be read: {error.strerror}; give the path of a .toml file") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{source} is not valid TOML: {error}; correct that line") from error


def words_of(definition: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The arguments of nubridge.train; `source` among them."""
    _require(definition, _TOP, {"name", "network", "family", "protocols"}, str(path))
    _require(definition.get("training", {}), _TRAINING, set(), f"{path}: training")
    return {
        "source": network_of(definition, path),
        "family": family_of(definition["family"]),
        "dynamics": _dynamics(definition.get("dynamics", {"kind": "terms"}), path),
        "inputs": definition.get("inputs", {}),
        "protocols": protocols_of(definition, path, "protocols"),
        "held_out": protocols_of(definition, path, "held_out"),
        "name": definition["name"],
        "policy": definition.get("policy", "clamp"),
        **definition.get("training", {}),
    }


def network_of(definition: Mapping[str, Any], path: Path) -> Network:
    """By name, or a file beside this one."""
    beside = path.parent / definition["network"]
    return Network(beside if beside.is_file() else definition["network"])


def protocols_of(definition: Mapping[str, Any], path: Path, key: str) -> list[dict[str, Any]]:
    """Times and inputs in numbers."""
    made = []
    for number, one in enumerate(definition.get(key, [])):
        where = f"{path}: {key} {number}"
        _require(one, _PROTOCOL, {"end_s"}, where)
        t_s = np.linspace(0.0, float(one["end_s"]), int(one.get("points", 101)))
        inputs = {name: _wave(wave, t_s, f"{where}: {name}") for name, wave in one.get("inputs", {}).items()}
        kept = {word: one[word] for word in ("name", "initial", "nu") if word in one}
        made.append({"t_s": t_s, "inputs": inputs, **kept})
    return made


def _wave(given: Any, t_s: Array, where: str) -> Array:
    """A number; {t_s, values}, linear; {base, bumps = [[height, centre_s, width_s], ...]}; {base, amplitude, period_s}."""
    if isinstance(given, int | float):
        return np.full(len(t_s), float(given))
    if not isinstance(given, Mapping):
        raise ModelFileError(f"{where} is {given!r}; give a number or a table: {_wave.__doc__}")
    if "t_s" in given:
        _require(given, {"t_s", "values"}, {"t_s", "values"}, where)
        return np.interp(t_s, given["t_s"], given["values"])
    _require(given, {"base", "bumps", "amplitude", "period_s"}, {"base"}, where)
    wave = np.full(len(t_s), float(given["base"]))
    for height, centre_s, width_s in given.get("bumps", []):
        wave += height * np.exp(-(((t_s - centre_s) / width_s) ** 2))
    if "period_s" in given:
        wave += given.get("amplitude", 0.0) * (1 - np.cos(2 * math.pi * t_s / given["period_s"])) / 2
    return wave


def _dynamics(given: Mapping[str, Any], path: Path) -> Dynamics:
    words = {key: value for key, value in given.items() if key != "kind"}
    kinds = {"terms": BasisCombination, "grid": GridElements, "polynomial": Polynomial, "map": SmoothMap}
    if given.get("kind") not in kinds:
        raise ModelFileError(
            f"{path}: dynamics has the kind {given.get('kind')!r}; it is terms, grid, polynomial or map"
        )
    try:
        return kinds[given["kind"]](**words)
    except TypeError as error:
        raise ModelFileError(f"{path}: dynamics: {error}; correct that entry") from None


def _require(given: Mapping[str, Any], known: set[str], needed: set[str], where: str) -> None:
    unknown, missing = sorted(set(given) - known), sorted(needed - set(given))
    if unknown or missing:
        fault = f"has an unknown entry {unknown[0]!r}" if unknown else f"lacks {missing[0]!r}"
        raise InvalidArgumentError(f"{where} {fault}; known are {', '.join(sorted(known))}")
