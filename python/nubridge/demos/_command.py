"""What the commands of all demos take, and where their figures go."""

from __future__ import annotations

import argparse
from pathlib import Path

from nubridge import paths


def parser(name: str, description: str, quick: str) -> argparse.ArgumentParser:
    """With --output and --quick, which means `quick`."""
    made = argparse.ArgumentParser(prog=name, description=description)
    made.add_argument(
        "--output", type=Path, metavar="DIR", help="default: build/demo in a checkout, else nubridge-demo"
    )
    made.add_argument("--quick", action="store_true", help=quick)
    return made


def folder(options: argparse.Namespace) -> Path:
    """The folder of --output, which is there from now on."""
    output = options.output or paths.demo_output()
    output.mkdir(parents=True, exist_ok=True)
    return output
