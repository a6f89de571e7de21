"""iglu's table of several people: ``id, time, gl`` in mg/dL, standardised meals in a second file.

The columns are those of the R package iglu and its Python port; the meals are those of Hall 2018
(doi:10.1371/journal.pbio.2005143), whose grams the file does not tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import clock
from .diary import NOTED
from .files import Source
from .people import chosen, ids_of, pseudonym
from .quality import Ledger
from .raw import Noted, RawRecord, Reading
from .table import Table, local_times, read_table, reading, zone_notes

COLUMNS = ("id", "time", "gl")
MEAL_COLUMNS = ("id", "meal", "mealtime")


def looks_like_iglu(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of iglu's readings."""
    return set(COLUMNS) <= {cell.strip() for cell in header}


def looks_like_iglu_meals(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of iglu's meals."""
    return set(MEAL_COLUMNS) <= {cell.strip() for cell in header}


def people_in(source: Source) -> tuple[str, ...]:
    """Return the ids of a file of readings."""
    table = read_table(source, COLUMNS, "iglu", Ledger())
    return ids_of(table.cell(row, "id") for _, row in table.rows)


def read_iglu(
    source: Source,
    meals: Source | None = None,
    timezone: str | None = None,
    person: str | None = None,
) -> RawRecord:
    """Read one person's rows.

    Parameters
    ----------
    source : Source
    meals : Source or None
        The file of meals that lies beside.
    timezone : str, optional
        Of times written without an offset; UTC where this is not given.
    person : str, optional
        The id to read; needed where the file holds several.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When a column is missing, or the file holds several people and none is chosen.
    """
    ledger = Ledger()
    table = read_table(source, COLUMNS, "iglu", ledger)
    ids = ids_of(table.cell(row, "id") for _, row in table.rows)
    who = chosen(ids, person)
    zone_name = clock.canonical_zone(timezone or "UTC")
    own = own_rows(table, who, ledger)
    times = local_times([table.cell(row, "time") for _, row in own], zone_name)
    glucose: list[Reading] = []
    for (where, row), time in zip(own, times, strict=True):
        ledger.row()
        found = reading(table.cell(row, "gl"), time, "glucose", where, ledger)
        if found is not None:
            glucose.append(found)
    ledger.end_rows()
    return RawRecord(
        source_format="iglu",
        timezone=zone_name,
        glucose_unit="mg/dL",
        glucose=glucose,
        ledger=ledger,
        notes=zone_notes("the table", timezone),
        subject=pseudonym(ids, who),
        diary=[] if meals is None else _meals(meals, who, zone_name, ledger),
    )


def own_rows(table: Table, who: str, ledger: Ledger) -> list[tuple[str, list[str]]]:
    """Return one person's whole rows; the others are counted.

    The rows returned are not yet begun in the ledger.
    """
    own: list[tuple[str, list[str]]] = []
    for number, row in table.rows:
        name = table.cell(row, "id")
        if name == who and len(row) == table.width:
            own.append((f"line {number}", row))
            continue
        ledger.row()
        ledger.see("row")
        why = "of another person" if name and name != who else "no id, or row cut short"
        ledger.drop("row", why, f"line {number}")
    ledger.end_rows()
    return own


def _meals(source: Source, who: str, zone_name: str, ledger: Ledger) -> list[Noted]:
    """Return when the person ate a standardised meal."""
    table = read_table(source, MEAL_COLUMNS, "iglu meals", ledger)
    own = own_rows(table, who, ledger)
    times = local_times([table.cell(row, "mealtime") for _, row in own], zone_name)
    found: list[Noted] = []
    for (where, _), time in zip(own, times, strict=True):
        ledger.row()
        ledger.see("note")
        if time is None:
            ledger.drop("note", "no readable time", where)
        else:
            found.append(Noted(time, NOTED.index("meal")))
    ledger.end_rows()
    return found
