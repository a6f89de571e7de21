"""Whether to trust: metrics, statistics, evaluation, benchmarks and the release gate."""

from .benchmark import BenchmarkResult, benchmark
from .comparison import paired_differences
from .evaluate import Evaluation, evaluate
from .safety import certify
from .safety_case import SafetyCase, load_case

__all__ = [
    "BenchmarkResult",
    "Evaluation",
    "SafetyCase",
    "benchmark",
    "certify",
    "evaluate",
    "load_case",
    "paired_differences",
]
