"""Builds observations from clinical values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
