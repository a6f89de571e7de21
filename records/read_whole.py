"""Records that are no text files: Apple Health exports and Parquet, each read as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from ..physiology.errors import InputError
from . import apple_health, plain_csv
from .apple_stream import is_apple
from .clean import assemble
from .fhir_glucose import read_fhir_glucose
from .parquet import SCHEMA, as_csv, timeline_of
from .parquet_table import is_parquet, read_table
from .timeline import Timeline
from .values import GlucoseUnit


def read_whole(
    place: Path, timezone: str | None, unit: GlucoseUnit | None, purpose: str | None
) -> Timeline | None:
    """Return the timeline of an Apple Health export, a Parquet file or FHIR; None for others.

    Parameters
    ----------
    place : path
    timezone : str or None
    unit : "mg/dL", "mmol/L" or None
    purpose : str or None
        Judged against the Consents within a FHIR bundle.

    Raises
    ------
    InputError
        When it is one of them and cannot be read.
    """
    if is_apple(place):
        found, sha256 = apple_health.scan(place)
        return assemble(apple_health.raw_of(found, timezone, unit), sha256, unit)
    if is_parquet(place):
        return _parquet(place, timezone, unit)
    return read_fhir_glucose(place, timezone, unit, purpose)


def _parquet(place: Path, timezone: str | None, unit: GlucoseUnit | None) -> Timeline:
    table, name = read_table(place)
    if name == SCHEMA:
        if timezone is not None or unit is not None:
            raise InputError("Parquet: the file tells unit and timezone; leave the arguments out")
        return timeline_of(table)
    if name:
        raise InputError(f"Parquet: '{place}' holds blood pressures; read it with read_pressure")
    source = as_csv(table, place.name)
    header = [str(item).lower() for item in table.column_names]
    if not plain_csv.looks_like_plain(header):
        raise InputError(
            f"Parquet: '{place}' has no columns such as time and glucose_mg_dl, as in the plain CSV"
        )
    raw = plain_csv.read_plain(source, timezone, unit)
    sha256 = hashlib.sha256(place.read_bytes()).hexdigest()
    return assemble(replace(raw, source_format="plain_csv"), sha256, unit)
