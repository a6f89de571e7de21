"""Whether a residual helps: forecast errors with and without it, by person; when it is off.

A person, not a stretch, is the unit: scores are means over people and intervals come from drawing
people with replacement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.model import Model
from .observations import SAMPLE_MIN
from .residual import Familiar, Residual
from .residual_context import window_features
from .residual_windows import Windows, forecast, neutral_columns

Array = NDArray[np.float64]

HORIZONS_MIN = (30, 60, 120, 180)
JUDGED_MIN = 120
"""The horizon at which a residual must help."""
DRAWS = 2000
LEVEL = 0.95
THRESHOLD_SHARE = 0.99


@dataclass(frozen=True)
class Gain:
    """How much smaller the error is with the residual.

    Parameters
    ----------
    bare, hybrid : float, mg/dL
        Root mean square errors, the mean over people.
    less : float, mg/dL
        Their difference; above zero the residual helps.
    low, high : float, mg/dL
        95 % interval of the difference.
    people : int
    """

    bare: float
    hybrid: float
    less: float
    low: float
    high: float
    people: int


def with_members(hybrid: Model, residual: Residual, context: Array, windows: Windows) -> Array:
    """Return each member's forecasts (M, N, T / 5), mg/dL; context (people, C)."""
    seen = window_features(context, windows)
    return np.stack(
        [forecast(hybrid, windows, residual.columns(seen, m)) for m in range(len(residual.members))]
    )


def person_errors(error: Array, person: NDArray[np.int64], people: int) -> Array:
    """Return root mean square errors (people, H) at ``HORIZONS_MIN`` from errors (N, T / 5)."""
    at = [h // SAMPLE_MIN - 1 for h in HORIZONS_MIN]
    out = np.full((people, len(at)), np.nan)
    for i in range(people):
        rows = error[person == i][:, at]
        if len(rows) and np.isfinite(rows).any(axis=0).all():
            out[i] = np.sqrt(np.nanmean(rows**2, axis=0))
    return out


def bare_error(hybrid: Model, windows: Windows) -> Array:
    """Return errors (N, T / 5), mg/dL, of the bare body."""
    return windows.readings - forecast(hybrid, windows, neutral_columns(hybrid, len(windows)))


def gain(bare: Array, hybrid: Array, rng: np.random.Generator) -> Gain:
    """Return the gain of people with errors (people,) each; NaN where a person has none."""
    known = np.isfinite(bare) & np.isfinite(hybrid)
    b, h = bare[known], hybrid[known]
    n = len(b)
    draws = rng.integers(0, n, (DRAWS, n))
    less = (b - h)[draws].mean(axis=1)
    low, high = np.quantile(less, [0.5 - LEVEL / 2.0, 0.5 + LEVEL / 2.0])
    return Gain(float(b.mean()), float(h.mean()), float((b - h).mean()), float(low), float(high), n)


def gains_by_kind(
    bare: Array, hybrid: Array, kinds: Sequence[str], rng: np.random.Generator
) -> dict[str, dict[int, Gain]]:
    """Return the gains of all people, then of each kind of truth, by horizon in minutes.

    Parameters
    ----------
    bare, hybrid : array (people, H), mg/dL
        As ``person_errors`` returns them.
    """
    which = np.array(kinds)
    groups = {"all": np.ones(len(which), bool)} | {k: which == k for k in dict.fromkeys(kinds)}
    return {
        name: {h: gain(bare[rows, i], hybrid[rows, i], rng) for i, h in enumerate(HORIZONS_MIN)}
        for name, rows in groups.items()
    }


def helps(gains: Mapping[int, Gain]) -> tuple[bool, str]:
    """Return whether a residual is on for people like these, and the reason.

    It is on where the whole interval of the gain two hours ahead lies above zero.
    """
    g = gains[JUDGED_MIN]
    said = (
        f"{JUDGED_MIN} min ahead the error of {g.people} held-out people is {g.hybrid:.1f} mg/dL "
        f"with it and {g.bare:.1f} without (difference {g.low:.1f} to {g.high:.1f})"
    )
    return (True, said) if g.low > 0.0 else (False, f"it does not help: {said}")


def moments(hybrid: Model, context: Array, windows: Windows) -> Array:
    """Return what a moment is told by (N, C + 3): context, glucose, remote insulin, appearance."""
    p = hybrid.params(
        np.hstack([windows.params, np.tile(list(hybrid.neutral.values()), (len(windows), 1))])
    )
    index = hybrid.state_index
    glucose = windows.start[:, index["plasma_glucose_mass"]] / p.Vg / 100.0
    remote = windows.start[:, index["remote_insulin"]] / p.Ib
    appearance = p.f * p.kabs * windows.start[:, index["gut"]] / p.BW
    return np.hstack([context[windows.person], np.stack([glucose, remote, appearance], axis=1)])


def familiar_to(training: Array, validation: Array) -> Familiar:
    """Return the measure of what is familiar, from training rows (N, D), its threshold validated.

    The covariance is shrunk a tenth towards its diagonal, so that few people give a stable inverse.
    """
    centre = training.mean(axis=0)
    covariance = np.cov(training.T)
    covariance = 0.9 * covariance + 0.1 * np.diag(np.diag(covariance))
    ridge = covariance + 1e-6 * np.eye(len(centre))
    precision = np.asarray(np.linalg.inv(ridge), dtype=np.float64)
    raw = Familiar(centre, precision, 1.0)
    return Familiar(centre, precision, float(np.quantile(raw.score(validation), THRESHOLD_SHARE)))


def crps_ensemble(draws: Array, outcome: Array) -> Array:
    """Return the continuous ranked probability score (...,) of equally likely draws (n, ...).

    E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, doi:10.1198/016214506000001437).
    """
    n = len(draws)
    ordered = np.sort(draws, axis=0)
    weight = (2.0 * np.arange(1, n + 1) - n - 1.0).reshape((n, *([1] * (draws.ndim - 1))))
    apart = 2.0 * (weight * ordered).sum(axis=0) / n**2
    return np.asarray(np.abs(draws - outcome).mean(axis=0) - 0.5 * apart)


def crps_normal(mean: Array, spread: Array, outcome: Array) -> Array:
    """Return the continuous ranked probability score of normal forecasts, same units as outcome."""
    from scipy.special import ndtr

    z = (outcome - mean) / spread
    density = np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)
    return np.asarray(spread * (z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / np.sqrt(np.pi)))


def as_dict(gains: Mapping[str, Mapping[int, Gain]]) -> dict[str, Any]:
    """Return gains in JSON, to two decimals."""
    return {
        kind: {
            str(h): {
                "bare": round(g.bare, 2),
                "hybrid": round(g.hybrid, 2),
                "less": [round(g.less, 2), round(g.low, 2), round(g.high, 2)],
                "people": g.people,
            }
            for h, g in by.items()
        }
        for kind, by in gains.items()
    }
