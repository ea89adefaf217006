"""Makes every `.net` of this folder again: from its `.bngl` by BioNetGen, camkii75 by lump.py,
camkii_kernel by trap.py.

`python models/networks/regenerate.py` writes them, `--check` compares (pip install bionetgen; needs Perl).
"""

import sys
from pathlib import Path

import lump
import trap

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "python"))

from nubridge._bionetgen import generate  # noqa: E402


def main() -> int:
    made = {source.with_suffix(".net"): generate(source) for source in sorted(FOLDER.glob("*.bngl"))}
    made[FOLDER / "camkii75.net"] = lump.lumped(made[FOLDER / "camkii.net"], "camkii", drop=["Ca_total"])
    made[FOLDER / "camkii_kernel.net"] = trap.made(made[FOLDER / "camkii75.net"])
    different = 0
    for target, text in made.items():
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.is_file() or target.read_text() != text:
            print(f"{target.name} is not what regenerate.py makes; run it")
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
