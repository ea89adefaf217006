"""The arrows between the layers of bridge/src: what a source file may include."""

import re
from collections.abc import Iterator
from pathlib import Path

ARROWS = {
    "units": (),
    "chemistry": ("units",),
    "maxent": ("chemistry",),
    "dynamics": ("maxent",),
    "model_file": ("dynamics",),
    "learning": ("dynamics", "model_file"),
    "transport": ("units",),
    "coupling": ("transport", "dynamics"),
    "c_api": ("coupling", "learning"),
    "cli": ("c_api", "learning"),
}


def reachable(layer: str) -> set[str]:
    """The layers that `layer` may include: itself and all that its arrows lead to.

    >>> sorted(reachable("maxent"))
    ['chemistry', 'maxent', 'units']
    """
    return {layer}.union(*(reachable(below) for below in ARROWS[layer]))


AT_OR_ABOVE_MAXENT = {layer for layer in ARROWS if "maxent" in reachable(layer)}

# Headers of others, by the longest prefix that fits. Headers without a folder are the compiler's and go anywhere.
EXTERNAL = {
    "Eigen/": AT_OR_ABOVE_MAXENT,
    "nlohmann/": {"model_file", "c_api", "cli"},
    "toml++/": {"model_file", "cli"},
    "boost/hash2/": {"model_file"},
    "boost/interprocess/": {"transport"},
    "boost/multiprecision/": {"chemistry"},
    "boost/numeric/odeint": {"chemistry", "dynamics"},
    "linux/": {"transport"},
    "sys/": {"transport"},
    "nubridge/": {"c_api", "cli"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def violations(source: Path) -> Iterator[str]:
    """One line for each include under `source` (bridge/src) that no arrow allows."""
    for file in sorted(source.rglob("*")):
        if file.suffix not in {".c", ".cc", ".cpp", ".h", ".hpp", ".ipp"}:
            continue
        layer = file.relative_to(source).parts[0]
        if layer not in ARROWS:
            yield f"{file.relative_to(source)}: {layer} is no layer"
            continue
        for match in INCLUDE.finditer(file.read_text(encoding="utf-8")):
            fault = fault_of(source, file, layer, quoted=match[1] == '"', header=match[2])
            if fault:
                yield f"{file.relative_to(source)}: {layer} includes {match[2]}: {fault}"


def fault_of(source: Path, file: Path, layer: str, quoted: bool, header: str) -> str | None:
    if quoted:
        for candidate in (source / header, file.parent / header):
            if candidate.is_file():
                target = candidate.resolve().relative_to(source.resolve()).parts[0]
                return None if target in reachable(layer) else f"no arrow leads from {layer} to {target}"
    prefixes = [prefix for prefix in EXTERNAL if header.startswith(prefix)]
    if prefixes:
        allowed = EXTERNAL[max(prefixes, key=len)]
        return None if layer in allowed else "allowed in " + ", ".join(sorted(allowed))
    if quoted:
        return "no such file in bridge/src"
    return "this library is in no layer's list (tests/architecture/layers.py)" if "/" in header else None
