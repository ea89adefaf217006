"""Compiling the NMODL mechanisms once, and loading them into NEURON."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from . import _calcium, _library, paths
from .errors import MechanismError

#: The mechanisms that the package brings.
NAMES = ("camkii", "neckca", "nmdar", "sk", "skkin", "peer", "peerca", "peerlink", "skpeer", "spineca")
_STAMP = "nubridge.json"


def mod_files(extra: Iterable[str | os.PathLike[str]] = (), demo: bool = False) -> list[Path]:
    """Our mod files and the user's: files, or folders whose mod files are taken. Two of one name are refused."""
    own = paths.prefix() / "mod"
    files = sorted(own.glob("*.mod"))
    if demo:
        files += sorted((own / "demo").glob("*.mod"))
    for item in map(Path, extra):
        found = sorted(item.glob("*.mod")) if item.is_dir() else [item]
        if not found:
            raise MechanismError(f"the folder {item} holds no .mod file; name the files or another folder")
        files += found
    seen: dict[str, Path] = {}
    for file in files:
        if not file.is_file() or file.suffix != ".mod":
            raise MechanismError(f"{file} is no .mod file; name existing .mod files or folders that hold some")
        if file.name in seen:
            raise MechanismError(
                f"{file} and {seen[file.name]} have the same name; rename one, as NEURON keeps one of each"
            )
        seen[file.name] = file
    return files


def compile_mechanisms(
    extra: Iterable[str | os.PathLike[str]] = (),
    output: str | os.PathLike[str] | None = None,
    coreneuron: bool = False,
    demo: bool = False,
) -> Path:
    """Compiles our mechanisms with the user's mod files and returns the folder that holds libnrnmech.so (and `special`).

    Without `output` the result is cached under a key of all texts, NEURON's version and the library; a second call returns at once.
    Raises MechanismError with the compiler's last lines, or the folder and the reason when it cannot be written.
    """
    files = mod_files(extra, demo)
    stamp = _stamp(files, coreneuron)
    folder = Path(output).absolute() if output else paths.cache() / stamp["key"]
    if not output and _read_stamp(folder) == stamp:
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = folder.with_name(f"{folder.name}.part{os.getpid()}")
        shutil.rmtree(part, ignore_errors=True)
        (part / "mod").mkdir(parents=True)
        for file in files:
            shutil.copy(file, part / "mod" / file.name)
        _run_nrnivmodl(part, coreneuron, len(files))
        (part / _STAMP).write_text(json.dumps(stamp, indent=2) + "\n", encoding="utf-8")
        if output and folder.exists():
            shutil.copytree(part, folder, dirs_exist_ok=True, symlinks=True)
        else:
            _put(part, folder, stamp)
    except OSError as error:
        raise MechanismError(
            f"the mechanisms cannot be written to {folder}: {error.strerror or error}; free space there, or name another folder in NUBRIDGE_CACHE"
        ) from error
    finally:
        with contextlib.suppress(NameError):
            shutil.rmtree(part, ignore_errors=True)
    return folder


def library_file(folder: Path) -> Path:
    """libnrnmech.so in a folder where nrnivmodl ran."""
    for candidate in (folder, *sorted(path for path in folder.glob("*") if path.is_dir())):
        for file in (candidate / "libnrnmech.so", candidate / ".libs" / "libnrnmech.so"):
            if file.is_file():
                return file
    raise MechanismError(
        f"there is no libnrnmech.so in {folder}; compile it with `nubridge mechanisms --output {folder}`"
    )


def load(*extra: str | os.PathLike[str], library: str | os.PathLike[str] | None = None, demo: bool = False) -> None:
    """Makes the mechanisms available in NEURON: compiles once (cached), loads, and checks that they are really there.

    Safe to call twice. `extra` are the user's own mod files or folders, compiled into the same library; `library` is a folder that
    `nubridge mechanisms --output` wrote, loaded as it is.

    >>> import nubridge
    >>> nubridge.load()
    >>> nubridge.load()
    >>> from neuron import n
    >>> dend = n.Section("dend")
    >>> _ = dend.insert("sk")
    >>> dend.gbar_sk = 0.01
    """
    _library.library()
    wanted = {*NAMES, *map(_mechanism, mod_files(extra, demo))} if not library else set(NAMES)
    present = _present()
    if "sk" in present:
        _require_ours(wanted, present)
    else:
        _load_folder(Path(library) if library else compile_mechanisms(extra, demo=demo))
    _calcium.watch()


# ---- details -------------------------------------------------------------------------------------------------------------


def _stamp(files: Sequence[Path], coreneuron: bool) -> dict[str, str]:
    import neuron

    library = paths.library()
    digest = hashlib.sha256()
    for text in (neuron.__version__, str(library), str(coreneuron), sys.platform, os.environ.get("CXX", "")):
        digest.update(text.encode() + b"\0")
    for file in (*files, paths.prefix() / "include" / "nubridge" / "nubridge.h"):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return {
        "key": digest.hexdigest()[:16],
        "neuron": neuron.__version__,
        "nubridge": _library.version(),
        "mechanisms": " ".join(file.stem for file in files),
    }


