"""What the tests of hoc share."""

import os
import sys

import pytest


@pytest.fixture(scope="module")
def on_path(tmp_path_factory):
    """A PATH with the command nubridge."""
    folder = tmp_path_factory.mktemp("bin")
    command = folder / "nubridge"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nubridge "$@"\n')
    command.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"
