"""A path into a chart: FHIR R4 JSON or a home blood-pressure CSV, told apart by content."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ..physiology.errors import InputError
from .chart import PressureRecord
from .fhir import read_fhir
from .fhir_bundle import is_fhir
from .files import Source, csv_rows, is_json, json_of, load
from .home_columns import looks_like_pressure
from .home_pressure import read_home_pressure
from .local_time import DayOrder
from .pressure_series import SETTINGS

PRESSURE_FORMATS = ("fhir_r4", "home_csv")
_HINT = (
    "give FHIR R4 JSON (a bundle or a folder of one person's resources) or a CSV with columns such "
    "as date,time,systolic,diastolic,pulse"
)


def read_pressure(
    path: str | Path,
    *,
    timezone: str | None = None,
    unit: str | None = None,
    setting: str | None = None,
    dates: DayOrder | None = None,
) -> PressureRecord:
    """Read one person's record of high blood pressure.

    Parameters
    ----------
    path : path
        A FHIR R4 JSON file, a folder of such files of one person, or a CSV of pressures.
    timezone : str, optional
        IANA name or fixed offset of a CSV's local times.
    unit : str, optional
        ``mmHg`` or ``kPa``, where a CSV does not say it.
    setting : {"home", "office", "ambulatory"}, optional
        Where a CSV's pressures were taken, if its rows do not tell; ``home`` by default.
    dates : {"mdy", "dmy"}, optional
        Order of day and month where a CSV leaves it open.

    Returns
    -------
    PressureRecord

    Raises
    ------
    InputError
        One line that says what is wrong with the file or the arguments and what to do.
    """
    if setting is not None and setting not in SETTINGS:
        raise InputError(f"setting: {setting[:20]!r} is unknown; use {', '.join(SETTINGS)}")
    place = Path(path)
    sources = load(place)
    kinds = [_format_of(source) for source in sources]
    if place.is_dir():  # a folder may hold other papers; one kind must be left
        told = [(source, kind) for source, kind in zip(sources, kinds, strict=True) if kind]
        sources, kinds = [source for source, _ in told], [kind for _, kind in told]
    if not kinds or not kinds[0]:
        raise InputError(f"record: '{place}' holds no blood pressure that can be read; {_HINT}")
    if len(set(kinds)) > 1 or (kinds[0] == "home_csv" and len(kinds) > 1):
        raise InputError(
            f"record: the folder '{place}' holds {len(kinds)} files that nothing ties to one "
            "person; give one file"
        )
    if kinds[0] == "fhir_r4":
        given = [("unit", unit), ("setting", setting), ("dates", dates), ("timezone", timezone)]
        named = next((name for name, value in given if value is not None), None)
        if named:
            raise InputError(f"{named}: FHIR tells it in every resource; leave the argument out")
        return read_fhir(sources)
    return read_home_pressure(
        sources[0], timezone=timezone, unit=unit, setting=setting or "home", dates=dates
    )


def kind_of_record(path: str | Path) -> Literal["pressure", "glucose"]:
    """Tell whether a path holds a record of blood pressure; anything else is left to glucose.

    Parameters
    ----------
    path : path

    Returns
    -------
    "pressure" or "glucose"
        A file that neither reader knows counts as glucose, whose reader then says why.

    Raises
    ------
    InputError
        When the file is missing, empty, too large or broken.
    """
    kinds = [_format_of(source) for source in load(Path(path))]
    return "pressure" if any(kinds) else "glucose"


def _format_of(source: Source) -> str:
    """Return the format of one file, empty where it is none of ours."""
    if is_json(source):
        return "fhir_r4" if is_fhir(json_of(source)) else ""
    header = next((row for _, row in csv_rows(source) if not row[0].lstrip().startswith("#")), [])
    return "home_csv" if looks_like_pressure(header) else ""
