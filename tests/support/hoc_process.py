"""Scripts of hoc in a nrniv of their own."""

import shutil
import subprocess
import sys
from pathlib import Path

from neuron_process import environment
from nubridge import paths

NRNIV = shutil.which("nrniv", path=Path(sys.executable).parent) or shutil.which("nrniv")


def hoc(folder, script, path, *options):
    """nrniv with a script, a file or a text."""
    if not isinstance(script, Path):
        (folder / "script.hoc").write_text(script + "\nquit()\n")
        script = folder / "script.hoc"
    command = [NRNIV, "-nogui", "-nobanner", *options, script]
    variables = environment(PATH=path, HOC_LIBRARY_PATH=paths.prefix() / "hoc")
    common = {"capture_output": True, "text": True, "timeout": 120, "stdin": subprocess.DEVNULL}
    return subprocess.run(command, cwd=folder, env=variables, **common)
