"""What a policy is shown of a person: the visits of the record, as the environment shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.renal_function import ckd_epi_2021
from ..therapy.formulary import CLASSES, DRUGS
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.prevent import prevent_risk
from ..twins.pressure_seen import HOME, LABS, PressureSeen

Array = NDArray[np.float64]

# Policies carry memory from visit to visit; older ones no longer matter to any (project choice).
MOST_VISITS: Final = 8
TOLERANCE_DAYS: Final = 3.0
LONG_WEEKS: Final = 400.0
TYPICAL: Final = {"total_cholesterol_mg_dl": 195.0, "hdl_mg_dl": 52.0, "bmi": 29.0}
FLAGS: Final = ("diabetes", "cvd", "smoker", "pregnant", "asthma", "heart_block", "angioedema")
SYMPTOMS: Final = ("oedema", "cough", "other_symptoms")
QUIET: Final = ("dizzy", *SYMPTOMS, *(f"{name}_ever" for name in SYMPTOMS))


@dataclass(frozen=True)
class Shown:
    """What a policy is shown.

    Parameters
    ----------
    observations : array (V, F), float32
        One row a visit, oldest first, in ``PRESSURE_VIEW``.
    values : mapping of str to float
        The last row in the features' own units.
    notes : tuple of str
        What the record does not tell and what was put in its place.
    """

    observations: NDArray[np.float32]
    values: Mapping[str, float]
    notes: tuple[str, ...]


def show(seen: PressureSeen, interval_days: float = 28.0) -> Shown:
    """Return what a policy is shown of a record's visits.

    Parameters
    ----------
    seen : PressureSeen
        With at least one visit.
    interval_days : float
        Between the visits that the policy is made for: visits closer together than that are not
        shown as visits of their own, since it would take itself to have decided at each of them.
    """
    visits = spaced(seen.day, interval_days)[-MOST_VISITS:]
    first = visits[0]
    notes: list[str] = []
    entry = _Entry.of(seen, first, notes)
    rows = [_values(seen.until(v), entry, seen.day[first]) for v in visits]
    unmeasured = [name for name in LABS if name not in seen.lab_name]
    unmeasured += [] if np.isfinite(seen.heart_rate).any() else ["heart rate"]
    if unmeasured:
        notes.append(f"Not measured, shown to the policy as usual: {', '.join(unmeasured)}.")
    notes.append(
        "Symptoms and refills are not in the record; none and complete are what the policy is told."
    )
    return Shown(np.stack([_store(row) for row in rows]), rows[-1], tuple(notes))


def spaced(day: Array, interval_days: float) -> list[int]:
    """Return visits, the last one always among them, at least an interval apart; oldest first."""
    chosen = [len(day) - 1]
    for visit in range(len(day) - 2, -1, -1):
        if day[chosen[-1]] - day[visit] >= interval_days - TOLERANCE_DAYS:
            chosen.append(visit)
    return chosen[::-1]


@dataclass(frozen=True)
class _Entry:
    """What stays the same over all visits shown."""

    chart: Mapping[str, float]
    egfr: float
    risk: float
    sbp: float
    drugs: float

    @classmethod
    def of(cls, seen: PressureSeen, first: int, notes: list[str]) -> _Entry:
        chart = {k: v for k, v in seen.covariates.items() if np.isfinite(v)}
        missing = [k for k in ("age_years", "female", *TYPICAL) if k not in chart]
        filled = {**TYPICAL, "smoker": 0.0, "age_years": 60.0, "female": 0.0, **chart}
        if missing:
            words = ", ".join(name.replace("_", " ") for name in missing)
            notes.append(f"Not in the record, typical values used for the risk score: {words}.")
        sbp = float(seen.sbp[first])
        egfr = _egfr(seen.until(first), chart) or _egfr(seen, chart) or 80.0
        mg = seen.doses.on(seen.day[first : first + 1])[0]
        return cls(filled, egfr, _risk(filled, sbp, egfr), sbp, float((mg > 0).sum()))


def _egfr(seen: PressureSeen, chart: Mapping[str, float]) -> float:
    """Return the latest filtration rate by CKD-EPI 2021; 0 where creatinine is unknown."""
    _, values = seen.labs("creatinine")
    if not len(values):
        return 0.0
    age, female = chart.get("age_years", 60.0), chart.get("female", 0.0)
    return float(ckd_epi_2021(values[-1], age, female))


def _risk(chart: Mapping[str, float], sbp: float, egfr: float) -> float:
    risk = prevent_risk(
        age_years=chart["age_years"],
        female=chart["female"],
        sbp=sbp,
        total_cholesterol_mg_dl=chart["total_cholesterol_mg_dl"],
        hdl_mg_dl=chart["hdl_mg_dl"],
        bmi=chart["bmi"],
        egfr=egfr,
        diabetes=chart.get("diabetes", 0.0),
        smoker=chart.get("smoker", 0.0),
        treated=0.0,
        statin=chart.get("statin", 0.0),
        beyond="nearest",
    )
    return float(np.ravel(risk)[0])


def _values(seen: PressureSeen, entry: _Entry, began: float) -> dict[str, float]:
    """Return every feature of the last visit of ``seen``, in its own unit."""
    chart, now = entry.chart, float(seen.day[-1])
    mg = seen.doses.on(seen.day[-1:])[0]
    usual = np.array([DRUGS[name].standard_mg for name in seen.doses.formulary.drugs])
    before = max(len(seen) - 2, 0)
    found = {
        "attended": 1.0,
        "sbp": seen.sbp[-1],
        "dbp": seen.dbp[-1],
        "sbp_previous": seen.sbp[before],
        "dbp_previous": seen.dbp[before],
        "sbp_mean_3": seen.sbp[-3:].mean(),
        "dbp_mean_3": seen.dbp[-3:].mean(),
        **_home(seen),
        "heart_rate": _latest(seen.heart_rate, 72.0),
        "standing_drop": 5.0,
        **_blood(seen, entry, chart),
        **{f"dose_{kind}": (mg / usual)[i] for i, kind in enumerate(CLASSES)},
        "n_drugs": float((mg > 0).sum()),
        "weeks_since_change": _since_change(seen, now),
        "weeks": (now - began) / 7.0,
        "weeks_since_visit": 0.0 if len(seen) < 2 else (now - float(seen.day[-2])) / 7.0,
        "refill": 1.0,
        **dict.fromkeys(QUIET, 0.0),
        "age": chart["age_years"],
        "female": chart["female"],
        "bmi": chart["bmi"],
        **{name: chart.get(name, 0.0) for name in (*FLAGS, "gout")},
        "egfr0": entry.egfr,
        "risk_10y": entry.risk,
        "entry_sbp": entry.sbp,
        "entry_drugs": entry.drugs,
    }
    return {name: float(value) for name, value in found.items()}


def _home(seen: PressureSeen) -> dict[str, float]:
    """Return the latest week at home, or the visit's own reading where there is none."""
    rows = [i for i, name in enumerate(seen.setting) if name == HOME]
    at = rows[-1] if rows else len(seen) - 1
    return {"home_sbp": float(seen.sbp[at]), "home_dbp": float(seen.dbp[at])}


