"""Per-decision importance sampling: each reward weighted by the decisions that came before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...physiology.errors import InputError
from ..declared import Support
from .clipped import clipped_interval
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .importance import check_support
from .ratios import Ratios
from .weighted import estimate_of


@dataclass(frozen=True)
class PerDecision:
    """Mean of sum_t discount^t w_t r_t (Precup, Sutton and Singh 2000): unbiased.

    Parameters
    ----------
    support : (float, float), optional
        Least and most reward of one decision that are possible, declared beforehand; 0 must lie
        within, for courses that end early earn it. With it the interval holds at any number of
        patients (see ``clipped``).
    """

    support: Support | None = None
    name: str = field(default="pdis", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``.

        Raises
        ------
        InputError
            If probabilities are unknown, or a reward lies outside the support.
        """
        steps, weights = evidence.steps, evidence.weights
        values = steps.by_patient((weights * steps.reward) @ steps.decay)
        found = estimate_of(
            Ratios(values[:, None]), self.name, evidence, rng=rng, confidence=confidence
        )
        if self.support is None:
            return found
        least, most = check_support(self.support, steps.reward[steps.alive], "reward")
        if not least <= 0.0 <= most:
            raise InputError(
                f"support of the reward is {list(self.support)}; let 0 lie within, for a course "
                "that ends early earns it"
            )
        above = steps.by_patient((weights * (steps.reward - least)) @ steps.decay)
        below = steps.by_patient((weights * (most - steps.reward)) @ steps.decay)
        whole = float(steps.decay.sum())
        low, high = clipped_interval(above, below, (least * whole, most * whole), confidence)
        return replace(found, low=low, high=high, guarantee="finite-sample")
