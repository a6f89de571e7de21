"""A path into a timeline: the format is found by content, siblings and folders are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from . import clarity, loop_report, plain_csv, replay_bg
from .clean import assemble
from .files import Source, combined_sha256, csv_rows, is_json, json_of, load
from .nightscout import read_nightscout
from .raw import RawRecord, combine
from .timeline import Timeline
from .values import GlucoseUnit, glucose_unit

FORMATS = ("nightscout", "clarity", "loop_report", "replay_bg", "plain_csv")
PARTS = ("entries", "treatments", "profile")


@dataclass(frozen=True)
class Found:
    """One file with what it holds; `part` says which piece of its format it is."""

    source: Source
    format: str
    part: str = ""
    document: object = None


def read_record(
    path: str | Path,
    *,
    format: str | None = None,
    unit: str | None = None,
    timezone: str | None = None,
) -> Timeline:
    """Read one person's record, whatever it was exported from.

    Parameters
    ----------
    path : path
        A file, or a folder with the exports of one person.
    format : str, optional
        One of ``nightscout``, ``clarity``, ``loop_report``, ``replay_bg``, ``plain_csv``; refused
        where the content is another.
    unit : str, optional
        ``mg/dL`` or ``mmol/L``: overrules the unit that the file declares.
    timezone : str, optional
        IANA name or fixed offset: overrules the zone that the file declares.

    Returns
    -------
    Timeline

    Raises
    ------
    InputError
        One line that says what is wrong with the file or the arguments and what to do.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"format: {format[:30]!r} is unknown; use one of {', '.join(FORMATS)}")
    wanted = None if unit is None else glucose_unit(unit)
    place = Path(path)
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
    raw = _read(kind, found, timezone, wanted)
    notes = (*raw.notes, *_file_notes(found))
    return assemble(
        replace(raw, notes=notes), combined_sha256([item.source for item in found]), wanted
    )


def identify(source: Source) -> Found:
    """Tell what a file holds; an unreadable kind is told in words as its format."""
    if is_json(source):
        return _identify_json(source, json_of(source))
    header = next((row for _, row in csv_rows(source) if not row[0].lstrip().startswith("#")), [])
    checks: tuple[tuple[str, str, Callable[[Sequence[str]], bool]], ...] = (
        ("clarity", "", clarity.looks_like_clarity),
        ("replay_bg", "table", replay_bg.looks_like_replay),
        ("replay_bg", "info", replay_bg.looks_like_info),
        ("plain_csv", "", plain_csv.looks_like_plain),
    )
    for kind, part, check in checks:
        if check(header):
            return Found(source, kind, part)
    joined = " ".join(header).lower()
    if joined.startswith("glucose data generated on") or "historic glucose" in joined:
        return Found(source, _unread("a LibreView export"))
    if "bg reading" in joined or "carelink" in joined or joined.startswith("last name"):
        return Found(source, _unread("a CareLink export"))
    return Found(source, _unread("in no known format"))


def _unread(what: str) -> str:
    return (
        f"is {what}, which is not read; give Nightscout JSON, a Clarity CSV, a Loop report, a "
        "ReplayBG table or a plain CSV with columns such as time,glucose_mg_dl"
    )


def _identify_json(source: Source, document: object) -> Found:
    if isinstance(document, dict) and "result" in document and "status" in document:
        document = document["result"]
    if isinstance(document, dict):
        keys = set(document)
        if {"entries", "treatments"} & keys:
            return Found(source, "nightscout", "bundle", document)
        if loop_report.looks_like_loop(document):
            return Found(source, "loop_report", "", document)
        if "resourceType" in keys:
            return Found(source, _unread("a FHIR resource"))
        document = [document] if keys & {"store", "sgv", "eventType"} else document
    if isinstance(document, list):
        part = _part_of(document) or (_named_part(source.name) if not document else "")
        if part:
            return Found(source, "nightscout", part, document)
        if not document:
            return Found(source, "is an empty JSON list; export a period with readings")
    return Found(source, _unread("in no known format"))


