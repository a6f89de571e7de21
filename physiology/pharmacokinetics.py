"""Kinetics of antihypertensive tablets: published records, and the exact step from day to day.

A drug is a chain of at most four compartments, gut, central, peripheral and active metabolite (mg),
whose rates are linear::

    gut'        = -ka gut
    central'    = ka gut - (CL + Q)/V central + Q/Vp peripheral
    peripheral' = Q/V central - Q/Vp peripheral
    metabolite' = share CL/V central - CLm/Vm metabolite

With the whole daily dose D taken at the start of the day, the next day's start is exactly
``x <- phi x + gain D``, and the day's mean of what drives the effect exactly ``read x + read_dose
D``; both come from one matrix exponential. The mean is told in standard doses: divided by that of
the typical person who takes the standard dose every day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import InputError
from .kinetics_people import ETAS, TYPICAL, Rates, individual
from .kinetics_records import Fact, Kinetics, load_facts, load_kinetics

__all__ = [
    "COMPARTMENTS",
    "ETAS",
    "TYPICAL",
    "DayStep",
    "Fact",
    "Kinetics",
    "Rates",
    "expose",
    "individual",
    "instant",
    "load_facts",
    "load_kinetics",
    "propagators",
    "rate_matrix",
    "stack",
    "steady_exposure",
    "steady_state",
    "terminal_half_life",
]

Array = NDArray[np.float64]

COMPARTMENTS: Final = ("gut", "central", "peripheral", "metabolite")
HOURS: Final = 24.0
# An unused compartment must forget, lest its steady state be undefined; nothing ever enters it.
_UNUSED_PER_H = 1.0


class DayStep(NamedTuple):
    """The exact step of a day for a batch of people (and of slots, once stacked).

    Parameters
    ----------
    phi : array (B, 4, 4) or (B, S, 4, 4)
        Share of each compartment's amount that is in each at the next day's start.
    gain : array (B, 4) or (B, S, 4)
        Amounts at the next day's start per mg taken at this day's.
    read : array like gain
        Exposure of the day (standard doses) per mg in each compartment at its start.
    read_dose : array (B,) or (B, S)
        Exposure of the day per mg taken at its start.
    """

    phi: Array
    gain: Array
    read: Array
    read_dose: Array


def rate_matrix(kinetics: Kinetics, rates: Rates) -> Array:
    """Return the rates (B, 5, 5) in 1/h: four compartments, and the integral of the driver."""
    ka, cl, v, q, vp, clm, vm = rates
    a = np.zeros((len(ka), 5, 5))
    a[:, 0, 0], a[:, 1, 0] = -ka, ka
    a[:, 1, 1], a[:, 1, 2] = -(cl + q) / v, q / vp
    a[:, 2, 1], a[:, 2, 2] = q / v, -q / vp if kinetics.exchange_l_h else -_UNUSED_PER_H
    a[:, 3, 1] = kinetics.metabolite_share * cl / v
    a[:, 3, 3] = -clm / vm if kinetics.metabolite_share else -_UNUSED_PER_H
    if kinetics.driver == "excretion":
        a[:, 4, 1] = cl / v
    elif kinetics.moiety == "metabolite":
        a[:, 4, 3] = 1.0 / vm
    else:
        a[:, 4, 1] = 1.0 / v
    return a


def _standard_reading(kinetics: Kinetics, standard_mg: float) -> float:
    """Return a day's integral of the driver in the typical person on the standard dose."""
    absorbed = kinetics.bioavailability * standard_mg
    if kinetics.driver == "excretion":
        return absorbed
    if kinetics.moiety == "metabolite":
        return absorbed * kinetics.metabolite_share / kinetics.metabolite_clearance_l_h
    return absorbed / float(individual(kinetics, TYPICAL).clearance[0])


