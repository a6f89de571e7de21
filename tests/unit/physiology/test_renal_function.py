"""Filtration rate, creatinine and its clearance: published constants and exact inverses."""

import numpy as np
import pytest

from dosegym.physiology.renal_function import ckd_epi_2021, cockcroft_gault, creatinine_from_egfr


@pytest.mark.parametrize(("female", "kappa", "factor"), [(0.0, 0.9, 1.0), (1.0, 0.7, 1.012)])
def test_ckd_epi_at_its_knot(female: float, kappa: float, factor: float) -> None:
    """At creatinine kappa the estimate is 142 x 0.9938^age (x 1.012 for women)."""
    expected = 142.0 * 0.9938**50 * factor
    np.testing.assert_allclose(ckd_epi_2021(kappa, 50.0, female), expected, rtol=1e-12)


@pytest.mark.parametrize("female", [0.0, 1.0])
def test_inverse_returns_the_creatinine(female: float) -> None:
    """Creatinine from the estimate of a creatinine is that creatinine, on both branches."""
    creatinine = np.linspace(0.3, 9.0, 60)
    back = creatinine_from_egfr(ckd_epi_2021(creatinine, 63.0, female), 63.0, female)
    np.testing.assert_allclose(back, creatinine, rtol=1e-12)


def test_cockcroft_gault_of_a_reference_patient() -> None:
    """A man of 40 and 72 kg with creatinine 1 mg/dL clears 100 mL/min, a woman 85."""
    clearance = cockcroft_gault(1.0, 40.0, 72.0, np.array([0.0, 1.0]))
    np.testing.assert_allclose(clearance, [100.0, 85.0], rtol=1e-12)
