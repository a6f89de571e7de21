"""Learn then test: which of many settings keep their risk limits, with one error for them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..physiology.errors import InputError
from .declared import Array, Support, within_support
from .mean_bounds import betting_p_value
from .planning import holm

Family = Literal["fixed_sequence", "holm", "bonferroni"]
PValue = Literal["hoeffding-bentkus", "binomial", "betting"]


@dataclass(frozen=True)
class Tested:
    """Which settings were shown to keep every limit.

    Parameters
    ----------
    certified : tuple of int
        Numbers of the settings; empty where none could be shown.
    p_values : array (K,)
        Of "this setting breaks a limit".
    delta : float
        Chance, at most, that one or more of the certified break a limit.
    method : str
        How the error was shared among the settings.
    """

    certified: tuple[int, ...]
    p_values: Array
    delta: float
    method: str


def hoeffding_bentkus_p_value(mean: float, n: int, limit: float, *, binary: bool = False) -> float:
    """P-value of "the mean loss exceeds ``limit``" from the mean of n losses in [0, 1].

    The smaller of Hoeffding's exp(-n KL(min(mean, limit), limit)) and Bentkus's
    e P(Bin(n, limit) <= ceil(n mean)). The minimum inside the first is what a public release had
    as a maximum (github.com/aangelopoulos/im2im-uq, issue 3), which makes it say nothing below the
    limit.

    Parameters
    ----------
    mean : float
        Of the losses, in [0, 1].
    n : int
        Independent losses.
    limit : float
        In (0, 1).
    binary : bool
        The losses are 0 or 1: Bentkus's factor e falls away and the binomial tail is exact.

    Returns
    -------
    float
        Angelopoulos 2021, arXiv 2110.01052; Bates 2021, doi 10.1145/3478535.

    Raises
    ------
    InputError
        A mean, number or limit out of range.
    """
    if n < 1 or not 0.0 <= mean <= 1.0:
        raise InputError(f"mean is {mean:g} of {n} losses; give at least 1 loss, all in 0 to 1")
    if not 0.0 < limit < 1.0:
        raise InputError(f"limit is {limit:g}; choose one strictly between 0 and 1")
    least = min(mean, limit)
    distance = stats.entropy([least, 1.0 - least], [limit, 1.0 - limit])
    hoeffding = float(np.exp(-n * distance))
    # A mean of n losses times n may lie a rounding error above their true, whole sum.
    bentkus = float(stats.binom.cdf(np.ceil(n * mean - 1e-9 * max(1.0, n * mean)), n, limit))
    return min(hoeffding, bentkus if binary else float(np.e) * bentkus, 1.0)


def learn_then_test(
    losses: ArrayLike,
    limits: ArrayLike,
    delta: float,
    *,
    support: Support | None,
    n: int | None = None,
    method: Family = "fixed_sequence",
    p_value: PValue = "hoeffding-bentkus",
) -> Tested:
    """Certify settings of a policy, a shield or a threshold whose risks keep their limits.

    Parameters
    ----------
    losses : array (n, K) or (n, K, R); with ``n`` given (K,) or (K, R)
        Losses of n independent patients under K settings, of R kinds; with ``n`` their means.
        Settings stand in an order fixed before looking, for ``fixed_sequence`` the safest first.
    limits : float or array (R,)
        One per kind, in the unit of the losses; a setting must keep all.
    delta : float
        Chance of certifying any setting that breaks a limit, in (0, 1).
    support : tuple of float
        Range of a loss, known in advance.
    n : int, optional
        Patients, where only means are at hand.
    method : {"fixed_sequence", "holm", "bonferroni"}
        ``fixed_sequence`` tests each at ``delta`` and stops at the first that fails.
    p_value : {"hoeffding-bentkus", "binomial", "betting"}
        ``binomial``: losses are one or the other end of the support. ``betting`` needs the losses
        themselves and is sharpest where they vary little.

    Returns
    -------
    Tested
        Angelopoulos 2021, arXiv 2110.01052.

    Raises
    ------
    InputError
        No support, losses outside it, shapes or limits that do not match.
    """
    if not 0.0 < delta < 1.0:
        raise InputError(f"delta is {delta:g}; choose one strictly between 0 and 1")
    data, bars = np.asarray(losses, float), np.atleast_1d(np.asarray(limits, float))
    flat, low, high = within_support(data.ravel(), support, "learn-then-test")
    flags = p_value == "binomial" and n is None
    if flags and not np.isin(flat, (low, high)).all():
        raise InputError(f"a loss is neither {low:g} nor {high:g}; use hoeffding-bentkus")
    data = _by_kind(data, n, bars.size)
    worst = np.array(
        [
            max(_p(column, n, bar, (low, high), p_value) for column, bar in zip(kinds, bars, strict=True))
            for kinds in np.moveaxis(data, 0, -1)
        ]
    )
    return Tested(control_family(worst, delta, method), worst, delta, method)


def control_family(p_values: ArrayLike, delta: float, method: Family) -> tuple[int, ...]:
    """Return which of many claims are shown, the chance of any false one being at most delta.

    Parameters
    ----------
    p_values : array (K,)
        In an order fixed before looking.
    delta : float
    method : {"fixed_sequence", "holm", "bonferroni"}
    """
    p = np.asarray(p_values, float)
    if method == "fixed_sequence":
        failed = np.flatnonzero(p > delta)
        return tuple(range(int(failed[0]) if failed.size else p.size))
    if method == "bonferroni":
        return tuple(np.flatnonzero(p <= delta / p.size).tolist())
    if method == "holm":
        shown = holm({str(k): float(v) for k, v in enumerate(p)}, delta)
        return tuple(k for k in range(p.size) if shown[str(k)])
    raise InputError(f"method {method!r} is unknown; choose fixed_sequence, holm or bonferroni")


def _by_kind(data: Array, n: int | None, kinds: int) -> Array:
    """Return losses as (n, K, R), means as (1, K, R)."""
    if n is not None:
        data = data[None]
    if data.ndim == 2:
        data = data[..., None]
    if data.ndim != 3 or data.shape[2] != kinds:
        raise InputError(
            f"losses have shape {data.shape} for {kinds} limits; give (patients, settings, limits)"
        )
    return data


def _p(column: Array, n: int | None, limit: float, support: Support, way: PValue) -> float:
    """P-value of one setting and one kind of loss (n,), or of its mean (1,)."""
    low, high = support
    if way == "betting":
        if n is not None:
            raise InputError("betting needs the losses; give (patients, settings) without n")
        return betting_p_value(column, limit, support=support)
    mean, bar = (float(column.mean()) - low) / (high - low), (limit - low) / (high - low)
    count = column.size if n is None else n
    return hoeffding_bentkus_p_value(mean, count, bar, binary=way == "binomial")
