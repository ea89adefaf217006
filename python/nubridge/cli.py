"""The command `nubridge`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import __version__, _library, _peer_command, _simulate_command, channel, doctor, mechanisms, nmodl, paths
from .errors import Error, Interrupted
from .model import Model
from .network import Network
from .training import train

_EXAMPLES = """examples:
  nubridge simulate sk --volume 1um3 --t 1s --runs 100 --plot    a reaction network, exactly; see simulate --help
  nubridge doctor                            is everything here that is needed?
  nubridge clean                             remove what sessions of killed processes left in shared memory
  nubridge demo                              the SK channel on a reconstructed pyramidal cell: figures and a table
  nubridge info sk                           what the model holds: states, inputs, domain, source
  nubridge mechanisms                        compile sk and skkin; prints the folder
  nubridge mechanisms --output . my.mod      together with your own, into this folder
  nubridge mechanisms --kinetic camkii75     a reaction network as a mod file, on the standard output
  nubridge train models/sk/train.toml        make the model file again from its rates
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
    compiling.add_argument("--suffix", metavar="NAME", help="what --kinetic calls the mechanism (default: the network)")
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

    training = command("train", "make a model file from a train.toml")
    training.add_argument("settings", help="the train.toml")
    training.add_argument("--output", metavar="FILE", help="the model file (default: model.json beside the settings)")
    training.set_defaults(run=_train)

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
    model = Model(arguments.model)
    print(f"{model.name}  {model.path}\nhash         {model.hash}\nnu           {', '.join(model.nu_names)}")
    print(f"states       {', '.join(model.state_names)}\nobservables  {', '.join(model.observable_names)}")
    for (name, (lower, upper)), unit in zip(model.domain.items(), model.input_units, strict=True):
        print(f"input        {name}: {lower:g} to {upper:g} {unit}; outside: {model.policy}")
    for key, text in model.provenance.items():
        print(f"{key:12} {text}")
    return 0


def _mechanisms(arguments: argparse.Namespace) -> int:
    if arguments.kinetic:
        network = Network(arguments.kinetic)
        print(nmodl.kinetic(network, arguments.suffix or network.name, off_at_rest=arguments.off_at_rest), end="")
        return 0
    folder = mechanisms.compile_mechanisms(arguments.mod, arguments.output, arguments.coreneuron, arguments.demo)
    print(mechanisms.library_file(folder) if arguments.library else folder)
    return 0


def _clean(_: argparse.Namespace) -> int:
    removed = channel.clean()
    print("\n".join(f"removed {name}" for name in removed) or "nothing to remove: no session of a dead process")
    return 0


def _train(arguments: argparse.Namespace) -> int:
    model = train(arguments.settings, arguments.output)
    print(f"{model.path}  {model.hash}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0, 1 for an error that is explained, 2 for a wrong call, 130 after Ctrl-C."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        if words[:1] == ["demo"]:
            from .demos import sk_pyramid

            return sk_pyramid.main(words[1:])
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
