"""Alarms before lows: when one sounds, whether it was right, and how much time it gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..therapy.protocols import EPISODES
from .hypo_risk import Risks

Array = NDArray[np.float64]
# Published: 0.29 false alarms a day, F1 75 %, 15 min gained (11 people; abstract, [unverified]).
FALSE_A_DAY = 0.29
# An alarm is right if a low reading comes within 45 min: 30 told, 15 of grace (project choice).
RIGHT_WITHIN_MIN = 45.0
# An event this soon after telling began could not have been foretold in time (project choice).
RUN_IN_MIN = 30.0
LONGEST_GAP_MIN = 15.0


@dataclass(frozen=True)
class AlarmScore:
    """Alarms of some people.

    Parameters
    ----------
    lows, found : int
        Events of 15 minutes or more that began, and those that an alarm came before.
    alarms, right : int
        Alarms, and those that a low reading followed within 45 minutes.
    days : float
        With readings.
    lead_min : float
        Median time from the first right alarm to its low; NaN without one.
    """

    lows: int
    found: int
    alarms: int
    right: int
    days: float
    lead_min: float

    @property
    def recall(self) -> float:
        """Share of lows found."""
        return self.found / self.lows if self.lows else float("nan")

    @property
    def precision(self) -> float:
        """Share of alarms that were right."""
        return self.right / self.alarms if self.alarms else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision; 0 where nothing was found."""
        if not self.lows or not self.alarms or not self.found or not self.right:
            return 0.0
        return 2.0 / (1.0 / self.recall + 1.0 / self.precision)

    @property
    def false_a_day(self) -> float:
        """False alarms per day."""
        return (self.alarms - self.right) / self.days if self.days else float("nan")


def sounded(told: Risks, threshold: float) -> Array:
    """Return the times of alarms, s: the risk reaches the threshold while glucose is not low.

    After an alarm there is quiet for as long as it may still prove right, and until the risk has
    once been below the threshold.
    """
    out: list[float] = []
    armed = True
    for time, glucose, chance in zip(told.time_s, told.glucose, told.chance, strict=True):
        if out and time - out[-1] <= RIGHT_WITHIN_MIN * 60.0:
            continue
        if chance < threshold:
            armed = True
        elif armed and glucose >= told.below:
            out.append(float(time))
            armed = False
    return np.array(out)


def begun(told: Risks) -> Array:
    """Return the times at which low-glucose events began, s.

    As ``episodes.count_episodes`` counts them: at least 15 minutes below, after at least 15 that
    were not. One that was there when telling began, or came within half an hour, is left out.
    """
    time, low = told.time_s, told.glucose < told.below
    if not len(time):
        return np.zeros(0)
    each = np.minimum(np.diff(time, append=time[-1] + 300.0), LONGEST_GAP_MIN * 60.0) / 60.0
    change = np.flatnonzero(np.diff(low)) + 1
    first, last = np.append(0, change), np.append(change, len(low))
    out: list[float] = []
    inside = False
    for a, b in zip(first.tolist(), last.tolist(), strict=True):
        minutes = float(each[a:b].sum())
        if low[a] and minutes >= EPISODES.begin_min and not inside:
            out.append(float(time[a]))
            inside = True
        elif not low[a] and minutes >= EPISODES.end_min:
            inside = False
    return np.array([t for t in out if t > time[0] + RUN_IN_MIN * 60.0])


def judge_alarms(told: Sequence[Risks], threshold: float) -> AlarmScore:
    """Judge the alarms of several people at one threshold."""
    lows = found = alarms = right = 0
    days, lead = 0.0, []
    for one in told:
        sound, starts = sounded(one, threshold), begun(one)
        within = RIGHT_WITHIN_MIN * 60.0
        wait = starts[None] - sound[:, None]
        match = (wait > 0.0) & (wait <= within)
        low = one.time_s[one.glucose < one.below]
        later = low[None] - sound[:, None]
        lows, found = lows + len(starts), found + int(match.any(axis=0).sum())
        alarms = alarms + len(sound)
        right = right + int(((later > 0.0) & (later <= within)).any(axis=1).sum())
        gaps = np.minimum(np.diff(one.time_s), LONGEST_GAP_MIN * 60.0)
        days += float(gaps.sum()) / 86400.0
        lead += [float(wait[match[:, k], k].max()) / 60.0 for k in range(len(starts))
                 if match[:, k].any()]  # fmt: skip
    return AlarmScore(
        lows, found, alarms, right, days, float(np.median(lead)) if lead else float("nan")
    )


def choose_threshold(told: Sequence[Risks], false_a_day: float = FALSE_A_DAY) -> float:
    """Return the threshold of best F1 among those within a budget of false alarms.

    Parameters
    ----------
    told : sequence of Risks
        Of people on whom nothing is reported afterwards.
    false_a_day : float
        Above 1 / the days told, or no alarm at all may fit it.

    Raises
    ------
    InputError
        If no low began, so that no threshold is better than another.
    """
    if not sum(len(begun(one)) for one in told):
        raise InputError("no low began in the training people; give more people or days")
    pooled = np.concatenate([one.chance for one in told])
    tries = np.unique(np.quantile(pooled, np.concatenate([np.linspace(0.5, 0.999, 120), [1.0]])))
    judged = [(judge_alarms(told, float(t)), float(t)) for t in tries]
    within = [(s.f1, t) for s, t in judged if s.false_a_day <= false_a_day]
    return max(within)[1] if within else float(tries[-1]) + 1e-9