def propagators(
    kinetics: Kinetics,
    covariates: Mapping[str, ArrayLike],
    etas: ArrayLike | None = None,
    *,
    standard_mg: float,
) -> DayStep:
    """Return the exact day step of one drug in a batch of people.

    Parameters
    ----------
    kinetics : Kinetics
    covariates, etas
        As in :func:`individual`.
    standard_mg : float
        Daily dose that gives the typical person (``TYPICAL``) an exposure of 1.

    Raises
    ------
    InputError
        As :func:`individual`, or if the standard dose is not positive.
    """
    from .kinetics_kernel import exponentials

    if not standard_mg > 0.0:
        raise InputError(f"standard dose of {kinetics.drug} is {standard_mg:g} mg; give above 0")
    rates = HOURS * rate_matrix(kinetics, individual(kinetics, covariates, etas))
    flow = np.empty_like(rates)
    exponentials(rates, flow)
    phi = np.ascontiguousarray(flow[:, :4, :4])
    read = flow[:, 4, :4] / _standard_reading(kinetics, standard_mg)
    share = kinetics.bioavailability
    return DayStep(phi, share * phi[:, :, 0], read, share * read[:, 0])


def instant(size: int, *, standard_mg: float) -> DayStep:
    """Return the step of a drug without kinetics: exposure is the dose of the day, at once."""
    zeros = np.zeros((size, 4))
    return DayStep(np.zeros((size, 4, 4)), zeros, zeros, np.full(size, 1.0 / standard_mg))


def stack(steps: Sequence[DayStep]) -> DayStep:
    """Return the steps of S drugs as one with the slot as second dimension."""
    return DayStep(*(np.stack(part, axis=1) for part in zip(*steps, strict=True)))


def steady_state(step: DayStep, mg: ArrayLike) -> Array:
    """Return the amounts (..., 4) at a day's start, before its dose, on ``mg`` (...) every day.

    ``mg`` may be the mean over days of doses sometimes missed: amounts are then means as well.
    """
    source = step.gain * np.asarray(mg, dtype=np.float64)[..., None]
    amounts = np.linalg.solve(np.eye(4) - step.phi, source[..., None])[..., 0]
    return np.asarray(amounts, dtype=np.float64)


def steady_exposure(step: DayStep, mg: ArrayLike) -> Array:
    """Return the exposure (...) in standard doses on ``mg`` (...) every day, at steady state."""
    dose = np.asarray(mg, dtype=np.float64)
    return np.asarray((step.read * steady_state(step, dose)).sum(-1) + step.read_dose * dose)


def terminal_half_life(step: DayStep) -> Array:
    """Return the half-life (hours, (...)) of the slowest phase, absorption included."""
    slowest = np.abs(np.linalg.eigvals(step.phi)).max(-1)
    return np.asarray(HOURS * np.log(0.5) / np.log(slowest))


def expose(
    step: DayStep,
    mg: Array,
    taken: NDArray[Any],
    x: Array,
    out: Array,
    *,
    first: int = 0,
    last: int | None = None,
) -> None:
    """Write the exposures of T days and advance the amounts in the body.

    Parameters
    ----------
    step : DayStep
        Stacked: slot as second dimension.
    mg : array (B, S)
        Prescribed daily dose.
    taken : array of bool or uint8 (B, T, S) or (B, T)
        Whether the dose of a day was taken; (B, T) where tablets go together.
    x : array (B, S, 4), mg
        Amounts at the first day's start; overwritten with those after the last day. Traces below
        1e-6 mg of a drug no longer prescribed are dropped.
    out : array (T, U, B), U >= S
        Its first S rows receive the exposures in standard doses, as ``Engine.advance`` takes them.
    first, last : int
        Only these people are advanced, so that threads can share a batch; everyone by default.
    """
    from .kinetics_kernel import expose_days

    apart = taken if taken.ndim == 3 else taken[:, :, None]
    expose_days(*step, mg, apart, x, out, first, len(x) if last is None else last)
