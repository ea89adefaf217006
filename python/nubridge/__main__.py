"""`python -m nubridge` is the command `nubridge`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
