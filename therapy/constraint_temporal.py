"""Constraints whose claim is a temporal formula over the course of an episode."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import StringConstraints, field_validator

from .constraint_base import Claim, Fraction


class FormulaClaim(Claim):
    """A claim on each patient's course: the formula ``stl`` holds from the first sample on.

    ``stl`` is signal temporal logic over the trace signals of the environment
    (``signals.TRACES_OF``), every number with its unit. What happens at the end of the horizon is
    said in ``stl_formula``: windows are cut there.
    """

    stl: Annotated[str, StringConstraints(min_length=1)]

    @field_validator("stl")
    @classmethod
    def _one_line(cls, stl: str) -> str:
        return " ".join(stl.split())

    def harmed(self, verdicts: ArrayLike) -> NDArray[np.bool_]:
        """Say who is harmed: whoever's formula is not certainly true.

        Parameters
        ----------
        verdicts : array (n,)
            1 true, -1 false, 0 or NaN unknown.

        Returns
        -------
        array (n,) of bool
        """
        return np.asarray(np.asarray(verdicts, dtype=np.float64) != 1.0)


class FormulaChanceItem(FormulaClaim):
    """P(a patient's course violates ``stl``) is at most ``limit``."""

    type: Literal["chance"]
    limit: Fraction

    def slack(self, bound: float) -> float:
        """Signed margin of an upper bound on the probability, a fraction; negative fails."""
        return self.limit - bound


class HardItem(FormulaClaim):
    """No patient's course violates ``stl`` at any step.

    A sample cannot show that a probability is zero. What makes it zero is the shield or the device
    that enforces the item; the gate checks that this works: a single violation, or one course of
    which it cannot be told, fails the item. ``delta`` buys the bound on the share of patients that
    the certificate states beside it.
    """

    type: Literal["hard"]

    def slack(self, share: float) -> float:
        """Signed margin of the observed share of violations: 0 passes, less fails."""
        return 0.0 - share
