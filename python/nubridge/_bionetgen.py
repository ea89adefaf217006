"""BNGL by BioNetGen: what nubridge cannot honour is refused by name, the rest becomes a `.net`."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import NetworkError

BLOCKS = ("model", "parameters", "molecule types", "seed species", "species", "observables", "reaction rules")
_LAWS = re.compile(r"\b(Sat|MM|Hill|Arrhenius|FunctionProduct)\s*\(|\b(TotalRate|MoveConnected)\b|\b(priority)\s*=")
_OPTIONS = {"overwrite", "max_iter", "max_agg", "max_stoich"}
_LIMIT = re.compile(r"(\w+)\s*=>\s*(\{[^}]*\}|[^,{}]+)")


def rules_hash(text: str) -> str:
    """What a `.net` says it was generated from."""
    return hashlib.sha256(text.encode()).hexdigest()


def network_of(path: Path) -> str:
    """The `.net` text of a BNGL file: the `.net` beside it when that was generated from these rules, else BioNetGen's."""
    beside = path.with_suffix(".net")
    text = path.read_text(encoding="utf-8")
    if beside.is_file():
        made = beside.read_text(encoding="utf-8")
        if f"# rules: {rules_hash(text)}\n" in made:
            return made
    return generate(path)


def generate(path: Path) -> str:
    """BioNetGen's network of the rules, with the comments that stand before them and the units of the parameters.

    Raises NetworkError for a construct that cannot be honoured, and with BioNetGen's own words for what it refuses.
    """
    text = path.read_text(encoding="utf-8")
    rules, limits = _rules(text, path)
    net = _run(rules + f"generate_network({{{','.join(['overwrite=>1', *limits])}}})\n", path)
    before = re.split(r"^\s*begin ", text, maxsplit=1, flags=re.M)[0]
    head = [line.rstrip() for line in before.splitlines() if line.startswith("#") and not line.startswith("# rules:")]
    inside = (line.strip() for line in text[len(before) :].splitlines())
    head += [line for line in inside if re.match(r"# (unit|name|variant): ", line)]
    body = [line.rstrip() for line in net.splitlines() if not line.startswith("#")]
    return "\n".join([*head, f"# rules: {rules_hash(text)}", *_with_units(body, _units(text))]) + "\n"


def _lines(text: str) -> Iterator[tuple[int, str, str]]:
    """Number, block and code of each line; the block is empty outside, and "begin" or "end" lines belong to theirs."""
    block = ""
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("#")[0].strip()
        if match := re.fullmatch(r"begin\s+(.*)", code):
            block = " ".join(match[1].split())
        yield number, block, code
        if re.match(r"end\b", code):
            block = ""
        if block == "model":
            block = ""


def _rules(text: str, path: Path) -> tuple[str, list[str]]:
    """The text without its actions, and the limits that its generate_network sets."""
    kept, limits = text.splitlines(), []
    for number, block, code in _lines(text):
        where = f"{path}:{number}"
        if block and block not in BLOCKS:
            raise NetworkError(
                f"{where}: the block '{block}' is not supported; write constant rates, mass action and one volume"
            )
        if block == "reaction rules" and (found := _LAWS.search(code)):
            name = next(filter(None, found.groups()))
            raise NetworkError(f"{where}: '{name}' is not supported; write elementary steps by mass action")
        if block or not code or code.startswith(("end ", "version")):
            continue
        if not re.match(r"generate_network\b", code):
            action = re.match(r"\w*", code)[0] or code
            raise NetworkError(f"{where}: '{action}' outside the model is not honoured; remove it: '{code}'")
        limits = _limits(code, where)
        kept[number - 1] = ""
    return "\n".join(kept) + "\n", limits


def _limits(code: str, where: str) -> list[str]:
    given = _LIMIT.findall(code.split("(", 1)[-1].strip(" ();").strip("{}"))
    for name, _ in given:
        if name not in _OPTIONS:
            raise NetworkError(
                f"{where}: the option '{name}' of generate_network is not honoured; known are {', '.join(sorted(_OPTIONS))}"
            )
    return [f"{name}=>{value}" for name, value in given if name != "overwrite"]


def _units(text: str) -> dict[str, str]:
    """The units that stand as `# unit: 1/s` behind parameters."""
    units = {}
    for (_, block, code), line in zip(_lines(text), text.splitlines(), strict=True):
        stated = re.search(r"#\s*unit:\s*(.+)", line)
        if block == "parameters" and stated and code:
            name = re.match(r"(?:\d+\s+)?(\w+)", code)
            units[name[1] if name else code] = stated[1].strip()
    return units


def _with_units(net: list[str], units: dict[str, str]) -> Iterator[str]:
    inside = False
    for line in net:
        inside = line == "begin parameters" or (inside and not line.startswith("end"))
        words = line.split()
        if inside and len(words) > 2 and words[1] in units:
            line = f"{line.split('#')[0].rstrip()}  # unit: {units[words[1]]}"
        yield line


def _script() -> Path | None:
    package = importlib.util.find_spec("bionetgen")  # not imported: it imports much that is not needed here
    return next(Path(package.origin).parent.glob("bng-*/BNG2.pl"), None) if package else None


def installed() -> bool:
    """Whether generate can work."""
    return _script() is not None and shutil.which("perl") is not None


def _run(text: str, path: Path) -> str:
    script, perl = _script(), shutil.which("perl")
    if importlib.util.find_spec("bionetgen") is None:
        raise NetworkError(f"{path} holds rules: install BioNetGen (pip install bionetgen), or pass its .net")
    if script is None or perl is None:
        raise NetworkError(f"{path} holds rules: BioNetGen needs its BNG2.pl and Perl; install Perl, or pass the .net")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.bngl"
        copy.write_text(text, encoding="utf-8")
        run = subprocess.run([perl, script, copy.name], cwd=folder, capture_output=True, text=True)
        net = copy.with_suffix(".net")
        if run.returncode != 0 or not net.is_file():
            output = [line.strip() for line in (run.stdout + run.stderr).splitlines() if line.strip()]
            said = [line for line in output if "ERROR" in line or "ABORT" in line] or output[-1:]
            raise NetworkError(f"BioNetGen cannot read {path}: {' '.join(said)}")
        return net.read_text(encoding="utf-8")
