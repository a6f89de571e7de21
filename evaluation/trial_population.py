"""Who is screened and enrolled in a trial, with the regression to the mean that selection brings.

Candidates come from the environment's own sampler, take their entry drugs and are measured at a
screening visit; who fulfils the rules is eligible. A second, independent measurement, the baseline
visit, is that of the trial itself (its week 0). People selected for a high reading at the first
read lower at the second, as in every trial.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.lanes import Lanes
from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..therapy.formulary import CLASSES, Formulary, load_formulary
from ..therapy.view import INSULIN_VIEW, View
from .rollout import lane_seed
from .trial_matching import choose
from .trial_protocol import TrialProtocol

Array = NDArray[np.float64]

CANDIDATES_AT_ONCE: Final = 2048
MATCHING_STREAM: Final = 9
REGIMEN_STREAM: Final = 10
TRIAL_EPISODE, SCREENING_EPISODE = 0, 1
INSULIN: Final = "dosegym/Insulin-v0"
NOISE_FREE: Final = {"sbp_cv": 0.0, "dbp_cv": 0.0, "dip_sd_mmhg": 0.0, "rounding_mmhg": 0.0}
# mmol/L; sodium is within its limits in everyone who comes to be screened.
USUAL_SODIUM: Final = 140.0


@dataclass(frozen=True)
class Enrolled:
    """Those enrolled.

    Parameters
    ----------
    cohort : Cohort or PressureCohort
        The people, in order.
    seeds : tuple of int
        Of each one's days; the same in every arm of a paired trial.
    screened, eligible : int
    baseline : dict of str to dict
        Mean and SD of what was known at the baseline visit.
    """

    cohort: Any
    seeds: tuple[int, ...]
    screened: int
    eligible: int
    baseline: dict[str, dict[str, float]]

    def __len__(self) -> int:
        return len(self.seeds)


def recruit(protocol: TrialProtocol, progress: Any = None) -> Enrolled:
    """Screen candidates and enrol the people of a trial.

    Parameters
    ----------
    protocol : TrialProtocol
    progress : callable, optional
        Called with (what, done, total).

    Raises
    ------
    InputError
        If a rule names nothing known, or too few are eligible.
    """
    people = protocol.population
    size = int(np.ceil(people.n * people.screen))
    device = people.screening_measurement
    asked = {**protocol.keywords(), **({} if device is None else {"measurement": device})}
    make_task(protocol.environment, **asked)
    candidates = _candidates(protocol, size)
    everyone = np.arange(size)
    eligible = everyone
    if people.include or people.exclude:
        seen = _visit(protocol, asked, candidates, everyone, SCREENING_EPISODE, progress)
        eligible = everyone[_fulfils(seen, people.include, people.exclude)]
    if eligible.size < people.n:
        raise InputError(
            f"{eligible.size} of {size} candidates are eligible, {people.n} are to be enrolled; "
            "raise population.screen or widen population.include"
        )
    rng = np.random.default_rng(np.random.SeedSequence(protocol.seed, spawn_key=(MATCHING_STREAM,)))
    expected, noise = _expected(protocol, candidates, eligible, progress)
    who = eligible[choose(expected, people.match, people.n, rng, noise)]
    seen = _visit(protocol, protocol.keywords(), candidates, who, TRIAL_EPISODE, progress)
    return Enrolled(
        cohort=candidates.take(who.tolist()),
        seeds=tuple(lane_seed(protocol.seed, TRIAL_EPISODE, int(i)) for i in who),
        screened=size,
        eligible=int(eligible.size),
        baseline={
            name: {"mean": float(values.mean()), "sd": float(values.std())}
            for name, values in seen.items()
        },
    )


def _candidates(protocol: TrialProtocol, size: int) -> Any:
    """Return the cohort of candidates, from the stream that no training draws from."""
    people = protocol.population
    if protocol.environment == INSULIN:
        fixed = {"population": "virtual", "purpose": "test", "size": size, "seed": protocol.seed}
        for key in fixed:
            if key in people.sampler:
                raise InputError(
                    f"population.sampler names {key!r}, which the trial sets itself; leave it out"
                )
        patient = {**people.sampler, **fixed}
        return make_task(protocol.environment, patient=patient).cohort
    from ..therapy.pressure_cohort import pressure_cohort

    cohort = pressure_cohort(
        size,
        purpose="test",
        seed=protocol.seed,
        formulary=load_formulary(),
        people=people.sampler,
    )
    return cohort if not people.regimens else _on_regimens(cohort, protocol)


def _on_regimens(cohort: Any, protocol: TrialProtocol) -> Any:
    """Return the candidates on the protocol's entry drugs, each drawn by its share.

    What a person's chart forbids is left out, as a doctor would have.
    """
    regimens = protocol.population.regimens
    for regimen in regimens:
        for kind in regimen.doses:
            if kind not in CLASSES:
                raise InputError(
                    f"population.regimens name {kind!r}; the classes are {', '.join(CLASSES)}"
                )
    doses = np.array([[r.doses.get(kind, 0.0) for kind in CLASSES] for r in regimens])
    _check_doses(doses, cohort.formulary)
    key = np.random.SeedSequence(protocol.seed, spawn_key=(REGIMEN_STREAM,))
    shares = np.cumsum([regimen.share for regimen in regimens])
    drawn = shares[-1] * np.random.default_rng(key).random(len(cohort))
    asked = _levels(cohort.formulary, doses)[np.searchsorted(shares, drawn, side="right")]
    return replace(cohort, entry=_permitted(cohort, asked))


def _check_doses(doses: Array, formulary: Formulary) -> None:
    highest = formulary.standard.max(axis=1)
    for regimen, slot in np.argwhere(doses > highest + 1e-9):
        raise InputError(
            f"population.regimens give {doses[regimen, slot]:g} standard doses of {CLASSES[slot]}; "
            f"the highest tablet of {formulary.drugs[slot]} is {highest[slot]:g}"
        )


def _permitted(cohort: Any, levels: NDArray[np.int64]) -> NDArray[np.int64]:
    from ..physiology.pressure_quantities import Params
    from ..therapy.contraindication import Screen, make_chart

    known, params = cohort.patients.covariates, cohort.patients.params
    rate, potassium = (params[:, Params._fields.index(name)] for name in ("HR0", "K0"))
    history = {k: known[k] for k in ("pregnant", "asthma", "heart_block", "angioedema")}
    measured = {"heart_rate": rate, "potassium": potassium, "sodium": USUAL_SODIUM}
    chart = make_chart(len(cohort), **history, **measured, egfr=known["egfr0"])
    allowed: NDArray[np.int64] = Screen(cohort.formulary).enforce(levels, levels, chart)[0]
    return allowed


def in_formulary(cohort: Any, keywords: Mapping[str, Any]) -> Any:
    """Return a cohort whose entry drugs are those of an arm's formulary, in like standard doses."""
    if "formulary" not in keywords or not hasattr(cohort, "formulary"):
        return cohort
    wanted = load_formulary(keywords["formulary"])
    if wanted == cohort.formulary:
        return cohort
    levels = _levels(wanted, cohort.formulary.standard_of(cohort.entry))
    return replace(cohort, entry=levels, formulary=wanted)


