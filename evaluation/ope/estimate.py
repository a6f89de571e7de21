"""What an estimator of a policy's value from logged data takes, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from ..logged_episode import Array

if TYPE_CHECKING:
    from .evidence import Evidence

Guarantee = Literal["finite-sample", "asymptotic"]
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A policy's value as an estimator sees it.

    Parameters
    ----------
    value, low, high : float
        Mean discounted return over patients (or what ``method`` names) and a two-sided interval;
        NaN where the data cannot tell.
    method : str
    n_patients : int
    per_patient : array (n,)
        Each patient's value or influence, whose mean is ``value``; patients in the order of
        ``Evidence.patients``.
    diagnostics : mapping
        As ``diagnostics.diagnose``, and what the method adds.
    confidence : float
        Two-sided, nominal.
    guarantee : {"finite-sample", "asymptotic"}
        Whether the interval holds at any number of patients, or in the limit of many.
    model_based : bool
        Whether a fitted model alone carries the value, so that no interval speaks of its bias.
    people : frozenset of str
        Hashes of the patients behind it.
    """

    value: float
    low: float
    high: float
    method: str
    n_patients: int
    per_patient: Array
    diagnostics: Mapping[str, Any] = field(default_factory=dict)
    confidence: float = CONFIDENCE
    guarantee: Guarantee = "asymptotic"
    model_based: bool = False
    people: frozenset[str] = frozenset()

    @property
    def ess(self) -> float:
        """Effective sample size of the weights behind it, in patients."""
        return float(self.diagnostics.get("ess", np.nan))


class Estimator(Protocol):
    """An estimator; a frozen record of its settings.

    ``needs_odds`` says whether it cannot do without the probabilities of the logged acts.
    """

    @property
    def name(self) -> str:
        """Short name, as in the registry."""
        ...

    @property
    def needs_odds(self) -> bool:
        """Whether probabilities of the logged acts must be known."""
        ...

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate of the target's value.

        Raises
        ------
        InputError
            If the evidence lacks what the method needs.
        """
        ...
