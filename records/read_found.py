"""Files whose format is known, handed to their reader; those of one person are joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..physiology.errors import InputError
from . import carelink, clarity, libreview, loop_report, plain_csv, replay_bg, tidepool
from .datasets import DATASETS, read_dataset
from .files import csv_rows
from .found import Found
from .local_time import DayOrder
from .nightscout import read_nightscout
from .raw import RawRecord, combine
from .values import GlucoseUnit

PARTS = ("entries", "treatments", "profile")


def read_found(
    kind: str,
    found: Sequence[Found],
    timezone: str | None,
    unit: GlucoseUnit | None,
    dates: DayOrder | None,
    person: str | None = None,
) -> RawRecord:
    """Hand the files of one format to its reader.

    Parameters
    ----------
    kind : str
        The format.
    found : sequence of Found
        All of that format.
    timezone : str or None
    unit : "mg/dL", "mmol/L" or None
    dates : "dmy", "mdy" or None
    person : str or None
        Whose rows to read where a file holds several people.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When the files cannot be read, or not be joined.
    """
    if kind in DATASETS:
        return read_dataset(kind, found, timezone, unit, person)
    if kind == "nightscout":
        return _read_nightscout(found, timezone, unit)
    if kind == "loop_report":
        return loop_report.read_loop_report(found[0].document, timezone)
    if kind == "clarity":
        return combine([clarity.read_clarity(item.source, timezone) for item in found])
    if kind == "libreview":
        return libreview.read_libreview(found[0].source, timezone, dates)
    if kind == "carelink":
        return _joined([carelink.read_carelink(item.source, timezone, dates) for item in found])
    if kind == "tidepool":
        return _joined(
            [
                tidepool.read_tidepool(item.document, timezone)
                for item in found
                if isinstance(item.document, list)
            ]
        )
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
    joined = combine([replay_bg.read_replay(source, info, timezone) for source in tables])
    if info is not None:
        joined.ledger.header(sum(1 for _ in csv_rows(info)))
    return joined


def _joined(records: Sequence[RawRecord]) -> RawRecord:
    """Join exports that each tell, by a name or an account, whose they are."""
    if len(records) > 1 and not all(record.person for record in records):
        raise InputError(
            f"record: the folder holds {len(records)} {records[0].source_format} files and not "
            "each of them says whose it is; give one file"
        )
    return combine(records)


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
