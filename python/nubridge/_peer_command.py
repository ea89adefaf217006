"""nubridge peer: the process of a session's simulator."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .channel import Channel
from .errors import Error, PeerError
from .peers import KINDS
from .peers.plan import model_of
from .peers.process import leave, own_stdout
from .peers.serve import serve

EXAMPLES = """  nubridge peer mcell models/networks/spine.py --session demo    in another terminal than NEURON's, or in a debugger
  nubridge peer ssa --session demo                               the model that the session names
  nubridge peer mine.py:MyPeer spine --session demo --log peer.txt
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command's words."""
    kinds = ", ".join(KINDS)
    parser.add_argument("kind", help=f"{kinds}, or a subclass of nubridge.peers.Peer as module:Class or file.py:Class")
    parser.add_argument(
        "model", nargs="?", help="the session's model, where this process finds it: a name, .bngl, .net, .py"
    )
    parser.add_argument("--session", required=True, metavar="NAME", help="the session to serve")
    parser.add_argument("--wait", type=float, default=10.0, metavar="S", help="how long to wait for it (default: 10)")
    parser.add_argument("--log", metavar="FILE", help="where this process and its simulator print (default: stderr)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serves the session and ends this process: with 0 after the owner's end, 1 for an error, 130 after Ctrl-C."""
    if arguments.log is not None:
        with Path(arguments.log).open("ab") as log:
            os.dup2(log.fileno(), 2)
    printed = own_stdout()
    code = 1
    try:
        windows = _serve(arguments)
        print(f"session {arguments.session}: {windows} windows", file=printed, flush=True)
        code = 0
    except KeyboardInterrupt:
        print("nubridge: stopped", file=sys.stderr)
        code = 130
    except Error as error:
        print(f"nubridge: {error}", file=sys.stderr)
    except Exception:  # of a user's adapter: where it came from helps
        sys.excepthook(*sys.exc_info())
    leave(code)


def _serve(arguments: argparse.Namespace) -> int:
    with Channel.attach(arguments.session, arguments.wait) as channel:
        try:
            config = {**channel.config, "peer": arguments.kind}
            if arguments.model is not None:
                config["model"] = _same_model(arguments.model, channel.config)
        except BaseException as error:
            channel.fail(f"{type(error).__name__}: {error}")
            raise
        return serve(channel, config)


def _same_model(mine: str, config: dict) -> str:
    """`mine`, when its network is that of the session. Raises PeerError with both hashes otherwise."""
    if "model" in config:
        hashes = [model_of(source, {})[0].hash for source in (mine, config["model"])]
        if hashes[0] != hashes[1]:
            raise PeerError(
                f"the model {mine} ({hashes[0][:15]}...) is not the session's, {config['model']} ({hashes[1][:15]}...); "
                "start both with one"
            )
    return mine
