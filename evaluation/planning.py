"""How many patients a claim needs, and how a total error probability is split over claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scipy import stats

from ..physiology.errors import InputError


def patients_needed(risk: float, *, failures: int = 0, confidence: float = 0.95) -> int:
    """Fewest patients that certify a failure risk at most ``risk``, were ``failures`` to occur.

    Parameters
    ----------
    risk : float
        Failure probability to certify, in (0, 1).
    failures : int
        Failures one expects to see.
    confidence : float
        One-sided.

    Returns
    -------
    int
        Smallest n at which the upper Clopper-Pearson bound is at most ``risk``.

    Raises
    ------
    InputError
        A risk or confidence outside (0, 1), negative failures.
    """
    _check(risk, confidence)
    if failures < 0:
        raise InputError(f"failures is {failures}; give 0 or more")
    low, high = failures, failures + 1
    while not _certifies(failures, high, risk, confidence):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _certifies(failures, middle, risk, confidence):
            high = middle
        else:
            low = middle
    return high


def failures_allowed(n: int, risk: float, *, confidence: float = 0.95) -> int | None:
    """Most failures among ``n`` patients that still certify ``risk``; None if even 0 are too many.

    Parameters
    ----------
    n : int
        Patients, at least 1.
    risk : float
        Failure probability to certify, in (0, 1).
    confidence : float
        One-sided.
    """
    _check(risk, confidence)
    if n < 1:
        raise InputError(f"n is {n}; give at least 1 patient")
    most = int(stats.binom.ppf(1.0 - confidence, n, risk))
    while most >= 0 and not _certifies(most, n, risk, confidence):
        most -= 1
    return most if most >= 0 else None


def bonferroni(total_delta: float, shares: int | Sequence[float]) -> tuple[float, ...]:
    """Split a total error probability over claims, so that all hold together with 1 - total.

    Parameters
    ----------
    total_delta : float
        In (0, 1).
    shares : int or sequence of float
        Number of equal shares, or positive relative weights.

    Returns
    -------
    tuple of float
        Error probability of each claim; their sum is ``total_delta``.

    Raises
    ------
    InputError
        A total outside (0, 1), no claim, a weight that is not positive.
    """
    if not 0.0 < total_delta < 1.0:
        raise InputError(f"total_delta is {total_delta:g}; choose one strictly between 0 and 1")
    weights = [1.0] * shares if isinstance(shares, int) else [float(share) for share in shares]
    if not weights or min(weights) <= 0.0:
        raise InputError(f"shares are {shares}; give at least 1 claim and positive weights")
    return tuple(total_delta * weight / sum(weights) for weight in weights)


def holm(p_values: Mapping[str, float], total_delta: float) -> dict[str, bool]:
    """Say which claims hold by Holm's step-down procedure, never weaker than equal Bonferroni.

    Parameters
    ----------
    p_values : mapping of str to float
        P-value of the denial of each claim ("the limit is exceeded").
    total_delta : float
        Probability that any false claim is accepted, in (0, 1).

    Returns
    -------
    dict of str to bool
        True where the claim is shown. Holm 1979, Scandinavian Journal of Statistics 6:65.

    Raises
    ------
    InputError
        A p-value outside [0, 1] or a total outside (0, 1).
    """
    for name, value in p_values.items():
        if not 0.0 <= value <= 1.0:
            raise InputError(f"p-value of {name} is {value}; it must lie between 0 and 1")
    if not 0.0 < total_delta < 1.0:
        raise InputError(f"total_delta is {total_delta:g}; choose one strictly between 0 and 1")
    shown = dict.fromkeys(p_values, False)
    for rank, name in enumerate(sorted(p_values, key=p_values.__getitem__)):
        if p_values[name] > total_delta / (len(p_values) - rank):
            break
        shown[name] = True
    return shown


def _check(risk: float, confidence: float) -> None:
    for name, value in (("risk", risk), ("confidence", confidence)):
        if not 0.0 < value < 1.0:
            raise InputError(f"{name} is {value:g}; choose one strictly between 0 and 1")


def _certifies(failures: int, n: int, risk: float, confidence: float) -> bool:
    """Whether the upper Clopper-Pearson bound of ``failures`` in ``n`` is at most ``risk``."""
    return bool(failures < n and stats.binom.cdf(failures, n, risk) <= 1.0 - confidence)
