"""Weighted doubly robust evaluation: that correction with weights normalised at each decision."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios
from .weighted import estimate_of, model_words


def parts(evidence: Evidence, seed: int | None = None) -> tuple[Ratios, Ratios]:
    """Return the tables of weighted surprises (n, T) and of weighted values (n, T+1).

    The model is the mean of all networks, or one ``seed`` of them. Columns, added up to decision j,
    make the estimates that follow the data for j steps and the model from there: surprises
    w_t (r_t - Q_t) and values w_(t-1) V_t, discounted.
    """
    steps, critic = evidence.steps, evidence.critic
    q, v = (critic.q_mean, critic.v_mean) if seed is None else (critic.q[seed], critic.v[seed])
    weights = evidence.weights
    before = np.concatenate([np.ones((len(weights), 1)), weights], axis=1)
    decay = np.append(steps.decay, steps.decay[-1] * steps.discount)
    surprise = weights * (steps.reward - q) * steps.decay
    surprises = Ratios(steps.by_patient(surprise), steps.by_patient(weights))
    values = Ratios(steps.by_patient(before * v * decay), steps.by_patient(before))
    return surprises, values


def joined(surprises: Ratios, values: Ratios, a: np.ndarray, b: np.ndarray) -> Ratios:
    """Return the sum of surprises, times a (T,), and values, times b (T+1,), as one table."""
    assert surprises.bottom is not None
    assert values.bottom is not None
    top = np.concatenate([surprises.top * a, values.top * b], axis=1)
    return Ratios(top, np.concatenate([surprises.bottom, values.bottom], axis=1))


@dataclass(frozen=True)
class WeightedDoublyRobust:
    """Doubly robust with self-normalised weights (Thomas and Brunskill 2016, arXiv 1604.00923)."""

    name: str = field(default="wdr", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``."""
        surprises, values = parts(evidence)
        length = surprises.top.shape[1]
        ratios = joined(surprises, values, np.ones(length), np.ones(length + 1))
        return estimate_of(
            ratios, self.name, evidence, rng=rng, confidence=confidence, more=model_words(evidence)
        )
