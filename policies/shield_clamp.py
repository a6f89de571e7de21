"""Clamps insulin doses to bounds of rate, bolus and total, and says which bound moved each.

What is too much is taken from the bolus first and from the basal rate after it; what is too little
is added to the basal rate. Bounds are met within a hundred-thousandth, so that a dose cut once and
written as a float32 action is not cut again.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .shield_rules import RULES, Memory, Sight

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
CLOSE = 1e-5
NONE = -1


class Bounds(NamedTuple):
    """Bounds (B,) and the number of the rule behind each: rate U/h, bolus U, total U."""

    rate: Array
    bolus: Array
    total: Array
    least_rate: Array
    by_rate: Ints
    by_bolus: Ints
    by_total: Ints
    by_least: Ints


class Clamped(NamedTuple):
    """Doses (B,) within the bounds; the rule that moved each lane last, -1 for none; its bound."""

    rate: Array
    bolus: Array
    rule: Ints
    cap: Array


def bounds_of(seen: Sight, memory: Memory) -> Bounds:
    """Return the tightest bounds of the rules."""
    n = len(seen.cgm)
    caps = {lever: np.full(n, np.inf) for lever in ("rate", "bolus", "total")}
    by = {lever: np.full(n, NONE, np.int64) for lever in ("rate", "bolus", "total")}
    least, by_least = np.zeros(n), np.full(n, NONE, np.int64)
    for number, rule in enumerate(RULES):
        bound = rule.bound(seen, memory)
        if rule.direction == "up":
            tighter = bound > least
            least, by_least = np.where(tighter, bound, least), np.where(tighter, number, by_least)
        else:
            tighter = bound < caps[rule.lever]
            caps[rule.lever] = np.where(tighter, bound, caps[rule.lever])
            by[rule.lever] = np.where(tighter, number, by[rule.lever])
    return Bounds(
        caps["rate"], caps["bolus"], caps["total"], least,
        by["rate"], by["bolus"], by["total"], by_least,
    )  # fmt: skip


def _cut(value: Array, cap: Array, hair: Array) -> tuple[Array, NDArray[np.bool_]]:
    over: NDArray[np.bool_] = value > cap * (1.0 + CLOSE) + hair
    return np.where(over, cap, value), over


def clamp(seen: Sight, bounds: Bounds, rate: Array, bolus: Array, *, fixed: bool) -> Clamped:
    """Return doses within the caps; the least rate is :func:`settle`'s.

    Parameters
    ----------
    seen : Sight
    bounds : Bounds
    rate, bolus : array (B,), U/h and U
    fixed : bool
        Whether the rate is not the policy's to choose; then only the bolus moves.
    """
    hair, hours = 1e-6 * seen.basal_u_per_h, seen.step_h
    rule, cap = np.full(len(rate), NONE, np.int64), np.full(len(rate), np.nan)
    dose, given = rate, bolus
    if not fixed:
        dose, over = _cut(rate, bounds.rate, hair)
        rule, cap = _note(rule, cap, over, bounds.by_rate, bounds.rate)
    given, over = _cut(bolus, bounds.bolus, hair * hours)
    rule, cap = _note(rule, cap, over, bounds.by_bolus, bounds.bolus)
    dose, given, over = cut_total(seen, bounds.total, dose, given, fixed=fixed)
    rule, cap = _note(rule, cap, over, bounds.by_total, bounds.total)
    return Clamped(dose, given, rule, cap)


def lift(bounds: Bounds, rate: Array) -> Array:
    """Return rates (B,), U/h, none below the rules' least."""
    return np.where(rate < bounds.least_rate * (1.0 - CLOSE), bounds.least_rate, rate)


def settle(safe: Clamped, bounds: Bounds, rate: Array, bolus: Array) -> Clamped:
    """Return doses whose rate is at least the rules' least, told against what was proposed.

    Parameters
    ----------
    safe : Clamped
        What the caps left of the lifted proposal.
    bounds : Bounds
    rate, bolus : array (B,)
        What was proposed: where it is given after all, nothing was moved.
    """
    dose = lift(bounds, safe.rate)
    # What was asked for in float32 is as good as the basal itself.
    dose = np.where(np.abs(dose - rate) <= CLOSE * rate, rate, dose)
    rule, cap = _note(safe.rule, safe.cap, dose > rate, bounds.by_least, bounds.least_rate)
    same = (dose == rate) & (safe.bolus == bolus)
    return Clamped(dose, safe.bolus, np.where(same, NONE, rule), np.where(same, np.nan, cap))


def cut_total(
    seen: Sight, total: Array, rate: Array, bolus: Array, *, fixed: bool
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return rate and bolus whose insulin in the interval is at most ``total`` (B,), and whose."""
    hours = seen.step_h
    asked = rate * hours + bolus
    over = asked > total * (1.0 + CLOSE) + 1e-6 * seen.basal_u
    if fixed:
        over &= bolus > 0.0
    if not over.any():
        return rate, bolus, over
    excess = np.where(over, asked - np.minimum(total, asked), 0.0)
    less = np.minimum(bolus, excess)
    kept = np.where(over, bolus - less, bolus)
    # A bolus taken away whole leaves no crumb behind, which rounding would.
    kept = np.where(over & (less >= bolus), 0.0, kept)
    if fixed:
        return rate, kept, over
    lower = np.maximum(rate - (excess - less) / hours, 0.0)
    lower = np.where(over & (total <= 0.0), 0.0, lower)
    return np.where(over, lower, rate), kept, over


def _note(
    rule: Ints, cap: Array, where: NDArray[np.bool_], by: Ints, bound: Array
) -> tuple[Ints, Array]:
    return np.where(where, by, rule), np.where(where, bound, cap)
