"""What is known of a person at a visit: readings, blood tests, symptoms, refills, and their age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..physiology.renal_function import ckd_epi_2021
from ..therapy.contraindication import Chart
from ..therapy.formulary import CLASSES
from ..therapy.pressure_protocols import LABS
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.side_effects import reported, symptoms
from .blood_pressure_state import CHART, C, Episode, Lived, N, Orders, State
from .core import Array

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask

__all__ = ["C", "N", "measured_chart", "observe", "symptom_reports", "visit"]

_LAB_SLOTS = [CLASSES.index(kind) for kind in LABS.classes]
LONGEST_WEEKS = 400.0


def measured_chart(episode: Episode, notes: Array) -> Chart:
    """Return what contraindications are judged by: the chart and the latest measurements."""
    c = episode.chart
    return Chart(
        *(c[:, C[k]] for k in ("pregnant", "asthma", "heart_block", "angioedema")),
        *(notes[:, N[k]] for k in ("heart_rate", "potassium", "sodium", "egfr")),
    )


def symptom_reports(episode: Episode, lived: Lived) -> NDArray[np.bool_]:
    """Return who has oedema, cough, another side effect: (B, 3)."""
    present = symptoms(lived.exposures, episode.traits, episode.chart[:, C["female"]])
    return reported(present)


def visit(
    task: BloodPressureTask, episode: Episode, state: State, orders: Orders, lived: Lived,
    outputs: Array, day: NDArray[np.int64], first: bool,
) -> Array:  # fmt: skip
    """Return the notes (B, N) after the visit that ends an interval."""
    old, new = state.notes, state.notes.copy()
    lanes = np.arange(len(day))
    k = np.minimum(state.visit + 1, episode.device.shape[1] - 1)
    at = task.model.output_index
    draws = episode.device[lanes, k]
    if first:
        # Nobody is enrolled at a visit that did not take place.
        draws = draws.copy()
        draws[:, -1] = np.inf
    reading = task.device.apply(
        outputs[:, at["sbp"]], outputs[:, at["dbp"]], outputs[:, at["heart_rate"]],
        outputs[:, at["standing_sbp"]], outputs[:, at["standing_dbp"]],
        draws, episode.chart[:, C["white_coat"]],
    )  # fmt: skip
    came = reading.attended

    def write(name: str, value: Array) -> None:
        new[:, N[name]] = np.where(came, value, old[:, N[name]])

    new[:, N["attended"]] = came
    for fresh, last, previous, value in (
        ("sbp", "sbp_1", "sbp_2", reading.sbp),
        ("dbp", "dbp_1", "dbp_2", reading.dbp),
    ):
        write(previous, value if first else old[:, N[last]])
        write(last, value if first else old[:, N[fresh]])
        write(fresh, value)
    write("heart_rate", reading.heart_rate)
    write("standing_drop", reading.standing_fall_sbp)
    write("visit_day", day.astype(np.float64))
    _changes(new, state, orders)
    _laboratory(task, episode, new, orders, outputs, day, came, k, first)
    _symptoms(episode, old, new, lived, came)
    _refills(task, episode, old, new, orders, lived, came, k)
    if first:
        episode.chart[:, C["entry_sbp"]] = reading.sbp
        new[:, N["egfr_entry"]] = new[:, N["egfr"]]
    return new


def _changes(new: Array, state: State, orders: Orders) -> None:
    """Note when the regimen, and that of drugs which need blood tests, last changed."""
    changed = orders.levels != state.levels
    now = state.day.astype(np.float64)
    new[:, N["change_day"]] = np.where(changed.any(axis=1), now, new[:, N["change_day"]])
    tested = changed[:, _LAB_SLOTS].any(axis=1)
    new[:, N["lab_change_day"]] = np.where(tested, now, new[:, N["lab_change_day"]])


def _laboratory(
    task: BloodPressureTask, episode: Episode, new: Array, orders: Orders, outputs: Array,
    day: NDArray[np.int64], came: NDArray[np.bool_], k: NDArray[np.int64], first: bool,
) -> None:  # fmt: skip
    """Report what was drawn long enough ago, and draw what is due."""
    lab, today = task.laboratory, day.astype(np.float64)
    at = task.model.output_index
    taking = (orders.levels[:, _LAB_SLOTS] > 0).any(axis=1)
    due = LABS.due(
        today - new[:, N["lab_change_day"]], today - new[:, N["drawn_day"]],
        new[:, N["egfr"]], taking,
    )  # fmt: skip
    draw = came & (due | task.every_visit | first)
    lanes = np.arange(len(day))
    values = lab.apply(
        outputs[:, at["potassium"]], outputs[:, at["sodium"]], outputs[:, at["creatinine"]],
        episode.laboratory[lanes, k],
    )  # fmt: skip
    # A report that was still out at the last visit is in by now.
    _report(episode, new, ready=np.isfinite(new[:, N["drawn_day"]]))
    for name, value in zip(values._fields, values, strict=True):
        column = N[f"drawn_{name}"]
        new[:, column] = np.where(draw, value, new[:, column])
    new[:, N["drawn_day"]] = np.where(draw, today, new[:, N["drawn_day"]])
    if first or lab.turnaround_days == 0.0:
        # At entry the tests were made in good time before.
        _report(episode, new, ready=draw)


def _report(episode: Episode, new: Array, ready: NDArray[np.bool_]) -> None:
    fresh = ready & (new[:, N["drawn_day"]] != new[:, N["lab_day"]])
    first = fresh & ~np.isfinite(new[:, N["lab_day"]])
    before = np.where(first, new[:, N["drawn_potassium"]], new[:, N["potassium"]])
    new[:, N["potassium_before"]] = np.where(fresh, before, new[:, N["potassium_before"]])
    for name in ("potassium", "sodium", "creatinine"):
        value = np.where(fresh, new[:, N[f"drawn_{name}"]], new[:, N[name]])
        new[:, N[name]] = value
    age, female = episode.chart[:, C["age"]], episode.chart[:, C["female"]]
    creatinine = np.maximum(new[:, N["creatinine"]], 0.01)
    new[:, N["egfr"]] = np.where(fresh, ckd_epi_2021(creatinine, age, female), new[:, N["egfr"]])
    new[:, N["lab_day"]] = np.where(fresh, new[:, N["drawn_day"]], new[:, N["lab_day"]])


def _symptoms(
    episode: Episode, old: Array, new: Array, lived: Lived, came: NDArray[np.bool_]
) -> None:
    """Note what is complained of: dizziness since the last visit, the rest as of now."""
    missed = old[:, N["attended"]] == 0.0
    felt = (lived.hypotension > 0) | (missed & (old[:, N["dizzy"]] > 0))
    new[:, N["dizzy"]] = felt
    now = symptom_reports(episode, lived)
    for i, name in enumerate(("oedema", "cough", "other_symptoms")):
        new[:, N[name]] = np.where(came, now[:, i], old[:, N[name]])


def _refills(
    task: BloodPressureTask, episode: Episode, old: Array, new: Array,
    orders: Orders, lived: Lived, came: NDArray[np.bool_], k: NDArray[np.int64],
) -> None:  # fmt: skip
    """Note what the pharmacy's records show since the last visit; all is well where untreated."""
    anything = (orders.levels > 0).any(axis=1)
    days = old[:, N["days"]] + np.where(anything, orders.days, 0)
    taken = old[:, N["taken"]] + np.where(anything, lived.taken * orders.days, 0.0)
    share = np.where(days > 0, taken / np.maximum(days, 1.0), 1.0)
    errors = np.where(days > 0, episode.pharmacy[np.arange(len(k)), k], 0.0)
    shown = np.where(days > 0, task.adherence.refill(share, errors), 1.0)
    new[:, N["refill"]] = np.where(came, shown, old[:, N["refill"]])
    new[:, N["days"]] = np.where(came, 0.0, days)
    new[:, N["taken"]] = np.where(came, 0.0, taken)


