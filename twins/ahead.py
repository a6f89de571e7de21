"""Forecasts from where a twin's draws stand when the record ends.

Each draw goes on from its own state: sensitivity drifts from what is in force now back to the
person's own as their variation says, the error of reading fades as the noise's memory says, and
each coming meal is miscounted anew. Open loop under a plan, or with the person's usual boluses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..physiology.errors import InputError
from ..records.series import DailySchedule, constant_schedule
from ..therapy.prescription import prescribe
from ..therapy.protocols import LEVELS
from .forecast import error_paths
from .forward import WINDOW_MIN, WINDOWS_A_DAY, advance, with_sensitivity
from .joint import LARGEST_EFFECT
from .noise import Noise
from .observations import EATING_G_PER_MIN, SAMPLE_MIN
from .plan import Plan
from .settings import schedule
from .variation import Variation

if TYPE_CHECKING:
    from .posterior import Posterior
    from .twin import Twin

Array = NDArray[np.float64]

STEP_S: Final = 60.0 * SAMPLE_MIN
QUANTILES: Final = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
LONGEST_DAYS: Final = 28.0


@dataclass(frozen=True)
class Forecast:
    """Readings to come, every five minutes from the record's end on.

    Parameters
    ----------
    time_s : array (T,), seconds since 1970 UTC
        The first is the record's end.
    draws : array (T, n), mg/dL
        Readings of each draw, errors included; within what a sensor can mean (0 and above).
    quantiles : mapping of float to array (T,), mg/dL
        Of the draws; after ``calibrated`` the bands are widened or narrowed.
    """

    time_s: Array
    draws: Array
    quantiles: Mapping[float, Array]

    def probability(self, threshold: float, side: str, hours: float | None = None) -> float:
        """Return the share of draws with any reading below or above a threshold (mg/dL).

        Parameters
        ----------
        side : {"below", "above"}
        hours : float, optional
            Within so many hours; all by default.
        """
        if side not in ("below", "above"):
            raise InputError(f"side is {side!r}; give below or above")
        until = np.inf if hours is None else self.time_s[0] + 3600.0 * hours
        part = self.draws[1:][self.time_s[1:] <= until + 1e-6]
        beyond = part < threshold if side == "below" else part > threshold
        return float(beyond.any(axis=0).mean())

    def probabilities(self) -> dict[str, float]:
        """Return the shares of draws that leave the ranges that matter at any time."""
        return {
            "below_54": self.probability(LEVELS.very_low, "below"),
            "below_70": self.probability(LEVELS.low, "below"),
            "above_180": self.probability(LEVELS.high, "above"),
            "above_250": self.probability(LEVELS.very_high, "above"),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON, draws included."""
        return {
            "time_s": self.time_s.tolist(),
            "draws": self.draws.round(2).tolist(),
            "quantiles": {f"{q:g}": v.round(2).tolist() for q, v in self.quantiles.items()},
            "probabilities": self.probabilities(),
        }


def forecast(
    twin: Twin, plan: Plan, until: float, draws: int, rng: np.random.Generator
) -> Forecast:
    """Forecast a person's readings under a plan.

    Parameters
    ----------
    twin : Twin
        With draws (``Twin.posterior``).
    plan : Plan
    until : float
        Hours after the record's end; or, from a million on, seconds since 1970 UTC.
    draws : int
    rng : Generator

    Raises
    ------
    InputError
        If the twin has no draws, the time is none or too long, or a dose lies outside of it.
    """
    posterior = _posterior(twin)
    start, steps = posterior.present.time_s, _steps(until, posterior.present.time_s)
    if not 1 <= draws <= 100_000:
        raise InputError(f"draws is {draws}; give 1 to 100000")
    rows = posterior.rows(draws, rng)
    level = _levels(twin, posterior, rows, steps, rng)
    error = _errors(posterior, rows, steps, rng)
    regimen = _Regimen.of(twin, plan, start, steps)
    readings = _lead(twin, posterior, rows, level, error, regimen, rng)
    time = start + STEP_S * np.arange(steps + 1)
    values = np.quantile(readings, QUANTILES, axis=1)
    return Forecast(time, readings, dict(zip(QUANTILES, values, strict=True)))


