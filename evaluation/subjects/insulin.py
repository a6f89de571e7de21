"""``dosegym/Insulin-v0`` as evaluation sees it: glucose metrics, patients, assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...physiology.library import load_model
from ...policies.basal import ConstantBasal
from ...therapy.cohort import GROUPS, Cohort, virtual_cohort
from ...therapy.constraint import ConstraintSet
from ...therapy.onboard import iob_cap
from ...therapy.scenario import Scenario, load_scenario
from ..metrics import cgm_metrics_batch
from ..scoring import COLUMNS, metrics_of
from ..subject import Assumptions, Column, Examination, Subject
from ..trajectory import Rollout
from .chart_features import insulin_features
from .insulin_metrics import METRICS
from .insulin_sizes import sizes

Array = NDArray[np.float64]

MODEL: Final = "uva_padova_2008"
SCENARIO: Final = "messy"
TRACES: Final = {
    "cgm": "cgm_mg_dl",
    "basal": "basal_u_per_h",
    "bolus": "bolus_u",
    "iob": "iob_u",
    "carbs": "carbs_eaten_g",
}
GLUCOSE_MG_DL: Final = (1e-3, 1000.0)
# Bodies that differ from the model in structure: another group's equations, fitted to other people
# (adults alone), and the model with another emptying of the stomach.
STRUCTURES: Final = {
    "hovorka_2004": ({"physiology": "hovorka_2004"}, ("adult",)),
    "stomach t1dms": ({"gut": "t1dms"}, GROUPS),
}


def _usual(task: Any) -> ConstantBasal:
    return ConstantBasal(action=task.dosing.mode)


def _draw(runs: Sequence[Rollout], path: str | Path, title: str) -> None:
    from ..plots import modal_day_png

    modal_day_png(runs, path, title=title)


def _people(
    patients: int, seed: int, groups: tuple[str, ...], keywords: Mapping[str, Any]
) -> Cohort:
    body, gut = keywords.get("physiology", MODEL), keywords.get("gut", "published")
    # Models without stomach-emptying variants know no such option.
    model = load_model(body) if gut == "published" else load_model(body, gut=gut)
    return virtual_cohort(model, patients, purpose="certification", seed=seed, groups=groups)


def _identity(cohort: Cohort) -> bytes:
    patients = cohort.patients
    return np.ascontiguousarray(patients.params).tobytes() + "\n".join(patients.names).encode()


def _columns(rules: ConstraintSet) -> tuple[str, ...]:
    return (COLUMNS[rules.trace],)


def _signals(run: Rollout, rules: ConstraintSet) -> dict[str, Array]:
    glucose = np.clip(run.series[COLUMNS[rules.trace]][1:].astype(np.float64), *GLUCOSE_MG_DL)
    return cgm_metrics_batch(glucose, run.step_min)


def _features(cohort: Cohort) -> dict[str, Array]:
    rx, weight = cohort.therapy, np.asarray(cohort.patients.covariates["weight_kg"], np.float64)
    doses = (rx.total_daily_dose_u, rx.basal_u_per_h)
    return insulin_features(weight, *doses, rx.carb_ratio_g_per_u, rx.correction_mg_dl_per_u)


def _traces(rules: ConstraintSet) -> dict[str, str]:
    return {**TRACES, "glucose": COLUMNS[rules.trace]}


def _course(run: Rollout, task: Any) -> dict[str, Array]:
    """Return what stays the same in a patient's course: their chart and their pump."""
    rx, lanes = task.cohort.therapy, np.arange(len(run.names)) % len(task.cohort)
    cap = iob_cap(rx.basal_u_per_h, rx.total_daily_dose_u)
    return {
        "iob_cap": np.asarray(cap, np.float64)[lanes],
        "usual_basal": np.asarray(rx.basal_u_per_h, np.float64)[lanes],
        "pump_max_basal": np.full(len(lanes), float(task.pump.max_basal_u_per_h)),
        "pump_max_bolus": np.full(len(lanes), float(task.pump.max_bolus_u)),
    }


