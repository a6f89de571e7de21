"""Whether a record holds enough to say something from it.

The gates are those that Tidepool's reports use (tidepool-org/viz): a day for anything at all, a
week at 70 % wear for the modal day, two weeks at 70 % wear for the GMI.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .series import Floats
from .timeline import Timeline

LONGEST_SAMPLE_S = 15 * 60.0  # no sensor samples slower; longer gaps count as not worn
ACTIVE_HOURS = 1.0
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Gate:
    """What one output needs.

    Parameters
    ----------
    output : str
    days : float
        Days with at least an hour of readings; for the first gate, days from end to end.
    wear : float
        Mean share of the time worn, over the best `days` days.
    needs_inputs : bool
        Insulin and carbohydrate as well as glucose.
    source : str
    """

    output: str
    days: float
    wear: float = 0.0
    needs_inputs: bool = False
    source: str = "Tidepool viz"


GATES = (
    Gate("summary", days=1),
    Gate("professional reading (CPT 95251)", days=3),
    Gate("modal day", days=7, wear=0.7),
    Gate("GMI", days=14, wear=0.7),
    Gate("twin", days=1, wear=0.7, needs_inputs=True, source="ours"),
)
LOGGED_HOURS = 18.0  # ours: less than most of a day leaves too much of the insulin unknown


@dataclass(frozen=True)
class GateResult:
    """Whether one output may be shown, and if not, why."""

    output: str
    passed: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Sufficiency:
    """What a record is good for.

    Parameters
    ----------
    days : float
        From the first to the last reading, the last one's interval included.
    wear_fraction : float
        Share of that time covered by readings.
    has_insulin, has_carbs : bool
    reasons_insufficient : tuple of str
        Why no twin can be fitted; empty where one can.
    active_days : int
        Local days with at least an hour of readings.
    gates : tuple of GateResult
    """

    days: float
    wear_fraction: float
    has_insulin: bool
    has_carbs: bool
    reasons_insufficient: tuple[str, ...]
    active_days: int
    gates: tuple[GateResult, ...]

    def allows(self, output: str) -> bool:
        """Tell whether one of the outputs of `GATES` may be shown."""
        return next(gate.passed for gate in self.gates if gate.output == output)


def assess(timeline: Timeline) -> Sufficiency:
    """Judge a record against every gate.

    Parameters
    ----------
    timeline : Timeline

    Returns
    -------
    Sufficiency
    """
    days = timeline.span_days
    covered = covered_seconds(timeline.glucose.time_s)
    wear = float(min(covered.sum() / (days * 86400.0), 1.0)) if days > 0 else 0.0
    daily = _hours_by_day(timeline, covered)
    has_insulin = len(timeline.boluses) > 0 or len(timeline.long_acting) > 0
    has_insulin = has_insulin or (
        timeline.basal is not None and bool((timeline.basal.u_per_h > 0).any())
    )
    results = []
    for gate in GATES:
        reasons = [
            *_source_reasons(gate, timeline),
            *_time_reasons(gate, days, wear, daily),
            *_need_reasons(gate, timeline, has_insulin),
        ]
        results.append(GateResult(gate.output, not reasons, tuple(reasons)))
    return Sufficiency(
        days=days,
        wear_fraction=wear,
        has_insulin=has_insulin,
        has_carbs=len(timeline.meals) > 0,
        reasons_insufficient=results[-1].reasons,
        active_days=int(np.sum(daily >= ACTIVE_HOURS)),
        gates=tuple(results),
    )


def _source_reasons(gate: Gate, timeline: Timeline) -> list[str]:
    """Say that finger sticks do not stand in for a sensor."""
    if timeline.glucose_source == "sensor":
        return []
    sticks = len(timeline.glucose) / max(timeline.span_days, 1.0)
    return [
        f"sensor: the record holds {sticks:.1f} finger sticks a day, the {gate.output} needs a "
        "sensor's readings"
    ]


def _need_reasons(gate: Gate, timeline: Timeline, has_insulin: bool) -> list[str]:
    """Return which inputs are missing."""
    if not gate.needs_inputs:
        return []
    reasons = []
    logged = _logged_hours(timeline)
    if not has_insulin:
        reasons.append("insulin: the record holds no bolus, injection or basal rate; add them")
    elif 0 < logged < LOGGED_HOURS:
        reasons.append(
            f"insulin: the delivery log covers {logged:.1f} h, the {gate.output} needs "
            f"{LOGGED_HOURS:g} h; export a longer period of doses"
        )
    if len(timeline.meals) == 0:
        reasons.append("carbohydrates: the record holds no meal; add the grams eaten")
    return reasons


def _logged_hours(timeline: Timeline) -> float:
    """Return the hours of basal delivery that a log vouches for."""
    basal = timeline.basal
    if basal is None:
        return 0.0
    return float((basal.end_s - basal.start_s)[~basal.assumed].sum() / 3600.0)


def covered_seconds(time_s: Floats) -> Floats:
    """Return the time that each reading stands for.

    A reading covers the gap to the next one where that gap is the sensor's rhythm (the median of
    the neighbouring gaps, at most 15 min), else just one beat of it: sensors of 1, 5 and 15 min
    in one record each count right.

    Parameters
    ----------
    time_s : array (n,), seconds, ascending

    Returns
    -------
    array (n,), s
    """
    if time_s.size < 2:
        return np.full(time_s.size, 300.0)
    from scipy.ndimage import median_filter

    gaps = np.diff(time_s)
    beat = np.minimum(median_filter(gaps, size=13, mode="nearest"), LONGEST_SAMPLE_S)
    covered = np.where(gaps <= 1.5 * beat, gaps, beat)
    return np.append(covered, beat[-1])


def _hours_by_day(timeline: Timeline, covered: Floats) -> Floats:
    """Return the hours of readings on each local day, most first."""
    time = timeline.glucose.time_s
    minute = timeline.local_minute_of_day(time)
    midnight = np.round((time - minute * 60.0) / 3600.0)  # local midnights differ by clock changes
    _, day = np.unique(midnight, return_inverse=True)
    hours = np.bincount(day.reshape(-1), weights=covered / 3600.0)
    return np.asarray(np.sort(hours)[::-1], dtype=float)


def _time_reasons(gate: Gate, days: float, wear: float, daily: Floats) -> list[str]:
    """Return what is missing in length and wear."""
    more = "export a longer period"
    if days < 1 - TOLERANCE:
        return [f"length: {days * 24:.1f} h of glucose, the {gate.output} needs 24 h; {more}"]
    active = int(np.sum(daily >= ACTIVE_HOURS))
    if gate.days > 1 and active < gate.days:
        need = f"the {gate.output} needs {gate.days:g}"
        return [f"length: {active} days with an hour of glucose, {need}; {more}"]
    # One day may straddle midnight, so the whole record speaks for it as well.
    whole = wear if gate.days <= 1 else 0.0
    best = max(whole, float(daily[: int(gate.days)].sum() / (24.0 * gate.days)))
    if best < gate.wear - TOLERANCE:
        return [
            f"wear: readings cover {best:.0%} of the best {gate.days:g} days, the {gate.output} "
            f"needs {gate.wear:.0%}; {more}"
        ]
    return []
