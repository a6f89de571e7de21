"""DoseGym's own plain CSV: settings in ``# key: value`` lines, then one row per event.

docs/reference/records.md describes it for people; `write.py` writes it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .activity import Sample
from .delivery import Delivery, Epoch, TempRate
from .diary import NOTED
from .files import Source, csv_rows
from .people import is_pseudonym
from .plain_keys import read_settings, take_key
from .quality import Ledger
from .raw import Event, Noted, RawRecord, Reading
from .series import INSULINS, TherapySettings
from .table import reading
from .values import GlucoseUnit, is_blank, number_of, shown

GLUCOSE_COLUMNS: dict[str, GlucoseUnit] = {"glucose_mg_dl": "mg/dL", "glucose_mmol_l": "mmol/L"}
AMOUNT_COLUMNS = {"bolus_u": "bolus", "long_acting_u": "long-acting insulin", "carbs_g": "carbs"}
BASAL_COLUMNS = ("basal_u_per_h", "basal_end", "basal_logged")
FINGER_COLUMNS: dict[str, GlucoseUnit] = {"finger_mg_dl": "mg/dL", "finger_mmol_l": "mmol/L"}
WORD_COLUMNS = ("insulin", "note")
ACTIVITY_COLUMNS = {"heart_rate_bpm": "heart_rate", "steps": "steps", "asleep": "sleep"}
COLUMNS = (
    *("time", "timezone", *GLUCOSE_COLUMNS, *AMOUNT_COLUMNS, *BASAL_COLUMNS),
    *(*ACTIVITY_COLUMNS, "activity_end", *FINGER_COLUMNS, *WORD_COLUMNS),
)
HELD_AT_MOST_S = 86400.0  # a rate without an end holds until the next one, at most a day


@dataclass(frozen=True)
class Rate:
    """A basal rate stated in a row; `end_s` is NaN where the row gives none."""

    start_s: float
    end_s: float
    u_per_h: float
    logged: bool


@dataclass(frozen=True)
class Columns:
    """What the rows hold."""

    glucose: list[Reading] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    fingers: list[Reading] = field(default_factory=list)
    diary: list[Noted] = field(default_factory=list)
    activity: dict[str, list[Sample]] = field(default_factory=dict)

    def of(self, kind: str) -> list[Event]:
        """Return the events of one kind."""
        return [event for name, event in self.events if name == kind]


def looks_like_plain(header: Sequence[str]) -> bool:
    """Tell whether a first line of cells is that of the plain format."""
    names = {cell.strip().lower() for cell in header}
    ours = {*GLUCOSE_COLUMNS, *AMOUNT_COLUMNS, *BASAL_COLUMNS, *FINGER_COLUMNS}
    return "time" in names and (bool(names & ours) or names <= {*COLUMNS, "glucose"})


def read_plain(
    source: Source, timezone: str | None = None, unit: GlucoseUnit | None = None
) -> RawRecord:
    """Read one plain CSV.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        Overrules the file's ``# timezone:`` line.
    unit : "mg/dL" or "mmol/L", optional
        Needed where the glucose column is named just ``glucose``.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When a column or key is unknown, or no glucose column is there.
    """
    keys, header, rows = _split(source)
    place, glucose_name, glucose_unit = _places(header, unit)
    stated = timezone or keys.get("timezone")
    zone_name = clock.canonical_zone(stated or "UTC")
    ledger = Ledger()
    ledger.header(sum(1 for _ in csv_rows(source)) - len(rows))
    times, naive = _times(rows, place, zone_name, timezone is not None)
    columns = Columns()
    for (number, row), time in zip(rows, times, strict=True):
        ledger.row()
        ledger.see("row")
        if len(row) != len(header):
            why = "more or fewer cells than the header (cut short, or a decimal comma)"
            ledger.drop("row", why, f"line {number}")
        elif time is None:
            ledger.drop("row", "no readable time", f"line {number}")
        else:
            _take(row, time, place, glucose_name, columns, ledger)
    ledger.end_rows()
    settings = read_settings(keys)
    by_finger = glucose_name not in place
    subject = keys.get("subject", "")
    return RawRecord(
        source_format="plain_csv",
        timezone=zone_name,
        glucose_unit=glucose_unit,
        glucose=columns.fingers if by_finger else columns.glucose,
        boluses=columns.of("bolus"),
        long_acting=columns.of("long-acting insulin"),
        meals=columns.of("carbs"),
        delivery=_delivery(columns, settings, zone_name),
        settings=settings,
        ledger=ledger,
        notes=_notes(subject, naive and not stated),
        subject=subject if is_pseudonym(subject) else None,
        glucose_source="finger" if by_finger else "sensor",
        fingers=() if by_finger else columns.fingers,
        diary=columns.diary,
        activity=columns.activity,
    )


def _notes(subject: str, assumed_utc: bool) -> tuple[str, ...]:
    notes = []
    if subject and not is_pseudonym(subject):
        notes.append("Subject: the line is no pseudonym (letters and a number) and is not kept.")
    if assumed_utc:
        notes.append("Timezone: the file names none; the day is taken in UTC. Pass timezone=.")
    return tuple(notes)


def _split(source: Source) -> tuple[dict[str, str], list[str], list[tuple[int, list[str]]]]:
    """Part the ``# key: value`` lines from the header and the rows."""
    keys: dict[str, str] = {}
    header: list[str] | None = None
    rows: list[tuple[int, list[str]]] = []
    for number, cells in csv_rows(source):
        if header is None and cells[0].lstrip().startswith("#"):
            take_key(",".join(cells).strip().rstrip(","), keys)
        elif header is None:
            header = [cell.strip().lower() for cell in cells]
        elif not cells[0].lstrip().startswith("#"):
            rows.append((number, cells))
    return keys, header or [], rows


