"""The days between two visits: tablets taken or missed, illness, and what the body made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..physiology.engine import side_by_side
from ..physiology.pharmacokinetics import DayStep, expose
from ..therapy.formulary import CLASSES
from ..therapy.pressure_protocols import (
    LIMITS,
    kidney_injury_days,
    orthostatic,
    symptomatic_hypotension,
)
from ..therapy.sick_days import Episodes
from .blood_pressure_notes import symptom_reports
from .blood_pressure_state import WEEK, C, Episode, Lived, Orders, State
from .core import Array
from .pressure_reward import SPRINT_RANGE_MMHG

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask


def live_interval(task: BloodPressureTask, episode: Episode, state: State, orders: Orders) -> Lived:
    """Return what each lane's interval did; lanes of one length and date go together."""
    n, day, days = len(state.day), state.day, orders.days
    if (day == day[0]).all() and (days == days[0]).all():
        return _together(task, episode, state, orders, int(day[0]), int(days[0]))
    kinds, where = np.unique(np.stack([day, days], axis=1), axis=0, return_inverse=True)
    whole: Lived | None = None
    for k, (first, length) in enumerate(kinds.tolist()):
        rows = np.flatnonzero(where.reshape(-1) == k)
        part = _together(
            task, _rows(episode, rows), _rows(state, rows), _rows(orders, rows), first, length
        )
        if whole is None:
            whole = Lived._make(np.empty((n, *v.shape[1:]), v.dtype) for v in part)
        for old, new in zip(whole, part, strict=True):
            old[rows] = new
    assert whole is not None
    return whole


def _rows(record: Any, rows: Any) -> Any:
    return type(record)(*(part[rows] for part in record))


def _together(
    task: BloodPressureTask, episode: Episode, state: State, orders: Orders, first: int, days: int
) -> Lived:
    n = len(state.day)
    u = np.zeros((days, len(task.model.inputs), n))
    # A lane that is stepped after its end lives its last days over again.
    first = min(first, episode.taking.shape[1] - 1 - days)
    drugs = (orders.levels > 0).sum(axis=1)
    taken = task.adherence.taken(
        episode.taking, episode.chart[:, C["share"]], drugs, first, days, state.took
    )
    amounts = state.amounts.copy()
    mg = task.cohort.formulary.mg_of(orders.levels)
    step = DayStep(episode.phi, episode.gain, episode.read, episode.read_dose)

    def tablets(start: int, stop: int) -> None:
        expose(step, mg, taken, amounts, u, first=start, last=stop)

    side_by_side(tablets, n, task.threads)
    ill = Episodes(episode.sick_start, episode.sick_stop, episode.sick_loss)
    loss, salt = task.sick_days.daily(ill, first, days)
    u[:, len(CLASSES)] = task.sodium_intake * salt.T
    u[:, len(CLASSES) + 1] = loss.T
    body = state.body.copy()
    seen = np.empty((days, len(task.model.outputs), n))
    task.engine.advance(body, episode.params, u, seen=seen, threads=task.threads)
    return _summary(task, episode, state, body, amounts, u, seen, taken)


def _summary(
    task: BloodPressureTask, episode: Episode, state: State, body: Array, amounts: Array, u: Array,
    seen: Array, taken: Any,
) -> Lived:  # fmt: skip
    at = task.model.output_index
    sbp, dbp = seen[:, at["sbp"]], seen[:, at["dbp"]]
    up, up_dbp = seen[:, at["standing_sbp"]], seen[:, at["standing_dbp"]]
    reached = (sbp < task.target[0]) & (dbp < task.target[1]) & (sbp >= LIMITS.sbp_low_mmhg)
    low, high = SPRINT_RANGE_MMHG
    creatinine = np.concatenate([state.creatinine.T, seen[:, at["creatinine"]]]).T
    exposures = u[-WEEK:, : len(CLASSES)].mean(axis=0).T
    return Lived(
        body,
        amounts,
        seen[-1].T,
        seen.min(axis=0).T,
        seen.max(axis=0).T,
        creatinine[:, -WEEK:],
        reached.mean(axis=0),
        ((sbp >= low) & (sbp <= high)).mean(axis=0),
        symptomatic_hypotension(sbp, up).sum(axis=0).astype(np.float64),
        np.asarray(orthostatic(sbp, dbp, up, up_dbp).any(axis=0)),
        np.asarray(kidney_injury_days(creatinine)[:, WEEK:].any(axis=1)),
        symptom_reports(episode, exposures),
        taken.mean(axis=1),
        taken[:, -1],
    )
