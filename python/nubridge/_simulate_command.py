"""The command `nubridge simulate`: words to a call of nubridge.simulate, and what it prints."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

import numpy as np

import nubridge

from . import quantities
from ._mpi import telling, world
from ._settings import REGIMES, SPATIAL
from .errors import InvalidArgumentError
from .network import Network
from .results import MOLECULES_PER_uM_um3, Result
from .simulation import simulate
from .space import FACES, RULES, Space

EXAMPLES = """\
  nubridge simulate camkii --volume 1um3 --t 1s --runs 10 --seed 7 --output run.h5 --plot
                                             exact trajectories of a shipped network, a file and a figure
  nubridge simulate camkii --regime ode --t 1s
                                             one word changes the accuracy
  nubridge simulate camkii --volume 1um3 --t 1s --runs 100 --seed 7 --output run.h5 --resume
                                             ninety more runs into the same file
  nubridge simulate my.bngl --t 200ms --points 401 --record A,AB --set kon=2.0 --initial A=500
                                             your own network (BNGL or .net), other rates and amounts
  nubridge simulate sk --volume 1um3 --t 6s --runs 1000 --input "Ca=pulses(10uM, rate_hz=5, tau_ms=12, pulses=30, base=0.1)"
                                             calcium driven from outside; also Ca=2.5 or Ca=file.csv (time in s, amount)
  nubridge simulate decay --t 1s --runs 1000000 --keep statistics --histogram A
                                             mean, covariance and a histogram of a million runs
  nubridge simulate abc --regime grid-ssa --t 10ms --space 64x64x64@0.1um --diffusion A=220 --diffusion B=10um2/s
                                             in space: a box of cubes, diffusion constants in um2/s
  mpiexec -n 4 nubridge simulate camkii --volume 1um3 --t 1s --runs 1000 --output run.h5
                                             four ranks share the runs; the file is the same
