"""A timeline as one Parquet table and back without loss: typed columns, units in their metadata.

One row a value, as in the plain CSV. Parquet by others with the plain CSV's columns reads as one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..physiology.errors import InputError
from . import limits
from .activity import CHANNELS, Activity
from .files import SIZE_LIMIT_BYTES, Source
from .plain_csv import ACTIVITY_COLUMNS
from .quality import Account, Dropped
from .series import (
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
)
from .timeline import Timeline

SCHEMA: Final = "dosegym.timeline"
VERSION: Final = 1
MOST_ROWS: Final = 20_000_000
SINCE: Final = "s since 1970-01-01T00:00Z"
UNITS: Final[Mapping[str, str]] = {
    "time_s": SINCE,
    "end_s": SINCE,
    "glucose_mg_dl": "mg/dL",
    "glucose_censored": "-1 below the sensor's range, +1 above",
    "bolus_u": "U",
    "long_acting_u": "U",
    "carbs_g": "g",
    "basal_u_per_h": "U/h",
    "basal_assumed": "true where the schedule stands in for a log",
    "heart_rate_bpm": "1/min",
    "steps": "steps from time_s to end_s",
    "asleep": "1 asleep, 0 awake",
}
_EVENTS = {"bolus_u": "boluses", "long_acting_u": "long_acting", "carbs_g": "meals"}
_BOUNDS = {
    "glucose_mg_dl": limits.GLUCOSE,
    "bolus_u": limits.BOLUS,
    "long_acting_u": limits.LONG_ACTING,
    "carbs_g": limits.CARBS,
    "basal_u_per_h": limits.BASAL,
    **{column: CHANNELS[name] for column, name in ACTIVITY_COLUMNS.items()},
}
_SCHEDULES = ("basal_u_per_h", "carb_ratio_g_per_u", "correction_mg_dl_per_u", "target_mg_dl")
_TEXTS = ("subject", "source_format", "source_sha256", "timezone", "consent", "consent_id")


def arrow() -> Any:
    """Return pyarrow.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise InputError("Parquet: pyarrow is missing; install 'dosegym[parquet]'") from None
    return pyarrow


def timeline_bytes(timeline: Timeline) -> bytes:
    """Return a timeline as the bytes of a Parquet file."""
    rows: dict[str, list[Any]] = {name: [] for name in UNITS}

    def add(time: Any, **cells: Any) -> None:
        size = len(time)
        for name in UNITS:
            values = cells.get(name)
            whole = [None] * size if values is None else np.asarray(values).tolist()
            rows[name] += time.tolist() if name == "time_s" else whole

    glucose = timeline.glucose
    add(glucose.time_s, glucose_mg_dl=glucose.mg_dl, glucose_censored=glucose.censored)
    for column, name in _EVENTS.items():
        series = getattr(timeline, name)
        amounts = series.carbs_g if column == "carbs_g" else series.units
        add(series.time_s, **{column: amounts})
    if timeline.basal is not None:
        basal = timeline.basal
        add(basal.start_s, end_s=basal.end_s, basal_u_per_h=basal.u_per_h,
            basal_assumed=basal.assumed)  # fmt: skip
    for column, name in ACTIVITY_COLUMNS.items():
        if name in timeline.activity:
            one = timeline.activity[name]
            add(one.start_s, end_s=one.end_s, **{column: one.value})
    about = {name: getattr(timeline, name) for name in _TEXTS}
    about["basal_known"] = timeline.basal is not None
    about["settings"] = _settings_json(timeline.settings)
    about.update(losses_json(timeline))
    return table_bytes(rows, UNITS, SCHEMA, about)


def losses_json(record: Any) -> dict[str, Any]:
    """Return the account of a record as JSON values."""
    return {
        "dropped": [[item.reason, item.count, item.example] for item in record.dropped],
        "accounts": [[item.kind, item.seen, item.kept] for item in record.accounts],
        "notes": list(record.notes),
    }


def losses_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account that `losses_json` described."""
    return {
        "dropped": tuple(Dropped(str(r), int(n), str(e)) for r, n, e in about["dropped"]),
        "accounts": tuple(Account(str(k), int(s), int(n)) for k, s, n in about["accounts"]),
        "notes": tuple(str(note) for note in about["notes"]),
    }


def texts_of(about: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return texts of a description by their names."""
    return {name: str(about[name]) for name in names}


def table_bytes(
    rows: Mapping[str, Sequence[Any]], units: Mapping[str, str], schema: str, about: object
) -> bytes:
    """Return columns with their units and a description as the bytes of a Parquet file."""
    pa = arrow()
    kinds = {"glucose_censored": pa.int8(), "basal_assumed": pa.bool_(), "setting": pa.string()}
    fields = [
        pa.field(name, kinds.get(name, pa.float64()), metadata={"unit": unit})
        for name, unit in units.items()
    ]
    head = {"schema": schema, "version": str(VERSION), "about": json.dumps(about, sort_keys=True)}
    form = pa.schema(fields, metadata=head)
    arrays = [pa.array(rows[field.name], type=field.type) for field in fields]
    out = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_arrays(arrays, schema=form), out, compression="zstd")
    return out.getvalue()


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def read_table(path: Path) -> tuple[Any, str]:
    """Return the table of a Parquet file and its schema's name (empty for somebody else's).

    Raises
    ------
    InputError
        When it is broken, too large or of a later version.
    """
    pa = arrow()
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise InputError(f"Parquet: '{path}' has more than {SIZE_LIMIT_BYTES / 1e6:g} MB")
        file = pa.parquet.ParquetFile(path)
        if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > 200:
            raise InputError(f"Parquet: '{path}' has more rows or columns than a record")
        table = file.read()
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, MemoryError, pa.ArrowException):
        raise InputError(f"Parquet: '{path}' is damaged or breaks off; write it again") from None
    head = table.schema.metadata or {}
    name = head.get(b"schema", b"").decode("utf-8", "replace")
    if not name.startswith("dosegym."):
        return table, ""
    if head.get(b"version") != str(VERSION).encode():
        raise InputError(f"Parquet: '{path}' is of another version; write it with this one")
    return table, name


def described(table: Any) -> dict[str, Any]:
    """Return the description within a table's metadata."""
    return dict(json.loads(table.schema.metadata[b"about"]))


def require_units(table: Any, units: Mapping[str, str]) -> None:
    """Raise InputError unless every column is there, in its unit."""
    for name, unit in units.items():
        index = table.schema.get_field_index(name)
        told = (table.schema.field(index).metadata or {}).get(b"unit") if index >= 0 else None
        if told != unit.encode():
            raise InputError(f"Parquet: the column '{name}' is missing or not in {unit}")


def column(table: Any, name: str) -> Any:
    """Return a column as an array of floats, NaN where it is empty."""
    return table.column(name).cast("float64").to_numpy(zero_copy_only=False)


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
    except (ValueError, TypeError, KeyError, AttributeError) as error:
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

    where, mg_dl = of("glucose_mg_dl")
    censored = np.nan_to_num(column(table, "glucose_censored")[where]).astype(np.int8)
    glucose = GlucoseSeries(time[where], mg_dl, censored)
    events = {name: of(name) for name in _EVENTS}
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
        glucose=glucose,
        basal=basal if about["basal_known"] else None,
        boluses=Boluses(time[events["bolus_u"][0]], events["bolus_u"][1]),
        meals=Meals(time[events["carbs_g"][0]], events["carbs_g"][1]),
        long_acting=Boluses(time[events["long_acting_u"][0]], events["long_acting_u"][1]),
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
