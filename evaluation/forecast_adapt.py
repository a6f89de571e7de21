"""Bands that learn from their own misses: each horizon's width is tracked until it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .forecasts import LEVELS, MIDDLE, Forecaster
from .history import SAMPLE_MIN, History

Array = NDArray[np.float64]
# Each band of this many percent is tracked; between them widths are interpolated.
TRACKED = (50, 80, 90)
# A miss widens by this share of itself, a hit narrows accordingly (project choice).
STEP = 0.05
NARROWEST, WIDEST = 0.2, 5.0


@dataclass
class Tracker:
    """What is known of a forecaster's misses on one record: a log factor for horizon and band."""

    factor: dict[int, Array] = field(default_factory=dict)
    waiting: list[tuple[int, int, Array]] = field(default_factory=list)

    def learn(self, history: History) -> None:
        """Judge the forecasts whose time has come, each once."""
        left = []
        for due, minutes, quantiles in self.waiting:
            if due > history.now:
                left.append((due, minutes, quantiles))
            elif np.isfinite(history.glucose[due]):
                self._judge(minutes, quantiles, float(history.glucose[due]))
        self.waiting = left

    def _judge(self, minutes: int, quantiles: Array, reading: float) -> None:
        """Move each band's factor as adaptive conformal inference does."""
        factor = self.factor.setdefault(minutes, np.zeros(len(TRACKED)))
        for i, band in enumerate(TRACKED):
            low, high = _ends(band)
            about = quantiles[MIDDLE]
            scale = float(np.exp(factor[i]))
            inside = scale * (quantiles[low] - about) <= reading - about
            inside = bool(inside and reading - about <= scale * (quantiles[high] - about))
            factor[i] += STEP * ((0.0 if inside else 1.0) - (1.0 - band / 100.0))
        np.clip(factor, np.log(NARROWEST), np.log(WIDEST), out=factor)

    def widened(self, minutes: int, quantiles: Array) -> Array:
        """Return quantiles (39,) about the same median, as wide as past misses ask."""
        factor = self.factor.get(minutes)
        if factor is None:
            return quantiles
        far = np.abs(LEVELS - 0.5) * 2.0
        log = np.interp(far, [b / 100.0 for b in TRACKED], factor)
        out = quantiles[MIDDLE] + np.exp(log) * (quantiles - quantiles[MIDDLE])
        # Bands tracked apart could cross; a wider band holds a narrower one.
        out[MIDDLE:] = np.maximum.accumulate(out[MIDDLE:])
        out[: MIDDLE + 1] = np.minimum.accumulate(out[MIDDLE::-1])[::-1]
        return out


def _ends(band: int) -> tuple[int, int]:
    tail = round((1.0 - band / 100.0) / 2.0 * (len(LEVELS) + 1)) - 1
    return tail, len(LEVELS) - 1 - tail


class Adapted:
    """A forecaster whose bands follow its own record (adaptive conformal inference).

    The median stays. The long-run share of misses approaches the nominal one whatever the
    forecaster does: Gibbs and Candès 2021, arXiv:2106.00170.
    """

    def __init__(self, inner: Forecaster, tracker: Tracker | None = None) -> None:
        self.name, self.inner = f"{inner.name}, adapted", inner
        self.tracker = tracker

    def fit(self, history: History) -> Adapted:
        """Fit the forecaster; what its misses taught so far is kept between fits."""
        return Adapted(self.inner.fit(history), self.tracker or Tracker())

    def quantiles(self, history: History, horizons: Sequence[int]) -> Array:
        """Return the forecaster's quantiles, widened or narrowed."""
        tracker = self.tracker = self.tracker or Tracker()
        tracker.learn(history)
        raw = self.inner.quantiles(history, horizons)
        for minutes, q in zip(horizons, raw, strict=True):
            tracker.waiting.append((history.now + minutes // SAMPLE_MIN, minutes, q))
        return np.stack(
            [tracker.widened(minutes, q) for minutes, q in zip(horizons, raw, strict=True)]
        )
