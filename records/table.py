"""A CSV with a header as named columns, its local clock turned to UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..physiology.errors import InputError
from . import clock
from .files import Source, csv_rows
from .quality import Ledger
from .raw import Reading
from .values import censoring_of, is_blank, number_of

TimeOf = Callable[[Sequence[str]], float | None]


@dataclass(frozen=True)
class Table:
    """One file's header and rows, each row with its line number."""

    place: dict[str, int]
    width: int
    rows: list[tuple[int, list[str]]]

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return one cell, empty where the row or the file lacks it."""
        at = self.place.get(name)
        return row[at].strip() if at is not None and at < len(row) else ""

    def whole(self, ledger: Ledger) -> Iterator[tuple[str, list[str]]]:
        """Yield place and cells of each row, rows of another width counted as dropped."""
        for number, row in self.rows:
            ledger.row()
            if len(row) == self.width:
                yield f"line {number}", row
            else:
                ledger.see("row")
                why = "more or fewer cells than the header (cut short, or a decimal comma)"
                ledger.drop("row", why, f"line {number}")
        ledger.end_rows()


def read_table(source: Source, needed: Sequence[str], what: str, ledger: Ledger) -> Table:
    """Read a CSV whose first line names its columns.

    Parameters
    ----------
    source : Source
    needed : sequence of str
        Columns without which the file is none of this kind.
    what : str
        The format's name, for the message.
    ledger : Ledger

    Raises
    ------
    InputError
        When a column is missing or occurs twice.
    """
    lines = csv_rows(source)
    header = [cell.strip() for cell in next(lines, (0, []))[1]]
    for name in needed:
        if header.count(name) != 1:
            fault = "is missing" if name not in header else "occurs twice"
            raise InputError(f"{what}: the column '{name}' {fault}; give the file as published")
    ledger.header()
    return Table({name: at for at, name in enumerate(header)}, len(header), list(lines))


def local_times(texts: Sequence[str], zone_name: str) -> list[float | None]:
    """Return written times as seconds since 1970 UTC, None where there is none.

    A number counts as seconds since 1970 UTC; a time without an offset is local.
    """
    times: list[float | None] = [None] * len(texts)
    naive: list[int] = []
    local = np.zeros(len(texts))
    for index, text in enumerate(texts):
        number, parsed = number_of(text), clock.parse_time(text)
        if number is not None:
            times[index] = number
        elif parsed is not None and parsed[1] is not None:
            times[index] = parsed[0]
        elif parsed is not None:
            local[index] = parsed[0]
            naive.append(index)
    utc = clock.local_to_utc(local[naive], clock.zone_of(zone_name))
    for index, time in zip(naive, utc.tolist(), strict=True):
        times[index] = time
    return [time if time is not None and clock.plausible_time(time) else None for time in times]


def amount(cell: str, kind: str, where: str, ledger: Ledger, *, zero: bool = False) -> float | None:
    """Return the number in a cell, counted under its kind; None for blanks and what is none.

    Parameters
    ----------
    zero : bool
        Whether 0 says something (a rate) or nothing (no dose).
    """
    value = number_of(cell)
    if is_blank(cell) or cell.strip().lower() in {"nan", "na"} or (value == 0 and not zero):
        return None
    ledger.see(kind)
    if value is None:
        ledger.drop(kind, "not a number", where)
    return value


def reading(cell: str, time: float | None, kind: str, where: str, ledger: Ledger) -> Reading | None:
    """Return the glucose in a cell, counted under its kind; None for blanks and what is none."""
    if is_blank(cell) or cell.strip().lower() in {"nan", "na"}:
        return None
    ledger.see(kind)
    value, censored = number_of(cell), censoring_of(cell)
    if time is None:
        ledger.drop(kind, "no readable time", where)
    elif value is None and not censored:
        ledger.drop(kind, "not a number", where)
    else:
        return Reading(time, np.nan if value is None else value, censored)
    return None


def zone_notes(what: str, timezone: str | None) -> tuple[str, ...]:
    """Return the sentence that a format without a zone owes its reader."""
    if timezone:
        return ()
    return (f"Timezone: {what} names none; the day is taken as written. Pass timezone=.",)
