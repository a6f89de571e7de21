"""A planner that knows every patient's body: the bound that no policy which only measures can pass.

It recognises people by the chart in the observation (age, sex, body mass index, eGFR at entry) and
gives each the regimen that its own simulation of that person's parameters found best in the long
run. Nothing measured changes its mind, except a cough or a contraindication.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import product
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..physiology.errors import InputError
from ..physiology.library import load_model
from ..physiology.pharmacokinetics import load_kinetics, propagators, steady_exposure
from ..physiology.population import Patients
from ..therapy.adherence import load_adherence
from ..therapy.contraindication import (
    ACEI,
    ARB,
    BETA_BLOCKER,
    CCB,
    MRA,
    THIAZIDE,
    Chart,
    Screen,
    make_chart,
)
from ..therapy.formulary import CLASSES, DRUGS, Formulary
from ..therapy.pressure_cohort import find_pressure_cohort
from ..therapy.pressure_protocols import LIMITS, SAFETY
from .pressure_rule import Array, Levels, Memory, PressureRule, Visit

# Standard doses of each class that it weighs against each other.
CHOICES: Final = {
    ACEI: (0.0, 0.5, 1.0, 2.0),
    CCB: (0.0, 0.5, 1.0, 2.0),
    THIAZIDE: (0.0, 0.5, 1.0, 2.0),
    BETA_BLOCKER: (0.0, 0.5),
    MRA: (0.0, 1.0),
}
SETTLING_DAYS: Final = 120
STRETCH_DAYS: Final = 20
PEOPLE_AT_ONCE: Final = 16
# Days differ (salt, missed tablets, illness), so the plan stays this far inside target and limits.
MARGIN_MMHG: Final = 4.0
MARGINS: Final = {"potassium": 0.2, "sodium": 2.0, "heart_rate": 3.0, "egfr": 0.05, "fall": 2.0}
# What weighs as much as 1 mmHg above target (project choices).
MMHG_PER_DRUG, MMHG_PER_DOSE, MMHG_PER_HARM = 0.5, 0.25, 30.0
# Features that never change, the columns of the chart they show, and how finely they are told.
_KNOWN_BY: Final = (
    ("age", "age_years", 1e-3),
    ("female", "female", 1e-3),
    ("bmi", "bmi", 1e-4),
    ("egfr0", "egfr0", 1e-3),
)


class Outlook(NamedTuple):
    """The long run on a regimen, arrays (B,): mmHg, 1/min, mmol/L, share of untreated eGFR."""

    sbp: Array
    dbp: Array
    standing_fall: Array
    heart_rate: Array
    potassium: Array
    sodium: Array
    egfr_ratio: Array


class Oracle(PressureRule):
    """The regimen of least burden that brings each person to target without harm, if there is one.

    Parameters
    ----------
    patient : str, list or mapping
        Whom it knows, as the environment's ``patient``; the named people by default.
    people : Patients, optional
        The people themselves, instead of ``patient``.
    target : (float, float)
        Systolic and diastolic pressure (mmHg) to get below.
    adherence : str or mapping
        As the environment's.
    formulary, interval_days
        As for every pressure policy.

    Raises
    ------
    InputError
        If the patients, the target or the adherence are not understood.
    """

    name: str = "oracle"
    kind: ClassVar[str] = "oracle"

    def __init__(
        self,
        patient: Any = "all",
        *,
        people: Patients | None = None,
        target: Sequence[float] = (130.0, 80.0),
        adherence: Any = "usual",
        formulary: Any = "default",
        interval_days: int = 28,
    ) -> None:
        super().__init__(formulary, interval_days)
        if len(target) != 2 or not all(40.0 <= float(v) <= 250.0 for v in target):
            raise InputError(f"target is {target!r}; give [systolic, diastolic] in mmHg")
        self.target = (float(target[0]), float(target[1]))
        self.adherence = load_adherence(adherence)
        self.patient = patient if people is None else "given people"
        known = find_pressure_cohort(self.formulary, patient).patients if people is None else people
        if not isinstance(known, Patients):
            raise InputError(f"people is {known!r}; give Patients, such as a cohort's patients")
        self.people = known
        self._plans: Levels | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """Whom it knows and what it aims at."""
        names = "\n".join(self.people.names).encode()
        return {
            "patient": self.patient,
            "people_sha256": hashlib.sha256(names).hexdigest(),
            "target": list(self.target),
            "adherence": repr(self.adherence),
        }

    def remember(self, n: int) -> Memory:
        """Return who the people are (row in ``people``, -1 unknown) and who had a cough."""
        return {"person": np.full(n, -1, np.int64), "coughed": np.zeros(n, np.bool_)}

    def decide(self, visit: Visit, memory: Memory) -> tuple[Levels, Memory]:
        """Return each person's plan."""
        if self._plans is None:
            self._plans = plans(self.people, self.formulary, self.target, self.adherence)
        person = memory["person"]
        if (person < 0).any():
            person = np.where(person < 0, self._recognise(visit), person)
        coughed = memory["coughed"] | visit.flag("cough")
        levels = self._plans[person].copy()
        switch = coughed & (levels[:, ACEI] > 0)
        levels[switch, ARB] = _as_arb(self.formulary)[levels[switch, ACEI]]
        levels[switch, ACEI] = 0
        chart = make_chart(len(visit), **{name: visit[name] for name in Chart._fields})
        now = visit.levels(self.formulary).T.astype(np.int64)
        levels, _ = Screen(self.formulary).enforce(now, levels, chart)
        return levels, {"person": person, "coughed": coughed}

    def _recognise(self, visit: Visit) -> Levels:
        """Return the row of each person in ``people``."""
        from scipy.spatial import KDTree

        c = self.people.covariates
        known = np.stack([c[column] / width for _, column, width in _KNOWN_BY], axis=1)
        seen = np.stack([visit[name] / width for name, _, width in _KNOWN_BY], axis=1)
        distance, row = KDTree(known).query(seen)
        if (distance > 10.0).any():
            raise InputError(
                f"the oracle does not know person {int(np.argmax(distance))} of the batch; load it "
                "with the environment's own patient, e.g. load_policy('oracle', patient=...)"
            )
        return np.asarray(row, np.int64)


