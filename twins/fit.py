"""Finds the most probable body for a record: batched Levenberg-Marquardt from several starts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.detect import read_record
from ..records.timeline import Timeline
from .coordinates import NAMES, Coordinates, coordinates_for
from .days import USUAL_SD, DayEffects, days_in, estimate_days
from .forward import run
from .noise import Noise, Whitening, errors, estimate, innovations, misfit_factor, weights, whitening
from .observations import Observations, observe
from .twin import Twin, score

Array = NDArray[np.float64]
Progress = Callable[[str], None]

BEST_SAMPLES = 60
STEP = 1e-3
ITERATIONS = 12
NOISE_ROUNDS = 3
LIMIT_SD = 3.5
TYPICAL_WEIGHT_KG = {"adult": 75.0, "adolescent": 55.0, "child": 30.0}


def _starts(n: int, rng: np.random.Generator) -> Array:
    z = 0.7 * rng.standard_normal((n, len(NAMES)))
    z[0] = 0.0
    return z


def _derivatives(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, days: Array
) -> tuple[Array, Array]:
    """Return errors (N, S) and their derivatives (S, N, d) by forward differences, in one batch."""
    s, d = z.shape
    steps = np.concatenate([np.zeros((1, d)), STEP * np.eye(d)])
    batch = (z[:, None, :] + steps[None]).reshape(-1, d)
    shift = np.repeat(days[None], len(batch), axis=0)
    error = errors(run(where, batch, seen, shift), seen, use).reshape(-1, s, d + 1)
    slope = (error[:, :, 1:] - error[:, :, :1]) / STEP
    return error[:, :, 0], np.moveaxis(slope, 1, 0)


def _objective(error: Array, z: Array, use: Whitening, noise: Noise) -> Array:
    standard = innovations(error, use, noise)
    nu = 5.0
    return (nu + 1.0) * np.log1p(standard**2 / nu).sum(axis=0) + (z**2).sum(axis=1)


def _whiten(slope: Array, use: Whitening, noise: Noise) -> Array:
    return np.stack([innovations(slope[i], use, noise) for i in range(len(slope))])


def levenberg_marquardt(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, noise: Noise, days: Array
) -> tuple[Array, Array]:
    """Minimise the negative log posterior from all starts at once.

    Returns
    -------
    z : array (S, d)
    objective : array (S,)
        Twice the negative log posterior, up to a constant.
    """
    damping = np.full(len(z), 1.0)
    error, slope = _derivatives(where, z, seen, use, days)
    value = _objective(error, z, use, noise)
    for _ in range(ITERATIONS):
        standard = innovations(error, use, noise)
        w = weights(standard)
        white = _whiten(slope, use, noise)
        gradient = np.einsum("snd,ns->sd", white, w * standard) + z
        curvature = np.einsum("snd,ns,sne->sde", white, w, white) + np.eye(z.shape[1])
        damped = curvature + damping[:, None, None] * np.einsum(
            "sdd,de->sde", curvature, np.eye(z.shape[1])
        )
        step = np.linalg.solve(damped, gradient[:, :, None])[:, :, 0]
        trial = np.clip(z - step, -LIMIT_SD, LIMIT_SD)
        new_error, new_slope = _derivatives(where, trial, seen, use, days)
        new_value = _objective(new_error, trial, use, noise)
        better = new_value < value
        if not better.any() and damping.min() > 1e4:
            break
        settled = better & (value - new_value < 1e-3)
        z = np.where(better[:, None], trial, z)
        value = np.where(better, new_value, value)
        error = np.where(better[None], new_error, error)
        slope = np.where(better[:, None, None], new_slope, slope)
        damping = np.where(better, damping / 5.0, damping * 8.0)
        if settled.any() and (settled | ~better).all():
            break
    return z, value


def _maximum(
    where: Coordinates, seen: Observations, starts: int, rng: np.random.Generator
) -> tuple[Array, Array, Noise, DayEffects]:
    """Return the best coordinates (d,), their covariance (d, d), the noise and the days' effects."""
    use, noise = whitening(seen), Noise()
    if len(use.index) < BEST_SAMPLES:
        raise InputError(
            f"the record holds {len(use.index)} usable readings after the first half hour; "
            f"a twin needs at least {BEST_SAMPLES}"
        )
    z = _starts(starts, rng)
    days = DayEffects(np.zeros(days_in(seen)), USUAL_SD)
    for round_ in range(NOISE_ROUNDS):
        z, value = levenberg_marquardt(where, z, seen, use, noise, days.effect)
        best = z[int(np.argmin(value))]
        days = estimate_days(where, best, seen, use, noise)
        fitted = errors(run(where, best[None], seen, days.effect[None]), seen, use)[:, 0]
        noise = estimate(fitted, use)
        if round_ == 0:
            # The later rounds only follow the better half of the starts.
            z = z[np.argsort(value)[: max(1, starts // 2)]]
    z, value = levenberg_marquardt(where, z, seen, use, noise, days.effect)
    best = z[int(np.argmin(value))]
    return best, _covariance(where, best, seen, use, noise, days.effect), noise, days


def _covariance(
    where: Coordinates, z: Array, seen: Observations, use: Whitening, noise: Noise, days: Array
) -> Array:
    """Return the Laplace covariance, the likelihood weakened by how badly the model misfits."""
    error, slope = _derivatives(where, z[None], seen, use, days)
    standard = innovations(error, use, noise)
    w = weights(standard)
    white = _whiten(slope, use, noise)[0]
    information = np.einsum("nd,n,ne->de", white, w[:, 0], white)
    factor = misfit_factor(white * (w * standard), information, use)
    return np.linalg.inv(information / factor + np.eye(len(z)))


def _usual_basal(timeline: Timeline) -> float | None:
    schedule = timeline.settings.basal_u_per_h
    if schedule is not None:
        return float(np.mean(schedule.at(np.arange(0.0, 1440.0, 5.0))))
    if timeline.basal is not None and len(timeline.basal.u_per_h):
        length = timeline.basal.end_s - timeline.basal.start_s
        return float(np.average(timeline.basal.u_per_h, weights=length))
    return None


def _group(timeline: Timeline) -> str:
    age = timeline.settings.age_years
    if age is None or age >= 18:
        return "adult"
    return "adolescent" if age >= 12 else "child"


def fit_twin(
    record: Timeline | str | Path,
    *,
    seed: int = 0,
    starts: int = 6,
    weight_kg: float | None = None,
    progress: Progress | None = None,
) -> Twin:
    """Fit a twin to one person's record.

    Parameters
    ----------
    record : Timeline, str or Path
        A record or a file ``read_record`` understands; its last 14 days are used.
    seed : int
        Of the random starts.
    starts : int
        Starting points of the search.
    weight_kg : float, optional
        Body weight if the record does not state it; else the age group's typical one, said so in
        ``twin.notes``.
    progress : callable, optional
        Called with a line on what is being done.

    Returns
    -------
    Twin
        Most probable parameters, their covariance (Laplace), the noise, and a forecast test on the
        last day, which was held out for it, when there are three days or more.

    Raises
    ------
    InputError
        If the record has no insulin or too little glucose.
    """
    timeline = read_record(record) if isinstance(record, (str, Path)) else record
    seen = observe(timeline)
    notes: list[str] = list(timeline.notes)
    group = _group(timeline)
    weight = timeline.settings.weight_kg or weight_kg
    if weight is None:
        weight = TYPICAL_WEIGHT_KG[group]
        notes.append(f"body weight is not recorded; {weight:g} kg is assumed ({group})")
    where = coordinates_for(group, weight, _usual_basal(timeline))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    tell = progress or (lambda _: None)
    held_out = None
    if seen.days >= 3.0:
        tell("fitting all but the last day, to test the forecast on it")
        known = seen.until(len(seen.glucose) - 1 - 288)
        found = _maximum(where, known, starts, rng)
        held_out = score(where, *found, seen, len(known.glucose), rng)
    tell(f"fitting {seen.days:.1f} days")
    found = _maximum(where, seen, starts, rng)
    return Twin.of(timeline, where, *found, seen, group, held_out, tuple(notes))
