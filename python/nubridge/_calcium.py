"""A warning, at initialisation, of `camkii` where no mechanism writes its calcium."""

from __future__ import annotations

import functools
import warnings


class Watch:
    """Looks at every initialisation of its life, and warns once."""

    def __init__(self) -> None:
        from neuron import n

        self._warned = False
        self._handler = n.FInitializeHandler(self._look)

    def _look(self) -> None:
        from neuron import n

        lacking = [
            section.name()
            for section in n.allsec()
            if section.has_membrane("camkii") and int(n.ion_style("ca_ion", sec=section)) % 4 != 3  # 3: is written
        ]
        if lacking and not self._warned:
            self._warned = True
            more = f" and {len(lacking) - 1} more" if lacking[1:] else ""
            warnings.warn(
                f"camkii is in {lacking[0]}{more}, where no mechanism writes cai, so that its calcium stays as it is set; "
                "insert spineca, or another that writes cai",
                stacklevel=2,
            )


@functools.cache
def watch() -> Watch:
    """The watch of this process."""
    return Watch()
