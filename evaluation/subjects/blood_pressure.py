"""``dosegym/BloodPressure-v0`` as evaluation sees it: pressure metrics, people, assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ...physiology.pressure_people import GROUPS
from ...therapy.constraint import ConstraintSet
from ...therapy.formulary import load_formulary
from ...therapy.pressure_cohort import PressureCohort, pressure_cohort
from ...therapy.signals import BLOOD_PRESSURE, SIGNALS_OF
from ..pressure_metrics import DOSES, RECORD, pressure_metrics, titration_gap
from ..scoring import Scoring
from ..subject import Assumptions, Column, Examination, Subject
from ..trajectory import Rollout
from .blood_pressure_metrics import METRICS
from .blood_pressure_sizes import sizes
from .chart_features import pressure_features

Array = NDArray[np.float64]

TRACES: Final = {
    "sbp": "sbp_mmhg",
    "dbp": "dbp_mmhg",
    "heart_rate": "heart_rate_bpm",
    "potassium": "potassium_mmol_l",
    "sodium": "sodium_mmol_l",
    "creatinine": "creatinine_mg_dl",
    "egfr": "egfr",
    "lowest_sbp": "lowest_sbp_mmhg",
    "lowest_heart_rate": "lowest_heart_rate",
    "highest_potassium": "highest_potassium",
    "lowest_potassium": "lowest_potassium",
    "lowest_sodium": "lowest_sodium",
    "egfr_ratio": "egfr_ratio",
    "hypotension": "hypotension",
    "contraindicated": "contraindicated",
    "n_drugs": "n_drugs",
    "interval": "interval_days",
}
COMPARATOR: Final = "acc_aha_2025"


def _score(run: Rollout, scoring: Scoring) -> dict[str, Array]:
    return pressure_metrics(run)


def _usual(task: Any) -> Any:
    from ...policies.library import load_policy

    return load_policy("do_nothing")


def _draw(runs: Sequence[Rollout], path: str | Path, title: str) -> None:
    from ..pressure_plots import pressure_course_png

    pressure_course_png(runs, path, title=title)


def _people(
    patients: int, seed: int, groups: tuple[str, ...], keywords: Mapping[str, Any]
) -> PressureCohort:
    return pressure_cohort(
        patients,
        purpose="certification",
        seed=seed,
        groups=groups,
        formulary=load_formulary(keywords.get("formulary", "default")),
    )


def _identity(cohort: PressureCohort) -> bytes:
    """Return parameters, names, what charts know and what people take in standard doses."""
    patients = cohort.patients
    tables = [patients.params, cohort.formulary.standard_of(cohort.entry)]
    tables += [patients.covariates[name] for name in sorted(patients.covariates)]
    numbers = b"".join(np.ascontiguousarray(table, np.float64).tobytes() for table in tables)
    return numbers + "\n".join(patients.names).encode()


def _columns(rules: ConstraintSet) -> tuple[str, ...]:
    if rules.trace != "truth":
        raise InputError(
            f"trace of {rules.name} is {rules.trace!r}; blood pressure is judged by the truth, "
            "write trace: truth"
        )
    return RECORD


def _signals(run: Rollout, rules: ConstraintSet) -> dict[str, Array]:
    """Return the metrics that constraints speak of, within the ranges declared for them."""
    found = pressure_metrics(run)
    known = SIGNALS_OF[BLOOD_PRESSURE]
    return {name: np.clip(found[name], q.low, q.high) for name, q in known.items()}


def _features(cohort: PressureCohort) -> dict[str, Array]:
    known = cohort.patients.covariates
    return pressure_features(known["age_years"], known["bmi"], known["egfr0"])


def _traces(rules: ConstraintSet) -> dict[str, str]:
    return TRACES


def _course(run: Rollout, task: Any) -> dict[str, Array]:
    """Return how long before each change of the regimen the last one was."""
    if not {"time_min", *DOSES} <= set(run.series):
        return {}
    return {"titration_gap": titration_gap(run)}


def _worst(signals: Mapping[str, Array]) -> NDArray[np.int64]:
    return np.lexsort((signals["lowest_sbp"], -signals["serious_harm"]))


def _worst_words(patient: Mapping[str, Any]) -> str:
    return (
        f"lowest systolic {patient['lowest_sbp']:.0f} mmHg, potassium "
        f"{patient['lowest_potassium']:.1f} to {patient['highest_potassium']:.1f} mmol/L"
    )


def _assumptions(population: Mapping[str, Any], keywords: Mapping[str, Any]) -> Assumptions:
    measured, taken = keywords["measurement"], keywords["adherence"]
    return (
        {
            "id": "A1",
            "text": f"people and visits are drawn as the evaluation's were: sampler "
            f"{population['sampler']} ({', '.join(population['groups'])}), measurement "
            f"{measured}, population hash {str(population['sha256'])[:12]}",
            "status": "assumed",
        },
        {
            "id": "A2",
            "text": "the simulated body behaves as a real one to within the margins of the limits",
            "status": "compared with trials it was not fitted to; rare harms are not validated",
        },
        {
            "id": "A3",
            "text": "the policy acts as hashed, with the contraindications enforced with which it "
            "was certified",
            "status": "checked by hash at recommendation",
        },
        {
            "id": "A4",
            "text": f"tablets are taken and visits kept as in the evaluation (adherence {taken}), "
            "laboratory tests are done when due, and no other drug that changes pressure, "
            "potassium or kidney function is begun",
            "status": "assumed: not known of the person",
        },
    )


SUBJECT: Final = Subject(
    env_id=BLOOD_PRESSURE,
    task="BloodPressure",
    groups=GROUPS,
    record=RECORD,
    metrics=METRICS,
    score=_score,
    scored=False,
    episodes=5,
    days=364,
    shown=(
        Column("time_in_target", "days below target, %"),
        Column("time_110_130", "systolic 110-130, %"),
        Column("control_130_80", "<130/80 at the end, %"),
        Column("mean_sbp", "mean systolic, mmHg"),
        Column("mean_dbp", "mean diastolic, mmHg"),
        Column("sbp_below_100", "intervals <100 mmHg, %", 2),
        Column("potassium_high", "intervals K >5.5, %", 2),
        Column("potassium_low", "intervals K <3.5, %", 2),
        Column("egfr_drop", "intervals eGFR -30 %, %", 2),
        Column("orthostatic", "intervals orthostatic, %", 2),
        Column("serious_harm", "serious harm, % of people"),
        Column("n_drugs", "drugs", 2),
    ),
    usual=_usual,
    draw=_draw,
    examination=Examination(
        constraints="blood-pressure-v1",
        defaults={"measurement": "office_unattended", "adherence": "usual"},
        fixed=(
            "contraindications", "kinetics", "physiology", "sick_days", "sodium_intake", "target",
        ),
        own=("action", "formulary", "interval_days"),
        sampler="pressure_people",
        people=_people,
        identity=_identity,
        comparator=COMPARATOR,
        comparator_words=f"{COMPARATOR}, the guideline's steps, for the same people and days",
        columns=_columns,
        signals=_signals,
        traces=_traces,
        course=_course,
        course_columns=("time_min", *DOSES),
        worst=_worst,
        worst_shown=(
            "lowest_sbp", "highest_potassium", "lowest_potassium", "lowest_heart_rate",
            "last_egfr_ratio", "serious_harm",
        ),
        worst_words=_worst_words,
        group_words="group",
        assumptions=_assumptions,
        round_days=364,
        sizes=sizes,
        features=_features,
        structures={},
    ),
)  # fmt: skip
