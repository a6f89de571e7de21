"""What goes wrong in the lives of virtual people, and when: the truth that alarms are judged by.

How long faults last and how large they are is a choice of this project; a site change, a second
look at a plate or a new sensor ends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .virtual import STEP_MIN, USUAL_MEALS, Mishaps, no_mishaps

Array = NDArray[np.float64]
KINDS = (
    "occlusion", "missed_bolus", "unlogged_meal", "compression", "sensor_drift", "illness",
)  # fmt: skip
OCCLUSION_H = 8.0
MEAL_JITTER_MIN, MEAL_SEEN_H = 45, 3.0
COMPRESSION_MIN, COMPRESSION_MG_DL, COMPRESSION_RAMP_MIN = (30, 75), (30.0, 60.0), 10
DRIFT_H, DRIFT_MG_DL = (8.0, 12.0), (30.0, 50.0)
ILLNESS_LOG = float(np.log(0.7))  # a fall of sensitivity by 30 %
_DAY = 1440 // STEP_MIN


@dataclass(frozen=True)
class Episode:
    """One fault of one person; steps of five minutes since the life's start.

    Parameters
    ----------
    person : int
    kind : str
        One of ``KINDS``.
    begin, end : int
        Within these an alarm finds it.
    """

    person: int
    kind: str
    begin: int
    end: int


def plan(
    days: Sequence[Sequence[str]], first_day: int, last_step: int, rng: np.random.Generator
) -> tuple[Mishaps, tuple[Episode, ...]]:
    """Return what goes wrong, one kind a day, and the list of it.

    Parameters
    ----------
    days : sequence (n,) of sequences of str
        Each person's fault of each day from ``first_day`` on; an empty text is a calm day.
    first_day : int
    last_step : int
        Steps of the whole life.
    rng : numpy.random.Generator

    Raises
    ------
    InputError
        If a kind is unknown.
    """
    wrong = no_mishaps(last_step, len(days))
    found = []
    for person, kinds in enumerate(days):
        for number, kind in enumerate(kinds):
            if kind and kind not in KINDS:
                raise InputError(f"fault is {kind!r}; choose one of {', '.join(KINDS)}")
            if kind:
                start = (first_day + number) * _DAY
                begin, end = _MAKERS[kind](wrong, person, start, rng)
                found.append(Episode(person, kind, begin, min(end, last_step)))
    return wrong, tuple(found)


def _occlusion(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    begin = day + int(rng.integers(0, _DAY // 2))
    end = begin + round(OCCLUSION_H * 60 / STEP_MIN)
    wrong.delivered[begin:end, who] = 0.0
    return begin, end


def _meal(day: int, rng: np.random.Generator) -> tuple[slice, int]:
    usual = USUAL_MEALS[int(rng.integers(len(USUAL_MEALS)))][0]
    first = day + (usual - MEAL_JITTER_MIN) // STEP_MIN
    last = day + (usual + MEAL_JITTER_MIN) // STEP_MIN + 1
    return slice(first, last), last + round(MEAL_SEEN_H * 60 / STEP_MIN)


def _missed_bolus(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    window, end = _meal(day, rng)
    wrong.no_bolus[window, who] = True
    # Half of those who forget the bolus do not write down the meal either.
    wrong.not_logged[window, who] = rng.random() < 0.5
    return window.start, end


def _unlogged(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    window, end = _meal(day, rng)
    wrong.not_logged[window, who] = True
    return window.start, end


def _compression(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    begin = day + int(rng.integers(0, 300 // STEP_MIN))
    length = int(rng.integers(*COMPRESSION_MIN)) // STEP_MIN
    depth, ramp = rng.uniform(*COMPRESSION_MG_DL), COMPRESSION_RAMP_MIN // STEP_MIN
    at = np.arange(length)
    shape = np.minimum(np.minimum((at + 1) / ramp, (length - at) / ramp), 1.0)
    wrong.sensor_mg_dl[begin : begin + length, who] -= depth * shape
    return begin, begin + length + 30 // STEP_MIN


def _drift(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    begin = day + int(rng.integers(0, _DAY // 3))
    length = round(rng.uniform(*DRIFT_H) * 60 / STEP_MIN)
    size = rng.uniform(*DRIFT_MG_DL) * rng.choice([-1.0, 1.0])
    hold = length + round(4 * 60 / STEP_MIN)
    ramp = np.minimum(np.arange(1, hold + 1) / length, 1.0)
    inside = wrong.sensor_mg_dl[begin : begin + hold, who]
    inside += size * ramp[: len(inside)]
    return begin, begin + hold


def _illness(wrong: Mishaps, who: int, day: int, rng: np.random.Generator) -> tuple[int, int]:
    begin = day + int(rng.integers(0, _DAY))
    wrong.sensitivity[begin:, who] += ILLNESS_LOG
    return begin, len(wrong.sensitivity)


_MAKERS = {
    "occlusion": _occlusion,
    "missed_bolus": _missed_bolus,
    "unlogged_meal": _unlogged,
    "compression": _compression,
    "sensor_drift": _drift,
    "illness": _illness,
}
