"""A timeline as one Parquet table and back without loss: typed columns, units in their metadata.

One row a value, as in the plain CSV. Parquet by others with the plain CSV's columns reads as one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np

from ..physiology.errors import InputError
from . import limits
from .activity import CHANNELS, Activity
from .diary import NOTED, Diary
from .files import Source
from .parquet_table import (
    BROKEN,
    SINCE,
    arrow,
    column,
    described,
    losses_json,
    losses_of,
    require_units,
    table_bytes,
    texts_of,
)
from .plain_csv import ACTIVITY_COLUMNS
from .series import (
    INSULINS,
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
)
from .timeline import Timeline

SCHEMA: Final = "dosegym.timeline"
UNITS: Final[Mapping[str, str]] = {
    "time_s": SINCE,
    "end_s": SINCE,
    "glucose_mg_dl": "mg/dL",
    "glucose_censored": "-1 below the sensor's range, +1 above",
    "bolus_u": "U",
    "long_acting_u": "U",
    "insulin": f"of the row's dose: {', '.join(f'{k} {name}' for k, name in enumerate(INSULINS))}",
    "carbs_g": "g",
    "finger_mg_dl": "mg/dL",
    "finger_censored": "-1 below the meter's range, +1 above",
    "note": f"of the diary: {', '.join(f'{k} {name}' for k, name in enumerate(NOTED))}",
    "basal_u_per_h": "U/h",
    "basal_assumed": "true where the schedule stands in for a log",
    "heart_rate_bpm": "1/min",
    "steps": "steps from time_s to end_s",
    "asleep": "1 asleep, 0 awake",
}
_DOSES = {"bolus_u": "boluses", "long_acting_u": "long_acting"}
_BOUNDS = {
    "glucose_mg_dl": limits.GLUCOSE,
    "bolus_u": limits.BOLUS,
    "long_acting_u": limits.LONG_ACTING,
    "carbs_g": limits.CARBS,
    "finger_mg_dl": limits.GLUCOSE,
    "basal_u_per_h": limits.BASAL,
    **{column: CHANNELS[name] for column, name in ACTIVITY_COLUMNS.items()},
}
_SCHEDULES = ("basal_u_per_h", "carb_ratio_g_per_u", "correction_mg_dl_per_u", "target_mg_dl")
_TEXTS = ("subject", "source_format", "source_sha256", "timezone", "consent", "consent_id")
_SOURCES: Final[tuple[Literal["sensor", "finger"], ...]] = ("sensor", "finger")


def timeline_bytes(timeline: Timeline) -> bytes:
    """Return a timeline as the bytes of a Parquet file."""
    rows: dict[str, list[Any]] = {name: [] for name in UNITS}

    def add(time: Any, **cells: Any) -> None:
        size = len(time)
        for name in UNITS:
            values = cells.get(name)
            whole = [None] * size if values is None else np.asarray(values).tolist()
            rows[name] += time.tolist() if name == "time_s" else whole

    glucose, sticks = timeline.glucose, timeline.finger_sticks
    add(glucose.time_s, glucose_mg_dl=glucose.mg_dl, glucose_censored=glucose.censored)
    add(sticks.time_s, finger_mg_dl=sticks.mg_dl, finger_censored=sticks.censored)
    for dose, name in _DOSES.items():
        series = getattr(timeline, name)
        add(series.time_s, **{dose: series.units}, insulin=series.insulin)
    add(timeline.meals.time_s, carbs_g=timeline.meals.carbs_g)
    add(timeline.diary.time_s, note=timeline.diary.noted)
    if timeline.basal is not None:
        basal = timeline.basal
        add(basal.start_s, end_s=basal.end_s, basal_u_per_h=basal.u_per_h,
            basal_assumed=basal.assumed)  # fmt: skip
    for label, name in ACTIVITY_COLUMNS.items():
        if name in timeline.activity:
            one = timeline.activity[name]
            add(one.start_s, end_s=one.end_s, **{label: one.value})
    about = {name: getattr(timeline, name) for name in _TEXTS}
    about["basal_known"] = timeline.basal is not None
    about["glucose_source"] = timeline.glucose_source
    about["settings"] = _settings_json(timeline.settings)
    about.update(losses_json(timeline))
    return table_bytes(rows, UNITS, SCHEMA, about)


def timeline_of(table: Any) -> Timeline:
    """Return the timeline that `timeline_bytes` wrote.

    Raises
    ------
    InputError
        When a column, unit or value is not what was written.
    """
    require_units(table, UNITS)
    try:
        return _timeline(table, described(table))
    except InputError:
        raise
    except BROKEN as error:
        raise InputError(
            f"Parquet: the description within the file is broken ({type(error).__name__})"
        ) from None


def _timeline(table: Any, about: Mapping[str, Any]) -> Timeline:
    time, end = column(table, "time_s"), column(table, "end_s")

    def of(name: str) -> tuple[Any, Any]:
        values = column(table, name)
        where = np.isfinite(values)
        if not bool(np.all(_BOUNDS[name].holds(values[where]))):
            raise InputError(f"Parquet: the column '{name}' has values outside {_BOUNDS[name]}")
        return where, values[where]

    def code(name: str, where: Any) -> Any:
        return np.nan_to_num(column(table, name)[where]).astype(np.int8)

    series = {}
    for kind in ("glucose", "finger"):
        where, mg_dl = of(f"{kind}_mg_dl")
        series[kind] = GlucoseSeries(time[where], mg_dl, code(f"{kind}_censored", where))
    doses = {}
    for name, kind in _DOSES.items():
        where, units = of(name)
        doses[kind] = Boluses(time[where], units, code("insulin", where))
    meals = of("carbs_g")
    noted = np.isfinite(column(table, "note"))
    where, rate = of("basal_u_per_h")
    assumed = np.nan_to_num(column(table, "basal_assumed")[where]) > 0
    basal = BasalIntervals(time[where], end[where], rate, assumed)
    activity = {}
    for name, channel in ACTIVITY_COLUMNS.items():
        where, values = of(name)
        if len(values):
            activity[channel] = Activity(time[where], end[where], values)
    return Timeline(
        **texts_of(about, _TEXTS),
        glucose=series["glucose"],
        finger_sticks=series["finger"],
        glucose_source=_SOURCES[_SOURCES.index(about["glucose_source"])],
        basal=basal if about["basal_known"] else None,
        meals=Meals(time[meals[0]], meals[1]),
        diary=Diary(time[noted], code("note", noted)),
        boluses=doses["boluses"],
        long_acting=doses["long_acting"],
        settings=_settings_of(about["settings"]),
        activity=activity,
        **losses_of(about),
    )


def _settings_json(settings: TherapySettings) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in vars(settings).items():
        if isinstance(value, DailySchedule):
            told[name] = [value.minute_of_day.tolist(), value.value.tolist()]
        else:
            told[name] = value
    return told


def _settings_of(told: Mapping[str, Any]) -> TherapySettings:
    values: dict[str, Any] = {}
    for name, value in told.items():
        if name in _SCHEDULES and value is not None:
            values[name] = DailySchedule(*(np.array(part, dtype=float) for part in value))
        else:
            values[name] = None if value is None else float(value)
    return TherapySettings(**values)


def as_csv(table: Any, name: str) -> Source:
    """Return somebody else's table as the text of a plain CSV; its reader judges the columns."""
    pa = arrow()
    out = io.BytesIO()
    try:
        plain = [
            table.column(i).cast("string") for i in range(table.num_columns)
        ]  # whatever is no text, number or time is refused here
        whole = pa.Table.from_arrays(plain, names=table.column_names)
        pa.csv.write_csv(whole, out)
    except (pa.ArrowException, ValueError, TypeError, UnicodeError):
        raise InputError(
            "Parquet: a column holds neither numbers, times nor text; write the plain CSV's columns"
        ) from None
    return Source(name, out.getvalue())