def _put(part: Path, folder: Path, stamp: dict[str, str]) -> None:
    """Moves `part` to `folder`; what was there is replaced, unless another process has just put the same there."""
    if folder.exists() and _read_stamp(folder) != stamp:
        shutil.rmtree(folder)
    try:
        part.rename(folder)
    except OSError:
        if _read_stamp(folder) != stamp:
            raise


def _read_stamp(folder: Path) -> dict[str, str] | None:
    try:
        return json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _mechanism(file: Path) -> str:
    """The name of what a mod file defines."""
    text = re.sub(
        r"COMMENT.*?ENDCOMMENT|:[^\n]*", "", file.read_text(encoding="utf-8", errors="replace"), flags=re.DOTALL
    )
    named = re.search(r"\b(?:SUFFIX|POINT_PROCESS|ARTIFICIAL_CELL)\s+(\w+)", text)
    return named[1] if named else file.stem


def nrnivmodl() -> Path:
    """NEURON's compiler driver: beside this Python first, then on the PATH."""
    beside = Path(sys.executable).with_name("nrnivmodl")
    found = str(beside) if beside.is_file() else shutil.which("nrnivmodl")
    if not found:
        raise MechanismError("nrnivmodl was not found; install NEURON with `pip install neuron`")
    return Path(found)


def _run_nrnivmodl(folder: Path, coreneuron: bool, count: int) -> None:
    prefix = paths.prefix()
    library = prefix / "lib"
    include = f"-I{prefix / 'include'}" + (" -include nubridge/nubridge.h" if coreneuron else "")
    command = [str(nrnivmodl()), *(["-coreneuron"] if coreneuron else []), "-incflags", include]
    command += ["-loadflags", f"-L{library} -lnubridge -Wl,-rpath,{library}", "mod"]
    title = f"nubridge: compiling {count} mechanisms for NEURON, once"
    _say(title, end="" if sys.stderr.isatty() else "\n")
    begin = time.monotonic()
    log = folder / "nrnivmodl.log"
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                   env=environment, start_new_session=True)  # fmt: skip
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(1.0)
                    break
                if sys.stderr.isatty():
                    _say(f"\r{title}: {time.monotonic() - begin:.0f} s", end="")
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if sys.stderr.isatty():
        _say("")
    if status != 0 or not any(folder.rglob("libnrnmech.so")):
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-25:])
        raise MechanismError(
            f"nrnivmodl failed with status {status} in {folder}; correct the mod file that it names. Its last lines:\n{tail}"
        )


def _say(text: str, end: str = "\n") -> None:
    print(text, end=end, file=sys.stderr, flush=True)


def _present() -> set[str]:
    from neuron import n

    names = set()
    for kind in (0, 1):
        mechanisms = n.MechanismType(kind)
        name = n.ref("")
        for i in range(int(mechanisms.count())):
            mechanisms.select(i)
            mechanisms.selected(name)
            names.add(name[0])
    return names


def _require_ours(wanted: set[str], present: set[str]) -> None:
    from neuron import n

    if not hasattr(n, "policy_sk"):
        raise MechanismError(
            "a mechanism 'sk' that is not ours is loaded already; rename its SUFFIX, or start without it"
        )
    missing = sorted(wanted - present - {"nothing"})  # SUFFIX nothing: functions only
    if missing:
        raise MechanismError(
            f"mechanisms are loaded already, without {', '.join(missing)}; NEURON cannot add them: name every mod file in the first nubridge.load()"
        )


def _require_same_neuron(folder: Path) -> None:
    import neuron

    stamp = _read_stamp(folder)
    if stamp and stamp["neuron"] != neuron.__version__:
        raise MechanismError(
            f"{folder} was compiled for NEURON {stamp['neuron']}, this is {neuron.__version__}; compile it again with `nubridge mechanisms --output {folder}`"
        )


def _load_folder(folder: Path) -> None:
    _require_same_neuron(folder)
    file = library_file(folder)
    _load_file(file)
    missing = sorted(set(NAMES) - _present())
    if missing:
        raise MechanismError(
            f"{file} has no mechanism {', '.join(missing)}; compile it with `nubridge mechanisms`, which adds ours to yours"
        )


def _load_file(file: Path) -> None:
    from neuron import n

    try:
        ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)  # for the loader's reason, which NEURON only prints
    except OSError as error:
        raise MechanismError(
            f"{file} cannot be loaded: {error}; compile it again with `nubridge mechanisms`"
        ) from error
    try:
        loaded = n.nrn_load_dll(str(file))
    except RuntimeError as error:
        raise MechanismError(
            f"NEURON refused {file}: {error}; a mechanism of the same name is loaded already: use one library with all mod files"
        ) from error
    if not loaded:
        raise MechanismError(
            f"NEURON refused {file}; see what it printed, and compile again with `nubridge mechanisms`"
        )
    if (core := file.with_name("libcorenrnmech.so")).is_file():
        os.environ.setdefault("CORENEURONLIB", str(core))  # where NEURON looks for it
