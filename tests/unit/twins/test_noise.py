"""The noise of a fit: whitening across gaps, estimates, and the weakening of misfits."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.twins.noise import Noise, Whitening, estimate, innovations, misfit_factor, whitening
from dosegym.twins.observations import Observations


def ar1(n: int, sigma: float, rho: float, rng: np.random.Generator) -> np.ndarray:
    out = sigma * rng.standard_normal(n)
    for k in range(1, n):
        out[k] = rho * out[k - 1] + np.sqrt(1.0 - rho**2) * out[k]
    return out


def seen(glucose: np.ndarray) -> Observations:
    minutes = 5 * (len(glucose) - 1)
    zero = np.zeros(minutes)
    return Observations(0.0, zero, zero, glucose, np.zeros(len(glucose), dtype=np.int8))


@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_whitening_makes_autocorrelated_errors_independent(missing: float) -> None:
    """Innovations of AR(1) errors are of unit variance and independent, whatever is missing."""
    rng = np.random.default_rng(1)
    error = ar1(40_000, 9.0, 0.8, rng)
    glucose = np.where(rng.random(len(error)) < missing, np.nan, 120.0)
    use = whitening(seen(glucose))
    standard = innovations(error[use.index][:, None], use, Noise(9.0, 0.8))[:, 0]
    assert standard.std() == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(standard[1:], standard[:-1])[0, 1] == pytest.approx(0.0, abs=0.02)


def test_a_gap_uses_the_power_of_the_correlation() -> None:
    """Across k samples the innovation is e_k - rho^k e_0 over sigma sqrt(1 - rho^2k)."""
    use = Whitening(np.array([6, 9]), np.array([10**6, 3]))
    standard = innovations(np.array([[4.0], [5.0]]), use, Noise(2.0, 0.5))[:, 0]
    keep = 0.5**3
    assert standard == pytest.approx([2.0, (5.0 - keep * 4.0) / (2.0 * np.sqrt(1 - keep**2))])


def test_every_reading_is_scored() -> None:
    """The first reading enters, since glucose at the start is an unknown of its own."""
    assert whitening(seen(np.full(40, 100.0))).index[0] == 0


def test_estimate_finds_standard_deviation_and_correlation() -> None:
    """Errors alone give back the noise that made them; what a fit took up is added."""
    rng = np.random.default_rng(2)
    use = whitening(seen(np.full(20_000, 120.0)))
    error = ar1(20_000, 7.0, 0.7, rng)
    none = np.zeros((20_000, 1))
    found = estimate(error, use, none, np.eye(1))
    assert (found.sigma, found.rho) == (pytest.approx(7.0, rel=0.05), pytest.approx(0.7, abs=0.02))
    more = estimate(error, use, none + 3.0, np.eye(1))
    assert more.sigma == pytest.approx(np.hypot(found.sigma, 3.0))


def test_misfit_factor_is_one_for_independent_scores_and_grows_with_correlated_ones() -> None:
    """White scores lose nothing; scores that agree for two hours lose the block's length."""
    rng = np.random.default_rng(3)
    use = whitening(seen(np.full(24_007, 120.0)))
    n = len(use.index)
    white = rng.standard_normal((n, 2))
    information = n * np.eye(2)
    assert 1.0 <= misfit_factor(white, information, use) < 1.15
    slow = rng.standard_normal((n // 24 + 2, 2))[use.index // 24]
    assert misfit_factor(slow, information, use) == pytest.approx(24.0, rel=0.1)
