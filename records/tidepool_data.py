"""One datum of Tidepool's list, by its type, into readings, events and rates."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import clock
from .delivery import ExtraRate, TempRate
from .nightscout_profile import time_of
from .quality import Ledger
from .raw import Event, Reading
from .series import TherapySettings
from .tidepool_settings import settings_of
from .values import GlucoseUnit, glucose_unit, number_of

Row = Mapping[str, Any]

MARKS = frozenset(
    {"cbg", "smbg", "bolus", "basal", "wizard", "food", "pumpSettings", "deviceEvent", "upload"}
)
HOUR_MS, MS_PER_S = 3_600_000.0, 1000.0
LONGEST_MS = 432_000_000.0  # five days: Tidepool's own bound on one basal interval
INJECTED = {"rapid": "bolus", "short": "bolus", "long": "long-acting insulin"}


@dataclass
class Found:
    """What the rows hold, by use."""

    glucose: list[tuple[Reading, GlucoseUnit]] = field(default_factory=list)
    events: list[tuple[str, Event]] = field(default_factory=list)
    temps: list[TempRate] = field(default_factory=list)
    extras: list[ExtraRate] = field(default_factory=list)
    settings: list[tuple[float, TherapySettings]] = field(default_factory=list)

    def of(self, kind: str) -> list[Event]:
        """Return the events of one kind."""
        return [event for name, event in self.events if name == kind]


def take_datum(row: Row, where: str, found: Found, ledger: Ledger) -> None:
    """Read one datum into `found`, or account for it in `ledger`.

    Parameters
    ----------
    row : JSON object
    where : str
        Its place in the file, for the account.
    found : Found
    ledger : Ledger

    Raises
    ------
    InputError
        When a glucose reading has a unit that is none.
    """
    kind = str(row.get("type") or "")
    reader = {
        "cbg": _take_glucose,
        "bolus": _take_bolus,
        "basal": _take_basal,
        "wizard": _take_carbs,
        "food": _take_carbs,
        "insulin": _take_injection,
    }.get(kind)
    time = time_of(row, ("time",))
    if row.get("deletedTime") or row.get("archivedTime") or row.get("_active") is False:
        ledger.see("row")
        ledger.drop("row", "deleted or replaced in Tidepool", where)
    elif kind == "smbg":
        ledger.see("glucose")
        ledger.drop("glucose", "finger stick, not a sensor reading", where)
    elif kind == "pumpSettings":
        found.settings.append((clock.EARLIEST_S if time is None else time, settings_of(row)))
        ledger.use()
    elif reader is None:
        ledger.see("row")
        name = kind if kind in MARKS else "other"
        ledger.drop("row", f"no glucose, insulin or carbohydrate ({name})", where)
    elif time is None or not clock.plausible_time(time):
        ledger.see("row")
        ledger.drop("row", f"no readable time ({kind})", where)
    else:
        reader(row, time, where, found, ledger)


def _take_glucose(row: Row, time: float, where: str, found: Found, ledger: Ledger) -> None:
    ledger.see("glucose")
    value = number_of(row.get("value"))
    if value is None:
        ledger.drop("glucose", "no value or not a number", where)
        return
    unit = glucose_unit(str(row.get("units") or "mmol/L"))
    found.glucose.append((Reading(time, value, _censoring(row)), unit))


def _censoring(row: Row) -> int:
    """Return -1 or +1 where an annotation says that the sensor's range was left."""
    notes = opened(row.get("annotations"))
    for note in notes if isinstance(notes, list) else []:
        if isinstance(note, dict) and note.get("code") == "bg/out-of-range":
            return {"low": -1, "high": 1}.get(str(note.get("value")).lower(), 0)
    return 0


def _take_bolus(row: Row, time: float, where: str, found: Found, ledger: Ledger) -> None:
    """Read what was given at once, and what flowed over a duration; both are as delivered."""
    at_once, extended = number_of(row.get("normal")), number_of(row.get("extended"))
    length = number_of(row.get("duration")) or 0.0
    if extended is not None and length <= 0:  # a pump may take an extended bolus of no duration
        at_once, extended = (at_once or 0.0) + extended, None
    if at_once is not None:
        ledger.see("bolus")
        found.events.append(("bolus", Event(time, at_once)))
    if extended is not None and length > LONGEST_MS:
        ledger.see("extended bolus")
        ledger.drop("extended bolus", "longer than 5 days", where)
    elif extended is not None:
        ledger.see("extended bolus")
        rate = extended * HOUR_MS / length
        found.extras.append(ExtraRate(time, time + length / MS_PER_S, rate))
    if at_once is None and extended is None:
        ledger.see("bolus")
        ledger.drop("bolus", "no amount delivered", where)


def _take_basal(row: Row, time: float, where: str, found: Found, ledger: Ledger) -> None:
    ledger.see("basal")
    length, rate = number_of(row.get("duration")), number_of(row.get("rate"))
    if row.get("deliveryType") == "suspend":
        rate = 0.0
    elif rate is None:
        rate = _share_of_schedule(row)
    if length is None or not 0 < length <= LONGEST_MS:
        ledger.drop("basal", "no duration, or one above 5 days", where)
    elif rate is None:
        ledger.drop("basal", "no rate", where)
    else:
        found.temps.append(TempRate(time, time + length / MS_PER_S, rate))


def _share_of_schedule(row: Row) -> float | None:
    """Return the rate of a temporary basal that is told as a share of what it replaces."""
    replaced, share = opened(row.get("suppressed")), number_of(row.get("percent"))
    rate = number_of(replaced.get("rate")) if isinstance(replaced, dict) else None
    return None if rate is None or share is None else rate * share


def _take_carbs(row: Row, time: float, where: str, found: Found, ledger: Ledger) -> None:
    """Read a meal: what was typed into the calculator, or a food entry."""
    if row.get("type") == "wizard":
        amount, unit = row.get("carbInput"), row.get("carbUnits")
    else:
        nutrition = opened(row.get("nutrition"))
        carbs = nutrition.get("carbohydrate") if isinstance(nutrition, dict) else None
        carbs = carbs if isinstance(carbs, dict) else {}
        amount, unit = carbs.get("net"), carbs.get("units")
    grams = number_of(amount)
    if row.get("type") == "wizard" and not grams:
        ledger.see("row")
        ledger.drop("row", "bolus calculator without carbohydrate", where)
        return
    ledger.see("carbs")
    if str(unit or "grams").lower() not in {"g", "gram", "grams"}:
        ledger.drop("carbs", "in exchanges, whose grams the file does not say", where)
    elif grams is None:
        ledger.drop("carbs", "no amount", where)
    else:
        found.events.append(("carbs", Event(time, grams)))


def _take_injection(row: Row, time: float, where: str, found: Found, ledger: Ledger) -> None:
    """Read a pen's dose; what is neither fast- nor long-acting is named, not guessed."""
    dose, mixture = opened(row.get("dose")), opened(row.get("formulation"))
    simple = opened(mixture.get("simple")) if isinstance(mixture, dict) else None
    acting = str(simple.get("actingType")).lower() if isinstance(simple, dict) else ""
    units = number_of(dose.get("total")) if isinstance(dose, dict) else None
    kind = INJECTED.get(acting, "insulin")
    ledger.see(kind)
    if kind == "insulin":
        ledger.drop(kind, "neither fast- nor long-acting", where)
    elif units is None:
        ledger.drop(kind, "no amount", where)
    else:
        found.events.append((kind, Event(time, units)))


def opened(value: object) -> Any:
    """Return a nested value, which an export may hold as JSON text; None where that is broken."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None
