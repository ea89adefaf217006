"""What a simulation gives back: the same type for every regime."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgumentError
from .network import Network

MOLECULES_PER_uM_um3 = 602.214076


class Result:
    """Runs of a network: `values` is runs x times x names, in the network's unit; `t_s` are the times."""

    def __init__(
        self,
        network: Network,
        t_s: NDArray[np.float64],
        names: tuple[str, ...],
        values: NDArray[np.float64],
        settings: dict,
        variances: NDArray[np.float64] | None = None,
    ) -> None:
        self.network, self.t_s, self.names, self.values = network, t_s, names, values
        self._variances = variances
        self.unit: str = network.unit
        self.settings: dict[str, Any] = settings

    def __getitem__(self, name: str) -> NDArray[np.float64]:
        """runs x times of one name."""
        if name not in self.names:
            raise InvalidArgumentError(f"{name!r} was not recorded; recorded are {', '.join(self.names[:20])}")
        return self.values[:, :, self.names.index(name)]

    def mean(self, name: str) -> NDArray[np.float64]:
        """The mean over the runs, at each time."""
        return self[name].mean(axis=0)

    def std(self, name: str) -> NDArray[np.float64]:
        """The standard deviation over the runs (n - 1), at each time; of the distribution itself for cme; else 0 for one run."""
        if self._variances is not None:
            return np.sqrt(self._variances[0, :, self.names.index(name)])
        return self[name].std(axis=0, ddof=1) if len(self.values) > 1 else np.zeros(len(self.t_s))

    def quantile(self, name: str, q: float) -> NDArray[np.float64]:
        """A quantile over the runs, at each time."""
        return np.quantile(self[name], q, axis=0)

    def _volume_um3(self, what: str) -> float:
        if not self.settings["volume_um3"]:
            raise InvalidArgumentError(f"{what} need a volume: pass volume_um3 to simulate")
        return self.settings["volume_um3"]

    def counts(self, name: str) -> NDArray[np.float64]:
        """runs x times in molecules."""
        if self.unit == "molecules":
            return self[name]
        return self[name] * MOLECULES_PER_uM_um3 * self._volume_um3("molecules of a network in uM")

    def concentration(self, name: str, unit: str = "uM") -> NDArray[np.float64]:
        """runs x times in uM, or mM or nM."""
        factors = {"mM": 1e-3, "uM": 1.0, "nM": 1e3}
        if unit not in factors:
            raise InvalidArgumentError(f"the unit {unit!r} is unknown; it is one of {', '.join(factors)}")
        if self.unit == "uM":
            return self[name] * factors[unit]
        return self[name] / (MOLECULES_PER_uM_um3 * self._volume_um3("concentrations of molecules")) * factors[unit]
