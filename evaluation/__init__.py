"""Whether to trust: metrics, statistics, evaluation, benchmarks and the release gate."""

from .benchmark import BenchmarkResult, benchmark
from .comparison import paired_differences
from .evaluate import Evaluation, evaluate
from .safety import certify
from .safety_case import SafetyCase, load_case
from .trial import TrialResult, run_trial

__all__ = [
    "BenchmarkResult",
    "Evaluation",
    "SafetyCase",
    "TrialResult",
    "benchmark",
    "certify",
    "evaluate",
    "load_case",
    "paired_differences",
    "run_trial",
]
