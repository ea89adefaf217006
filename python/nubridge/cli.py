"""The command `nubridge`."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import (
    __version__,
    _library,
    _peer_command,
    _simulate_command,
    channel,
    doctor,
    mechanisms,
    model_nmodl,
    nmodl,
    paths,
)
from ._mpi import telling, world
from ._train_file import network_of, protocols_of, read_toml
from .errors import Error, Interrupted, InvalidArgumentError
from .evaluation import evaluate
from .kernel import Kernel, opened
from .learned import LearnedModel
from .model import Model
from .network import Network
from .report import report
from .training import train

_EXAMPLES = """examples:
  nubridge simulate sk --volume 1um3 --t 1s --runs 100 --plot    a reaction network, exactly; see simulate --help
  nubridge doctor                            is everything here that is needed?
  nubridge clean                             remove what sessions of killed processes left in shared memory
  nubridge demo                              the SK channel on a reconstructed pyramidal cell: figures and a table
  nubridge demo particles                    NEURON and MCell side by side: particles, nu(t) and KINETIC
  nubridge demo spine                        theta bursts and spike timing: calcium, SK and CaMKII in spines of that cell
  nubridge demo shunt                        SK channels in those spines shunt the EPSP
  nubridge demo frequency                    CaMKII in those spines under glutamate at 1 to 100 Hz
  nubridge info sk                           what the model holds: states, inputs, domain, source
  nubridge mechanisms                        compile ours; prints the folder
  nubridge mechanisms --output . my.mod      together with your own, into this folder
  nubridge mechanisms --kinetic camkii75     a reaction network as a mod file, on the standard output
  nubridge mechanisms --model sk_calcium --suffix mysk --current open:k    a learned model as a mod file
  nubridge train models/sk/train.toml        make the model file again from its rates
  nubridge train models/sk_calcium/train.toml --resume    learn a model; Ctrl-C loses nothing
  mpiexec -n 2 nubridge train models/sk_calcium/train.toml    ranks share the protocols; the same bytes
  nubridge evaluate sk_calcium --protocol models/sk_calcium/unseen.toml    against calcium that it never saw
  nubridge evaluate sk_calcium --protocol models/sk_calcium/unseen.toml --report sk.html    all of it on one page
  nubridge evaluate camkii --protocol models/camkii/unseen.toml --report models/camkii/README.md    five minutes
  nubridge plot models/sk_calcium            its loss and F over its domain
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="nubridge",
        description="Learned, reduced models of stochastic biochemistry that run inside NEURON.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nubridge {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, examples: str = "", **options: bool) -> argparse.ArgumentParser:
        lines = [line for line in _EXAMPLES.splitlines() if line.startswith(f"  nubridge {name}")]
        epilog = "\n".join(["examples:", *(examples.splitlines() or lines)])
        layout = argparse.RawDescriptionHelpFormatter
        return commands.add_parser(name, help=text, description=text, epilog=epilog, formatter_class=layout, **options)

    info = command("info", "versions and folders, or one model")
    info.add_argument("model", nargs="?", help="a model's name, folder or file")
    info.set_defaults(run=_info)

    compiling = command("mechanisms", "compile the mechanisms, with your own mod files if you name them")
    compiling.add_argument("mod", nargs="*", help="your .mod files, or folders that hold some")
    compiling.add_argument("--output", metavar="DIR", help="the folder to compile into (default: a cache)")
    compiling.add_argument("--coreneuron", action="store_true", help="for CoreNEURON too")
    compiling.add_argument("--demo", action="store_true", help="with the calcium channel and pool of the demos")
    compiling.add_argument(
        "--library", action="store_true", help="print the path of libnrnmech.so, for nrn_load_dll in hoc"
    )
    compiling.add_argument("--kinetic", metavar="NETWORK", help="print a network as the mod file of a KINETIC scheme")
    compiling.add_argument("--model", metavar="MODEL", help="print the mod file of a mechanism that steps this model")
    compiling.add_argument(
        "--suffix",
        metavar="NAME",
        help="what --kinetic or --model call the mechanism (default: as the network or model)",
    )
    compiling.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=SOURCE",
        help="of --model: cai (any ion's concentration), v, pointer, or a number",
    )
    compiling.add_argument("--current", default="", metavar="OBSERVABLE:ION", help="of --model: a conductance of it")
    compiling.add_argument(
        "--off-at-rest", nargs="+", default=[], metavar="RATE", help="rate constants that `running` multiplies"
    )
    compiling.set_defaults(run=_mechanisms)

    checking = command("doctor", "check the installation, and say what to do")
    checking.set_defaults(run=lambda _: min(doctor.report(), 1))

    cleaning = command("clean", "remove what sessions of dead processes left in shared memory")
    cleaning.set_defaults(run=_clean)

    simulating = command("simulate", "run a reaction network at any accuracy", _simulate_command.EXAMPLES)
    _simulate_command.add_options(simulating)

    serving = command("peer", "the simulator of a session, in a process of its own", _peer_command.EXAMPLES)
    _peer_command.add_options(serving)

    training = command("train", "make a model file from a train.toml, learning it if that has protocols")
    training.add_argument("settings", help="the train.toml")
    training.add_argument("--output", metavar="FILE", help="the model file (default: model.json beside the settings)")
    training.add_argument("--resume", action="store_true", help="go on after Ctrl-C, to the bytes of an uncut run")
    training.add_argument("--quiet", action="store_true", help="no progress")
    training.set_defaults(run=_train)

    evaluating = command("evaluate", "hold a model against protocols that it never saw")
    evaluating.add_argument("model", help="a model's name, folder or file")
    evaluating.add_argument("--protocol", required=True, metavar="FILE", help="a .toml with network and protocols")
    evaluating.add_argument("--plot", metavar="FILE", help="a figure of the moments too")
    evaluating.add_argument(
        "--report",
        metavar="FILE",
        help="all about the model and these protocols, on one page of HTML; of camkii: its table, in Markdown, in a README",
    )
    evaluating.set_defaults(run=_evaluate)

    plotting = command("plot", "draw a learned model: its loss and F over its domain")
    plotting.add_argument("model", help="a model's name, folder or file")
    plotting.add_argument("--output", metavar="FILE", help="the figure (default: model.png beside the model)")
    plotting.set_defaults(run=_plot)

    demo = command("demo", "SK on a reconstructed pyramidal cell: figures, movie, table", add_help=False)
    demo.set_defaults(run=None)
    return parser


