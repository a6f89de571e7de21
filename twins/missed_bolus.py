"""Meals without insulin, as the record itself shows them."""

from __future__ import annotations

import numpy as np

from .stream_grid import Steps

# Project choices: what is a meal (not the treatment of a low), and how long insulin may wait.
MEAL_G, LOW_MG_DL = 20.0, 80.0
BEFORE_STEPS, AFTER_STEPS, SEEN_STEPS = 6, 9, 30
RISE_MG_DL = 25.0
SMALLEST_BOLUS_U = 0.3
HABIT_STEPS = 3 * 288
EVIDENT_BEFORE, EVIDENT_AFTER = 24, 1


def logged_without_bolus(steps: Steps, k: int) -> tuple[int, float] | None:
    """Return the step of a logged meal without a bolus, and the rise since, mg/dL; None if none.

    Only where boluses are a habit of the record, and once glucose has begun to rise.
    """
    if not steps.bolus_u[max(0, k - HABIT_STEPS) : k + 1].any():
        return None
    first = max(0, k - SEEN_STEPS)
    for at in range(first, k - AFTER_STEPS + 1):
        if steps.counted_g[at] < MEAL_G:
            continue
        around = slice(max(0, at - BEFORE_STEPS), at + AFTER_STEPS + 1)
        if steps.bolus_u[around].sum() >= SMALLEST_BOLUS_U:
            continue
        then = _last(steps.reading[max(0, at - BEFORE_STEPS) : at + 1])
        now = _last(steps.reading[max(0, k - 2) : k + 1])
        if then >= LOW_MG_DL and now - then >= RISE_MG_DL:
            return at, now - then
    return None


def evident_without_bolus(steps: Steps, k: int) -> bool:
    """Tell whether no bolus was logged in the two hours in which a meal has become evident."""
    recent = slice(max(0, k - EVIDENT_BEFORE), k + EVIDENT_AFTER)
    return bool(steps.bolus_u[recent].sum() < SMALLEST_BOLUS_U)


def _last(values: np.ndarray) -> float:
    there = values[np.isfinite(values)]
    return float(there[-1]) if len(there) else float("nan")
