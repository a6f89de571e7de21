"""The body: pure equations, parameters and solvers."""

from .errors import InputError
from .library import MODELS, load_model
from .model import Model
from .population import Patients, load_population
from .quantity import Quantity
from .sampling import Population, Rejections, load_sampler
from .solve import Trajectory, simulate
from .streams import PURPOSES, stream

__all__ = [
    "MODELS",
    "PURPOSES",
    "InputError",
    "Model",
    "Patients",
    "Population",
    "Quantity",
    "Rejections",
    "Trajectory",
    "load_model",
    "load_population",
    "load_sampler",
    "simulate",
    "stream",
]
