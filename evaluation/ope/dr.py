"""Doubly robust evaluation: the fitted value, corrected by weighted surprises."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios
from .weighted import estimate_of, model_words


@dataclass(frozen=True)
class DoublyRobust:
    """V(s_0) + sum_t discount^t w_t (r_t + discount V(s_t+1) - Q(s_t, a_t)), a mean over patients.

    Jiang and Li 2016 (arXiv 1511.03722). The networks never saw the patients that they judge, so
    the estimate is unbiased where probabilities are right, however wrong the networks are.
    """

    name: str = field(default="dr", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        steps, critic = evidence.steps, evidence.critic
        v = critic.v_mean
        surprise = steps.reward + steps.discount * v[:, 1:] - critic.q_mean
        values = v[:, 0] + (evidence.weights * surprise * steps.alive) @ steps.decay
        ratios = Ratios(steps.by_patient(values)[:, None])
        return estimate_of(
            ratios, self.name, evidence, rng=rng, confidence=confidence, more=model_words(evidence)
        )
