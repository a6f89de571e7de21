"""What is to be certified: checked arguments, and the worlds that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...physiology.errors import InputError
from ...policies.card import policy_hash
from ...policies.library import load_policy
from ...therapy.constraint import ConstraintSet
from ..certified_people import certified_patients
from ..constraints import load_constraints
from ..evaluate import keywords_for
from ..subject import Subject
from ..subjects import environment_of, subject_of
from .lives import Tell, World
from .store import Store

# What the gate itself decides; a caller who could set these could choose an easier examination.
FIXED: Final = ("patient", "cohort", "days", "terminate", "by_lane")


@dataclass(frozen=True)
class Request:
    """A certification that was asked for.

    Parameters
    ----------
    policy, comparator : object
    named : str
        How the policy was named, so that it can be found again; empty where an object was given.
    rules : ConstraintSet
    groups : tuple of str
        Groups the policy is meant for, in the environment's order.
    given : mapping
        Keywords of the environment that the caller may choose.
    patients, seed : int
    asked_rules : str
        How the constraint set was named; empty where the environment's own was taken.
    """

    policy: Any
    comparator: Any
    named: str
    rules: ConstraintSet
    groups: tuple[str, ...]
    given: Mapping[str, Any]
    patients: int
    seed: int
    asked_rules: str = ""

    @property
    def subject(self) -> Subject:
        """The environment as evaluation sees it."""
        return subject_of(self.rules.environment)

    @property
    def kwargs(self) -> dict[str, Any]:
        """Keywords of the candidate's environment."""
        return _keywords(self.policy, self.given, self.rules)

    @property
    def usual(self) -> dict[str, Any]:
        """Keywords of the comparator's: the same, but for what gives actions their meaning."""
        own = self.subject.examination.own
        shared = {k: v for k, v in self.given.items() if k not in own}
        return _keywords(self.comparator, shared, self.rules)

    def to_dict(self) -> dict[str, Any]:
        """Return what a replay needs, in JSON."""
        return {
            "policy": self.named,
            "policy_sha256": policy_hash(self.policy),
            "constraints": self.asked_rules or self.rules.name,
            "constraints_sha256": self.rules.sha256,
            "patients": self.patients,
            "seed": self.seed,
            "groups": list(self.groups),
            "env_kwargs": dict(self.given),
        }

    def worlds(
        self,
        store: Store,
        tell: Tell,
        *,
        other: Mapping[str, Any] | None = None,
        patients: int | None = None,
        seed: int | None = None,
        groups: tuple[str, ...] | None = None,
    ) -> tuple[World, World]:
        """Return the world of the candidate and that of the comparator: same people, same days.

        Parameters
        ----------
        store, tell
            As in ``World``.
        other : mapping, optional
            Keywords that make another world of it.
        patients, seed, groups : optional
            Other people than those asked for.
        """
        env_id, exam = self.rules.environment, self.subject.examination
        kwargs, usual = {**self.kwargs, **(other or {})}, {**self.usual, **(other or {})}
        n = self.patients if patients is None else patients
        start = self.seed if seed is None else seed
        meant = self.groups if groups is None else groups
        people, seeds = certified_patients(n, start, meant, kwargs, env_id=env_id)
        same = all(usual.get(k) == kwargs.get(k) for k in exam.own if k != "action")
        others = people if same else exam.people(n, start, meant, usual)
        return (
            World(self.rules, people, seeds, kwargs, store, tell),
            World(self.rules, others, seeds, usual, store, tell),
        )


def request_of(
    policy: Any,
    *,
    constraints: str | Path | None,
    patients: int,
    seed: int,
    groups: Sequence[str] | str | None,
    env_kwargs: Mapping[str, Any] | None,
    trust: bool,
) -> Request:
    """Return the request that a caller's arguments make.

    Raises
    ------
    InputError
        On anything unknown or broken.
    """
    named = str(policy) if isinstance(policy, (str, Path)) else ""
    chosen = load_policy(policy, trust=trust) if named else policy
    rules = _rules(chosen, constraints)
    subject = subject_of(rules.environment)
    return Request(
        policy=chosen,
        comparator=load_policy(subject.examination.comparator),
        named=named,
        rules=rules,
        groups=_check_groups(groups, subject.groups),
        given=_check_keywords(chosen, env_kwargs, subject),
        patients=patients,
        seed=seed,
        asked_rules="" if constraints is None else str(constraints),
    )


def _rules(policy: Any, constraints: str | Path | None) -> ConstraintSet:
    """Return the constraint set, after checking that the policy is for its environment."""
    if constraints is None:
        constraints = subject_of(environment_of(policy)).examination.constraints
    rules = load_constraints(constraints)
    environment_of(policy, rules.environment)
    return rules


def _check_groups(groups: Sequence[str] | str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    meant = known if groups is None else (groups,) if isinstance(groups, str) else tuple(groups)
    if not meant:
        raise InputError(f"groups names nobody; choose among {', '.join(known)}")
    for group in meant:
        if group not in known:
            raise InputError(f"group is {group!r}; choose among {', '.join(known)}")
    return tuple(g for g in known if g in meant)


def _check_keywords(
    policy: Any, env_kwargs: Mapping[str, Any] | None, subject: Subject
) -> dict[str, Any]:
    """Return the caller's keywords, after refusing what makes another examination of it."""
    exam = subject.examination
    given = {**exam.defaults, **(env_kwargs or {})}
    wants = dict(getattr(policy, "wants", {}))
    for key in (*FIXED, *exam.fixed):
        if key in given or key in wants:
            who = "env-kwargs names" if key in given else "the policy wants"
            raise InputError(f"{who} {key!r}, which the certification sets itself; leave it out")
    return given


def _keywords(policy: Any, given: Mapping[str, Any], rules: ConstraintSet) -> dict[str, Any]:
    fixed = {"days": rules.horizon_days, "terminate": None, "by_lane": True}
    return {**keywords_for(policy, given), **fixed}