def _info(arguments: argparse.Namespace) -> int:
    if arguments.model is None:
        print(
            f"nubridge {__version__}, library {_library.version()}, interface {_library.header_abi_version(paths.prefix() / 'include')}"
        )
        print(f"folders    {paths.prefix()}\nmechanisms {paths.cache()}")
        print(
            "models     "
            + ", ".join(sorted(file.parent.name for file in (paths.prefix() / "models").glob("*/model.json")))
        )
        return 0
    model = opened(arguments.model)
    if isinstance(model, Kernel):
        return _info_kernel(model)
    print(f"{model.name}  {model.path}\nhash         {model.hash}\nnu           {', '.join(model.nu_names)}")
    if isinstance(model, Model):
        print(f"states       {', '.join(model.state_names)}")
    print(f"observables  {', '.join(model.observable_names)}")
    for name, unit in zip(model.input_names, model.input_units, strict=True):
        lower, upper = model.domain[name]
        print(f"input        {name}: {lower:g} to {upper:g} {unit}; outside: {model.policy}")
    for key, text in model.provenance.items():
        if key not in ("history", "theta_path"):
            print(f"{key:12} {text}")
    return 0


def _info_kernel(kernel: Kernel) -> int:
    document = kernel.document
    print(
        f"{document['name']}  {kernel.path}\nhash         {kernel.hash}\nkernel       {len(kernel.state_names)} states"
    )
    print(f"observables  {', '.join(kernel.observable_names)}")
    for entry in document["inputs"]:
        lower, upper = entry["domain"]
        print(f"input        {entry['name']}: {lower:g} to {upper:g} {entry['unit']}; outside: {document['policy']}")
    for key, text in document["provenance"].items():
        print(f"{key:12} {text}")
    return 0


