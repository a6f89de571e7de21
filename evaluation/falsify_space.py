"""What a falsifier may vary in one environment, and how far from harm a patient stayed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.population import Patients
from ..therapy.constraint import EVERYONE, ChanceItem, ConstraintSet
from .trajectory import Rollout

Array = NDArray[np.float64]
Keywords = Mapping[str, Any]

REACH: Final = 3.0
"""Standard deviations to which every coordinate is searched: a project choice."""


@dataclass(frozen=True)
class Knob:
    """One number of the scenario.

    Parameters
    ----------
    name, unit : str
    low, usual, high : float
        At -3, 0 and 3 of its coordinate; linear between.
    """

    name: str
    unit: str
    low: float
    usual: float
    high: float

    def value(self, coordinate: float) -> float:
        """Return the number at a coordinate within -3 and 3."""
        share = min(max(coordinate / REACH, -1.0), 1.0)
        end = self.high if share > 0.0 else self.low
        return float(self.usual + abs(share) * (end - self.usual))


@dataclass(frozen=True)
class Space:
    """One environment as a falsifier sees it.

    Parameters
    ----------
    coordinates : tuple of str
        Names of a person's coordinates, each standard normal and independent in the population.
    knobs : callable
        (environment keywords) -> knobs of the scenario.
    plausible : callable
        (places (n, K), groups (n,)) -> who could be drawn at all, bool (n,).
    people : callable
        (places, groups, names, keywords) -> cohort.
    keywords : callable
        (keywords, knob by name) -> keywords of one lane.
    columns : callable
        (rules) -> log columns that the margins are made from.
    margins : callable
        (rollout, rules) -> margin by rule, one value (B,) per lane: 1 at a usual value, 0 at the
        limit, negative beyond it; infinite where the rule does not speak of the lane's group.
    signals : tuple of str
        What a constraint set must have an item on for there to be any margin.
    pack : callable
        (cohort of one) -> the person in JSON.
    unpack : callable
        (that, keywords) -> cohort of one.
    """

    coordinates: tuple[str, ...]
    knobs: Callable[[Keywords], tuple[Knob, ...]]
    plausible: Callable[[Array, Sequence[str]], NDArray[np.bool_]]
    people: Callable[[Array, Sequence[str], Sequence[str], Keywords], Any]
    keywords: Callable[[Keywords, Mapping[str, float]], dict[str, Any]]
    columns: Callable[[ConstraintSet], tuple[str, ...]]
    margins: Callable[[Rollout, ConstraintSet], dict[str, Array]]
    signals: tuple[str, ...]
    pack: Callable[[Any], dict[str, Any]]
    unpack: Callable[[Mapping[str, Any], Keywords], Any]


def packed(people: Patients) -> dict[str, Any]:
    """Return the first of some people in JSON."""
    return {
        "model": people.model,
        "name": people.names[0],
        "group": people.groups[0],
        "params": people.params[0].tolist(),
        "covariates": {k: float(v[0]) for k, v in people.covariates.items()},
    }


def unpacked(person: Mapping[str, Any]) -> Patients:
    """Return the person that :func:`packed` told of."""
    return Patients(
        model=person["model"],
        names=(person["name"],),
        groups=(person["group"],),
        params=np.array([person["params"]], dtype=np.float64),
        covariates={k: np.array([v]) for k, v in person["covariates"].items()},
    )


def _plain(values: Any) -> Any:
    return values


def scaled(
    values: Array, limit: float, usual: float, scale: Callable[[Any], Any] = _plain
) -> Array:
    """Return the margin of values (B,): 1 at ``usual``, 0 at ``limit``, linear in ``scale``."""
    edge = scale(limit)
    return np.asarray((scale(values) - edge) / (scale(usual) - edge), dtype=np.float64)


def item_margins(
    run: Rollout,
    rules: ConstraintSet,
    signals: Mapping[str, Array],
    usual: Mapping[str, float],
    scale: Callable[[Any], Any] = _plain,
) -> dict[str, Array]:
    """Return the margins of the chance items that speak of these signals, by item id.

    Parameters
    ----------
    run : Rollout
    rules : ConstraintSet
    signals : mapping of name to array (B,)
    usual : mapping of name to float
        A value that is no cause for worry, in the signal's unit, on the safe side of the limit.
    scale : callable
        In which margins are linear.
    """
    found = {}
    for item in rules.items:
        if isinstance(item, ChanceItem) and item.signal in usual:
            margin = scaled(signals[item.signal], item.threshold, usual[item.signal], scale)
            found[item.id] = _within_scope(item, run.groups, margin)
    return found


def event_margins(
    run: Rollout, rules: ConstraintSet, signals: Mapping[str, Array], events: Sequence[str]
) -> dict[str, Array]:
    """Return the margins of events that happen or not: 1 where not, -0.1 where they did.

    An event has no distance, so it counts as little beyond its limit: a search that met one still
    looks for worse.
    """
    found = {}
    for item in rules.items:
        if isinstance(item, ChanceItem) and item.signal in events:
            margin = np.where(item.harmed(signals[item.signal]), -0.1, 1.0)
            found[item.id] = _within_scope(item, run.groups, margin)
    return found


def _within_scope(item: ChanceItem, groups: Sequence[str], margin: Array) -> Array:
    spoken = np.array([EVERYONE in item.scope or g in item.scope for g in groups])
    return np.where(spoken, margin, np.inf)
