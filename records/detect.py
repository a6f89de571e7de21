"""A path into a timeline: the format is found by content, siblings and folders are joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from ..physiology.errors import InputError
from .clean import assemble
from .consent import permit
from .datasets import DATASETS, people_in, sibling_names
from .deidentify import deidentified
from .files import combined_sha256, load
from .found import Found
from .identify import identify
from .local_time import DayOrder
from .read_found import PARTS, read_found
from .read_whole import read_whole
from .timeline import Timeline
from .values import GlucoseUnit, glucose_unit

FORMATS = (
    "nightscout",
    "clarity",
    "libreview",
    "carelink",
    "tidepool",
    "loop_report",
    "replay_bg",
    "plain_csv",
    "apple_health",
    "fhir_r4",
    *DATASETS,
)


def read_record(
    path: str | Path,
    *,
    format: str | None = None,
    unit: str | None = None,
    timezone: str | None = None,
    dates: DayOrder | None = None,
    person: str | None = None,
    purpose: str | None = None,
    consent: str | Path | None = None,
    require_consent: bool | None = None,
    deidentify: Literal["shift"] | None = None,
    key: str | Path | bytes | None = None,
    patient: str | None = None,
) -> Timeline:
    """Read one person's record, whatever it was exported from.

    Parameters
    ----------
    path : path
        A file, or a folder with the exports of one person.
    format : str, optional
        One of `FORMATS`; refused where the content is another.
    unit : str, optional
        ``mg/dL`` or ``mmol/L``: overrules the unit that the file declares.
    timezone : str, optional
        IANA name or fixed offset: overrules the zone that the file declares.
    dates : {"dmy", "mdy"}, optional
        Order of day and month, for LibreView and CareLink files that leave it open.
    person : str, optional
        Whose rows to read, where a file holds several people.
    purpose, consent, require_consent : optional
        What it is read for (``research`` by default), the consent document where it does not lie
        beside the record, and whether one must be there; see
        :func:`dosegym.records.consent.permit`.
    deidentify : {"shift"}, optional
        Shift dates and make a keyed pseudonym: :func:`dosegym.records.deidentified`.
    key : path or bytes, optional
        For `deidentify`.
    patient : str, optional
        For `deidentify`: what tells the person in all of their records.

    Returns
    -------
    Timeline

    Raises
    ------
    InputError
        One line that says what is wrong with the file, its consent or the arguments and what to
        do.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"format: {format[:30]!r} is unknown; use one of {', '.join(FORMATS)}")
    if dates not in (None, "dmy", "mdy"):
        raise InputError(f"dates: {str(dates)[:30]!r} is unknown; use 'dmy' or 'mdy'")
    if deidentify not in (None, "shift") or (deidentify is None) != (key is None):
        raise InputError("deidentify: use 'shift' together with key=, or neither")
    wanted = None if unit is None else glucose_unit(unit)
    place = Path(path)
    allowed = permit(place, consent, purpose, require_consent)
    timeline = read_whole(place, timezone, wanted, purpose) or _of_sources(
        place, format, timezone, wanted, dates, person
    )
    kind = timeline.source_format
    if format is not None and format != kind:
        raise InputError(f"format: {format} was asked for but '{place}' is {kind}; leave it out")
    allowed.for_record(timeline.source_sha256)
    timeline = replace(timeline, consent=allowed.text, consent_id=allowed.id or timeline.consent_id)
    return timeline if key is None else deidentified(timeline, key, patient)


def _of_sources(
    place: Path,
    format: str | None,
    timezone: str | None,
    unit: GlucoseUnit | None,
    dates: DayOrder | None,
    person: str | None,
) -> Timeline:
    """Read text files, told apart by content."""
    kind, found = _open(place, format)
    if person is not None and not people_in(kind, found[0].source):
        raise InputError(f"person: a {kind} file is one person's; leave the argument out")
    return _timeline(kind, found, timezone, unit, dates, person)


def read_people(
    path: str | Path, *, unit: str | None = None, timezone: str | None = None
) -> dict[str, Timeline]:
    """Read every person of a file that may hold several.

    Parameters
    ----------
    path : path
    unit : str, optional
        ``mg/dL`` or ``mmol/L``: overrules the unit that the file declares.
    timezone : str, optional
        IANA name or fixed offset: overrules the zone that the file declares.

    Returns
    -------
    dict
        Timelines by the file's own ids; one under its pseudonym where the format is one person's.

    Raises
    ------
    InputError
        As `read_record`.
    """
    place, wanted = Path(path), None if unit is None else glucose_unit(unit)
    whole = read_whole(place, timezone, wanted, None)
    kind, found = ("", []) if whole is not None else _open(place, None)
    ids = people_in(kind, found[0].source) if found else ()
    if not ids:
        only = read_record(place, unit=unit, timezone=timezone)
        return {only.subject: only}
    allowed = permit(place, None, None, None)
    people = {name: _timeline(kind, found, timezone, wanted, None, name) for name in ids}
    for one in people.values():
        allowed.for_record(one.source_sha256)
    return {
        name: replace(one, consent=allowed.text, consent_id=allowed.id)
        for name, one in people.items()
    }


