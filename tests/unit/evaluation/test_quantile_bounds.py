"""Order statistics and the DKW band: Wilks's numbers, exact coverage, small samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from dosegym.evaluation.planning import patients_needed
from dosegym.evaluation.statistics import dkw_band, order_statistic_bound
from dosegym.physiology.errors import InputError


@pytest.mark.parametrize(("level", "n"), [(0.95, 59), (0.99, 299)])
def test_wilks_numbers(level: float, n: int) -> None:
    """59 patients for a 95/95 tolerance limit and 299 for 99/95; one fewer says nothing."""
    values = np.random.default_rng(0).permutation(np.arange(1.0, n + 1))
    assert patients_needed(1 - level) == n
    assert order_statistic_bound(values, level=level).value == n
    assert order_statistic_bound(values[1:], level=level).value == np.inf
    capped = order_statistic_bound(values[1:], level=level, support=(0, 1000))
    assert capped.value == 1000
    assert order_statistic_bound(-values, level=1 - level, side="lower").value == -n
    assert order_statistic_bound(-values[1:], level=1 - level, side="lower").value == -np.inf


@pytest.mark.parametrize("side", ["upper", "lower"])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("n", [20, 133])
def test_rank_is_the_sharpest_that_covers(n: int, level: float, side: str) -> None:
    """On uniform data, exactly: the rank taken covers 95 %, the next sharper one does not."""
    rank = order_statistic_bound(np.arange(1.0, n + 1), level=level, side=side).value
    if not np.isfinite(rank):
        assert stats.binom.pmf(n if side == "upper" else 0, n, level) > 0.05
        return
    # The k-th of n uniforms is Beta(k, n + 1 - k).
    sign = 1 if side == "upper" else -1

    def covers(k: float) -> float:
        below = stats.beta.cdf(level, k, n + 1 - k)
        return float(1 - below if side == "upper" else below)

    assert covers(rank) >= 0.95
    inner = rank - sign
    assert not 1 <= inner <= n or covers(inner) < 0.95


def test_band_is_the_empirical_one_widened() -> None:
    """Half width sqrt(ln(2/delta) / 2n), ties at one height, cut at 0 and 1."""
    band = dkw_band([3.0, 1.0, 1.0, 2.0], confidence=0.9)
    assert band.half_width == pytest.approx(np.sqrt(np.log(20) / 8))
    assert band.values.tolist() == [1, 1, 2, 3]
    assert band.low == pytest.approx(np.clip(np.array([0.5, 0.5, 0.75, 1]) - band.half_width, 0, 1))
    assert band.high == pytest.approx(np.ones(4))
    assert band.quantile(0.5) == (-np.inf, np.inf)


def test_band_holds_every_quantile_at_once() -> None:
    """In 500 studies of 200 the band misses any of 19 quantiles in 5 % of them at most."""
    rng, levels = np.random.default_rng(5), np.linspace(0.05, 0.95, 19)
    held = 0
    for _ in range(500):
        band = dkw_band(rng.random(200))
        ends = np.array([band.quantile(level) for level in levels])
        held += bool(((ends[:, 0] <= levels) & (levels <= ends[:, 1])).all())
    assert stats.binom.cdf(held, 500, 0.95) >= 1e-3
    assert ends[9, 1] - ends[9, 0] < 0.25


def test_quantile_of_the_band_is_read_off_its_edges() -> None:
    """A quantile's ends are where the band's own edges cross the level."""
    values = np.sort(np.random.default_rng(6).normal(size=400))
    band = dkw_band(values)
    low, high = band.quantile(0.3)
    assert band.low[np.searchsorted(values, high)] >= 0.3 > band.low[values < high].max()
    # Just below the low end the distribution function is still under the level.
    assert band.high[values < low].max() < 0.3 <= band.high[np.searchsorted(values, low)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: order_statistic_bound([1.0], level=1.0), "level is 1"),
        (lambda: order_statistic_bound([], level=0.5), "at least 1"),
        (lambda: order_statistic_bound([3.0], level=0.5, support=(0, 2)), "value is 3"),
        (lambda: dkw_band([1.0], 0.0), "confidence is 0"),
        (lambda: dkw_band([np.nan]), "1 missing"),
        (lambda: dkw_band([1.0]).quantile(0.0), "level is 0"),
    ],
)
def test_refusals_name_the_fault(call: object, message: str) -> None:
    """Bad levels, confidences and data are refused by name."""
    with pytest.raises(InputError, match=message):
        call()
