"""Fits a twin to one person's record, and tests it on a day that it was not shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.detect import read_record
from ..records.limits import WEIGHT
from ..records.timeline import Timeline
from .coordinates import (
    CARBS_AT_START,
    INSULIN_AT_START,
    MEANING,
    NAMES,
    Coordinates,
    coordinates_for,
)
from .forecast import score
from .forward import SAMPLES_A_DAY
from .joint import Found, refine
from .laplace import laplace_posterior
from .noise import LARGEST_RHO, Noise, whitening
from .observations import Observations, observe
from .residual import RESIDUALS
from .residual_own import own_residual
from .search import FIRST_NOISE, LIMIT_SD, from_many_starts, starting_points
from .twin import Twin
from .variation import USUAL

Array = NDArray[np.float64]
Progress = Callable[[str], None]

BEST_SAMPLES = 60
# The last days are enough to find the neighbourhood of the best body.
SEARCH_SAMPLES = 4 * SAMPLES_A_DAY
HELD_OUT_FROM_DAYS = 3.0
TYPICAL_WEIGHT_KG = {"adult": 75.0, "adolescent": 55.0, "child": 30.0}


def most_probable(
    where: Coordinates,
    seen: Observations,
    starts: Array,
    *,
    largest_rho: float = LARGEST_RHO,
) -> Found:
    """Find the most probable body of a record from several starts (S, d).

    Parameters
    ----------
    largest_rho : float
        Bound on the correlation of errors over five minutes; 0 takes errors for independent, as
        many published fits do, and understates what is unknown.

    Raises
    ------
    InputError
        If there are too few readings.
    """
    use = whitening(seen)
    if len(use.index) < BEST_SAMPLES:
        raise InputError(
            f"the record holds {len(use.index)} usable readings after the first half hour; "
            f"a twin needs at least {BEST_SAMPLES}"
        )
    noise = Noise(FIRST_NOISE.sigma, min(FIRST_NOISE.rho, largest_rho))
    recent = seen.since(max(0, len(seen.glucose) - 1 - SEARCH_SAMPLES))
    some = whitening(recent)
    if len(some.index) < BEST_SAMPLES:
        recent, some = seen, use
    z, value = from_many_starts(where, starts, recent, some, noise)
    best = z[int(np.argmin(value))].copy()
    if recent is not seen:
        # What was on board when the search began says nothing of when the record began.
        best[[NAMES.index(INSULIN_AT_START), NAMES.index(CARBS_AT_START)]] = 0.0
    return refine(where, best, seen, use, noise=noise, variation=USUAL, largest_rho=largest_rho)


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
    residual: bool | str = False,
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
    residual : bool or str
        Attach a learned residual: the shipped one, or one by name or path (``load_residual``).
        Whether it is on for this person is told in ``twin.residual``.
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
        If the record has no insulin or too little glucose, or an argument lies out of bounds.
    """
    _check(weight_kg, starts)
    timeline = read_record(record) if isinstance(record, (str, Path)) else record
    seen = observe(timeline)
    notes: list[str] = [*timeline.notes, *seen.notes]
    group = _group(timeline)
    weight = timeline.settings.weight_kg or weight_kg
    if weight is None:
        weight = TYPICAL_WEIGHT_KG[group]
        notes.append(f"body weight is not recorded; {weight:g} kg is assumed ({group})")
    where = coordinates_for(group, weight, _usual_basal(timeline))
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    tell = progress or (lambda _: None)
    first, held_out, before = starting_points(starts, rng), None, None
    if seen.days >= HELD_OUT_FROM_DAYS:
        tell("fitting all but the last day, to test the forecast on it")
        known = seen.until(len(seen.glucose) - 1 - SAMPLES_A_DAY)
        found = most_probable(where, known, first)
        held_out = score(where, found, known, seen, rng) or None
        before = found.z
        # What the other days told is the best place to start from, now that the test is done.
        first = np.concatenate([found.z[None], first[: max(1, starts // 2)]])
    tell(f"fitting {seen.days:.1f} days")
    found = most_probable(where, seen, first)
    notes += at_limit(found)
    posterior = laplace_posterior(where, found, seen, rng)
    own = None
    if residual:
        tell("trying the learned residual on the last day")
        name = RESIDUALS[0] if residual is True else str(residual)
        own = own_residual(name, where, found.z, seen, before)
    return Twin.of(timeline, where, found, seen, group, held_out, tuple(notes), posterior, own)


def _check(weight_kg: float | None, starts: int) -> None:
    if weight_kg is not None and not WEIGHT.holds(weight_kg):
        raise InputError(f"weight_kg is {weight_kg:g} kg; give {WEIGHT}")
    if starts < 1:
        raise InputError(f"starts is {starts}; give at least 1")


def at_limit(found: Found) -> list[str]:
    """Return a sentence on each coordinate that the prior's limit stopped."""
    at = np.flatnonzero(np.abs(found.z) > LIMIT_SD - 0.05)
    return [
        f"{MEANING[NAMES[i]]} ({NAMES[i]}) lies at the limit of what is tried, {found.z[i]:+.1f} "
        "prior standard deviations: the record asks for a body unlike its age group's"
        for i in at.tolist()
    ]
