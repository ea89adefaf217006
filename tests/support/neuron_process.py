"""Functions of a test in a NEURON process of their own: a process has one set of mechanisms, threads and solvers.

    def popen_at(ca_mM):
        from neuron import n
        ...
        return popen

    assert in_neuron(popen_at, 5e-4) == ...

The mechanisms of nubridge and those beside the tests are loaded, compiled once. Arguments and results are pickled.
"""

import importlib.util
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nubridge
from nubridge import mechanisms

ROOT = Path(__file__).resolve().parents[2]
STATES = ("c1", "c2", "c3", "c4", "o1", "o2")


class Outcome(NamedTuple):
    """How a process ended: `value` is what the function returned, or None."""

    status: int
    stdout: str
    stderr: str
    value: Any


def mod_folders() -> list[Path]:
    """The folders beside the tests that hold mod files."""
    return sorted({file.parent for file in (ROOT / "tests" / "nmodl").glob("*/*.mod")})


def environment(**changes: str | Path | None) -> dict[str, str]:
    """This process's environment, without a display and with nubridge and these helpers for Python; None removes an entry."""
    python = [str(Path(nubridge.__file__).parents[1]), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    changed = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, python)), "DISPLAY": None, **changes}
    return {key: str(value) for key, value in changed.items() if value is not None}


def run(
    function: Callable,
    *arguments: Any,
    load: str = "all",
    timeout_s: float = 120,
    ranks: int = 1,
    **changes: str | Path | None,
) -> Outcome:
    """Calls `function(*arguments)` in a new process, whatever comes of it. `changes` go to its environment.

    `load` is "all" (ours and the tests' mechanisms), "coreneuron" (the same, compiled for CoreNEURON too) or "nothing".
    They are compiled before the new process starts, so that `timeout_s` is for the function alone. Of several `ranks` of
    MPI one returns a value, and the others None.
    """
    if load != "nothing":
        _library_folder(load)
    with tempfile.TemporaryDirectory() as folder:
        task, result = Path(folder, "task"), Path(folder, "result")
        task.write_bytes(pickle.dumps((function.__code__.co_filename, function.__name__, arguments, load, ranks)))
        command = [sys.executable, "-X", "faulthandler", __file__, str(task), str(result)]
        if ranks > 1:
            command = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks), *command]
            changes["MPI_LIB_NRN_PATH"] = Path(sys.prefix, "lib", "libmpi.so.12")  # of the package mpich
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, env=environment(**changes), cwd=folder
        )
        value = pickle.loads(result.read_bytes()) if result.is_file() else None
    return Outcome(done.returncode, done.stdout, done.stderr, value)


def nubridge_command(*words: str | Path, **changes: str | Path | None) -> subprocess.CompletedProcess[str]:
    """The command `nubridge`, run with `words`."""
    command = [sys.executable, "-m", "nubridge", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment(**changes))


def in_neuron(function: Callable, *arguments: Any, **options: Any) -> Any:
    """What `function(*arguments)` returns in a new process, which must not fail."""
    outcome = run(function, *arguments, **options)
    assert outcome.status == 0, outcome.stdout + outcome.stderr
    return outcome.value


def _library_folder(load: str) -> Path:
    return mechanisms.compile_mechanisms(mod_folders(), coreneuron=load == "coreneuron")


def _child(task: Path, result: Path) -> None:
    file, name, arguments, load, ranks = pickle.loads(task.read_bytes())
    if load != "nothing":
        nubridge.load(library=_library_folder(load))
    specification = importlib.util.spec_from_file_location("subject", file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    value = getattr(module, name)(*arguments)
    if value is not None:
        result.write_bytes(pickle.dumps(value))
    if ranks > 1:
        from neuron import n

        n.quit()  # with MPI, which leaves its shared memory else


if __name__ == "__main__":
    _child(Path(sys.argv[1]), Path(sys.argv[2]))
