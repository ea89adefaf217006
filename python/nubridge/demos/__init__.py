"""Demonstrations that ship with the package: `nubridge demo`, or `python -m nubridge.demos.sk_pyramid`."""
