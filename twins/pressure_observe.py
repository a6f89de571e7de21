"""From a record of pressures to what a twin is fitted to; refuses doses that nobody recorded."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.chart import DAY_S, Chart, Medication, PressureRecord
from ..records.drug_names import PRESSURE_CLASSES
from ..therapy.formulary import CLASSES, DRUGS, Formulary, load_formulary
from .pressure_seen import HOME, LABS, OFFICE, Doses, PressureSeen

Array = NDArray[np.float64]

SETTING: Final = {"office": OFFICE, "home": HOME, "ambulatory": "ambulatory"}
# Home readings within a week of the first make one mean.
WEEK_DAYS: Final = 7.0
# A drug that cannot be modelled must have been gone for so long before a visit counts.
WASHED_OUT_DAYS: Final = 28.0
ADULT_YEARS: Final = 18.0


def observe_pressure(record: PressureRecord, usual: Formulary | None = None) -> PressureSeen:
    """Return a record as arrays.

    Parameters
    ----------
    record : PressureRecord
    usual : Formulary, optional
        The drug of each class that the person does not take; the default one otherwise.

    Raises
    ------
    InputError
        If there is no reading, or a drug taken now has no known dose, is not modelled, or shares
        its class with another.
    """
    chart = record.chart()
    _admit(record)
    formulary = formulary_of(chart.drugs, usual)
    since = _understood_since(record, formulary)
    readings = record.readings.take(record.readings.time_s >= since)
    if len(readings) == 0:
        raise InputError(
            "pressure: no reading was taken while all drugs and doses were known; measure again"
        )
    end = record.last_s
    day, groups = _visits((readings.time_s - end) / DAY_S, readings.setting)
    rate = record.labs.get("heart_rate")
    heart = [_mean(readings.heart_rate[g]) for g in groups]
    if rate is not None:
        when = (rate.time_s - end) / DAY_S
        heart = [_near(h, d, when, rate.value) for h, d in zip(heart, day, strict=True)]
    labs = sorted(
        ((t - end) / DAY_S, name, v)
        for name in LABS
        if name in record.labs
        for t, v in zip(record.labs[name].time_s, record.labs[name].value, strict=True)
        if t >= since
    )
    return PressureSeen(
        subject=record.subject,
        record_sha256=record.source_sha256,
        end_s=end,
        day=np.asarray(day, dtype=np.float64),
        sbp=np.array([_mean(readings.sbp[g], readings.averaged[g]) for g in groups]),
        dbp=np.array([_mean(readings.dbp[g], readings.averaged[g]) for g in groups]),
        heart_rate=np.array(heart),
        setting=tuple(SETTING[str(readings.setting[g[0]])] for g in groups),
        readings=np.array(
            [float(np.nan_to_num(readings.averaged[g], nan=1.0).sum()) for g in groups]
        ),
        lab_day=np.array([row[0] for row in labs]),
        lab_value=np.array([row[2] for row in labs]),
        lab_name=tuple(row[1] for row in labs),
        doses=_doses(record, formulary),
        covariates={**covariates_of(chart), **_genes(record)},
    )


def _admit(record: PressureRecord) -> None:
    """Refuse a record of which a drug list or an adult's body is missing."""
    age = record.person.age_years
    if age is not None and age < ADULT_YEARS:
        raise InputError(
            f"age is {age:.0f} years; the blood-pressure model is of adults from {ADULT_YEARS:g} on"
        )
    if not record.medications_told:
        raise InputError(
            "medication: the record says nothing of drugs; add the medication list, or "
            "'# medication: none'"
        )


def formulary_of(drugs: tuple[Medication, ...], usual: Formulary | None = None) -> Formulary:
    """Return the drug of each class that a person takes now, the usual one where none is.

    Raises
    ------
    InputError
        Naming the first drug whose dose is unknown, that is not modelled, or that shares its class.
    """
    chosen: dict[str, str] = {}
    spare = dict(zip(CLASSES, (usual or load_formulary()).drugs, strict=True))
    for item in drugs:
        if item.drug_class not in PRESSURE_CLASSES:
            continue
        if item.drug not in DRUGS:
            raise InputError(
                f"drug {item.drug} is not modelled; its effect on pressure cannot be told "
                "apart, so nothing can be forecast"
            )
        if item.daily_mg is None:
            why = item.why_unknown or "the record does not say how much is taken"
            raise InputError(
                f"dose of {item.drug} is unknown ({why}); add the amount a day to the record"
            )
        kind = DRUGS[item.drug].drug_class
        if kind in chosen:
            raise InputError(f"{chosen[kind]} and {item.drug} are of one class; stop one of them")
        chosen[kind] = item.drug
    return load_formulary({**spare, **chosen})


