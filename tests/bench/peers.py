"""Exact simulators of others, on networks of ours in molecules: CPU seconds from the initial amounts to a time.

Each is used where it is installed: `pip install -r tests/bench/peers.txt`. They do not say how many events they ran; the
bench takes the mean number of ours over the same time.
"""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import nubridge

MOLECULES_PER_UM_UM3 = 602.214076


class Reaction(NamedTuple):
    """S0 + S0 -> S1 at the propensity rate n (n-1): the rate constant of ordered molecules."""

    rate: float
    reactants: list[str]
    products: list[str]


class Plain(NamedTuple):
    """A network as peers take it: species S0, S1, ... in molecules."""

    initial: dict[str, int]
    reactions: list[Reaction]


def plain(network: nubridge.Network, volume_um3: float) -> Plain:
    """The network in molecules; its equal reactants are counted as ordered ones."""
    molecules = MOLECULES_PER_UM_UM3 * volume_um3 if network.unit == "uM" else 1.0
    name = {species: f"S{index}" for index, species in enumerate(network.species)}
    reactions = []
    for reaction in network.reactions:
        both = (reaction.reactants, reaction.products)
        sides = [[name[one] for one, n in side.items() for _ in range(n)] for side in both]
        ordered = {1: 1, 2: 2, 3: 6}[max(reaction.reactants.values(), default=1)]
        reactions.append(Reaction(reaction.rate * molecules ** (1 - len(sides[0])) / ordered, *sides))
    return Plain({name[one]: round(amount * molecules) for one, amount in network.initial.items()}, reactions)


def rebop(network: Plain) -> Callable[[float, int], float]:
    """https://github.com/Armavica/rebop, Rust."""
    import rebop as peer

    simulation = peer.Gillespie()
    for reaction in network.reactions:
        simulation.add_reaction(*reaction)
    sparse = len(network.reactions) > 8  # measured: faster from there on

    def run(t_s: float, seed: int) -> float:
        begin = time.process_time()
        simulation.run(network.initial, tmax=t_s, nb_steps=1, rng=seed, var_names=["S0"], sparse=sparse)
        return time.process_time() - begin

    return run


def net_text(network: Plain) -> str:
    """The network as a BioNetGen `.net` file."""
    number = {name: index + 1 for index, name in enumerate(network.initial)}

    def numbers(side: list[str]) -> str:
        return ",".join(str(number[one]) for one in side) or "0"

    lines = ["begin parameters"]
    lines += [f"{i} k{i} {one.rate!r}" for i, one in enumerate(network.reactions, 1)]
    lines += ["end parameters", "begin species"]
    lines += [f"{i} {name}() {amount}" for i, (name, amount) in enumerate(network.initial.items(), 1)]
    lines += ["end species", "begin reactions"]
    lines += [
        f"{i} {numbers(one.reactants)} {numbers(one.products)} k{i}" for i, one in enumerate(network.reactions, 1)
    ]
    return "\n".join([*lines, "end reactions", "begin groups", "1 first 1", "end groups", ""])


def bngsim(network: Plain) -> Callable[[float, int], float]:
    """The bngsim of the Python package index, C++."""
    import bngsim as peer

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.net"
        path.write_text(net_text(network), encoding="utf-8")
        model = peer.Model.from_net(str(path))

    def run(t_s: float, seed: int) -> float:
        model.reset()
        simulator = peer.Simulator(model, method="ssa")
        begin = time.process_time()
        simulator.run((0.0, t_s), n_points=2, seed=seed)
        return time.process_time() - begin

    return run


def sbml_text(network: Plain) -> str:
    """The network as SBML level 3 in one compartment of size 1; equal reactants by the mass-action law k n^2."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1">',
        '<model id="m" substanceUnits="item" extentUnits="item" timeUnits="second"><listOfCompartments>',
        '<compartment id="c" spatialDimensions="3" size="1" constant="true"/></listOfCompartments><listOfSpecies>',
    ]
    lines += [
        f'<species id="{name}" compartment="c" initialAmount="{amount}" substanceUnits="item" '
        'hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>'
        for name, amount in network.initial.items()
    ]
    lines.append("</listOfSpecies><listOfReactions>")
    for i, reaction in enumerate(network.reactions):
        lines.append(f'<reaction id="r{i}" reversible="false" fast="false">')
        for tag, side in (("Reactants", reaction.reactants), ("Products", reaction.products)):
            found = "".join(
                f'<speciesReference species="{name}" stoichiometry="{side.count(name)}" constant="true"/>'
                for name in dict.fromkeys(side)
            )
            lines.append(f"<listOf{tag}>{found}</listOf{tag}>" if found else "")
        factors = "".join(f"<ci>{name}</ci>" for name in reaction.reactants)
        lines.append(
            '<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/>'
            f"<ci>k</ci>{factors}</apply></math><listOfLocalParameters>"
            f'<localParameter id="k" value="{reaction.rate!r}"/></listOfLocalParameters></kineticLaw></reaction>'
        )
    return "\n".join([*lines, "</listOfReactions></model></sbml>"])


def copasi(network: Plain) -> Callable[[float, int], float]:
    """https://copasi.org, C++: its direct method."""
    import COPASI

    data = COPASI.CRootContainer.addDatamodel()
    data.importSBMLFromString(sbml_text(network))
    task = data.getTask("Time-Course")
    task.setMethodType(COPASI.CTaskEnum.Method_directMethod)
    task.getMethod().getParameter("Max Internal Steps").setIntValue(2**31 - 1)
    problem = task.getProblem()
    problem.setAutomaticStepSize(False)
    problem.setTimeSeriesRequested(False)
    problem.setStepNumber(1)

    def run(t_s: float, seed: int) -> float:
        problem.setDuration(t_s)
        task.getMethod().getParameter("Use Random Seed").setBoolValue(True)
        task.getMethod().getParameter("Random Seed").setUIntValue(seed)
        begin = time.process_time()
        if not task.process(True):
            raise RuntimeError(COPASI.CCopasiMessage.getAllMessageText())
        return time.process_time() - begin

    return run


def roadrunner(network: Plain) -> Callable[[float, int], float]:
    """https://libroadrunner.org, C++: its `gillespie` integrator."""
    import roadrunner as peer

    simulator = peer.RoadRunner(sbml_text(network))
    simulator.setIntegrator("gillespie")
    simulator.timeCourseSelections = ["time"]

    def run(t_s: float, seed: int) -> float:
        simulator.reset()
        simulator.integrator.seed = seed
        begin = time.process_time()
        simulator.simulate(0.0, t_s, 2)
        return time.process_time() - begin

    return run


PEERS: dict[str, Callable[[Plain], Callable[[float, int], float]]] = {
    "rebop": rebop,
    "bngsim": bngsim,
    "COPASI": copasi,
    "roadrunner": roadrunner,
}


MODULES = {"rebop": "rebop", "bngsim": "bngsim", "COPASI": "COPASI", "roadrunner": "roadrunner"}


def installed() -> list[str]:
    """The peers that this Python can import."""
    return [name for name, module in MODULES.items() if importlib.util.find_spec(module) is not None]
