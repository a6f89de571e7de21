"""The verdict on an interval between visits: the new state, costs, reward, what is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from ..therapy.formulary import CLASSES
from ..therapy.pressure_protocols import LIMITS, electrolyte_event
from . import blood_pressure_notes as about
from .blood_pressure_orders import masks_of
from .blood_pressure_state import C, Episode, Lived, N, Orders, State
from .core import Array, Step
from .pressure_reward import LOST, risk_reward

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask

LOG: Final = (
    *("sbp_below_100", "potassium_high", "potassium_low", "egfr_drop", "bradycardia"),
    *("orthostatic", "contraindicated"),
    *("cost", "episode_cost", "time_min", "limited"),
    *("sbp_mmhg", "dbp_mmhg", "heart_rate_bpm", "standing_drop_mmhg", "potassium_mmol_l"),
    *("sodium_mmol_l", "creatinine_mg_dl", "egfr", "lowest_sbp_mmhg", "in_target", "control"),
    *("measured_sbp_mmhg", "measured_dbp_mmhg", "n_drugs", "standard_doses", "adherence"),
    *("hypotension", "oedema", "cough", "other_symptoms", "kidney_injury", "electrolyte_event"),
    *("attended", "interval_days", "highest_potassium", "lowest_potassium", "lowest_sodium"),
    *("lowest_heart_rate", "egfr_ratio"),
    *(f"dose_{kind}" for kind in CLASSES),
)
"""Columns of ``Step.log``: costs, bookkeeping, then the truth."""
N_COSTS: Final = 7


def verdict(
    task: BloodPressureTask, episode: Episode, state: State, orders: Orders, lived: Lived,
    first: bool,
) -> tuple[State, Step]:  # fmt: skip
    """Return the new state and the Step at the visit that ends the interval."""
    n = len(state.day)
    day = state.day + orders.days
    notes = about.visit(task, episode, state, orders, lived, day, first)
    events = _events(task, episode, orders, lived)
    costs = np.stack([events[name] for name in LOG[:N_COSTS]], axis=1)
    cost = costs.sum(axis=1)
    if first:
        costs, cost = costs * 0.0, cost * 0.0
    total = state.episode_cost + cost
    new = State(
        lived.body, lived.amounts, lived.outputs, orders.levels, day, state.visit + 1, lived.took,
        notes, lived.creatinine, total,
    )  # fmt: skip
    over = _over(task, lived) & (not first)
    done = (day >= episode.end_day) & ~over & (not first)
    left = np.where(over, episode.end_day - day, 0.0)
    reward = np.zeros(n) if first else _reward(task, episode, orders, lived, events, left)
    log = _log(task, orders, lived, notes, events, day)
    log[:, :N_COSTS] = costs
    log[:, N_COSTS], log[:, N_COSTS + 1] = cost, total
    log[:, N_COSTS + 3] = 0.0 if first else orders.limited
    view = about.observe(task, episode, orders.levels, notes, day)
    mask = masks_of(task, episode, new)
    return new, Step(view, reward, over, done, orders.proposed, orders.applied, log, mask)


def _over(task: BloodPressureTask, lived: Lived) -> np.ndarray:
    if task.terminate is None:
        return np.zeros(len(lived.taken), dtype=np.bool_)
    sbp = task.model.output_index["sbp"]
    low, high = task.terminate
    return np.asarray((lived.lowest[:, sbp] < low) | (lived.highest[:, sbp] > high))


def _events(
    task: BloodPressureTask, episode: Episode, orders: Orders, lived: Lived
) -> dict[str, Array]:
    """Return costs and harms of the interval, 0 or 1 each (days with symptoms for hypotension)."""
    at = task.model.output_index

    def low(name: str) -> Array:
        return lived.lowest[:, at[name]]

    def high(name: str) -> Array:
        return lived.highest[:, at[name]]

    least = low("egfr") / episode.chart[:, C["egfr0"]]
    salts = electrolyte_event(low("sodium"), low("potassium")) | electrolyte_event(
        low("sodium"), high("potassium")
    )
    events = {
        "sbp_below_100": low("sbp") < LIMITS.sbp_low_mmhg,
        "potassium_high": high("potassium") > LIMITS.potassium_high,
        "potassium_low": low("potassium") < LIMITS.potassium_low,
        "egfr_drop": least <= 1.0 - LIMITS.egfr_drop_share,
        "bradycardia": low("heart_rate") < LIMITS.heart_rate_low_bpm,
        "orthostatic": lived.orthostatic,
        "contraindicated": orders.refused,
        "hypotension": lived.hypotension,
        "oedema": lived.symptoms[:, 0],
        "cough": lived.symptoms[:, 1],
        "other_symptoms": lived.symptoms[:, 2],
        "kidney_injury": lived.injury,
        "electrolyte_event": salts,
        "egfr_ratio": least,
    }
    return {name: np.asarray(value, dtype=np.float64) for name, value in events.items()}


def _reward(
    task: BloodPressureTask, episode: Episode, orders: Orders, lived: Lived,
    events: dict[str, Array], left: Array,
) -> Array:  # fmt: skip
    """Return the reward (B,); ``left`` are the days that a death takes, 0 while alive."""
    if task.reward == "time_in_target":
        reward = lived.in_target.copy()
    elif task.reward == "sprint":
        reward = lived.in_sprint.copy()
    else:
        sbp = lived.outputs[:, task.model.output_index["sbp"]]
        drugs = (orders.levels > 0).sum(axis=1).astype(np.float64)
        untreated = episode.chart[:, C["untreated_sbp"]]
        days = orders.days.astype(np.float64)
        reward = risk_reward(sbp, untreated, events, drugs, days) - LOST * left / 28.0
    for name, weight in (task.cost_weights or {}).items():
        reward = reward - weight * events[name]
    return reward


def _log(
    task: BloodPressureTask, orders: Orders, lived: Lived, notes: Array,
    events: dict[str, Array], day: np.ndarray,
) -> Array:  # fmt: skip
    at = task.model.output_index
    doses = task.cohort.formulary.standard_of(orders.levels)
    now = {name: lived.outputs[:, i] for name, i in at.items()}
    values = {
        **events,
        "time_min": 1440.0 * day,
        "sbp_mmhg": now["sbp"],
        "dbp_mmhg": now["dbp"],
        "heart_rate_bpm": now["heart_rate"],
        "standing_drop_mmhg": now["sbp"] - now["standing_sbp"],
        "potassium_mmol_l": now["potassium"],
        "sodium_mmol_l": now["sodium"],
        "creatinine_mg_dl": now["creatinine"],
        "egfr": now["egfr"],
        "lowest_sbp_mmhg": lived.lowest[:, at["sbp"]],
        "in_target": lived.in_target,
        "control": (now["sbp"] < LIMITS.control_sbp_mmhg) & (now["dbp"] < LIMITS.control_dbp_mmhg),
        "measured_sbp_mmhg": notes[:, N["sbp"]],
        "measured_dbp_mmhg": notes[:, N["dbp"]],
        "n_drugs": (orders.levels > 0).sum(axis=1),
        "standard_doses": doses.sum(axis=1),
        "adherence": lived.taken,
        "attended": notes[:, N["attended"]],
        "interval_days": orders.days,
        "highest_potassium": lived.highest[:, at["potassium"]],
        "lowest_potassium": lived.lowest[:, at["potassium"]],
        "lowest_sodium": lived.lowest[:, at["sodium"]],
        "lowest_heart_rate": lived.lowest[:, at["heart_rate"]],
        **{f"dose_{kind}": doses[:, i] for i, kind in enumerate(CLASSES)},
    }
    log = np.zeros((len(day), len(LOG)))
    for i, name in enumerate(LOG):
        if name in values:
            log[:, i] = values[name]
    return log
