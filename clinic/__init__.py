"""Face to clinicians: a recommendation with its reasons, or a refusal; reports of both."""

from .checks import Check
from .consult import recommend
from .limits import LIMITS, GateLimits
from .recommendation import Recommendation
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
