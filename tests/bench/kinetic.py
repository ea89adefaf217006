"""camkiikin: the network of CaM and CaMKII as NEURON's own KINETIC, which the bench compiles once."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from nubridge import mechanisms, nmodl, paths


def load() -> None:
    """Makes `camkiikin` available in NEURON, optimised as NEURON optimises; the first compilation takes minutes."""
    from neuron import n

    text = nmodl.kinetic("camkii75", "camkiikin")
    folder = paths.cache() / "camkiikin"
    source = folder / "camkiikin.mod"
    if not source.is_file() or source.read_text(encoding="utf-8") != text:
        with tempfile.TemporaryDirectory(dir=paths.cache()) as temporary:
            compiled = Path(temporary, "camkiikin")
            compiled.mkdir()
            (compiled / source.name).write_text(text, encoding="utf-8")
            print("compiling camkiikin for NEURON, once; that takes minutes", flush=True)
            subprocess.run([mechanisms.nrnivmodl(), "."], cwd=compiled, capture_output=True, check=True)
            shutil.rmtree(folder, ignore_errors=True)
            compiled.rename(folder)
    n.nrn_load_dll(str(mechanisms.library_file(folder)))