def _levels(formulary: Formulary, doses: Array) -> NDArray[np.int64]:
    """Return the levels (n, 6) nearest to doses (n, 6) in standard doses."""
    kinds, place = np.unique(doses, axis=0, return_inverse=True)
    rows = [[formulary.nearest_level(s, d) for s, d in enumerate(kind)] for kind in kinds]
    return np.array(rows, dtype=np.int64)[np.ravel(place)]


def view_of(environment: str) -> View:
    """Return the observation's features of an environment."""
    if environment == INSULIN:
        return INSULIN_VIEW
    from ..therapy.pressure_view import PRESSURE_VIEW

    return PRESSURE_VIEW


def _expected(
    protocol: TrialProtocol, candidates: Any, who: NDArray[np.int64], progress: Any
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return what a baseline visit shows of people on average, and its variance about that.

    Matching on one noisy reading would pick people whose error happens to point towards the
    baseline table; their pressure would then drift away from it without any treatment.
    """
    if protocol.environment == INSULIN:
        return _visit(protocol, protocol.keywords(), candidates, who, TRIAL_EPISODE, progress), {}
    from ..therapy.pressure_measurement import load_measurement

    asked = protocol.measurement or "office_unattended"
    quiet = {**(asked if isinstance(asked, dict) else {"preset": asked}), **NOISE_FREE}
    keywords = {**protocol.keywords(), "measurement": quiet}
    seen = _visit(protocol, keywords, candidates, who, TRIAL_EPISODE, progress)
    spread = load_measurement(asked).within_sd(seen["sbp"], seen["dbp"])
    return seen, {"sbp": spread[0] ** 2, "dbp": spread[1] ** 2}


def _visit(
    protocol: TrialProtocol,
    keywords: Mapping[str, Any],
    cohort: Any,
    who: NDArray[np.int64],
    episode: int,
    progress: Any,
) -> dict[str, Array]:
    """Return what is known of people (one value each) at a visit before anything is changed."""
    view = view_of(protocol.environment)
    parts: list[dict[str, Array]] = []
    for first in range(0, len(who), CANDIDATES_AT_ONCE):
        rows = who[first : first + CANDIDATES_AT_ONCE]
        part = cohort.take(rows.tolist())
        task = make_task(
            protocol.environment, **keywords, terminate=None, by_lane=True, cohort=part
        )
        lanes = Lanes(task, len(rows))
        for lane, i in enumerate(rows):
            lanes.seed(lane, lane_seed(protocol.seed, episode, int(i)))
        observation = lanes.begin().observation
        known = {k: np.asarray(v, float) for k, v in part.patients.covariates.items()}
        parts.append(known | {f.name: view.read(observation, f.name) for f in view.features})
        if progress is not None:
            progress("enrolling", first + len(rows), len(who))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _fulfils(
    seen: Mapping[str, Array],
    include: Sequence[Mapping[str, Any]],
    exclude: Sequence[Mapping[str, Any]],
) -> NDArray[np.bool_]:
    """Return who fulfils one line of ``include`` and none of ``exclude``."""
    n = len(next(iter(seen.values())))
    accepted = np.ones(n, dtype=np.bool_)
    if include:
        accepted &= np.any([_holds(seen, rule) for rule in include], axis=0)
    for rule in exclude:
        accepted &= ~_holds(seen, rule)
    return accepted


def _holds(seen: Mapping[str, Array], rule: Mapping[str, Any]) -> NDArray[np.bool_]:
    n = len(next(iter(seen.values())))
    holds = np.ones(n, dtype=np.bool_)
    for name, (low, high) in rule.items():
        if name not in seen:
            raise InputError(
                f"a rule of the population names {name!r}; known at a visit are {', '.join(seen)}"
            )
        # Observations are single precision: a whole number must not fall out by rounding.
        if low is not None:
            holds &= seen[name] >= low - 1e-3
        if high is not None:
            holds &= seen[name] <= high + 1e-3
    return holds
