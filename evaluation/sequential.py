"""Watching a released policy: evidence against its safety that may be read after every patient."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ..physiology.errors import InputError
from .declared import error_probability, finite_series

Array = NDArray[np.float64]

# A fresh start of the evidence every so many observations, lest a long good past hide a change
# (project choice).
RESTART_EVERY = 250
_FORMAT = "dosegym-violation-monitor-1"


@dataclass(frozen=True)
class ViolationMonitor:
    """Evidence that the violation rate exceeds a limit, valid at any time of looking.

    Parameters
    ----------
    limit : float
        Violation rate that was certified, in (0, 1).
    delta : float
        Chance, at most, of ever revoking a policy that keeps the limit.
    restart_every : int
        Observations between fresh starts of the evidence.
    n : int
        Observations so far.
    total : float
        Violations so far.
    starts : tuple of float
        ``total`` at each fresh start.
    peak_log_e : float
        Logarithm of the largest evidence so far.

    Notes
    -----
    For each start the likelihood ratio of every rate above the limit against the limit is mixed
    over a Beta prior cut there. Each ratio is the capital of a gambler who bets against "the rate
    is at most the limit"; while that holds, given the past, it grows at no step on average, so by
    Ville's inequality it ever reaches 1 / delta with probability at most delta. Starts share
    the capital by weights 1 / (j (j + 1)), which keeps this true. Ramdas 2023, doi
    10.1214/23-STS894; Shin 2023, arXiv 2203.03532.
    """

    limit: float
    delta: float
    restart_every: int = RESTART_EVERY
    n: int = 0
    total: float = 0.0
    starts: tuple[float, ...] = field(default=(0.0,))
    peak_log_e: float = 0.0

    def __post_init__(self) -> None:
        for name, value in (("limit", self.limit), ("delta", self.delta)):
            if not 0.0 < value < 1.0:
                raise InputError(f"{name} is {value:g}; choose one strictly between 0 and 1")
        if self.restart_every < 1 or self.n < 0 or not 0.0 <= self.total <= self.n:
            raise InputError(
                f"a monitor of {self.total:g} violations in {self.n}, restarted every "
                f"{self.restart_every}, cannot be; start a fresh one"
            )
        if len(self.starts) != 1 + self.n // self.restart_every:
            raise InputError(
                f"a monitor of {self.n} observations has {len(self.starts)} starts, not "
                f"{1 + self.n // self.restart_every}; start a fresh one"
            )

    def update(self, violated: bool | float) -> ViolationMonitor:
        """Return the monitor after one more observation; the present one is unchanged.

        Parameters
        ----------
        violated : bool or float
            Whether the limit was broken, or a loss in [0, 1].

        Raises
        ------
        InputError
            A loss outside [0, 1] or missing: a lost observation is no good news.
        """
        loss = float(violated)
        if not 0.0 <= loss <= 1.0:
            raise InputError(f"violated is {loss:g}; give true, false or a loss from 0 to 1")
        n, total = self.n + 1, self.total + loss
        starts = (*self.starts, total) if n % self.restart_every == 0 else self.starts
        new = replace(self, n=n, total=total, starts=starts)
        return replace(new, peak_log_e=max(self.peak_log_e, new.log_e_value))

    @property
    def log_e_value(self) -> float:
        """Natural logarithm of the present evidence."""
        born = np.arange(len(self.starts))
        counts = self.n - born * self.restart_every
        logs = log_evidence(self.total - np.array(self.starts), counts, self.limit)
        shares = 1.0 / ((born + 1.0) * (born + 2.0))
        # Starts still to come hold what is left, 1 / (J + 1), at its stake.
        left = -math.log(len(self.starts) + 1.0)
        return float(np.logaddexp(left, float(np.asarray(special.logsumexp(logs, b=shares)))))

    @property
    def e_value(self) -> float:
        """Present evidence: on average at most 1 while the limit is kept."""
        return math.exp(min(self.log_e_value, 700.0))

    @property
    def p_value(self) -> float:
        """Anytime-valid p-value of "the rate keeps the limit"."""
        return math.exp(-self.peak_log_e)

    @property
    def revoked(self) -> bool:
        """Whether the evidence ever reached 1 / delta; never taken back."""
        return self.peak_log_e >= -math.log(self.delta)

    def to_json(self) -> str:
        """Return the whole state as JSON."""
        return json.dumps({"format": _FORMAT, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> ViolationMonitor:
        """Return the monitor that :meth:`to_json` wrote.

        Raises
        ------
        InputError
            Text of another format, or a state that cannot be.
        """
        try:
            data = json.loads(text)
            if data.pop("format") != _FORMAT:
                raise KeyError("format")
            data["starts"] = tuple(float(total) for total in data["starts"])
            return cls(**data)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"text is no saved {_FORMAT} ({error}); save one by to_json"
            ) from error


def log_evidence(totals: ArrayLike, counts: ArrayLike, limit: float) -> Array:
    """Logarithm of the mixed likelihood ratio of rates above ``limit`` against the limit.

    Parameters
    ----------
    totals, counts : array, same shape
        Violations, or summed losses in [0, 1], and observations.
    limit : float
        In (0, 1).

    Returns
    -------
    array
        Of the shape of ``totals``; -inf where next to nothing speaks against the limit.
    """
    k, n = np.asarray(totals, float), np.asarray(counts, float)
    # Beta(1, 1/limit - 1) has the limit for its mean, so weighs rates of its size most.
    a, b = 1.0, max(1.0, 1.0 / limit - 1.0)
    after = special.betaln(a + k, b + n - k) + _log(special.betaincc(a + k, b + n - k, limit))
    before = special.betaln(a, b) + _log(special.betaincc(a, b, np.array(limit)))
    return np.asarray(after - before - k * math.log(limit) - (n - k) * math.log1p(-limit))


def confidence_sequence(values: ArrayLike, confidence: float = 0.95) -> tuple[Array, Array]:
    """Intervals of a rate or a mean in [0, 1], one after each observation, right all at once.

    The rates whose Beta(1/2, 1/2)-mixed likelihood ratio stays below 1 / delta, intersected over
    time: one may look, stop or go on at will. Should low pass high, the mean has moved (or the
    chance 1 - confidence has struck).

    Parameters
    ----------
    values : array (n,), in [0, 1]
        Violations (0 or 1) or losses, in the order in which they came.
    confidence : float
        That every interval holds the mean; two-sided.

    Returns
    -------
    tuple of array (n,)
        Low and high ends. Robbins 1970, doi 10.1214/aoms/1177696786.

    Raises
    ------
    InputError
        No values, one missing or outside [0, 1].
    """
    data, goal = finite_series(values), -math.log(error_probability(confidence))
    if data.min() < 0.0 or data.max() > 1.0:
        raise InputError("a value lies outside 0 to 1; scale by the range declared in advance")
    count = np.arange(1.0, data.size + 1.0)
    total = np.clip(np.cumsum(data), 0.0, count)
    mixed = special.betaln(0.5 + total, 0.5 + count - total) - special.betaln(0.5, 0.5)

    def evidence(rate: Array) -> Array:
        return np.asarray(
            mixed - special.xlogy(total, rate) - special.xlog1py(count - total, -rate)
        )

    mean = total / count
    low = _edge(evidence, np.zeros_like(mean), mean, goal)
    high = _edge(evidence, np.ones_like(mean), mean, goal)
    return np.maximum.accumulate(low), np.minimum.accumulate(high)


def _edge(evidence: Callable[[Array], Array], outside: Array, inside: Array, goal: float) -> Array:
    """Bisect between an end of the range and the mean for where evidence reaches the goal.

    The rejected end is returned, or the end of the range where it is not rejected.
    """
    outside, kept = outside.copy(), inside.copy()
    for _ in range(50):
        middle = 0.5 * (outside + kept)
        rejected = evidence(middle) >= goal
        outside, kept = np.where(rejected, middle, outside), np.where(rejected, kept, middle)
    return outside


def _log(share: Array) -> Array:
    """Logarithm with -inf at 0, without a warning."""
    out = np.full(np.shape(share), -np.inf)
    return np.log(share, out=out, where=np.asarray(share) > 0.0)