def observe(
    task: BloodPressureTask, episode: Episode, levels: NDArray[np.int64], notes: Array,
    day: NDArray[np.int64],
) -> NDArray[np.float32]:  # fmt: skip
    """Return the observation (B, n) in the order and scaling of ``PRESSURE_VIEW``."""

    def weeks(since: Array) -> Array:
        return np.asarray(np.minimum((day - since) / 7.0, LONGEST_WEEKS))

    doses = task.cohort.formulary.standard_of(levels)
    note = {name: notes[:, i] for name, i in N.items()}
    mean = {k: (note[k] + note[f"{k}_1"] + note[f"{k}_2"]) / 3.0 for k in ("sbp", "dbp")}
    values = [
        note["attended"], note["sbp"], note["dbp"], note["sbp_1"], note["dbp_1"],
        mean["sbp"], mean["dbp"], note["sbp"], note["dbp"],
        note["heart_rate"], note["standing_drop"],
        note["potassium"], note["sodium"], note["creatinine"], note["egfr"],
        note["egfr"] / np.maximum(note["egfr_entry"], 1.0),
        note["potassium"] - note["potassium_before"], weeks(note["lab_day"]),
        *doses.T, (levels > 0).sum(axis=1),
        weeks(note["change_day"]), day / 7.0, weeks(note["visit_day"]), note["refill"],
        note["dizzy"], note["oedema"], note["cough"], note["other_symptoms"],
        *episode.chart[:, : CHART.index("white_coat")].T,
    ]  # fmt: skip
    table = np.stack([np.asarray(v, dtype=np.float64) for v in values], axis=1)
    stored = (table - _OFFSET) / _SCALE
    return np.clip(stored.astype(np.float32), PRESSURE_VIEW.low, PRESSURE_VIEW.high)


_OFFSET = np.array([f.offset for f in PRESSURE_VIEW.features])
_SCALE = np.array([f.scale for f in PRESSURE_VIEW.features])
