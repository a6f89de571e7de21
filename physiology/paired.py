"""Paired rollouts: whether the same person with more insulin ever has more glucose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .engine import engine_for
from .model import Model
from .population import adopt
from .sampling import Population

Array = NDArray[np.float64]

TOLERANCE_MG_DL = 1e-9
"""Rounding: sums of up to a dozen terms of up to 5e3 mg/kg, each rounded to one part in 1e16, for
1,440 minutes of five stages; the largest rise seen is told beside it."""
UNITS_AT_ONCE = (0.05, 100.0)
GLUCOSE_MG_DL = (40.0, 400.0)
MOST_DRAWN = 500
"""People drawn anew for one set of pairs; each may come more than once."""


@dataclass(frozen=True)
class Pairs:
    """People, where they start, what both eat, what the first is given, and what more the second.

    Parameters
    ----------
    params : array (B, P)
    start : array (B, S)
    inputs : array (T, 2, B)
        Carbohydrate g/min and insulin U/min of the first of each pair.
    extra : array (T, B), U/min
        Additional insulin of the second, never below zero.
    """

    params: Array
    start: Array
    inputs: Array
    extra: Array


@dataclass(frozen=True)
class Verdict:
    """What happened in the pairs.

    Parameters
    ----------
    pairs : int
    violations : int
        Pairs in which plasma or sensed glucose of the second exceeded the first's at any minute by
        more than the tolerance.
    worst_mg_dl : float
        Largest rise at any minute; below zero if there was none.
    lost : int
        Pairs of which a run lost all bounds; they count as violations.
    """

    pairs: int
    violations: int
    worst_mg_dl: float
    lost: int


def compare(model: Model, pairs: Pairs, tolerance: float = TOLERANCE_MG_DL) -> Verdict:
    """Let both of each pair live, and compare plasma and sensed glucose at every minute."""
    first = _glucose(model, pairs.params, pairs.start, pairs.inputs)
    more = pairs.inputs.copy()
    more[:, model.input_index["insulin"]] += pairs.extra
    second = _glucose(model, pairs.params, pairs.start, more)
    # A run that lost all bounds is no proof of anything but failure.
    lost = ~(np.isfinite(first) & np.isfinite(second))
    rise = np.subtract(second, first, out=np.full_like(first, np.inf), where=~lost)
    worst = rise.max(axis=(0, 1))
    return Verdict(
        len(worst),
        int((worst > tolerance).sum()),
        float(worst.max()),
        int(lost.any(axis=(0, 1)).sum()),
    )


def _glucose(model: Model, params: Array, start: Array, u: Array) -> Array:
    """Return plasma and sensed glucose (T, 2, B), mg/dL."""
    x, seen = start.copy(), np.empty((len(u), len(model.outputs), len(start)))
    engine_for(model).advance(x, params, u, seen=seen)
    which = [model.output_index[name] for name in ("plasma_glucose", "interstitial_glucose")]
    return seen[:, which]


def draw_pairs(
    model: Model, people: Population, n: int, minutes: int, rng: np.random.Generator, *,
    anywhere: float = 0.5,
) -> Pairs:  # fmt: skip
    """Draw pairs: bodies, gains, starts, meals and doses of every kind.

    Bodies are plausible people, but for a share whose every parameter is drawn over its whole
    range. What the model adds to the one it extends is at its bounds for half of them. Glucose
    starts from 40 to 400 mg/dL, insulin anywhere from none to five times the basal state.

    Parameters
    ----------
    model : Model
        ``uva_padova_2008`` or one that extends it.
    people : Population
    n, minutes : int
    rng : Generator
    anywhere : float
        Share of bodies from all over the parameters' bounds.
    """
    params = _bodies(model, people, n, rng, anywhere)
    start = model.initial(params)
    assert model.displace is not None
    moved = model.displace(tuple(start.T), model.params(params), rng.uniform(*GLUCOSE_MG_DL, n))
    start = np.ascontiguousarray(np.stack(np.broadcast_arrays(*moved), axis=1))
    insulin = [i for i, q in enumerate(model.states) if "insulin" in q.name]
    start[:, insulin] *= rng.uniform(0.0, 5.0, (n, len(insulin)))
    remote = model.state_index["remote_insulin"]
    p = model.params(params)
    # Remote insulin is a deviation: from a bare -Ib (no insulin at all) to ten times basal.
    start[:, remote] = rng.uniform(-1.0, 10.0, n) * p.Ib
    basal = rng.uniform(0.0, 3.0, n) * np.clip(model.basal_inputs(params)[:, 1], 0.0, 1.0)
    u = np.empty((minutes, 2, n))
    u[:, 0], u[:, 1] = _meals(p.BW, minutes, rng), basal
    _bolus(u[:, 1], rng)
    return Pairs(params, start, u, _extra(basal, minutes, rng))


def _bodies(
    model: Model, people: Population, n: int, rng: np.random.Generator, share: float
) -> Array:
    patients = people.sample(min(n, MOST_DRAWN), rng)
    table = adopt(model, patients).params[rng.integers(0, len(patients), n)]
    low = np.array([q.low for q in model.parameters])
    high = np.array([q.high for q in model.parameters])
    wide = low + (high - low) * rng.random((n, len(low)))
    anywhere = rng.random(n) < share
    added = len(model.neutral)
    own = len(low) - added
    table[anywhere, :own] = wide[anywhere, :own]
    if added:
        ends = np.where(rng.random((n, added)) < 0.5, low[own:], high[own:])
        at_ends = rng.random(n) < 0.5
        table[:, own:] = np.where(at_ends[:, None], ends, wide[:, own:])
    return np.ascontiguousarray(table)


def _meals(weight: Array, minutes: int, rng: np.random.Generator) -> Array:
    """Return carbohydrate (T, B): up to four meals of up to 2 g/kg, none for a fifth."""
    n = len(weight)
    carbs, hungry = np.zeros((minutes, n)), rng.random(n) < 0.8
    for _ in range(4):
        begin, grams = rng.integers(0, minutes, n), rng.uniform(0.0, 2.0, n) * weight * hungry
        for k in range(20):
            bite = np.minimum(grams, 5.0)
            at = begin + k
            inside = np.flatnonzero(at < minutes)
            carbs[at[inside], inside] += bite[inside]
            grams = grams - bite
    return carbs


def _bolus(insulin: Array, rng: np.random.Generator) -> None:
    minutes, n = insulin.shape
    insulin[rng.integers(0, minutes, n), np.arange(n)] += rng.uniform(0.0, 10.0, n)


def _extra(basal: Array, minutes: int, rng: np.random.Generator) -> Array:
    """Return more insulin (T, B): one dose from 0.05 to 100 U, and for half a raised basal rate."""
    n = len(basal)
    extra = np.zeros((minutes, n))
    low, high = np.log(UNITS_AT_ONCE)
    when = np.where(rng.random(n) < 0.3, 0, rng.integers(0, minutes, n))
    extra[when, np.arange(n)] += np.exp(rng.uniform(low, high, n))
    begin, share = rng.integers(0, minutes, n), rng.uniform(0.0, 3.0, n) * (rng.random(n) < 0.5)
    raised = np.arange(minutes)[:, None] >= begin
    return extra + raised * share * basal
