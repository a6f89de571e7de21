"""What is known of a person at a visit: readings, blood tests, symptoms, refills, and their age."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..physiology.renal_function import ckd_epi_2021
from ..therapy.contraindication import Chart
from ..therapy.formulary import CLASSES
from ..therapy.pressure_measurement import MISSED, Reading
from ..therapy.pressure_protocols import LABS
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.side_effects import reported, symptoms
from .blood_pressure_state import (
    CHART,
    NOTES,
    C,
    Episode,
    Flags,
    Lived,
    N,
    Orders,
    State,
    Whole,
)
from .core import Array

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask

_LAB_SLOTS = [CLASSES.index(kind) for kind in LABS.classes]
LONGEST_WEEKS = 400.0


def measured_chart(episode: Episode, notes: Array) -> Chart:
    """Return what contraindications are judged by: the chart and the latest measurements."""
    c = episode.chart
    return Chart(
        *(c[:, C[k]] for k in ("pregnant", "asthma", "heart_block", "angioedema")),
        *(notes[:, N[k]] for k in ("heart_rate", "potassium", "sodium", "egfr")),
    )


def symptom_reports(episode: Episode, exposures: Array) -> Flags:
    """Return who has oedema, cough, another side effect at exposures (B, 6): (B, 3)."""
    return reported(symptoms(exposures, episode.traits, episode.chart[:, C["female"]]))


def visit(
    task: BloodPressureTask, episode: Episode, state: State, orders: Orders, lived: Lived,
    day: Whole, first: bool,
) -> Array:  # fmt: skip
    """Return the notes (B, N) after the visit that ends an interval."""
    old, new = state.notes, state.notes.copy()
    k = np.minimum(state.visit + 1, episode.device.shape[1] - 1)
    reading = _measure(task, episode, lived, day, k, first)
    came = reading.attended

    def write(name: str, value: Array) -> None:
        new[:, N[name]] = np.where(came, value, old[:, N[name]])

    new[:, N["attended"]] = came
    for fresh, value in (("sbp", reading.sbp), ("dbp", reading.dbp)):
        last, previous = f"{fresh}_1", f"{fresh}_2"
        write(previous, value if first else old[:, N[last]])
        write(last, value if first else old[:, N[fresh]])
        write(fresh, value)
    write("heart_rate", reading.heart_rate)
    write("standing_drop", reading.standing_fall_sbp)
    write("visit_day", day.astype(np.float64))
    write("readings", old[:, N["readings"]] + 1.0)
    _changes(new, state, orders)
    _laboratory(task, episode, new, orders, lived, day, came, k, first)
    _symptoms(old, new, lived, came)
    _refills(task, episode, old, new, orders, lived, came, k)
    if first:
        episode.chart[:, C["entry_sbp"]] = reading.sbp
        new[:, N["egfr_entry"]] = new[:, N["egfr"]]
    return new


def _measure(
    task: BloodPressureTask, episode: Episode, lived: Lived, day: Whole, k: Whole, first: bool
) -> Reading:
    """Return the readings of the visit ``k`` of each lane."""
    at, true = task.model.output_index, lived.outputs
    draws = episode.device[np.arange(len(k)), k]
    if first:
        # Nobody is enrolled at a visit that did not take place.
        draws[:, MISSED] = np.inf
    return task.device.apply(
        true[:, at["sbp"]], true[:, at["dbp"]], true[:, at["heart_rate"]],
        true[:, at["standing_sbp"]], true[:, at["standing_dbp"]],
        draws, episode.chart[:, C["white_coat"]], weeks=day / 7.0,
    )  # fmt: skip


def _changes(new: Array, state: State, orders: Orders) -> None:
    """Note when the regimen, and that of drugs which need blood tests, last changed."""
    changed = orders.levels != state.levels
    now = state.day.astype(np.float64)
    new[:, N["change_day"]] = np.where(changed.any(axis=1), now, new[:, N["change_day"]])
    tested = changed[:, _LAB_SLOTS].any(axis=1)
    new[:, N["lab_change_day"]] = np.where(tested, now, new[:, N["lab_change_day"]])


def _laboratory(
    task: BloodPressureTask, episode: Episode, new: Array, orders: Orders, lived: Lived,
    day: Whole, came: Flags, k: Whole, first: bool,
) -> None:  # fmt: skip
    """Report what was drawn long enough ago, and draw what is due."""
    lab, today, drawn = task.laboratory, day.astype(np.float64), new[:, N["drawn_day"]]
    out = np.isfinite(drawn) & (drawn != new[:, N["lab_day"]])
    in_time = today - drawn >= lab.turnaround_days
    _report(episode, new, ready=out & in_time)
    taking = (orders.levels[:, _LAB_SLOTS] > 0).any(axis=1)
    due = LABS.due(today - new[:, N["lab_change_day"]], today - drawn, new[:, N["egfr"]], taking)
    # While one report is still out nobody draws again.
    draw = came & (due | task.every_visit | first) & ~(out & ~in_time)
    at, true = task.model.output_index, lived.outputs
    values = lab.apply(
        true[:, at["potassium"]], true[:, at["sodium"]], true[:, at["creatinine"]],
        episode.laboratory[np.arange(len(day)), k],
    )  # fmt: skip
    for name, value in zip(values._fields, values, strict=True):
        column = N[f"drawn_{name}"]
        new[:, column] = np.where(draw, value, new[:, column])
    new[:, N["drawn_day"]] = np.where(draw, today, drawn)
    if first or lab.turnaround_days == 0.0:
        # At entry the tests were made in good time before.
        _report(episode, new, ready=draw)


def _report(episode: Episode, new: Array, ready: Flags) -> None:
    """Note the values drawn last of those whose report is ready and was not known before."""
    if not ready.any():
        return
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


def _symptoms(old: Array, new: Array, lived: Lived, came: Flags) -> None:
    """Note what is complained of: dizziness since the last attended visit, the rest as of now."""
    felt = (old[:, N["felt_dizzy"]] > 0.0) | (lived.hypotension > 0.0)
    new[:, N["felt_dizzy"]] = felt & ~came
    new[:, N["dizzy"]] = np.where(came, felt, old[:, N["dizzy"]])
    for i, name in enumerate(("oedema", "cough", "other_symptoms")):
        new[:, N[name]] = np.where(came, lived.symptoms[:, i], old[:, N[name]])
        new[:, N[f"{name}_ever"]] = np.maximum(old[:, N[f"{name}_ever"]], new[:, N[name]])


def _refills(
    task: BloodPressureTask, episode: Episode, old: Array, new: Array,
    orders: Orders, lived: Lived, came: Flags, k: Whole,
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
    task: BloodPressureTask, episode: Episode, levels: Whole, notes: Array,
    day: Whole,
) -> NDArray[np.float32]:  # fmt: skip
    """Return the observation (B, n) in the order and scaling of ``PRESSURE_VIEW``."""

    def weeks(since: Array) -> Array:
        return np.asarray(np.minimum((day - since) / 7.0, LONGEST_WEEKS))

    doses = task.cohort.formulary.standard_of(levels)
    note = dict(zip(NOTES, np.ascontiguousarray(notes.T), strict=True))
    rows = (
        note["attended"], note["sbp"], note["dbp"], note["sbp_1"], note["dbp_1"],
        _mean_of_three(note, "sbp"), _mean_of_three(note, "dbp"), note["sbp"], note["dbp"],
        note["heart_rate"], note["standing_drop"],
        note["potassium"], note["sodium"], note["creatinine"], note["egfr"],
        note["egfr"] / np.maximum(note["egfr_entry"], 1.0),
        note["potassium"] - note["potassium_before"], weeks(note["lab_day"]),
        *doses.T, (levels > 0).sum(axis=1),
        weeks(note["change_day"]), day / 7.0, weeks(note["visit_day"]), note["refill"],
        note["dizzy"], note["oedema"], note["cough"], note["other_symptoms"],
        note["oedema_ever"], note["cough_ever"], note["other_symptoms_ever"],
    )  # fmt: skip
    table = np.empty((len(PRESSURE_VIEW.features), len(day)))
    for i, row in enumerate(rows):
        table[i] = row
    table[len(rows) :] = episode.chart[:, :_SEEN].T
    stored = ((table - _OFFSET) / _SCALE).astype(np.float32).T
    seen: NDArray[np.float32] = np.ascontiguousarray(stored)
    return np.clip(seen, PRESSURE_VIEW.low, PRESSURE_VIEW.high, out=seen)


def _mean_of_three(note: dict[str, Array], name: str) -> Array:
    """Return the mean of the last three readings, or of those there are."""
    n = np.minimum(note["readings"], 3.0)
    second, third = note[f"{name}_1"] * (n >= 2.0), note[f"{name}_2"] * (n >= 3.0)
    return np.asarray((note[name] + second + third) / n)


_SEEN = CHART.index("white_coat")
_OFFSET = np.array([[f.offset] for f in PRESSURE_VIEW.features])
_SCALE = np.array([[f.scale] for f in PRESSURE_VIEW.features])
