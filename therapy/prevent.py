"""PREVENT: the risk of cardiovascular disease over 10 or 30 years, without and with extra labs.

The American Heart Association's equations of Khan 2024, Circulation 149:430
(doi:10.1161/CIRCULATIONAHA.123.067626). They are associations: pressure under treatment and the
treatment flag describe who is at risk, not what a drug does. What a fall of pressure brings is
told by :mod:`dosegym.therapy.benefit`, from trials.
"""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .prevent_terms import base_terms, extra_terms

Array = NDArray[np.float64]
Model = Literal["base", "uacr", "full"]
Beyond = Literal["refuse", "nearest"]

OUTCOMES: Final = ("total_cvd", "ascvd", "heart_failure", "chd", "stroke")
MODELS: Final = (("base", 10), ("base", 30), ("uacr", 10), ("full", 10))

RANGES: Final = MappingProxyType(
    {  # within which the equations were derived (Khan 2024; as preventr enforces them)
        "age_years": (30.0, 79.0, "years"),
        "sbp": (90.0, 180.0, "mmHg"),
        "total_cholesterol_mg_dl": (130.0, 320.0, "mg/dL"),
        "hdl_mg_dl": (20.0, 100.0, "mg/dL"),
        "bmi": (18.5, 39.9, "kg/m2"),
        "egfr": (15.0, 140.0, "mL/min/1.73 m2"),
        "uacr_mg_g": (0.1, 25_000.0, "mg/g"),
        "hba1c_percent": (4.5, 15.0, "%"),
        "sdi_decile": (1.0, 10.0, "decile"),
    }
)
OLDEST_30Y: Final = 59.0
"""Thirty-year risk is defined for 30 to 59 years."""

_FLAGS: Final = ("female", "diabetes", "smoker", "treated", "statin")
_OPTIONAL: Final = ("uacr_mg_g", "hba1c_percent", "sdi_decile")


def prevent_risk(
    *,
    age_years: ArrayLike,
    female: ArrayLike,
    sbp: ArrayLike,
    total_cholesterol_mg_dl: ArrayLike,
    hdl_mg_dl: ArrayLike,
    bmi: ArrayLike,
    egfr: ArrayLike,
    diabetes: ArrayLike,
    smoker: ArrayLike,
    treated: ArrayLike,
    statin: ArrayLike,
    uacr_mg_g: ArrayLike = np.nan,
    hba1c_percent: ArrayLike = np.nan,
    sdi_decile: ArrayLike = np.nan,
    outcome: str = "total_cvd",
    years: int = 10,
    model: Model = "base",
    beyond: Beyond = "refuse",
) -> Array:
    """Return the risk of a first event.

    Parameters
    ----------
    age_years : array (n,), years
        30 to 79; to 59 for 30 years.
    female, diabetes, smoker, treated, statin : array (n,), 0 or 1
        `treated` is the use of drugs against high pressure.
    sbp : array (n,), mmHg
    total_cholesterol_mg_dl, hdl_mg_dl : array (n,), mg/dL
    bmi : array (n,), kg/m2
    egfr : array (n,), mL/min/1.73 m2
    uacr_mg_g, hba1c_percent, sdi_decile : array (n,), mg/g, %, deciles of deprivation
        Used by the models ``uacr`` (the first) and ``full`` (all three); NaN where not known.
    outcome : str
        One of ``OUTCOMES``.
    years : {10, 30}
    model : {"base", "uacr", "full"}
    beyond : {"refuse", "nearest"}
        What to do with values outside ``RANGES``: refuse them, or take the nearest bound (for
        virtual people, whose risk is a label and no advice).

    Returns
    -------
    array (n,)
        Probability, 0 to 1; shapes broadcast.

    Raises
    ------
    InputError
        Naming the value outside its range, an unknown outcome, or a model that does not exist.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"PREVENT outcome {outcome!r} is unknown; use {', '.join(OUTCOMES)}")
    if (model, years) not in MODELS:
        known = ", ".join(f"{name} over {span} years" for name, span in MODELS)
        raise InputError(f"PREVENT has no model {model!r} over {years} years here; use {known}")
    given: dict[str, ArrayLike] = {
        "age_years": age_years,
        "female": female,
        "sbp": sbp,
        "total_cholesterol_mg_dl": total_cholesterol_mg_dl,
        "hdl_mg_dl": hdl_mg_dl,
        "bmi": bmi,
        "egfr": egfr,
        "diabetes": diabetes,
        "smoker": smoker,
        "treated": treated,
        "statin": statin,
        "uacr_mg_g": uacr_mg_g,
        "hba1c_percent": hba1c_percent,
        "sdi_decile": sdi_decile,
    }
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in given.values()))
    person = _checked(dict(zip(given, arrays, strict=True)), years, beyond)
    terms = {**base_terms(person), **extra_terms(person)}
    table = coefficients(model, years)
    women = _log_odds(table[f"{outcome}_f"], terms)
    men = _log_odds(table[f"{outcome}_m"], terms)
    log_odds = np.where(person["female"] > 0, women, men)
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)))


@cache
def coefficients(model: str, years: int) -> dict[str, dict[str, float]]:
    """Return the coefficients by column (outcome and sex) and term."""
    name = f"prevent_{model}_{years}y.csv"
    text = resources.files("dosegym.therapy.data").joinpath(name).read_text("utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    columns = [name for name in rows[0] if name != "term"]
    return {column: {row["term"]: float(row[column]) for row in rows} for column in columns}


def _log_odds(weights: dict[str, float], terms: dict[str, Array]) -> Array:
    total = np.zeros_like(terms["constant"])
    for term, weight in weights.items():
        total = total + weight * terms[term]
    return total


def _checked(person: dict[str, Array], years: int, beyond: Beyond) -> dict[str, Array]:
    """Return the values, each inside its range."""
    for name in _FLAGS:
        if not np.isin(person[name], (0.0, 1.0)).all():
            raise InputError(f"PREVENT: {name} is {person[name].ravel()[:3]}; give 0 or 1")
    for name, (low, high, unit) in RANGES.items():
        top = min(high, OLDEST_30Y) if name == "age_years" and years == 30 else high
        values = person[name]
        missing = np.isnan(values)
        if missing.any() and name not in _OPTIONAL:
            raise InputError(f"PREVENT: {name} is missing; give it in {unit}")
        outside = ~missing & ((values < low) | (values > top))
        if outside.any() and beyond != "nearest":
            raise InputError(
                f"PREVENT: {name} is {values[outside][0]:g}, outside {low:g} to {top:g} {unit}; "
                "the equations were not derived there"
            )
        person[name] = np.clip(values, low, top)
    return person
