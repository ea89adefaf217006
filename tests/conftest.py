"""Fixtures of several folders."""

import subprocess

import pytest

from neuron_process import nubridge_command
from nubridge import mechanisms

FOREIGN_SK = "NEURON {\n    SUFFIX sk\n    RANGE x\n}\nASSIGNED {\n    x\n}\n"

# The file's name is not the mechanism's.
COUNTER = """NEURON {
    THREADSAFE
    SUFFIX counts : not "another"
    RANGE steps
}
ASSIGNED {
    steps
}
BREAKPOINT {
    SOLVE count METHOD after_cvode
}
PROCEDURE count() {
    steps = steps + 1
}
"""


@pytest.fixture
def mod(tmp_path):
    """A mod file of the user's, with a mechanism `counts`."""
    (tmp_path / "user.mod").write_text(COUNTER)
    return tmp_path / "user.mod"


@pytest.fixture(scope="session")
def user_library(tmp_path_factory):
    """The folder of `nubridge mechanisms --output` with that mod file, which held another file before."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "kept.txt").touch()
    (folder / "user.mod").write_text(COUNTER)
    done = nubridge_command("mechanisms", "--output", folder, folder / "user.mod")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{folder}\n"
    return folder


@pytest.fixture(scope="session")
def foreign_library(tmp_path_factory):
    """A folder of mechanisms that nubridge did not compile, in which `sk` is something else."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "sk.mod").write_text(FOREIGN_SK)
    subprocess.run([mechanisms.nrnivmodl(), "."], cwd=folder, capture_output=True, check=True, timeout=120)
    return folder
