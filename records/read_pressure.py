"""A path into a chart: FHIR R4, a home CSV, Apple Health or Parquet, told apart by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from ..physiology.errors import InputError
from . import apple_health
from . import fhir_json as fj
from .apple_stream import is_apple
from .chart import PressureRecord
from .consent import permit
from .deidentify import deidentified
from .fhir import read_fhir
from .fhir_bundle import gather, is_fhir
from .fhir_codes import PANELS
from .fhir_glucose import ENOUGH, SENSOR
from .files import Source, csv_rows, is_json, json_of, load
from .genotype import Genotype
from .home_columns import HEAD_ROWS, header_row, looks_like_pressure
from .home_pressure import read_home_pressure
from .local_time import DayOrder
from .parquet_pressure import SCHEMA as PRESSURE_SCHEMA
from .parquet_pressure import pressure_of
from .parquet_table import is_parquet, read_table
from .pressure_series import SETTINGS
from .read_genotype import read_genotype

PRESSURE_FORMATS = ("fhir_r4", "home_csv", "apple_health")
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
    genotype: str | Path | Genotype | None = None,
    purpose: str | None = None,
    consent: str | Path | None = None,
    require_consent: bool | None = None,
    deidentify: Literal["shift"] | None = None,
    key: str | Path | bytes | None = None,
    patient: str | None = None,
) -> PressureRecord:
    """Read one person's record of high blood pressure.

    Parameters
    ----------
    path : path
        A FHIR R4 JSON file, a folder of such files of one person, a CSV of pressures, an Apple
        Health export, or Parquet by `write_record`.
    timezone : str, optional
        IANA name or fixed offset of a CSV's local times.
    unit : str, optional
        ``mmHg`` or ``kPa``, where a CSV does not say it.
    setting : {"home", "office", "ambulatory"}, optional
        Where a CSV's pressures were taken, if its rows do not tell; ``home`` by default.
    dates : {"mdy", "dmy"}, optional
        Order of day and month where a CSV leaves it open.
    genotype : path or Genotype, optional
        The same person's: CYP2D6 sets how a twin breaks metoprolol down.
    purpose, consent, require_consent, deidentify, key, patient : optional
        As in :func:`dosegym.records.read_record`.

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
    if deidentify not in (None, "shift") or (deidentify is None) != (key is None):
        raise InputError("deidentify: use 'shift' together with key=, or neither")
    place = Path(path)
    allowed = permit(place, consent, purpose, require_consent)
    given = (("unit", unit), ("setting", setting), ("dates", dates), ("timezone", timezone))
    if is_parquet(place):
        record = _parquet(place)
    elif is_apple(place):
        found, sha256 = apple_health.scan(place)
        record = apple_health.pressure_of(found, sha256, timezone, setting or "home")
    else:
        record = _of_text(place, dict(given), purpose)
    allowed.for_record(record.source_sha256)
    own = allowed.id or record.consent_id
    record = replace(
        record,
        consent=allowed.text if allowed.id or not record.consent else record.consent,
        consent_id=own,
        genotype=_genes(genotype) or record.genotype,
    )
    return record if key is None else deidentified(record, key, patient)


def _genes(genotype: str | Path | Genotype | None) -> Genotype | None:
    if genotype is None or isinstance(genotype, Genotype):
        return genotype
    return read_genotype(genotype)


def _parquet(place: Path) -> PressureRecord:
    table, name = read_table(place)
    if name != PRESSURE_SCHEMA:
        raise InputError(f"Parquet: '{place}' is no record of blood pressure by write_record")
    return pressure_of(table)


def _of_text(place: Path, told: dict[str, Any], purpose: str | None) -> PressureRecord:
    """Read FHIR or a CSV."""
    sources = load(place)
    kinds = [_format_of(source) for source in sources]
    if place.is_dir():  # a folder may hold other papers; one kind must be left
        pairs = [(source, kind) for source, kind in zip(sources, kinds, strict=True) if kind]
        sources, kinds = [source for source, _ in pairs], [kind for _, kind in pairs]
    if not kinds or not kinds[0]:
        raise InputError(f"record: '{place}' holds no blood pressure that can be read; {_HINT}")
    if len(set(kinds)) > 1 or (kinds[0] == "home_csv" and len(kinds) > 1):
        raise InputError(
            f"record: the folder '{place}' holds {len(kinds)} files that nothing ties to one "
            "person; give one file"
        )
    if kinds[0] == "fhir_r4":
        named = next((name for name, value in told.items() if value is not None), None)
        if named:
            raise InputError(f"{named}: FHIR tells it in every resource; leave the argument out")
        return read_fhir(sources, purpose)
    return read_home_pressure(sources[0], **{**told, "setting": told["setting"] or "home"})


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
    place = Path(path)
    if is_parquet(place):
        return "pressure" if read_table(place)[1] == PRESSURE_SCHEMA else "glucose"
    if is_apple(place):
        pressure = apple_health.kind_of(apple_health.scan(place)[0]) == "pressure"
        return "pressure" if pressure else "glucose"
    sources = load(place)
    kinds = [_format_of(source) for source in sources]
    if kinds and all(kind == "fhir_r4" for kind in kinds) and _is_sensor_record(sources):
        return "glucose"
    return "pressure" if any(kinds) else "glucose"


def _is_sensor_record(sources: Sequence[Source]) -> bool:
    """Tell whether FHIR holds enough sensor glucose, and no blood pressure."""
    codes = [
        code
        for resource in gather(json_of(source) for source in sources).of("Observation")
        for code in fj.code_in(fj.part(resource, "code"), fj.LOINC)
    ]
    sensor = sum(code in SENSOR for code in codes)
    return sensor >= ENOUGH and not PANELS & set(codes)


def _format_of(source: Source) -> str:
    """Return the format of one file, empty where it is none of ours."""
    if is_json(source):
        return "fhir_r4" if is_fhir(json_of(source)) else ""
    plain = (row for _, row in csv_rows(source) if not row[0].lstrip().startswith("#"))
    rows = list(islice(plain, HEAD_ROWS))
    return "home_csv" if rows and looks_like_pressure(rows[header_row(rows)]) else ""
