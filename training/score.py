"""The validation of agents: the same patients and days for all that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..envs.registry import make_task
from ..evaluation.rollout import rollout
from ..evaluation.scoring import TRUTH
from ..evaluation.subjects.library import subject_of
from ..physiology.streams import stream
from .aim import aim_of
from .settings import ValidationSettings


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
        self.aim, self.subject = aim_of(env_id), subject_of(env_id)
        fixed = {"days": days, "terminate": None, "by_lane": True}
        task = make_task(env_id, **{**env_kwargs, **fixed})
        people = min(len(task.cohort), lanes)
        self.task = replace(task, cohort=task.cohort.take(range(people)))
        drawn = stream(seed, purpose).integers(2**32, size=people * (lanes // people))
        self.seeds = tuple(int(value) for value in drawn)

    def __call__(self, policy: Any) -> dict[str, float]:
        """Return the figures of the environment's aim, ``score`` first."""
        run = rollout(self.task, policy, self.seeds)
        return self.aim.figures(self.subject.score(run, TRUTH))


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
