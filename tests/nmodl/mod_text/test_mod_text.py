"""The text of the mod files: units, the rules that one text for NEURON 8.2 (C) and 9 (C++) must keep, and their C as strict C99."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from neuron_process import ROOT
from nubridge import paths

MODS = sorted([*(ROOT / "mod").rglob("*.mod"), *(ROOT / "tests" / "nmodl").glob("*/*.mod")])
COMPILER = (os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++") or "c++").split()
every_mod = pytest.mark.parametrize("mod", MODS, ids=lambda mod: mod.name)

# What NEURON 8.2 declares before a file's VERBATIM, of which sk may make use.
PRELUDE = """
#include <stdio.h>
#include <stdlib.h>
#include <math.h>
typedef struct NrnThread { double _t, _dt; int id; } NrnThread;
extern int cvode_active_, nrn_nthread;
extern NrnThread* nrn_threads;
void hoc_execerror(const char*, const char*);
int nrn_pointing(double*);
extern double hoc_Exp(double);
#define exp hoc_Exp
#define t _nt->_t
#define dt _nt->_dt
"""


def verbatim(text):
    """(the VERBATIM blocks at the top level, those in blocks of NMODL)"""
    top, inside, depth = [], [], 0
    for part in re.split(
        r"(^VERBATIM$.*?^ENDVERBATIM$)", re.sub(r"COMMENT.*?ENDCOMMENT", "", text, flags=re.S), flags=re.S | re.M
    ):
        if part.startswith("VERBATIM"):
            (inside if depth else top).append(part.removeprefix("VERBATIM").removesuffix("ENDVERBATIM"))
        else:
            part = re.sub(r":.*", "", part)
            depth += part.count("{") - part.count("}")
    return top, inside


def variables(text):
    """The variables of the mechanism and the derivatives of its states."""
    found = []
    for kind in ("PARAMETER", "STATE", "ASSIGNED"):
        body = re.search(rf"^{kind} {{(.*?)^}}", text, re.S | re.M)
        words = re.findall(r"[A-Za-z]\w*", re.sub(r":.*|\([^)]*\)|<[^>]*>|=\s*[-+.\deE]+", "", body[1] if body else ""))
        found += words + ([f"D{word}" for word in words] if kind == "STATE" else [])
    return [name for name in found if name not in ("t", "dt")]


def c99_errors(text):
    """What a strict C99 compiler says of the VERBATIM blocks, with the macros that nocmodl makes of the variables."""
    top, inside = verbatim(text)
    macros = "".join(f"#define {name} _p[{i}]\n" for i, name in enumerate(variables(text)))
    arguments = "double* _p, NrnThread* _nt, double _li, double _lnu, double _ldue, double _lsolving, " + ", ".join(
        f"double _ld{i}" for i in range(1, 7)
    )
    arguments += ", double _ld[96], double _lo[4], double _ltaken_back, double _ltaking, double _lum3"
    functions = "".join(
        f"int f{i}({arguments});\nint f{i}({arguments}) {{\n{block}\nreturn 0; }}\n" for i, block in enumerate(inside)
    )
    strict = "-x c -std=c99 -pedantic-errors -Wall -Wextra -Werror -Wno-unused-parameter -Wno-unused-but-set-parameter".split()
    command = [*COMPILER, *strict, "-fsyntax-only", f"-I{paths.prefix() / 'include'}", "-"]
    code = PRELUDE + macros + "\n".join(top) + functions
    return subprocess.run(command, input=code, capture_output=True, text=True).stderr


def faults(text):
    """The rules that the text of a mod file breaks."""
    top, inside = verbatim(text)
    lines = [line.strip() for block in inside for line in block.splitlines()]
    if not re.search(r"^NEURON \{\s*THREADSAFE\b", text, re.M):
        yield "THREADSAFE does not come first in NEURON"
    if any(re.search(r"//(?!\S*\")", re.sub(r'"[^"\n]*"', "", block)) for block in (*top, *inside)):
        yield "a // comment in VERBATIM"
    if any(re.search(r"_nt->[a-z]", block) for block in (*top, *inside)):
        yield "_nt->t instead of _nt->_t"
    for block in inside:
        if sum(bool(line.strip()) and not line.startswith("#") for line in block.splitlines()) > 10:
            yield "a VERBATIM block of more than ten lines"
    if any(re.search(r"\b_p\b", line) for line in lines):
        yield "a local _p, which CoreNEURON renames"
    if "TITLE " not in text:
        yield "no TITLE"


@every_mod
def test_modlunit_finds_no_error(mod):
    modlunit = Path(sys.executable).with_name("modlunit")
    command = [str(modlunit) if modlunit.is_file() else shutil.which("modlunit"), str(mod)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "<<ERROR>>" not in done.stdout + done.stderr


@every_mod
def test_text_keeps_the_rules(mod):
    assert list(faults(mod.read_text(encoding="utf-8"))) == []


@every_mod
def test_verbatim_is_strict_c99(mod):
    assert c99_errors(mod.read_text(encoding="utf-8")) == ""


@every_mod
def test_every_parameter_and_state_has_a_unit(mod):
    for kind in ("PARAMETER", "STATE", "ASSIGNED"):
        body = re.search(rf"^{kind} {{(.*?)^}}", mod.read_text(encoding="utf-8"), re.S | re.M)
        without_unit = re.sub(
            r":.*|[A-Za-z]\w*\s*(?:=\s*[-+.\deE]+\s*)?\([^)]*\)(?:\s*<[^>]*>)?", "", body[1] if body else ""
        )
        assert without_unit.split() == []


GOOD = """TITLE x
NEURON {
    THREADSAFE
    SUFFIX x
}
PARAMETER {
    a = 1 (ms)
}
PROCEDURE f() {
VERBATIM
    double b_ = a + _nt->_t;
    a = b_;
ENDVERBATIM
}
"""


def test_checks_accept_a_good_text():
    assert list(faults(GOOD)) == []
    assert c99_errors(GOOD) == ""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("THREADSAFE\n    SUFFIX x", "SUFFIX x\n    THREADSAFE", "THREADSAFE does not come first"),
        ("double b_", "// why\n    double b_", "// comment"),
        ("_nt->_t", "_nt->t", "_nt->_t"),
        ("    a = b_;\n", "    a = b_;\n" * 10, "more than ten lines"),
        ("b_", "_p", "CoreNEURON renames"),
        ("TITLE x", "", "no TITLE"),
    ],
)
def test_checks_name_a_fault(old, new, fault):
    (found,) = faults(GOOD.replace(old, new))
    assert fault in found


@pytest.mark.parametrize(
    ("old", "new"), [("b_", "a"), ("double b_", "const auto b_"), ("a = b_;", "a = (b_"), ("_nt->_t", "unknown(1)")]
)
def test_c99_check_refuses(old, new):
    assert c99_errors(GOOD.replace(old, new)) != ""
