"""`nubridge evaluate camkii`: the mechanism in NEURON on calcium that it never saw, against its network, beside simpler ways."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ._arrays import Array
from .errors import InvalidArgumentError
from .inputs import Waveform
from .kernel import Kernel
from .network import Network
from .simulation import simulate

OBSERVABLES = ("pT286", "bound", "ca4cam")
#: What the mechanism is run with, the default first: its `rung` and its `hold` (ms).
WAYS = {"hold 0.2 ms": (0, 0.2), "hold 0.1 ms": (0, 0.1), "hold 1 ms": (0, 1.0), "sums, hold 0.2 ms": (1, 0.2)}
_RISE_ms = 0.5
_DECAY_ms = np.array([0.0, 0.7, 1.5, 2.5, 4.0, 6.0, 9.0, 13.0, 18.0, 25.0, 35.0, 50.0, 70.0])
_CLASS = {"name", "kind", "end_s", "dt_ms", "rate_hz", "amplitude_uM", "tau_ms", "level_uM", "seed", "totals_uM"}


@dataclass(frozen=True)
class Calcium:
    """One protocol: free calcium (uM), linear between knots, and the totals of calmodulin and CaMKII (uM)."""

    kind: str
    name: str
    t_s: Array
    ca_uM: Array
    dt_ms: float = 0.025
    totals_uM: tuple[float, float] = (30.0, 80.0)


def protocols(definition: Mapping[str, Any], where: str) -> Iterator[Calcium]:
    """Those of a file's [[classes]]: every combination of their lists.

    `kind` is "train" (rate_hz, amplitude_uM, tau_ms), "burst" (four pulses 10 ms apart, rate_hz times a second),
    "random" (Poisson pulses of random height, seed), "step" (level_uM from 10 % of end_s on to 60 %), "noise" (an
    Ornstein-Uhlenbeck process in ln Ca about level_uM, tau_ms, seed) or "spine" (the traces of `nubridge demo spine`).
    """
    for one in definition.get("classes", []):
        unknown = sorted(set(one) - _CLASS)
        if unknown or not {"name", "kind", "end_s"} <= set(one):
            raise InvalidArgumentError(
                f"{where}: a class needs name, kind and end_s, and may have {', '.join(sorted(_CLASS))}; found {', '.join(one)}"
            )
        if one["kind"] not in _WAVES and one["kind"] != "spine":
            raise InvalidArgumentError(
                f"{where}: the class {one['name']!r} has the kind {one['kind']!r}; it is spine, {', '.join(_WAVES)}"
            )
        fixed = {"dt_ms": one.get("dt_ms", 0.025), "totals_uM": tuple(one.get("totals_uM", (30.0, 80.0)))}
        if one["kind"] == "spine":
            yield from _spine_traces(one["name"], fixed)
            continue
        lists = {key: value for key, value in one.items() if isinstance(value, list) and key != "totals_uM"}
        rest = {key: value for key, value in one.items() if key in _CLASS - set(lists) - {"name", "kind", *fixed}}
        for chosen in itertools.product(*lists.values()):
            words = dict(zip(lists, chosen, strict=True))
            label = ", ".join(f"{key} {value:g}" for key, value in words.items())
            yield Calcium(one["name"], label, *_WAVES[one["kind"]](**rest, **words), **fixed)


def _pulses(begins_ms: Array, heights_uM: Array, end_s: float, tau_ms: float) -> tuple[Array, Array]:
    """0.1 uM and pulses that rise in 0.5 ms and decay, by knots near each pulse."""
    near = (begins_ms[:, None] + np.concatenate([[0.0], _RISE_ms + _DECAY_ms])).ravel()
    knots_ms = np.unique(np.round(np.concatenate([[0.0, 1e3 * end_s], near[near < 1e3 * end_s]]), 3))
    ca_uM = np.full(len(knots_ms), 0.1)
    for begin_ms, height_uM in zip(begins_ms, heights_uM, strict=True):
        since = slice(*np.searchsorted(knots_ms, (begin_ms, begin_ms + 20 * tau_ms)))
        age_ms = knots_ms[since] - begin_ms
        ca_uM[since] += height_uM * np.minimum(age_ms / _RISE_ms, np.exp(-(age_ms - _RISE_ms) / tau_ms))
    return knots_ms * 1e-3, ca_uM


def _train(end_s: float, rate_hz: float, amplitude_uM: float, tau_ms: float = 12.0) -> tuple[Array, Array]:
    begins_ms = np.arange(50.0, 1e3 * end_s, 1e3 / rate_hz)
    return _pulses(begins_ms, np.full(len(begins_ms), amplitude_uM), end_s, tau_ms)


def _burst(end_s: float, rate_hz: float, amplitude_uM: float, tau_ms: float = 12.0) -> tuple[Array, Array]:
    begins_ms = (np.arange(50.0, 1e3 * end_s - 40.0, 1e3 / rate_hz)[:, None] + [0.0, 10.0, 20.0, 30.0]).ravel()
    return _pulses(begins_ms, np.full(len(begins_ms), amplitude_uM), end_s, tau_ms)


def _random(end_s: float, rate_hz: float, amplitude_uM: float, seed: int, tau_ms: float = 12.0) -> tuple[Array, Array]:
    random = np.random.default_rng(seed)
    begins_ms = np.sort(random.uniform(0.0, 1e3 * end_s, random.poisson(rate_hz * end_s)))
    return _pulses(begins_ms, amplitude_uM * random.exponential(1.0, len(begins_ms)), end_s, tau_ms)


def _step(end_s: float, level_uM: float) -> tuple[Array, Array]:
    t_s = end_s * np.array([0.0, 0.1, 0.1, 0.6, 0.6, 1.0]) + 1e-3 * np.array([0.0, 0.0, _RISE_ms, 0.0, _RISE_ms, 0.0])
    return t_s, np.array([0.1, 0.1, level_uM, level_uM, 0.1, 0.1])


def _noise(end_s: float, level_uM: float, seed: int, tau_ms: float = 50.0) -> tuple[Array, Array]:
    random, every_ms = np.random.default_rng(seed), 5.0
    t_s = np.arange(0.0, 1e3 * end_s + every_ms / 2, every_ms) * 1e-3
    keep = np.exp(-every_ms / tau_ms)
    log_ca = np.zeros(len(t_s))
    for i, kick in enumerate(random.normal(size=len(t_s) - 1)):
        log_ca[i + 1] = keep * log_ca[i] + np.sqrt(1 - keep**2) * kick
    return t_s, level_uM * np.exp(0.7 * log_ca)


_WAVES = {"train": _train, "burst": _burst, "random": _random, "step": _step, "noise": _noise}


def _spine_traces(kind: str, fixed: Mapping[str, Any]) -> Iterator[Calcium]:
    """Calcium of the demo's spines, which the cell made: one in theta bursts, one with glutamate before and one after the spike."""
    from neuron import n

    from .demos import spine

    before = set(n.allsec())
    cell, every = spine.SpinyCell(), 20
    theta, timing = (cell.run(protocol) for protocol in spine.PROTOCOLS)
    for section in set(n.allsec()) - before:  # or they would be stepped with every other protocol
        n.delete_section(sec=section)
    picked = [(theta, spine.SPINES // 2, "theta bursts")]
    picked += [(timing, spine.LEADS_ms.index(lead_ms), f"lead {lead_ms:+d} ms") for lead_ms in (10, -20)]
    for run, place, name in picked:
        yield Calcium(kind, name, run.t_ms[::every] * 1e-3, run.ca_uM[place, ::every], **fixed)


def in_neuron(protocol: Calcium, every_steps: int) -> tuple[Array, Array, Array]:
    """Times (s), fractions (WAYS, times, OBSERVABLES) of `camkii`, and the amounts (uM) at the end, (WAYS, states)."""
    from neuron import n

    sections = [n.Section(f"way{i}") for i in range(len(WAYS))]
    played = n.Vector(1e-3 * protocol.ca_uM), n.Vector(1e3 * protocol.t_s)
    refs = []
    for section, (rung, hold_ms) in zip(sections, WAYS.values(), strict=True):
        section.insert("camkii")
        mechanism = section(0.5).camkii
        mechanism.rung, mechanism.hold = rung, hold_ms
        mechanism.camtotal, mechanism.camkiitotal = (1e-3 * total for total in protocol.totals_uM)
        played[0].play(section(0.5)._ref_cai, played[1], True)
        section(0.5).cai = 1e-3 * protocol.ca_uM[0]
        refs.append([getattr(mechanism, f"_ref_{name}") for name in OBSERVABLES])
    n.CVode().active(False)
    n.dt = protocol.dt_ms
    every_ms = every_steps * protocol.dt_ms
    records = [[n.Vector().record(ref, every_ms) for ref in row] for row in refs]
    time = n.Vector().record(n._ref_t, every_ms)
    n.ParallelContext().set_maxstep(10)
    with warnings.catch_warnings():  # calcium is played, no mechanism writes it
        warnings.filterwarnings("ignore", message="camkii is in")
        n.finitialize(-65)
    n.ParallelContext().psolve(1e3 * protocol.t_s[-1] - protocol.dt_ms / 2)
    seen = np.array([[np.array(vector) for vector in row] for row in records]).transpose(0, 2, 1)
    amounts = np.array([[getattr(section(0.5).camkii, f"x{i:02d}") for i in range(75)] for section in sections])
    return np.array(time) * 1e-3, seen, amounts


def reference(network: Network, kernel: Kernel, protocol: Calcium, t_s: Array) -> Array:
    """The same fractions by the network's own stiff integration, from the kernel's rest."""
    cam_uM, camkii_uM = protocol.totals_uM
    rest = kernel.initial([protocol.ca_uM[0], cam_uM, camkii_uM])
    wave = Waveform(protocol.t_s, protocol.ca_uM, "linear")
    exact = simulate(
        network, "ode", t_s, initial=dict(zip(kernel.state_names, rest, strict=True)), inputs={"Ca": wave},
        record=OBSERVABLES, relative_tolerance=1e-7, progress=False,
    )  # fmt: skip
    scale = {"pT286": camkii_uM, "bound": camkii_uM, "ca4cam": cam_uM}
    return np.array([exact.mean(name) / scale[name] for name in OBSERVABLES]).T


class Simpler:
    """Ways that users have without the network, each given all that the network tells at constant calcium."""

    names = ("Hill", "steady state", "fast binding")

    def __init__(self, kernel: Kernel, totals_uM: tuple[float, float]) -> None:
        self.log_ca = np.linspace(np.log(0.01), np.log(300.0), 120)
        cam_uM, camkii_uM = totals_uM
        scale = np.array([camkii_uM, camkii_uM, cam_uM])
        rows, speeds = [], []
        for ca_uM in np.exp(self.log_ca):
            inputs = [ca_uM, cam_uM, camkii_uM]
            rest = kernel.initial(inputs)
            rows.append([kernel.observe(rest)[name] for name in OBSERVABLES] / scale)
            speeds.append(kernel.observe(kernel.rhs(rest, inputs))["pT286"] / camkii_uM)
        self.steady, self.per_ms = np.array(rows), np.array(speeds)
        after_10_s = self.per_ms / self.per_ms.max() * (1 - np.exp(-1e4 * self.per_ms.max()))
        self.hill = [_hill(self.log_ca, column) for column in (after_10_s, self.steady[:, 1], self.steady[:, 2])]

    def of(self, protocol: Calcium, t_s: Array) -> dict[str, Array]:
        """Fractions (times, OBSERVABLES) by each way."""
        log_ca = np.log(np.maximum(np.interp(t_s, protocol.t_s, protocol.ca_uM), 1e-3))
        hill = np.array([top / (1 + np.exp(-order * (log_ca - middle))) for top, middle, order in self.hill]).T
        steady = np.array([np.interp(log_ca, self.log_ca, column) for column in self.steady.T]).T
        per_ms = np.interp(log_ca, self.log_ca, self.per_ms)
        phosphorylated = 1 - np.exp(-np.concatenate([[0.0], np.cumsum(per_ms[:-1] * np.diff(t_s) * 1e3)]))
        fast = steady.copy()
        fast[:, 0] = phosphorylated
        fast[:, 1] = phosphorylated + (1 - phosphorylated) * steady[:, 1]
        fast[:, 2] = (1 - phosphorylated) * steady[:, 2]
        return dict(zip(self.names, (hill, steady, fast), strict=True))


def _hill(log_ca: Array, values: Array) -> tuple[float, float, float]:
    """Top, ln of the half-way calcium and order of the closest Hill function, by search."""
    best = (np.inf, 0.0, 0.0, 1.0)
    for middle in log_ca[::2]:
        for order in np.linspace(0.5, 8.0, 31):
            shape = 1 / (1 + np.exp(-order * (log_ca - middle)))
            top = shape @ values / (shape @ shape)
            best = min(best, (float(((top * shape - values) ** 2).sum()), float(top), float(middle), float(order)))
    return best[1:]


@dataclass(frozen=True)
class Row:
    """One protocol: the largest error of each way in OBSERVABLES, and the 95th percentile over time, of the reference's largest value."""

    kind: str
    name: str
    worst: dict[str, Array]
    p95: dict[str, Array]
    total_error: float
    least_uM: float

    def __str__(self) -> str:
        way, worst = next(iter(self.worst.items()))
        return f"{self.kind}: {self.name}: {_percent(worst)} % of the largest {', '.join(OBSERVABLES)} ({way})"


def evaluate(definition: Mapping[str, Any], where: str) -> Iterable[Row]:
    """A row a protocol. Needs `nubridge.load(demo=True)` first."""
    kernel = Kernel("camkii")
    network = Network(definition["network"])
    weights = np.array([network.weights(name) for name in ("CaM_total", "K_total")])
    weights = weights[:, [network.species_index(name) for name in kernel.state_names]]
    of_sums = np.concatenate([weights[:, :20], weights[:, 10:19], np.zeros((2, 3))], axis=1)  # B as A; Q, H, C, none
    simpler: dict[tuple[float, float], Simpler] = {}
    for protocol in protocols(definition, where):
        t_s, seen, amounts = in_neuron(protocol, 19 if protocol.t_s[-1] < 30 else 333)
        exact = reference(network, kernel, protocol, t_s)
        others = simpler.setdefault(protocol.totals_uM, Simpler(kernel, protocol.totals_uM)).of(protocol, t_s)
        ways = dict(zip(WAYS, seen, strict=True)) | others
        errors = {name: np.abs(one - exact) / exact.max(axis=0) for name, one in ways.items()}
        kept = [one[:32] if rung else one for (rung, _), one in zip(WAYS.values(), amounts, strict=True)]
        totals = [(of_sums if len(one) == 32 else weights) @ one for one in kept]
        yield Row(
            protocol.kind, protocol.name,
            {name: error.max(axis=0) for name, error in errors.items()},
            {name: np.percentile(error, 95, axis=0) for name, error in errors.items()},
            float(np.abs(np.array(totals) / protocol.totals_uM - 1).max()), min(float(one.min()) for one in kept),
        )  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """Markdown: the worst of each class for each way, `pT286 / bound / ca4cam` in percent."""
    ways = list(rows[0].worst)
    lines = [
        "| class of protocol | number | " + " | ".join(ways) + " | 95 % of the time |",
        "|---" * (len(ways) + 3) + "|",
    ]
    for kind in dict.fromkeys(row.kind for row in rows):
        members = [row for row in rows if row.kind == kind]
        cells = [_percent(np.max([row.worst[way] for row in members], axis=0)) for way in ways]
        often = _percent(np.max([row.p95[ways[0]] for row in members], axis=0))
        lines.append(f"| {kind} | {len(members)} | " + " | ".join(cells) + f" | {often} |")
    totals, least = max(row.total_error for row in rows), min(row.least_uM for row in rows)
    lines += [
        "",
        f"Totals kept within {totals:.1g}; the smallest amount of any state at the end of any run was {least:.2g} uM.",
    ]
    return "\n".join(lines) + "\n"


def _percent(errors: Array) -> str:
    return " / ".join(f"{100 * error:.2g}" for error in errors)


def write(path: Path, text: str) -> None:
    """Puts the table between the marks of a README, or writes a new file."""
    begin, end = "<!-- evaluation -->\n", "<!-- end of evaluation -->\n"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if begin in old and end in old:
        text = old[: old.index(begin) + len(begin)] + text + old[old.index(end) :]
    path.write_text(text, encoding="utf-8")
