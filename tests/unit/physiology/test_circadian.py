"""The day's course of pressure: means against integrals, Sheng's figures, individual amplitudes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dosegym.physiology import circadian

FINE = (np.arange(24 * 60) + 0.5) / 60.0
DAY = (FINE >= 8.0) & (FINE < 22.0)


@given(
    st.floats(90.0, 220.0),
    st.floats(50.0, 130.0),
    arrays(np.float64, (2, 2), elements=st.floats(-1.5, 1.5)),
)
def test_means_are_integrals_of_the_profile(sbp: float, dbp: float, normals: np.ndarray) -> None:
    """Closed-form day, night and 24-h means equal averages over a fine profile; day = level."""
    shape = circadian.amplitudes(normals)
    curves = circadian.day_profile(sbp, dbp, shape, FINE)
    for which, (level, curve) in enumerate(zip((sbp, dbp), curves, strict=True)):
        full, day, night = circadian.means(level, which, shape)
        assert day == level
        assert full == pytest.approx(curve.mean(), rel=1e-5)
        assert day == pytest.approx(curve[DAY].mean(), rel=1e-5)
        assert night == pytest.approx(curve[~DAY].mean(), rel=1e-5)


def test_the_typical_patient_is_shengs() -> None:
    """At the study's level the base is 140/89.5 mmHg and the amplitudes are the published ones."""
    day = 140.0 + circadian.AMPLITUDES[0] @ circadian.DAY_MEAN
    assert float(circadian.means(day, 0).full) == pytest.approx(140.0)
    sbp, dbp = circadian.day_profile(day, 89.5 + circadian.AMPLITUDES[1] @ circadian.DAY_MEAN)
    spectrum = np.abs(np.fft.rfft(sbp)) / 12.0
    assert spectrum[[2, 1]] == pytest.approx([7.52, 8.64])
    assert np.abs(np.fft.rfft(dbp))[[2, 1]] / 12.0 == pytest.approx([5.61, 6.27])


def test_two_peaks_a_valley_and_a_dip() -> None:
    """Lowest in the small hours, highest in the evening, and pressure dips by 9-10 % at night."""
    sbp, _ = circadian.day_profile(145.0, 93.0, hours=FINE)
    assert 1.0 < FINE[sbp.argmin()] < 4.0
    assert 18.0 < FINE[sbp.argmax()] < 21.0
    _, day, night = circadian.means(145.0, 0)
    assert 0.08 < 1.0 - night / day < 0.12


def test_default_hours_are_the_day_from_midnight() -> None:
    """Without hours a profile has 24 values, batches keep their shape."""
    sbp, dbp = circadian.day_profile(np.full(3, 140.0), np.full(3, 85.0))
    assert sbp.shape == dbp.shape == (3, 24)
    assert sbp == pytest.approx(
        circadian.day_profile(140.0, 85.0, hours=np.arange(24.0))[0] + 0 * sbp
    )


def test_individual_amplitudes_have_the_published_spread() -> None:
    """Sampled amplitudes have the published means and variances."""
    normals = np.random.default_rng(1).standard_normal((20_000, 2, 2))
    drawn = circadian.amplitudes(normals)
    assert drawn.mean(axis=0) == pytest.approx(circadian.AMPLITUDES, abs=0.1)
    assert drawn.var(axis=0) == pytest.approx(np.array([[5.63, 4.73], [6.58, 6.71]]), rel=0.05)
