"""How a thousand people drawn differ in their answer to a standard dose of each class."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .engine import engine_for
from .library import load_model
from .population import Patients
from .pressure_people import MODEL, PressureSpec, sample_pressure
from .pressure_scenarios import CLASSES, DAYS

Array = NDArray[np.float64]

PEOPLE: Final = 1000
SEED: Final = 1
NORMOTENSIVE: Final = PressureSpec(untreated_sbp=(115.0, 8.0, 95.0, 130.0))
DOSES: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
RESPONSE_MMHG: Final = 4.0
OFFICE_CV: Final = 0.086
"""Within-person variation of office visits; Warren 2010, PMC2930221."""

COLUMNS: Final = (
    "class", "mean fall of SBP, mmHg", "SD of it", "below 4 mmHg, %", "SD as measured",
    "renin, median", "heart rate, 1/min", "over +5/min, %", "normotensive: mean fall",
    "more dose raises SBP: people, by up to",
)  # fmt: skip


def steady_outputs(people: Patients, **doses: float) -> Array:
    """Return the outputs (B, O) of people after 240 days on standard doses, without kinetics."""
    model = load_model(MODEL)
    u = np.zeros((DAYS, len(model.inputs), len(people)))
    u[:, model.input_index["sodium_intake"]] = 1.0
    for kind, dose in doses.items():
        u[:, model.input_index[kind]] = dose
    x = model.initial(people.params)
    engine = engine_for(model)
    engine.advance(x, people.params, u)
    return engine.outputs(x, people.params, u[-1])


def spread_cells() -> list[tuple[str, ...]]:
    """Return a row of text for each class, in the order of ``COLUMNS``.

    "SD as measured" is that of the difference between two means of three office visits.
    """
    people = sample_pressure(PEOPLE, np.random.default_rng(SEED))
    calm = sample_pressure(PEOPLE, np.random.default_rng(SEED + 1), NORMOTENSIVE)
    before, rest = steady_outputs(people), steady_outputs(calm)
    at = load_model(MODEL).output_index
    sbp, rate, renin = at["sbp"], at["heart_rate"], at["renin"]
    rows: list[tuple[str, ...]] = []
    for kind in CLASSES:
        course = np.array([steady_outputs(people, **{kind: d})[:, sbp] for d in DOSES])
        after = steady_outputs(people, **{kind: 1.0})
        fall = before[:, sbp] - after[:, sbp]
        noise = OFFICE_CV**2 / 3.0 * (before[:, sbp] ** 2 + after[:, sbp] ** 2).mean()
        faster = after[:, rate] - before[:, rate]
        calmer = (rest - steady_outputs(calm, **{kind: 1.0}))[:, sbp].mean()
        rise = np.diff(course, axis=0)
        wrong = int((rise > 1e-6).any(axis=0).sum())
        rows.append((
            kind.replace("_", "-"), f"{fall.mean():.1f}", f"{fall.std():.1f}",
            f"{100 * (fall < RESPONSE_MMHG).mean():.0f}", f"{np.sqrt(fall.var() + noise):.1f}",
            f"{np.median(after[:, renin]):.2f}", f"{faster.mean():+.1f}",
            f"{100 * (faster > 5.0).mean():.1f}", f"{calmer:.1f}",
            f"{wrong}" + (f", {rise.max():.2f} mmHg" if wrong else ""),
        ))  # fmt: skip
    return rows
