"""Fixed-step methods a Model can name: classical Runge-Kutta, and one that preserves order.

``order_preserving`` is the optimal strong-stability-preserving Runge-Kutta method of order 2 with
five stages, SSPRK(5,2) (Gottlieb, Shu and Tadmor, SIAM Rev 2001;43:89-112,
doi:10.1137/S003614450036757X; Spiteri and Ruuth, SIAM J Numer Anal 2002;40:469-91,
doi:10.1137/S0036142901389025):

    y0 = x,    y_k = E(y_{k-1}) for k = 1..4,    x' = 1/5 x + 4/5 E(y_4),
    E(y) = max(0, y + h/4 f(y)) where a state cannot be negative, y + h/4 f(y) elsewhere.

Every stage and the result are convex combinations of Euler steps of h/4. If E preserves an order
of states, so does the step: this holds for the numbers computed, not only for the equations that
they approximate. E preserves the order given by signs s_i (s_i = s_j: both rise together) if

    s_i s_j df_i/dx_j >= 0 for i != j          (Kamke's condition; a property of the equations),
    1 + h/4 df_i/dx_i >= 0                     (the step is short enough; ``reach`` = 4),

wherever f is differentiable, f being continuous and piecewise smooth; the clamp at zero is itself
monotone. A guard that stops a fall at zero changes nothing here: where it acts, E clamps. Classical
Runge-Kutta is no convex combination of Euler steps and has no such guarantee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import InputError
from .namespace import NUMPY

STAGES = 5
"""Stages of the order-preserving method: its Euler steps are h / (STAGES - 1) long."""


@dataclass(frozen=True)
class Stepper:
    """A fixed-step method.

    Parameters
    ----------
    name : str
    order : int
        Of its error where solutions are smooth.
    reach : float or None
        Largest rate of loss times step with which it preserves order; None: it never does.
    """

    name: str
    order: int
    reach: float | None


STEPPERS = {
    s.name: s for s in (Stepper("rk4", 4, None), Stepper("order_preserving", 2, STAGES - 1.0))
}


def stepper_of(name: str) -> Stepper:
    """Return a stepper by name.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    if name not in STEPPERS:
        raise InputError(f"stepper is {name!r}; choose one of {', '.join(STEPPERS)}")
    return STEPPERS[name]


def runge_kutta(rhs: Any, x: tuple[Any, ...], u: Any, p: Any, h: float, n: int) -> tuple[Any, ...]:
    """Return the states (the first ``n`` of ``x``) one classical Runge-Kutta step later."""

    def moved(k: Any, step: float) -> tuple[Any, ...]:
        return (*(xi + step * ki for xi, ki in zip(x[:n], k, strict=True)), *x[n:])

    a = rhs(x, u, p)
    b = rhs(moved(a, 0.5 * h), u, p)
    c = rhs(moved(b, 0.5 * h), u, p)
    d = rhs(moved(c, h), u, p)
    return tuple(
        xi + (h / 6.0 * (ai + di) + h / 3.0 * (bi + ci))
        for xi, ai, bi, ci, di in zip(x[:n], a, b, c, d, strict=True)
    )


def order_preserving(
    xp: Any, rhs: Any, x: tuple[Any, ...], u: Any, p: Any, h: float, floored: tuple[bool, ...]
) -> tuple[Any, ...]:
    """Return the states (one for each of ``floored``) one SSPRK(5,2) step later.

    ``floored`` tells which states cannot be negative.
    """
    n, part = len(floored), h / (STAGES - 1)

    def euler(y: tuple[Any, ...]) -> tuple[Any, ...]:
        moved = (yi + part * ki for yi, ki in zip(y, rhs((*y, *x[n:]), u, p), strict=True))
        return tuple(
            xp.maximum(0.0, v) if low else v for v, low in zip(moved, floored, strict=True)
        )

    y = x[:n]
    for _ in range(STAGES):
        y = euler(y)
    start, end = 1.0 / STAGES, (STAGES - 1.0) / STAGES
    return tuple(start * xi + end * yi for xi, yi in zip(x[:n], y, strict=True))


def step_of(model: Any, xp: Any) -> Callable[..., tuple[Any, ...]]:
    """Return ``step(rhs, x, u, p, h)`` of a model's stepper in a namespace."""
    n = len(model.states)
    if stepper_of(model.stepper).reach is None:
        return lambda rhs, x, u, p, h: runge_kutta(rhs, x, u, p, h, n)
    floored = tuple(q.low == 0.0 for q in model.states)
    return lambda rhs, x, u, p, h: order_preserving(xp, rhs, x, u, p, h, floored)


def not_admitted(model: Any, row: Any, step: float) -> str:
    """Return why a person with parameters ``row`` (P,) is beyond what the stepper holds for."""
    for quantity, value in zip(model.parameters, row, strict=True):
        if not quantity.low <= value <= quantity.high:
            return (
                f"{quantity.name} is {value:g} {quantity.unit}; the order-preserving step of "
                f"{model.name} holds from {quantity.low:g} to {quantity.high:g}"
            )
    rate, reach = float(model.fastest(NUMPY)(model.Params(*row))), stepper_of(model.stepper).reach
    return (
        f"fastest rate of {model.name} is {rate:g} per {model.time_unit}; its order-preserving "
        f"step holds up to {(reach or 0.0) / step:g}: give smaller rates or more substeps"
    )


def check_admitted(model: Any, table: Any, step: float) -> None:
    """Refuse people (B, P) beyond what the model's stepper holds for; nothing for other steppers.

    Raises
    ------
    InputError
        Naming the parameter, or the rate, and its bound.
    """
    reach = stepper_of(model.stepper).reach
    if reach is None or model.fastest is None:
        return
    rates = model.fastest(NUMPY)(model.params(table))
    for row, rate in zip(table, rates, strict=True):
        if not rate * step <= reach:
            raise InputError(not_admitted(model, row, step))
