"""What of a rollout is scored: whose glucose, where a limit itself counts, where a run ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.protocols import LEVELS
from .metrics import cgm_metrics_batch
from .trajectory import Rollout, rows_from

Array = NDArray[np.float64]

CEILING_MG_DL: Final = 600.0
HIGHEST_MG_DL: Final = 2400.0
COLUMNS: Final = {"truth": "glucose_mg_dl", "sensor": "cgm_mg_dl"}
SEEN: Final = (
    "mean_glucose", "time_in_range", "time_below_70", "time_below_54", "time_above_250",
)  # fmt: skip


@dataclass(frozen=True)
class Scoring:
    """How glucose becomes metrics.

    Parameters
    ----------
    glucose : str
        ``truth``: interstitial glucose itself; ``sensor``: what the monitor showed.
    inclusive : bool
        Whether a value of exactly 54 or 70 mg/dL counts as below, and one at a failure limit as a
        failure; otherwise only beyond it.
    failure_mg_dl : tuple of float
        Glucose (mg/dL) below the first or above the second makes the run a failure.
    stops : bool
        Whether the run ends for the metrics with its first failing value, that one included.

    Raises
    ------
    InputError
        If ``glucose`` is neither, or the limits do not rise.
    """

    glucose: str = "truth"
    inclusive: bool = False
    failure_mg_dl: tuple[float, float] = (LEVELS.severe_low, CEILING_MG_DL)
    stops: bool = False

    def __post_init__(self) -> None:
        if self.glucose not in COLUMNS:
            raise InputError(f"scoring glucose is {self.glucose!r}; choose truth or sensor")
        low, high = self.failure_mg_dl
        if not 0.0 <= low < high:
            raise InputError(
                f"scoring failure_mg_dl is [{low:g}, {high:g}]; give two rising values of at "
                "least 0 mg/dL"
            )


TRUTH: Final = Scoring()


def scored_trace(run: Rollout, scoring: Scoring = TRUTH) -> tuple[Array, NDArray[np.bool_]]:
    """Return the glucose that counts (T, B), NaN once a run has ended, and who failed (B,)."""
    whole = run.series[COLUMNS[scoring.glucose]].astype(np.float64)
    low, high = scoring.failure_mg_dl
    failing: NDArray[np.bool_] = (whole < low) | (whole > high)
    if scoring.inclusive:
        failing = (whole <= low) | (whole >= high)
    trace = np.clip(whole[1:], 1.0, HIGHEST_MG_DL)
    if scoring.inclusive:
        for limit in (LEVELS.very_low, LEVELS.low):
            trace[trace == limit] = np.nextafter(limit, 0.0)
    if scoring.stops:
        failing[0] = False
        # The first failing value itself still counts.
        ended = np.cumsum(failing, axis=0) - failing > 0
        trace[np.asarray(ended)[1:]] = np.nan
    failed = np.asarray(failing.any(axis=0))
    return trace, failed


def metrics_of(run: Rollout, scoring: Scoring = TRUTH) -> dict[str, Array]:
    """Return metrics (B,) of a rollout.

    Parameters
    ----------
    run : Rollout
        With glucose, CGM, basal, bolus and reward.
    scoring : Scoring
        What counts; by default true glucose over the whole run.

    Returns
    -------
    dict of str to array (B,)
        Those of ``cgm_metrics_batch``; some of CGM over the same time (``cgm_...``);
        ``insulin_u_per_day``; ``failure`` (100 or 0); ``mean_reward``.
    """
    trace, failed = scored_trace(run, scoring)
    counts = np.isfinite(trace)
    metrics = cgm_metrics_batch(trace, run.step_min)
    cgm = np.where(counts, run.series["cgm_mg_dl"][1:].astype(np.float64), np.nan)
    seen = cgm_metrics_batch(cgm, run.step_min)
    metrics |= {f"cgm_{name}": seen[name] for name in SEEN}
    doses = run.series["basal_u_per_h"][1:] * (run.step_min / 60.0) + run.series["bolus_u"][1:]
    days = counts.sum(axis=0) * run.step_min / 1440.0
    metrics["insulin_u_per_day"] = _over(doses, counts) / days
    metrics["failure"] = np.where(failed, 100.0, 0.0)
    metrics["mean_reward"] = _over(run.series["reward"][1:], counts) / counts.sum(axis=0)
    return metrics


def rows_of(run: Rollout, scoring: Scoring = TRUTH) -> list[dict[str, Any]]:
    """Return one row per lane: patient, group, seed, metrics."""
    return rows_from(run, metrics_of(run, scoring))


def _over(values: NDArray[np.float32], counts: NDArray[np.bool_]) -> Array:
    """Sum values (T, B) over the time that counts."""
    total: Array = np.where(counts, values, 0.0).sum(axis=0, dtype=np.float64)
    return total
