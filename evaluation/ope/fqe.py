"""Fitted Q evaluation as an estimator: the value that networks see at the start of each course."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import t as student

from ...physiology.errors import InputError
from ..declared import error_probability
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .weighted import model_words


@dataclass(frozen=True)
class FittedQ:
    """Mean over patients of the fitted value at the start, each by networks that never saw them.

    The interval is Student's over networks fitted on resampled patients (Hao et al. 2021, arXiv
    2102.03607): it tells how much the fit depends on who was logged, and nothing of what all
    networks get wrong alike (unseen acts, memory, confounding). So it never vetoes by itself.
    """

    name: str = field(default="fqe", init=False)
    needs_odds: bool = field(default=False, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        steps, critic = evidence.steps, evidence.critic
        start = steps.by_patient(critic.v[:, :, 0].T)
        own = start.mean(axis=1)
        by_seed = (critic.resample * start.T).sum(axis=1) / critic.resample.sum(axis=1)
        seeds = len(by_seed)
        reach = student.ppf(1.0 - 0.5 * error_probability(confidence), seeds - 1)
        half = float(reach * by_seed.std(ddof=1) * np.sqrt(1.0 + 1.0 / seeds))
        value = float(own.mean())
        told: dict[str, Any] = {"by_seed": by_seed.tolist(), **model_words(evidence)}
        try:
            told = {**evidence.diagnostics, **told}
        except InputError:
            # Without probabilities there are no weights; the fit stands, their diagnostics do not.
            told["ess"] = float("nan")
        return Estimate(
            value, value - half, value + half, self.name, len(own), own, told, confidence,
            "asymptotic", True, evidence.people,
        )  # fmt: skip
