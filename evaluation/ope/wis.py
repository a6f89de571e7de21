"""Weighted importance sampling: returns averaged with weights that add up to one."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios
from .weighted import estimate_of


@dataclass(frozen=True)
class WeightedImportanceSampling:
    """sum w G / sum w (Precup, Sutton and Singh 2000): biased at few patients, consistent."""

    name: str = field(default="wis", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        steps, weights = evidence.steps, evidence.final_weights
        top = steps.by_patient(weights * steps.returns)[:, None]
        ratios = Ratios(top, steps.by_patient(weights)[:, None])
        return estimate_of(ratios, self.name, evidence, rng=rng, confidence=confidence)
