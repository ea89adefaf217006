"""The neural master equation: networks of two-state neurons, exactly or by exact runs."""

from __future__ import annotations

import ctypes
import operator
import weakref
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _library
from ._arrays import Array, pointer
from ._ensemble import Watch, default_threads
from .errors import Interrupted, InvalidArgumentError
from .simulation import times_of

Patterns = NDArray[np.uint8]

#: The most neurons whose 2^N states are carried as a distribution.
MOST_ENUMERATED = 14
_RESPONSES = {"logistic": 0, "tanh": 1}


class NeuralNetwork:
    """Neurons that are active or quiescent: the neural master equation (Ohira and Cowan 1997; Benayoun et al. 2010).

    An active neuron turns quiescent at the constant rate `decay_per_s`; a quiescent neuron i turns active at f(I_i),
    I_i = SUM_j w_ij s_j + input_i, with s_j = 1 for an active neuron. With x = gain (I - threshold), `response` is

    * "logistic": f = max_rate_per_s / (1 + exp(-x));
    * "tanh": f = max_rate_per_s tanh(x) above the threshold, 0 below (Benayoun et al., PLoS Comput Biol 6:e1000846).

    `weights` (N x N) has any real entries, w_ij from neuron j to neuron i; `inputs` is a number or one a neuron; gain is
    in 1 / (the unit of the weights), threshold and inputs in that unit.

    >>> import nubridge
    >>> pair = nubridge.NeuralNetwork([[0, 2], [2, 0]], decay_per_s=10, max_rate_per_s=40, threshold=2)
    >>> pair.steady_state().round(4)           # of 00, 10, 01, 11: neuron 0 is the lowest bit of a state's number
    array([0.344, 0.164, 0.164, 0.328])
    >>> pair.simulate(t_s=[0.1, 1.0], runs=1000, seed=1).shape
    (1000, 2, 2)
    """

    def __init__(
        self,
        weights: ArrayLike,
        decay_per_s: float,
        max_rate_per_s: float,
        *,
        response: str = "logistic",
        gain: float = 1.0,
        threshold: float = 0.0,
        inputs: ArrayLike = 0.0,
    ) -> None:
        self.weights = _numbers(weights, "weights")
        if self.weights.ndim != 2 or self.weights.shape[0] != self.weights.shape[1]:
            raise InvalidArgumentError(f"weights has the shape {self.weights.shape}; it is square, one row a neuron")
        #: How many neurons.
        self.size = len(self.weights)
        self.inputs = _numbers(inputs, "inputs")
        if self.inputs.shape not in ((), (1,), (self.size,)):
            raise InvalidArgumentError(
                f"inputs has the shape {self.inputs.shape}; pass one number, or one for each of the {self.size} neurons"
            )
        self.inputs = np.ascontiguousarray(np.broadcast_to(self.inputs, self.size))
        if response not in _RESPONSES:
            raise InvalidArgumentError(f"response {response!r} is unknown; it is one of {', '.join(_RESPONSES)}")
        rates = _library.NeuralRates(decay_per_s, max_rate_per_s, gain, threshold, _RESPONSES[response])
        self._library = _library.library()
        handle = ctypes.c_void_p()
        opened = self._library.nubridge_neural_open(
            self.size, pointer(self.weights), pointer(self.inputs), ctypes.byref(rates), ctypes.byref(handle)
        )
        _library.check(self._library, opened)
        self._handle = handle
        self._finalizer = weakref.finalize(self, self._library.nubridge_neural_close, handle)
        self._said = f"{self.size} neurons, {response}, {decay_per_s:g} /s down, at most {max_rate_per_s:g} /s up"

    def __repr__(self) -> str:
        return f"<nubridge.NeuralNetwork: {self._said}>"

    def states(self) -> Patterns:
        """All 2^N patterns, in the order of `distribution`: (states x neurons), N at most 14."""
        self._require_enumerable()
        return all_patterns(self.size)

    def distribution(self, t_s: ArrayLike, initial: ArrayLike | None = None, progress: bool | None = None) -> Array:
        """The exact distribution over all 2^N states at the times `t_s`: (times x states); N is at most 14.

        `initial` is a pattern, or a distribution over the states; by default every neuron is quiescent. A single number
        as `t_s` gives 101 times up to it. Ctrl-C raises Interrupted.
        """
        self._require_enumerable()
        times, begin = times_of(t_s), self._distribution(initial)
        p = np.empty((len(times), begin.size))
        function = self._library.nubridge_neural_distribution
        place = (pointer(begin), len(times), pointer(times), pointer(p))
        self._watched(lambda watch: function(self._handle, *place, watch), 1, len(times), progress)
        return p

    def steady_state(self, progress: bool | None = None) -> Array:
        """The stationary distribution over all 2^N states; N is at most 14.

        There is one only: active neurons decay, so that every state leads to the quiescent one.
        """
        self._require_enumerable()
        p = np.empty(2**self.size)
        function = self._library.nubridge_neural_steady_state
        self._watched(lambda watch: function(self._handle, pointer(p), watch), 1, 1, progress)
        return p

    def simulate(
        self,
        t_s: ArrayLike,
        runs: int = 1,
        seed: int = 0,
        *,
        initial: ArrayLike | None = None,
        threads: int | None = None,
        first_run: int = 0,
        progress: bool | None = None,
    ) -> Patterns:
        """Exact runs for any number of neurons: 0/1 patterns (runs x times x neurons) at the times `t_s`.

        Run i of a seed has the same bytes for any number of threads and whatever ran before it. `initial` is a pattern;
        by default every neuron is quiescent. A single number as `t_s` gives 101 times up to it. Ctrl-C raises Interrupted.
        """
        times = times_of(t_s)
        begin = np.zeros(self.size, np.uint8) if initial is None else patterns_of(initial, self.size)
        if begin.ndim != 1:
            raise InvalidArgumentError(f"initial has the shape {begin.shape}; it is one pattern of {self.size} neurons")
        try:
            seed, runs, first_run = operator.index(seed), operator.index(runs), operator.index(first_run)
        except TypeError as error:
            raise InvalidArgumentError(f"seed, runs and first_run are whole numbers: {error}; pass int") from error
        if runs < 1 or first_run < 0 or not 0 <= seed < 2**64:
            raise InvalidArgumentError(
                f"runs is {runs}, first_run {first_run}, seed {seed}; runs is at least 1, the others are not negative"
            )
        found = np.empty((runs, len(times), self.size), np.uint8)
        workers = default_threads(None) if threads is None else threads
        how = (seed, first_run, runs, workers, pointer(begin), len(times), pointer(times), pointer(found))
        function = self._library.nubridge_neural_simulate
        self._watched(lambda watch: function(self._handle, *how, watch), runs, len(times), progress)
        return found

    def _require_enumerable(self) -> None:
        if self.size > MOST_ENUMERATED:
            raise InvalidArgumentError(
                f"the network has {self.size} neurons; a distribution over all states takes at most {MOST_ENUMERATED}: "
                "use exact runs (simulate)"
            )

    def _distribution(self, initial: ArrayLike | None) -> Array:
        states = 2**self.size
        if initial is None or np.shape(initial) == (self.size,):
            pattern = np.zeros(self.size, np.uint8) if initial is None else patterns_of(initial, self.size)
            begin = np.zeros(states)
            begin[int(pattern @ (1 << np.arange(self.size)))] = 1.0
            return begin
        begin = _numbers(initial, "initial")
        if begin.shape != (states,):
            raise InvalidArgumentError(
                f"initial has the shape {begin.shape}; it is a pattern ({self.size},) or a distribution ({states},)"
            )
        return begin

    def _watched(self, call: Callable[[ctypes.c_void_p], int], runs: int, times: int, progress: bool | None) -> None:
        with Watch(self._library, runs, times, progress) as watch:
            done = watch.call(call, None)
        if watch.stopped:
            raise Interrupted(f"stopped after {done.points} of {runs * times} patterns", None)


