"""From a rollout to the verdict of each temporal formula on each patient's course.

The first sample of a course is the end of its first interval: what was before the policy decided
anything is not its doing. Where the visits of a policy are not evenly spaced, its course is read on
an even grid; a point of it takes the values of the interval that it lies in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.constraint import ConstraintSet
from ..therapy.stl import UNKNOWN
from .subject import Examination
from .trajectory import Rollout

Array = NDArray[np.float64]


def verdict_key(item_id: str) -> str:
    """Return the name under which an item's verdicts stand among a patient's signals."""
    return f"stl:{item_id}"


def trace_columns(rules: ConstraintSet, exam: Examination, task: Any) -> tuple[str, ...]:
    """Return the log columns that the formulas of a set need, of those that the task has."""
    columns = exam.traces(rules)
    named = [name for formula in rules.formulas.values() for name in formula.signals]
    wanted = [columns[name] for name in named if name in columns]
    wanted += exam.course_columns if named else ()
    return tuple(dict.fromkeys(c for c in wanted if c in task.log_columns))


def formula_verdicts(
    run: Rollout, rules: ConstraintSet, exam: Examination, task: Any
) -> dict[str, Array]:
    """Judge every formula of a set on every course.

    Parameters
    ----------
    run : Rollout
        With the columns of :func:`trace_columns`, as far as the task has them.
    rules : ConstraintSet
    exam : Examination
    task : Task
        The one that was lived, lane i with person i.

    Returns
    -------
    dict of str to array (B,)
        By :func:`verdict_key`: 1 true, -1 false, 0 unknown, as for every course where a signal of
        the formula was not recorded.
    """
    found: dict[str, Array] = {}
    if not rules.formulas:
        return found
    derived, columns = exam.course(run, task), exam.traces(rules)
    for item_id, formula in rules.formulas.items():
        # One formula's courses at a time: together they are gigabytes.
        courses = course_traces(run, tuple(formula.signals), columns, derived)
        known = len(courses) == len(formula.signals)
        found[verdict_key(item_id)] = (
            formula.holds(courses, run.step_min).astype(np.float64)
            if known
            else np.full(len(run.names), float(UNKNOWN))
        )
    return found


def course_traces(
    run: Rollout, names: Sequence[str], columns: Mapping[str, str], derived: Mapping[str, Array]
) -> dict[str, Array]:
    """Return trace signals (B, T), evenly spaced; those that cannot be had are left out.

    Parameters
    ----------
    run : Rollout
    names : sequence of str
        The signals wanted.
    columns : mapping of str to str
        Log column of the signals that have one.
    derived : mapping of str to array (T + 1, B) or (B,)
        The other signals.
    """
    at = _even(run)
    shape = run.series["reward"].shape
    courses = {}
    for name in names:
        if columns.get(name) in run.series:
            whole = run.series[columns[name]].astype(np.float64)
        elif name in derived:
            whole = np.broadcast_to(derived[name], shape)
        else:
            continue
        courses[name] = whole[1:].T if at is None else whole[at, np.arange(shape[1])].T
    return courses


def _even(run: Rollout) -> NDArray[np.int64] | None:
    """Return the row of each point of an even grid (T, B); None where the rows are even already."""
    if "time_min" not in run.series:
        return None
    times = run.series["time_min"].astype(np.float64)
    since = times[1:] - times[0]
    if np.allclose(since.T, run.step_min * np.arange(1, len(times))):
        return None
    points = max(int(np.ceil(since[-1].max() / run.step_min - 1e-6)), 1)
    grid = run.step_min * np.arange(1, points + 1)
    rows = [np.searchsorted(lane, grid - 1e-6) + 1 for lane in since.T]
    return np.minimum(np.stack(rows, axis=1), len(times) - 1)
