"""What may be wrong, and how it changes a body or a sensor: the hypotheses run beside the filter.

Times and sizes say what is thought possible before readings are seen (project choices); the alarm
thresholds that rest upon them were set on virtual people (``anomaly_thresholds``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Hypothesis:
    """One thing that may be wrong.

    Parameters
    ----------
    name : str
    per_day : float
        How often it begins.
    hours : float
        How long it lasts, on average.
    fresh_hours : float
        How long ago an unnoticed one is thought to have begun: while a hypothesis is improbable,
        its members are renewed at this pace.
    draw : callable
        ``draw(rng, shape)`` gives the number that each member of it gets (``Ensemble['extra']``).
    longest_h : float, optional
        What it explains for longer than this was no fault: the body is as the sensor says.
    turn : int, optional
        It begins at one moment for all of its members: at each hour whose number leaves this
        remainder when divided by ``TURNS``. Other hypotheses may begin at any interval.
    """

    name: str
    per_day: float
    hours: float
    fresh_hours: float
    draw: Draw
    turn: int | None = None
    longest_h: float | None = None


def _nothing(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape)


def _grams(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.asarray(np.clip(45.0 * np.exp(0.5 * rng.standard_normal(shape)), 15.0, 150.0))


def _pressure(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return -rng.uniform(20.0, 80.0, shape)


def _ramp(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    sign = np.where(rng.random(shape) < 0.5, -1.0, 1.0)
    return np.asarray(sign * rng.uniform(0.15, 0.8, shape))


def _weaker(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return -rng.uniform(0.25, 0.8, shape)


# "No insulin has arrived since t" has a filter of its own for each hour t of the last eight, whose
# likelihood grows unmixed from t on; their probabilities are added up.
TURNS = 8
HYPOTHESES = (
    *(Hypothesis("occlusion", 0.06, 8.0, 8.0, _nothing, turn) for turn in range(TURNS)),
    Hypothesis("meal", 0.3, 3.0, 1.0, _grams),  # g, eaten at once and not logged
    Hypothesis("compression", 0.3, 0.7, 0.2, _pressure, longest_h=2.0),  # mg/dL
    Hypothesis("drift", 0.03, 12.0, 6.0, _ramp, longest_h=24.0),  # mg/dL per five minutes
    Hypothesis("illness", 0.03, 96.0, 12.0, _weaker),  # log sensitivity
)
NAMES = tuple(dict.fromkeys(h.name for h in HYPOTHESES))


def rows_of(name: str) -> tuple[int, ...]:
    """Return which of ``HYPOTHESES`` bear a name."""
    return tuple(i for i, h in enumerate(HYPOTHESES) if h.name == name)
