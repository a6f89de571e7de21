"""What a fall of systolic pressure brings, from randomised trials: relative risk, lag, events.

The benefit of treatment is the risk *without* treatment times (1 - relative risk of the fall).
Treated pressure is never put into a risk equation: those are associations, and their slope with
pressure is not the effect of a drug.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..physiology.errors import InputError
from .prevent import prevent_risk

Array = NDArray[np.float64]

DEFAULT_SOURCE: Final = "bplttc_2021"
LAG_YEARS: Final = 1.0
"""Project choice: the effect grows evenly from nothing to full over the first 12 months."""


@dataclass(frozen=True)
class RelativeRisk:
    """The relative risk of one outcome for a fall of systolic pressure.

    Parameters
    ----------
    source, outcome : str
    per_mmhg : float
        The fall that the relative risk belongs to.
    relative_risk : float
    low, high : float or None
        95 % interval, None where it was not read.
    status : str
        ``published`` where read in the paper or its abstract, ``secondary`` in a summary of it.
    """

    source: str
    outcome: str
    per_mmhg: float
    relative_risk: float
    low: float | None
    high: float | None
    status: str


@cache
def relative_risks() -> Mapping[tuple[str, str], RelativeRisk]:
    """Return the shipped relative risks by source and outcome."""
    data = resources.files("dosegym.therapy.data")
    text = data.joinpath("relative_risks.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    risks = [
        RelativeRisk(
            row["source"],
            row["outcome"],
            float(row["per_mmhg"]),
            float(row["relative_risk"]),
            float(row["low"]) if row["low"] else None,
            float(row["high"]) if row["high"] else None,
            row["status"],
        )
        for row in rows
    ]
    return MappingProxyType({(risk.source, risk.outcome): risk for risk in risks})


def hazard_ratio(
    delta_sbp: ArrayLike, outcome: str = "total_cvd", source: str = DEFAULT_SOURCE
) -> Array:
    """Return the relative risk under a lasting fall of systolic pressure.

    Parameters
    ----------
    delta_sbp : array, mmHg
        The fall, positive where pressure is lower than untreated; a rise is negative.
    outcome : str
        ``total_cvd``, ``stroke``, ``heart_failure``, ``chd``; also ``cardiovascular_death``
        (bplttc_2021) or ``death`` (ettehad_2016).
    source : {"bplttc_2021", "ettehad_2016"}

    Returns
    -------
    array
        RR ** (fall / fall of the trial), log-linear as both meta-analyses found.

    Raises
    ------
    InputError
        Naming the outcome that the source has not, or a fall that is not a number.
    """
    fall = np.asarray(delta_sbp, dtype=float)
    if not np.isfinite(fall).all():
        raise InputError("fall of systolic pressure is not a finite number; give it in mmHg")
    table = relative_risks()
    risk = table.get((source, outcome))
    if risk is None:
        known = ", ".join(f"{where}: {what}" for where, what in table)
        raise InputError(f"no relative risk of {outcome!r} from {source!r}; use one of {known}")
    return np.asarray(risk.relative_risk ** (fall / risk.per_mmhg))


def share_of_effect(years: ArrayLike) -> Array:
    """Return the share of the full effect after `years` on treatment, 0 to 1, even over a year."""
    return np.clip(np.asarray(years, dtype=float) / LAG_YEARS, 0.0, 1.0)


def mean_hazard_ratio(
    delta_sbp: ArrayLike,
    outcome: str = "total_cvd",
    source: str = DEFAULT_SOURCE,
    *,
    years: float = 10.0,
) -> Array:
    """Return the mean relative risk over the first `years` on treatment, lag included.

    The mean of HR ** share over time: while the effect grows evenly it is (HR - 1) / ln HR.

    Parameters
    ----------
    delta_sbp : array, mmHg
        As in :func:`hazard_ratio`.
    outcome, source : str
    years : float, years
        From the start of treatment on; above 0.

    Returns
    -------
    array
    """
    if not years > 0.0:
        raise InputError(f"horizon is {years:g} years; give more than 0")
    log_full = np.log(hazard_ratio(delta_sbp, outcome, source))
    reached = min(years / LAG_YEARS, 1.0)
    log_end = log_full * reached
    safe = np.where(log_end == 0.0, 1.0, log_end)
    growing = np.where(log_end == 0.0, 1.0, np.expm1(log_end) / safe)
    lag = min(years, LAG_YEARS)
    return np.asarray((lag * growing + (years - lag) * np.exp(log_full)) / years)


def risk_reduction(
    untreated_risk: ArrayLike,
    delta_sbp: ArrayLike,
    outcome: str = "total_cvd",
    source: str = DEFAULT_SOURCE,
    *,
    years: float = 10.0,
) -> Array:
    """Return the absolute fall of risk: untreated risk x (1 - mean relative risk).

    Parameters
    ----------
    untreated_risk : array, 0 to 1
        Over the same `years`, of the person without treatment (:func:`untreated_risk`).
    delta_sbp : array, mmHg
        Fall of systolic pressure that treatment brings; negative means harm.
    outcome, source : str
    years : float, years

    Returns
    -------
    array
        Events averted per person; negative where pressure rises.

    Raises
    ------
    InputError
        When a risk is not a probability.
    """
    risk = np.asarray(untreated_risk, dtype=float)
    if not ((risk >= 0.0) & (risk <= 1.0)).all():
        raise InputError("untreated risk is not a probability; give values from 0 to 1")
    return np.asarray(risk * (1.0 - mean_hazard_ratio(delta_sbp, outcome, source, years=years)))


def untreated_risk(*, untreated_sbp: ArrayLike, **person: Any) -> Array:
    """Return PREVENT's risk with the pressure that the person has without any drug.

    Parameters
    ----------
    untreated_sbp : array (n,), mmHg
        Estimated pressure without treatment, not a measured one under treatment.
    **person
        The other arguments of :func:`dosegym.therapy.prevent.prevent_risk` but ``sbp`` and
        ``treated``.

    Returns
    -------
    array (n,), 0 to 1

    Raises
    ------
    InputError
        When ``sbp`` or ``treated`` is given as well.
    """
    for name in ("sbp", "treated"):
        if name in person:
            raise InputError(
                f"untreated risk: leave out {name}; give untreated_sbp, the pressure without drugs"
            )
    return prevent_risk(sbp=untreated_sbp, treated=0.0, **person)
