"""What judging policies needs to know of one environment; the loops themselves know none of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..therapy.constraint import ConstraintSet
from .scoring import Scoring
from .trajectory import Rollout

Array = NDArray[np.float64]
Assumptions = tuple[dict[str, str], ...]
Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number per patient.

    Parameters
    ----------
    name, unit : str
    better : {"higher", "lower", "neither"}
        Which way it improves.
    low, high : float
        Range it can take.
    doc : str
        One phrase for a reader.
    """

    name: str
    unit: str
    better: Better
    low: float
    high: float
    doc: str


@dataclass(frozen=True)
class Column:
    """One line of the table that ``dosegym evaluate`` prints: a metric, its label, its digits."""

    metric: str
    label: str
    digits: int = 1


@dataclass(frozen=True)
class Examination:
    """How policies for an environment are certified.

    Parameters
    ----------
    constraints : str
        The constraint set that holds unless the caller names another.
    defaults : mapping
        Keywords of the environment that the caller may change.
    fixed : tuple of str
        Keywords that nobody may change, besides those that every certification sets itself.
    own : tuple of str
        Keywords that give actions their meaning: each policy brings its own, the comparator too.
    sampler : str
        Who draws the virtual patients.
    people : callable
        (patients, seed, groups, keywords) -> cohort, from the ``certification`` stream. The people
        are the same whatever the keywords in ``own``.
    identity : callable
        (cohort) -> the bytes whose hash says which people they are.
    comparator, comparator_words : str
        The policy that noninferiority is to, and what the certificate says of it.
    columns : callable
        (rules) -> log columns that the signals are made from.
    signals : callable
        (rollout, rules) -> signal by name, one value (B,) per patient.
    traces : callable
        (rules) -> log column of each trace signal that has one.
    course : callable
        (rollout, task) -> the other trace signals, (T + 1, B) or, constant in time, (B,); those
        whose columns were not recorded are left out.
    course_columns : tuple of str
        Log columns that ``course`` and an uneven clock need, besides those of the traces.
    worst : callable
        (signals) -> order of the patients, worst first.
    worst_shown : tuple of str
        Signals that the case tells of the worst patients.
    worst_words : callable
        (one of the case's worst patients) -> text.
    group_words : str
        What a group is called.
    assumptions : callable
        (population, keywords) -> what the certificate rests on.
    round_days : int
        Days that hold a whole round of what recurs in a life.
    sizes : callable
        (task, actions (T, B, A), log (T, B, columns)) -> what was checked of the doses asked for,
        and what is wrong with it where it is.
    features : callable
        (cohort) -> what charts tell of each person (n,), on scales on which distances mean
        something.
    structures : mapping
        Keywords of the environment that give it a body of another structure, by the structure's
        name, and the groups whom that body stands for.
    """

    constraints: str
    defaults: Mapping[str, Any]
    fixed: tuple[str, ...]
    own: tuple[str, ...]
    sampler: str
    people: Callable[[int, int, tuple[str, ...], Mapping[str, Any]], Any]
    identity: Callable[[Any], bytes]
    comparator: str
    comparator_words: str
    columns: Callable[[ConstraintSet], tuple[str, ...]]
    signals: Callable[[Rollout, ConstraintSet], dict[str, Array]]
    traces: Callable[[ConstraintSet], Mapping[str, str]]
    course: Callable[[Rollout, Any], dict[str, Array]]
    course_columns: tuple[str, ...]
    worst: Callable[[Mapping[str, Array]], NDArray[np.int64]]
    worst_shown: tuple[str, ...]
    worst_words: Callable[[Mapping[str, Any]], str]
    group_words: str
    assumptions: Callable[[Mapping[str, Any], Mapping[str, Any]], Assumptions]
    round_days: int
    sizes: Callable[[Any, NDArray[Any], Array], dict[str, str]]
    features: Callable[[Any], dict[str, Array]]
    structures: Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]]


@dataclass(frozen=True)
class Subject:
    """One environment as evaluation sees it.

    Parameters
    ----------
    env_id : str
    task : str
        ``name`` of its tasks.
    groups : tuple of str
        Groups of its patients, in the order they are told.
    record : tuple of str
        Log columns that its metrics are made from.
    metrics : tuple of Metric
        What ``score`` returns, in order.
    score : callable
        (rollout, scoring) -> metric by name, one value (B,) per lane.
    scored : bool
        Whether a ``Scoring`` other than the default means anything here.
    episodes, days : int
        Of an evaluation, unless the caller says otherwise.
    shown : tuple of Column
    usual : callable
        (task) -> policy that prescribes while a window calibrates.
    draw : callable
        (rollouts, path, title): draw time courses by group as PNG.
    examination : Examination
    """

    env_id: str
    task: str
    groups: tuple[str, ...]
    record: tuple[str, ...]
    metrics: tuple[Metric, ...]
    score: Callable[[Rollout, Scoring], dict[str, Array]]
    scored: bool
    episodes: int
    days: int
    shown: tuple[Column, ...]
    usual: Callable[[Any], Any]
    draw: Callable[[Sequence[Rollout], str | Path, str], None]
    examination: Examination

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(metric.name for metric in self.metrics)
