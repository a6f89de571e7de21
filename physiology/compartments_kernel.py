"""The compiled loop of compartment kinetics: people led from event to event by closed forms.

The central amount is a sum of modes ``z_k``, each decaying at a rate ``lambda_k``; a unit
that enters the centre adds ``a_k`` to each. Bolus, infusion and first-order absorption then have
closed forms for one, two and three compartments alike (Dubois, Bertrand and Mentre 2011,
"Mathematical expressions of the pharmacokinetic and pharmacodynamic models implemented in the
PFIM software"). A response with turnover is integrated by Gauss-Legendre rules on a graded mesh.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import njit

Floats = NDArray[np.float64]
Wholes = NDArray[np.int64]

# Columns of the parameters; see physiology.compartments.PARAMETERS.
CL, V, Q, V2, Q3, V3, KA, LAG, F, E0, KOUT, IC50, IMAX, GAMMA = range(14)
# What a row does; see physiology.compartments.
LOOK, LOOK_RESPONSE, DEPOT, CENTRAL, RATE, RESET, NOTHING = range(7)

_NODES, _WEIGHTS = (np.ascontiguousarray(x) for x in np.polynomial.legendre.leggauss(7))
_CLOSE = 1e-4
# Of all there is, what may be left in the gut before absorption counts as over.
_TRACE = 1e-9


@njit(cache=True, nogil=True)
def modes(p: Floats, n: int, rate: Floats, share: Floats) -> None:
    """Fill the decay rates and shares (3,) of n modes from one person's parameters."""
    k10 = p[CL] / p[V]
    if n == 1:
        rate[0], share[0] = k10, 1.0
        return
    k12, k21 = p[Q] / p[V], p[Q] / p[V2]
    if n == 2:
        total = k10 + k12 + k21
        root = math.sqrt(max(total * total - 4.0 * k10 * k21, 0.0))
        rate[0] = 0.5 * (total + root)
        rate[1] = k10 * k21 / rate[0]
        gap = max(rate[0] - rate[1], 1e-14 * rate[0])
        share[0], share[1] = (rate[0] - k21) / gap, (k21 - rate[1]) / gap
        return
    k13, k31 = p[Q3] / p[V], p[Q3] / p[V3]
    c2 = k10 + k12 + k13 + k21 + k31
    c1 = k10 * k31 + k21 * k31 + k21 * k13 + k10 * k21 + k31 * k12
    c0 = k10 * k21 * k31
    # The three roots are real: Cardano by angles, then one Newton step against cancellation.
    a = c1 - c2 * c2 / 3.0
    b = 2.0 * c2**3 / 27.0 - c1 * c2 / 3.0 + c0
    r = math.sqrt(max(-(a**3) / 27.0, 1e-300))
    angle = math.acos(min(1.0, max(-1.0, -0.5 * b / r))) / 3.0
    for k in range(3):
        x = c2 / 3.0 - 2.0 * r ** (1.0 / 3.0) * math.cos(angle + 2.0 * math.pi * k / 3.0)
        for _ in range(2):
            slope = 3.0 * x * x - 2.0 * c2 * x + c1
            if abs(slope) > 1e-300:
                x -= (x**3 - c2 * x * x + c1 * x - c0) / slope
        rate[k] = x
    for k in range(3):
        x, product = rate[k], 1.0
        for j in range(3):
            if j != k:
                gap = rate[j] - x
                product *= gap if abs(gap) > 1e-14 * c2 else math.copysign(1e-14 * c2, gap)
        share[k] = (k21 - x) * (k31 - x) / product


@njit(cache=True, nogil=True)
def _absorbed(rate: float, ka: float, h: float) -> float:
    """Return (exp(-ka h) - exp(-rate h)) / (rate - ka), also where the two rates meet."""
    x = (rate - ka) * h
    if abs(x) < _CLOSE:
        return h * math.exp(-rate * h) * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x / 24.0)))
    return (math.exp(-ka * h) - math.exp(-rate * h)) / (rate - ka)


