"""How far a verdict holds if treatment was chosen by what the log does not tell (confounding)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from ...physiology.errors import InputError
from ..logged_episode import Array
from .diagnostics import effective_size
from .estimate import CONFIDENCE
from .evidence import Evidence
from .ratios import Ratios, interval

Says = Literal["below", "not below", "neither"]

#: By how much probabilities of courses are taken to be misstated, in what is told.
FACTORS: Final = (1.0, 1.1, 1.25, 1.5, 2.0, 3.0)
MOST: Final = 100.0
_HALVINGS: Final = 8


@dataclass(frozen=True)
class HiddenCauses:
    """What weighted importance sampling still says when logged probabilities are misstated.

    Parameters
    ----------
    limit : float
        What the target is compared with.
    factor, low, high : tuple of float
        The interval if the probability of each patient's whole course, given all that the
        prescriber knew, may differ from the logged one by up to so many times, either way.
    says : {"below", "not below", "neither"}
        Where the interval lies if nothing is misstated.
    holds_to : float
        The largest factor (at most 100) at which it still lies there; 1 if neither.
    decisions : int
        Of the longest course; the factor's root of this order is what each may be misstated by.
    """

    limit: float
    factor: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    says: Says
    holds_to: float
    decisions: int

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; an end that could not be told is null."""
        ends = {
            name: [float(v) if np.isfinite(v) else None for v in values]
            for name, values in (("low", self.low), ("high", self.high))
        }
        return {**vars(self), "factor": list(self.factor), **ends}

    @property
    def sentence(self) -> str:
        """The finding in words."""
        if self.says == "neither":
            return (
                f"hidden causes: the interval of wis holds {self.limit:.4g} already without any, "
                "so nothing is said that they could overturn"
            )
        each = self.holds_to ** (1.0 / self.decisions)
        return (
            f"hidden causes: wis stays {self.says} {self.limit:.4g} while they misstate the "
            f"probability of a patient's course up to {self.holds_to:.2f} times (each of "
            f"{self.decisions} decisions {each:.3f} times)"
        )


def hidden_causes(
    evidence: Evidence, limit: float, *, rng: np.random.Generator, confidence: float = CONFIDENCE
) -> HiddenCauses:
    """Return how the interval of a target's value grows with what the log may not tell.

    The marginal sensitivity model (Tan 2006, doi:10.1198/016214506000000023) in the ratio of
    probabilities and for whole courses: weights are right up to a factor of each patient's own.
    Their extremes for a weighted mean come from one sorting (Zhao, Small and Bhattacharya 2019,
    doi:10.1111/rssb.12327); the interval at these weights is that of ``ratios.interval``. Factors
    of patients alike in all that was logged need not average to 1 here, which makes the bounds
    wider than sharp ones (Dorn and Guo 2023, doi:10.1080/01621459.2022.2069572).

    Parameters
    ----------
    evidence : Evidence
    limit : float
    rng : numpy.random.Generator
    confidence : float

    Raises
    ------
    InputError
        If the limit is no number, or probabilities of logged acts are unknown.
    """
    if not np.isfinite(limit):
        raise InputError(f"limit is {limit!r}; give a number")
    steps, weights = evidence.steps, evidence.final_weights
    top, bottom = steps.by_patient(weights * steps.returns), steps.by_patient(weights)
    seed = int(rng.integers(2**63))

    def end(factor: float, side: int) -> float:
        """Return the interval's lower (0) or upper (1) end; random numbers are always the same."""
        own = worst_factors(top if side == 0 else -top, bottom, factor)
        moved = Ratios((own * top)[:, None], (own * bottom)[:, None])
        ess, fresh = effective_size(own * bottom), np.random.default_rng(seed)
        return interval(moved, rng=fresh, confidence=confidence, ess=ess)[side]

    low, high = (tuple(end(factor, side) for factor in FACTORS) for side in (0, 1))
    says: Says = "neither"
    if high[0] < limit:
        says = "below"
    elif low[0] >= limit:
        says = "not below"

    side, ends = (1, high) if says == "below" else (0, low)

    def holds(value: float) -> bool:
        return value < limit if says == "below" else value >= limit

    holds_to = 1.0
    if says != "neither":
        holds_to = _largest(lambda f: holds(end(f, side)), [holds(value) for value in ends])
    decisions = int(steps.alive.sum(axis=1).max())
    return HiddenCauses(float(limit), FACTORS, low, high, says, holds_to, decisions)


def worst_factors(top: Array, bottom: Array, factor: float) -> Array:
    """Return factors (n,) from 1 / factor to factor that make sum(f top) / sum(f bottom) least.

    The smallest ratios get the largest factor; where that ends is tried everywhere at once.
    """
    each = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0.0)
    order = np.argsort(each, kind="stable")
    more, less = factor, 1.0 / factor

    def split(values: Array) -> Array:
        """Return sums (n + 1,) in which the first k patients got more."""
        before = np.concatenate([[0.0], np.cumsum(values[order])])
        return np.asarray(more * before + less * (before[-1] - before))

    total = split(bottom)
    value = np.divide(split(top), total, out=np.full_like(total, np.inf), where=total > 0.0)
    found = np.full(len(top), less)
    found[order[: int(np.argmin(value))]] = more
    return found


def _largest(holds: Callable[[float], bool], kept: list[bool]) -> float:
    """Return the largest factor up to ``MOST`` that holds, by halving its logarithm.

    Of ``FACTORS``, whether each holds is known; the search begins between two of these.
    """
    last = kept.index(False) if False in kept else len(FACTORS)
    if last == len(FACTORS) and holds(MOST):
        return MOST
    low, high = np.log([*FACTORS, MOST])[last - 1 : last + 1].tolist()
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if holds(float(np.exp(middle))) else (low, middle)
    return float(np.exp(low))
