"""Where the library, header, mechanisms, models and hoc files are: in the package (wheel) or in the checkout's build folder."""

import os
from pathlib import Path

from .errors import LibraryError

_PACKAGE = Path(__file__).resolve().parent


def prefix() -> Path:
    """The folder that holds lib, include, mod, models and hoc.

    NUBRIDGE_PREFIX names another one, for example the build of another preset.
    """
    candidates = [_PACKAGE, _PACKAGE.parents[1] / "build" / "release"]
    if named := os.environ.get("NUBRIDGE_PREFIX"):
        candidates = [Path(named).absolute()]
    for candidate in candidates:
        if (candidate / "lib" / "libnubridge.so").is_file():
            return candidate
    searched = ", ".join(str(candidate / "lib") for candidate in candidates)
    raise LibraryError(
        f"libnubridge.so is not in {searched}; run `./run build` in the checkout, or reinstall the package"
    )


def library() -> Path:
    """The shared library."""
    return prefix() / "lib" / "libnubridge.so"


def cache() -> Path:
    """The folder for compiled mechanisms: NUBRIDGE_CACHE, else inside the checkout's build folder, else the user's cache."""
    if named := os.environ.get("NUBRIDGE_CACHE"):
        return Path(named).absolute()
    root = prefix()
    if root != _PACKAGE:
        return root.parent / "mechanisms"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "nubridge"


def demo_output() -> Path:
    """The folder that a demo writes: build/demo in a checkout, else nubridge-demo in the current folder."""
    root = prefix()
    return Path("nubridge-demo") if root == _PACKAGE else root.parent / "demo"