@njit(cache=True, nogil=True)
def _amount(z: Floats, n: int, rate: Floats, share: Floats, ka: float, gut: float, inflow: float,
            h: float) -> float:  # fmt: skip
    """Return the central amount after a time h."""
    total = 0.0
    for k in range(n):
        fade = math.exp(-rate[k] * h)
        total += z[k] * fade + inflow * share[k] * (1.0 - fade) / rate[k]
        if gut > 0.0:
            total += ka * gut * share[k] * _absorbed(rate[k], ka, h)
    return max(total, 0.0)


@njit(cache=True, nogil=True)
def _inhibition(c: float, p: Floats) -> float:
    """Return the share of production that a concentration takes away."""
    if c <= 0.0:
        return 0.0
    power = (c / p[IC50]) ** p[GAMMA]
    return p[IMAX] * power / (1.0 + power)


@njit(cache=True, nogil=True)
def _respond(e: float, z: Floats, n: int, rate: Floats, share: Floats, gut: float, inflow: float,
             h: float, p: Floats) -> float:  # fmt: skip
    """Return the response after a time h: E' = kout (E0 (1 - inhibition) - E)."""
    ka, kout = p[KA], p[KOUT]
    total = gut
    for k in range(n):
        total += z[k]
    fast = rate[0]
    if gut > _TRACE * total:
        fast = max(fast, ka)
    # Panels grow threefold from the fastest process's time on, up to that of the slowest: so many
    # nodes leave no more than 1e-9, and a derivative by differences sees no step of the mesh.
    longest = 1.5 / (kout + rate[n - 1])
    panels = 1 + max(0, math.ceil(math.log(max(h * fast, 1.0)) / math.log(3.0)))
    lost, start = 0.0, 0.0
    for panel in range(panels):
        end = h * 3.0 ** (panel + 1 - panels)
        pieces = max(1, math.ceil((end - start) / longest))
        half = 0.5 * (end - start) / pieces
        for piece in range(pieces):
            for i in range(len(_NODES)):
                at = start + half * (2.0 * piece + 1.0 + _NODES[i])
                c = _amount(z, n, rate, share, ka, gut, inflow, at) / p[V]
                lost += half * _WEIGHTS[i] * _inhibition(c, p) * math.exp(-kout * (h - at))
        start = end
    return p[E0] + (e - p[E0]) * math.exp(-kout * h) - kout * p[E0] * lost


@njit(cache=True, nogil=True)
def _step(z: Floats, n: int, rate: Floats, share: Floats, ka: float, gut: float, inflow: float,
          h: float) -> float:  # fmt: skip
    """Lead the modes over a time h; return what is left in the gut."""
    for k in range(n):
        fade = math.exp(-rate[k] * h)
        z[k] = z[k] * fade + inflow * share[k] * (1.0 - fade) / rate[k]
        if gut > 0.0:
            z[k] += ka * gut * share[k] * _absorbed(rate[k], ka, h)
    return gut * math.exp(-ka * h) if gut > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _settle(z: Floats, n: int, rate: Floats, share: Floats, p: Floats, code: int, amount: float,
            inflow: float, ii: float) -> float:  # fmt: skip
    """Add the steady state of a dose every ``ii``, just before the next one; return the gut."""
    if code == RATE and ii <= 0.0:  # an infusion that has always run
        for k in range(n):
            z[k] += inflow * share[k] / rate[k]
        return 0.0
    if code == RATE:
        length = amount / inflow
        for k in range(n):
            end = inflow * share[k] * -math.expm1(-rate[k] * length) / rate[k]
            z[k] += end * math.exp(-rate[k] * (ii - length)) / -math.expm1(-rate[k] * ii)
        return 0.0
    if code == CENTRAL:
        for k in range(n):
            z[k] += amount * share[k] / math.expm1(rate[k] * ii)
        return 0.0
    ka = p[KA]
    full = p[F] * amount / -math.expm1(-ka * ii)  # in the gut just after a dose
    back = ii - p[LAG] % ii  # since the last dose came in, at the time of the record
    for k in range(n):
        cycle = ka * full * share[k] * _absorbed(rate[k], ka, ii)
        start = cycle / -math.expm1(-rate[k] * ii)
        z[k] += start * math.exp(-rate[k] * back)
        z[k] += ka * full * share[k] * _absorbed(rate[k], ka, back)
    return full * math.exp(-ka * back)


