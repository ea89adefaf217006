"""From a training file to a model file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import _library
from .errors import ModelFileError, ModelNotFoundError
from .model import Model

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

_SCHEMA = {"schema": "nubridge-model", "schema_version": 1}


def train(settings: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Model:
    """Makes the model that `settings` (train.toml) describes and writes it to `output`, by default model.json beside it.

    A categorical family with the parameter-free closure is exact: nothing is fitted, the file is checked, sealed with its hash and
    written. The same settings give the same bytes.
    """
    source = Path(settings)
    try:
        with source.open("rb") as stream:
            definition = tomllib.load(stream)
    except OSError as error:
        raise ModelNotFoundError(f"{source} cannot be read: {error.strerror}; give the path of a train.toml") from error
    except tomllib.TOMLDecodeError as error:
        raise ModelFileError(f"{source} is not valid TOML: {error}; correct that line") from error
    target = Path(output) if output else source.with_name("model.json")
    library = _library.library()
    try:
        text = json.dumps({**_SCHEMA, **definition}, allow_nan=False)
    except (TypeError, ValueError) as error:  # TOML knows dates and nan
        raise ModelFileError(
            f"{source}: {error}; a model holds texts, finite numbers and lists: correct that entry"
        ) from error
    _library.check(library, library.nubridge_model_seal(text.encode(), os.fsencode(target)))
    return Model(target)