def all_patterns(size: int) -> Patterns:
    """All 2^size patterns, (states x size); unit i is bit i of a row's number."""
    return ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(np.uint8)


def patterns_of(values: ArrayLike, size: int | None = None) -> Patterns:
    """0/1 patterns as bytes, (..., size); anything else is refused."""
    try:
        given = np.asarray(values)
        is_binary = (given == 0) | (given == 1)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"the patterns are no array: {error}; give every row the same length") from error
    if not is_binary.all():
        odd = given[~is_binary].flat[0]
        raise InvalidArgumentError(
            f"a pattern holds {odd!r}; a unit is 0 (quiescent) or 1 (active): threshold the data"
        )
    if given.ndim == 0 or (size is not None and given.shape[-1] != size):
        raise InvalidArgumentError(
            f"the patterns have the shape {given.shape}; their last axis is {size or 'the'} units"
        )
    return np.ascontiguousarray(given, dtype=np.uint8)


def _numbers(values: ArrayLike, what: str) -> Array:
    """Finite float64."""
    try:
        found = np.ascontiguousarray(values, dtype=np.float64).reshape(np.shape(values))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{what} is no array of numbers: {error}; give every row the same length") from error
    if not np.isfinite(found).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(found))[0])
        raise InvalidArgumentError(f"{what} holds {found[where]} at {where}; pass finite numbers")
    return found
