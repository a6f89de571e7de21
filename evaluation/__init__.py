"""Whether to trust: metrics, statistics, evaluation and the release gate."""

from .evaluate import Evaluation, evaluate
from .safety import certify
from .safety_case import SafetyCase, load_case

__all__ = ["Evaluation", "SafetyCase", "certify", "evaluate", "load_case"]
