"""From rows per patient and seed to one table per group, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from .bootstrap import Interval, Method, mean_intervals

Summary = dict[str, dict[str, dict[str, float]]]

EVERYONE = "all"


def summarise(
    rows: Sequence[Mapping[str, Any]],
    *,
    rng: np.random.Generator,
    confidence: float = 0.95,
    repetitions: int = 2000,
    method: Method = "bca",
) -> Summary:
    """Summarise metrics per group; the patient is the unit, seeds are averaged first.

    Parameters
    ----------
    rows : sequence of mapping
        Each with ``patient``, ``group``, ``seed`` and ``metrics`` (str to float).
    rng : numpy.random.Generator
        The only source of randomness.
    confidence : float
        Of the two-sided interval of the mean.
    repetitions : int
        Bootstrap resamples.
    method : {"bca", "percentile"}
        Kind of interval.

    Returns
    -------
    dict
        group -> metric -> ``mean``, ``sd`` (between patients), ``low``, ``high``, ``n``
        (patients with a value). The group ``all`` pools everyone, resampled within groups. With
        one patient ``sd``, ``low`` and ``high`` are NaN: they cannot be known.

    Raises
    ------
    InputError
        No rows, a patient in two groups, a metric missing from a row, a group called ``all``.
    """
    groups, values = per_patient(rows)
    labels = np.array(list(groups.values()))
    parts = {name: labels == name for name in dict.fromkeys(groups.values())}
    parts[EVERYONE] = np.ones(labels.size, bool)
    intervals = partial(
        mean_intervals, rng=rng, confidence=confidence, repetitions=repetitions, method=method
    )
    return {
        group: _describe(
            {metric: column[inside] for metric, column in values.items()},
            labels[inside],
            intervals,
        )
        for group, inside in parts.items()
    }


def per_patient(
    rows: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, str], dict[str, NDArray[np.float64]]]:
    """Average each patient's seeds.

    Parameters
    ----------
    rows : sequence of mapping
        As :func:`summarise` takes.

    Returns
    -------
    groups : dict of patient to group
        In order of first appearance.
    values : dict of metric to array (patients,)
        Mean over the seeds that have a value; NaN where none has.

    Raises
    ------
    InputError
        As :func:`summarise`.
    """
    if not rows:
        raise InputError("there are 0 rows to summarise; evaluate at least 1 patient")
    groups: dict[str, str] = {}
    seen: dict[str, list[Mapping[str, float]]] = {}
    names = list(rows[0]["metrics"])
    for row in rows:
        patient, group = str(row["patient"]), str(row["group"])
        if group == EVERYONE:
            raise InputError(f"patient {patient} has group 'all', which is reserved; rename it")
        if groups.setdefault(patient, group) != group:
            raise InputError(
                f"patient {patient} is in groups {groups[patient]} and {group}; give it one group"
            )
        if set(row["metrics"]) != set(names):
            odd = sorted(set(row["metrics"]) ^ set(names))[0]
            raise InputError(f"metric {odd} is missing from some rows; give every row every metric")
        seen.setdefault(patient, []).append(row["metrics"])
    table = {
        name: np.array([_mean_of_known([metrics[name] for metrics in of]) for of in seen.values()])
        for name in names
    }
    return groups, table


def _mean_of_known(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else nan


def _describe(
    values: Mapping[str, NDArray[np.float64]],
    labels: NDArray[np.str_],
    intervals: Callable[..., list[Interval]],
) -> dict[str, dict[str, float]]:
    """Mean, spread and interval of each metric over the patients that have a value."""
    together: dict[bytes, list[str]] = {}
    for metric, column in values.items():
        together.setdefault(np.isfinite(column).tobytes(), []).append(metric)
    found: dict[str, dict[str, float]] = {}
    for metrics in together.values():
        known = np.isfinite(values[metrics[0]])
        if not known.any():
            found |= {
                metric: _entry(Interval(nan, nan, nan, nan, "", 0), nan) for metric in metrics
            }
            continue
        table = np.column_stack([values[metric][known] for metric in metrics])
        spread = table.std(axis=0, ddof=1) if known.sum() > 1 else np.full(len(metrics), nan)
        results = intervals(table, strata=list(labels[known]))
        found |= {
            metric: _entry(result, float(sd))
            for metric, result, sd in zip(metrics, results, spread, strict=True)
        }
    return {metric: found[metric] for metric in values}


def _entry(result: Interval, sd: float) -> dict[str, float]:
    return {
        "mean": result.estimate,
        "sd": sd,
        "low": result.low,
        "high": result.high,
        "n": result.n,
    }
