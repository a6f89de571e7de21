"""The report: one self-contained HTML file, without scripts and without anything from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evaluation.write import write_text
from .pressure_recommendation import PressureRecommendation
from .view_doses import doses_view
from .view_evidence import evidence_view
from .view_pressure import pressure_record_view
from .view_pressure_evidence import pressure_evidence_view
from .view_record import record_view
from .view_regimen import regimen_view
from .words import INTENDED_USE

if TYPE_CHECKING:
    from jinja2 import Environment

    from .recommendation import Recommendation


def render_report(found: Recommendation) -> str:
    """Return the report of a recommendation or refusal as HTML text."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            **_common(found),
            hours=found.hours,
            watch=found.watch,
            limited=found.limited,
            record=record_view(found),
            doses=doses_view(found),
            evidence=evidence_view(found),
        )
    )


def render_pressure(found: PressureRecommendation) -> str:
    """Return the report of a recommendation or refusal about blood pressure as HTML text."""
    return (
        _environment()
        .get_template("pressure_report.html")
        .render(
            **_common(found),
            watch=found.watch,
            limited=found.limited,
            record=pressure_record_view(found),
            regimen=regimen_view(found),
            evidence=pressure_evidence_view(found),
        )
    )


def _common(found: Recommendation | PressureRecommendation) -> dict[str, Any]:
    """Return what every report shows."""
    style = resources.files(f"{__package__}.templates").joinpath("report.css")
    return {
        "style": style.read_text("utf-8"),
        "version": __version__,
        "intended_use": INTENDED_USE,
        "created": found.created.replace("T", " ").replace("+00:00", " UTC"),
        "refused": found.refused,
        "reasons": found.reasons,
    }


def write_report(
    found: Recommendation | PressureRecommendation,
    path: str | Path,
    json_path: str | Path | None = None,
) -> Path:
    """Write the report, and its JSON form where a path is given; each whole or not at all.

    Raises
    ------
    InputError
        If the path cannot be written.
    """
    if isinstance(found, PressureRecommendation):
        text = render_pressure(found)
    else:
        text = render_report(found)
    if json_path is not None:
        found.write_json(json_path)
    return write_text(path, text)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    page: Any = Environment(
        loader=PackageLoader("dosegym.clinic", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment: Environment = page
    return environment