def _part_of(rows: Sequence[object]) -> str:
    """Tell Nightscout's three kinds of rows apart by their fields."""
    for row in rows[:50]:
        if isinstance(row, dict):
            if "eventType" in row:
                return "treatments"
            if "sgv" in row or row.get("type") in {"sgv", "mbg", "cal"}:
                return "entries"
            if "store" in row or {"basal", "carbratio"} <= set(row):
                return "profile"
    return ""


def _named_part(name: str) -> str:
    return next((part for part in PARTS if part in name.lower()), "")


def _siblings(place: Path, first: Found) -> list[Found]:
    """Return the files that lie beside and belong to the one given."""
    if first.format == "nightscout" and first.part in PARTS:
        others = [part for part in PARTS if part != first.part]
        names = [_swapped(place.name, first.part, part) for part in others]
    elif first.format == "replay_bg" and first.part == "table":
        names = ["patient_info.csv"]
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
    kinds = sorted({item.format for item in read})
    if not read:
        raise InputError(f"record: no file in the folder '{place}' is a record that can be read")
    if len(kinds) > 1:
        raise InputError(
            f"record: the folder '{place}' holds {' and '.join(kinds)} files; give one file, or a "
            "folder with one person's exports of one kind"
        )
    tables = [item for item in read if item.part not in PARTS and item.part != "info"]
    told_apart = {
        "nightscout": True,
        "clarity": True,
        "plain_csv": True,
        "replay_bg": any(item.part == "info" for item in read),
        "loop_report": False,
    }
    if len(tables) > 1 and not told_apart[kinds[0]]:
        raise InputError(
            f"record: the folder '{place}' holds {len(tables)} {kinds[0]} files and nothing says "
            "that they are one person's; give one file"
        )
    return read


def _read(
    kind: str, found: Sequence[Found], timezone: str | None, unit: GlucoseUnit | None
) -> RawRecord:
    """Hand the files to their reader."""
    if kind == "nightscout":
        return _read_nightscout(found, timezone, unit)
    if kind == "loop_report":
        return loop_report.read_loop_report(found[0].document, timezone)
    if kind == "clarity":
        return combine([clarity.read_clarity(item.source, timezone) for item in found])
    if kind == "plain_csv":
        records = [plain_csv.read_plain(item.source, timezone, unit) for item in found]
        if len(records) > 1 and any(record.subject is None for record in records):
            raise InputError(
                "plain CSV: several files are joined only where each says '# subject: P001'; "
                "add the line or give one file"
            )
        return combine(records)
    info = next((item.source for item in found if item.part == "info"), None)
    tables = [item.source for item in found if item.part == "table"]
    if not tables:
        raise InputError("ReplayBG: a patient table holds no glucose; give data_day_*.csv")
    return combine([replay_bg.read_replay(source, info, timezone) for source in tables])


def _read_nightscout(
    found: Sequence[Found], timezone: str | None, unit: GlucoseUnit | None
) -> RawRecord:
    rows: dict[str, list[object]] = {part: [] for part in PARTS}
    for item in found:
        if item.part == "bundle" and isinstance(item.document, dict):
            for part in PARTS:
                rows[part] += _rows_of(item.document, part)
        elif isinstance(item.document, list):
            rows[item.part] += item.document
    if not rows["entries"]:
        raise InputError(
            "Nightscout: there are no entries, so no glucose; give the entries file, or a folder "
            "that holds entries, treatments and profile"
        )
    return read_nightscout(rows["entries"], rows["treatments"], rows["profile"], timezone, unit)


def _rows_of(document: Mapping[str, Any], part: str) -> list[object]:
    value = document.get(part, document.get(f"{part}s"))
    if isinstance(value, dict):
        return [value]
    return list(value) if isinstance(value, list) else []


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
