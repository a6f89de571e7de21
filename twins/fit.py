"""Fits a twin to one person's record, and tests it on a day that it was not shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..records.detect import read_record
from ..records.limits import WEIGHT
from ..records.timeline import Timeline
from .coordinates import MEANING, NAMES, Coordinates, coordinates_for
from .drawn import draws_of
from .forecast import score
from .forward import SAMPLES_A_DAY
from .noise import whitening
from .observations import Observations, observe
from .probable import fewest_readings
from .residual import RESIDUALS
from .residual_own import own_residual
from .sample import DRAWS, Sample
from .search import LIMIT_SD, starting_points
from .twin import Twin

Array = NDArray[np.float64]
Progress = Callable[[str], None]

# A band needs fewer draws than the twin, at half the cost.
FEWEST_TEST_DRAWS = 64
HELD_OUT_FROM_DAYS = 3.0
THREADS = 2
TYPICAL_WEIGHT_KG = {"adult": 75.0, "adolescent": 55.0, "child": 30.0}


def _usual_basal(timeline: Timeline) -> float | None:
    schedule = timeline.settings.basal_u_per_h
    if schedule is not None:
        return float(np.mean(schedule.at(np.arange(0.0, 1440.0, 5.0))))
    if timeline.basal is not None and len(timeline.basal.u_per_h):
        length = timeline.basal.end_s - timeline.basal.start_s
        return float(np.average(timeline.basal.u_per_h, weights=length))
    return None


def _daily_dose(seen: Observations) -> float | None:
    """Return the insulin of a mean day, U; None where the log tells boluses only."""
    return None if seen.own_basal else float(seen.insulin.mean() * 1440.0)


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
    posterior: str = "smc",
    draws: int = DRAWS,
    threads: int = THREADS,
    hold_out: bool = True,
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
    posterior : {"smc", "laplace"}
        Tempered sequential Monte Carlo over all unknowns, or only the normal law about the most
        probable ones, which is fast and symmetric.
    draws : int
        Equally likely bodies to keep.
    threads : int
        Cores to use.
    hold_out : bool
        Test the forecast on the last day first, where there are three days or more.

    Returns
    -------
    Twin
        Equally likely bodies, the most probable one, the noise, and a forecast test on the last
        day, which was held out for it, when there are three days or more.

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
    where = coordinates_for(
        group, weight, _usual_basal(timeline), age_years=timeline.settings.age_years,
        daily_dose_u=_daily_dose(seen),
    )  # fmt: skip
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    tell = progress or (lambda _: None)
    first, held_out, before = starting_points(starts, rng), None, None
    known = seen.until(max(0, len(seen.glucose) - 1 - SAMPLES_A_DAY))
    if (
        hold_out
        and seen.days >= HELD_OUT_FROM_DAYS
        and len(whitening(known).index) >= fewest_readings(known)
    ):
        tell("fitting all but the last day, to test the forecast on it")
        fewer = max(FEWEST_TEST_DRAWS, draws // 2)
        tested, found = draws_of(
            where, known, first, rng, method=posterior, n=fewer, threads=threads
        )
        held_out, before = score(tested, seen, rng) or None, found.z
        # What the other days told is the best place to start from, now that the test is done.
        first = np.concatenate([found.z[None], first[: max(1, starts // 2)]])
    tell(f"fitting {seen.days:.1f} days")
    drawn, _ = draws_of(where, seen, first, rng, method=posterior, n=draws, threads=threads)
    notes += [*at_limit(where, drawn.mode.u[: len(NAMES)]), *doubts(drawn)]
    twin = Twin.of(timeline, drawn, group, held_out, tuple(notes))
    if not residual:
        return twin
    tell("trying the learned residual on the last day")
    name = RESIDUALS[0] if residual is True else str(residual)
    return replace(twin, residual=own_residual(name, twin.where, twin.z, seen, before))


def _check(weight_kg: float | None, starts: int) -> None:
    if weight_kg is not None and not WEIGHT.holds(weight_kg):
        raise InputError(f"weight_kg is {weight_kg:g} kg; give {WEIGHT}")
    if starts < 1:
        raise InputError(f"starts is {starts}; give at least 1")


def at_limit(where: Coordinates, z: Array) -> list[str]:
    """Return a sentence on each quantity that lies far from the prior, at coordinates z (d,)."""
    own = where.standard(z[None])[0]
    return [
        f"{MEANING[NAMES[i]]} ({NAMES[i]}) lies {own[i]:+.1f} prior standard deviations from the "
        "middle of its age group: the record asks for a body unlike its age group's"
        for i in np.flatnonzero(np.abs(own) > LIMIT_SD - 0.05).tolist()
    ]


def doubts(drawn: Sample) -> list[str]:
    """Return a sentence where the sampling did not settle."""
    if drawn.good:
        return []
    told = drawn.diagnostics
    drift = f", noise still moving by {told['drift']:.1f} of its spread" if "drift" in told else ""
    return [
        f"the sampling of the posterior did not settle (Pareto k {told['largest_k']:.2f}, "
        f"{told['distinct']} of {told['draws']} draws distinct, correlation with their start "
        f"{told['remembered']:.2f}{drift}): take its intervals as rough"
    ]


def refit(
    timeline: Timeline, where: Coordinates, group: str, *, seed: int = 0, starts: int = 2,
    posterior: str = "laplace", threads: int = THREADS,
) -> Twin:  # fmt: skip
    """Fit a twin to the last 14 days of a record about a prior that is given.

    Raises
    ------
    InputError
        If the record has no insulin or too little glucose.
    """
    seen = observe(timeline)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    first = starting_points(starts, rng)
    drawn, _ = draws_of(where, seen, first, rng, method=posterior, threads=threads)
    return Twin.of(timeline, drawn, group, None, (*timeline.notes, *seen.notes))
