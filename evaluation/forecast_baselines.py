"""What a forecast must beat: the last reading held, and a linear regression on the recent past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .forecasts import LEVELS
from .history import SAMPLE_MIN, History

Array = NDArray[np.float64]
FEWEST = 24  # pairs of origin and horizon in the past; two hours (project choice)
HIGHEST_MG_DL, LOWEST_MG_DL = 600.0, 20.0
INSULIN_PEAK_MIN = 75.0  # of rapid-acting insulin, as therapy.onboard
CARBS_MIN = 60.0  # time constant of carbohydrate on board, as therapy.onboard
PENALTIES = 10.0 ** np.arange(-1.0, 5.0)
FOLDS = 5
HOUR_FROM_DAYS, SAMPLES_A_DAY = 3.0, 1440 // SAMPLE_MIN
LAGS = (0, 1, 2, 3, 6)


@dataclass(frozen=True)
class Persistence:
    """The last reading stays; its band is how far glucose went in as much time in the past."""

    name: str = "persistence"
    glucose: Array = field(default_factory=lambda: np.zeros(0))

    def fit(self, history: History) -> Persistence:
        """Keep the past, whose changes give the band."""
        return replace(self, glucose=history.glucose.copy())

    def quantiles(self, history: History, horizons: Sequence[int]) -> Array:
        """Return the last reading plus quantiles of past changes; its median stays in place."""
        last = history.filled()[-1]
        out = np.empty((len(horizons), len(LEVELS)))
        for i, minutes in enumerate(horizons):
            step = minutes // SAMPLE_MIN
            change = self.glucose[step:] - self.glucose[:-step]
            out[i] = last + _spread_of(change[np.isfinite(change)])
        return out


def _spread_of(error: Array) -> Array:
    """Return quantiles (39,) of errors about their median."""
    if len(error) < FEWEST:
        raise InputError(
            f"{len(error)} past forecasts can be scored; a band needs at least {FEWEST}: give a "
            "longer history"
        )
    return np.asarray(np.quantile(error, LEVELS) - np.median(error))


@dataclass(frozen=True)
class Linear:
    """Ridge regression of the change of glucose, one for each horizon.

    Its inputs are recent glucose, insulin and carbohydrate on board, how fast both act, and the
    hour; the penalty and the band come from forecasts of past days that were left out in turn.
    """

    name: str = "linear"
    past: History | None = None
    fits: dict[int, tuple[Array, Array, Array, Array]] = field(default_factory=dict)

    def fit(self, history: History) -> Linear:
        """Keep the past; each horizon is fitted when it is first asked for."""
        return Linear(self.name, history, {})

    def quantiles(self, history: History, horizons: Sequence[int]) -> Array:
        """Return the regression's forecast plus quantiles of its past errors."""
        if self.past is None:
            raise InputError("the linear forecaster has seen no history; fit it first")
        x = features(history, history.now)[-1]
        last, out = history.filled()[-1], np.empty((len(horizons), len(LEVELS)))
        for i, minutes in enumerate(horizons):
            if minutes not in self.fits:
                self.fits[minutes] = _regress(self.past, minutes // SAMPLE_MIN)
            mean, scale, weight, spread = self.fits[minutes]
            change = np.concatenate([[1.0], (x - mean) / scale]) @ weight
            out[i] = last + change + spread
        return np.clip(out, LOWEST_MG_DL, HIGHEST_MG_DL)


def features(history: History, first: int = 0) -> Array:
    """Return the regression's inputs (now + 1 - first, K) at samples from ``first`` on."""
    glucose = history.filled()
    now = len(glucose)
    index = np.arange(first, now)
    lag = [glucose[np.maximum(index - k, 0)] for k in LAGS]
    columns = [lag[0] - 120.0, *(lag[0] - value for value in lag[1:])]
    insulin, grams = history.bolus.copy(), history.grams
    insulin[:-1] += history.basal - history.basal.mean() if len(history.basal) else 0.0
    since = max(0, (first - 1) * SAMPLE_MIN - 12 * 60)
    board, acting = _two_compartments(insulin[since:], INSULIN_PEAK_MIN)
    carbs, eaten = _two_compartments(grams[since:], CARBS_MIN)
    at = index * SAMPLE_MIN - since
    columns += [board[at], acting[at], carbs[at], eaten[at]]
    minute = history.timeline.local_minute_of_day(history.start_s + index * SAMPLE_MIN * 60.0)
    angle = 2.0 * np.pi * np.asarray(minute) / 1440.0
    return np.stack([*columns, np.sin(angle), np.cos(angle)], axis=1)


def _two_compartments(dose: Array, tau_min: float) -> tuple[Array, Array]:
    """Return what is on board of two equal compartments in a row, and what leaves the second."""
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / tau_min)
    first = np.asarray(lfilter([1.0], [1.0, -keep], dose))
    second = np.asarray(lfilter([0.0, 1.0 - keep], [1.0, -keep], first))
    return first + second, second / tau_min


def _regress(past: History, step: int) -> tuple[Array, Array, Array, Array]:
    """Return mean, scale, weights and the spread of left-out errors for a horizon."""
    x, glucose = features(past), past.glucose
    change = glucose[step:] - glucose[:-step]
    use = np.flatnonzero(np.isfinite(change))
    use = use[use >= max(LAGS)]
    x, y = x[use], change[use]
    if len(y) < FEWEST:
        raise InputError(
            f"{len(y)} past forecasts can be scored; a regression needs at least {FEWEST}: give a "
            "longer history"
        )
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    if past.now < HOUR_FROM_DAYS * SAMPLES_A_DAY:
        scale[-2:] = np.inf  # one day cannot tell the hour from what happened at it
    z = np.concatenate([np.ones((len(x), 1)), (x - mean) / scale], axis=1)
    # Neighbours resemble each other, so whole stretches are left out, and those near them.
    fold = (np.arange(len(y)) * FOLDS) // len(y)
    errors = [_left_out(z, y, fold, use, step, penalty) for penalty in PENALTIES]
    best = int(np.argmin([np.mean(e**2) for e in errors]))
    spread = np.asarray(np.quantile(errors[best], LEVELS), dtype=np.float64)
    return (
        np.asarray(mean),
        np.asarray(scale, dtype=np.float64),
        _ridge(z, y, PENALTIES[best]),
        spread,
    )


def _ridge(z: Array, y: Array, penalty: float) -> Array:
    toll = penalty * np.eye(z.shape[1])
    toll[0, 0] = 0.0
    both = z.T @ z + toll + 1e-9 * np.eye(len(toll))
    return np.asarray(np.linalg.solve(both, z.T @ y), dtype=np.float64)


def _left_out(
    z: Array, y: Array, fold: NDArray[np.int64], at: NDArray[np.int64], step: int, penalty: float
) -> Array:
    """Return errors (N,) of forecasts by regressions on the other stretches."""
    error = np.empty(len(y))
    for k in range(FOLDS):
        out = fold == k
        near = (at > at[out].min() - step) & (at < at[out].max() + step)
        rest = ~near
        weight = _ridge(z[rest], y[rest], penalty) if rest.any() else np.zeros(z.shape[1])
        error[out] = y[out] - z[out] @ weight
    return error
