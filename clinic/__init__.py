"""Face to clinicians: a recommendation with its reasons, or a refusal; reports of both."""

from .checks import Check
from .limits import LIMITS, GateLimits
from .recommendation import Recommendation, recommend
from .report import render_report, write_report

__all__ = [
    "LIMITS",
    "Check",
    "GateLimits",
    "Recommendation",
    "recommend",
    "render_report",
    "write_report",
]
