"""Exceptions of nubridge: each message names the value, the rule and the next action."""


class Error(Exception):
    """Base of every exception that nubridge raises."""


class InvalidArgumentError(Error):
    """An argument of the wrong type, shape or size."""


class InvalidInputError(Error):
    """An input that is not finite, or negative where it multiplies a rate."""


class InvalidStateError(Error):
    """A state that is not finite or is no probability."""


class OutsideDomainError(Error):
    """An input outside the model's domain under the policy `error`."""


class NotConvergedError(Error):
    """An integrator that could not reach its tolerance."""


class ModelNotFoundError(Error):
    """No model of that name or at that path."""


class ModelFileError(Error):
    """A model file that is truncated, edited, of another schema version, or against its rules."""


class NetworkError(Error):
    """A reaction network that breaks a rule or holds a construct that cannot be honoured."""


class ResultFileError(Error):
    """A result file that cannot be read, written, or gone on with."""


class LibraryError(Error):
    """The shared library is missing, of another version, or failed inside."""


class MechanismError(Error):
    """Mechanisms that cannot be compiled, loaded, or that are not the right ones."""


class SessionError(Error):
    """A session that cannot be made or joined, or whose two sides do not agree."""


class PeerDiedError(SessionError):
    """The process at the other end of a session has ended."""


class PeerSilentError(SessionError):
    """The process at the other end lives but has not answered in time; the wait may be repeated."""


class PeerFailedError(SessionError):
    """The process at the other end reported an error; the text is its own."""


class PeerError(Error):
    """A peer that cannot simulate what it is asked for: not installed, unknown, or beyond what its simulator can do."""


class OutsideDomainWarning(UserWarning):
    """An input outside the model's domain; the result follows the policy."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C during a simulation, after what was finished had been kept: `result` holds those runs, or is None."""

    def __init__(self, text: str, result: object) -> None:
        super().__init__(text)
        self.result = result
