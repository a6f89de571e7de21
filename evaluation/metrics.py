"""Consensus summary metrics of glucose traces: time-weighted, many patients at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from ..therapy.protocols import GMI, GRI, LEVELS, SUFFICIENCY, GlucosePreset, glucose_preset
from ..therapy.risk import kovatchev_score, magni_risk
from .episodes import count_episodes

Array = NDArray[np.float64]

_BLOCK = 32  # columns handled together, so that one block stays in the processor's cache
_MINUTES_PER_DAY = 1440.0
_JITTER = 1.5  # a gap up to this multiple of its neighbours is still one sensor's own rhythm


def cgm_metrics(
    mg_dl: ArrayLike,
    *,
    minutes: ArrayLike | None = None,
    weights_min: ArrayLike | None = None,
    preset: str = "standard",
) -> dict[str, float]:
    """Summarise one patient's glucose trace.

    Parameters
    ----------
    mg_dl : array (T,), mg/dL
        Readings in order of time; NaN where missing.
    minutes : array (T,), min, optional
        Increasing time of each reading. A reading stands for the time until the next one if that
        is at most 15 min and at most 1.5 times the longer neighbouring gap, else for the shorter
        neighbouring gap, at most 15 min. Time left uncovered counts as missing.
    weights_min : float or array (T,), min, optional
        Time each reading stands for, instead of ``minutes``. With neither, readings weigh the same
        and the metrics per day are NaN.
    preset : str
        Target range: ``standard``, ``older_high_risk`` or ``pregnancy``.

    Returns
    -------
    dict of str to float
        The keys of :func:`cgm_metrics_batch`.

    Raises
    ------
    InputError
        No reading at all, an infinite one, times that do not increase, mismatched lengths.
    """
    glucose = np.asarray(mg_dl, float)
    if glucose.ndim != 1:
        raise InputError(f"glucose has shape {glucose.shape}; pass one patient as a flat series")
    if np.isnan(glucose).all():
        raise InputError(f"glucose holds 0 readings in {glucose.size} samples; give at least 1")
    if minutes is not None and weights_min is not None:
        raise InputError("minutes and weights_min are both given; give only one of them")
    weights: ArrayLike = 1.0 if weights_min is None else weights_min
    if minutes is not None:
        glucose, weights = _with_gaps(glucose, np.asarray(minutes, float))
    batch = cgm_metrics_batch(glucose[:, None], weights, preset=preset)
    untimed = minutes is None and weights_min is None
    return {
        key: float("nan") if untimed and key.endswith("_per_day") else float(column[0])
        for key, column in batch.items()
    }


def cgm_metrics_batch(
    glucose: ArrayLike, weights: ArrayLike, *, preset: str = "standard"
) -> dict[str, Array]:
    """Summarise many patients' glucose traces.

    Parameters
    ----------
    glucose : array (T, B), mg/dL
        One column per patient, NaN where missing.
    weights : float, array (T,) or array (T, B), min
        Time each sample stands for.
    preset : str
        Target range: ``standard``, ``older_high_risk`` or ``pregnancy``.

    Returns
    -------
    dict of str to array (B,)
        ``mean_glucose``, ``sd``, ``min_glucose``, ``max_glucose`` (mg/dL); ``cv``, ``gmi``;
        ``time_below_54``, ``time_54_69``, ``time_below_70``, ``time_in_range``,
        ``time_in_tight_range`` (70-140), ``time_181_250``, ``time_above_180``,
        ``time_above_250``, ``time_below_target``, ``time_above_target`` (% of time with data; the
        target range is the preset's, ranges include both ends); ``gri``, ``gri_hypo``,
        ``gri_hyper``; ``lbgi``, ``hbgi``, ``kovatchev_risk``, ``magni_risk``;
        ``episodes_below_70_per_day``, ``episodes_below_54_per_day`` (events per day with data);
        ``wear_percent``; ``n`` (readings). A column without readings gives NaN, ``n`` and
        ``wear_percent`` 0.

    Raises
    ------
    InputError
        Infinite glucose, negative or non-finite weights, mismatched shapes, unknown preset.

    Notes
    -----
    Limits and coefficients, with their sources, are in ``dosegym.therapy.protocols``. The standard
    deviation is the sample one (n - 1) for equal weights.
    """
    target = glucose_preset(preset)
    trace = np.asarray(glucose, float)
    if trace.ndim != 2 or trace.size == 0:
        raise InputError(f"glucose has shape {trace.shape}; give samples by patients, not empty")
    if np.isinf(trace).any():
        raise InputError("glucose holds an infinite reading; mark missing readings as NaN")
    minutes = _weights(weights, trace.shape)
    blocks = [
        _summarise(trace[:, i : i + _BLOCK], minutes[:, i : i + _BLOCK], target)
        for i in range(0, trace.shape[1], _BLOCK)
    ]
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]}


def display_percentages(parts: Mapping[str, float], decimals: int = 0) -> dict[str, float]:
    """Round the parts of a whole so that what is displayed sums to exactly 100.

    Parameters
    ----------
    parts : mapping of str to float, %
        Non-negative, summing to 100 within 0.01.
    decimals : int
        Digits after the point.

    Returns
    -------
    dict of str to float, %
        Largest-remainder rounding: each part differs from its value by less than one last digit.

    Raises
    ------
    InputError
        If a part is negative or missing, or the parts do not sum to 100.
    """
    values = np.array(list(parts.values()), float)
    if not (values >= 0).all() or abs(float(values.sum()) - 100.0) > 0.01:
        raise InputError(
            f"percentages {dict(parts)} sum to {values.sum():g}; give non-negative parts of 100"
        )
    scale = 10**decimals
    units = values * (100.0 * scale / values.sum())
    floors = np.floor(units + 1e-9)
    spare = round(100 * scale - floors.sum())
    floors[np.argsort(floors - units, kind="stable")[:spare]] += 1
    return dict(zip(parts, (float(unit) / scale for unit in floors), strict=True))


def _weights(weights: ArrayLike, shape: tuple[int, ...]) -> Array:
    """Return the minutes per sample as a read-only array of ``shape``."""
    minutes = np.asarray(weights, float)
    if not np.isfinite(minutes).all() or (minutes < 0).any():
        raise InputError("weights hold a negative or non-finite value; give minutes per sample")
    column = minutes[:, None] if minutes.ndim == 1 else minutes
    if column.ndim == 2 and column.shape not in {shape, (shape[0], 1)}:
        raise InputError(f"weights have shape {minutes.shape}, glucose {shape}; make them match")
    return np.broadcast_to(column, shape)


def _with_gaps(glucose: Array, minutes: Array) -> tuple[Array, Array]:
    """Weigh each reading and insert a missing sample wherever time is left uncovered."""
    if minutes.shape != glucose.shape:
        raise InputError(f"minutes has {minutes.size} values, glucose {glucose.size}; match them")
    gaps = np.diff(minutes)
    if not (np.isfinite(minutes).all() and (gaps > 0).all()):
        raise InputError("minutes do not increase from reading to reading; sort, drop duplicates")
    longest = SUFFICIENCY.longest_sample_min
    before, beyond = np.r_[np.nan, gaps], np.r_[gaps[1:], np.nan, np.nan]
    ahead = np.r_[gaps, np.inf]
    steady = (ahead <= longest) & ~(ahead > _JITTER * np.fmax(before, beyond))
    covered = np.fmin(np.where(steady, ahead, np.fmin(before, beyond)), longest)
    covered = np.minimum(covered, ahead)
    left = np.r_[gaps - covered[:-1], 0.0]
    at = np.flatnonzero(left > 1e-9)
    return np.insert(glucose, at + 1, np.nan), np.insert(covered, at + 1, left[at])


def _summarise(glucose: Array, minutes: Array, target: GlucosePreset) -> dict[str, Array]:
    """Compute every metric of one block of patients."""
    valid = ~np.isnan(glucose)
    n = valid.sum(axis=0).astype(float)
    weight = np.where(valid, minutes, 0.0)
    worn = weight.sum(axis=0)
    known = np.where(valid, glucose, LEVELS.tight_high)

    def mean(values: NDArray[np.float64] | NDArray[np.bool_]) -> Array:
        return _ratio(np.einsum("tb,tb->b", weight, values), worn)

    average = mean(known)
    sd = np.sqrt(mean((known - average) ** 2) * _ratio(n, n - 1))
    percent = {key: 100.0 * mean(mask) for key, mask in _ranges(known, target).items()}
    score = kovatchev_score(known)
    risk = 10.0 * score * score
    lbgi, hbgi = mean(np.where(score < 0, risk, 0.0)), mean(np.where(score > 0, risk, 0.0))
    days = worn / _MINUTES_PER_DAY
    return {
        "mean_glucose": average,
        "sd": sd,
        "min_glucose": np.where(n > 0, np.where(valid, glucose, np.inf).min(axis=0), np.nan),
        "max_glucose": np.where(n > 0, np.where(valid, glucose, -np.inf).max(axis=0), np.nan),
        "cv": 100.0 * _ratio(sd, average),
        "gmi": GMI.intercept + GMI.slope * average,
        **percent,
        **_glycemia_risk_index(percent),
        "lbgi": lbgi,
        "hbgi": hbgi,
        "kovatchev_risk": lbgi + hbgi,
        "magni_risk": mean(magni_risk(known)),
        "episodes_below_70_per_day": _ratio(count_episodes(glucose, minutes, LEVELS.low), days),
        "episodes_below_54_per_day": _ratio(
            count_episodes(glucose, minutes, LEVELS.very_low), days
        ),
        "wear_percent": 100.0 * worn / np.maximum(minutes.sum(axis=0), 1e-12),
        "n": n,
    }


def _ratio(top: NDArray[np.float64] | NDArray[np.int64], bottom: Array) -> Array:
    """Divide, giving NaN where the denominator is not positive."""
    quotient = np.full(bottom.shape, np.nan)
    np.divide(top, bottom, out=quotient, where=bottom > 0)
    return quotient


def _ranges(glucose: Array, target: GlucosePreset) -> dict[str, NDArray[np.bool_]]:
    """Say which samples lie in each range; "below" and "above" are strict, ranges closed."""
    below_54, below_70 = glucose < LEVELS.very_low, glucose < LEVELS.low
    above_180, above_250 = glucose > LEVELS.high, glucose > LEVELS.very_high
    below_target, above_target = glucose < target.target_low, glucose > target.target_high
    return {
        "time_below_54": below_54,
        "time_54_69": below_70 & ~below_54,
        "time_below_70": below_70,
        "time_in_range": ~(below_target | above_target),
        "time_in_tight_range": ~(below_70 | (glucose > LEVELS.tight_high)),
        "time_181_250": above_180 & ~above_250,
        "time_above_180": above_180,
        "time_above_250": above_250,
        "time_below_target": below_target,
        "time_above_target": above_target,
    }


def _glycemia_risk_index(percent: Mapping[str, Array]) -> dict[str, Array]:
    """Compute the GRI and its components from times in range."""
    hypo = percent["time_below_54"] + GRI.low_share * percent["time_54_69"]
    hyper = percent["time_above_250"] + GRI.high_share * percent["time_181_250"]
    gri = np.minimum(GRI.hypo_weight * hypo + GRI.hyper_weight * hyper, GRI.cap)
    return {"gri": gri, "gri_hypo": hypo, "gri_hyper": hyper}