def _as_arb(formulary: Formulary) -> Levels:
    doses = formulary.standard[ACEI, : formulary.levels[ACEI]]
    return np.array([formulary.nearest_level(ARB, float(d)) for d in doses], np.int64)


def candidates(formulary: Formulary) -> Levels:
    """Return the regimens (K, 6) that are weighed, with the ACE inhibitor as RAS blocker."""
    found = []
    for doses in product(*CHOICES.values()):
        levels = [0] * len(CLASSES)
        for slot, dose in zip(CHOICES, doses, strict=True):
            levels[slot] = formulary.nearest_level(slot, dose)
        found.append(levels)
    return np.unique(np.array(found, np.int64), axis=0)


def plans(
    people: Patients, formulary: Formulary, target: tuple[float, float], adherence: Any
) -> Levels:
    """Return the regimen (n, 6) that is best for each person in the long run."""
    grid = candidates(formulary)
    best = np.zeros((len(people), len(CLASSES)), np.int64)
    for first in range(0, len(people), PEOPLE_AT_ONCE):
        rows = range(first, min(first + PEOPLE_AT_ONCE, len(people)))
        some = people.take(rows)
        levels = np.repeat(grid[None], len(some), axis=0)
        _without_forbidden(levels, some, formulary)
        cost = regimen_cost(_outlook(some, levels, formulary, adherence), levels, formulary, target)
        pick = np.argmin(cost, axis=1)
        best[list(rows)] = levels[np.arange(len(some)), pick]
    return best


def _without_forbidden(levels: Levels, people: Patients, formulary: Formulary) -> None:
    """Take from regimens (n, K, 6) what a chart forbids; an ARB replaces an ACE inhibitor."""
    c = people.covariates
    angioedema, pregnant = c["angioedema"] > 0.5, c["pregnant"] > 0.5
    levels[angioedema, :, ARB] = _as_arb(formulary)[levels[angioedema, :, ACEI]]
    levels[angioedema, :, ACEI] = 0
    for slot in (ACEI, ARB, MRA):
        levels[pregnant, :, slot] = 0
    levels[c["egfr0"] < SAFETY.mra_egfr, :, MRA] = 0
    levels[(c["asthma"] > 0.5) | (c["heart_block"] > 0.5), :, BETA_BLOCKER] = 0


