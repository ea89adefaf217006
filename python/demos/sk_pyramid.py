"""The pyramidal-cell demo as a script: `python python/demos/sk_pyramid.py --help`; what it does is in the package."""

from nubridge.demos.sk_pyramid import main

raise SystemExit(main())
