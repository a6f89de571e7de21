"""Records of the blood-pressure task: what an episode drew, what changes, what an interval did."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .core import Array

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]

CHART: Final = (
    *("age", "female", "bmi", "diabetes", "cvd", "smoker", "egfr0", "risk_10y"),
    *("pregnant", "asthma", "heart_block", "angioedema", "gout"),
    *("entry_sbp", "entry_drugs", "white_coat", "share", "untreated_sbp", "creatinine0"),
)
"""Columns of a chart row; the first fifteen are what a controller sees."""

NOTES: Final = (
    *("attended", "sbp", "dbp", "sbp_1", "dbp_1", "sbp_2", "dbp_2", "heart_rate"),
    *("standing_drop", "potassium", "sodium", "creatinine", "egfr", "potassium_before"),
    *("lab_day", "drawn_day", "drawn_potassium", "drawn_sodium", "drawn_creatinine"),
    *("change_day", "lab_change_day", "visit_day", "refill", "taken", "days"),
    *("dizzy", "oedema", "cough", "other_symptoms", "egfr_entry", "felt_dizzy", "readings"),
    *("oedema_ever", "cough_ever", "other_symptoms_ever"),
)
"""Columns of the notes kept from visit to visit: what has been measured and reported so far."""

WEEK: Final = 7
"""Days over which kidney injury looks back at creatinine (KDIGO)."""

C: Final = {name: i for i, name in enumerate(CHART)}
N: Final = {name: i for i, name in enumerate(NOTES)}


class Episode(NamedTuple):
    """What was drawn at the start of each lane's episode.

    ``chart`` (B, C); ``device`` (B, visits, k), ``laboratory`` (B, visits, 3) and ``pharmacy``
    (B, visits) the errors of each visit; ``taking`` (B, 1 + days) the chance of adherence;
    ``sick_start``, ``sick_stop``, ``sick_loss`` (B, blocks); ``traits`` (B, kinds of symptom);
    ``phi`` to ``read_dose`` the kinetics of each class's drug; ``end_day`` when it is over.
    """

    person: Whole
    params: Array
    chart: Array
    device: Array
    laboratory: Array
    pharmacy: Array
    taking: Array
    sick_start: Whole
    sick_stop: Whole
    sick_loss: Array
    traits: Array
    phi: Array
    gain: Array
    read: Array
    read_dose: Array
    end_day: Whole


class State(NamedTuple):
    """What changes: body, tablets in it, regimen, calendar, notes, counters.

    ``creatinine`` (B, 7) is that of the last seven days, oldest first.
    """

    body: Array
    amounts: Array
    outputs: Array
    levels: Whole
    day: Whole
    visit: Whole
    took: Flags
    notes: Array
    creatinine: Array
    episode_cost: Array


class Orders(NamedTuple):
    """The regimen from this visit to the next, and how it differs from what was asked for."""

    levels: Whole
    days: Whole
    refused: Flags
    limited: Flags
    proposed: NDArray[np.generic]
    applied: NDArray[np.generic]


class Lived(NamedTuple):
    """What the interval between two visits did; extremes over its days.

    ``outputs`` at its end, ``highest`` and ``lowest`` (B, outputs); ``creatinine`` (B, 7) of its
    last seven days; shares and counts of days (B,); ``symptoms`` (B, 3),
    whether there is oedema, cough, another side effect at its end.
    """

    body: Array
    amounts: Array
    outputs: Array
    lowest: Array
    highest: Array
    creatinine: Array
    in_target: Array
    in_sprint: Array
    hypotension: Array
    orthostatic: Flags
    injury: Flags
    symptoms: Flags
    taken: Array
    took: Flags
