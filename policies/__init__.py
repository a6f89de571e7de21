"""Who decides: every policy has Stable-Baselines3's ``predict``."""

from .card import policy_hash
from .library import list_policies, load_policy
from .monotone import Monotonicity, monotonicity
from .pressure_rule import PressureRule
from .rule import Chart, DosingRule
from .shield import Shield
from .step_table import StepTable

__all__ = [
    "Chart",
    "DosingRule",
    "Monotonicity",
    "PressureRule",
    "Shield",
    "StepTable",
    "list_policies",
    "load_policy",
    "monotonicity",
    "policy_hash",
]
