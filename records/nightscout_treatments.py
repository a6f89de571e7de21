"""Nightscout treatments: boluses, carbohydrates and basal orders out of the care log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from . import clock
from .delivery import ExtraRate, TempRate
from .nightscout_epochs import Switch
from .nightscout_profile import time_of
from .quality import Ledger
from .raw import Event
from .values import is_blank, number_of

TREATMENT_TIMES = ("created_at", "timestamp", "date", "mills")
LONGEST_ORDER_MIN = 7 * 1440.0
LONGEST_SILENCE_S = 86400.0
SUSPENSION_S = 86400.0  # pumps alarm long before; the next order ends it anyway

# Event types named in the account; any other could hold somebody's own words.
_KNOWN = frozenset(
    {
        "<none>", "announcement", "bg check", "bolus", "bolus wizard", "carb correction",
        "combo bolus", "correction bolus", "d.a.d. alert", "exercise", "insulin change",
        "meal bolus", "note", "openaps offline", "profile switch", "pump battery change",
        "question", "resume pump", "sensor change", "sensor start", "sensor stop", "site change",
        "smb", "snack bolus", "suspend pump", "temp basal", "temporary override",
        "temporary target",
    }
)  # fmt: skip
_LONG_ACTING = (
    "lantus", "toujeo", "glargin", "basaglar", "abasaglar", "semglee", "levemir", "detemir",
    "tresiba", "degludec", "nph", "insulatard", "humulin n", "awiqli", "icodec",
)  # fmt: skip


@dataclass(frozen=True)
class Treatments:
    """What a care log holds; times in seconds since 1970 UTC."""

    boluses: list[Event] = field(default_factory=list)
    long_acting: list[Event] = field(default_factory=list)
    meals: list[Event] = field(default_factory=list)
    temps: list[TempRate] = field(default_factory=list)
    extras: list[ExtraRate] = field(default_factory=list)
    switches: list[Switch] = field(default_factory=list)
    pump_times: list[float] = field(default_factory=list)

    def logged(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """Return where the pump's log speaks; empty where no pump does.

        From its first to its last word. Towards the record's ends (`start_s`, `end_s`) a silence
        no longer than the longest one inside the log, at most a day, still counts as logged.
        """
        if not self.temps:
            return []
        times = sorted(self.pump_times + [item.time_s for item in self.boluses])
        silence = max((later - before for before, later in pairwise(times)), default=0.0)
        silence = min(silence, LONGEST_SILENCE_S)
        first, last = times[0], times[-1]
        early = min(first, max(start_s, first - silence))
        return [(early, max(last, min(end_s, last + silence)))]


def read_treatments(rows: Iterable[Mapping[str, Any]], ledger: Ledger) -> Treatments:
    """Sort treatments into doses, carbohydrates and basal orders.

    Parameters
    ----------
    rows : iterable of JSON objects
        One per identifier.
    ledger : Ledger
        Rows of no use here are written to it by their event type.
    """
    found = Treatments()
    for row in rows:
        ledger.row()
        ledger.see("treatment")
        time = time_of(row, TREATMENT_TIMES)
        event = str(row.get("eventType") or "<none>").strip().lower()
        if row.get("isValid") is False:
            ledger.drop("treatment", "deleted by its owner", "treatment")
        elif time is None or not clock.plausible_time(time):
            ledger.drop("treatment", "no readable time", "treatment")
        elif not _take(row, time, event, found, ledger):
            name = event if event in _KNOWN else "other"
            why = f"no dose, carbohydrate or basal order ({name})"
            ledger.drop("treatment", why, clock.utc_text(time))
    ledger.end_rows()
    return found


def _take(
    row: Mapping[str, Any], time: float, event: str, found: Treatments, ledger: Ledger
) -> bool:
    """Read everything of use in one row; tell whether there was anything."""
    insulin = _take_insulin(row, time, found, ledger)
    carbs = _take_carbs(row, time, found, ledger)
    if event == "temp basal":
        _take_temp(row, time, found, ledger)
    elif event in {"suspend pump", "resume pump"}:
        length = SUSPENSION_S if event.startswith("suspend") else 0.0
        found.temps.append(TempRate(time, time + length, 0.0))
        found.pump_times.append(time)
    elif event == "combo bolus":
        _take_extended(row, time, found, ledger)
    elif event == "profile switch":
        _take_switch(row, time, found)
    else:
        return insulin or carbs
    return True


def _speaks_of(row: Mapping[str, Any], key: str, kind: str, ledger: Ledger) -> bool:
    """Tell whether a row gives an amount, counting it; zeros and blanks give none."""
    cell = row.get(key)
    if number_of(cell) == 0 or is_blank(cell):
        return False
    ledger.see(kind)
    return True


def _take_insulin(row: Mapping[str, Any], time: float, found: Treatments, ledger: Ledger) -> bool:
    if not _speaks_of(row, "insulin", "bolus", ledger):
        return False
    units = number_of(row["insulin"])
    if units is None:
        ledger.drop("bolus", "not a number", clock.utc_text(time))
    elif row.get("type") == "PRIMING":
        ledger.drop("bolus", "priming, not given to the person", clock.utc_text(time))
    else:
        slow = min(_long_acting_units(row.get("insulinInjections")), max(units, 0.0))
        if slow > 0:
            ledger.see("long-acting insulin")
            found.long_acting.append(Event(time, slow))
        if slow == units:
            ledger.see("bolus", -1)
        else:
            found.boluses.append(Event(time, units - slow))
    return True


def _long_acting_units(cell: object) -> float:
    """Add up the long-acting part of xDrip's list of injections, ``[{"insulin", "units"}, …]``."""
    try:
        items = json.loads(cell) if isinstance(cell, str) else cell
    except ValueError:
        return 0.0
    total = 0.0
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            name = str(item.get("insulin", "")).lower()
            if any(word in name for word in _LONG_ACTING):
                total += max(number_of(item.get("units")) or 0.0, 0.0)
    return total


