"""Builds observations from clinical values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.therapy.formulary import CLASSES, load_formulary
from dosegym.therapy.pressure_view import PRESSURE_VIEW
from dosegym.therapy.view import INSULIN_VIEW

# A person for hand calculations: 0.9 U/h, 10 g/U, 40 mg/dL per U, 45 U a day.
PERSON = {
    "log_basal": np.log(0.9),
    "log_carb_ratio": np.log(10.0),
    "log_correction": np.log(40.0),
    "log_daily_dose": np.log(45.0),
    "log_weight": np.log(70.0),
}


def _observe(**values: Any) -> np.ndarray:
    given = PERSON | {"cgm": 120.0} | values
    n = max(np.size(v) for v in given.values())
    stored = np.zeros((n, len(INSULIN_VIEW.features)), np.float32)
    for name, value in given.items():
        i = INSULIN_VIEW.index[name]
        feature = INSULIN_VIEW.features[i]
        stored[:, i] = (np.asarray(value) - feature.offset) / feature.scale
    return stored


@pytest.fixture
def observe() -> Any:
    """Return ``observe(cgm=..., told_carbs=...)``: observations (n, F) of the view."""
    return _observe


# An untreated, otherwise healthy hypertensive; what is not named is zero.
HYPERTENSIVE = {
    "attended": 1.0,
    "heart_rate": 72.0,
    "standing_drop": 5.0,
    "potassium": 4.3,
    "sodium": 140.0,
    "creatinine": 0.9,
    "egfr": 85.0,
    "egfr0": 85.0,
    "egfr_ratio": 1.0,
    "refill": 1.0,
    "age": 60.0,
    "bmi": 28.0,
    "risk_10y": 0.05,
    "entry_sbp": 150.0,
}


def _visit(mg: Any = None, formulary: Any = "default", **values: Any) -> np.ndarray:
    tablets = load_formulary(formulary)
    given: dict[str, Any] = {"sbp": 150.0, "dbp": 92.0, **HYPERTENSIVE, **values}
    for reading in ("sbp", "dbp"):
        for copy in (f"{reading}_previous", f"{reading}_mean_3", f"home_{reading}"):
            given.setdefault(copy, given[reading])
    for drug, dose in (mg or {}).items():
        slot, level = tablets.level_of(drug, dose)
        given[f"dose_{CLASSES[slot]}"] = tablets.standard[slot, level]
    given["n_drugs"] = sum(np.asarray(given.get(f"dose_{kind}", 0.0)) > 0 for kind in CLASSES)
    n = max(np.size(v) for v in given.values())
    stored = np.zeros((n, len(PRESSURE_VIEW.features)), np.float32)
    for i, feature in enumerate(PRESSURE_VIEW.features):
        value = np.asarray(given.get(feature.name, 0.0), np.float64)
        stored[:, i] = (value - feature.offset) / feature.scale
    return stored


@pytest.fixture
def visit() -> Any:
    """Return ``visit({"lisinopril": 10.0}, sbp=...)``: observations (n, F) of a pressure visit."""
    return _visit
