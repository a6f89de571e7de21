"""A patient and days under which a policy did its worst, and all it takes to see it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..envs.core import json_ready
from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..therapy.constraint import ConstraintSet
from .falsify_space import Space
from .rollout import rollout


@dataclass(frozen=True)
class Counterexample:
    """The smallest margin found in one group, and how to come back to it.

    Parameters
    ----------
    robustness : float
        Smallest margin of the judged rules: negative where a limit was broken.
    rule : str
        Which rule that is.
    margins : mapping of str to float
        The margin of every rule; infinite where it does not speak of the group.
    judged : tuple of str
        The rules that count.
    env_id, group : str
    radius : float
        Mahalanobis distance of the person from the centre of their group's population.
    farther : float
        Share of that population (before the implausible are turned away) farther from the centre,
        in whatever direction: how usual the distance is, and no more. It is not how many people are
        harmed: among many coordinates hardly anybody is near the centre, and who is far out in one
        harmful direction may be as near to it as anyone. That share is for a certificate to bound.
    coordinates : mapping of str to float
        The person's standardised coordinates.
    knobs : mapping of str to float
        The scenario's numbers; empty where the scenario is the certification's own.
    person : mapping
        Parameters, chart and therapy, in JSON.
    keywords : mapping
        Of the environment, in JSON: together with the person and the seed the whole world.
    seed : int
        ``reset(seed=...)`` of the single environment repeats it.
    constraints : mapping
        The constraint set in full, in JSON.
    policy_sha256 : str
    """

    robustness: float
    rule: str
    margins: Mapping[str, float]
    judged: tuple[str, ...]
    env_id: str
    group: str
    radius: float
    farther: float
    coordinates: Mapping[str, float]
    knobs: Mapping[str, float]
    person: Mapping[str, Any]
    keywords: Mapping[str, Any]
    seed: int
    constraints: Mapping[str, Any]
    policy_sha256: str

    @property
    def violates(self) -> bool:
        """Whether a limit was broken."""
        return self.robustness < 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON; rules that do not speak of the group are left out of the margins."""
        plain: dict[str, Any] = json_ready(asdict(self))
        plain["margins"] = {k: v for k, v in plain["margins"].items() if v != float("inf")}
        return plain

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counterexample:
        """Return what :meth:`to_dict` gave.

        Raises
        ------
        InputError
            If a field is missing or unknown.
        """
        names = {f.name for f in fields(cls)}
        if set(data) != names:
            odd = sorted(names ^ set(data))[0]
            raise InputError(f"counterexample has too much or too little: {odd}; falsify again")
        return cls(**{**data, "judged": tuple(data["judged"])})


def live_again(
    space: Space,
    policy: Any,
    env_id: str,
    person: Mapping[str, Any],
    keywords: Mapping[str, Any],
    seed: int,
    rules: ConstraintSet,
) -> dict[str, float]:
    """Return the margins of one person's one episode under a policy, in an ordinary rollout."""
    task = make_task(env_id, **keywords, cohort=space.unpack(person, keywords))
    run = rollout(task, policy, [seed], record=space.columns(rules))
    return {rule: float(margin[0]) for rule, margin in space.margins(run, rules).items()}
