"""What a residual knows of a person: their past forecast errors, told in the gains' own terms.

The bare twin forecasts the person's past hour by hour. How its errors, 60 and 120 minutes on, would
have answered to each gain is known by simulation; a ridge regression on these answers gives ten
numbers: one for each gain and drift coefficient, and a daily wave of insulin action and of drift.
With the size of the errors, body weight and basal need they are the person's context.

It is computed once, at decision time, from the past alone. Neither the insulin under consideration
nor simulated glucose enters it: a feature that followed either could turn more insulin into more
glucose. What changes during a forecast is the clock, and how long ago the person was active.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.model import Model
from ..physiology.models.uva_padova_gains import ADDED, GAIN_REACH, GAINS, SLOPE_LIMIT
from .exercise import TRACES_MIN
from .observations import SAMPLE_MIN
from .residual_windows import BLOCK_MIN, BLOCKS, Windows, forecast, neutral_columns

Array = NDArray[np.float64]

TOLD = (
    *(f"past_{name}" for name in ADDED),
    "past_insulin_cos",
    "past_insulin_sin",
    "past_drift_cos",
    "past_drift_sin",
)
CONTEXT = (*TOLD, "log_error", "log_weight", "log_basal_per_kg")
"""Entries of a context, in order; all without unit, zero for the ordinary person."""
FEATURES = (
    *(f"past_{name}_at_hour" for name in ADDED),
    *("cos_24_h", "sin_24_h", "cos_12_h", "sin_12_h"),
    *CONTEXT[len(TOLD) :],
    *(f"activity_{t:g}_min" for t in TRACES_MIN),
)
"""Entries of what the network sees in one half hour."""

SCORED_MIN = (60, 120)
PROBE = 0.3
PRIOR_SD = 0.5
"""Prior spread of each of the ten numbers (project choice)."""
OVERLAP = 4.0
"""By how much overlapping stretches overstate what is known (project choice: they share hours)."""
USUAL_ERROR_MG_DL, USUAL_WEIGHT_KG, USUAL_BASAL_U_PER_H_KG = 25.0, 70.0, 0.015
FEWEST_WINDOWS = 12


def columns_of(raw: ArrayLike) -> Array:
    """Return the hybrid's added parameters (..., 6) from unbounded numbers: always within bounds.

    Gains are exp(0.7 tanh(raw)), drift coefficients 2 tanh(raw).
    """
    bounded = np.tanh(np.asarray(raw, dtype=np.float64))
    k = len(GAINS)
    reach = np.exp(GAIN_REACH)
    # The last bit of exp is not the same in every library; a gain at its bound stays within.
    gains = np.clip(np.exp(GAIN_REACH * bounded[..., :k]), 1.0 / reach, reach)
    return np.concatenate([gains, SLOPE_LIMIT * bounded[..., k:]], axis=-1)


def basis(hours: ArrayLike) -> Array:
    """Return how each of the ten numbers enters each of the six (..., 10, 6) at an hour."""
    angle = 2.0 * np.pi * np.asarray(hours, dtype=np.float64) / 24.0
    out = np.zeros((*angle.shape, len(TOLD), len(ADDED)))
    index = {name: i for i, name in enumerate(ADDED)}
    for i in range(len(ADDED)):
        out[..., i, i] = 1.0
    for row, wave in ((6, np.cos(angle)), (7, np.sin(angle))):
        out[..., row, index["gain_liver"]] = out[..., row, index["gain_muscle"]] = wave
    for row, wave in ((8, np.cos(angle)), (9, np.sin(angle))):
        # A lift of glucose on both sides of basal.
        out[..., row, index["drift_above"]], out[..., row, index["drift_below"]] = wave, -wave
    return out


def features(
    context: ArrayLike, hours: ArrayLike, activity: ArrayLike, ahead_min: ArrayLike
) -> Array:
    """Return what the network sees (..., F).

    Parameters
    ----------
    context : array (..., C)
    hours : array (...,)
        Local hour of the day.
    activity : array (..., 3)
        Traces of activity at the decision.
    ahead_min : array (...,)
        Minutes since the decision, in which the traces fade.
    """
    c, hour = np.asarray(context, np.float64), np.asarray(hours, np.float64)
    told = np.einsum("...k,...kj->...j", c[..., : len(TOLD)], basis(hour))
    angle = 2.0 * np.pi * hour[..., None] / 24.0
    waves = np.concatenate(
        [np.cos(angle), np.sin(angle), np.cos(2.0 * angle), np.sin(2.0 * angle)], axis=-1
    )
    fading = np.exp(-np.asarray(ahead_min, np.float64)[..., None] / np.array(TRACES_MIN))
    felt = np.asarray(activity, np.float64) * fading
    shape = hour.shape
    parts = (told, waves, c[..., len(TOLD) :], felt)
    return np.concatenate([np.broadcast_to(p, (*shape, p.shape[-1])) for p in parts], axis=-1)


def window_features(context: Array, windows: Windows) -> Array:
    """Return features (N, BLOCKS, F) of each half hour of windows; context (people, C)."""
    ahead = BLOCK_MIN * (np.arange(BLOCKS) + 0.5)
    own = context[windows.person][:, None, :]
    own = np.broadcast_to(own, (len(windows), BLOCKS, own.shape[-1]))
    activity = np.broadcast_to(windows.activity[:, None, :], (len(windows), BLOCKS, 3))
    return features(own, windows.hours, activity, np.broadcast_to(ahead, own.shape[:2]))


def encode(hybrid: Model, past: Windows, people: int, basal_u_per_h_kg: Array) -> Array:
    """Return the contexts (people, C) of people from the stretches of their past.

    Parameters
    ----------
    past : Windows
        Their ``person`` counts from 0 to ``people`` - 1.
    basal_u_per_h_kg : array (people,), U/h/kg
        Basal insulin that each body needs.

    Notes
    -----
    A person with fewer than twelve stretches is told nothing of: the ten numbers are zero.
    """
    scored = np.array([m // SAMPLE_MIN - 1 for m in SCORED_MIN])
    neutral = forecast(hybrid, past, neutral_columns(hybrid, len(past)))
    error = (past.readings - neutral)[:, scored]
    answers = np.empty((*error.shape, len(TOLD)))
    effect = basis(past.hours)
    for k in range(len(TOLD)):
        moved = forecast(hybrid, past, columns_of(PROBE * effect[:, :, k]))
        answers[..., k] = (moved - neutral)[:, scored] / PROBE
    weight = past.params[:, hybrid.parameter_index["BW"]]
    out = np.zeros((people, len(CONTEXT)))
    for person in range(people):
        rows = past.person == person
        out[person] = _one(error[rows], answers[rows], weight[rows], basal_u_per_h_kg[person])
    return out


def _one(error: Array, answers: Array, weight: Array, basal: float) -> Array:
    """Return one person's context (C,) from errors (N, 2) and answers (N, 2, 10)."""
    out = np.zeros(len(CONTEXT))
    seen = np.isfinite(error)
    if len(error) < FEWEST_WINDOWS or seen.sum() < 2 * FEWEST_WINDOWS:
        return out
    e, a = error[seen], answers[seen]
    spread = max(float(np.sqrt(np.mean(np.clip(e, -150.0, 150.0) ** 2))), 5.0)
    # Large errors count for less, as Huber's do.
    w = np.minimum(1.0, 1.5 * spread / np.maximum(np.abs(e), 1e-6)) / (OVERLAP * spread**2)
    curvature = (a * w[:, None]).T @ a + np.eye(a.shape[1]) / PRIOR_SD**2
    out[: len(TOLD)] = np.linalg.solve(curvature, (a * w[:, None]).T @ e)
    tail = (spread / USUAL_ERROR_MG_DL, weight[0] / USUAL_WEIGHT_KG, basal / USUAL_BASAL_U_PER_H_KG)
    out[len(TOLD) :] = np.log(tail)
    return out
