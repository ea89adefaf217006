"""What can be wrong with an installation, and what to do about it."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import _library, channel, mechanisms, paths, peers
from .errors import Error, MechanismError

_MIN_SHM_MB = 64


def check_python() -> str:
    """The Python that runs this."""
    return platform.python_version()


def check_compiler() -> str:
    """A C++ compiler for nrnivmodl."""
    compiler = shlex.split(os.environ.get("CXX", "")) or [shutil.which("c++") or shutil.which("g++") or ""]
    if not compiler[0]:
        raise Error("no C++ compiler was found; install g++ (Debian: apt-get install g++)")
    try:
        answer = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Error(f"the compiler {' '.join(compiler)} does not answer: {error}; correct CXX") from error
    return answer.stdout.splitlines()[0]


def check_neuron() -> str:
    """NEURON 9 and its nrnivmodl."""
    try:
        import neuron
    except ImportError as error:
        raise Error(f"NEURON cannot be imported: {error}; pip install 'neuron>=9,<10'") from error
    return f"NEURON {neuron.__version__}, {mechanisms.nrnivmodl()}"


def check_library() -> str:
    """The shared library, of the version of this package."""
    from . import __version__

    version = _library.version()
    if version != __version__:
        raise Error(f"the library is version {version}, the package {__version__}; build or install both again")
    return f"{version}, {paths.library()}"


def check_models() -> str:
    """Every model file that ships: readable and unedited."""
    from .kernel import opened

    files = sorted((paths.prefix() / "models").glob("*/model.json"))
    if not files:
        raise Error(f"there is no model in {paths.prefix() / 'models'}; build or install again")
    return ", ".join(opened(file).name for file in files)


def check_mechanisms() -> str:
    """The mechanisms, compiled and loaded in a process of their own."""
    code = "import nubridge; nubridge.load(); from neuron import n; s = n.Section('s'); s.insert('sk'); n.finitialize(); print(s(0.5).sk.popen)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if run.returncode != 0:
        raise MechanismError((run.stderr.strip().splitlines() or ["no message"])[-1])
    return f"{', '.join(mechanisms.NAMES)} in {paths.cache()}"


def check_peers() -> str:
    """The particle simulators; what is not installed is no fault."""
    missing = {kind: peers.peer_class(kind).missing() for kind in peers.KINDS}
    here = ", ".join(kind for kind, line in missing.items() if not line)
    return "; ".join([here, *(f"for {kind}: {line}" for kind, line in missing.items() if line)])


def check_shared_memory() -> str:
    """/dev/shm, for live peers, and what dead ones left there."""
    folder = Path("/dev/shm")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Error("/dev/shm is not writable; mount a tmpfs there (containers: --shm-size=1g)")
    free_mb = shutil.disk_usage(folder).free // 2**20
    if free_mb < _MIN_SHM_MB:
        raise Error(f"/dev/shm has {free_mb} MB free; {_MIN_SHM_MB} MB are needed: remove stale files or enlarge it")
    stale = channel.stale()
    return f"{free_mb} MB free" + (f"; dead processes left {', '.join(stale)}: nubridge clean" if stale else "")


CHECKS: dict[str, Callable[[], str]] = {
    "Python": check_python,
    "compiler": check_compiler,
    "NEURON": check_neuron,
    "library": check_library,
    "models": check_models,
    "mechanisms": check_mechanisms,
    "peers": check_peers,
    "shared memory": check_shared_memory,
}


def report() -> int:
    """Prints every check and returns the number that failed."""
    failed = 0
    for name, check in CHECKS.items():
        try:
            print(f"ok    {name:14} {check()}", flush=True)
        except Error as error:
            failed += 1
            print(f"FAIL  {name:14} {error}", flush=True)
    return failed
