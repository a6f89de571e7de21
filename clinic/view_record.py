"""What the report says of the record: glucose, days, doses, quality."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..records.clock import utc_offset_s, zone_of
from ..records.timeline import Timeline
from ..therapy.protocols import Goal
from . import figures, profile
from .checks import percent

if TYPE_CHECKING:
    from .recommendation import Recommendation

# metric, label, unit, decimals
METRICS: Final = (
    ("mean_glucose", "Mean glucose", "mg/dL", 0),
    ("gmi", "Glucose management indicator", "%", 1),
    ("cv", "Variability (CV)", "%", 1),
    ("time_in_range", "In range, 70-180 mg/dL", "%", 1),
    ("time_in_tight_range", "In tight range, 70-140 mg/dL", "%", 1),
    ("time_below_70", "Below 70 mg/dL", "%", 1),
    ("time_below_54", "Below 54 mg/dL", "%", 1),
    ("time_above_180", "Above 180 mg/dL", "%", 1),
    ("time_above_250", "Above 250 mg/dL", "%", 1),
    ("gri", "Glycemia risk index", "", 0),
)


def local_text(record: Timeline, seconds: float, form: str = "%d %b %Y, %H:%M") -> str:
    """Return a time on the person's own clock."""
    zone = zone_of(record.timezone)
    local = seconds + float(utc_offset_s(np.array([seconds]), zone)[0])
    return str(np.datetime64(round(local), "s").item().strftime(form))


def record_view(found: Recommendation) -> dict[str, Any]:
    """Return everything the report shows of the record."""
    record = found.record
    part = profile.recent(record)
    enough = found.enough
    days = profile.days_of(part)
    summary = enough.allows("summary")
    return {
        "subject": record.subject,
        "period": f"{local_text(record, float(part.glucose.time_s[0]), '%d %b %Y')} to "
        f"{local_text(record, float(part.glucose.time_s[-1]), '%d %b %Y')}",
        "last_reading": local_text(record, float(part.glucose.time_s[-1])),
        "timezone": record.timezone,
        "format": record.source_format,
        "days": f"{enough.days:.1f}",
        "wear": percent(enough.wear_fraction),
        "modal_day": _modal(found, part),
        "why_no_modal_day": _reasons(found, "modal day"),
        "ranges": _ranges(part) if summary else None,
        "metrics": _metrics(found, part) if summary else [],
        "why_no_summary": _reasons(found, "summary"),
        "why_no_gmi": _reasons(found, "GMI"),
        "thumbnails": [(day.label, figures.thumbnail(day)) for day in days],
        "doses": figures.doses_by_day(days),
        "dose_mean": _mean_doses(days),
        "quality": _quality(record),
    }


def _reasons(found: Recommendation, output: str) -> str:
    gate = next(g for g in found.enough.gates if g.output == output)
    return "; ".join(gate.reasons)


def _modal(found: Recommendation, part: Timeline) -> str | None:
    if not found.enough.allows("modal day"):
        return None
    return figures.modal_day(profile.modal_day(part))


def _ranges(part: Timeline) -> dict[str, Any]:
    percent = profile.ranges_of(profile.metrics_of(part))
    rows = [
        {
            "name": name,
            "range": span,
            "percent": f"{percent[key]:.0f} %",
            "time": _per_day(percent[key]),
            "colour": figures.RANGE_COLOURS[key],
        }
        for key, name, span in reversed(profile.RANGES)
    ]
    return {"bar": figures.ranges_bar(percent), "rows": rows}


def _per_day(percent: float) -> str:
    minutes = round(percent * 14.4)
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def _metrics(found: Recommendation, part: Timeline) -> list[dict[str, str]]:
    values, goals = profile.metrics_of(part), profile.goals()
    return [
        _metric(label, unit, digits, values[key], goals.get(key))
        if key != "gmi" or found.enough.allows("GMI")
        else {
            "label": label, "value": "-", "goal": _goal_text(goals.get(key)),
            "met": "not shown", "state": "none",
        }
        for key, label, unit, digits in METRICS
    ]  # fmt: skip


def _metric(label: str, unit: str, digits: int, value: float, goal: Goal | None) -> dict[str, str]:
    met = None if goal is None else goal.met(value)
    return {
        "label": label,
        "value": f"{value:.{digits}f} {unit}".strip(),
        "goal": _goal_text(goal),
        "met": "" if met is None else "met" if met else "not met",
        "state": "none" if met is None else "good" if met else "bad",
    }


def _goal_text(goal: Goal | None) -> str:
    if goal is None:
        return ""
    word = "at most" if goal.inclusive else goal.sense
    return f"{word} {goal.limit:g} {goal.unit}"


def _mean_doses(days: list[profile.Day]) -> str:
    whole = [day for day in days if day.basal_hours >= 23.0]
    if not whole:
        return "No day is covered whole by the basal record."
    basal = float(np.mean([d.basal_u + d.long_acting_u for d in whole]))
    bolus = float(np.mean([d.bolus_u for d in whole]))
    carbs = float(np.mean([d.carbs_g for d in whole]))
    return (
        f"Mean of {len(whole)} whole days: {basal + bolus:.1f} U insulin "
        f"({basal:.1f} U basal, {bolus:.1f} U bolus), {carbs:.0f} g carbohydrate."
    )


def _quality(record: Timeline) -> Mapping[str, Any]:
    assumed = 0.0
    if record.basal is not None and len(record.basal):
        length = record.basal.end_s - record.basal.start_s
        assumed = float(np.average(record.basal.assumed, weights=length))
    return {
        "accounts": [(a.kind, a.seen, a.kept) for a in record.accounts],
        "dropped": [(d.reason, d.count, d.example) for d in record.dropped],
        "notes": list(record.notes),
        "gap": f"{profile.longest_gap_h(record):.1f} h",
        "assumed": percent(assumed),
        "sampling": f"{record.sampling_interval_s / 60:.0f} min",
    }