@njit(cache=True, nogil=True)
def _move_modes(z: Floats, n: int, old: Floats, new: Floats, work: Floats) -> None:
    """Keep the amounts of all compartments where a person's parameters change."""
    if n == 1:
        return
    rate, share, amount = work[0], work[1], work[2]
    modes(old, n, rate, share)
    amount[:] = 0.0
    for k in range(n):
        amount[0] += z[k]
        amount[1] += z[k] * (old[Q] / old[V]) / (old[Q] / old[V2] - rate[k])
        if n == 3:
            amount[2] += z[k] * (old[Q3] / old[V]) / (old[Q3] / old[V3] - rate[k])
    modes(new, n, rate, share)
    for k in range(n):
        k21 = new[Q] / new[V2]
        z[k] = share[k] * (amount[0] + amount[1] * k21 / (k21 - rate[k]))
        if n == 3:
            k31 = new[Q3] / new[V3]
            z[k] += share[k] * amount[2] * k31 / (k31 - rate[k])


@njit(cache=True, nogil=True)
def follow_rows(
    n: int, responds: bool, time: Floats, code: Wholes, amount: Floats, inflow: Floats,
    ii: Floats, steady: Any, segment: Wholes, start: Wholes, params: Floats, out: Floats,
) -> None:  # fmt: skip
    """Fill ``out`` (K, R) with what each row looks at; see ``compartments.follow``."""
    z, rate, share, work = np.zeros(3), np.zeros(3), np.zeros(3), np.zeros((3, 3))
    due, waiting = np.zeros(len(time)), np.zeros(len(time))
    for variant in range(params.shape[0]):
        for person in range(len(start) - 1):
            first, last = start[person], start[person + 1]
            now, gut, running, head, tail = time[first], 0.0, 0.0, 0, 0
            z[:] = 0.0
            here = segment[first]
            p = params[variant, here]
            modes(p, n, rate, share)
            e = p[E0]
            for r in range(first, last):
                if segment[r] != here:
                    _move_modes(z, n, p, params[variant, segment[r]], work)
                    here = segment[r]
                    p = params[variant, here]
                    modes(p, n, rate, share)
                while now < time[r] or (head < tail and due[head] <= time[r]):
                    comes = head < tail and due[head] <= time[r]
                    to = max(due[head], now) if comes else time[r]
                    if to > now:
                        if responds:
                            e = _respond(e, z, n, rate, share, gut, running, to - now, p)
                        gut = _step(z, n, rate, share, p[KA], gut, running, to - now)
                        now = to
                    if comes:
                        gut += waiting[head]
                        head += 1
                what = code[r]
                if what == LOOK:
                    total = 0.0
                    for k in range(n):
                        total += z[k]
                    out[variant, r] = max(total, 0.0) / p[V]
                    continue
                if what == LOOK_RESPONSE:
                    out[variant, r] = e
                    continue
                if what == RESET:
                    z[:] = 0.0
                    gut, running, e, head, tail = 0.0, 0.0, p[E0], 0, 0
                    continue
                if what == NOTHING:
                    continue
                if steady[r] > 0:
                    if steady[r] == 1:
                        z[:] = 0.0
                        gut, running, head, tail = 0.0, 0.0, 0, 0
                    gut += _settle(z, n, rate, share, p, what, amount[r], inflow[r], ii[r])
                if what == DEPOT:
                    if p[LAG] > 0.0:
                        due[tail], waiting[tail] = time[r] + p[LAG], p[F] * amount[r]
                        tail += 1
                    else:
                        gut += p[F] * amount[r]
                elif what == CENTRAL:
                    for k in range(n):
                        z[k] += amount[r] * share[k]
                else:
                    running = max(running + inflow[r], 0.0)
                    if running < 1e-12 * abs(inflow[r]):
                        running = 0.0
