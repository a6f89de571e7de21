"""Who decides: every policy has Stable-Baselines3's ``predict``."""

from .card import policy_hash
from .held import Held
from .library import list_policies, load_policy
from .monotone import Monotonicity, monotonicity
from .noisy import NoisyClinician
from .pressure_rule import PressureRule
from .randomised import Randomised
from .rule import Chart, DosingRule
from .smoothed import Smoothed
from .step_table import StepTable
from .stochastic import Stochastic

__all__ = [
    "Chart",
    "DosingRule",
    "Held",
    "Monotonicity",
    "NoisyClinician",
    "PressureRule",
    "Randomised",
    "Smoothed",
    "StepTable",
    "Stochastic",
    "list_policies",
    "load_policy",
    "monotonicity",
    "policy_hash",
]
