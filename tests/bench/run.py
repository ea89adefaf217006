"""`./run bench [SUBJECT ...] [--json FILE]`: what a step costs, each number beside a named reference of the same run.

All subjects of a table run in one process, turn by turn, and the median over the turns is quoted with its spread (half the distance between the
quartiles); a ratio is the median of the ratios turn by turn, so that a machine whose speed drifts does not bend it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import coupled
import kinetic
import learning
import numpy as np
import peers
from tqdm import tqdm

import nubridge
import nubridge.paths

SEGMENTS = 2001
STEPS = 100
DT_MS = 0.025


class Row(dict):
    """One line of the table: name, value, unit, reference, ratio, repeats, spread."""


def _median(values: Iterable[float]) -> float:
    return float(statistics.median(values))


def _spread(values: list[float]) -> float:
    low, _, high = statistics.quantiles(values, n=4)
    return (high - low) / 2


def row(name: str, values: list[float], unit: str, reference: str = "", against: list[float] | None = None) -> Row:
    """The row of `values`, with the ratio to the reference's values of the same turns."""
    ratio = _median(a / b for a, b in zip(values, against, strict=True)) if against else None
    return Row(
        name=name,
        value=_median(values),
        unit=unit,
        reference=reference,
        ratio=ratio,
        repeats=len(values),
        spread=_spread(values),
    )


def timed(turns: int, subjects: dict[str, Callable[[], float]], title: str) -> dict[str, list[float]]:
    """Runs the subjects in turn; each returns the seconds of its own timed part."""
    for subject in subjects.values():
        subject()
    seconds: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in tqdm(range(turns), desc=title, leave=False):
        for name, subject in subjects.items():
            seconds[name].append(subject())
    return seconds


def neuron_steps(mechanism: str, **values: float) -> float:
    """Seconds for STEPS steps of one passive section with SEGMENTS segments and `mechanism`; calcium relaxes the gating from 0.5 to 1 uM.

    `values` are those of its RANGE variables.
    """
    from neuron import n

    section = n.Section("bench")
    section.nseg = SEGMENTS
    section.insert("pas")
    if mechanism != "passive":
        section.insert(mechanism)
    for name, value in values.items():
        setattr(section, f"{name}_{mechanism}", value)
    has_calcium = mechanism.startswith(("sk", "camkii"))
    if has_calcium:
        for segment in section:
            segment.cai = 0.5e-3
    n.dt = DT_MS
    n.finitialize(-65)
    if has_calcium:
        for segment in section:
            segment.cai = 1e-3
    n.fadvance()
    begin = time.perf_counter()
    for _ in range(STEPS):
        n.fadvance()
    return time.perf_counter() - begin


def over_passive(turns: int, subjects: dict[str, Callable[[], float]], title: str) -> dict[str, list[float]]:
    """ns per segment and step of each turn, above a passive section, which is kept as "passive"."""
    nubridge.load(demo=True)
    seconds = timed(turns, {"passive": lambda: neuron_steps("passive"), **subjects}, title)
    ns = {name: [value * 1e9 / (SEGMENTS * STEPS) for value in times] for name, times in seconds.items()}
    return {
        name: [a - b for a, b in zip(ns[name], ns["passive"], strict=True)] if name in subjects else ns[name]
        for name in ns
    }


def beside_hh(ns: dict[str, list[float]]) -> list[Row]:
    rows = [row("passive", ns.pop("passive"), "ns/segment/step")]
    return rows + [row(f"{name} over passive", ns[name], "ns/segment/step", "hh", ns["hh"]) for name in ns]


def bench_sk(turns: int) -> list[Row]:
    """ns per segment and step over passive, in NEURON."""
    names = ["hh", "skkin", "sk"]
    ns = over_passive(turns, {name: lambda name=name: neuron_steps(name) for name in names}, "sk in NEURON")
    return [*beside_hh(ns), row("sk over passive", ns["sk"], "ns/segment/step", "skkin", ns["skkin"])]


