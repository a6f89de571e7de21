"""A recommendation as JSON: the same facts as the report, for programs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..evaluation.write import write_text
from ..records.clock import utc_text
from .course import Course, chances
from .propose import Forecast
from .words import INTENDED_USE, caps_of, clock

if TYPE_CHECKING:
    from .recommendation import Recommendation

FORMAT: Final = 1
BANDS: Final = ("glucose_mg_dl", "basal_u_per_h", "bolus_u")


def as_json(found: Recommendation) -> dict[str, Any]:
    """Return a recommendation in plain JSON types; NaN becomes null."""
    record, twin, case = found.record, found.twin, found.certificate
    content = {
        "format": FORMAT,
        "intended_use": INTENDED_USE,
        "created": found.created,
        "refused": found.refused,
        "reasons": list(found.reasons),
        "checks": [check.to_dict() for check in found.checks],
        "watch": list(found.watch),
        "limited": list(found.limited),
        "hours": found.hours,
        "seed": found.seed,
        "subject": record.subject,
        "record": _record(found),
        "habits": found.habits.to_dict(),
        "twin": None
        if twin is None
        else {
            "group": twin.group,
            "quality": dict(twin.quality),
            "known": twin.known(),
            "notes": list(twin.notes),
        },
        "current_regimen": None if found.regimen is None else found.regimen.to_dict(),
        "forecast": None if found.forecast is None else _forecast(found.forecast),
        "certificate": None
        if case is None
        else {
            "verdict": case.verdict,
            "scope": list(case.scope),
            "sentence": case.sentence,
            "expires": case.expires,
        },
        "policy": found.policy,
        "hashes": found.hashes,
        "versions": found.versions,
    }
    return dict(plain(content))


def write_json(found: Recommendation, path: str | Path) -> None:
    """Write the JSON form, whole or not at all."""
    write_text(path, json.dumps(as_json(found), indent=1) + "\n")


def _record(found: Recommendation) -> dict[str, Any]:
    record, glucose = found.record, found.record.glucose
    return {
        "format": record.source_format,
        "timezone": record.timezone,
        "first_reading": utc_text(float(glucose.time_s[0])),
        "last_reading": utc_text(float(glucose.time_s[-1])),
        "days": found.enough.days,
        "wear": found.enough.wear_fraction,
        "dropped": [vars(entry) for entry in record.dropped],
        "notes": list(record.notes),
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    proposed = forecast.proposed
    return {
        "start": utc_text(forecast.start_s),
        "start_clock": clock(forecast.start_minute),
        "draws": len(forecast.bodies.patients),
        "assumptions": list(forecast.notes),
        "environment": {k: v for k, v in forecast.environment.items() if k != "cohort"},
        "current": _course(forecast.current, forecast.start_minute),
        "proposed": None if proposed is None else _course(proposed, forecast.start_minute),
        "probability_worse": forecast.worse,
        "limits": caps_of(forecast),
    }


def _course(course: Course, start_minute: float) -> dict[str, Any]:
    """Return quantiles per step, an hourly table and expected metrics of one course."""
    bands = {
        name: dict(zip(("q05", "q50", "q95"), course.band(name)[:, 1:].tolist(), strict=True))
        for name in BANDS
    }
    return {
        "step_min": course.step_min,
        **bands,
        "hourly": course.hourly(start_minute),
        "metrics": {k: float(np.mean(v)) for k, v in course.metrics.items()},
        "chances": chances(course),
    }


def plain(value: Any) -> Any:
    """Return a value in plain JSON types; NaN and infinities become null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
