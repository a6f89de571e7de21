"""The dosing map: what an action asks for, and back."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.therapy.dosing import MODES, DosingMap

PERSON = {
    "scheduled_u_per_h": np.array([0.9, 0.3]),
    "daily_dose_u": np.array([45.0, 12.0]),
    "told_g": np.array([60.0, 0.0]),
    "carb_ratio": np.array([10.0, 25.0]),
}


@pytest.mark.parametrize("mode", MODES)
def test_decode_is_the_inverse_of_encode(mode: str) -> None:
    """Doses written as actions and read again are the same, within float32."""
    mapping = DosingMap(mode)
    basal, bolus = np.array([1.5, 0.2]), np.array([4.0, 0.0])
    if mode == "basal_rate":
        bolus = np.zeros(2)
    if mode == "meal_bolus":
        basal = PERSON["scheduled_u_per_h"]
    rate, dose = mapping.decode(mapping.encode(basal, bolus, **PERSON), **PERSON)
    np.testing.assert_allclose(rate, basal, rtol=1e-5)
    np.testing.assert_allclose(dose, bolus, rtol=1e-5, atol=1e-6)


def test_minus_one_is_no_insulin() -> None:
    """The lowest action asks for nothing in either channel."""
    rate, dose = DosingMap("basal_and_bolus").decode(np.full((2, 2), -1.0), **PERSON)
    np.testing.assert_array_equal([rate, dose], np.zeros((2, 2)))
