"""A session: segments of NEURON whose ions and channels live in a particle simulator.

    with nubridge.Session(peer="ssa", model="sk_calcium", window_us=25, seed=1) as session:
        session.couple(spine(0.5), ion="ca", reads=["O1 + O2 -> skpeer.popen"])
        n.continuerun(100)
        print(session.report())

The order of a step that ends a window, scheme "serial": NEURON computes the currents with the peer's last counts; the ions of
these currents go to the peer in whole numbers, and with them the rate constants; the peer advances the window; its counts are
NEURON's from the next currents on. In "parallel" the peer advances the window while NEURON is in the next one, so that both
compute at once and NEURON sees counts that are one window older. Both are first order in the window.

"predictor" is second order in it, with fixed steps of NEURON. It is "serial" with three changes: before the currents of every
step NEURON's variables follow the line through the counts of the last two windows, which begins anew at every answer; the ions
of a window reach the peer in its middle (Strang 1968), half a window being rounded down to the peer's steps; rate constants
are their means over the window. The books are those of "serial". It is meant for slow windows and counts that change
smoothly: a line through two random counts overshoots by a part of what they have changed within a window. Of 50 SK channels
in 1 um3 NEURON reads the same mean as in "serial", with 0.3 % more variance at windows of 100 us, 2 % at 400 us, 4 % at 1 ms.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import _library, mechanisms
from ._bundle import Bundle, require_possible
from ._coupled_site import PARTS, CoupledSite
from ._peer_process import PeerProcess
from ._reads import Reads
from ._regime_rule import Rule, Watch
from ._session_report import Ledger, Report
from ._window_log import WindowLog
from .channel import Channel
from .errors import InvalidArgumentError, PeerError, SessionError
from .peers import Peer, peer_class
from .peers.nu import Kinds
from .peers.plan import Plan, model_of

_SCHEMES = {"serial": 0, "parallel": 1, "predictor": 2}
_REGIMES = ("particles", "nu")
_START_S = 60.0
_numbers = itertools.count(1)


class Session:
    """Couples segments to a simulator that runs in a process of its own. A context manager; one thread of NEURON.

    `peer` is a kind (ssa, mcell, ..., "module:Class") that the session starts at finitialize() and ends, or with `wait_s` a
    number of seconds for a peer that you start by hand: `nubridge peer KIND MODEL --session NAME`. `window_us` is a multiple of
    NEURON's dt. `timeout_s` is how long an exchange may take. `log` keeps what the peer prints. `record` is an HDF5 file with a
    row a window (`nubridge._window_log`), written when the session closes, after Ctrl-C too.
    """

    def __init__(
        self,
        peer: str = "ssa",
        model: str | os.PathLike[str] = "",
        window_us: float = 25,
        seed: int = 0,
        scheme: str = "serial",
        *,
        name: str | None = None,
        wait_s: float | None = None,
        timeout_s: float = 10,
        log: str | os.PathLike[str] | None = None,
        record: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if scheme not in _SCHEMES:
            raise InvalidArgumentError(f"there is no scheme {scheme!r}; there are {', '.join(_SCHEMES)}")
        window_ns = round(window_us * 1000)
        if window_ns < 1 or abs(window_ns - window_us * 1000) > 1e-6:
            raise InvalidArgumentError(f"a window of {window_us} us is no whole number of ns; change it")
        if timeout_s > 15:
            raise InvalidArgumentError(f"a timeout of {timeout_s} s is beyond 15 s; NEURON's psolve aborts after 20 s")
        mechanisms.load()
        _load_cvode()
        self.name = name or f"{os.getpid()}-{next(_numbers)}-{os.urandom(3).hex()}"
        self.scheme = scheme
        self._config = {"peer": peer, "model": os.fspath(model), "window_ns": window_ns, "seed": seed}
        self._config["options"] = dict(options or {})
        self._network, _ = model_of(self._config["model"], self._config["options"])
        self._reads = Reads(self._network)
        self._wait_s, self._timeout_s = wait_s, timeout_s
        self._process = PeerProcess(peer, self.name, log)
        self._sites: list[CoupledSite] = []
        self._rates: list[dict[str, str]] = []
        self._exchange: Any = None
        self._channel: Channel | None = None
        self._number = 0
        self._temporary = tempfile.TemporaryDirectory(prefix="nubridge-")
        self._folder = Path(self._temporary.name)
        self._record = WindowLog(Path(record), self._folder / "windows") if record else None
        self._bundle: Bundle | None = None
        self._watch: Watch | None = None
        self._mixing_ns = 0
        self._lawful: Kinds | None = None
        self._handler = self._at_initialisation()

    def couple(
        self,
        segment: Any,
        ion: str = "ca",
        reads: Sequence[str] = (),
        rates: Mapping[str, str | tuple[str, float]] | None = None,
        *,
        volume_um3: float | None = None,
        species: str | None = None,
        name: str | None = None,
    ) -> None:
        """Gives the ions of a segment to the peer, before finitialize().

        The peer's `species` (its species called as the ion) gets the segment's calcium current and becomes its `cai`. Each of
        `reads` is "sum of species -> variable" or "sum / sum -> variable", the variable as in "skpeer.popen" or "v"; a popen is a
        fraction of the conserved total that holds its species. `rates` maps a rate constant of the model to a variable of the
        segment, or to (variable, factor). The site's volume is the segment's.
        """
        if self._channel is not None:
            raise InvalidArgumentError("the session has started; couple every segment before finitialize()")
        if ion != "ca":
            raise InvalidArgumentError(f"the ion {ion!r} cannot be coupled; calcium, 'ca', can")
        if any(site.segment == segment for site in self._sites):
            raise InvalidArgumentError(f"{segment} is coupled already; couple a segment once, with all its reads")
        volume_um3 = float(segment.volume() if volume_um3 is None else volume_um3)
        site = CoupledSite(name or str(segment), segment, volume_um3, self._reads.species(species or ion))
        site.insert()
        for text in reads:
            site.read(self._reads.read(text))
        for rate, source in (rates or {}).items():
            variable, factor = (source, 1.0) if isinstance(source, str) else source
            site.rate(len(self._rates), variable, factor)
            self._rates.append({"site": site.name, "name": rate})
        self._sites.append(site)

    def report(self) -> Report:
        """Clocks, waits, books and the end of the peer's log, now."""
        from neuron import n

        lib = _library.library()
        windows, waited_s = ctypes.c_int64(), ctypes.c_double()
        ledgers = []
        if self._number:
            _library.check(
                lib, lib.nubridge_coupling_state(self._number, ctypes.byref(windows), ctypes.byref(waited_s))
            )
            for slot, site in enumerate(self._sites):
                books, carried = self._books(slot)
                ledgers.append(Ledger(site.name, *books[:3], carried))
        pid, time_ns, _ = self._channel.other if self._channel else (None, 0, 0.0)
        in_nu = tuple(site.name for site in self._sites if site.regime)
        peer_ms = max(time_ns, windows.value * self._config["window_ns"]) * 1e-6  # a restored peer has told no time yet
        wall = windows.value, waited_s.value
        return Report(n.t, peer_ms, *wall, pid, tuple(ledgers), in_nu, self._process.log_end())

    def set_regime(self, segment: Any, regime: str) -> None:
        """Hands the site of a segment over, from the next window on: to "nu", or back to the "particles".

        In nu the peer has no molecules at the site. They follow the maximum-entropy law of `nubridge.peers.nu`, which begins with
        the peer's counts and knows mean values only of what NEURON reads; ions cross in whole numbers as before. Back to
        particles whole molecules are drawn from the law, with every conserved total as it was. ssa and mcell can.
        """
        if regime not in _REGIMES:
            raise InvalidArgumentError(f"there is no regime {regime!r}; there are {', '.join(_REGIMES)}")
        site = self._site(segment)
        if regime == "nu":
            self._require_of_peer("place", "hands no site over to nu")
            self._lawful = self._lawful or Kinds(self._network, {one.species for one in self._sites})
        site.regime = _REGIMES.index(regime)
        self._tell_regimes()

    def regime(self, segment: Any) -> str:
        """What advances the site of a segment: "particles", or "nu"."""
        return _REGIMES[self._site(segment).regime]

    def regime_rule(self, rule: Rule | None, every_ms: float = 1.0) -> None:
        """Lets a rule choose the regime of every site while NEURON runs; None ends it.

        `rule(segment, regime, counts)` returns "nu" or "particles". `counts` are molecules by what is read, the ion's species
        first, and the site's `non_uniformity` where the rule is set before finitialize(). `nubridge.copy_number(low, high)` is
        one, and `nubridge.non_uniformity(low, high)`.
        """
        if self._watch is not None:
            self._watch.stop()
            self._watch = None
        if self._channel is None:
            self._mixing_ns = round(every_ms * 1e6) if rule is not None and self._peer_has("molecules") else 0
        if rule is not None:
            self._watch = Watch(self, rule, every_ms)
            self._watch.start()

    def save(self, path: str | os.PathLike[str], by: str = "SaveState") -> None:
        """Writes NEURON's state, the peer's and the books between them into one file, from which `restore` goes on.

        Of NEURON it is what its SaveState holds. With the peer ssa the run that goes on from the file is this one to the byte;
        mcell keeps its molecules, not its random numbers. Call it between two steps, after finitialize(); ranks of MPI at once,
        each with a path of its own. `by` "BBSaveState" NEURON writes 15 digits, of the cells that have a gid.
        """
        from neuron import n

        if not self._number:
            raise SessionError(
                f"the session {self.name} has not started and has nothing to save; call finitialize() first"
            )
        self._require_of_peer("checkpoint", "writes no checkpoint")
        require_possible(by)
        lib = _library.library()
        _library.check(lib, lib.nubridge_coupling_save(self._number))
        self._show()
        rows = [self._books(slot) for slot in range(len(self._sites))]
        counts, before, integrals = self._last()
        books = {
            "session": self._identity(),
            "epoch": self.report().windows,
            "t_ms": n.t,
            "books": [books for books, _ in rows],
            "carried": [carried for _, carried in rows],
            "counts": counts.tolist(),
            "before": before.tolist(),
            "integrals": integrals.tolist(),
            "told_ms": [site.segment.peerca.told for site in self._sites],
            "regimes": [site.regime for site in self._sites],
        }
        Bundle.of(books, self._folder / "peer", by).write(path)
        if n.cvode.active():  # as after restore
            n.cvode.re_init()

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Goes back, or on, to what `save` has written, with a new peer; also after the peer has died.

        The cell and the couplings are built as they were then. It calls finitialize(), then gives NEURON its state, so that
        Vectors record anew, and what is not in a SaveState is as the model sets it.
        """
        from neuron import n

        bundle = Bundle.read(path)
        bundle.require(self._identity(), path)
        self._end()
        for site, regime in zip(self._sites, bundle.books["regimes"], strict=True):
            site.regime = regime
        self._bundle = bundle
        try:
            n.finitialize()
        finally:
            self._bundle = None
        bundle.put_neuron()
        self._resume(bundle.books)
        if n.cvode.active():
            n.cvode.re_init()

    def close(self) -> None:
        """Lets the peer end, and leaves nothing behind. Twice is once."""
        self._handler = None
        self.regime_rule(None)
        self._end()
        self._temporary.cleanup()
        self._process.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- details ---------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        lib = _library.library()
        number, self._number = self._number, 0
        channel, self._channel = self._channel, None
        for mechanism in self._mechanisms():
            mechanism.session = 0
        if number:
            lib.nubridge_coupling_finish(number)
            lib.nubridge_coupling_close(number)
            if self._record:
                self._record.gather([site.name for site in self._sites], self._counted_of(), PARTS)
        if channel is not None:
            channel.close()
        self._process.end()

    def _at_initialisation(self) -> Any:
        from neuron import n

        return n.FInitializeHandler(3, self._start)

    def _start(self) -> None:
        """Starts the peer at the first finitialize(); a later one is refused once the particles have moved."""
        from neuron import n

        if not self._sites:
            return
        if self._channel is not None:
            if self.report().windows:
                raise SessionError(
                    f"the particles of the session {self.name} are at {self.report().peer_ms:g} ms and cannot go back to 0; open a new Session for another run"
                )
            return
        for site in self._sites:
            site.require_one_owner()
        if n.cvode.active() and n.cvode.use_local_dt():
            raise SessionError(
                "a Session cannot follow local time steps, which have no common time; cvode.use_local_dt(0)"
            )
        window_ms = self._config["window_ns"] * 1e-6
        if n.cvode.active() and n.cvode.maxstep() > window_ms * (1 + 1e-9):
            raise SessionError(
                f"cvode.maxstep() is {n.cvode.maxstep():g} ms, beyond the window of {window_ms:g} ms; set it to at most the window"
            )
        config = self._plan()
        plan = Plan.of(config)
        counts = np.zeros(len(self._counted_of()), np.int64)
        counts[: len(plan.counts)] = plan.sums(plan.initial) * PARTS
        if self._bundle is not None:
            config["options"] = {**config["options"], "restore": str(self._bundle.put_peer(self._folder))}
            counts = np.array(self._bundle.books["counts"], np.int64)
            config["epoch"] = self._bundle.books["epoch"]
        shape = (len(self._sites), len(self._rates) + len(self._sites), counts.size, config["window_ns"])
        self._channel = Channel.create(self.name, config, *shape)
        try:
            self._begin(counts, window_ms if n.cvode.active() else n.dt)
        except BaseException:
            self.close()
            raise

    def _begin(self, counts: np.ndarray, step_ms: float) -> None:
        """Starts and awaits the peer, opens the coupling and gives its number to the mechanisms."""
        lib = _library.library()
        if self._wait_s is None:
            self._process.start()
        self._channel.wait_for_peer(self._wait_s or _START_S, self._process.require)
        number = ctypes.c_int32()
        scheme, limit_ms = _SCHEMES[self.scheme], round(self._timeout_s * 1000)
        arguments = (self._channel.handle, step_ms, scheme, len(self._rates), limit_ms)
        _library.check(lib, lib.nubridge_coupling_open(*arguments, counts.ctypes.data, ctypes.byref(number)))
        self._number = number.value
        record = self._record and os.fsencode(self._record.raw)
        log = os.fsencode(self._process.log) if self._wait_s is None else None
        _library.check(lib, lib.nubridge_coupling_watch(self._number, log, record))
        self._wire()
        self._tell_regimes()

    def _plan(self) -> dict[str, Any]:
        """The configuration that goes to the peer; slots of counts are numbered site by site."""
        return {
            **self._config,
            "sites": [{"name": site.name, "volume_um3": site.volume_um3} for site in self._sites],
            "amounts": [{"site": site.name, "species": site.species} for site in self._sites],
            "rates": self._rates,
            "regimes": [site.name for site in self._sites],
            "mixing_ns": self._mixing_ns,
            "counts": self._counts(),
            "parts": PARTS,
            "crossing": "middle" if self.scheme == "predictor" else "begin",
            "saves": str(self._folder / "peer"),
        }

    def _counts(self) -> list[dict[str, Any]]:
        return [{"site": site.name, "weights": weights} for site in self._sites for weights in site.counts]

    def _counted_of(self) -> list[dict[str, Any]]:
        """Of every slot of counts what it holds."""
        mixed = [{"site": site.name, "weights": {"non_uniformity": 1}} for site in self._sites if self._mixing_ns]
        return self._counts() + mixed

    def _identity(self) -> dict[str, Any]:
        """What two sessions have in common of which one goes on where the other was."""
        plan = {key: value for key, value in self._plan().items() if key not in ("model", "regimes", "saves")}
        return {**plan, "network": self._network.hash}

    def _resume(self, books: Mapping[str, Any]) -> None:
        """The books and the clock of a bundle."""
        lib = _library.library()
        rows, before = (np.array(books[name], np.int64) for name in ("books", "before"))
        carried, integrals = (np.array(books[name]) for name in ("carried", "integrals"))
        arrays = (array.ctypes.data for array in (rows, carried, before, integrals))
        step_ms = books["told_ms"][0]  # CVODE's last step comes to the mechanisms in the next one
        _library.check(lib, lib.nubridge_coupling_resume(self._number, step_ms, books["epoch"], *arrays))
        for site, told_ms in zip(self._sites, books["told_ms"], strict=True):
            site.segment.peerca.told = told_ms
        self._show()

    def _show(self) -> None:
        """Sets the variables that are read; of a window collected between two steps NEURON would see them a step late."""
        for site in self._sites:
            site.show()

    def _counted(self) -> Iterator[tuple[Any, str, dict[str, float]]]:
        """Of every site its segment, its regime, and the molecules that are read; nothing before the start."""
        if not self._number:
            return
        counts = iter((self._last()[0] / PARTS).tolist())
        found = [{name: next(counts) for name in site.count_names} for site in self._sites]
        for site, row in zip(self._sites, found, strict=True):
            if self._mixing_ns:
                row["non_uniformity"] = next(counts)
            yield site.segment, _REGIMES[site.regime], row

    def _last(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The last counts, those of the window before, and the integrals of the rates since."""
        lib, size = _library.library(), len(self._counted_of())
        counts, before, integrals = np.zeros(size, np.int64), np.zeros(size, np.int64), np.zeros(len(self._rates))
        arrays = (array.ctypes.data for array in (counts, before, integrals))
        _library.check(lib, lib.nubridge_coupling_counts(self._number, *arrays))
        return counts, before, integrals

    def _tell_regimes(self) -> None:
        lib = _library.library()
        for slot, site in enumerate(self._sites):
            _library.check(lib, lib.nubridge_coupling_rate(self._number, len(self._rates) + slot, site.regime))

    def _site(self, segment: Any) -> CoupledSite:
        found = [site for site in self._sites if site.segment == segment]
        if not found:
            names = ", ".join(site.name for site in self._sites) or "none"
            raise InvalidArgumentError(f"{segment} is not coupled; coupled are {names}")
        return found[0]

    def _require_of_peer(self, method: str, lacks: str) -> None:
        if not self._peer_has(method):
            raise PeerError(f"the peer {self._config['peer']} {lacks}: its simulator cannot; use ssa or mcell")

    def _peer_has(self, method: str) -> bool:
        return getattr(peer_class(self._config["peer"]), method) is not getattr(Peer, method)

    def _wire(self) -> None:
        from neuron import n

        first = 0
        for slot, site in enumerate(self._sites):
            site.wire(slot, first)
            first += len(site.counts)
        self._exchange = n.peer(self._sites[0].segment)
        for mechanism in self._mechanisms():
            mechanism.session = self._number

    def _mechanisms(self) -> list[Any]:
        exchange = [self._exchange] if self._exchange is not None else []
        return [mechanism for site in self._sites for mechanism in site.mechanisms] + exchange

    def _books(self, slot: int) -> tuple[list[int], float]:
        lib = _library.library()
        books, carried = (ctypes.c_int64 * 4)(), ctypes.c_double()
        _library.check(lib, lib.nubridge_coupling_books(self._number, slot, books, ctypes.byref(carried)))
        return list(books), carried.value


def _load_cvode() -> None:
    """NEURON's `cvode`, by which a session knows the solver, comes with its standard run library."""
    from neuron import n

    n.load_file("stdrun.hoc")
