"""Choosing among the eligible, so that the enrolled resemble a trial's baseline table.

Weights come from entropy balancing (Hainmueller 2012, doi 10.1093/pan/mpr025): of all weights that
give the wanted means (and squares), those nearest to equal. People are then drawn without
replacement, systematically with probabilities in proportion to their weights (Madow 1949, doi
10.1214/aoms/1177729988).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

_STEPS: Final = 200
_TOLERANCE: Final = 1e-8
# A tenth of an SD off, and the enrolled no longer are who the protocol asks for.
_NEAR_SD: Final = 0.1


def choose(
    features: Mapping[str, Array],
    match: Mapping[str, Any],
    n: int,
    rng: np.random.Generator,
    noise: Mapping[str, Array] = MappingProxyType({}),
) -> NDArray[np.int64]:
    """Return the positions of ``n`` people whose measured features have the wanted moments.

    Parameters
    ----------
    features : mapping of str to array (N,)
        What a baseline visit shows of the eligible on average.
    match : mapping of feature to Moments
        ``mean`` and, if not None, ``sd``; empty draws evenly.
    n : int
    rng : numpy.random.Generator
    noise : mapping of str to array (N,), optional
        Variance of a reading about that average; it is part of the wanted SD.

    Raises
    ------
    InputError
        If the eligible are too few, or none of them resemble what is asked for.
    """
    total = len(next(iter(features.values())))
    if total < n:
        raise InputError(
            f"{total} candidates are eligible, {n} are to be enrolled; raise population.screen or "
            "widen population.include"
        )
    weights = np.full(total, 1.0 / total)
    if match:
        rows, goals, names = _moments(features, match, noise)
        weights = balance(rows, goals, names)
    chosen = systematic(weights, n, rng)
    for name, wanted in match.items():
        _check(name, features[name], chosen, wanted)
    return chosen


def _moments(
    features: Mapping[str, Array], match: Mapping[str, Any], noise: Mapping[str, Array]
) -> tuple[Array, Array, list[str]]:
    """Return standardised constraint rows (K, N), their goals (K,) and what each is."""
    rows, goals, names = [], [], []
    for name, wanted in match.items():
        if name not in features:
            raise InputError(
                f"population.match names {name!r}; known at the baseline visit are "
                f"{', '.join(features)}"
            )
        values = features[name]
        scale = float(values.std()) or 1.0
        centred = (values - wanted.mean) / scale
        rows.append(centred)
        goals.append(0.0)
        names.append(f"mean of {name} {wanted.mean:g}")
        if wanted.sd is not None:
            rows.append(centred**2 + noise.get(name, 0.0) / scale**2)
            goals.append((wanted.sd / scale) ** 2)
            names.append(f"SD of {name} {wanted.sd:g}")
    return np.array(rows), np.array(goals), names


def balance(rows: Array, goals: Array, names: list[str]) -> Array:
    """Return the weights (N,) summing to 1 that are nearest to equal and meet the goals.

    Parameters
    ----------
    rows : array (K, N)
        What is to be balanced, one row a moment.
    goals : array (K,)
        Wanted weighted means of the rows.
    names : list of str
        What each row is, for the message.

    Raises
    ------
    InputError
        If no weights meet the goals.
    """
    centred = rows - goals[:, None]
    dual = np.zeros(len(goals))
    weights, value = _tilt(centred, dual)
    for _ in range(_STEPS):
        gradient = centred @ weights
        if np.abs(gradient).max() < _TOLERANCE:
            return weights
        hessian = (centred * weights) @ centred.T - np.outer(gradient, gradient)
        step = np.linalg.lstsq(hessian, gradient, rcond=1e-12)[0]
        length = 1.0
        while length > 1e-6:
            trial, trial_value = _tilt(centred, dual - length * step)
            if trial_value <= value - 1e-4 * length * float(gradient @ step):
                break
            length *= 0.5
        else:
            break
        dual, weights, value = dual - length * step, trial, trial_value
    gradient = centred @ weights
    if np.abs(gradient).max() < 1e-4:
        return weights
    worst = int(np.abs(gradient).argmax())
    raise InputError(
        f"population.match asks for a {names[worst]}, which no weighting of the eligible gives "
        "together with the rest; change population.sampler, include or regimens"
    )


def _tilt(centred: Array, dual: Array) -> tuple[Array, float]:
    """Return exponentially tilted weights and the log of their sum, the convex dual's value."""
    score = dual @ centred
    peak = float(score.max())
    raw = np.exp(score - peak)
    total = float(raw.sum())
    return raw / total, peak + float(np.log(total))


def systematic(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``n`` distinct positions, each with probability in proportion to its weight.

    Who would be drawn more than once is drawn for certain, and the others' weights rise.
    """
    chance = np.minimum(n * weights / weights.sum(), 1.0)
    for _ in range(_STEPS):
        free = chance < 1.0
        missing = n - (~free).sum()
        if not free.any() or abs(chance.sum() - n) < 1e-9:
            break
        grown = weights[free] * missing / max(weights[free].sum(), 1e-300)
        chance[free] = np.minimum(grown, 1.0)
    order = rng.permutation(len(weights))
    ends = np.cumsum(chance[order])
    ends *= n / ends[-1]
    # The last cumulative sum can fall a rounding error short of the last point.
    points = np.minimum(np.arange(n) + rng.random(), np.nextafter(ends[-1], 0.0))
    picked = np.searchsorted(ends, points, side="right")
    return np.sort(order[picked])


def _check(name: str, values: Array, chosen: NDArray[np.int64], wanted: Any) -> None:
    found = values[chosen]
    sd = wanted.sd or float(values.std()) or 1.0
    noise = 3.0 / np.sqrt(len(chosen))
    if abs(float(found.mean()) - wanted.mean) > (_NEAR_SD + noise) * sd:
        raise InputError(
            f"population.match asks for a mean {name} of {wanted.mean:g}; the enrolled reach "
            f"{found.mean():.4g}: raise population.screen or change population.sampler"
        )