def bench_camkii(turns: int) -> list[Row]:
    """ns per segment and step over passive, in NEURON: camkii as it is, with a shorter `hold`, and by NEURON's KINETIC."""
    nubridge.load(demo=True)
    kinetic.load()
    subjects = {name: lambda name=name: neuron_steps(name) for name in ("hh", "sk", "camkii", "camkiikin")}
    for hold_ms in (0.1, 0.0):
        subjects[f"camkii, hold {hold_ms:g} ms,"] = lambda hold_ms=hold_ms: neuron_steps("camkii", hold=hold_ms)
    for hold_ms in (0.2, 0.0):
        subjects[f"camkii, sums, hold {hold_ms:g} ms,"] = lambda hold_ms=hold_ms: neuron_steps(
            "camkii", rung=1, hold=hold_ms
        )
    ns = over_passive(turns, subjects, "camkii in NEURON")
    beside_kinetic = [
        row("camkiikin over passive", ns["camkiikin"], "ns/segment/step", name, ns[name])
        for name in subjects
        if name.startswith("camkii") and name != "camkiikin"
    ]
    return [*beside_hh(ns), *beside_kinetic, *spiny(max(turns // 3, 3))]


def resident_kB() -> float:
    """Memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e3


def spine_heads(count: int, *mechanisms: str) -> list[object]:
    """`count` spine heads with `mechanisms`, and the cable that they are on."""
    from neuron import n

    cable, heads = n.Section("cable"), [n.Section(f"head{i}") for i in range(count)]
    cable.nseg = 101
    for i, head in enumerate(heads):
        head.connect(cable((i + 0.5) / count))
        head.L = head.diam = 0.5
        for mechanism in ("pas", "spineca", "sk", *mechanisms):
            head.insert(mechanism)
        head(0.5).spineca.head_volume = 0.065
    n.dt = DT_MS
    n.finitialize(-65)
    return [*heads, cable]


def spine_steps(count: int, *mechanisms: str) -> float:
    """us a step of `count` heads after their calcium has jumped to 5 uM."""
    from neuron import n

    sections = spine_heads(count, *mechanisms)
    for head in sections[:-1]:
        head(0.5).cai = 5e-3
    n.fadvance()
    begin = time.perf_counter()
    for _ in range(STEPS):
        n.fadvance()
    return 1e6 * (time.perf_counter() - begin) / STEPS


def spiny(turns: int) -> list[Row]:
    """kB a head of camkii, and us a step of 100 and of 10 000 spine heads with it and without."""
    heads = spine_heads(10_000)
    before = resident_kB()
    for head in heads[:-1]:
        head.insert("camkii")
    rows = [row("camkii, memory", [(resident_kB() - before) / 10_000] * 2, "kB/spine")]
    del heads, head
    for count in (100, 10_000):
        without, with_it = f"{count} spines, spineca and sk", f"{count} spines, camkii too"
        us: dict[str, list[float]] = {without: [], with_it: []}
        for _ in range(turns):
            us[without].append(spine_steps(count))
            us[with_it].append(spine_steps(count, "camkii"))
        rows += [row(without, us[without], "us/step"), row(with_it, us[with_it], "us/step", without, us[without])]
    return rows


def bench_python(turns: int) -> list[Row]:
    """ns per instance and step through Python, in batches and one by one."""
    sk = nubridge.Model("sk")
    batch, repeats = 10_000, 20
    ca_uM = np.linspace(0.1, 2.0, batch)[:, None]
    nu, moments = sk.initial(np.full_like(ca_uM, 0.5)), sk.initial_moments(np.full_like(ca_uM, 0.5))
    generator = np.array([[-1.0, 0.08], [1.0, -0.08]])

    def many(step: Callable[[], object], count: int) -> Callable[[], float]:
        def run() -> float:
            begin = time.perf_counter()
            for _ in range(count):
                step()
            return (time.perf_counter() - begin) / count

        return run

    seconds = timed(
        turns,
        {
            "numpy": many(lambda: moments @ np.eye(6) * generator[0, 0], repeats),
            "moments": many(lambda: sk.step_moments(moments, ca_uM, DT_MS), repeats),
            "nu": many(lambda: sk.step(nu, ca_uM, DT_MS), repeats),
            "single": many(lambda: sk.step(nu[0], ca_uM[0], DT_MS), 1000),
        },
        "sk from Python",
    )
    numpy_ns = [value * 1e9 / batch for value in seconds["numpy"]]
    per = {name: [value * 1e9 / batch for value in seconds[name]] for name in ("nu", "moments")}
    label = "one 6x6 NumPy product"
    return [
        row(label, numpy_ns, "ns/instance"),
        row("Model.step, rows of 10 000", per["nu"], "ns/instance/step", label, numpy_ns),
        row("Model.step_moments, rows of 10 000", per["moments"], "ns/instance/step", label, numpy_ns),
        row("Model.step, one instance", [value * 1e9 for value in seconds["single"]], "ns/call"),
    ]


def told_by(program: str, turns: int) -> list[Row]:
    """The rows that a program of tests/bench writes."""
    path = nubridge.paths.prefix() / "tests" / "bench" / program
    folder = nubridge.paths.prefix() / "models" / "networks"
    told = subprocess.run([path, folder, str(turns)], check=True, capture_output=True, text=True)
    return [Row(spread=0.0, **one) for one in json.loads(told.stdout)]


def chain(count: int) -> peers.Plain:
    """S0 <-> S1 <-> ... with 100 molecules each: its mean rates do not change in time."""
    pairs = [(i, i + 1) for i in range(count - 1)]
    reactions = [peers.Reaction(1.0, [f"S{a}"], [f"S{b}"]) for pair in pairs for a, b in (pair, pair[::-1])]
    return peers.Plain({f"S{i}": 100 for i in range(count)}, reactions)


def read(network: peers.Plain) -> nubridge.Network:
    """The same network as ours."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.net"
        path.write_text(peers.net_text(network), encoding="utf-8")
        return nubridge.Network(path)


class Ours:
    """Our engine in 1 um3: from the initial amounts every time, or on and on where the rates stay the same."""

    def __init__(self, network: nubridge.Network, stationary: bool) -> None:
        self.network = network
        self.kept = nubridge.Simulator(network) if stationary else None

    def run(self, t_s: float, run: int) -> tuple[int, float]:
        """The events of `t_s` and the CPU seconds that they took."""
        simulator = self.kept or nubridge.Simulator(self.network, volume_um3=1.0, run=run)
        before, end = simulator.events, simulator.t_s + t_s
        begin = time.process_time()
        simulator.advance(end)
        return simulator.events - before, time.process_time() - begin


def against_peers(title: str, plain: peers.Plain, ours: Ours, t_s: float, names: list[str], turns: int) -> list[Row]:
    """Rates of ours and of the peers, in turn; a peer runs as much of `t_s` as takes it about PEER_S."""
    runs, spans = {}, {}
    for name in names:
        runs[name] = peers.PEERS[name](plain)
        runs[name](t_s / 1000, 1)
        spans[name] = min(t_s, t_s / 100 * PEER_S / max(runs[name](t_s / 100, 1), 1e-4))
    rates: dict[str, list[float]] = {name: [] for name in ("nubridge", *names)}
    for turn in tqdm(range(turns), desc=title, leave=False):
        events, seconds = ours.run(t_s, turn)
        rates["nubridge"].append(events * 1e-6 / seconds)
        for name in names:
            events = ours.run(spans[name], turn)[0]
            rates[name].append(events * 1e-6 / runs[name](spans[name], turn + 1))
    rows = [row(f"{name}, {title}", rates[name], "M events/s") for name in names]
    return rows + [row(f"nubridge, {title}", rates["nubridge"], "M events/s", name, rates[name]) for name in names]


PEER_S = 0.15


def bench_ssa(turns: int) -> list[Row]:
    """Million events per CPU second beside a direct method of 60 lines and the peers that are installed; coupling steps; threads."""
    rows = told_by("ssa_bench", turns) + told_by("coupling_bench", turns)
    here = peers.installed()
    rows += [
        Row(name=name, value=None, unit="not installed: pip install -r tests/bench/peers.txt", reference="", ratio=None)
        for name in peers.PEERS
        if name not in here
    ]
    systems = {
        "abc": (500.0, ["rebop", "bngsim", "COPASI", "roadrunner"]),
        "sk_calcium": (200.0, ["rebop", "bngsim", "COPASI", "roadrunner"]),
        "camkii": (0.3, ["rebop", "bngsim"]),
        "chain 100": (100.0, ["rebop", "bngsim", "COPASI"]),
        "chain 1000": (10.0, ["rebop", "bngsim"]),
        "chain 10000": (0.5, ["bngsim"]),
    }
    for title, (t_s, names) in systems.items():
        found = [name for name in names if name in here]
        if not found:
            continue
        stationary = title.startswith("chain")
        plain = chain(int(title.split()[1])) if stationary else peers.plain(nubridge.Network(title), 1.0)
        ours = Ours(read(plain) if stationary else nubridge.Network(title), stationary)
        rows += against_peers(title, plain, ours, t_s, found, max(turns // 3, 3))
    return rows


def bench_lattice(turns: int) -> list[Row]:
    """Million events per CPU second on lattices (A + B <-> C, hops), beside a search by a tree of sums in the same program."""
    program = nubridge.paths.prefix() / "tests" / "bench" / "lattice_bench"
    told = subprocess.run([program, str(max(turns // 3, 3))], check=True, capture_output=True, text=True)
    return [Row(spread=0.0, **one) for one in json.loads(told.stdout)]


def bench_transport(turns: int) -> list[Row]:
    """Round trips of 256 bytes between two processes, beside a raw spin-wait in the same program."""
    program = nubridge.paths.prefix() / "tests" / "bench" / "transport_bench"
    told = subprocess.run([program, str(max(turns // 3, 3))], check=True, capture_output=True, text=True)
    return [Row(spread=0.0, **one) for one in json.loads(told.stdout)]


def bench_coupling(turns: int) -> list[Row]:
    """ms a window of a session with MCell: 4000 ions beside MCell's own time, and 400 beside a NEURON of the same cost."""
    nubridge.load(demo=True)
    cell, rows = coupled.Cell(), []
    for window_us, windows in ((25, 20 * turns), (100, 5 * turns)):
        wall, own = cell.windows_ms(4000, "serial", windows, window_us)
        name = f"MCell alone, windows of {window_us} us"
        rows += [row(name, own.tolist(), "ms"), row("serial", wall.tolist(), "ms", name, own.tolist())]
        if window_us == coupled.DT_us:
            alone = cell.alone_ms(float(np.median(own)), windows)
            rows.append(row("a step of NEURON alone after such a pause", alone.tolist(), "ms"))
    cell.take(1e-3 * float(np.median(cell.windows_ms(400, "serial", 100)[1])))
    found: dict[str, list[float]] = {"serial": [], "parallel": []}
    for _ in tqdm(range(max(turns // 3, 3)), desc="coupling", leave=False):
        for scheme, ms in found.items():
            ms.append(_median(cell.windows_ms(400, scheme, 100)[0]))
    serial, parallel = found.values()
    rows.append(row("serial, both sides alike", serial, "ms"))
    return [*rows, row("parallel, both sides alike", parallel, "ms", "serial", serial)]


def ecell4_rate(edge: int, in_voxel: float, turns: int) -> list[float]:
    """Million steps per CPU second of E-Cell 4's spatial Gillespie on the box of grid_bench."""
    from ecell4_base import core, meso

    length, voxels = 0.1 * edge, edge**3
    rates, names = core.NetworkModel(), ("A", "B", "C")
    for name in names:
        rates.add_species_attribute(core.Species(name, 0.005, 1.0))
    a, b, c = (core.Species(name) for name in names)
    rates.add_reaction_rule(core.create_binding_reaction_rule(a, b, c, length**3 / in_voxel / voxels))
    rates.add_reaction_rule(core.create_unbinding_reaction_rule(c, a, b, 1.0))
    world = meso.MesoscopicWorld(core.Real3(length, length, length), core.Integer3(edge, edge, edge))
    world.bind_to(rates)
    for one in (a, b, c):
        world.add_molecules(one, round(in_voxel * voxels))
    simulator = meso.MesoscopicSimulator(world, rates)
    simulator.initialize()

    def turn(steps: int = 100_000) -> float:
        begin = time.process_time()
        for _ in range(steps):
            simulator.step()
        return steps * 1e-6 / (time.process_time() - begin)

    return [turn() for _ in range(turns)]


def bench_grid(turns: int) -> list[Row]:
    """grid-ssa in million events per CPU second beside a plain next-subvolume method and, where installed, E-Cell 4; MB of memory."""
    program = nubridge.paths.prefix() / "tests" / "bench" / "grid_bench"
    told = subprocess.run([program, str(turns)], check=True, capture_output=True, text=True)
    rows = [Row(spread=0.0, **one) for one in json.loads(told.stdout)]
    if importlib.util.find_spec("ecell4_base") is not None:
        for in_voxel in (10, 0.1):
            ours = next(one for one in rows if one["name"] == f"grid-ssa 20^3 voxels, {in_voxel:g} of each")
            peer = ecell4_rate(20, in_voxel, turns)
            rows.append(
                row(f"E-Cell 4, {in_voxel:g} of each", peer, "M events/s", "grid-ssa", [ours["value"]] * len(peer))
            )
    for regime in ("grid-ssa", "spde", "pde"):
        peak = subprocess.run([program, "memory", regime], check=True, capture_output=True, text=True)
        rows.append(row(f"{regime} 64^3 voxels, 10 species", [float(peak.stdout)] * 2, "MB"))
    return rows


def set_up(mechanism: str) -> float:
    """Processor seconds to insert `mechanism` in 1e5 segments and initialise."""
    from neuron import n

    sections = [n.Section(f"s{i}") for i in range(100)]
    for section in sections:
        section.nseg = 1000
    begin = time.process_time()
    for section in sections:
        section.insert(mechanism)
    n.finitialize(-65)
    return time.process_time() - begin


def bench_load(turns: int) -> list[Row]:
    """s to insert and initialise 1e5 segments, in NEURON."""
    nubridge.load(demo=True)
    names = ["hh", "skkin", "sk"]
    seconds = timed(max(turns // 3, 3), {name: lambda name=name: set_up(name) for name in names}, "load")
    return [row(name, seconds[name], "s", "hh", seconds["hh"]) for name in names]


def bench_learning(turns: int) -> list[Row]:
    """ms a gradient of the action: 20 intervals, decay and pairs on the Ising chain."""
    found = learning.subjects()
    values = timed(turns, found, "learning")
    reference = min(
        (name for name in found if not name.startswith("nubridge")), key=lambda name: _median(values[name]), default=""
    )
    return [row(name, values[name], "ms", reference, values.get(reference)) for name in found]


def bench_neural(turns: int) -> list[Row]:
    """s for 1000 neurons (10 % of the weights, a fifth inhibitory): exact runs, training, samples."""
    random = np.random.default_rng(1)
    weights = random.exponential(0.1, (1000, 1000)) * (random.random((1000, 1000)) < 0.1)
    weights[:, 800:] *= -4
    network = nubridge.NeuralNetwork(weights, 10, 60, gain=1.5, threshold=2.5, inputs=1.6)
    spikes = network.simulate(1.0 + np.arange(2500) * 0.1, runs=8, seed=1)
    model = nubridge.PopulationTracking.fit(spikes)
    subjects: dict[str, Callable[[], object]] = {
        "means of the patterns by NumPy": lambda: spikes.mean(axis=(0, 1)),
        "exact runs, 1 s of 1000 neurons": lambda: network.simulate([1.0], seed=2),
        "training on 20 000 patterns": lambda: nubridge.PopulationTracking.fit(spikes),
        "1000 new patterns": lambda: model.sample(1000, seed=3),
    }

    def seconds(subject: Callable[[], object]) -> float:
        begin = time.perf_counter()
        subject()
        return time.perf_counter() - begin

    found = timed(
        max(turns // 5, 3), {name: lambda name=name: seconds(subjects[name]) for name in subjects}, "1000 neurons"
    )
    label, means = next(iter(found.items()))
    return [row(name, found[name], "s", label, means) for name in found]


SUBJECTS: dict[str, Callable[[int], list[Row]]] = {
    "sk": bench_sk,
    "camkii": bench_camkii,
    "load": bench_load,
    "python": bench_python,
    "ssa": bench_ssa,
    "lattice": bench_lattice,
    "grid": bench_grid,
    "learning": bench_learning,
    "neural": bench_neural,
    "coupling": bench_coupling,
    "transport": bench_transport,
}


def table(title: str, rows: list[Row]) -> str:
    """The rows as text."""
    lines = [title, f"  {'':36} {'median':>10} {'+-':>8}  {'unit':18} ratio"]
    for one in rows:
        if one["value"] is None:
            lines.append(f"  {one['name']:36} {one['unit']}")
            continue
        ratio = f"{one['ratio']:.2f} x {one['reference']}" if one["ratio"] is not None else ""
        lines.append(f"  {one['name']:36} {one['value']:10.4g} {one['spread']:8.2g}  {one['unit']:18} {ratio}")
    return "\n".join(lines)


def main() -> None:
    """Runs the subjects that are named, or all."""
    parser = argparse.ArgumentParser(
        prog="./run bench", description="Times per step, each beside a named reference of the same run."
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"any of: {', '.join(SUBJECTS)} (default: all)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the rows there too")
    parser.add_argument("--turns", type=int, default=15, help="turns of which the median is quoted (default 15)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.subjects) - set(SUBJECTS))
    if unknown:
        parser.error(f"no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    rows = []
    for name in arguments.subjects or SUBJECTS:
        found = SUBJECTS[name](arguments.turns)
        print(table(SUBJECTS[name].__doc__ or name, found), flush=True)
        rows += found
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
