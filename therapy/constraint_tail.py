"""Constraints on the worst-off: the mean of the worst share of patients."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from .constraint_base import Fraction, Interval, SignalClaim


class TailItem(SignalClaim):
    """CVaR: the mean of ``signal`` over the worst ``alpha`` share of patients is at most ``limit``.

    ``support`` begins where the signal does; its upper end may lie below the signal's: values above
    it count as that end, so the claim is then on the capped signal. A bound on a tail is as wide as
    its support allows, and a cap is what makes it narrow enough to be shown; who lies beyond the
    cap must be caught by a chance item.
    """

    type: Literal["tail"]
    alpha: Fraction
    limit: float
    support: Interval

    @model_validator(mode="after")
    def _tail_fits(self) -> TailItem:
        if self.harm != "above":
            raise ValueError(f"harm is {self.harm!r}; a tail is of a cost, write above")
        low, high = self.support
        self._inside("limit", self.limit)
        if low != self.quantity.low or not low < high <= self.quantity.high:
            raise ValueError(
                f"support is {low:g} to {high:g}; begin at {self.quantity.low:g} and end at most "
                f"at {self.quantity.high:g} {self.unit}, all that {self.signal} can be"
            )
        if not low < self.limit < high:
            raise ValueError(
                f"limit is {self.limit:g} {self.unit}; choose one inside the support, "
                f"{low:g} to {high:g} {self.unit}"
            )
        return self

    def slack(self, bound: float) -> float:
        """Signed margin, in ``unit``, of an upper bound on the tail's mean; negative fails."""
        return self.limit - bound