def _blood(seen: PressureSeen, entry: _Entry, chart: Mapping[str, float]) -> dict[str, float]:
    """Return laboratory features as of the last visit; before the first result, typical ones."""
    found = {}
    for name, typical in (("potassium", 4.3), ("sodium", 140.0), ("creatinine", 1.0)):
        _, values = seen.labs(name)
        found[name] = float(values[-1]) if len(values) else typical
    days, potassium = seen.labs("potassium")
    drawn = days.tolist() + seen.labs("creatinine")[0].tolist()
    egfr = _egfr(seen, chart) or entry.egfr
    return {
        **found,
        "egfr": egfr,
        "egfr_ratio": egfr / entry.egfr,
        "potassium_change": float(potassium[-1] - potassium[-2]) if len(potassium) > 1 else 0.0,
        "labs_age_weeks": (seen.day[-1] - max(drawn)) / 7.0 if drawn else LONG_WEEKS,
    }


def _since_change(seen: PressureSeen, now: float) -> float:
    """Return the weeks since the regimen last changed before a day."""
    changed = (np.diff(seen.doses.mg, axis=0) != 0.0).any(axis=1)
    days = seen.doses.day[1:][changed]
    past = days[days <= now]
    return float((now - past[-1]) / 7.0) if len(past) else LONG_WEEKS


def _latest(values: Array, otherwise: float) -> float:
    known = values[np.isfinite(values)]
    return float(known[-1]) if len(known) else otherwise


def _store(values: Mapping[str, float]) -> NDArray[np.float32]:
    """Return the stored vector of the view; a feature without a value is an error of ours."""
    features = PRESSURE_VIEW.features
    raw = [(np.clip(values[f.name], f.low, f.high) - f.offset) / f.scale for f in features]
    return np.array(raw, dtype=np.float32)
