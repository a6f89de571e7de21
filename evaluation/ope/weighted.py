"""From tables of weighted means to an Estimate: what all weighted estimators end with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .estimate import Estimate
from .evidence import Evidence
from .ratios import Ratios, interval


def estimate_of(
    ratios: Ratios,
    method: str,
    evidence: Evidence,
    *,
    rng: np.random.Generator,
    confidence: float,
    more: Mapping[str, Any] | None = None,
) -> Estimate:
    """Return the estimate of tables over patients, with its bootstrap interval.

    Parameters
    ----------
    ratios : Ratios
        Rows in the order of ``evidence.patients``.
    method : str
    evidence : Evidence
    rng : numpy.random.Generator
    confidence : float
    more : mapping, optional
        Diagnostics besides those of the weights.
    """
    low, high, lost = interval(ratios, rng=rng, confidence=confidence)
    return Estimate(
        value=ratios.value,
        low=low,
        high=high,
        method=method,
        n_patients=len(evidence.patients),
        per_patient=ratios.influence,
        diagnostics={**evidence.diagnostics, "lost_resamples": lost, **(more or {})},
        confidence=confidence,
        people=evidence.people,
    )


def model_words(evidence: Evidence) -> dict[str, float]:
    """Return what to tell of the fitted model."""
    critic = evidence.critic
    return {"bellman_residual": critic.residual, "critic_drift": critic.drift}
