"""Safety constraints in clinical units: what a policy must be shown to keep, and how surely."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Discriminator, Field, PositiveInt, StringConstraints, Tag, model_validator

from ..physiology.errors import InputError
from .constraint_base import EVERYONE, Fraction, Interval, Name, SignalClaim, Strict
from .constraint_tail import TailItem
from .constraint_temporal import FormulaChanceItem, FormulaClaim, HardItem
from .signals import COMPARATORS, SIGNALS_OF, TRACES_OF
from .stl import Formula, parse_formula

__all__ = [
    "EVERYONE",
    "ChanceItem",
    "ConstraintItem",
    "ConstraintSet",
    "FormulaChanceItem",
    "FormulaClaim",
    "HardItem",
    "MeanItem",
    "NonInferiorityItem",
    "TailItem",
]


class ChanceItem(SignalClaim):
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


class MeanItem(SignalClaim):
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


class NonInferiorityItem(SignalClaim):
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


ConstraintItem = (
    ChanceItem | MeanItem | NonInferiorityItem | TailItem | FormulaChanceItem | HardItem
)

#: What an item of a file is read as. A chance item with a formula is a record of its own, so that
#: items without one keep their content and hash.
ITEM_MODELS: Mapping[str, type[ConstraintItem]] = MappingProxyType(
    {
        "chance": ChanceItem,
        "mean": MeanItem,
        "noninferiority": NonInferiorityItem,
        "hard": HardItem,
        "tail": TailItem,
        "chance-stl": FormulaChanceItem,
    }
)


def item_kind(item: Any) -> str | None:
    """Return the key of ``ITEM_MODELS`` that an item, read or raw, belongs to."""
    if not isinstance(item, dict):
        return next((kind for kind, model in ITEM_MODELS.items() if type(item) is model), None)
    kind = item.get("type")
    if not isinstance(kind, str) or kind == "chance-stl":
        return None
    return "chance-stl" if kind == "chance" and "stl" in item else kind


_AnyItem = Annotated[
    Annotated[ChanceItem, Tag("chance")]
    | Annotated[MeanItem, Tag("mean")]
    | Annotated[NonInferiorityItem, Tag("noninferiority")]
    | Annotated[HardItem, Tag("hard")]
    | Annotated[TailItem, Tag("tail")]
    | Annotated[FormulaChanceItem, Tag("chance-stl")],
    Discriminator(item_kind),
]


class ConstraintSet(Strict):
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
    items: tuple[_AnyItem, ...] = Field(min_length=1)

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
            if isinstance(item, FormulaClaim):
                continue
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

    @model_validator(mode="after")
    def _formulas_can_be_judged(self) -> ConstraintSet:
        horizon_min = 1440.0 * self.horizon_days
        for name, formula in self.formulas.items():
            if not formula.signals:
                raise ValueError(f"item {name}: its formula speaks of no signal; name one")
            if formula.longest_min > horizon_min:
                raise ValueError(
                    f"item {name}: a window of its formula reaches {formula.longest_min:g} min, "
                    f"beyond the {horizon_min:g} min of horizon_days; shorten it"
                )
        return self

    @property
    def formulas(self) -> Mapping[str, Formula]:
        """The formula of every item that has one, by the item's id."""
        found = {}
        for item in self.items:
            if isinstance(item, FormulaClaim):
                try:
                    found[item.id] = parse_formula(item.stl, TRACES_OF[self.environment])
                except InputError as error:
                    raise InputError(f"item {item.id}: {error}") from None
        return MappingProxyType(found)

    @property
    def hard(self) -> tuple[HardItem, ...]:
        """The items that nobody may violate at any step, for whoever enforces them."""
        return tuple(item for item in self.items if isinstance(item, HardItem))

    @property
    def sha256(self) -> str:
        """SHA-256 of the content; comments, order of keys and layout do not change it."""
        content = self.model_dump(mode="json")
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()
