"""Gates on a certificate for blood pressure, and on whether a person is like those certified."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evaluation.certified_people import certified_patients, population_sha256
from ..evaluation.safety_case import SafetyCase
from ..evaluation.subjects import subject_of
from ..evaluation.subjects.chart_features import pressure_features
from ..therapy.pressure_cohort import PressureCohort
from ..twins.pressure import PressureTwin
from .applicability import Range, domain_check, no_person
from .checks import Check, judged, percent
from .gates_certificate import Examined
from .limits import LIMITS, GateLimits
from .pressure_propose import ENV_ID

Array = NDArray[np.float64]

CHART: Final = "Person like the certified people"
BODY: Final = "Untreated pressure like that of certified people"
EASIER: Final = {
    "measurement": ("noise_free",),
    "adherence": ("perfect",),
    "contraindications": ("allow",),
    "kinetics": (False,),
    "labs": ("every_visit",),
}


def _easier(kwargs: dict[str, Any]) -> list[str]:
    """Return which keywords of a certification made its world easier than the usual one."""
    found = [f"{key} {kwargs[key]}" for key, values in EASIER.items() if kwargs.get(key) in values]
    if kwargs.get("sodium_intake", 1.0) != 1.0:
        found.append(f"sodium_intake {kwargs['sodium_intake']}")
    return found


@lru_cache(maxsize=2)
def _drawn(n: int, seed: int, groups: tuple[str, ...], kwargs: str) -> PressureCohort:
    people: PressureCohort = certified_patients(n, seed, groups, json.loads(kwargs), env_id=ENV_ID)[
        0
    ]
    return people


def certified_people(case: SafetyCase) -> PressureCohort:
    """Draw the people of a certificate again from what it says of them."""
    population, kwargs = case.population, dict(case.environment.get("kwargs", {}))
    groups = tuple(str(group) for group in population["groups"])
    text = json.dumps(kwargs, sort_keys=True, default=str)
    return _drawn(int(population["n"]), int(population["seed"]), groups, text)


def _redraw(case: SafetyCase) -> tuple[int, str]:
    cohort = certified_people(case)
    return len(cohort), population_sha256(cohort, ENV_ID)


PRESSURE: Final = Examined(
    env_id=ENV_ID,
    usual="devices that err, tablets missed as usual and contraindications enforced",
    easier=_easier,
    redraw=_redraw,
    group_words="group",
)


def applicability_checks(
    case: SafetyCase | None, twin: PressureTwin | None, limits: GateLimits = LIMITS
) -> list[Check]:
    """Return whether a person is like the certified people of their group."""
    if case is None or twin is None:
        return no_person(CHART, BODY, "needs a certificate and a twin")
    if str(case.environment.get("id")) != ENV_ID:
        return no_person(CHART, BODY, "the certificate is of another environment")
    cohort = certified_people(case)
    rows = np.flatnonzero(np.asarray(cohort.patients.groups) == twin.group)
    if not len(rows):
        return no_person(CHART, BODY, f"nobody of group {twin.group} was certified")
    features = subject_of(ENV_ID).examination.features(cohort)
    certified = {k: v[rows] for k, v in features.items()}
    domain = domain_check(case, twin.group, certified, _features(twin))
    return [_chart(cohort, rows, twin), _body(cohort, rows, twin, limits), domain]


def _features(twin: PressureTwin) -> dict[str, float | None]:
    """Return what this person's chart tells, None where it does not."""
    known = twin.seen.covariates
    age, bmi, egfr = known.get("age_years"), known.get("bmi"), _median(twin, "egfr")
    told = pressure_features(age or np.nan, bmi or np.nan, egfr or np.nan)
    return {k: float(v) if np.isfinite(v) else None for k, v in told.items()}


def _chart(cohort: PressureCohort, rows: NDArray[np.int64], twin: PressureTwin) -> Check:
    known = twin.seen.covariates
    table = (
        ("age", "years", "age_years", known.get("age_years")),
        ("BMI", "kg/m2", "bmi", known.get("bmi")),
        ("eGFR", "mL/min/1.73 m2", "egfr0", _median(twin, "egfr")),
    )
    ranges = []
    for name, unit, key, value in table:
        if value is not None:
            those = np.asarray(cohort.patients.covariates[key])[rows]
            ranges.append(Range(name, unit, float(those.min()), float(those.max()), value))
    outside = [r for r in ranges if not r.inside]
    told = [f"{r.name} {r.value:.0f} {r.unit} ({r.low:.0f}-{r.high:.0f})" for r in outside]
    return judged(
        "person-chart", CHART, not outside,
        "; ".join(told) or ", ".join(f"{r.name} {r.value:.0f} {r.unit}" for r in ranges),
        "within the range of certified people",
        "this policy was not tested on such people",
        reason="smallest to largest among the certified people of the group",
    )  # fmt: skip


def _body(
    cohort: PressureCohort, rows: NDArray[np.int64], twin: PressureTwin, limits: GateLimits
) -> Check:
    those = np.asarray(cohort.patients.covariates["untreated_sbp"])[rows]
    own = np.asarray(twin.bodies.people.covariates["untreated_sbp"])
    inside = float(((own >= those.min()) & (own <= those.max())).mean())
    need = limits.draws_in_range
    return judged(
        "person-body", BODY, inside >= need.value,
        f"{percent(inside)} of draws; median {np.median(own):.0f} mmHg without drugs",
        f"{percent(need.value)} within {those.min():.0f} to {those.max():.0f} mmHg",
        "this policy was not tested on such pressures", reason=need.reason,
    )  # fmt: skip


def _median(twin: PressureTwin, name: str) -> float:
    return next(row.mean for row in twin.known if row.name == name)
