"""Dates shifted by a secret number of weeks, a keyed pseudonym: a record that may be passed on.

The key is the crosswalk: whoever holds it can tell whose a record is. It is kept by the user, apart
from the records, in a file that only its owner can read.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .activity import Activity
from .chart import Condition, Medication, PressureRecord
from .pressure_series import Labs
from .quality import Dropped
from .series import Floats
from .timeline import Timeline

MOST_WEEKS: Final = 520
"""Ours: dates go back by 8 to 520 weeks (ten years), never on, so that none lies ahead."""
LEAST_WEEKS: Final = 8
WEEK_S: Final = 7 * 86400.0
KEY_BYTES: Final = 32
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?Z?")
Record = TypeVar("Record", Timeline, PressureRecord)
Shift = Callable[[float], float]


def new_key(path: str | Path) -> Path:
    """Write a new secret key to a file that only its owner can read.

    Raises
    ------
    InputError
        When the file exists already: to replace a key is to lose the crosswalk.
    """
    place = Path(path)
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"key: '{place}' exists; a key is never replaced, name another") from None
    except OSError as error:
        raise InputError(f"key: '{place}' cannot be written ({error.strerror})") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
    return place


def read_key(path: str | Path) -> bytes:
    """Read a key.

    Raises
    ------
    InputError
        When it is missing, no key, or others can read it.
    """
    place = Path(path)
    try:
        mode = place.stat().st_mode & 0o077
        text = place.read_text("ascii").strip()
    except OSError as error:
        raise InputError(f"key: '{place}' cannot be read ({error.strerror})") from None
    except ValueError:
        text, mode = "", 0
    if mode and os.name == "posix":
        raise InputError(f"key: others can read '{place}'; set its mode to 600")
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise InputError(f"key: '{place}' holds no key; make one with new_key")
    return bytes.fromhex(text)


def deidentified(record: Record, key: str | Path | bytes, patient: str | None = None) -> Record:
    """Return a record that tells neither who nor when.

    Every date moves by one secret whole number of weeks, so that weekday and time of day stay; the
    subject becomes a keyed pseudonym, the source's hash a keyed one; examples of what was dropped
    go, and dates in notes.

    Parameters
    ----------
    record : Timeline or PressureRecord
    key : path or bytes (32,)
    patient : str, optional
        What tells this person in all of their records, so that they move together; by default
        the record's subject. It is kept nowhere.

    Raises
    ------
    InputError
        When the key is none.
    """
    secret = key if isinstance(key, bytes) else read_key(key)
    if len(secret) != KEY_BYTES:
        raise InputError(f"key: {len(secret)} bytes are not {KEY_BYTES}; make one with new_key")
    who = patient or record.subject
    times = _times(record)
    weeks, zone, told = _weeks(_keyed(secret, "weeks", who), times, record.timezone)
    moved: Record = _moved(record, lambda time_s: time_s - weeks * WEEK_S)
    return replace(
        moved,
        subject=f"P{_keyed(secret, 'subject', who).hex()[:12]}1",
        source_sha256=_keyed(secret, "source", record.source_sha256).hex(),
        timezone=zone,
        dropped=tuple(Dropped(item.reason, item.count, "") for item in record.dropped),
        notes=(*(_DATE.sub("a date", note) for note in record.notes), told),
    )


def _keyed(secret: bytes, what: str, text: str) -> bytes:
    return hmac.new(secret, f"{what}:{text}".encode(), hashlib.sha256).digest()


def _weeks(keyed: bytes, times: Floats, zone_name: str) -> tuple[int, str, str]:
    """Return the weeks to go back, the zone that then holds, and what to say.

    A record under one offset moves by any number of weeks and carries that offset. One with a
    change of clocks moves so that the same changes fall on the same moments.
    """
    span = MOST_WEEKS - LEAST_WEEKS + 1
    first = int.from_bytes(keyed[:8], "big") % span
    told = "Dates: shifted by a secret number of weeks; weekday and time of day are kept."
    if times.size == 0:
        return LEAST_WEEKS + first, zone_name, told
    zone = clock.zone_of(zone_name)
    grid = np.unique(np.concatenate([times, np.arange(times.min(), times.max(), 86400.0)]))
    offsets = clock.utc_offset_s(grid, zone)
    if np.unique(offsets).size == 1:
        return LEAST_WEEKS + first, clock.offset_name(float(offsets[0])), told
    for step in range(span):
        weeks = LEAST_WEEKS + (first + step) % span
        if np.array_equal(clock.utc_offset_s(grid - weeks * WEEK_S, zone), offsets):
            return weeks, zone_name, told
    usual = float(np.median(offsets))
    beside = int(np.sum(offsets != usual))
    return (
        LEAST_WEEKS + first,
        clock.offset_name(usual),
        f"Dates: shifted by a secret number of weeks; clocks changed, so that the time of day of "
        f"{beside / grid.size:.0%} of the record is off by the change.",
    )


def _times(record: Timeline | PressureRecord) -> Floats:
    """Return the times whose time of day must stay."""
    if isinstance(record, PressureRecord):
        return record.readings.time_s
    columns = [record.glucose.time_s, record.boluses.time_s, record.meals.time_s]
    columns += [record.finger_sticks.time_s, record.diary.time_s]
    columns += [record.long_acting.time_s, *(one.start_s for one in record.activity.values())]
    if record.basal is not None:
        columns += [record.basal.start_s, record.basal.end_s]
    return np.concatenate(columns)


def _moved(record: Timeline | PressureRecord, shift: Shift) -> Any:
    """Return a record with every time moved."""
    if isinstance(record, Timeline):
        return _moved_timeline(record, shift)
    return _moved_pressure(record, shift)


def _column(times: Floats, shift: Shift) -> Floats:
    """Move a column; whole weeks leave milliseconds as they are."""
    return np.asarray(times + shift(0.0), dtype=np.float64)


def _moved_timeline(record: Timeline, shift: Shift) -> Timeline:
    def moved(series: object) -> dict[str, Any]:
        names = [name for name in ("time_s", "start_s", "end_s") if hasattr(series, name)]
        return {name: _column(getattr(series, name), shift) for name in names}

    activity: dict[str, Activity] = {
        name: replace(one, **moved(one)) for name, one in record.activity.items()
    }
    return replace(
        record,
        glucose=replace(record.glucose, **moved(record.glucose)),
        boluses=replace(record.boluses, **moved(record.boluses)),
        meals=replace(record.meals, **moved(record.meals)),
        long_acting=replace(record.long_acting, **moved(record.long_acting)),
        finger_sticks=replace(record.finger_sticks, **moved(record.finger_sticks)),
        diary=replace(record.diary, **moved(record.diary)),
        basal=None if record.basal is None else replace(record.basal, **moved(record.basal)),
        activity=activity,
    )


def _moved_pressure(record: PressureRecord, shift: Shift) -> PressureRecord:
    def at(time_s: float | None) -> float | None:
        return None if time_s is None else shift(time_s)

    def condition(item: Condition) -> Condition:
        return replace(item, start_s=at(item.start_s), end_s=at(item.end_s))

    def medication(item: Medication) -> Medication:
        return replace(item, start_s=at(item.start_s), end_s=at(item.end_s))

    return replace(
        record,
        readings=replace(record.readings, time_s=_column(record.readings.time_s, shift)),
        labs={
            name: Labs(_column(one.time_s, shift), one.value) for name, one in record.labs.items()
        },
        conditions=tuple(condition(item) for item in record.conditions),
        medications=tuple(medication(item) for item in record.medications),
        last_s=shift(record.last_s),
    )
