"""Whether a person lies within the population that a policy was certified on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evaluation.gate.domain import Domain
from ..evaluation.safety import certified_patients
from ..evaluation.safety_case import SafetyCase
from ..physiology.model import Model
from ..physiology.respond import glucose_after
from ..therapy.cohort import Cohort
from ..therapy.prescription import RULES, Prescription
from .checks import Check, judged, skipped

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """What was certified of one quantity, and what this person has.

    Parameters
    ----------
    name, unit : str
    low, high : float
        Smallest and largest among the certified patients of the person's age group.
    value : float
        The person's.
    """

    name: str
    unit: str
    low: float
    high: float
    value: float

    @property
    def inside(self) -> bool:
        """Whether the person lies within."""
        return self.low <= self.value <= self.high


@lru_cache(maxsize=2)
def _drawn(n: int, seed: int, groups: tuple[str, ...], gut: str) -> Cohort:
    cohort: Cohort = certified_patients(n, seed, groups, {"gut": gut})[0]
    return cohort


def certified_cohort(population: Mapping[str, Any], gut: str = "published") -> Cohort:
    """Draw the patients of a certificate again from what it says of them."""
    groups = tuple(str(group) for group in population["groups"])
    return _drawn(int(population["n"]), int(population["seed"]), groups, gut)


def cohort_sha256(cohort: Cohort) -> str:
    """Return the hash of a cohort's people, as certificates state it."""
    digest = hashlib.sha256()
    digest.update(np.ascontiguousarray(cohort.patients.params).tobytes())
    digest.update("\n".join(cohort.patients.names).encode())
    return digest.hexdigest()


def chart_ranges(
    certified: Cohort, group: str, person: Prescription, weight_kg: float
) -> list[Range]:
    """Return the person's chart beside those of the certified patients of an age group."""
    rows = np.flatnonzero(np.asarray(certified.patients.groups) == group)
    those = certified.therapy.take(rows.tolist())
    weight = np.asarray(certified.patients.covariates["weight_kg"])[rows]
    own = {k: float(getattr(person, k)[0]) for k in Prescription.__dataclass_fields__}
    table = (
        ("body weight", "kg", weight, weight_kg),
        ("daily dose", "U", those.total_daily_dose_u, own["total_daily_dose_u"]),
        ("basal rate", "U/h", those.basal_u_per_h, own["basal_u_per_h"]),
        (
            "basal rate per weight", "U/h/kg", those.basal_u_per_h / weight,
            own["basal_u_per_h"] / weight_kg,
        ),
        ("carb ratio", "g/U", those.carb_ratio_g_per_u, own["carb_ratio_g_per_u"]),
        (
            "correction factor", "mg/dL per U", those.correction_mg_dl_per_u,
            own["correction_mg_dl_per_u"],
        ),
    )  # fmt: skip
    return [Range(n, u, float(v.min()), float(v.max()), x) for n, u, v, x in table]


def sensitivity(model: Model, params: Array) -> Array:
    """Return the largest fall of glucose (B,) after 1 U at rest, as a share of its start.

    The share, not the fall: a twin's resting glucose is hardly known and the fall grows with it.
    """
    path = glucose_after(model, params, minutes=RULES.correction_min, insulin_u=1.0)
    fall: Array = 1.0 - path.min(axis=0) / path[0]
    return fall


def share_inside(model: Model, certified: Cohort, group: str, draws: Array) -> tuple[float, Range]:
    """Return the share of draws as sensitive to insulin as certified patients, and the range.

    ``draws`` (n, P) are parameters; the range's value is the median over them.
    """
    rows = np.flatnonzero(np.asarray(certified.patients.groups) == group)
    low, high = _sensitivity_range(model, certified.patients.params[rows])
    fall = sensitivity(model, draws)
    inside = float(((fall >= low) & (fall <= high)).mean())
    return inside, Range("fall after 1 U", "of glucose", low, high, float(np.median(fall)))


def _sensitivity_range(model: Model, params: Array) -> tuple[float, float]:
    fall = sensitivity(model, params)
    return float(fall.min()), float(fall.max())


DOMAIN: Final = "Chart as a whole like those of certified people"


def domain_check(
    case: SafetyCase, group: str, certified: Mapping[str, Array], person: Mapping[str, Any]
) -> Check:
    """Return lane L7 of the gate for one person.

    Parameters
    ----------
    case : SafetyCase
    group : str
        The person's.
    certified : mapping of feature to array (n,)
        Of the certified people of that group.
    person : mapping of feature to float, or None where it is not known
    """
    lane = next((lane for lane in case.lanes if lane.id == "L7"), None)
    told = {} if lane is None else dict(lane.numbers.get(group, {}))
    missing = [name for name in certified if person.get(name) is None]
    if lane is None or told.get("threshold") is None or missing:
        why = f"{missing[0]} is not known" if missing else "the certificate tells no distance"
        return skipped("person-domain", DOMAIN, "-", why)
    domain = Domain.of(certified)
    score = float(domain.score({name: float(person[name]) for name in certified}))
    p, least, most = domain.p_value(score), float(lane.numbers["least_p"]), told["threshold"]
    return judged(
        "person-domain", DOMAIN, p >= least and score <= most,
        f"distance {score:.2f}, {100 * p:.2g} % of certified people lie as far out",
        f"distance at most {most:.2f}, and at least {100 * least:g} % as far out",
        "this policy was not tested on people like this one",
        reason="set at certification so that few are accepted and harmed",
    )  # fmt: skip


def no_person(chart: str, body: str, why: str) -> list[Check]:
    """Return the checks on the person where they cannot be made, by the titles of two of them."""
    ids = {"person-chart": chart, "person-body": body, "person-domain": DOMAIN}
    return [skipped(id, title, "-", why) for id, title in ids.items()]
