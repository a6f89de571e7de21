"""Forecasts made at each reading of a record from what was known then: the loop, written once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .history import SAMPLE_MIN, History, Journal

Array = NDArray[np.float64]
HORIZONS_MIN = (30, 60, 120)
# Every 2.5 %: the ends of the 50, 80 and 90 % bands are among them, and the mean pinball loss over
# them is half the continuous ranked probability score.
LEVELS = np.arange(1, 40) / 40.0
MIDDLE = 19
REFIT_HOURS = 24.0


class Forecaster(Protocol):
    """Who forecasts: fitted to a history, then asked at later ones of the same record."""

    @property
    def name(self) -> str:
        """What tables call it."""
        ...

    def fit(self, history: History) -> Forecaster:
        """Return a forecaster that has learnt from a history."""
        ...

    def quantiles(self, history: History, horizons: Sequence[int]) -> Array:
        """Return quantiles (H, 39), mg/dL, at ``LEVELS``, so many minutes after the present."""
        ...


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of one person's record by one forecaster, beside what came.

    Parameters
    ----------
    person, forecaster : str
    horizons_min : tuple of int
    origin : array (N,) of int
        Samples of the grid at which they were made.
    time_s : array (N,), seconds since 1970 UTC
    last : array (N,), mg/dL
        Reading at the origin.
    truth : array (N, H), mg/dL
        NaN where no reading came.
    censored : array (N, H) of int8
        -1 where the sensor only said "low", +1 where "high".
    quantiles : array (N, H, 39), mg/dL
    since_bolus_min : array (N,)
        Since the last bolus; infinite before the first.
    """

    person: str
    forecaster: str
    horizons_min: tuple[int, ...]
    origin: NDArray[np.int64]
    time_s: Array
    last: Array
    truth: Array
    censored: NDArray[np.int8]
    quantiles: Array
    since_bolus_min: Array

    @property
    def point(self) -> Array:
        """Return the median forecast (N, H), mg/dL."""
        return np.asarray(self.quantiles[:, :, MIDDLE])


def roll(
    journal: Journal,
    forecasters: Sequence[Forecaster],
    *,
    first: int,
    horizons_min: Sequence[int] = HORIZONS_MIN,
    every: int = 1,
    announced: bool = False,
    refit_hours: float = REFIT_HOURS,
) -> dict[str, Forecasts]:
    """Forecast a record at each reading from sample ``first`` on.

    Forecasters are fitted to what lies before ``first``, and again each ``refit_hours``, always to
    the past only. Readings are told as they come.

    Parameters
    ----------
    journal : Journal
    forecasters : sequence of Forecaster
        Of different names.
    first : int
        Sample of the first forecast; the fit sees what lies before it.
    horizons_min : sequence of int, min
        Multiples of five.
    every : int
        Each how many readings a forecast is made.
    announced : bool
        Tell doses and meals between origin and horizon ahead, as a what-if does; else basal is
        taken to go on and nobody eats or boluses.
    refit_hours : float
        Infinite fits once.

    Returns
    -------
    dict of str to Forecasts
        By the forecaster's name.

    Raises
    ------
    InputError
        If names repeat, a horizon is no multiple of five minutes, or nothing is left to forecast.
    """
    horizons = _check(journal, forecasters, first, horizons_min, every)
    steps = np.array(horizons) // SAMPLE_MIN
    origins = journal.origins[journal.origins >= first][::every]
    origins = origins[origins + steps.min() < len(journal)]
    if not len(origins):
        raise InputError(f"first is {first}; no reading after it has a horizon within the record")
    made = {f.name: np.empty((len(origins), len(steps), len(LEVELS))) for f in forecasters}
    current: dict[str, Forecaster] = {}
    due = -np.inf
    for i, now in enumerate(origins.tolist()):
        if now >= due:
            past = journal.until(first if not current else now)
            current = {f.name: f.fit(past) for f in forecasters}
            due = (first if due < 0 else now) + refit_hours * 60.0 / SAMPLE_MIN
        known = journal.until(now, max(horizons) if announced else 0)
        for name, forecaster in current.items():
            made[name][i] = forecaster.quantiles(known, horizons)
    common = _truth(journal, origins, steps, horizons)
    return {name: Forecasts(forecaster=name, quantiles=q, **common) for name, q in made.items()}


def _check(
    journal: Journal, forecasters: Sequence[Forecaster], first: int,
    horizons_min: Sequence[int], every: int,
) -> tuple[int, ...]:  # fmt: skip
    names = [f.name for f in forecasters]
    if not names or len(set(names)) < len(names):
        raise InputError(f"forecasters are named {names}; give one or more of different names")
    horizons = tuple(int(h) for h in horizons_min)
    if not horizons or any(h < SAMPLE_MIN or h % SAMPLE_MIN for h in horizons):
        raise InputError(f"horizons_min is {list(horizons_min)}; give multiples of {SAMPLE_MIN}")
    if every < 1:
        raise InputError(f"every is {every}; give at least 1")
    if not 0 < first < len(journal):
        raise InputError(f"first is {first}; give a sample between 1 and {len(journal) - 1}")
    return horizons


def _truth(
    journal: Journal,
    origins: NDArray[np.int64],
    steps: NDArray[np.int64],
    horizons: tuple[int, ...],
) -> Mapping[str, Any]:
    """Return what ``Forecasts`` holds besides the forecast."""
    whole = journal.whole
    at = origins[:, None] + steps
    inside = at < len(journal)
    at = np.minimum(at, len(journal) - 1)
    dosed = np.flatnonzero(whole.bolus > 0.0)
    behind = np.searchsorted(dosed, origins * SAMPLE_MIN, side="right") - 1
    since = np.full(len(origins), np.inf)
    some = behind >= 0
    since[some] = origins[some] * SAMPLE_MIN - dosed[behind[some]]
    return {
        "person": whole.timeline.subject,
        "horizons_min": horizons,
        "origin": origins,
        "time_s": whole.start_s + origins * SAMPLE_MIN * 60.0,
        "last": whole.glucose[origins],
        "truth": np.where(inside, whole.glucose[at], np.nan),
        "censored": np.where(inside, whole.censored[at], 0).astype(np.int8),
        "since_bolus_min": since,
    }
