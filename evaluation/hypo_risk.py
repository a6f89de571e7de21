"""The risk that a reading of the next 30 minutes is low: by the twin, and by the trend alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from ..physiology.errors import InputError
from ..therapy.protocols import LEVELS as GLUCOSE
from .forecast_twin import TwinForecaster
from .history import SAMPLE_MIN, History, Journal

Array = NDArray[np.float64]
HORIZON_MIN = 30
TREND_SAMPLES = 4  # the last twenty minutes, ends included (project choice)
FEWEST_OF_EACH = 10  # lows, and others, from which a calibration may be learnt (project choice)
SMALLEST_CHANCE = 1e-4
PULL = 1e-4


class RiskModel(Protocol):
    """Who says how near a low is: fitted to a history, then asked at later ones."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(self, history: History) -> RiskModel:
        """Return the model that has learnt from a history."""
        ...

    def risk(self, history: History, below: float) -> float:
        """Return a probability, or any number in [0, 1] that rises with the risk."""
        ...


class TwinRisk:
    """The twin's own probability of a low reading within 30 minutes."""

    def __init__(self, forecaster: TwinForecaster) -> None:
        self.name, self.forecaster = f"{forecaster.name} risk", forecaster

    def fit(self, history: History) -> TwinRisk:
        """Fit the twin."""
        return TwinRisk(self.forecaster.fit(history))

    def risk(self, history: History, below: float) -> float:
        """Return the probability."""
        return float(self.forecaster.chance_below(history, [below], HORIZON_MIN)[0])


@dataclass(frozen=True)
class TrendRisk:
    """The line through the last twenty minutes, led on for 30; its past errors give the chance."""

    name: str = "trend"
    sd: float = 20.0

    def fit(self, history: History) -> TrendRisk:
        """Learn how far the line missed."""
        glucose = history.filled()
        step = HORIZON_MIN // SAMPLE_MIN
        at = np.arange(TREND_SAMPLES, len(glucose) - step)
        if len(at) < FEWEST_OF_EACH:
            return self
        miss = [glucose[k + step] - _led_on(glucose[: k + 1]) for k in at.tolist()]
        return replace(self, sd=max(float(np.std(miss)), 1.0))

    def risk(self, history: History, below: float) -> float:
        """Return the probability that the line's end, with its error, is low."""
        return float(special.ndtr((below - _led_on(history.filled())) / self.sd))


def _led_on(glucose: Array) -> float:
    """Return the line through the last readings after 30 minutes, mg/dL."""
    last = glucose[-TREND_SAMPLES:]
    if len(last) < 2:
        return float(last[-1])
    slope = float(np.polyfit(np.arange(len(last), dtype=np.float64), last, 1)[0])
    return float(last[-1] + slope * HORIZON_MIN / SAMPLE_MIN)


@dataclass(frozen=True, eq=False)
class Risks:
    """Risks told at the readings of one person, and what came.

    Parameters
    ----------
    person, model : str
    below : float, mg/dL
    time_s : array (N,), seconds since 1970 UTC
    glucose : array (N,), mg/dL
        At the moment of telling; NaN never.
    chance : array (N,)
        In [0, 1].
    came : array (N,) of bool
        A reading of the next 30 minutes was below.
    known : array (N,) of bool
        At least half of those readings came, or one of them was low.
    """

    person: str
    model: str
    below: float
    time_s: Array
    glucose: Array
    chance: Array
    came: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def asked(self) -> NDArray[np.bool_]:
        """Where the question has sense: not low yet, and the answer known."""
        return self.known & (self.glucose >= self.below)


