"""Trains a residual from nothing: people, their twins and contexts, members, the verdict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.library import load_model
from ..physiology.model import Model
from .residual import Residual
from .residual_judge import (
    HORIZONS_MIN,
    as_dict,
    bare_error,
    familiar_to,
    gains_by_kind,
    helps,
    moments,
    person_errors,
    with_members,
)
from .residual_people import Known, know, live_people
from .residual_train import Training, train_members

Array = NDArray[np.float64]
Progress = Callable[[str], None]
CONTEXTS = 64


@dataclass(frozen=True)
class Plan:
    """What a residual is trained on.

    Parameters
    ----------
    name : str
    training, validation, test : int
        People of each kind of truth.
    seed : int
        Of people and fits.
    how : Training
    """

    name: str = "uva_padova_2026"
    training: int = 45
    validation: int = 15
    test: int = 25
    seed: int = 0
    how: Training = field(default_factory=Training)


def build_residual(
    plan: Plan, *, said: Mapping[str, str] | None = None, progress: Progress | None = None
) -> Residual:
    """Train a residual, decide on validation people whether it is on, and score it on test people.

    Parameters
    ----------
    plan : Plan
    said : mapping of str to str, optional
        What the card is to say besides: command and date.
    progress : callable, optional
        Called with a line on what is being done.
    """
    tell = progress or (lambda _: None)
    hybrid = load_model("uva_padova_gains")
    groups = {}
    for purpose in ("training", "validation", "test"):
        tell(f"{purpose}: people live, twins are fitted")
        lived = live_people(purpose, getattr(plan, purpose), plan.seed)
        groups[purpose] = know(lived, seed=plan.seed, progress=progress)
    return residual_from(plan, hybrid, groups, said=said, progress=progress)


def residual_from(
    plan: Plan, hybrid: Model, groups: dict[str, Known], *,
    said: Mapping[str, str] | None = None, progress: Progress | None = None,
) -> Residual:  # fmt: skip
    """Train a residual on people that are known already; ``groups`` by purpose."""
    training, validation = groups["training"], groups["validation"]
    members, scale, _ = train_members(hybrid, training.future, training.context, plan.how, progress)
    draft = Residual(
        plan.name,
        members,
        np.round(scale, 6),
        familiar_to(training.context, validation.context),
        familiar_to(
            moments(hybrid, training.context, training.future),
            moments(hybrid, validation.context, validation.future),
        ),
        np.ones(1),
        np.round(training.context[:: max(1, len(training) // CONTEXTS)][:CONTEXTS], 6),
        {"on": True},
    )
    floor, scores, verdict = scored(hybrid, draft, validation)
    card: dict[str, Any] = {
        "on": verdict[0],
        "reason": verdict[1],
        **(said or {}),
        "plan": {**asdict(plan), "how": asdict(plan.how)},
        "people": {k: len(v) for k, v in groups.items()},
        "truths": sorted(set(training.kinds)),
        "horizons_min": list(HORIZONS_MIN),
        "validation": scores,
    }
    if "test" in groups:
        card["test"] = scored(hybrid, draft, groups["test"])[1]
    return replace(draft, floor_mg_dl=np.round(floor, 3), card=card)


def scored(
    hybrid: Model, residual: Residual, known: Known
) -> tuple[Array, dict[str, Any], tuple[bool, str]]:
    """Return the error that remains (T / 5,), the gains in JSON, and whether it helps."""
    rng = np.random.default_rng(np.random.SeedSequence(1))
    paths = with_members(hybrid, residual, known.context, known.future)
    error = known.future.readings - paths.mean(axis=0)
    people, who = len(known), known.future.person
    bare = person_errors(bare_error(hybrid, known.future), who, people)
    gains = gains_by_kind(bare, person_errors(error, who, people), known.kinds, rng)
    return np.sqrt(np.nanmean(error**2, axis=0)), as_dict(gains), helps(gains["all"])
