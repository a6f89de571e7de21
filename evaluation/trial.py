"""Running an in-silico trial: enrol, let every arm live, compare with what was published."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..policies.library import load_policy
from .evaluate import keywords_for, without_nan
from .subjects import environment_of
from .trial_analysis import Estimate, difference_of, mean_of, ratio_of
from .trial_endpoints import visit_of
from .trial_engine import ENGINES, Part, key_of, live_all
from .trial_population import Enrolled, in_formulary, recruit
from .trial_protocol import Arm, Endpoint, TrialProtocol
from .trials import load_trial
from .versions import versions
from .write import write_text

Array = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

PART: Final = 2048
ALLOCATION_STREAM: Final = 11
INTERVAL_STREAM: Final = 12


@dataclass(frozen=True)
class Finding:
    """One endpoint, simulated.

    Parameters
    ----------
    endpoint : Endpoint
    estimate : Estimate
    passed : bool or None
        None where the file sets no threshold.
    arms : mapping of arm to float
        The mean of each arm that the endpoint compares.
    """

    endpoint: Endpoint
    estimate: Estimate
    passed: bool | None
    arms: Mapping[str, float]


@dataclass(frozen=True)
class TrialResult:
    """What a trial found.

    Parameters
    ----------
    protocol : TrialProtocol
        As it was run.
    enrolled : Enrolled
    findings : tuple of Finding
        In the protocol's order.
    arm_sizes : mapping of arm to people
    """

    protocol: TrialProtocol
    enrolled: Enrolled
    findings: tuple[Finding, ...]
    arm_sizes: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Whether no endpoint that has a threshold missed it."""
        return all(finding.passed is not False for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_sha256": self.protocol.sha256,
            "versions": versions(),
            "population": {
                "screened": self.enrolled.screened,
                "eligible": self.enrolled.eligible,
                "enrolled": len(self.enrolled),
                "arms": dict(self.arm_sizes),
                "baseline": self.enrolled.baseline,
            },
            "endpoints": [
                {
                    "id": f.endpoint.id,
                    "published": f.endpoint.published,
                    "simulated": f.estimate.value,
                    "low": f.estimate.low,
                    "high": f.estimate.high,
                    "n": f.estimate.n,
                    "arms": dict(f.arms),
                    "passed": f.passed,
                }
                for f in self.findings
            ],
            "passed": self.passed,
        }

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all; NaN becomes null."""
        plain = without_nan(self.to_dict())
        write_text(path, json.dumps(plain, indent=1, default=str) + "\n")


def run_trial(
    protocol: str | Path | TrialProtocol,
    *,
    engine: str = "local",
    n: int | None = None,
    part: int = PART,
    study_effect: bool = False,
    progress: Progress | None = None,
) -> TrialResult:
    """Run an in-silico trial.

    Parameters
    ----------
    protocol : str, Path or TrialProtocol
        A name of ``list_trials()``, a YAML file, or the protocol itself.
    engine : {"local", "ray"}
        Where people are simulated; the numbers do not depend on it.
    n : int, optional
        People instead of the protocol's: quicker, with wider intervals.
    part : int
        People simulated at once; the numbers do not depend on it.
    study_effect : bool
        Whether readings fall by themselves after entry, as in PATHWAY-2's placebo arm.
    progress : callable, optional
        Called with (what, done, total).

    Returns
    -------
    TrialResult

    Raises
    ------
    InputError
        On anything unknown or out of range, before people are simulated where that can be known.
    """
    plan = protocol if isinstance(protocol, TrialProtocol) else load_trial(protocol)
    plan = plan if n is None else plan.enrolling(n)
    plan = plan.with_study_effect() if study_effect else plan
    _check_run(engine, part)
    keywords = {arm.name: _compose(plan, arm) for arm in plan.arms}
    people = _allocate(plan, plan.population.n)
    enrolled = recruit(plan, progress)
    parts, owners = _cut(plan, keywords, enrolled, people, part)
    tell = progress or (lambda *_: None)
    found = live_all(parts, engine, lambda done, total: tell("simulating", done, total))
    values = _gather(plan, found, owners)
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(INTERVAL_STREAM,)))
    findings = tuple(_find(plan, e, values, rng) for e in plan.endpoints)
    return TrialResult(plan, enrolled, findings, {a: len(who) for a, who in people.items()})


def _check_run(engine: Any, part: Any) -> None:
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r}; choose one of {', '.join(ENGINES)}")
    if not isinstance(part, int) or isinstance(part, bool) or part < 1:
        raise InputError(f"part is {part!r}; give a whole number of at least 1")


def _compose(plan: TrialProtocol, arm: Arm) -> dict[str, Any]:
    """Return an arm's environment keywords, after checking all that needs no people."""
    policy = load_policy(arm.policy, **arm.settings)
    environment_of(policy, plan.environment)
    keywords = keywords_for(policy, plan.keywords())
    task = make_task(plan.environment, **keywords)
    steps, step_min = int(task.n_steps), float(task.step_min)
    for endpoint in plan.endpoints:
        for column in endpoint.columns:
            if column != "reward" and column not in task.log_columns:
                raise InputError(
                    f"endpoint {endpoint.id} reads column {column!r}; {plan.environment} logs "
                    f"{', '.join(task.log_columns)} and reward"
                )
        for week in (endpoint.week, endpoint.from_week):
            if week is not None:
                visit_of(week, step_min, steps)
    return keywords