def _worst(signals: Mapping[str, Array]) -> NDArray[np.int64]:
    return np.lexsort((signals["min_glucose"], -signals["time_below_54"]))


def _worst_words(patient: Mapping[str, Any]) -> str:
    return f"{patient['time_below_54']:.1f} % below 54, lowest {patient['min_glucose']:.0f} mg/dL"


def _assumptions(population: Mapping[str, Any], keywords: Mapping[str, Any]) -> Assumptions:
    scenario = load_scenario(keywords.get("scenario", "unannounced"))
    return (
        _same_world(population, scenario),
        {
            "id": "A2",
            "text": "the simulated body behaves as a real one to within the margins of the limits",
            "status": "tested on bodies of another structure (lane L4), not on real people; a "
            "person's own gap is judged with each recommendation",
        },
        {
            "id": "A3",
            "text": "the policy acts as hashed, with the pump limits and the safety layer it was "
            "certified with",
            "status": "checked by hash at recommendation",
        },
        _lows(scenario),
    )


def _same_world(population: Mapping[str, Any], scenario: Scenario) -> dict[str, str]:
    return {
        "id": "A1",
        "text": f"patients and days are drawn as the evaluation's were: sampler "
        f"{population['sampler']} ({', '.join(population['groups'])}), scenario {scenario.name}, "
        f"population hash {str(population['sha256'])[:12]}",
        "status": "assumed",
    }


def _lows(scenario: Scenario) -> dict[str, str]:
    """Say how lows are treated in the scenario, and which way that errs."""
    if scenario.rescue_g <= 0.0 or max(scenario.rescue_awake, scenario.rescue_asleep) <= 0.0:
        return {
            "id": "A4",
            "text": "hypoglycaemia is not treated with carbohydrate and the body has no glucagon "
            "response: low glucose is overstated rather than understated",
            "status": "by construction of the scenario and the body",
        }
    s = scenario
    return {
        "id": "A4",
        "text": f"people treat lows at least as the scenario's do: {s.rescue_g:g} g of "
        f"carbohydrate when the sensor reads below {s.rescue_below_mg_dl:g} mg/dL by day, heeded "
        f"in {100 * s.rescue_awake:g} % of hours, or below {s.rescue_alarm_mg_dl:g} mg/dL at "
        f"night, heeded in {100 * s.rescue_asleep:g} %, again after {s.rescue_wait_min:g} min; "
        "the body itself has no glucagon response",
        "status": "assumed: in people who treat lows less, low glucose is understated",
    }


SUBJECT: Final = Subject(
    env_id="dosegym/Insulin-v0",
    task="Insulin",
    groups=GROUPS,
    record=("glucose_mg_dl", "cgm_mg_dl", "basal_u_per_h", "bolus_u", "iob_u"),
    metrics=METRICS,
    score=metrics_of,
    scored=True,
    episodes=5,
    days=10,
    shown=(
        Column("time_in_range", "70-180, %"),
        Column("time_below_70", "<70, %", 2),
        Column("time_below_54", "<54, %", 2),
        Column("time_above_180", ">180, %"),
        Column("time_above_250", ">250, %"),
        Column("mean_glucose", "mean, mg/dL"),
        Column("magni_risk", "Magni risk"),
        Column("failure", "episodes <40 or >600, %"),
    ),
    usual=_usual,
    draw=_draw,
    examination=Examination(
        constraints="insulin-v1",
        defaults={"scenario": SCENARIO},
        fixed=(),
        own=("action",),
        sampler="uva_padova_virtual",
        people=_people,
        identity=_identity,
        comparator="basal_bolus",
        comparator_words="basal_bolus with each patient's own prescription, same days",
        columns=_columns,
        signals=_signals,
        traces=_traces,
        course=_course,
        course_columns=(),
        worst=_worst,
        worst_shown=(
            "min_glucose", "max_glucose", "time_below_54", "time_in_range", "time_above_250",
        ),
        worst_words=_worst_words,
        group_words="age group",
        assumptions=_assumptions,
        round_days=1,
        sizes=sizes,
        features=_features,
        structures=STRUCTURES,
    ),
)  # fmt: skip
