"""Safety constraints in clinical units: what a policy must be shown to keep, and how surely."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from ..physiology.quantity import Quantity
from .signals import COMPARATORS, SIGNALS, SIGNALS_OF

Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Interval = tuple[float, float]

EVERYONE: Final = "all"


class _Strict(BaseModel):
    """Frozen, no unknown keys, finite numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class _Item(_Strict):
    """What every kind of constraint states.

    ``harm`` says on which side of its bound the signal does harm. ``scope`` lists patient groups;
    ``all`` means every group of the run, each by itself. ``delta`` is the probability of wrongly
    passing the item in its whole scope, so several groups share it.
    """

    id: Name
    hazard: Text
    signal: str
    unit: str
    harm: Literal["above", "below"]
    delta: Fraction
    scope: tuple[Text, ...] = (EVERYONE,)
    source: Text

    @field_validator("signal")
    @classmethod
    def _known_signal(cls, signal: str) -> str:
        if signal not in SIGNALS:
            raise ValueError(f"is no known signal; choose one of {', '.join(SIGNALS)}")
        return signal

    @field_validator("scope")
    @classmethod
    def _some_scope(cls, scope: tuple[str, ...]) -> tuple[str, ...]:
        if not scope or len(set(scope)) != len(scope):
            raise ValueError("must name at least one group, each once; write [all] for everyone")
        return scope

    @model_validator(mode="after")
    def _unit_fits(self) -> _Item:
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


class ChanceItem(_Item):
    """P(a patient's signal lies on the harmful side of ``threshold``) is at most ``limit``."""

    type: Literal["chance"]
    threshold: float
    limit: Fraction

    @model_validator(mode="after")
    def _threshold_fits(self) -> ChanceItem:
        self._inside("threshold", self.threshold)
        return self

    def harmed(self, values: ArrayLike) -> NDArray[np.bool_]:
        """Say which patients are harmed; a missing value counts as harm.

        Parameters
        ----------
        values : array (n,), in ``unit``
            The signal per patient.

        Returns
        -------
        array (n,) of bool
        """
        data = np.asarray(values, float)
        harmful = data > self.threshold if self.harm == "above" else data < self.threshold
        return np.asarray(harmful | np.isnan(data))

    def slack(self, bound: float) -> float:
        """Signed margin of an upper bound on the probability, a fraction; negative fails."""
        return self.limit - bound


class MeanItem(_Item):
    """E[signal] does not lie on the harmful side of ``limit``.

    ``support`` is the range the signal can take, known in advance.
    """

    type: Literal["mean"]
    limit: float
    support: Interval

    @model_validator(mode="after")
    def _limit_fits(self) -> MeanItem:
        self._inside("limit", self.limit)
        self._covers(self.support)
        return self

    def slack(self, bound: float) -> float:
        """Signed margin, in ``unit``, of the bound on the harmful side; negative fails."""
        return self.limit - bound if self.harm == "above" else bound - self.limit


class NonInferiorityItem(_Item):
    """E[signal - comparator's signal] worsens by at most ``margin``.

    The comparator is the environment's (``signals.COMPARATORS``); it acts on the same patients and
    disturbances. ``margin`` is in ``unit``; ``support`` is the range of the signal itself, not of
    the difference.
    """

    type: Literal["noninferiority"]
    margin: float = Field(gt=0.0)
    comparator: Literal["current_regimen", "guideline_care"]
    support: Interval

    @model_validator(mode="after")
    def _margin_fits(self) -> NonInferiorityItem:
        widest = self.quantity.high - self.quantity.low
        if self.margin > widest:
            raise ValueError(
                f"margin is {self.margin:g} {self.unit}, outside 0 to {widest:g} {self.unit} "
                f"possible for {self.signal}; correct the value or its unit"
            )
        self._covers(self.support)
        return self

    def slack(self, bound: float) -> float:
        """Signed margin, in ``unit``, of the bound on the harmful side of the mean difference.

        With ``harm: above`` pass an upper bound on candidate minus comparator, with
        ``harm: below`` a lower bound; negative fails.
        """
        return self.margin - bound if self.harm == "above" else self.margin + bound


ConstraintItem = ChanceItem | MeanItem | NonInferiorityItem


class ConstraintSet(_Strict):
    """A versioned set of constraints for one environment.

    ``horizon_days`` is how long each patient is followed; ``trace`` says whether what is judged is
    the body's own (``truth``) or what was measured; ``total_delta`` bounds the probability that any
    item is passed wrongly, and the items' ``delta`` must fit into it.
    """

    name: Name
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")]
    environment: Annotated[str, StringConstraints(pattern=r"^dosegym/[A-Za-z0-9]+-v\d+$")]
    horizon_days: PositiveInt
    trace: Literal["truth", "sensor"]
    total_delta: Fraction
    items: tuple[Annotated[ConstraintItem, Field(discriminator="type")], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _items_fit(self) -> ConstraintSet:
        ids = [item.id for item in self.items]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            raise ValueError(f"id {twice[0]} is used by two items; give each its own")
        spent = sum(item.delta for item in self.items)
        if spent > self.total_delta * (1.0 + 1e-9):
            raise ValueError(
                f"the items' delta sum to {spent:g}, above total_delta {self.total_delta:g}; "
                "lower some of them or raise total_delta"
            )
        return self

    @model_validator(mode="after")
    def _items_are_of_the_environment(self) -> ConstraintSet:
        if self.environment not in SIGNALS_OF:
            raise ValueError(
                f"environment is {self.environment!r}; choose one of {', '.join(SIGNALS_OF)}"
            )
        known, versus = SIGNALS_OF[self.environment], COMPARATORS[self.environment]
        for item in self.items:
            if item.signal not in known:
                raise ValueError(
                    f"item {item.id}: signal {item.signal!r} is none of {self.environment}; choose "
                    f"one of {', '.join(known)}"
                )
            if isinstance(item, NonInferiorityItem) and item.comparator != versus:
                raise ValueError(
                    f"item {item.id}: comparator is {item.comparator!r}; in {self.environment} it "
                    f"is {versus!r}"
                )
        return self

    @property
    def sha256(self) -> str:
        """SHA-256 of the content; comments, order of keys and layout do not change it."""
        content = self.model_dump(mode="json")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