def _mechanisms(arguments: argparse.Namespace) -> int:
    if arguments.kinetic:
        network = Network(arguments.kinetic)
        print(nmodl.kinetic(network, arguments.suffix or network.name, off_at_rest=arguments.off_at_rest), end="")
        return 0
    if arguments.model:
        inputs = dict(_named(one) for one in arguments.input)
        print(model_nmodl.mechanism(arguments.model, arguments.suffix or "", inputs, arguments.current), end="")
        return 0
    folder = mechanisms.compile_mechanisms(arguments.mod, arguments.output, arguments.coreneuron, arguments.demo)
    print(mechanisms.library_file(folder) if arguments.library else folder)
    return 0


def _named(given: str) -> tuple[str, str]:
    name, _, source = given.partition("=")
    if not source:
        raise InvalidArgumentError(f"--input {given!r} is no NAME=SOURCE, such as Ca=cai")
    return name, source


def _clean(_: argparse.Namespace) -> int:
    removed = channel.clean()
    print("\n".join(f"removed {name}" for name in removed) or "nothing to remove: no session of a dead process")
    return 0


def _train(arguments: argparse.Namespace) -> int:
    comm, progress = world(), False if arguments.quiet else None
    with telling(comm):
        model = train(arguments.settings, arguments.output, resume=arguments.resume, progress=progress, comm=comm)
    if comm is not None and comm.rank > 0:
        return 0
    print(f"{model.path}  {model.hash}")
    if isinstance(model, LearnedModel):
        print(f"mean KL {model.provenance['loss']:.3g} nats after {len(model.history) - 1} steps")
        for name, value, error in zip(model.coefficient_names, model.coefficients, model.standard_errors, strict=False):
            print(f"  {name:20} {value:.6g}" + ("" if math.isnan(error) else f" +- {error:.2g}"))
    return 0


def _learned(name: str) -> LearnedModel:
    model = Model(name)
    if not isinstance(model, LearnedModel):
        raise InvalidArgumentError(
            f"the model {name!r} is exact, nothing in it was learned; see `nubridge info {name}`"
        )
    return model


def _evaluate(arguments: argparse.Namespace) -> int:
    path = Path(arguments.protocol)
    definition = read_toml(path)
    model = opened(arguments.model)
    if isinstance(model, Kernel):
        return _evaluate_kernel(model, definition, arguments)
    model = _learned(arguments.model)
    how = {key: value for key, value in definition.get("training", {}).items() if key in ("regime", "runs", "seed")}
    found = evaluate(model, network_of(definition, path), protocols_of(definition, path, "protocols"), **how)
    print(found)
    if arguments.plot:
        from ._learned_figure import learned_figure

        learned_figure(model, found).savefig(arguments.plot)
        print(arguments.plot)
    if arguments.report:
        print(report(model, found, arguments.report))
    return 0


def _evaluate_kernel(kernel: Kernel, definition: Mapping[str, Any], arguments: argparse.Namespace) -> int:
    if kernel.name != "camkii":
        raise InvalidArgumentError(
            f"the kernel {kernel.name!r} has no mechanism of its own to evaluate; camkii has one"
        )
    if arguments.plot:
        raise InvalidArgumentError("--plot is of learned models; leave it out, or look at `nubridge demo frequency`")
    from . import _camkii_evaluation

    mechanisms.load(demo=True)
    rows = []
    for row in _camkii_evaluation.evaluate(definition, arguments.protocol):
        print(row, flush=True)
        rows.append(row)
    text = _camkii_evaluation.table(rows)
    print(text)
    if arguments.report:
        _camkii_evaluation.write(Path(arguments.report), text)
        print(arguments.report)
    return 0


def _plot(arguments: argparse.Namespace) -> int:
    model = _learned(arguments.model)
    from ._learned_figure import learned_figure

    target = Path(arguments.output) if arguments.output else model.path.with_name("model.png")
    learned_figure(model).savefig(target)
    print(target)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 for an error that is explained, 2 for a wrong call, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["demo"]:
            from .demos import frequency, particles, shunt, sk_pyramid, spine

            named = {"frequency": frequency, "particles": particles, "shunt": shunt, "spine": spine}
            return named[words[1]].main(words[2:]) if words[1:2] and words[1] in named else sk_pyramid.main(words[1:])
        arguments = _parser().parse_args(words)
        return arguments.run(arguments)
    except Error as error:
        print(f"nubridge: {error}", file=sys.stderr)
        return 1
    except Interrupted as stop:
        print(f"nubridge: {stop}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print("nubridge: stopped", file=sys.stderr)
        return 130
