"""How good forecasts were: error, sharpness and honesty, with intervals that know of neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.protocols import LEVELS as GLUCOSE
from .bootstrap import Interval, bootstrap_interval
from .forecasts import LEVELS, MIDDLE, Forecasts

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Band, and the places of its two ends among ``LEVELS``.
BANDS = {50: (9, 29), 80: (3, 35), 90: (1, 37)}
BLOCK_HOURS = 6.0  # longer than errors of a forecast resemble each other (project choice)
REPETITIONS = 400
POST_BOLUS_MIN = 120.0


def crps(truth: Array, quantiles: Array) -> Array:
    """Return the continuous ranked probability score (...), mg/dL, from quantiles (..., 39).

    Twice the mean pinball loss over evenly spaced levels (Gneiting and Raftery 2007,
    doi:10.1198/016214506000001437, section 6.2); it approaches the integral from a finite set.
    """
    error = np.asarray(truth)[..., None] - quantiles
    return np.asarray(2.0 * np.where(error >= 0, LEVELS * error, (LEVELS - 1.0) * error).mean(-1))


@dataclass(frozen=True)
class Cells:
    """Each forecast's scores at one horizon, arrays (N,) of those whose reading came.

    Parameters
    ----------
    error : array, mg/dL
        Reading minus forecast; a censored reading errs only on its known side.
    crps : array, mg/dL
    inside, width : mapping of band (percent) to array
        Whether the reading lies in the band, and the band's width, mg/dL.
    truth, since_bolus_min, time_s : array
    """

    error: Array
    crps: Array
    inside: Mapping[int, Bools]
    width: Mapping[int, Array]
    truth: Array
    since_bolus_min: Array
    time_s: Array

    def where(self, which: Bools) -> Cells:
        """Return some of them."""
        return Cells(
            self.error[which], self.crps[which],
            {k: v[which] for k, v in self.inside.items()},
            {k: v[which] for k, v in self.width.items()},
            self.truth[which], self.since_bolus_min[which], self.time_s[which],
        )  # fmt: skip


def cells(made: Forecasts, horizon_min: int) -> Cells:
    """Score each forecast at one horizon.

    Raises
    ------
    InputError
        If nothing was forecast so far ahead.
    """
    if horizon_min not in made.horizons_min:
        raise InputError(f"horizon_min is {horizon_min}; made are {list(made.horizons_min)}")
    i = made.horizons_min.index(horizon_min)
    there = np.isfinite(made.truth[:, i])
    truth, side = made.truth[there, i], made.censored[there, i]
    q = made.quantiles[there, i].copy()
    # A forecast beyond the sensor's limit is right where the sensor says no more than that.
    q = np.where((side < 0)[:, None], np.maximum(q, truth[:, None]), q)
    q = np.where((side > 0)[:, None], np.minimum(q, truth[:, None]), q)
    ends = {k: (q[:, a], q[:, b]) for k, (a, b) in BANDS.items()}
    inside = {k: (truth >= low) & (truth <= high) for k, (low, high) in ends.items()}
    return Cells(
        truth - q[:, MIDDLE], crps(truth, q), inside,
        {k: high - low for k, (low, high) in ends.items()},
        truth, made.since_bolus_min[there], made.time_s[there],
    )  # fmt: skip


def scores(of: Cells) -> dict[str, float]:
    """Return error, bias, sharpness and coverage of forecasts; NaN of none.

    Returns
    -------
    dict
        ``n``, ``rmse``, ``mae``, ``bias``, ``crps`` (mg/dL), ``coverage_50`` and so on (fractions),
        ``width_50`` and so on (mg/dL).
    """
    if not len(of.error):
        names = ("rmse", "mae", "bias", "crps")
        bands = [f"{kind}_{k}" for k in BANDS for kind in ("coverage", "width")]
        return {"n": 0.0, **dict.fromkeys((*names, *bands), float("nan"))}
    out = {
        "n": float(len(of.error)),
        "rmse": float(np.sqrt(np.mean(of.error**2))),
        "mae": float(np.mean(np.abs(of.error))),
        "bias": float(np.mean(of.error)),
        "crps": float(np.mean(of.crps)),
    }
    for k in BANDS:
        out[f"coverage_{k}"] = float(np.mean(of.inside[k]))
        out[f"width_{k}"] = float(np.mean(of.width[k]))
    return out


def slices(of: Cells) -> dict[str, Cells]:
    """Return the forecasts by the glucose that came, and those within two hours of a bolus."""
    low, high = GLUCOSE.low, GLUCOSE.high
    return {
        f"below {low:g}": of.where(of.truth < low),
        f"{low:g} to {high:g}": of.where((of.truth >= low) & (of.truth <= high)),
        f"above {high:g}": of.where(of.truth > high),
        "after a bolus": of.where(of.since_bolus_min <= POST_BOLUS_MIN),
    }


def block_interval(
    columns: Mapping[str, Cells],
    score: str,
    rng: np.random.Generator,
    *,
    baseline: str | None = None,
    confidence: float = 0.95,
    repetitions: int = REPETITIONS,
) -> dict[str, tuple[float, float, float]]:
    """Return a score of each forecaster of one person with a moving-block bootstrap interval.

    Neighbouring forecasts share their errors, so stretches of six hours are drawn, the same ones
    for all forecasters (Künsch 1989, doi:10.1214/aos/1176347265).

    Parameters
    ----------
    columns : mapping of forecaster to Cells
        Of the same forecasts.
    score : str
        As ``scores`` names it.
    baseline : str, optional
        A forecaster whose score is taken off the others'.

    Returns
    -------
    dict of str to (estimate, low, high)
        Low and high are NaN where the record is shorter than three blocks.
    """
    first = next(iter(columns.values()))
    for name, of in columns.items():
        if len(of.error) != len(first.error):
            raise InputError(f"forecaster {name} scored other forecasts; pair them")
    draws = [_all(columns, score, baseline, rows) for rows in _blocks(first, repetitions, rng)]
    estimate = _all(columns, score, baseline, np.arange(len(first.error)))
    tail = 0.5 * (1.0 - confidence)
    out = {}
    for i, name in enumerate(columns):
        ends = np.quantile([d[i] for d in draws], [tail, 1.0 - tail]) if draws else [np.nan] * 2
        out[name] = (estimate[i], float(ends[0]), float(ends[1]))
    return out


def _all(
    columns: Mapping[str, Cells], score: str, baseline: str | None, rows: NDArray[np.int64]
) -> list[float]:
    values = {name: _one(of, score, rows) for name, of in columns.items()}
    off = 0.0 if baseline is None else values[baseline]
    return [value - off for value in values.values()]


def _one(of: Cells, score: str, rows: NDArray[np.int64]) -> float:
    kind, _, band = score.partition("_")
    if score == "rmse":
        return float(np.sqrt(np.mean(of.error[rows] ** 2)))
    if score == "mae":
        return float(np.mean(np.abs(of.error[rows])))
    if score == "bias":
        return float(np.mean(of.error[rows]))
    if score == "crps":
        return float(np.mean(of.crps[rows]))
    if kind in ("coverage", "width") and band.isdigit() and int(band) in BANDS:
        table = of.inside if kind == "coverage" else of.width
        return float(np.mean(table[int(band)][rows]))
    raise InputError(f"score {score!r} is unknown; choose one that `scores` returns")


def _blocks(
    of: Cells, repetitions: int, rng: np.random.Generator
) -> list[NDArray[np.int64]]:  # fmt: skip
    """Return rows of resampled stretches, by time and not by number, since readings are lost."""
    time = of.time_s
    block = BLOCK_HOURS * 3600.0
    if not len(time) or time[-1] - time[0] < 3.0 * block:
        return []
    count = int(np.ceil((time[-1] - time[0]) / block))
    out = []
    for _ in range(repetitions):
        begins = time[0] + rng.uniform(0.0, time[-1] - time[0] - block, size=count)
        ends = np.searchsorted(time, [begins, begins + block])
        out.append(np.concatenate([np.arange(a, b) for a, b in ends.T]).astype(np.int64))
    return [rows for rows in out if len(rows)]


def across_people(
    values: Sequence[float], rng: np.random.Generator, confidence: float = 0.95
) -> Interval:
    """Return the mean over people of a score, with an interval whose unit is the person."""
    known = [v for v in values if np.isfinite(v)]
    return bootstrap_interval(known, rng=rng, confidence=confidence)
