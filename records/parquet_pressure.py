"""A record of blood pressure as one Parquet table and back without loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from ..physiology.errors import InputError
from .chart import LAB_UNITS, Condition, Medication, Person, PressureRecord
from .genotype import GeneCall, Genotype
from .parquet_table import (
    BROKEN,
    SINCE,
    column,
    described,
    losses_json,
    losses_of,
    require_units,
    table_bytes,
    texts_of,
)
from .pressure_series import Labs, Pressures
from .ucum import LIMITS

SCHEMA: Final = "dosegym.pressure"
_READINGS: Final = {
    "sbp_mmhg": "mmHg",
    "dbp_mmhg": "mmHg",
    "pulse_per_min": "1/min",
    "setting": "where it was taken",
    "averaged": "measurements that a reading is the mean of; -1 for an untold number",
}
UNITS: Final[Mapping[str, str]] = {"time_s": SINCE, **_READINGS, **LAB_UNITS}
_TEXTS = ("subject", "source_format", "source_sha256", "timezone", "consent", "consent_id")


def pressure_bytes(record: PressureRecord) -> bytes:
    """Return a record of blood pressure as the bytes of a Parquet file."""
    readings = record.readings
    n = len(readings)
    rows: dict[str, list[Any]] = {name: [None] * n for name in UNITS}
    rows["time_s"] = readings.time_s.tolist()
    rows["sbp_mmhg"], rows["dbp_mmhg"] = readings.sbp.tolist(), readings.dbp.tolist()
    rows["pulse_per_min"] = [None if v != v else v for v in readings.heart_rate.tolist()]
    rows["setting"] = readings.setting.tolist()
    rows["averaged"] = np.nan_to_num(readings.averaged, nan=-1.0).tolist()
    for name, series in record.labs.items():
        for time, value in zip(series.time_s.tolist(), series.value.tolist(), strict=True):
            for each in UNITS:
                cell = {"time_s": time, name: value}.get(each)
                rows[each].append(cell)
    about = {name: getattr(record, name) for name in _TEXTS}
    about.update(
        person=asdict(record.person),
        conditions=[asdict(item) for item in record.conditions],
        medications=[asdict(item) for item in record.medications],
        medications_told=record.medications_told,
        intolerances=list(record.intolerances),
        last_s=record.last_s,
        genotype=_genes_json(record.genotype),
        **losses_json(record),
    )
    return table_bytes(rows, UNITS, SCHEMA, about)


def _genes_json(genes: Genotype | None) -> dict[str, Any] | None:
    if genes is None:
        return None
    told = {name: asdict(call) for name, call in genes.calls.items()}
    return {
        "subject": genes.subject, "source_format": genes.source_format,
        "source_sha256": genes.source_sha256, "calls": told, **losses_json(genes),
    }  # fmt: skip


def pressure_of(table: Any) -> PressureRecord:
    """Return the record that `pressure_bytes` wrote.

    Raises
    ------
    InputError
        When a column, unit or value is not what was written.
    """
    require_units(table, UNITS)
    try:
        return _record(table, described(table))
    except InputError:
        raise
    except BROKEN as error:
        raise InputError(
            f"Parquet: the description within the file is broken ({type(error).__name__})"
        ) from None


def _record(table: Any, about: Mapping[str, Any]) -> PressureRecord:
    time, sbp, dbp = (column(table, name) for name in ("time_s", "sbp_mmhg", "dbp_mmhg"))
    rows = np.isfinite(sbp)
    _require("sbp", sbp[rows])
    _require("dbp", dbp[rows])
    averaged = column(table, "averaged")[rows]
    labs = {}
    for name in LAB_UNITS:
        value = column(table, name)
        told = np.isfinite(value)
        if told.any():
            _require(name, value[told])
            labs[name] = Labs(time[told], value[told])
    words = np.array(table.column("setting").to_pylist(), dtype=object)[rows]
    genes = about["genotype"]
    return PressureRecord(
        **texts_of(about, _TEXTS),
        person=Person(**about["person"]),
        readings=Pressures(
            time[rows],
            sbp[rows],
            dbp[rows],
            column(table, "pulse_per_min")[rows],
            np.array(words.tolist(), dtype=np.str_),
            np.where(averaged < 0, np.nan, averaged),
        ),
        labs=labs,
        conditions=tuple(Condition(**item) for item in about["conditions"]),
        medications=tuple(Medication(**item) for item in about["medications"]),
        medications_told=bool(about["medications_told"]),
        intolerances=tuple(str(item) for item in about["intolerances"]),
        last_s=float(about["last_s"]),
        genotype=None if genes is None else _genes(genes),
        **losses_of(about),
    )


def _genes(told: Mapping[str, Any]) -> Genotype:
    calls = {name: GeneCall(**call) for name, call in told["calls"].items()}
    texts = texts_of(told, ("subject", "source_format", "source_sha256"))
    return Genotype(**texts, calls=calls, **losses_of(told))


def _require(name: str, values: Any) -> None:
    if not bool(np.all(LIMITS[name].holds(values))):
        raise InputError(f"Parquet: {name} has values outside {LIMITS[name]}")
