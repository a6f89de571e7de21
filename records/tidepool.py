"""Tidepool JSON: one list of data of many types, exported or fetched.

Field meanings follow Tidepool's data model (tidepool.redocly.app, device data): glucose is stored
in mmol/L whatever the device shows, durations are milliseconds, `time` is UTC, and basal data are
what was delivered. Unverified, for want of a free sample: which fields an export leaves out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..physiology.errors import InputError
from . import clock
from .delivery import Delivery, Epoch
from .quality import Ledger
from .raw import RawRecord
from .series import TherapySettings
from .tidepool_data import MARKS, Found, Row, take_datum
from .values import GlucoseUnit, number_of


def looks_like_tidepool(rows: Sequence[object]) -> bool:
    """Tell whether a JSON list holds Tidepool's data."""
    return any(
        isinstance(row, dict)
        and str(row.get("type")) in MARKS
        and bool({"time", "deviceTime"} & set(row))
        for row in rows[:50]
    )


def read_tidepool(rows: Sequence[object], timezone: str | None = None) -> RawRecord:
    """Read one person's data.

    Parameters
    ----------
    rows : sequence of JSON objects
        In any order; a datum sent twice counts once.
    timezone : str, optional
        Overrules the zone that the data name most often.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When the glucose readings are in two units, or the data are of two accounts.
    """
    ledger, found = Ledger(), Found()
    for number, row in enumerate(rows, start=1):
        ledger.row()
        if isinstance(row, dict):
            take_datum(row, f"row {number}", found, ledger)
        else:
            ledger.see("row")
            ledger.drop("row", "not a JSON object", f"row {number}")
    ledger.end_rows()
    objects = [row for row in rows if isinstance(row, dict)]
    accounts = {str(row.get("userId") or row.get("_userId") or "") for row in objects} - {""}
    if len(accounts) > 1:
        raise InputError("Tidepool: the file holds data of two accounts; export them one by one")
    zone_name, notes = _zone(objects, timezone)
    zone = clock.zone_of(zone_name)
    ordered = sorted(found.settings, key=lambda item: (item[0], repr(item[1])))
    current = ordered[-1][1] if ordered else TherapySettings()
    on_injections = bool(found.of("long-acting insulin")) and not found.temps
    epochs = [] if on_injections else [Epoch(start, item, zone) for start, item in ordered]
    return RawRecord(
        source_format="tidepool",
        timezone=zone_name,
        glucose_unit=_one_unit(found),
        glucose=[reading for reading, _ in found.glucose],
        boluses=found.of("bolus"),
        long_acting=found.of("long-acting insulin"),
        meals=found.of("carbs"),
        delivery=Delivery(
            epochs=epochs,
            temps=found.temps,
            extras=found.extras,
            logged=[(item.start_s, item.end_s) for item in found.temps],
        ),
        settings=current,
        ledger=ledger,
        notes=notes,
        person=frozenset(accounts),
    )


def _one_unit(found: Found) -> GlucoseUnit:
    units = {unit for _, unit in found.glucose}
    if len(units) > 1:
        raise InputError(
            "Tidepool: glucose readings are in mg/dL and in mmol/L; export the data in one unit"
        )
    return "mg/dL" if units == {"mg/dL"} else "mmol/L"


def _zone(rows: Iterable[Row], timezone: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the zone asked for, else the one named most often, else the offset met most often."""
    if timezone:
        return clock.canonical_zone(timezone), ()
    named: Counter[str] = Counter()
    offsets: Counter[float] = Counter()
    for row in rows:
        name, minutes = row.get("timezone"), number_of(row.get("timezoneOffset"))
        if isinstance(name, str) and name.strip():
            named[name.strip()] += 1
        if minutes is not None and abs(minutes) <= 14 * 60:
            offsets[minutes] += 1
    if named:
        return clock.canonical_zone(min(named, key=lambda name: (-named[name], name))), ()
    if offsets:
        return clock.offset_name(60 * min(offsets, key=lambda item: (-offsets[item], item))), ()
    return "UTC", ("Timezone: the data name none; the day is taken in UTC. Pass timezone=.",)
