"""Who decides: every policy has Stable-Baselines3's ``predict``."""

from .card import policy_hash
from .library import list_policies, load_policy
from .rule import Chart, DosingRule

__all__ = ["Chart", "DosingRule", "list_policies", "load_policy", "policy_hash"]
