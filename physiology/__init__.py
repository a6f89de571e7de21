"""The body: pure equations, parameters and solvers."""

from .errors import InputError
from .library import MODELS, load_model
from .model import Model
from .population import Patients, load_population
from .quantity import Quantity
from .solve import Trajectory, simulate

__all__ = [
    "MODELS",
    "InputError",
    "Model",
    "Patients",
    "Quantity",
    "Trajectory",
    "load_model",
    "load_population",
    "simulate",
]
