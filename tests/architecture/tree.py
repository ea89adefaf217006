"""What every text file of the repository must keep to; `python tests/architecture/tree.py` lists the faults.

No file is longer than a reader can follow, none names a machine's own folders, and none a package registry: where
packages come from is the user's setting.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST_LINES = 600
DATA = {".json", ".csv", ".svg", ".net", ".bngl", ".ipynb"}

MACHINE_PATH = re.compile(r"(?<![\w.~$}\])-])/(?:home|Users|root|work|tmp|mnt|scratch)/[\w.]")
REGISTRY = re.compile(
    r"py(?:pi)\.org|python(?:hosted)\.org|registry\.(?:npmjs|yarnpkg)\.|(?:deb|archive|security)\.(?:debian|ubuntu)\."
    r"|conda\.(?:anaconda)\.org|crates\.(?:io)\b|proxy\.(?:golang)\.org|--(?:extra-)?(?:index)-url"
)


def files(root: Path) -> Iterator[Path]:
    """Tracked and new files; without git, all but what the build makes."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (root / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
        paths = [root / name for name in listed if name]
    else:
        made = {".git", ".venv", "build", "__pycache__"}
        paths = [path for path in root.rglob("*") if not made.intersection(path.relative_to(root).parts)]
    return (path for path in sorted(paths) if path.is_file() and not path.is_symlink())


def faults(root: Path) -> Iterator[str]:
    for path in files(root):
        name = path.relative_to(root).as_posix()
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue  # a picture or other data
        if len(lines) > MOST_LINES and path.suffix not in DATA:
            yield f"{name}: {len(lines)} lines, at most {MOST_LINES} are allowed: split it"
        for number, line in enumerate(lines, start=1):
            if match := MACHINE_PATH.search(line):
                yield f"{name}:{number}: a path of one machine: {match[0]}..."
            if match := REGISTRY.search(line):
                yield f"{name}:{number}: names a package registry: {match[0]}"


if __name__ == "__main__":
    found = list(faults(ROOT))
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
