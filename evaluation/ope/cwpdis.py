"""Consistent weighted per-decision importance sampling: weights normalised at each decision."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios
from .weighted import estimate_of


@dataclass(frozen=True)
class ConsistentPerDecision:
    """sum_t discount^t (sum_i w_it r_it / sum_i w_it): Thomas 2015, PhD thesis."""

    name: str = field(default="cwpdis", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        steps, weights = evidence.steps, evidence.weights
        top = steps.by_patient(weights * steps.reward * steps.decay)
        ratios = Ratios(top, steps.by_patient(weights))
        return estimate_of(ratios, self.name, evidence, rng=rng, confidence=confidence)
