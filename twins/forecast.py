"""Forecasts the end of a record from draws that did not see it, and scores the forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .likelihood import STUDENT_SD, Likelihood
from .noise import STUDENT_NU
from .observations import Observations
from .sample import Sample
from .unknowns import Unknowns

Array = NDArray[np.float64]
BAND_DRAWS = 200


@dataclass(frozen=True)
class Outlook:
    """A forecast of what follows a record, made open loop with the recorded doses and meals.

    Parameters
    ----------
    likely : array (T,), mg/dL
        Median of the draws.
    glucose : array (T, n), mg/dL
        Of the draws, each on days and with meals of its own, without errors of reading.
    draws : array (T, n), mg/dL
        The same with errors of reading, which follow from the last one's.
    """

    likely: Array
    glucose: Array
    draws: Array


def outlook(
    drawn: Sample, seen: Observations, rng: np.random.Generator, n: int = BAND_DRAWS
) -> Outlook:
    """Forecast what ``seen`` has beyond the record that the draws were fitted to."""
    known = drawn.likelihood
    longer = Unknowns.of(known.unknowns.where, seen, known.unknowns.slots)
    rows = rng.choice(len(drawn.u), size=n, replace=n > len(drawn.u))
    u = known.unknowns.continued(drawn.u[rows], longer, rng)
    whole = Likelihood.of(longer, seen, threads=known.threads)
    path, noise, first = whole.glucose(u), known.noise(u), len(known.seen.glucose)
    last = int(known.use.index[-1])
    error = known.errors(path[known.use.index], noise)[-1]
    before = error * noise[:, 1] ** (first - 1 - last)
    glucose = path[first:]
    errors = error_paths(noise, before, len(glucose), rng)
    return Outlook(np.median(glucose, axis=1), glucose, glucose + errors)


def error_paths(noise: Array, before: Array, steps: int, rng: np.random.Generator) -> Array:
    """Return errors of reading (T, n), mg/dL, five minutes apart, after the errors ``before`` (n,).

    Parameters
    ----------
    noise : array (n, 2)
        Standard deviation, mg/dL, and correlation over five minutes.
    """
    sigma, rho = noise.T
    kick = sigma / STUDENT_SD * np.sqrt(1.0 - rho**2)
    out, now = np.empty((steps, len(noise))), before
    for t in range(steps):
        now = rho * now + kick * rng.standard_t(STUDENT_NU, size=len(noise))
        out[t] = now
    return out


def _overstated(excess: Array, share: float) -> float | None:
    """Return by how much a forecast lies above readings, at most, for a share of them.

    The conformal quantile (Vovk 2005), as if the day's readings were exchangeable; neighbours are
    alike, so that the true share is known less well than their number says. None where there are
    too few readings to say.
    """
    rank = int(np.ceil((len(excess) + 1) * share))
    return float(max(np.sort(excess)[rank - 1], 0.0)) if rank <= len(excess) else None


def score(drawn: Sample, seen: Observations, rng: np.random.Generator) -> dict[str, float]:
    """Return how well the samples of ``seen`` after the fitted ones are forecast, open loop."""
    view = outlook(drawn, seen, rng)
    first = len(drawn.likelihood.seen.glucose)
    reading, side = seen.glucose[first:], seen.censored[first:]
    there = np.isfinite(reading)
    if not there.any():
        return {}
    low, high = np.quantile(view.draws, [0.05, 0.95], axis=1)
    # A censored reading lies anywhere beyond its limit.
    inside = (((reading >= low) | (side > 0)) & ((reading <= high) | (side < 0)))[there]
    error = (reading - view.likely)[there]
    overstated = _overstated(-error, 0.9)
    return {
        "rmse_mg_dl": float(np.sqrt(np.mean(error**2))),
        "bias_mg_dl": float(np.mean(error)),
        "mard_percent": float(100.0 * np.mean(np.abs(error) / reading[there])),
        "coverage_90": float(np.mean(inside)),
        "band_width_mg_dl": float(np.mean((high - low)[there])),
        **({} if overstated is None else {"overstated_90_mg_dl": overstated}),
        "readings": int(there.sum()),
    }