def _places(
    header: Sequence[str], unit: GlucoseUnit | None
) -> tuple[Mapping[str, int], str, GlucoseUnit]:
    """Return where each column stands, the glucose column's name and its unit."""
    allowed = {*COLUMNS, "glucose"}
    for name in header:
        if name not in allowed:
            close = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"use {', '.join(COLUMNS)}"
            raise InputError(f"plain CSV: the column '{shown(name)}' is unknown; {hint}")
        if header.count(name) > 1:
            raise InputError(f"plain CSV: the column '{name}' occurs twice; keep one")
    place = {name: index for index, name in enumerate(header)}
    named = [name for name in (*GLUCOSE_COLUMNS, "glucose") if name in place]
    sticks = [name for name in FINGER_COLUMNS if name in place]
    if len(sticks) == 1 and named in ([], [sticks[0].replace("finger", "glucose")]):
        unit_of_sticks = FINGER_COLUMNS[sticks[0]]
        if "time" in place:
            return place, sticks[0].replace("finger", "glucose"), unit_of_sticks
    if "time" not in place or len(named) != 1 or sticks:
        raise InputError(
            "plain CSV: one column 'time' and one of 'glucose_mg_dl' or 'glucose_mmol_l' (or of "
            "'finger_mg_dl' or 'finger_mmol_l', or both in one unit) are "
            f"needed, found {', '.join(header) or 'none'}"
        )
    declared = unit
    if named[0] in GLUCOSE_COLUMNS:
        declared = GLUCOSE_COLUMNS[named[0]]
    if declared is None:
        raise InputError(
            "plain CSV: the column 'glucose' names no unit; call it 'glucose_mg_dl' or "
            "'glucose_mmol_l', or pass unit="
        )
    return place, named[0], declared


def _times(
    rows: Sequence[tuple[int, list[str]]],
    place: Mapping[str, int],
    zone_name: str,
    forced: bool,
) -> tuple[list[float | None], bool]:
    """Return the time of each row, None where there is none, and whether any lacks an offset."""
    zone_column = None if forced else place.get("timezone")
    times: list[float | None] = [None] * len(rows)
    naive: dict[str, list[int]] = {}
    local = np.zeros(len(rows))
    for index, (_, row) in enumerate(rows):
        text = row[place["time"]] if place["time"] < len(row) else ""
        parsed = clock.parse_time(text)
        if parsed is None:
            continue
        if parsed[1] is not None:
            times[index] = parsed[0]
            continue
        local[index] = parsed[0]
        own = row[zone_column].strip() if zone_column is not None and zone_column < len(row) else ""
        naive.setdefault(own or zone_name, []).append(index)
    for name, indices in naive.items():
        utc = clock.local_to_utc(local[indices], clock.zone_of(name))
        for index, time in zip(indices, utc.tolist(), strict=True):
            times[index] = time
    return times, zone_name in naive