def tell_risks(
    journal: Journal, models: Sequence[RiskModel], *, first: int,
    below: Sequence[float] = (GLUCOSE.low, GLUCOSE.very_low), refit_hours: float = np.inf,
) -> dict[tuple[str, float], Risks]:  # fmt: skip
    """Tell the risk at every reading of a record from sample ``first`` on, from the past only.

    Returns
    -------
    dict of (model's name, limit) to Risks
    """
    origins = journal.origins[journal.origins >= first]
    if not 0 < first < len(journal) or not len(origins):
        raise InputError(f"first is {first}; give a sample of the record with readings after it")
    told: Array = np.empty((len(models), len(below), len(origins)))
    fitted: list[RiskModel] = []
    due = -np.inf
    for i, now in enumerate(origins.tolist()):
        if now >= due:
            past = journal.until(first if not fitted else now)
            fitted = [model.fit(past) for model in models]
            due = now + refit_hours * 60.0 / SAMPLE_MIN
        known = journal.until(now)
        for m, model in enumerate(fitted):
            told[m, :, i] = [model.risk(known, limit) for limit in below]
    out = {}
    for b, limit in enumerate(below):
        came, sure = _came(journal, origins, limit)
        for m, model in enumerate(models):
            out[model.name, limit] = Risks(
                journal.whole.timeline.subject, model.name, limit,
                np.asarray(journal.whole.start_s + origins * SAMPLE_MIN * 60.0, np.float64),
                journal.whole.glucose[origins], told[m, b], came, sure,
            )  # fmt: skip
    return out


def _came(
    journal: Journal, origins: NDArray[np.int64], below: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return whether a low came within 30 minutes, and whether that is known."""
    step = HORIZON_MIN // SAMPLE_MIN
    padded = np.concatenate([journal.whole.glucose, np.full(step, np.nan)])
    coming = padded[origins[:, None] + np.arange(1, step + 1)]
    came = np.asarray((coming < below).any(axis=1))
    return came, np.asarray(came | (np.isfinite(coming).sum(axis=1) * 2 >= step))


@dataclass(frozen=True)
class Calibration:
    """Beta calibration of probabilities: Kull 2017, doi:10.1214/17-EJS1338SI.

    The logit of the calibrated probability is ``c + a log p - b log(1 - p)``, a and b not negative.
    """

    a: float = 1.0
    b: float = 1.0
    c: float = 0.0
    learnt_from: int = 0

    def __call__(self, chance: Array) -> Array:
        """Return calibrated probabilities."""
        p = np.clip(chance, SMALLEST_CHANCE, 1.0 - SMALLEST_CHANCE)
        return np.asarray(special.expit(self.c + self.a * np.log(p) - self.b * np.log1p(-p)))


def calibrate(chance: Array, came: NDArray[np.bool_]) -> Calibration:
    """Learn the calibration of probabilities from what came.

    Raises
    ------
    InputError
        With fewer than ten lows or ten others.
    """
    fewest = int(min(np.sum(came), np.sum(~came)))
    if fewest < FEWEST_OF_EACH:
        raise InputError(
            f"{int(np.sum(came))} lows and {int(np.sum(~came))} others are known; a calibration "
            f"needs {FEWEST_OF_EACH} of each: give more people or days"
        )
    p = np.clip(chance, SMALLEST_CHANCE, 1.0 - SMALLEST_CHANCE)
    x = np.stack([np.log(p), -np.log1p(-p), np.ones(len(p))], axis=1)
    y = came.astype(float)

    start = np.array([1.0, 1.0, 0.0])

    def loss(weight: Array) -> tuple[float, Array]:
        logit = x @ weight
        # Without a pull towards no change, perfectly told lows would send the slopes off.
        away = weight - start
        value = np.mean(np.logaddexp(0.0, logit) - y * logit) + 0.5 * PULL * away @ away
        gradient = x.T @ (special.expit(logit) - y) / len(y) + PULL * away
        return float(value), gradient

    bounds = [(0.0, None), (0.0, None), (None, None)]
    found = optimize.minimize(loss, start, jac=True, bounds=bounds)
    a, b, c = (float(v) for v in found.x)
    return Calibration(a, b, c, len(y))
