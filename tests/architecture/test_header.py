"""nubridge.h as its users meet it: a C99 compiler, a C++ compiler, and NEURON's macros; and the library's symbols."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "bridge/include/nubridge/nubridge.h"
LIBRARY = ROOT / "build/release/lib/libnubridge.so"
COMPILER = (os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++") or "c++").split()
C99 = ["-x", "c", "-std=c99", "-Wstrict-prototypes", "-Wmissing-prototypes"]
CPP20 = ["-x", "c++", "-std=c++20"]

# What nocmodl and NEURON's own headers define where a VERBATIM block includes the header: globals, names of the
# mechanism, renamed functions. Any use of one is a syntax error here.
NEURON_MACROS = """
    t dt v h g i e n m p s x y area diam celsius nil exp log pow popen delta_t secondorder nrn_ghk at_time
    gbar ik ica cai cao eca ek q10 diff outside track_nu c1 c2 c3 c4 o1 o2 nu0 nu1 nu2 nu3 nu4 nu rows model count
    status inputs moments path name kind index policy seed samples out tolerance rate rates Dc1 Do1 _p _ppvar _thread
    _nt _ml _iml state error message
""".split()
MACROS = "".join(f"#define {name} @\n" for name in NEURON_MACROS)


def compile_error(code: str, language: list[str]) -> str:
    strict = ["-pedantic-errors", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{HEADER.parents[1]}", "-"]
    return subprocess.run([*COMPILER, *language, *strict], input=code, capture_output=True, text=True).stderr


@pytest.mark.parametrize("language", [C99, CPP20], ids=["C99", "C++20"])
@pytest.mark.parametrize("before", ["", MACROS], ids=["alone", "after NEURON's macros"])
def test_header_compiles(language, before):
    assert (
        compile_error(f'{before}#include "nubridge/nubridge.h"\n#include "nubridge/nubridge.h"\nint unit_;\n', language)
        == ""
    )


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("void nubridge_f();", C99),
        ("// not C90, but C99\nstatic_assert(1);", C99),
        ("int32_t nubridge_f(void);", C99),
        (MACROS + "void nubridge_step(double t);", C99),
        (MACROS + "void nubridge_step(double dt);", CPP20),
        ("void nubridge_f(int class);", CPP20),
    ],
)
def test_check_refuses(code, language):
    assert compile_error(code, language) != ""


def declared() -> set[str]:
    parts = sorted(HEADER.parent.glob("*.h"))
    text = re.sub(r"/\*.*?\*/", "", "".join(part.read_text(encoding="utf-8") for part in parts), flags=re.DOTALL)
    return set(re.findall(r"\b(nubridge_\w+)\s*\([^)]*\)\s*;", text))


def exported(library: Path) -> set[str]:
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    symbols = (line.split()[-2:] for line in lines.splitlines())
    return {name.split("@")[0] for kind, name in symbols if kind != "A"}  # A: the name of a version


def test_library_exports_what_the_header_declares_and_nothing_else():
    if not LIBRARY.is_file():
        pytest.skip("the library is not built: ./run build")
    assert exported(LIBRARY) == declared()
    assert all(name.startswith("nubridge_") for name in declared())


def test_exported_names_a_stray_symbol(tmp_path):
    source = "int nubridge_known(void); int stray(void); int nubridge_known(void){return 0;} int stray(void){return 0;}"
    library = tmp_path / "lib.so"
    subprocess.run([*COMPILER, "-x", "c", "-shared", "-fPIC", "-o", library, "-"], input=source, text=True, check=True)
    assert exported(library) == {"nubridge_known", "stray"}
