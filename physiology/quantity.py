"""A named physical quantity: what an array means, in which unit, within which bounds."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import InputError


@dataclass(frozen=True)
class Quantity:
    """What a number means.

    Parameters
    ----------
    name : str
        Identifier used in trajectories, tables and messages.
    unit : str
        Unit of the number; ``"1"`` for a pure number.
    low, high : float
        Bounds within which a value is plausible; used for validation and in documentation.
    doc : str
        One phrase for a reader.
    """

    name: str
    unit: str
    low: float
    high: float
    doc: str

    def check(self, value: float) -> float:
        """Return ``value`` if it lies within the bounds.

        Raises
        ------
        InputError
            Naming the quantity, the value and the bounds.
        """
        number = float(value)
        if not self.low <= number <= self.high:
            raise InputError(
                f"{self.name} is {number:g} {self.unit}, outside {self.low:g} to {self.high:g} "
                f"{self.unit}; correct the value or its unit"
            )
        return number
