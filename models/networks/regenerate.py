"""Makes every `.net` of this folder again from its `.bngl` by BioNetGen (pip install bionetgen; needs Perl).

`python models/networks/regenerate.py` writes them, `--check` compares. The comments at the head of the `.bngl`, with
the unit of the amounts, are put at the head of the `.net`.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def bionetgen() -> Path:
    """BNG2.pl of the installed bionetgen package."""
    import bionetgen

    (script,) = Path(bionetgen.__file__).parent.glob("bng-linux/BNG2.pl")
    return script


def net_of(source: Path) -> str:
    """The text of the network that the rules generate."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / source.name
        copy.write_text(source.read_text() + "generate_network({overwrite=>1})\n")
        command = [shutil.which("perl") or "perl", str(bionetgen()), copy.name]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        generated = copy.with_suffix(".net").read_text().splitlines()
    head = [line for line in source.read_text().split("begin model")[0].splitlines() if line.startswith("#")]
    body = [line.rstrip() for line in generated if not line.startswith("#")]
    return "\n".join([*head, *body]) + "\n"


def main() -> int:
    different = 0
    for source in sorted(FOLDER.glob("*.bngl")):
        target, text = source.with_suffix(".net"), net_of(source)
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.is_file() or target.read_text() != text:
            print(f"{target.name} is not what {source.name} generates; run regenerate.py")
            different = 1
    return different


if __name__ == "__main__":
    sys.exit(main())
