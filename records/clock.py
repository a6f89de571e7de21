"""Time at the border: text, epochs and local clocks into seconds since 1970 UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import ArrayLike

from ..physiology.errors import InputError
from .series import Floats

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_S = datetime(1900, 1, 2, tzinfo=UTC).timestamp()
LATEST_S = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
DAY_S = 86400.0
BLOCK_S = 900.0  # every offset in use since 1972 changes on a quarter of an hour

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK = r"(?P<h>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2}(?:[.,]\d{1,9})?))?"
_OFFSET = r"(?P<offset>Z|UTC|[+-]\d{2}(?::?\d{2})?)?"
_ISO = re.compile(
    rf"\s*(?P<y>\d{{4}})-(?P<mo>\d{{1,2}})-(?P<d>\d{{1,2}})[T ]\s*{_CLOCK}\s*{_OFFSET}\s*",
    re.IGNORECASE | re.ASCII,
)
_NAMED_MONTH = re.compile(
    rf"\s*(?P<d>\d{{1,2}})-(?P<mo>[A-Za-z]{{3}})-(?P<y>\d{{4}})[T ]{_CLOCK}\s*", re.ASCII
)
_FIXED = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d{2})?", re.ASCII)


def zone_of(name: str) -> tzinfo:
    """Return the time zone of an IANA name or of a fixed offset such as ``UTC+03:00``.

    Raises
    ------
    InputError
        When the name is neither.
    """
    text = name.strip()
    if text.upper() in {"UTC", "Z", "GMT", "ETC/GMT"}:
        return UTC
    fixed = _FIXED.fullmatch(text)
    if fixed:
        minutes = int(fixed[2]) * 60 + int(fixed[3] or 0)
        if minutes <= 14 * 60:
            return timezone(timedelta(minutes=-minutes if fixed[1] == "-" else minutes))
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"timezone: {name[:40]!r} is neither an IANA name such as 'Europe/Rome' nor an offset "
            "such as 'UTC+03:00'"
        ) from None


def offset_name(offset_s: float) -> str:
    """Return the name of a fixed offset: 10800 gives ``UTC+03:00`` and 0 gives ``UTC``."""
    minutes = round(offset_s / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'-' if minutes < 0 else '+'}{hours:02d}:{rest:02d}"


def canonical_zone(name: str) -> str:
    """Return one spelling per zone: ``Europe/Rome`` as it is, ``+0300`` as ``UTC+03:00``."""
    return zone_name(zone_of(name))


def zone_name(zone: tzinfo) -> str:
    """Return the name under which `zone_of` finds a zone again."""
    if isinstance(zone, ZoneInfo):
        return zone.key
    offset = zone.utcoffset(None)
    return offset_name(offset.total_seconds() if offset is not None else 0.0)


def parse_time(text: str) -> tuple[float, float | None] | None:
    """Read a written time.

    Parameters
    ----------
    text : str
        ISO 8601 (with ``T`` or a space, unpadded hours allowed, with or without an offset) or
        ``11-May-2027 06:00:00``.

    Returns
    -------
    (seconds, offset_s) or None
        With an offset: seconds since 1970 UTC and that offset in seconds. Without one: the local
        clock's seconds counted as if it were UTC, and None. None when `text` is no time.
    """
    match = _ISO.fullmatch(text) or _NAMED_MONTH.fullmatch(text)
    if match is None:
        return None
    month = match["mo"].lower()
    try:
        number = _MONTHS.index(month) + 1 if month.isalpha() else int(month)
        day = date(int(match["y"]), number, int(match["d"]))
    except ValueError:
        return None
    hour, minute = int(match["h"]), int(match["m"])
    second = float((match["s"] or "0").replace(",", "."))
    if hour > 23 or minute > 59 or second >= 61:
        return None
    days = day.toordinal() - EPOCH.toordinal()
    seconds = days * 86400.0 + hour * 3600.0 + minute * 60.0 + second
    offset = _offset_s(match.groupdict().get("offset"))
    return (seconds, None) if offset is None else (seconds - offset, offset)


def _offset_s(text: str | None) -> float | None:
    """Return the seconds of ``+03:00``, ``+0300``, ``+03``, ``Z`` or ``UTC``."""
    if not text:
        return None
    if text.upper() in {"Z", "UTC"}:
        return 0.0
    digits = text[1:].replace(":", "").ljust(4, "0")
    size = int(digits[:2]) * 3600.0 + int(digits[2:]) * 60.0
    return -size if text[0] == "-" else size


def whole_years(born_s: float, at_s: float) -> float:
    """Return completed years between two times, so that no birth date can be worked out."""
    born, now = EPOCH + timedelta(seconds=born_s), EPOCH + timedelta(seconds=at_s)
    before = (now.month, now.day) < (born.month, born.day)
    return float(now.year - born.year - before)


def plausible_time(seconds: float) -> bool:
    """Tell whether a time lies between 1900 and 2200."""
    return EARLIEST_S <= seconds <= LATEST_S


def utc_text(seconds: float) -> str:
    """Write a time as ``2027-05-11T06:00:00Z``, with milliseconds where it has any."""
    moment = EPOCH + timedelta(milliseconds=round(seconds * 1000))
    exact = moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return exact.replace("+00:00", "Z")


def utc_offset_s(time_s: ArrayLike, zone: tzinfo) -> Floats:
    """Return the zone's offset from UTC at each time.

    Parameters
    ----------
    time_s : array (n,), seconds since 1970 UTC
    zone : tzinfo

    Returns
    -------
    array (n,), s
    """
    time = np.asarray(time_s, dtype=float).reshape(-1)
    days, at = np.unique(np.floor(time / DAY_S), return_inverse=True)
    ends = np.unique(np.append(days, days + 1.0))
    at_end = _offsets(ends * DAY_S, zone)
    first, last = (at_end[np.searchsorted(ends, days + step)] for step in (0.0, 1.0))
    offset = first[at.reshape(-1)]
    changes = (first != last)[at.reshape(-1)]  # nowhere do clocks go and come back within a day
    if changes.any():
        blocks, back = np.unique(np.floor(time[changes] / BLOCK_S), return_inverse=True)
        offset[changes] = _offsets(blocks * BLOCK_S, zone)[back.reshape(-1)]
    return offset


def _offsets(times: Floats, zone: tzinfo) -> Floats:
    moments = (EPOCH + timedelta(seconds=time) for time in times.tolist())
    return np.array([_offset_at(moment, zone) for moment in moments], dtype=float)


def _offset_at(moment: datetime, zone: tzinfo) -> float:
    offset = moment.astimezone(zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def local_to_utc(
    local_s: ArrayLike,
    zone: tzinfo,
    ticks: ArrayLike | None = None,
    device: ArrayLike | None = None,
) -> Floats:
    """Turn local clock readings into UTC.

    A time skipped in spring counts from the offset before the change. A time that occurs twice in
    autumn is the first of the two, unless the device's own counter says otherwise.

    Parameters
    ----------
    local_s : array (n,), s
        The local clock, counted as if it were UTC.
    zone : tzinfo
    ticks : array (n,), s, optional
        A counter that no clock change touches (NaN where absent).
    device : array (n,), optional
        Which device counted; ticks are compared within one device only.

    Returns
    -------
    array (n,), seconds since 1970 UTC
    """
    local = np.asarray(local_s, dtype=float).reshape(-1)
    early, late = local - _local_offset(local, zone, 0), local - _local_offset(local, zone, 1)
    twice = late > early
    if ticks is None or not twice.any():
        return early
    tick = np.asarray(ticks, dtype=float).reshape(-1)
    owner = np.zeros(local.size) if device is None else np.asarray(device).reshape(-1)
    chosen = early.copy()
    for index in np.flatnonzero(twice & np.isfinite(tick)):
        sure = np.flatnonzero(~twice & np.isfinite(tick) & (owner == owner[index]))
        if sure.size:
            nearest = sure[np.argmin(np.abs(tick[sure] - tick[index]))]
            expected = early[nearest] + tick[index] - tick[nearest]
            if abs(late[index] - expected) < abs(early[index] - expected):
                chosen[index] = late[index]
    return chosen


def _local_offset(local: Floats, zone: tzinfo, fold: int) -> Floats:
    """Return the offset that a local clock time implies, for its first or second occurrence."""
    blocks, back = np.unique(np.floor(local / BLOCK_S), return_inverse=True)
    naive = EPOCH.replace(tzinfo=None)
    offsets = [
        _naive_offset((naive + timedelta(seconds=block * BLOCK_S)).replace(fold=fold), zone)
        for block in blocks
    ]
    return np.asarray(offsets, dtype=float)[back.reshape(-1)]


def _naive_offset(moment: datetime, zone: tzinfo) -> float:
    offset = moment.replace(tzinfo=zone).utcoffset()
    return offset.total_seconds() if offset is not None else 0.0


def local_minute(time_s: ArrayLike, zone: tzinfo) -> Floats:
    """Return the local minute of the day, in [0, 1440), at each time (seconds since 1970 UTC)."""
    time = np.asarray(time_s, dtype=float).reshape(-1)
    return np.mod(time + utc_offset_s(time, zone), 86400.0) / 60.0