def _posterior(twin: Twin) -> Posterior:
    if twin.posterior is None:
        raise InputError("the twin has no draws to start from; fit it again with `dosegym fit`")
    return twin.posterior


def _steps(until: float, start_s: float) -> int:
    """Return five-minute steps from the record's end to a time or a duration in hours."""
    seconds = until - start_s if until >= 1e6 else 3600.0 * until
    steps = round(seconds / STEP_S) if np.isfinite(seconds) else 0
    if not 1 <= steps <= LONGEST_DAYS * 86400.0 / STEP_S:
        raise InputError(
            f"until is {until:g}; give hours after the record's end, up to "
            f"{24 * LONGEST_DAYS:g}, or a later second since 1970"
        )
    return steps


def _levels(
    twin: Twin, posterior: Posterior, rows: NDArray[np.int64], steps: int, rng: np.random.Generator
) -> Array:
    """Return log sensitivity (steps, n): what is in force, then windows drawn given it."""
    now = posterior.present.sensitivity[rows]
    phase, left = _window_now(twin)
    windows = 1 + max(0, -(-(steps - left) // (WINDOW_MIN // SAMPLE_MIN)))
    spread = np.median(posterior.spread[rows], axis=0)
    coming = windows_ahead(Variation(*spread.tolist()), _usual(twin), phase, now, windows, rng)
    which = np.maximum(0, -(-(np.arange(steps) + 1 - left) // (WINDOW_MIN // SAMPLE_MIN)))
    return np.clip(coming[:, which].T, -LARGEST_EFFECT, LARGEST_EFFECT)


def _window_now(twin: Twin) -> tuple[int, int]:
    """Return which window of the day the record ends in, and its steps that are left."""
    ends = float(twin.settings.get("end_minute", twin.end_s / 60.0 % 1440.0))
    behind = [(ends - begin) % 1440.0 for begin, _ in twin.rhythm] or [0.0]
    # A record that ends where a window ends is still in that window.
    behind = [b if b > 0.0 else 1440.0 for b in behind]
    phase = int(np.argmin(behind))
    return phase, max(0, round((WINDOW_MIN - behind[phase]) / SAMPLE_MIN))


def _usual(twin: Twin) -> Array:
    values = [value for _, value in twin.rhythm]
    return np.array(values if len(values) == WINDOWS_A_DAY else [0.0] * WINDOWS_A_DAY)


def windows_ahead(
    variation: Variation, usual: Array, phase: int, now: Array, windows: int,
    rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return effects (n, windows): the one in force ``now`` (n,), and those after it.

    Windows of the same day share the day's effect with it; later days only the person's rhythm.
    """
    index = phase + np.arange(windows)
    day, mean = index // WINDOWS_A_DAY, usual[index % WINDOWS_A_DAY]
    whole = variation.day**2 * (day[:, None] == day[None]) + variation.window**2 * np.eye(windows)
    gain = whole[1:, 0] / whole[0, 0]
    rest = whole[1:, 1:] - np.outer(gain, whole[0, 1:])
    kick = rng.standard_normal((len(now), windows - 1)) @ _root(rest).T
    later = mean[1:] + (now - mean[0])[:, None] * gain + kick
    return np.concatenate([now[:, None], later], axis=1)


def _root(covariance: Array) -> Array:
    value, vector = np.linalg.eigh(covariance) if len(covariance) else (np.zeros(0), covariance)
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0)))


def _errors(
    posterior: Posterior, rows: NDArray[np.int64], steps: int, rng: np.random.Generator
) -> Array:
    """Return errors of reading (steps + 1, n), mg/dL, that go on from the present ones."""
    sigma, rho = np.median(posterior.noise[rows], axis=0).tolist()
    fresh = error_paths(Noise(sigma, rho), (steps + 1, len(rows)), rng)
    # The same recursion from another start: the difference fades as the memory does.
    fade = rho ** np.arange(steps + 1)[:, None]
    return np.asarray(fresh + fade * (posterior.present.error[rows] - fresh[0]))


@dataclass(frozen=True)
class _Regimen:
    """A plan laid on steps: rates U/h (T,) or None, boluses U and grams (T,), usual settings."""

    rate: Array | None
    bolus: Array
    grams: Array
    basal_factor: float
    bolus_factor: float
    usual: tuple[Array, Array, Array] | None

    @classmethod
    def of(cls, twin: Twin, plan: Plan, start_s: float, steps: int) -> _Regimen:
        begin = float(twin.settings.get("end_minute", start_s / 60.0 % 1440.0))
        minute = begin + SAMPLE_MIN * np.arange(steps)
        basal = plan.basal if plan.basal is not None else schedule(twin.settings, "basal_u_per_h")
        if basal is not None and not isinstance(basal, DailySchedule):
            basal = constant_schedule(float(basal))
        usual = _usual_settings(twin, minute) if plan.usual_boluses else None
        return cls(
            None if basal is None else basal.at(minute),
            plan.at_steps(plan.boluses, start_s, steps),
            plan.at_steps(plan.meals, start_s, steps),
            plan.basal_factor, plan.bolus_factor, usual,
        )  # fmt: skip

    def units(self, k: int, reading: Array) -> Array:
        """Return the bolus (n,), U, of a step at which so much is read (n,)."""
        units = np.full(len(reading), self.bolus[k])
        if self.usual is not None and self.grams[k] > 0.0:
            ratio, correction, target = (column[k] for column in self.usual)
            excess = np.maximum(reading - target, 0.0) / correction
            units += self.grams[k] / ratio + excess
        return np.asarray(self.bolus_factor * units)


def _usual_settings(twin: Twin, minute: Array) -> tuple[Array, Array, Array]:
    """Return carb ratio, correction factor and target at each step (T,)."""
    names = ("carb_ratio_g_per_u", "correction_mg_dl_per_u", "target_mg_dl")
    known = [schedule(twin.settings, name) for name in names]
    if any(found is None for found in known):
        titrated = prescribe(twin.model, twin.patients(1))
        known = [
            constant_schedule(float(getattr(titrated, name)[0])) if found is None else found
            for name, found in zip(names, known, strict=True)
        ]
    ratio, correction, target = (found.at(minute) for found in known if found is not None)
    return ratio, correction, target


def _lead(
    twin: Twin, posterior: Posterior, rows: NDArray[np.int64], level: Array, error: Array,
    regimen: _Regimen, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return readings (steps + 1, n), mg/dL."""
    where, engine = twin.where, engine_for(twin.model)
    z, x = posterior.z[rows], posterior.present.states[rows].copy()
    params = where.params(z)
    own, factor = where.own_basal(params), where.carb_factor(z)
    quiet = np.zeros((len(twin.model.inputs), len(rows)))
    column = twin.model.output_index["interstitial_glucose"]
    out = np.empty(error.shape)
    out[0] = engine.outputs(x, params, quiet)[:, column] + error[0]
    plate = np.zeros(len(rows))
    for k in range(len(level)):
        if regimen.grams[k] > 0.0:
            wrong = np.exp(posterior.spread[rows, 3] * rng.standard_normal(len(rows)))
            plate += regimen.grams[k] * factor * wrong
        rate = own if regimen.rate is None else np.full(len(rows), regimen.rate[k] / 60.0)
        u = np.empty((SAMPLE_MIN, 2, len(rows)))
        for minute in range(SAMPLE_MIN):
            u[minute, 0] = np.minimum(plate, EATING_G_PER_MIN)
            plate = plate - u[minute, 0]
        u[:, 1] = regimen.basal_factor * rate
        u[0, 1] += regimen.units(k, out[k])
        glucose = advance(engine, x, with_sensitivity(where, params, level[k]), u)[-1]
        out[k + 1] = np.maximum(glucose + error[k + 1], 0.0)
    return out


def standing(twin: Twin, posterior: Posterior, end_minute: float) -> Twin:
    """Return a twin whose draws stand somewhere else, e.g. where a filter has led them."""
    return replace(
        twin,
        posterior=posterior,
        end_s=posterior.present.time_s,
        settings={**twin.settings, "end_minute": end_minute},
    )
