"""How much hours, days and meals of one person differ, and what that says of the next ones.

The logarithm of insulin sensitivity in a window of eight hours, over the person's own, is the sum
of the day's effect, the rhythm of that time of day and the window's own. The logarithm of eaten
over counted carbohydrate has an effect of each meal. All are normal with mean zero; how far each
kind spreads is estimated by expectation-maximisation about a prior belief.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .forward import WINDOWS_A_DAY

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Variation:
    """Standard deviations (log units) of each kind of local effect.

    Defaults are what is believed before any day was seen. A day's insulin need varies by 17 %, a
    night's by 31 %, a daytime's by 22 % in one person (Ruan 2016, doi:10.2337/dc15-2623): 0.17
    between days, 0.2 between windows of a day. Rhythms differ between people and are modest
    (Hinshaw 2013, doi:10.2337/db12-1759; the size is a project choice). Counting: 0.2 (Deeb 2017,
    doi:10.1177/1932296816679850).
    """

    day: float = 0.17
    rhythm: float = 0.15
    window: float = 0.2
    meal: float = 0.2

    def windows(self, n: int) -> Array:
        """Return the covariance (n, n) of the effects of windows."""
        design, spread = self._design(n)
        return np.asarray((design * spread**2) @ design.T)

    def prior(self, windows: int, meals: int) -> Array:
        """Return the covariance (K, K) of all local effects, K = windows + meals."""
        out = np.zeros((windows + meals, windows + meals))
        out[:windows, :windows] = self.windows(windows)
        out[range(windows, len(out)), range(windows, len(out))] = self.meal**2
        return out

    def _design(self, n: int) -> tuple[Array, Array]:
        """Return which days, phases and windows each window has (n, C), and their spreads (C,)."""
        day, phase = np.divmod(np.arange(n), WINDOWS_A_DAY)
        parts = [np.eye(int(day.max()) + 1)[day], np.eye(WINDOWS_A_DAY)[phase], np.eye(n)]
        spread = np.repeat([self.day, self.rhythm, self.window], [p.shape[1] for p in parts])
        return np.concatenate(parts, axis=1), spread

    def updated(self, effect: Array, covariance: Array, windows: int) -> Variation:
        """Return the spreads that one step of expectation-maximisation finds more likely.

        Parameters
        ----------
        effect : array (K,)
            Posterior mean of the local effects.
        covariance : array (K, K)
            Their posterior covariance.
        windows : int
            How many of them are windows; the others are meals.
        """
        design, spread = self._design(windows)
        # Each window's effect is shared out among day, rhythm and itself as the prior expects.
        share = spread[:, None] ** 2 * design.T @ np.linalg.inv(self.windows(windows))
        mean = share @ effect[:windows]
        left = covariance[:windows, :windows] - self.windows(windows)
        second = mean**2 + spread**2 + np.einsum("cn,nm,cm->c", share, left, share)
        days = design.shape[1] - WINDOWS_A_DAY - windows
        own = np.diag(covariance)[windows:] + effect[windows:] ** 2
        return replace(
            self,
            day=_spread(second[:days], USUAL.day, 2.0),
            rhythm=_spread(second[days:-windows], USUAL.rhythm, 2.0),
            window=_spread(second[-windows:], USUAL.window, 3.0),
            meal=_spread(own, USUAL.meal, 5.0),
        )


USUAL = Variation()
SMALLEST_SD, LARGEST_SD = 0.05, 0.8


def _spread(squares: Array, usual: float, worth: float) -> float:
    """Return the spread of effects, the usual one counting as ``worth`` effects of its own."""
    total = float(squares.sum()) + worth * usual**2
    return float(np.clip(np.sqrt(total / (len(squares) + worth)), SMALLEST_SD, LARGEST_SD))


def next_windows(variation: Variation, past: Array, new: int) -> tuple[Array, Array]:
    """Return mean (B, new) and covariance (new, new) of the windows after past ones (B, W)."""
    w = past.shape[1]
    whole = variation.windows(w + new)
    weight = np.linalg.solve(whole[:w, :w], whole[:w, w:])
    left = whole[w:, w:] - whole[w:, :w] @ weight
    return past @ weight, 0.5 * (left + left.T)


def rhythm(variation: Variation, effect: Array) -> Array:
    """Return the mean effect (3,) of each window of a new day, after windows (W,) of past ones."""
    w = len(effect)
    skip = -w % WINDOWS_A_DAY
    mean, _ = next_windows(variation, effect[None], skip + WINDOWS_A_DAY)
    return np.asarray(mean[0, skip:])
