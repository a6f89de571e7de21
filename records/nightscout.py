"""Nightscout JSON: entries, treatments and profile of one site.

Field meanings follow Nightscout's own code (cgm-remote-monitor): ``percent`` of a temporary basal
is relative to the schedule, and ``relative`` of a combo bolus is its extended part in U/h.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import clock
from .delivery import Delivery
from .nightscout_epochs import epoch_at, epochs_of
from .nightscout_profile import read_documents, time_of
from .nightscout_treatments import read_treatments
from .quality import Ledger
from .raw import RawRecord, Reading
from .series import TherapySettings
from .values import GlucoseUnit, censoring_of, is_blank, number_of

STEP_S = 300.0
ENTRY_TIMES = ("date", "dateString", "sysTime", "mills")
ERROR_BELOW = 39  # sensor states, not glucose (openaps/oref0 pull request 273)
LOW_CODE, HIGH_CODE = 39, 401  # Dexcom's LOW and HIGH (cgm-remote-monitor pull request 7207)
LARGEST_OLD_CODE = 12  # Dexcom G4's states 0 to 12 (xDrip pull request 3634)


def read_nightscout(
    entries: Sequence[object],
    treatments: Sequence[object] = (),
    profiles: Sequence[object] = (),
    timezone: str | None = None,
    unit: GlucoseUnit | None = None,
) -> RawRecord:
    """Read the rows of a Nightscout site.

    Parameters
    ----------
    entries, treatments, profiles : sequence of JSON objects
        In any order; several exports may simply follow one another.
    timezone : str, optional
        Overrules the profile's.
    unit : "mg/dL" or "mmol/L", optional
        Of `sgv`; mg/dL by Nightscout's definition, but some uploaders write mmol/L.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When `timezone` is unknown.
    """
    ledger = Ledger()
    glucose_unit: GlucoseUnit = unit or "mg/dL"
    glucose = _read_entries(once(entries, "glucose", ledger), glucose_unit, ledger)
    given = read_treatments(once(treatments, "treatment", ledger), ledger)
    documents = read_documents(profiles, ledger)
    ledger.header(len(profiles))
    times = [item.time_s for item in glucose] or [clock.LATEST_S]
    begin, end = min(times), max(times)
    fallback, notes = _common_offset([*entries, *treatments])
    forced = clock.zone_of(timezone) if timezone else None
    epochs = epochs_of(documents, given.switches, forced, clock.zone_of(fallback))
    current = epoch_at(epochs, end)
    settings = TherapySettings() if current is None else current.settings
    name = clock.canonical_zone(timezone or fallback)
    if timezone or any(item.zone_name for one in documents for item in one.programs.values()):
        name, notes = name if current is None else clock.zone_name(current.zone), []
    if given.long_acting and not given.temps and epochs:
        epochs = []
        notes.append(
            "Basal: injections of long-acting insulin are recorded and no pump order is, so the "
            "profile's basal rates are not taken for delivered."
        )
    return RawRecord(
        source_format="nightscout",
        timezone=name,
        glucose_unit=glucose_unit,
        glucose=glucose,
        boluses=given.boluses,
        long_acting=given.long_acting,
        meals=given.meals,
        delivery=Delivery(epochs, given.temps, given.extras, given.logged(begin, end + STEP_S)),
        settings=settings,
        ledger=ledger,
        notes=tuple(notes),
    )


def once(rows: Sequence[object], kind: str, ledger: Ledger) -> list[Mapping[str, Any]]:
    """Return the rows that are objects, one per identifier.

    Of rows with one identifier the last modified stands, so that an edit replaces what it edits.
    Whoever reads the rows returned counts them.
    """
    chosen: dict[tuple[str, str], Mapping[str, Any]] = {}
    loose: list[Mapping[str, Any]] = []
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            _lose(kind, "not a JSON object", number, ledger)
            continue
        key = _identifier(row)
        if key is None:
            loose.append(row)
        elif key in chosen:
            _lose(kind, "same identifier as another row", number, ledger)
            chosen[key] = max(chosen[key], row, key=_age)
        else:
            chosen[key] = row
    return [*chosen.values(), *loose]


def _lose(kind: str, why: str, number: int, ledger: Ledger) -> None:
    ledger.row()
    ledger.see(kind)
    ledger.drop(kind, why, f"row {number}")
    ledger.end_rows()


def _identifier(row: Mapping[str, Any]) -> tuple[str, str] | None:
    for key in ("identifier", "syncIdentifier", "_id"):
        value = row.get(key)
        if isinstance(value, str) and value.strip():
            return key, value.strip()
    return None


def _age(row: Mapping[str, Any]) -> tuple[float, str]:
    modified = number_of(row.get("srvModified"))
    return (modified or 0.0, json.dumps(row, sort_keys=True, default=str))


def _read_entries(
    rows: Iterable[Mapping[str, Any]], unit: GlucoseUnit, ledger: Ledger
) -> list[Reading]:
    """Read sensor values; calibrations and finger sticks are not sensor readings."""
    low, high = (LOW_CODE, HIGH_CODE) if unit == "mg/dL" else (float("nan"), float("nan"))
    found: list[tuple[float, float, int, str]] = []
    for row in rows:
        ledger.row()
        ledger.see("glucose")
        kind = str(row.get("type") or "sgv")
        if kind != "sgv" or "sgv" not in row:
            name = kind if kind in {"mbg", "cal", "rawbg"} else "other"
            ledger.drop("glucose", f"entry of type {name}, not a sensor reading", "entry")
            continue
        time = time_of(row, ENTRY_TIMES)
        if time is None:
            ledger.drop("glucose", "no readable time", "entry")
            continue
        value, censored = number_of(row["sgv"]), censoring_of(row["sgv"])
        when = clock.utc_text(time) if clock.plausible_time(time) else "no time"
        if value is None and censored == 0:
            why = "no value" if is_blank(row["sgv"]) else "not a number"
            ledger.drop("glucose", why, when)
            continue
        if value in (low, high):
            censored = -1 if value == low else 1
        found.append((time, value if value is not None else float("nan"), censored, when))
    ledger.end_rows()
    return _without_codes(found, unit, ledger)


def _without_codes(
    found: Sequence[tuple[float, float, int, str]], unit: GlucoseUnit, ledger: Ledger
) -> list[Reading]:
    """Drop sensor states; values in mmol/L declared as mg/dL must survive to be refused by name."""
    if unit != "mg/dL":
        return [Reading(*item[:3]) for item in found]
    measured = [item for item in found if not item[2]]
    states = [item for item in measured if item[1] <= LARGEST_OLD_CODE and item[1] % 1 == 0]
    glucose = [item for item in measured if item[1] >= ERROR_BELOW]
    molar = len(measured) - len(states) > 2 * len(glucose)
    kept: list[Reading] = []
    for time, value, censored, when in found:
        if value < ERROR_BELOW and not censored and not molar:
            ledger.drop(
                "glucose", f"sensor state, not glucose (below {ERROR_BELOW})", f"{when} {value:g}"
            )
        else:
            kept.append(Reading(time, value, censored))
    return kept


def _common_offset(rows: Iterable[object]) -> tuple[str, list[str]]:
    """Return the offset that most rows carry, for exports whose profile names no zone."""
    offsets = Counter(
        minutes
        for row in rows
        if isinstance(row, dict)
        and (minutes := number_of(row.get("utcOffset"))) is not None
        and 0 < abs(minutes) <= 14 * 60
    )
    if offsets:
        best = min(offsets, key=lambda minutes: (-offsets[minutes], minutes))
        return clock.offset_name(best * 60), []
    return "UTC", ["Timezone: the export names none; the day is taken in UTC. Pass timezone=."]