def _modelled(item: Medication, formulary: Formulary) -> bool:
    return item.drug in formulary.drugs and item.daily_mg is not None


def _span(item: Medication, end_s: float) -> tuple[float, float]:
    """Return from when to when a drug was taken, as far as the record tells."""
    start = -np.inf if item.start_s is None else item.start_s
    if item.end_s is not None:
        return start, item.end_s
    return (start, np.inf) if item.status in ("active", "unknown") else (start, start)


def _understood_since(record: PressureRecord, formulary: Formulary) -> float:
    """Return the time (s) from which all drugs against pressure are known and modelled."""
    since = -np.inf
    for item in record.medications:
        if item.drug_class not in PRESSURE_CLASSES or _modelled(item, formulary):
            continue
        _, end = _span(item, record.last_s)
        if end < record.last_s:
            since = max(since, end + WASHED_OUT_DAYS * DAY_S)
    return since


def _doses(record: PressureRecord, formulary: Formulary) -> Doses:
    """Return the regimen over time, days before the record's end."""
    known = [m for m in record.medications if _modelled(m, formulary)]
    spans = [_span(item, record.last_s) for item in known]
    edges = {t for span in spans for t in span if np.isfinite(t) and t < record.last_s}
    times = sorted({min([record.last_s, *edges]) - DAY_S, *edges})
    mg = np.zeros((len(times), len(CLASSES)))
    for item, (start, end) in sorted(zip(known, spans, strict=True), key=lambda pair: pair[1][0]):
        slot = formulary.drugs.index(item.drug)
        for row, time in enumerate(times):
            if start <= time < end:
                # Of several prescriptions of one drug the latest counts.
                mg[row, slot] = item.daily_mg
    return Doses(formulary, (np.array(times) - record.last_s) / DAY_S, mg)


def _genes(record: PressureRecord) -> dict[str, float]:
    """Return what a genotype says of drug breakdown; empty where none was read."""
    return {} if record.genotype is None else record.genotype.covariates()


def covariates_of(chart: Chart) -> dict[str, float]:
    """Return what a chart knows, in the names of the population's sampler."""
    person, latest = chart.person, chart.latest
    found: dict[str, float | None] = {
        "age_years": person.age_years,
        "female": None if person.female is None else float(person.female),
        "smoker": None if person.smoker is None else float(person.smoker),
        "weight_kg": latest.get("weight"),
        "height_cm": latest.get("height"),
        "bmi": latest.get("bmi"),
        "total_cholesterol_mg_dl": latest.get("total_cholesterol"),
        "hdl_mg_dl": latest.get("hdl"),
        "statin": float(bool(chart.drugs_of("statin"))),
    }
    flags = ("diabetes", "cvd", "pregnant", "asthma", "heart_block", "angioedema", "gout")
    found.update({name: float(chart.conditions[name]) for name in flags})
    return {name: float(value) for name, value in found.items() if value is not None}


def _visits(day: Array, setting: NDArray[np.str_]) -> tuple[list[float], list[list[int]]]:
    """Return days of visits and the rows of each: office by day, home by week."""
    found: list[tuple[float, list[int]]] = []
    for kind in dict.fromkeys(setting.tolist()):
        width = WEEK_DAYS if kind == "home" else 1.0
        group: list[int] = []
        for row in np.flatnonzero(setting == kind):
            if group and day[row] - day[group[0]] >= width:
                found.append((float(np.mean(day[group])), group))
                group = []
            group = [*group, int(row)]
        found.append((float(np.mean(day[group])), group))
    found.sort(key=lambda pair: pair[0])
    return [d for d, _ in found], [g for _, g in found]


def _mean(values: Array, count: Array | None = None) -> float:
    """Return a mean by number of measurements, NaN where nothing is known."""
    weight = np.ones(len(values)) if count is None else np.nan_to_num(count, nan=1.0)
    good = np.isfinite(values)
    return float(np.average(values[good], weights=weight[good])) if good.any() else float("nan")


def _near(own: float, day: float, days: Array, values: Array) -> float:
    """Return a visit's own heart rate, or one measured within a day of it."""
    if np.isfinite(own) or len(days) == 0:
        return own
    at = int(np.argmin(np.abs(days - day)))
    return float(values[at]) if abs(days[at] - day) <= 1.0 else own
