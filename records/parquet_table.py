"""Parquet tables with units in their metadata, written and read within limits."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ..physiology.errors import InputError
from .files import SIZE_LIMIT_BYTES
from .quality import Account, Dropped, Rows

VERSION: Final = 2
"""Of both schemas; 2 holds finger sticks, the diary, insulins by name, and the account of rows."""
BROKEN: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What a description that was tampered with may raise while it is read."""
MOST_ROWS: Final = 20_000_000
CODES: Final = ("glucose_censored", "finger_censored", "insulin", "note")
"""Columns of small whole numbers, whose meaning stands in their unit."""
SINCE: Final = "s since 1970-01-01T00:00Z"


def arrow() -> Any:
    """Return pyarrow.

    Raises
    ------
    InputError
        When it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise InputError("Parquet: pyarrow is missing; install 'dosegym[parquet]'") from None
    return pyarrow


def losses_json(record: Any) -> dict[str, Any]:
    """Return the account of a record as JSON values."""
    return {
        "dropped": [[item.reason, item.count, item.example] for item in record.dropped],
        "accounts": [[item.kind, item.seen, item.kept] for item in record.accounts],
        "notes": list(record.notes),
        "rows": asdict(record.rows),
    }


def losses_of(about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the account that `losses_json` described.

    Raises
    ------
    InputError
        When it does not add up.
    """
    dropped = tuple(Dropped(str(r), int(n), str(e)) for r, n, e in about["dropped"])
    accounts = tuple(Account(str(k), int(s), int(n)) for k, s, n in about["accounts"])
    rows = Rows(**{name: int(count) for name, count in about["rows"].items()})
    lost: dict[str, int] = {}
    for item in dropped:
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
    whole = all(x.kept >= 0 and x.seen == x.kept + lost.get(x.kind, 0) for x in accounts)
    if not whole or min(rows.header, rows.used, rows.dropped, rows.silent, *lost.values(), 0) < 0:
        raise InputError("Parquet: the account within the file does not add up; write it again")
    notes = tuple(str(note) for note in about["notes"])
    return {"dropped": dropped, "accounts": accounts, "notes": notes, "rows": rows}


def texts_of(about: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return texts of a description by their names."""
    return {name: str(about[name]) for name in names}


def table_bytes(
    rows: Mapping[str, Sequence[Any]], units: Mapping[str, str], schema: str, about: object
) -> bytes:
    """Return columns with their units and a description as the bytes of a Parquet file."""
    pa = arrow()
    kinds = {
        "basal_assumed": pa.bool_(),
        "setting": pa.string(),
        **dict.fromkeys(CODES, pa.int8()),
    }
    fields = [
        pa.field(name, kinds.get(name, pa.float64()), metadata={"unit": unit})
        for name, unit in units.items()
    ]
    head = {"schema": schema, "version": str(VERSION), "about": json.dumps(about, sort_keys=True)}
    form = pa.schema(fields, metadata=head)
    arrays = [pa.array(rows[field.name], type=field.type) for field in fields]
    out = io.BytesIO()
    pa.parquet.write_table(pa.Table.from_arrays(arrays, schema=form), out, compression="zstd")
    return out.getvalue()


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False


def read_table(path: Path) -> tuple[Any, str]:
    """Return the table of a Parquet file and its schema's name (empty for somebody else's).

    Raises
    ------
    InputError
        When it is broken, too large or of a later version.
    """
    pa = arrow()
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise InputError(f"Parquet: '{path}' has more than {SIZE_LIMIT_BYTES / 1e6:g} MB")
        file = pa.parquet.ParquetFile(path)
        if file.metadata.num_rows > MOST_ROWS or file.metadata.num_columns > 200:
            raise InputError(f"Parquet: '{path}' has more rows or columns than a record")
        table = file.read()
    except InputError:
        raise
    except (OSError, ValueError, TypeError, KeyError, MemoryError, pa.ArrowException):
        raise InputError(f"Parquet: '{path}' is damaged or breaks off; write it again") from None
    head = table.schema.metadata or {}
    name = head.get(b"schema", b"").decode("utf-8", "replace")
    if not name.startswith("dosegym."):
        return table, ""
    if head.get(b"version") != str(VERSION).encode():
        raise InputError(f"Parquet: '{path}' is of another version; write it with this one")
    return table, name


def described(table: Any) -> dict[str, Any]:
    """Return the description within a table's metadata."""
    return dict(json.loads(table.schema.metadata[b"about"]))


def require_units(table: Any, units: Mapping[str, str]) -> None:
    """Raise InputError unless every column is there, in its unit."""
    for name, unit in units.items():
        index = table.schema.get_field_index(name)
        told = (table.schema.field(index).metadata or {}).get(b"unit") if index >= 0 else None
        if told != unit.encode():
            raise InputError(f"Parquet: the column '{name}' is missing or not in {unit}")


def column(table: Any, name: str) -> Any:
    """Return a column as an array of floats, NaN where it is empty."""
    return table.column(name).cast("float64").to_numpy(zero_copy_only=False)