def _open(place: Path, format: str | None) -> tuple[str, list[Found]]:
    """Return the format of a path and its files."""
    sources = load(place)
    found = [identify(source) for source in sources]
    if not place.is_dir() and len(found) == 1:
        found += _siblings(place, found[0])
    elif len(found) != 1:
        found = _of_one_format(found, place)
    kind = next((item.format for item in found if item.format in FORMATS), found[0].format)
    if kind not in FORMATS:
        raise InputError(f"record: '{place}' {kind}")
    if format is not None and format != kind:
        raise InputError(f"format: {format} was asked for but '{place}' is {kind}; leave it out")
    return kind, found


def _timeline(
    kind: str,
    found: Sequence[Found],
    timezone: str | None,
    wanted: GlucoseUnit | None,
    dates: DayOrder | None,
    person: str | None,
) -> Timeline:
    raw = read_found(kind, found, timezone, wanted, dates, person)
    notes = (*raw.notes, *_file_notes(found))
    return assemble(
        replace(raw, notes=notes), combined_sha256([item.source for item in found]), wanted
    )


def _siblings(place: Path, first: Found) -> list[Found]:
    """Return the files that lie beside and belong to the one given."""
    if first.format == "nightscout" and first.part in PARTS:
        others = [part for part in PARTS if part != first.part]
        names = [_swapped(place.name, first.part, part) for part in others]
    elif first.format == "replay_bg" and first.part == "table":
        names = ["patient_info.csv"]
    elif first.part == "table":
        names = sibling_names(first.format, place.name)
    else:
        return []
    beside = [place.with_name(name) for name in names if name]
    siblings = [identify(source) for path in beside if path.is_file() for source in load(path)]
    return [item for item in siblings if item.format == first.format and item.part != first.part]


def _swapped(name: str, part: str, other: str) -> str:
    """Return the name of a sibling: ``x_entries.json`` has ``x_profile.json`` beside it."""
    at = name.lower().find(part)
    return "" if at < 0 else name[:at] + other + name[at + len(part) :]


def _of_one_format(found: Sequence[Found], place: Path) -> list[Found]:
    """Keep the readable files of a folder; two formats could be two persons."""
    read = [item for item in found if item.format in FORMATS]
    if any(item.format == "oref0" for item in read):
        read = [replace(item, format="oref0") if item.part == "entries" else item for item in read]
    kinds = sorted({item.format for item in read})
    if not read:
        raise InputError(f"record: no file in the folder '{place}' is a record that can be read")
    if len(kinds) > 1:
        raise InputError(
            f"record: the folder '{place}' holds {' and '.join(kinds)} files; give one file, or a "
            "folder with one person's exports of one kind"
        )
    beside = {*PARTS, "info", "meals", "insulin", "history", "carbs", "settings"}
    tables = [item for item in read if item.part not in beside]
    told_apart = {
        "nightscout": True,
        "clarity": True,
        "libreview": False,
        "carelink": True,
        "tidepool": True,
        "plain_csv": True,
        "replay_bg": any(item.part == "info" for item in read),
        "loop_report": False,
    }
    if len(tables) > 1 and not told_apart.get(kinds[0], False):
        raise InputError(
            f"record: the folder '{place}' holds {len(tables)} {kinds[0]} files and nothing says "
            "that they are one person's; give one file"
        )
    return read


def _file_notes(found: Sequence[Found]) -> tuple[str, ...]:
    """Say what is odd about the files themselves."""
    notes = []
    if not all(item.source.is_utf8 for item in found):
        notes.append(
            "Encoding: the file is not UTF-8; only names and notes, which are not used, suffer."
        )
    tables = [item.source for item in found if item.document is None and item.part != "info"]
    if not all(source.data.rstrip(b" \t\x00").endswith((b"\n", b"\r")) for source in tables):
        notes.append(
            "End: the file ends without a line break; if it was cut off, so may its last number be."
        )
    return tuple(notes)
