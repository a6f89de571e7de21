"""GluPredKit's table: sensor glucose, basal, bolus and carbohydrate in five-minute rows.

``CGM`` is in mg/dL, ``basal`` in U/h, ``bolus`` in U and ``carbs`` in g of the row's five minutes
(GluPredKit, glupredkit/parsers/docs/README.md). ``insulin`` repeats the two and is not read.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import clock
from .delivery import Delivery, TempRate
from .files import Source
from .iglu import own_rows
from .people import chosen, ids_of, pseudonym
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .table import amount, local_times, read_table, reading, zone_notes

COLUMNS = ("date", "id", "CGM", "carbs", "basal", "bolus")
STEP_S = 300.0


def looks_like_glupredkit(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of GluPredKit."""
    return set(COLUMNS) <= {cell.strip() for cell in header}


def people_in(source: Source) -> tuple[str, ...]:
    """Return the ids of a file."""
    table = read_table(source, COLUMNS, "GluPredKit", Ledger())
    return ids_of(table.cell(row, "id") for _, row in table.rows)


def read_glupredkit(
    source: Source, timezone: str | None = None, person: str | None = None
) -> RawRecord:
    """Read one person's rows.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        The table names none; UTC where this is not given.
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
    table = read_table(source, COLUMNS, "GluPredKit", ledger)
    ids = ids_of(table.cell(row, "id") for _, row in table.rows)
    who = chosen(ids, person)
    zone_name = clock.canonical_zone(timezone or "UTC")
    own = own_rows(table, who, ledger)
    times = local_times([table.cell(row, "date") for _, row in own], zone_name)
    glucose: list[Reading] = []
    events: dict[str, list[Event]] = {"bolus": [], "carbs": []}
    temps: list[TempRate] = []
    for (where, row), time in zip(own, times, strict=True):
        ledger.row()
        if time is None:
            ledger.see("row")
            ledger.drop("row", "no readable time", where)
            continue
        sensed = reading(table.cell(row, "CGM"), time, "glucose", where, ledger)
        if sensed is not None:
            glucose.append(sensed)
        for kind, found in events.items():
            given = amount(table.cell(row, kind), kind, where, ledger)
            if given is not None:
                found.append(Event(time, given))
        rate = amount(table.cell(row, "basal"), "basal", where, ledger, zero=True)
        if rate is not None:
            temps.append(TempRate(time, time + STEP_S, rate))
    ledger.end_rows()
    return RawRecord(
        source_format="glupredkit",
        timezone=zone_name,
        glucose_unit="mg/dL",
        glucose=glucose,
        boluses=events["bolus"],
        meals=events["carbs"],
        delivery=Delivery(temps=temps, logged=[(item.start_s, item.end_s) for item in temps]),
        ledger=ledger,
        notes=zone_notes("the table", timezone),
        subject=pseudonym(ids, who),
    )
