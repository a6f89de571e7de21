"""What a controller sees of a person treated for high blood pressure: one visit's observation."""

from __future__ import annotations

from .formulary import CLASS_NAMES, CLASSES
from .view import Feature, View

_PRESSURES = (
    ("sbp", "systolic pressure, mean of the latest attended visit", 140.0),
    ("dbp", "diastolic pressure, mean of the latest attended visit", 85.0),
    ("sbp_previous", "systolic pressure at the attended visit before", 140.0),
    ("dbp_previous", "diastolic pressure at the attended visit before", 85.0),
    (
        "sbp_mean_3",
        "mean systolic pressure of the last three attended visits, or of those there are",
        140.0,
    ),
    (
        "dbp_mean_3",
        "mean diastolic pressure of the last three attended visits, or of those there are",
        85.0,
    ),
    ("home_sbp", "systolic pressure of the week at home, where measured; else as sbp", 140.0),
    ("home_dbp", "diastolic pressure of the week at home, where measured; else as dbp", 85.0),
)


def _flag(name: str, doc: str) -> Feature:
    return Feature(name, "0 or 1", 0.0, 1.0, 0.0, 1.0, doc)


def _dose(kind: str) -> Feature:
    doc = f"current dose of the {CLASS_NAMES[kind]}"
    return Feature(f"dose_{kind}", "standard doses", 0.0, 1.0, 0.0, 8.0, doc)


PRESSURE_VIEW = View(
    (
        _flag("attended", "whether the patient came to this visit"),
        *(Feature(n, "mmHg", mid, 20.0, 20.0, 320.0, doc) for n, doc, mid in _PRESSURES),
        Feature("heart_rate", "1/min", 72.0, 12.0, 20.0, 220.0, "heart rate, seated"),
        Feature(
            "standing_drop",
            "mmHg",
            5.0,
            10.0,
            -80.0,
            150.0,
            "systolic fall after a minute standing",
        ),
        Feature("potassium", "mmol/L", 4.3, 0.5, 1.0, 10.0, "latest reported serum potassium"),
        Feature("sodium", "mmol/L", 140.0, 4.0, 90.0, 180.0, "latest reported serum sodium"),
        Feature("creatinine", "mg/dL", 1.0, 0.4, 0.1, 20.0, "latest reported serum creatinine"),
        Feature("egfr", "mL/min/1.73 m2", 75.0, 20.0, 0.0, 200.0, "latest eGFR, CKD-EPI 2021"),
        Feature(
            "egfr_ratio", "1", 1.0, 0.2, 0.0, 5.0, "latest eGFR over the one reported at entry"
        ),
        Feature(
            "potassium_change",
            "mmol/L",
            0.0,
            0.5,
            -6.0,
            6.0,
            "latest potassium less the one before",
        ),
        Feature(
            "labs_age_weeks", "weeks", 0.0, 26.0, 0.0, 400.0, "age of the latest laboratory report"
        ),
        *(_dose(kind) for kind in CLASSES),
        Feature("n_drugs", "drugs", 0.0, 3.0, 0.0, 6.0, "drugs in the current regimen"),
        Feature(
            "weeks_since_change", "weeks", 0.0, 12.0, 0.0, 400.0, "since the regimen last changed"
        ),
        Feature("weeks", "weeks", 0.0, 52.0, 0.0, 400.0, "since the first visit"),
        Feature(
            "weeks_since_visit", "weeks", 0.0, 12.0, 0.0, 400.0, "since the last attended visit"
        ),
        Feature(
            "refill",
            "1",
            0.0,
            1.0,
            0.0,
            1.0,
            "share of days covered by dispensed tablets since the last attended visit, 1 at entry",
        ),
        _flag("dizzy", "dizziness or fainting reported since the last attended visit"),
        _flag("oedema", "ankle oedema"),
        _flag("cough", "persistent dry cough"),
        _flag("other_symptoms", "another side effect that bothers the patient"),
        _flag("oedema_ever", "ankle oedema at this or an earlier visit"),
        _flag("cough_ever", "persistent dry cough at this or an earlier visit"),
        _flag("other_symptoms_ever", "another side effect at this or an earlier visit"),
        Feature("age", "years", 60.0, 15.0, 0.0, 120.0, "age"),
        _flag("female", "female sex"),
        Feature("bmi", "kg/m2", 28.0, 5.0, 5.0, 100.0, "body mass index"),
        _flag("diabetes", "diabetes"),
        _flag("cvd", "cardiovascular disease"),
        _flag("smoker", "current smoker"),
        Feature(
            "egfr0",
            "mL/min/1.73 m2",
            75.0,
            20.0,
            0.0,
            200.0,
            "eGFR known from before any treatment",
        ),
        Feature(
            "risk_10y",
            "1",
            0.1,
            0.1,
            0.0,
            1.0,
            "10-year cardiovascular risk without treatment, PREVENT",
        ),
        _flag("pregnant", "pregnant"),
        _flag("asthma", "asthma"),
        _flag("heart_block", "heart block of second or third degree without a pacemaker"),
        _flag("angioedema", "angioedema in the past"),
        _flag("gout", "gout"),
        Feature(
            "entry_sbp", "mmHg", 140.0, 20.0, 20.0, 320.0, "systolic pressure measured at entry"
        ),
        Feature("entry_drugs", "drugs", 0.0, 3.0, 0.0, 6.0, "drugs taken at entry"),
    )
)
