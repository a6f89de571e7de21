"""The validation score: one number that says which of two agents, or gains, is the better.

score = time in range - 10 x time below 54 - 0.5 x failures, each in percent

Times are of true glucose, range 70-180 mg/dL, averaged over episodes (each patient has the same
number); a failure is an episode that touches 40 or 600 mg/dL. The weights are project choices: the
consensus allows 1 % below 54 mg/dL beside a goal of 70 % in range (Battelino 2019,
doi:10.2337/dci19-0028), so a point below 54 here costs ten in range; failures count beside it
because a mean hides a rare death.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..envs.registry import make_task
from ..evaluation.evaluate import metrics_of
from ..evaluation.rollout import rollout
from ..physiology.streams import stream
from .settings import ValidationSettings

BELOW_54_WEIGHT = 10.0
FAILURE_WEIGHT = 0.5
# What a validation reports, in this order; keys of ``evaluation.evaluate.metrics_of``.
REPORTED = (
    "time_in_range",
    "time_below_70",
    "time_below_54",
    "time_above_250",
    "failure",
    "magni_risk",
)


def score_of(metrics: Mapping[str, float]) -> float:
    """Return the score of mean metrics, in points (percent)."""
    lost = BELOW_54_WEIGHT * metrics["time_below_54"] + FAILURE_WEIGHT * metrics["failure"]
    return float(metrics["time_in_range"] - lost)


class Episodes:
    """Fixed patients and days on which policies are compared; a death does not end an episode.

    Parameters
    ----------
    env_id : str
    env_kwargs : mapping
    days : int
    lanes : int
        Episodes side by side, at most; each patient has the same number of them, and if there are
        more patients than lanes the last are left out.
    purpose, seed : str, int
        Stream that the days are drawn from.
    """

    def __init__(
        self,
        env_id: str,
        env_kwargs: Mapping[str, Any],
        *,
        days: int,
        lanes: int,
        purpose: str,
        seed: int,
    ) -> None:
        fixed = {"days": days, "terminate": None, "by_lane": True}
        task = make_task(env_id, **{**env_kwargs, **fixed})
        people = min(len(task.cohort), lanes)
        self.task = replace(task, cohort=task.cohort.take(range(people)))
        drawn = stream(seed, purpose).integers(2**32, size=people * (lanes // people))
        self.seeds = tuple(int(value) for value in drawn)

    def __call__(self, policy: Any) -> dict[str, float]:
        """Return ``REPORTED`` means over the episodes, and their ``score``."""
        metrics = metrics_of(rollout(self.task, policy, self.seeds))
        means = {name: float(np.mean(metrics[name])) for name in REPORTED}
        return {"score": score_of(means), **means}


def validation_episodes(
    env_id: str, env_kwargs: Mapping[str, Any], settings: ValidationSettings
) -> Episodes:
    """Return the episodes on which agents of one run are compared.

    Named patients are those trained on; virtual patients are drawn anew from the ``validation``
    stream. The days come from that stream too, so none was trained on.
    """
    return Episodes(
        env_id,
        _validation_patients(env_kwargs, settings),
        days=settings.days,
        lanes=settings.lanes,
        purpose="validation",
        seed=settings.seed,
    )


def _validation_patients(
    env_kwargs: Mapping[str, Any], settings: ValidationSettings
) -> dict[str, Any]:
    """Return keywords whose virtual patients, if any, come from the ``validation`` stream."""
    kwargs = dict(env_kwargs)
    patient = kwargs.get("patient")
    if isinstance(patient, Mapping):
        size = min(int(patient.get("size", settings.lanes)), settings.lanes)
        kwargs["patient"] = {
            **patient, "purpose": "validation", "seed": settings.seed, "size": size
        }  # fmt: skip
    return kwargs
