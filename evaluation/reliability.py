"""How honest and how sharp probabilities are: reliability, Brier score, ranking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..physiology.errors import InputError

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]
BINS = 10
REPETITIONS = 400


@dataclass(frozen=True)
class Bin:
    """One row of a reliability table: probabilities alike, and how often it came true."""

    n: int
    told: float
    came: float


@dataclass(frozen=True)
class Brier:
    """Brier score and its parts within bins: score = reliability - resolution + uncertainty + rest.

    Murphy 1973 (doi:10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2); ``rest`` is what differs
    within bins (Stephenson 2008, doi:10.1175/2007WAF2006116.1).
    """

    score: float
    reliability: float
    resolution: float
    uncertainty: float
    rest: float


def _check(chance: Array, came: Bools) -> None:
    if len(chance) != len(came) or not len(chance):
        raise InputError(f"{len(chance)} probabilities meet {len(came)} outcomes; give one for one")
    if not bool(np.all((chance >= 0.0) & (chance <= 1.0))):
        raise InputError("a probability lies outside 0 to 1; give probabilities")


def _bins(chance: Array, bins: int) -> list[NDArray[np.int64]]:
    """Return rows of bins with about equally many each, equal probabilities together."""
    edges = np.unique(np.quantile(chance, np.linspace(0.0, 1.0, bins + 1)))
    which = np.clip(np.searchsorted(edges, chance, side="right") - 1, 0, max(len(edges) - 2, 0))
    return [rows for k in range(bins) if len(rows := np.flatnonzero(which == k))]


def reliability_table(chance: Array, came: Bools, bins: int = BINS) -> tuple[Bin, ...]:
    """Return told and observed frequencies in bins of about equally many."""
    _check(chance, came)
    return tuple(
        Bin(len(r), float(chance[r].mean()), float(came[r].mean())) for r in _bins(chance, bins)
    )


def calibration_error(chance: Array, came: Bools, bins: int = BINS) -> float:
    """Return the expected calibration error: mean distance of told from observed, over bins."""
    table = reliability_table(chance, came, bins)
    return float(sum(b.n * abs(b.told - b.came) for b in table) / len(chance))


def brier(chance: Array, came: Bools, bins: int = BINS) -> Brier:
    """Return the Brier score and its decomposition."""
    table, y = reliability_table(chance, came, bins), came.astype(float)
    base, n = float(y.mean()), len(y)
    reliability = sum(b.n * (b.told - b.came) ** 2 for b in table) / n
    resolution = sum(b.n * (b.came - base) ** 2 for b in table) / n
    score = float(np.mean((chance - y) ** 2))
    known = reliability - resolution + base * (1.0 - base)
    return Brier(score, reliability, resolution, base * (1.0 - base), score - known)


def auroc(chance: Array, came: Bools) -> float:
    """Return how often a case was told more than another, ties half; NaN without both kinds."""
    _check(chance, came)
    yes, no = int(came.sum()), int((~came).sum())
    if not yes or not no:
        return float("nan")
    rank = stats.rankdata(chance)
    return float((rank[came].sum() - yes * (yes + 1) / 2.0) / (yes * no))


def auprc(chance: Array, came: Bools) -> float:
    """Return average precision: precision at each recall, equal probabilities taken at once."""
    _check(chance, came)
    if not came.any():
        return float("nan")
    order = np.argsort(-chance, kind="stable")
    ordered, hit = chance[order], came[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    found = np.cumsum(hit)[ends]
    precision = found / (ends + 1.0)
    return float(np.sum(np.diff(found, prepend=0) * precision) / came.sum())


def interval_over_people(
    score: Callable[[Array, Bools], float],
    people: Sequence[tuple[Array, Bools]],
    rng: np.random.Generator,
    confidence: float = 0.95,
    repetitions: int = REPETITIONS,
) -> tuple[float, float, float]:
    """Return a pooled score and its interval, whole people being drawn again.

    Low and high are NaN with fewer than three people.
    """

    def pooled(rows: Sequence[int]) -> float:
        chance = np.concatenate([people[i][0] for i in rows])
        return score(chance, np.concatenate([people[i][1] for i in rows]))

    n = len(people)
    estimate = pooled(range(n))
    if n < 3:
        return estimate, float("nan"), float("nan")
    draws = [pooled(rng.integers(0, n, n).tolist()) for _ in range(repetitions)]
    tail = 0.5 * (1.0 - confidence)
    low, high = np.nanquantile(draws, [tail, 1.0 - tail])
    return estimate, float(low), float(high)
