"""From an action to the regimen that is really given, and which actions a chart permits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES
from . import blood_pressure_notes as notes
from .blood_pressure_state import Episode, Flags, N, Orders, State, Whole
from .core import Array

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask

INTERVALS: Final = (14, 28, 56, 84)
"""Days between visits among which the action chooses with ``interval_days="chosen"``."""


def orders_of(task: BloodPressureTask, episode: Episode, state: State, action: Array) -> Orders:
    """Turn actions (B, A) into regimens: refuse what is contraindicated, keep that of absentees."""
    asked, now = levels_of(task, action), state.levels
    regimen, interval = asked[:, : len(CLASSES)], _interval(task, asked)
    came = state.notes[:, N["attended"]] > 0.0
    chart = notes.measured_chart(episode, state.notes)
    safe, rule = task.screen.enforce(now, regimen, chart)
    chosen = safe if task.enforce else regimen
    if task.max_changes is not None:
        chosen = _at_most(now, chosen, task.max_changes)
        if task.enforce:
            # What a contraindication takes away is no change of the controller's.
            chosen, _ = task.screen.enforce(now, chosen, chart)
    chosen = np.where(came[:, None], chosen, now)
    applied = np.concatenate([chosen, asked[:, len(CLASSES) :]], axis=1)
    return Orders(
        chosen,
        np.clip(episode.end_day - state.day, 1, interval),
        (rule >= 0).any(axis=1) & came,
        (chosen != regimen).any(axis=1),
        action.astype(task.action_space.dtype),
        actions_of(task, applied),
    )


def levels_of(task: BloodPressureTask, action: Array) -> Whole:
    """Return levels (B, A) of actions (B, A).

    Raises
    ------
    InputError
        If an action is not of the action space.
    """
    if task.mode == "box":
        with np.errstate(invalid="ignore"):
            wrong = ~(np.abs(action) <= 1.0)
        if wrong.any():
            _refuse(action, wrong, "every entry must be a number within [-1, 1]")
        return np.rint(0.5 * (action + 1.0) * (task.nvec - 1)).astype(np.int64)
    wrong = ~((action >= 0) & (action < task.nvec) & (action == np.floor(action)))
    if wrong.any():
        levels = ", ".join(str(n - 1) for n in task.nvec)
        _refuse(action, wrong, f"give whole numbers from 0 to {levels}")
    return action.astype(np.int64)


def _refuse(action: Array, wrong: Any, mend: str) -> None:
    lane = int(np.argmax(wrong.any(axis=1)))
    whose = f" of lane {lane}" if len(action) > 1 else ""
    raise InputError(f"action{whose} is {action[lane].tolist()}; {mend}")


def actions_of(task: BloodPressureTask, levels: Whole) -> Any:
    """Return the actions (B, A) that mean these levels (B, A): the inverse of ``levels_of``."""
    if task.mode == "box":
        return (2.0 * levels / (task.nvec - 1) - 1.0).astype(np.float32)
    return levels


def _interval(task: BloodPressureTask, asked: Whole) -> Any:
    if task.interval_days:
        return np.full(len(asked), task.interval_days, dtype=np.int64)
    return np.array(INTERVALS, dtype=np.int64)[asked[:, -1]]


def _at_most(now: Whole, wanted: Whole, most: int) -> Whole:
    """Return regimens with at most so many classes changed, reductions before increases."""
    change = wanted - now
    rank = np.argsort(np.where(change < 0, 0, np.where(change > 0, 1, 2)), axis=1, kind="stable")
    place = np.argsort(rank, axis=1)
    return np.where(place < most, wanted, now)


def masks_of(task: BloodPressureTask, episode: Episode, state: State) -> Flags:
    """Return which single choices are permitted, (B, sum of levels).

    A choice is judged against the present regimen; at a missed visit only that is permitted.
    """
    mask = task.screen.allowed(state.levels, notes.measured_chart(episode, state.notes))
    missed = np.flatnonzero(state.notes[:, N["attended"]] == 0.0)
    if len(missed):
        mask[missed] = task.level_table == state.levels[missed][:, task.slot_table]
    if not task.interval_days:
        free = np.ones((len(mask), len(INTERVALS)), dtype=np.bool_)
        mask = np.concatenate([mask, free], axis=1)
    return mask
