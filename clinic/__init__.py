"""Face to clinicians: a recommendation with its reasons, or a refusal; reports of both."""

from .checks import Check
from .consult import recommend
from .limits import LIMITS, GateLimits
from .pressure_consult import recommend_pressure
from .pressure_recommendation import PressureRecommendation
from .recommendation import Recommendation
from .report import render_pressure, render_report, write_report

__all__ = [
    "LIMITS",
    "Check",
    "GateLimits",
    "PressureRecommendation",
    "Recommendation",
    "recommend",
    "recommend_pressure",
    "render_pressure",
    "render_report",
    "write_report",
]