def _take_carbs(row: Mapping[str, Any], time: float, found: Treatments, ledger: Ledger) -> bool:
    if not _speaks_of(row, "carbs", "carbs", ledger):
        return False
    grams = number_of(row["carbs"])
    if grams is None:
        ledger.drop("carbs", "not a number", clock.utc_text(time))
    elif row.get("isFPU") is True:
        why = "stands for fat and protein, not carbohydrate"
        ledger.drop("carbs", why, clock.utc_text(time))
    else:
        found.meals.append(Event(time, grams))
    return True


def _minutes(row: Mapping[str, Any]) -> float | None:
    minutes = number_of(row.get("duration"))
    if minutes is None:
        milliseconds = number_of(row.get("durationInMilliseconds"))
        minutes = None if milliseconds is None else milliseconds / 60000
    return minutes


def _take_temp(row: Mapping[str, Any], time: float, found: Treatments, ledger: Ledger) -> None:
    """Read a temporary rate; a duration of zero cancels the one that runs."""
    ledger.see("basal")
    minutes, percent = _minutes(row), number_of(row.get("percent"))
    rate = number_of(row.get("absolute"))
    if rate is None and percent is None:
        rate = number_of(row.get("rate"))
    if minutes is None or not 0 <= minutes <= LONGEST_ORDER_MIN:
        ledger.drop("basal", "temporary rate without a usable duration", clock.utc_text(time))
    elif minutes > 0 and rate is None and percent is None:
        ledger.drop("basal", "temporary rate without a rate", clock.utc_text(time))
    elif rate is None and percent is not None and percent < -100:
        ledger.drop("basal", "temporary rate below -100 percent", clock.utc_text(time))
    else:
        end = time + minutes * 60
        of_schedule = 100.0 if rate is not None or percent is None else 100.0 + percent
        if minutes == 0:
            rate, of_schedule = 0.0, 100.0
        found.temps.append(TempRate(time, end, rate, of_schedule))
        found.pump_times.extend((time, end))


def _take_extended(row: Mapping[str, Any], time: float, found: Treatments, ledger: Ledger) -> None:
    """Read the extended part of a bolus, whose rate stands in `relative`."""
    minutes, rate = _minutes(row), number_of(row.get("relative"))
    if not minutes and not rate:
        return
    ledger.see("extended bolus")
    if minutes is None or rate is None or not 0 < minutes <= LONGEST_ORDER_MIN:
        why = "no usable rate and duration"
        ledger.drop("extended bolus", why, clock.utc_text(time))
    else:
        found.extras.append(ExtraRate(time, time + minutes * 60, rate))
        found.pump_times.append(time)


def _take_switch(row: Mapping[str, Any], time: float, found: Treatments) -> None:
    minutes, percent = _minutes(row) or 0.0, number_of(row.get("percentage"))
    name, inline = row.get("profile"), row.get("profileJson")
    found.switches.append(
        Switch(
            start_s=time,
            end_s=time + minutes * 60 if minutes > 0 else float("inf"),
            name=name if isinstance(name, str) else None,
            inline=inline if isinstance(inline, str) else None,
            percent=percent if percent is not None and percent > 0 else 100.0,
        )
    )
