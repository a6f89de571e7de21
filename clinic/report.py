"""The report: one self-contained HTML file, without scripts and without anything from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..evaluation.write import write_text
from .view_doses import doses_view
from .view_evidence import evidence_view
from .view_record import record_view
from .words import INTENDED_USE

if TYPE_CHECKING:
    from jinja2 import Environment

    from .recommendation import Recommendation


def render_report(found: Recommendation) -> str:
    """Return the report of a recommendation or refusal as HTML text."""
    page = _environment().get_template("report.html")
    return page.render(
        style=resources.files(f"{__package__}.templates").joinpath("report.css").read_text("utf-8"),
        version=__version__,
        intended_use=INTENDED_USE,
        created=found.created.replace("T", " ").replace("+00:00", " UTC"),
        hours=found.hours,
        refused=found.refused,
        reasons=found.reasons,
        watch=found.watch,
        limited=found.limited,
        record=record_view(found),
        doses=doses_view(found),
        evidence=evidence_view(found),
    )


def write_report(
    found: Recommendation, path: str | Path, json_path: str | Path | None = None
) -> Path:
    """Write the report, and its JSON form where a path is given; each whole or not at all.

    Raises
    ------
    InputError
        If the path cannot be written.
    """
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
