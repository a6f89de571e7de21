"""Importance sampling: each course's return, weighted by how much likelier the target makes it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...physiology.errors import InputError
from ..declared import Support
from .clipped import clipped_interval
from .estimate import CONFIDENCE, Estimate
from .evidence import Evidence
from .ratios import Ratios
from .weighted import estimate_of


@dataclass(frozen=True)
class ImportanceSampling:
    """Mean of w G over patients (Precup, Sutton and Singh 2000): unbiased, of high variance.

    Parameters
    ----------
    support : (float, float), optional
        Least and most discounted return that are possible, declared before the data were seen. With
        it the interval holds at any number of patients (see ``clipped``); without, it is a
        bootstrap.
    """

    support: Support | None = None
    name: str = field(default="is", init=False)
    needs_odds: bool = field(default=True, init=False)

    def __call__(
        self, evidence: Evidence, *, rng: np.random.Generator, confidence: float = CONFIDENCE
    ) -> Estimate:
        """Return the estimate; see ``estimate.Estimator``.

        Raises
        ------
        InputError
            If probabilities are unknown, or a return lies outside the support.
        """
        steps, weights = evidence.steps, evidence.final_weights
        values = steps.by_patient(weights * steps.returns)
        found = estimate_of(
            Ratios(values[:, None]), self.name, evidence, rng=rng, confidence=confidence
        )
        if self.support is None:
            return found
        least, most = check_support(self.support, steps.returns, "return")
        above = steps.by_patient(weights * (steps.returns - least))
        below = steps.by_patient(weights * (most - steps.returns))
        low, high = clipped_interval(above, below, self.support, confidence)
        return replace(found, low=low, high=high, guarantee="finite-sample")


def check_support(support: Support, values: np.ndarray, what: str) -> Support:
    """Return a declared range after checking what was seen against it.

    Raises
    ------
    InputError
        If it is empty, or something seen lies outside.
    """
    least, most = support
    if not least < most:
        raise InputError(f"support of the {what} is {list(support)}; give [least, most]")
    if values.min() < least - 1e-9 or values.max() > most + 1e-9:
        raise InputError(
            f"{what}s reach from {values.min():g} to {values.max():g}, outside the declared "
            f"support {list(support)}; declare what is possible, not what was hoped for"
        )
    return support