def _take(
    row: Sequence[str],
    time: float,
    place: Mapping[str, int],
    glucose_name: str,
    columns: Columns,
    ledger: Ledger,
) -> None:
    """Read the cells of one row; blanks say nothing."""
    when = clock.utc_text(time)
    by_finger = glucose_name not in place
    for name, column in (
        (glucose_name, columns.glucose),
        *((n, columns.fingers) for n in FINGER_COLUMNS),
    ):
        cell = row[place[name]] if name in place else ""
        kind = "glucose" if by_finger or column is columns.glucose else "finger stick"
        found = reading(cell, time, kind, when, ledger)
        if found is not None:
            column.append(found)
    for name, kind in AMOUNT_COLUMNS.items():
        cell = row[place[name]] if name in place else ""
        amount = number_of(cell)
        if is_blank(cell) or amount == 0:
            continue
        ledger.see(kind)
        if amount is None:
            ledger.drop(kind, "not a number", when)
            continue
        word = row[place["insulin"]].strip().lower() if "insulin" in place else ""
        if kind == "carbs" or word in INSULINS:
            code = INSULINS.index(word) if kind != "carbs" else 0
            columns.events.append((kind, Event(time, amount, code)))
        else:
            ledger.drop(kind, "an insulin that is not known by that word", when)
    word = row[place["note"]].strip().lower() if "note" in place else ""
    if word:
        ledger.see("note")
        if word in NOTED:
            columns.diary.append(Noted(time, NOTED.index(word)))
        else:
            ledger.drop("note", "not of the known words", when)
    _take_rate(row, time, place, columns, ledger)
    _take_activity(row, time, place, columns, ledger)


def _take_activity(
    row: Sequence[str], time: float, place: Mapping[str, int], columns: Columns, ledger: Ledger
) -> None:
    """Read what a wearable tells; without an end a value is of one moment."""
    written = row[place["activity_end"]].strip() if "activity_end" in place else ""
    end = clock.parse_time(written) if written else (time, 0.0)
    for column, name in ACTIVITY_COLUMNS.items():
        cell = row[place[column]] if column in place else ""
        if is_blank(cell):
            continue
        ledger.see(name)
        value = number_of(cell)
        if value is None:
            ledger.drop(name, "not a number", clock.utc_text(time))
        elif end is None or end[1] is None:
            ledger.drop(name, "activity_end is no time with an offset", clock.utc_text(time))
        else:
            columns.activity.setdefault(name, []).append(Sample(time, end[0], value))


def _take_rate(
    row: Sequence[str], time: float, place: Mapping[str, int], columns: Columns, ledger: Ledger
) -> None:
    texts = {name: row[place[name]].strip() if name in place else "" for name in BASAL_COLUMNS}
    if not texts["basal_u_per_h"]:
        return
    ledger.see("basal")
    rate = number_of(texts["basal_u_per_h"])
    end = clock.parse_time(texts["basal_end"])
    if rate is None:
        ledger.drop("basal", "not a number", clock.utc_text(time))
    elif texts["basal_end"] and (end is None or end[1] is None or end[0] <= time):
        why = "basal_end is not a later time with an offset"
        ledger.drop("basal", why, clock.utc_text(time))
    else:
        logged = texts["basal_logged"].lower() not in {"no", "false", "0"}
        columns.rates.append(Rate(time, np.nan if end is None else end[0], rate, logged))


def _delivery(columns: Columns, settings: TherapySettings, zone_name: str) -> Delivery:
    """Let each rate hold to its end, or to the next rate; the stated schedule fills the rest."""
    ordered = sorted(columns.rates, key=lambda rate: rate.start_s)
    starts = sorted({rate.start_s for rate in ordered})
    following = dict(pairwise(starts))
    last = max((item[0] for item in columns.glucose), default=-np.inf)
    temps: list[TempRate] = []
    logged: list[tuple[float, float]] = []
    for rate in ordered:
        end = rate.end_s
        if np.isnan(end):
            held = following.get(rate.start_s, max(last, rate.start_s + 300.0))
            end = min(held, rate.start_s + HELD_AT_MOST_S)
        temps.append(TempRate(rate.start_s, end, rate.u_per_h))
        if rate.logged:
            logged.append((rate.start_s, end))
    on_injections = bool(columns.of("long-acting insulin")) and not temps
    scheduled = settings.basal_u_per_h is not None and not on_injections
    zone = clock.zone_of(zone_name)
    epochs = [Epoch(clock.EARLIEST_S, settings, zone)] if scheduled else []
    return Delivery(epochs=epochs, temps=temps, logged=logged)