def _exposure_per_mg(people: Patients, formulary: Formulary) -> Array:
    """Return the mean exposure (n, 6) in standard doses that each mg a day of each drug gives."""
    from scipy.special import ndtri

    columns = []
    for slot, drug in enumerate(formulary.drugs):
        etas = np.zeros((len(people), 3))
        trait = people.covariates[f"clearance_{CLASSES[slot]}"]
        etas[:, 0] = ndtri(np.clip(trait, 1e-9, 1.0))
        step = propagators(
            load_kinetics(drug), people.covariates, etas, standard_mg=DRUGS[drug].standard_mg
        )
        columns.append(steady_exposure(step, np.ones(len(people))))
    return np.stack(columns, axis=1)


def _outlook(people: Patients, levels: Levels, formulary: Formulary, adherence: Any) -> Outlook:
    """Return the long run of regimens (n, K, 6), arrays (n, K)."""
    n, k, _ = levels.shape
    model = load_model(people.model)
    engine = engine_for(model)
    share = adherence.share(people.covariates["adherence_trait"])
    drugs = (levels > 0).sum(axis=2)
    taken = adherence.probability(np.repeat(share, k), drugs.reshape(-1), 0.0).reshape(n, k, 1)
    dose = formulary.mg_of(levels) * _exposure_per_mg(people, formulary)[:, None] * taken
    params = np.repeat(people.params, k, axis=0)
    inputs = np.zeros((STRETCH_DAYS, len(model.inputs), n * k))
    inputs[:, : len(CLASSES)] = dose.reshape(n * k, len(CLASSES)).T
    inputs[:, len(CLASSES)] = 1.0
    body = model.initial(params)
    for _ in range(0, SETTLING_DAYS, STRETCH_DAYS):
        engine.advance(body, params, inputs)
    seen = engine.outputs(body, params, inputs[0]).reshape(n, k, -1)
    of = {q.name: seen[:, :, i] for i, q in enumerate(model.outputs)}
    return Outlook(
        of["sbp"],
        of["dbp"],
        of["sbp"] - of["standing_sbp"],
        of["heart_rate"],
        of["potassium"],
        of["sodium"],
        of["egfr"] / people.covariates["egfr0"][:, None],
    )


def regimen_cost(
    ahead: Outlook, levels: Levels, formulary: Formulary, target: tuple[float, float]
) -> Array:
    """Return what regimens cost, (n, K), in mmHg above target: pressure, harms, burden.

    Parameters
    ----------
    ahead : Outlook
        Of arrays (n, K).
    levels : array (n, K, 6)
    formulary : Formulary
    target : (float, float)
    """
    m, limits = MARGINS, LIMITS
    above = np.maximum(ahead.sbp - target[0] + MARGIN_MMHG, 0.0)
    above += np.maximum(ahead.dbp - target[1] + MARGIN_MMHG, 0.0)
    harms: list[NDArray[np.bool_]] = [
        ahead.sbp < limits.sbp_low_mmhg + 2.0 * MARGIN_MMHG,
        ahead.standing_fall > limits.standing_fall_sbp_mmhg - m["fall"],
        ahead.heart_rate < limits.heart_rate_low_bpm + m["heart_rate"],
        ahead.potassium > limits.potassium_high - m["potassium"],
        ahead.potassium < limits.potassium_low + m["potassium"],
        ahead.sodium < SAFETY.thiazide_sodium + m["sodium"],
        ahead.egfr_ratio < 1.0 - limits.egfr_drop_share + m["egfr"],
    ]
    burden = MMHG_PER_DRUG * (levels > 0).sum(axis=2)
    burden = burden + MMHG_PER_DOSE * formulary.standard_of(levels).sum(axis=2)
    return np.asarray(above + burden + MMHG_PER_HARM * np.sum(harms, axis=0))
