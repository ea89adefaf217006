"""nubridge: learned, reduced models of stochastic biochemistry that run inside NEURON.

>>> import nubridge
>>> nubridge.load()                      # the mechanisms sk and skkin, compiled once
>>> nubridge.Model("sk").nu_names        # the model behind sk, from Python
('C2', 'C3', 'C4', 'O1', 'O2')
"""

__version__ = "0.1.0"

from ._boltzmann import FieldFit
from ._regime_rule import copy_number, non_uniformity
from .closure import Closure
from .dynamics import BasisCombination, GridElements, Polynomial, SmoothMap
from .errors import (
    Error,
    Interrupted,
    InvalidArgumentError,
    InvalidInputError,
    InvalidStateError,
    LibraryError,
    MechanismError,
    ModelFileError,
    ModelNotFoundError,
    NetworkError,
    NotConvergedError,
    OutsideDomainError,
    OutsideDomainWarning,
    PeerDiedError,
    PeerError,
    PeerFailedError,
    PeerSilentError,
    ResultFileError,
    SessionError,
)
from .evaluation import Accuracy, Evaluation, accuracy, evaluate
from .families import BinaryField, Categorical, Counts, Family, Gaussian, IsingChain
from .graph_dynamics import GraphDynamics, gccd
from .inputs import PulseTrain, Waveform
from .kernel import Kernel
from .latent import LatentGaussian, LatentRates, fourier_series
from .lattice_family import Lattice, SampledMoments
from .learned import LearnedModel
from .mechanisms import load
from .model import Model
from .neck import neck
from .network import Network
from .neural import NeuralNetwork
from .peers.recording import record
from .population import PairwiseMaxEnt, PopulationTracking
from .report import report
from .results import Result
from .session import Session
from .simulation import Simulator, simulate
from .space import Space
from .training import train

__all__ = [
    "Accuracy",
    "BasisCombination",
    "BinaryField",
    "Categorical",
    "Closure",
    "Counts",
    "Error",
    "Evaluation",
    "Family",
    "FieldFit",
    "Gaussian",
    "GraphDynamics",
    "GridElements",
    "Interrupted",
    "InvalidArgumentError",
    "InvalidInputError",
    "InvalidStateError",
    "IsingChain",
    "Kernel",
    "LatentGaussian",
    "LatentRates",
    "Lattice",
    "LearnedModel",
    "LibraryError",
    "MechanismError",
    "Model",
    "ModelFileError",
    "ModelNotFoundError",
    "Network",
    "NetworkError",
    "NeuralNetwork",
    "NotConvergedError",
    "OutsideDomainError",
    "OutsideDomainWarning",
    "PairwiseMaxEnt",
    "PeerDiedError",
    "PeerError",
    "PeerFailedError",
    "PeerSilentError",
    "Polynomial",
    "PopulationTracking",
    "PulseTrain",
    "Result",
    "ResultFileError",
    "SampledMoments",
    "Session",
    "SessionError",
    "Simulator",
    "SmoothMap",
    "Space",
    "Waveform",
    "accuracy",
    "copy_number",
    "evaluate",
    "fourier_series",
    "gccd",
    "load",
    "neck",
    "non_uniformity",
    "record",
    "report",
    "simulate",
    "train",
]
