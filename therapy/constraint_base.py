"""What every kind of constraint states, and what those on one number per patient add."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from ..physiology.quantity import Quantity
from .signals import SIGNALS

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Interval = tuple[float, float]

EVERYONE: Final = "all"


class Strict(BaseModel):
    """Frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Claim(Strict):
    """What every kind of constraint states.

    ``scope`` lists patient groups; ``all`` means every group of the run, each by itself. ``delta``
    is the probability of wrongly passing the item in its whole scope, so several groups share it.
    """

    id: Name
    hazard: Text
    delta: Fraction
    scope: tuple[Text, ...] = (EVERYONE,)
    source: Text

    @field_validator("scope")
    @classmethod
    def _some_scope(cls, scope: tuple[str, ...]) -> tuple[str, ...]:
        if not scope or len(set(scope)) != len(scope):
            raise ValueError("must name at least one group, each once; write [all] for everyone")
        return scope


class SignalClaim(Claim):
    """A claim on one number per patient, which does harm on the ``harm`` side of its bound."""

    signal: str
    unit: str
    harm: Literal["above", "below"]

    @field_validator("signal")
    @classmethod
    def _known_signal(cls, signal: str) -> str:
        if signal not in SIGNALS:
            raise ValueError(f"is no known signal; choose one of {', '.join(SIGNALS)}")
        return signal

    @model_validator(mode="after")
    def _unit_fits(self) -> SignalClaim:
        unit = SIGNALS[self.signal].unit
        if self.unit != unit:
            raise ValueError(
                f"unit is {self.unit!r}, but {self.signal} is in {unit!r}; convert the numbers and "
                f"write {unit!r}"
            )
        return self

    @property
    def quantity(self) -> Quantity:
        """Unit and possible range of the signal."""
        return SIGNALS[self.signal]

    def _inside(self, key: str, value: float) -> None:
        low, high, unit = self.quantity.low, self.quantity.high, self.quantity.unit
        if not low <= value <= high:
            raise ValueError(
                f"{key} is {value:g} {unit}, outside {low:g} to {high:g} {unit} possible for "
                f"{self.signal}; correct the value or its unit"
            )

    def _covers(self, support: Interval) -> None:
        low, high = self.quantity.low, self.quantity.high
        if support[0] > low or support[1] < high:
            raise ValueError(
                f"support is {support[0]:g} to {support[1]:g}, narrower than the {low:g} to "
                f"{high:g} possible for {self.signal}; widen it, or the bound does not hold"
            )