def _allocate(plan: TrialProtocol, n: int) -> dict[str, NDArray[np.int64]]:
    """Return who is in which arm: everyone in each if paired, else at random by share."""
    if plan.analysis.paired:
        return {arm.name: np.arange(n) for arm in plan.arms}
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(ALLOCATION_STREAM,)))
    shares = np.cumsum([arm.share for arm in plan.arms])
    cuts = np.rint(n * shares / shares[-1]).astype(int)
    groups = np.split(rng.permutation(n), cuts[:-1])
    for arm, who in zip(plan.arms, groups, strict=True):
        if who.size == 0:
            raise InputError(f"arm {arm.name} has nobody of {n} people; enrol more")
    return {arm.name: np.sort(who) for arm, who in zip(plan.arms, groups, strict=True)}


def _cut(
    plan: TrialProtocol,
    keywords: Mapping[str, Mapping[str, Any]],
    enrolled: Enrolled,
    people: Mapping[str, NDArray[np.int64]],
    part: int,
) -> tuple[list[Part], list[str]]:
    """Return the parts and the arm each belongs to."""
    parts, owners = [], []
    for arm in plan.arms:
        measured = tuple(e for e in plan.endpoints if arm.name in (e.arm, e.minus, e.over))
        who = people[arm.name]
        for first in range(0, len(who), part):
            rows = who[first : first + part]
            cohort = in_formulary(enrolled.cohort.take(rows.tolist()), keywords[arm.name])
            seeds = tuple(enrolled.seeds[i] for i in rows)
            parts.append(
                Part(
                    plan.environment, keywords[arm.name], arm.policy, arm.settings, cohort, seeds,
                    measured,
                )
            )  # fmt: skip
            owners.append(arm.name)
    return parts, owners


def _gather(
    plan: TrialProtocol, found: Sequence[Mapping[str, Array]], owners: Sequence[str]
) -> dict[str, dict[str, Array]]:
    """Return arm -> measure -> one number a person, in the order of enrolment."""
    values: dict[str, dict[str, Array]] = {}
    for arm in plan.arms:
        mine = [part for part, owner in zip(found, owners, strict=True) if owner == arm.name]
        values[arm.name] = {key: np.concatenate([p[key] for p in mine]) for key in mine[0]}
    return values


def _find(
    plan: TrialProtocol,
    endpoint: Endpoint,
    values: Mapping[str, Mapping[str, Array]],
    rng: np.random.Generator,
) -> Finding:
    key = key_of(endpoint)
    named = [arm for arm in (endpoint.arm, endpoint.minus, endpoint.over) if arm is not None]
    first, *others = (values[arm][key] for arm in named)
    if endpoint.minus is not None:
        estimate = difference_of(first, others[0], plan.analysis, rng)
    elif endpoint.over is not None:
        estimate = ratio_of(first, others[0], plan.analysis, rng)
    else:
        estimate = mean_of(first, plan.analysis, rng)
    arms = {arm: float(values[arm][key].mean()) for arm in named}
    return Finding(endpoint, estimate, _judge(endpoint, estimate.value), arms)


def _judge(endpoint: Endpoint, value: float) -> bool | None:
    """Return whether a value meets the file's threshold; NaN does not."""
    if endpoint.within is not None:
        return bool(endpoint.within[0] <= value <= endpoint.within[1])
    if endpoint.tolerance is None or endpoint.published is None:
        return None
    return bool(abs(value - endpoint.published) <= endpoint.tolerance)