"""

_MOST_ROWS = 16


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command understands."""
    parser.usage = "nubridge simulate NETWORK [--regime REGIME] [--t END] [--runs RUNS] [--seed SEED] [options]"
    parser._negative_number_matcher = re.compile(r"-\.?\d")  # so that --volume -1um3 reaches its own refusal
    parser.add_argument("network", help="a shipped network's name, a .bngl or a .net file")
    parser.add_argument("--regime", default="ssa", choices=REGIMES, help="the accuracy (default: %(default)s)")
    parser.add_argument("--t", default="1s", metavar="END", help="the end, like 10s or 200ms; or times, like 0s,1ms,1s")
    parser.add_argument("--points", type=int, default=101, help="times from 0 to the end (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="how many in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers (default: %(default)s)")
    parser.add_argument("--threads", type=int, help="default: all processors; the result does not depend on it")

    network = parser.add_argument_group("the network")
    network.add_argument("--volume", help="like 1um3 or 0.5fl: for whole molecules of a network in uM that states none")
    _named(network, "--set", "NAME=VALUE", "a parameter; what is computed from it follows")
    _named(
        network, "--initial", "NAME=AMOUNT", "an initial amount, in the network's unit or like 37uM, 120nM, 50molecules"
    )
    _named(network, "--input", "NAME=WHAT", "drives a species or a parameter: a number, file.csv, or pulses(...)")
    network.add_argument("--record", type=_list, metavar="A,B", help="observables or species (default: all of both)")

    space = parser.add_argument_group("space", f"for {', '.join(SPATIAL)}")
    space.add_argument(
        "--space", metavar="NxNxN@EDGE", help="cubes along each axis and their edge, like 64x64x64@0.1um"
    )
    _named(space, "--diffusion", "NAME=CONSTANT", "of a species that moves, in um2/s unless it says")
    _named(space, "--face", "NAME=FACE", f"puts a species on a face of the box: {', '.join(FACES)}")
    space.add_argument("--periodic", action="store_true", help="opposite faces are neighbours (default: they reflect)")
    space.add_argument("--rule", default="events", choices=RULES, help="of a lattice (default: %(default)s)")

    accuracy = parser.add_argument_group("accuracy")
    accuracy.add_argument("--relative-tolerance", type=float, metavar="NUMBER", help="of ode and pde")
    accuracy.add_argument(
        "--absolute-tolerance", type=float, metavar="NUMBER", help="of ode and pde, in the network's unit"
    )
    accuracy.add_argument("--step", metavar="TIME", help="the longest of tau, langevin, spde, hop-and-react")
    accuracy.add_argument("--epsilon", type=float, metavar="NUMBER", help="of tau")
    accuracy.add_argument("--max-states", type=int, metavar="NUMBER", help="of cme")

    results = parser.add_argument_group("results")
    results.add_argument("--output", type=Path, metavar="FILE", help="an HDF5 file, readable at any moment")
    results.add_argument("--resume", action="store_true", help="go on with it: more runs in all, or a later end")
    results.add_argument("--plot", nargs="?", const=True, metavar="FILE", help="a figure (default: beside the output)")
    results.add_argument("--keep", choices=("runs", "statistics"), help="default: runs when they take at most 1 GiB")
    results.add_argument("--histogram", type=_list, default=(), metavar="A,B", help="with --keep statistics")
    results.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Simulates, writes and prints; 0, or what Error and Interrupted turn into."""
    comm = world()
    with telling(comm):
        network = Network(arguments.network, {name: _number(text) for name, text in arguments.set.items()})
        result = simulate(network, comm=comm, progress=False if arguments.quiet else None, **_words(arguments, network))
        if comm is None or comm.rank == 0:
            _report(result, arguments)
    return 0


def _words(arguments: argparse.Namespace, network: Network) -> dict[str, Any]:
    """The arguments of nubridge.simulate."""
    volume_um3 = None if arguments.space else network.volume_um3
    if arguments.volume is not None:
        volume_um3 = quantities.quantity(arguments.volume, "volume")
    words = {
        "regime": arguments.regime,
        "t_s": _times(arguments.t, arguments.points),
        "volume_um3": volume_um3,
        "initial": {name: _amount(text, network, volume_um3) for name, text in arguments.initial.items()},
        "inputs": {name: _input(text) for name, text in arguments.input.items()},
        "space": _space(arguments),
        "histograms": arguments.histogram,
        "step_s": None if arguments.step is None else quantities.quantity(arguments.step, "time"),
    }
    same = "runs seed threads record keep output resume relative_tolerance absolute_tolerance epsilon max_states"
    words.update({name: getattr(arguments, name) for name in same.split()})
    return {name: value for name, value in words.items() if value is not None}


def _report(result: Result, arguments: argparse.Namespace) -> None:
    print(f"{result.caption}\nhash      {result.network.hash}")
    if result.events:
        speed = f", {result.events / result.elapsed_s:.3g} a second" if not arguments.resume else ""
        print(f"events    {result.events:.4g} in {result.elapsed_s:.3g} s{speed}")
    shown = result.names[:_MOST_ROWS]
    width = max(10, *(len(name) for name in shown))
    print(f"{f'at {result.t_s[-1]:g} s':<{width}}  {'mean':>12}  {'std':>12}  {result.unit}")
    for name in shown:
        mean, std = result.mean(name)[-1], result.std(name)[-1]
        print(f"{name:<{width}}  {mean:>12.6g}  {std if std > 1e-9 * abs(mean) else 0:>12.4g}")
    if len(result.names) > len(shown):
        print(f"and {len(result.names) - len(shown)} more; --record names those you want")
    if arguments.output:
        print(f"written   {arguments.output}")
    if arguments.plot:
        beside = arguments.output or Path(f"{result.network.name}-{arguments.regime}")
        path = beside.with_suffix(".png") if arguments.plot is True else Path(arguments.plot)
        result.plot(arguments.record, path)
        print(f"drawn     {path}")


def _named(group: Any, option: str, metavar: str, text: str) -> None:
    """An option that may be given again and again: name to text."""
    group.add_argument(option, action=_Named, default={}, metavar=metavar, help=text)


class _Named(argparse.Action):
    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: Any = None) -> None:
        name, equals, value = values.partition("=")
        if not (name.strip() and equals and value.strip()):
            parser.error(f"{option_string} {values}: write {self.metavar}")
        setattr(namespace, self.dest, {**getattr(namespace, self.dest), name.strip(): value.strip()})


def _list(text: str) -> tuple[str, ...]:
    """Names between commas that stand outside of brackets: species of rules hold commas."""
    return tuple(part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip())


def _number(text: str) -> float:
    return quantities.quantity(text, "number")


def _times(text: str, points: int) -> np.ndarray:
    times = [quantities.quantity(part, "time") for part in text.split(",")]
    if len(times) > 1:
        return np.array(times)
    if points < 2 or times[0] <= 0:
        raise InvalidArgumentError(f"--t {text} --points {points}: the end is later than 0, with at least 2 points")
    return np.linspace(0.0, times[0], points)


def _amount(text: str, network: Network, volume_um3: float | None) -> float:
    """In the network's unit."""
    number, unit = quantities.split(text)
    molar = {"nM": 1e-3, "uM": 1.0, "mM": 1e3}
    if unit in ("", network.unit):
        return number
    if unit not in (*molar, "molecules"):
        raise InvalidArgumentError(f"{text!r} is no amount: its unit is molecules, {', '.join(molar)}")
    if unit != "molecules" and network.unit == "uM":
        return number * molar[unit]
    if volume_um3 is None:
        raise InvalidArgumentError(f"{text!r} and a network in {network.unit} need --volume")
    molecules_per_uM = MOLECULES_PER_uM_um3 * volume_um3
    return number / molecules_per_uM if unit == "molecules" else round(number * molar[unit] * molecules_per_uM)


def _input(text: str) -> Any:
    """What drives: a number, the columns of a file, or a train of pulses."""
    call = re.fullmatch(r"pulses\((.*)\)", text)
    if call:
        return _pulses(call[1])
    if Path(text).suffix == ".csv":
        return _columns(Path(text))
    number = _number(text)
    return (0.0,), (number,)


def _columns(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip() and line[0] != "#"]
        head = int(bool(re.match(r"\s*[A-Za-z_\"]", lines[0])))
        rows = np.array([[float(part) for part in line.split(",")] for line in lines[head:]])
        t_s, values = rows.T
    except (OSError, ValueError, IndexError) as error:
        raise InvalidArgumentError(
            f"{path} cannot be read: {error}; it has two columns, the time in s, amount"
        ) from error
    return t_s, values


def _pulses(text: str) -> Any:
    """`10uM, rate_hz=5, tau_ms=12` as a PulseTrain."""
    words: dict[str, Any] = {}
    for position, part in enumerate(filter(None, (part.strip() for part in text.split(",")))):
        name, equals, value = part.partition("=")
        name, value = (name.strip(), value.strip()) if equals else ("amplitude", part)
        if (not equals and position) or name not in nubridge.PulseTrain.__dataclass_fields__:
            known = ", ".join(nubridge.PulseTrain.__dataclass_fields__)
            raise InvalidArgumentError(f"pulses({text}): {part!r} is not understood; known are {known}")
        if name == "unit":
            words["unit"] = value
        elif name == "amplitude":
            words["amplitude"], said = quantities.split(value)
            words["unit"] = said or words.get("unit")
        else:
            words[name] = int(_number(value)) if name == "pulses" else _number(value)
    try:
        return nubridge.PulseTrain(**words)
    except TypeError as error:
        raise InvalidArgumentError(f"pulses({text}): it needs amplitude, rate_hz and tau_ms") from error


def _space(arguments: argparse.Namespace) -> Space | None:
    if arguments.space is None:
        return None
    cubes, at, edge = arguments.space.partition("@")
    if not at or not re.fullmatch(r"\d+(x\d+){0,2}", cubes):
        raise InvalidArgumentError(f"--space {arguments.space}: write cubes and their edge, like 64x64x64@0.1um")
    return Space(
        tuple(int(count) for count in cubes.split("x")),
        quantities.quantity(edge, "length"),
        {name: quantities.quantity(text, "diffusion constant") for name, text in arguments.diffusion.items()},
        arguments.periodic,
        arguments.face,
        arguments.rule,
    )
