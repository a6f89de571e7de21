"""Event tables from NONMEM-like files and from the data sets of R; every row is accounted for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..physiology.errors import InputError
from .dosing import Dose
from .events import EventTable, Units
from .events_columns import layout_of, looks_like_events
from .events_people import people_of
from .events_rows import rows_of
from .files import Source, csv_rows, is_json, load, text_of
from .quality import Ledger

_UNITS_NOTE = "Units: the file states none; {} are taken. Pass units= (--unit) if they are others."


def read_events(
    path: str | Path, *, units: Units | str | None = None, dose: Dose | None = None
) -> EventTable:
    """Read a table of doses and concentrations.

    Parameters
    ----------
    path : path
        A CSV or a table parted by blanks, with NONMEM's items (ID, TIME, AMT, RATE, DUR, EVID,
        CMT, ADDL, II, SS, DV, MDV, DVID, CENS, LLOQ) in any order, covariates beside; or one of
        R's data sets (Subject, time, dose, conc, interval).
    units : Units or str, optional
        ``"h,mg,mg/L"`` by default, with a note: such files do not state theirs.
    dose : Dose, optional
        What everybody got, where the table holds no dose.

    Returns
    -------
    EventTable

    Raises
    ------
    InputError
        One line that says what is wrong with the file and what to do.
    """
    place = Path(path)
    if place.is_dir():
        raise InputError(f"events: '{place}' is a folder; give one table")
    (source,) = load(place)
    stated = _units(units)
    header, rows = table_of(source)
    layout = layout_of(header, source.name)
    if "amt" not in layout.place and dose is None:
        raise InputError(
            f"events: '{source.name}' holds no dose (AMT); pass dose=Dose(time, amount) if "
            "everybody got the same"
        )
    ledger = Ledger()
    ledger.header(sum(1 for _ in _all_lines(source)) - len(rows))
    notes = [] if stated else [_UNITS_NOTE.format("h, mg and mg/L")]
    read = rows_of(rows, layout, ledger, notes)
    if not any(row.measured for row in read):
        raise InputError(f"events: no row of '{source.name}' holds a measurement (DV); check it")
    people = people_of(read, layout, dose, notes)
    return EventTable(
        people, stated or Units(), "events", source.sha256, ledger.accounts(), ledger.dropped(),
        tuple(notes), ledger.rows(),
    )  # fmt: skip


def is_events(path: str | Path) -> bool:
    """Tell whether a path holds an event table with doses.

    Raises
    ------
    InputError
        When the file is missing, empty, too large or not text.
    """
    place = Path(path)
    if place.is_dir():
        return False
    (source,) = load(place)
    if is_json(source):
        return False
    try:
        header, _ = table_of(source)
    except InputError:
        return False
    return looks_like_events(header)


def table_of(source: Source) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Return header and numbered rows of a table parted by commas, tabs or blanks.

    Raises
    ------
    InputError
        When there is no row below the header.
    """
    comments = ("#", ";")
    rows = [item for item in _all_lines(source) if not item[1][0].lstrip().startswith(comments)]
    if len(rows) < 2:
        raise InputError(f"events: '{source.name}' holds no row below its header; export it again")
    return rows[0][1], rows[1:]


def _all_lines(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield every line that is not blank, comments too."""
    text = text_of(source).lstrip("\ufeff")
    head = next((x for x in text.splitlines() if x.strip() and not x.startswith(("#", ";"))), "")
    if not any(mark in head for mark in ",;\t"):
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                yield number, line.split()
        return
    yield from csv_rows(source)


def _units(units: Units | str | None) -> Units | None:
    if units is None or isinstance(units, Units):
        return units
    parts = [part.strip() for part in str(units).split(",")]
    if not 3 <= len(parts) <= 4 or not all(parts):
        raise InputError(f"units is {units!r}; give time, amount, concentration: 'h,mg,mg/L'")
    return Units(*parts)
