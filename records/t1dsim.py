"""T1DSim-AI's day: five-minute rows of glucose, insulin and carbohydrate without dates.

``cgm`` is in mg/dL and ``input_meal_carbs_ODEPop`` in g. ``input_insulin`` is in U/h over the row
(the example's values are whole multiples of 0.012 U/h, a pump's 0.001 U in five minutes, and add up
to 30 U a day); a row tells basal and bolus insulin as one number.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from ..physiology.errors import InputError
from . import clock
from .delivery import Delivery, TempRate
from .files import Source
from .quality import Ledger
from .raw import Event, RawRecord, Reading
from .table import amount, read_table, reading
from .values import number_of

COLUMNS = ("hour_of_day", "cgm", "input_insulin", "input_meal_carbs_ODEPop")
UNUSED = {
    "heart_rate_WRTbaseline": ("heart rate", "about a baseline that the file does not tell"),
    "sleep_efficiency": ("sleep", "a record has no place for it"),
}
STEP_S, ROWS_AN_HOUR = 300.0, 12
# More than 0.8 U in five minutes is no pump's basal rate (project choice).
BOLUS_FROM_U_PER_H = 10.0
DAY = "2000-01-01T00:00:00"


def looks_like_t1dsim(header: Sequence[str]) -> bool:
    """Tell whether a first line is that of a T1DSim-AI scenario."""
    return set(COLUMNS) <= {cell.strip() for cell in header}


def read_t1dsim(source: Source, timezone: str | None = None) -> RawRecord:
    """Read one day.

    Parameters
    ----------
    source : Source
    timezone : str, optional
        The table names none; UTC where this is not given.

    Returns
    -------
    RawRecord

    Raises
    ------
    InputError
        When a column is missing, or rows are missing so that their times cannot be told.
    """
    ledger = Ledger()
    table = read_table(source, COLUMNS, "T1DSim-AI", ledger)
    hours = [number_of(table.cell(row, "hour_of_day")) for _, row in table.rows]
    zone_name = clock.canonical_zone(timezone or "UTC")
    start = _start(hours, zone_name)
    glucose: list[Reading] = []
    boluses: list[Event] = []
    meals: list[Event] = []
    temps: list[TempRate] = []
    line = {f"line {number}": index for index, (number, _) in enumerate(table.rows)}
    for where, row in table.whole(ledger):
        time = start + STEP_S * line[where]
        sensed = reading(table.cell(row, "cgm"), time, "glucose", where, ledger)
        if sensed is not None:
            glucose.append(sensed)
        grams = amount(table.cell(row, "input_meal_carbs_ODEPop"), "carbs", where, ledger)
        if grams is not None:
            meals.append(Event(time, grams))
        _take_insulin(table.cell(row, "input_insulin"), time, where, boluses, temps, ledger)
        for name, (kind, why) in UNUSED.items():
            if table.cell(row, name):
                ledger.see(kind)
                ledger.drop(kind, why, where)
    return RawRecord(
        source_format="t1dsim",
        timezone=zone_name,
        glucose_unit="mg/dL",
        glucose=glucose,
        boluses=boluses,
        meals=meals,
        delivery=Delivery(temps=temps, logged=[(item.start_s, item.end_s) for item in temps]),
        ledger=ledger,
        notes=(
            f"Times: the table has no date; its day is laid on {DAY[:10]}.",
            "Insulin: a row tells basal and bolus as one number; one of more than "
            f"{BOLUS_FROM_U_PER_H:g} U/h counts as a bolus.",
        ),
    )


def _start(hours: Sequence[float | None], zone_name: str) -> float:
    """Return the time of the first row; every hour but the first and last must be whole."""
    runs = [(hour, len(list(same))) for hour, same in groupby(hours)]
    named = [hour for hour, _ in runs]
    whole = all(count == ROWS_AN_HOUR for _, count in runs[1:-1]) and all(
        count <= ROWS_AN_HOUR for _, count in runs
    )
    follows = all(
        one is not None and other is not None and other == (one + 1) % 24
        for one, other in pairwise(named)
    )
    if not runs or named[0] is None or not 0 <= named[0] < 24 or not whole or not follows:
        raise InputError(
            "T1DSim-AI: the hours of the day are not twelve rows each in their order, so the rows "
            "cannot be timed; give the table with every five-minute row"
        )
    into = (ROWS_AN_HOUR - runs[0][1]) * STEP_S if len(runs) > 1 else 0.0
    parsed = clock.parse_time(DAY)
    local = (parsed[0] if parsed else 0.0) + named[0] * 3600.0 + into
    return float(clock.local_to_utc([local], clock.zone_of(zone_name))[0])


def _take_insulin(
    cell: str, time: float, where: str, boluses: list[Event], temps: list[TempRate], ledger: Ledger
) -> None:
    """Read a row's insulin as basal rate or as bolus; the total is what the row says."""
    value = number_of(cell)
    large = value is not None and value > BOLUS_FROM_U_PER_H
    rate = amount(cell, "bolus" if large else "basal", where, ledger, zero=True)
    if rate is None:
        return
    if large:
        boluses.append(Event(time, rate * STEP_S / 3600.0))
    temps.append(TempRate(time, time + STEP_S, 0.0 if large else rate))
