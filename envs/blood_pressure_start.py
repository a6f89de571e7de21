"""How an episode of the blood-pressure task begins: who comes, on what, with which chances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..physiology.model import Model
from ..therapy.adherence import Adherence
from ..therapy.formulary import CLASSES
from ..therapy.pressure_cohort import PressureCohort
from ..therapy.prevent import prevent_risk
from ..therapy.side_effects import traits
from .blood_pressure_notes import symptom_reports
from .blood_pressure_orders import actions_of
from .blood_pressure_state import CHART, NOTES, WEEK, Episode, Lived, N, Orders, State
from .core import Array, Streams

if TYPE_CHECKING:
    from .blood_pressure import BloodPressureTask


def cohort_charts(cohort: PressureCohort, adherence: Adherence, model: Model) -> Array:
    """Return what is known of each person (people, C); ``entry_sbp`` is filled in by a visit."""
    c = cohort.patients.covariates
    n = len(cohort)
    risk = prevent_risk(
        age_years=c["age_years"], female=c["female"], sbp=c["untreated_sbp"],
        total_cholesterol_mg_dl=c["total_cholesterol_mg_dl"], hdl_mg_dl=c["hdl_mg_dl"],
        bmi=c["bmi"], egfr=c["egfr0"], diabetes=c["diabetes"], smoker=c["smoker"],
        treated=np.zeros(n), statin=c["statin"], beyond="nearest",
    )  # fmt: skip
    known: dict[str, Any] = {
        "age": c["age_years"],
        "female": c["female"],
        "bmi": c["bmi"],
        "diabetes": c["diabetes"],
        "cvd": c["cvd"],
        "smoker": c["smoker"],
        "egfr0": c["egfr0"],
        "risk_10y": risk,
        **{k: c[k] for k in ("pregnant", "asthma", "heart_block", "angioedema", "gout")},
        "entry_sbp": np.zeros(n),
        "entry_drugs": (cohort.entry > 0).sum(axis=1),
        "white_coat": c["white_coat_mmhg"],
        "share": adherence.share(c["adherence_trait"]),
        "untreated_sbp": c["untreated_sbp"],
        "creatinine0": cohort.patients.params[:, model.parameter_index["creatinine0"]],
    }
    return np.stack([np.asarray(known[name], dtype=np.float64) for name in CHART], axis=1)


def draw_episode(
    task: BloodPressureTask, streams: Sequence[Streams], lanes: Sequence[int]
) -> Episode:
    """Draw everything that chance decides in an episode, each lane from its own streams."""
    days = task.days + task.spare_days
    visits = task.n_steps + 2
    if task.by_lane:
        person = np.asarray(lanes, dtype=np.int64) % len(task.cohort)
    else:
        picks = np.array([s.patient.random() for s in streams])
        person = (picks * len(task.cohort)).astype(np.int64)
    device = np.stack([task.device.draws(s.sensor, visits) for s in streams])
    laboratory = np.stack([task.laboratory.draws(s.device, visits) for s in streams])
    pharmacy = np.stack([s.device.standard_normal(visits) for s in streams])
    taking = np.stack([task.adherence.draws(s.scenario, days) for s in streams])
    sick = np.stack([task.sick_days.draws(s.scenario, days) for s in streams])
    # Susceptibility belongs to the person, but a virtual person lives many lives.
    kinds = np.stack([traits(s.patient) for s in streams])
    chart = task.charts[person].copy()
    ill = task.sick_days.episodes(sick, chart[:, CHART.index("age")])
    step = task.day_step
    return Episode(
        person,
        task.cohort.patients.params[person],
        chart,
        device,
        laboratory,
        pharmacy,
        taking,
        ill.start,
        ill.stop,
        ill.loss,
        kinds,
        step.phi[person],
        step.gain[person],
        step.read[person],
        step.read_dose[person],
        np.full(len(person), task.days, dtype=np.int64),
    )


def first_state(task: BloodPressureTask, episode: Episode) -> tuple[State, Orders, Lived]:
    """Return the state before the first visit, as if an interval of length zero had just ended."""
    n = len(episode.person)
    body, amounts, exposures = (part[episode.person] for part in task.settled)
    entry = task.cohort.entry[episode.person]
    u = np.zeros((len(task.model.inputs), n))
    u[len(CLASSES)] = task.sodium_intake
    outputs = task.engine.outputs(body, episode.params, u)
    creatinine = outputs[:, task.model.output_index["creatinine"]]
    week = np.repeat(creatinine[:, None], WEEK, axis=1)
    notes = np.zeros((n, len(NOTES)))
    notes[:, N["lab_day"]] = notes[:, N["drawn_day"]] = -np.inf
    notes[:, N["change_day"]] = notes[:, N["lab_change_day"]] = -np.inf
    zero = np.zeros(n, dtype=np.int64)
    state = State(
        body, amounts, outputs, entry, zero, zero.copy() - 1, np.ones(n, np.bool_), notes, week,
        np.zeros(n),
    )  # fmt: skip
    none, no = np.zeros(n), np.zeros(n, dtype=np.bool_)
    idle = np.zeros((n, len(task.nvec)), dtype=np.int64)
    idle[:, : len(CLASSES)] = entry
    same = actions_of(task, idle)
    orders = Orders(entry, zero.copy(), no, no, same, same)
    lived = Lived(
        body, amounts, outputs, outputs, outputs, week, none, none, none, no, no,
        symptom_reports(episode, exposures), none, np.ones(n, np.bool_),
    )  # fmt: skip
    return state, orders, lived
