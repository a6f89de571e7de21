"""The UVA/Padova body of 2008 with bounded gains and a bounded drift: what a residual may change.

The equations are those of :mod:`uva_padova_2008`, written there once. Into its glucose equations
enter, instead of delayed insulin Id, remote insulin X, meal appearance Ra and plasma glucose Gp,

    Id + (m_liver - 1)(Id - Ib),    m_muscle X,    m_meal Ra,    Gp + (m_glucose - 1)(Gp - Gpb)

(the last one in the liver's term kp2 Gp only), and a drift of plasma glucose in mg/dL/min

    delta(G) = min(1, G / 40) * 0.5 * tanh(h(G)),
    h(G) = (c_above max(G - Gb, 0) + c_below min(G - Gb, 0)) / 50.

Gains lie within exp(+-0.7), about 0.5 to 2, and |c| within 2 (project choices, after Hybrid2 and
bounded neural ODEs; ``docs/explanation/residual.md``). Gains act on deviations from the basal state
and h(Gb) = 0, so whatever the gains, the basal steady state is the same: nothing is added there.

More insulin never raises glucose: states
-----------------------------------------
Given what is eaten, order states by insulin upwards (s1, s2, Ip, Il, X, I1, Id) and glucose
downwards (Gp, Gt, Gs). Kamke's condition holds: the insulin equations are linear with couplings
>= 0 (ka1, ka2, kd, m1, m2, p2u / Vi, ki), dGp'/dId is -kp3 m_liver or 0 (production cannot be
negative), dGt'/dX is -Vmx m_muscle Gt / (Km0 + Gt) or 0 (where uptake is at its bound), dGp'/dGt =
k2, dGt'/dGp = k1, dGs'/dGp = ksc, and no insulin equation contains glucose. It holds below basal
insulin too, where X < 0. The drift depends on Gp alone, so it has no say in it.

... and steps
-------------
The stepper ``order_preserving`` needs every rate of loss, -df_i/dx_i, to be at most 4 per step
(1 min / 4). These are m2 + m4, m1 + m30, ka1 + kd, ka2, p2u, ki, ksc; k2 + 2 for Gt, for uptake is
min(V / (Km0 + Gt), 2) Gt with V = Vm0 + m_muscle Vmx X, whose slope lies between 0 and 2 for
V >= 0 and below 0 for V < 0; and k1 + kp2 m_glucose + ke1 + 0.033 for Gp, for |d delta/dG| <=
0.5 / 40 + 0.5 * 2 / 50. ``fastest`` returns the largest, and the engine refuses a person beyond it;
all parameters within their bounds pass (largest sum: m1 + m30 <= 4). The stomach and gut (kabs <=
2.5, emptying <= 2) stay positive for the same reason; they never see insulin, but a larger meal
leaves the stomach more slowly, so that no such promise is made for carbohydrate.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

from ..model import Model
from ..quantity import Quantity
from . import uva_padova_2008 as base

GAIN_REACH = 0.7
"""Bound on the logarithm of a gain."""
DRIFT_LIMIT = 0.5
"""Bound on the drift, mg/dL/min."""
DRIFT_WIDTH = 50.0
"""Distance from basal glucose, mg/dL, over which a coefficient of 1 makes h = 1."""
SLOPE_LIMIT = 2.0
"""Bound on the drift's coefficients."""
FADE_MG_DL = 40.0
"""Below this glucose the drift fades, so that it cannot push below zero."""
DRIFT_RATE = DRIFT_LIMIT * (1.0 / FADE_MG_DL + SLOPE_LIMIT / DRIFT_WIDTH)
REST = 1e-9
"""Deviation of glucose, mg/kg, taken for none: products are rounded, rest must be exact."""

GAINS = ("gain_liver", "gain_muscle", "gain_meal", "gain_glucose")
SLOPES = ("drift_above", "drift_below")
ADDED = (*GAINS, *SLOPES)
NEUTRAL = {**dict.fromkeys(GAINS, 1.0), **dict.fromkeys(SLOPES, 0.0)}
_LOW, _HIGH = math.exp(-GAIN_REACH), math.exp(GAIN_REACH)


Params: Any = namedtuple("Params", (*base.Params._fields, *ADDED))  # type: ignore[misc]
"""Parameters of ``uva_padova_2008``, then the residual's six; units in ``PARAMETERS``."""


def _gain(name: str, of: str) -> Quantity:
    return Quantity(name, "1", _LOW, _HIGH, f"gain on {of}")


PARAMETERS = (
    *base.PARAMETERS,
    _gain("gain_liver", "insulin action on the liver, above or below basal"),
    _gain("gain_muscle", "insulin action on tissue utilisation, above or below basal"),
    _gain("gain_meal", "meal appearance"),
    _gain("gain_glucose", "glucose effectiveness of the liver, above or below basal"),
    Quantity("drift_above", "1", -SLOPE_LIMIT, SLOPE_LIMIT, "drift coefficient above basal"),
    Quantity("drift_below", "1", -SLOPE_LIMIT, SLOPE_LIMIT, "drift coefficient below basal"),
)


def modulation(xp: Any) -> Callable[..., Any]:
    """Return what acts in the glucose equations (see ``uva_padova_2008.make_equations``)."""

    def acting(Gp: Any, X: Any, Id: Any, Ra: Any, p: Any) -> Any:
        away = Gp - p.Gb * p.Vg
        above, below = xp.maximum(away - REST, 0.0), xp.minimum(away + REST, 0.0)
        height = (p.drift_above * above + p.drift_below * below) / (DRIFT_WIDTH * p.Vg)
        fade = xp.minimum(Gp / (FADE_MG_DL * p.Vg), 1.0)
        return (
            Gp + (p.gain_glucose - 1.0) * (above + below),
            p.gain_muscle * X,
            Id + (p.gain_liver - 1.0) * (Id - p.Ib),
            p.gain_meal * Ra,
            DRIFT_LIMIT * p.Vg * fade * xp.tanh(height),
        )

    return acting


def fastest(xp: Any) -> Callable[..., Any]:
    """Return the largest rate of loss, 1/min; infinity where the promise would not hold.

    That is: a coupling below zero, a gain or a coefficient beyond its bounds, or not a number.
    """

    def rate(p: Any) -> Any:
        top = xp.maximum(p.m2 + p.m4, p.m1 + p.m30)
        top = xp.maximum(top, xp.maximum(p.ka1 + p.kd, xp.maximum(p.ka2, p.p2u)))
        top = xp.maximum(top, xp.maximum(p.ki, xp.maximum(p.ksc, p.kabs)))
        top = xp.maximum(top, xp.maximum(p.k2 + base.FASTEST_UPTAKE, p.kmax))
        top = xp.maximum(top, p.k1 + p.kp2 * p.gain_glucose + p.ke1 + DRIFT_RATE)
        fine = (p.ka1 >= 0.0) & (p.ka2 >= 0.0) & (p.kd >= 0.0) & (p.ki >= 0.0) & (p.ksc >= 0.0)
        fine &= (p.m1 >= 0.0) & (p.m2 >= 0.0) & (p.p2u >= 0.0) & (p.Vi > 0.0) & (p.BW > 0.0)
        fine &= (p.k1 >= 0.0) & (p.k2 >= 0.0) & (p.kp3 >= 0.0) & (p.Vmx >= 0.0) & (p.Km0 > 0.0)
        fine &= (p.kp2 >= 0.0) & (p.ke1 >= 0.0) & (p.Vg > 0.0) & (p.m4 >= 0.0) & (p.m30 >= 0.0)
        fine &= (p.gain_liver >= _LOW) & (p.gain_liver <= _HIGH)
        fine &= (p.gain_muscle >= _LOW) & (p.gain_muscle <= _HIGH)
        fine &= (p.gain_meal >= _LOW) & (p.gain_meal <= _HIGH)
        fine &= (p.gain_glucose >= _LOW) & (p.gain_glucose <= _HIGH)
        fine &= (p.drift_above >= -SLOPE_LIMIT) & (p.drift_above <= SLOPE_LIMIT)
        fine &= (p.drift_below >= -SLOPE_LIMIT) & (p.drift_below <= SLOPE_LIMIT)
        return xp.where(fine, top, math.inf)

    return rate


def build(gut: str = "published") -> Model:
    """Return the hybrid with the stomach-emptying variant ``gut``.

    Raises
    ------
    InputError
        If ``gut`` is not one of ``published``, ``simglucose_legacy``, ``t1dms``.
    """
    base.check_gut(gut)
    return Model(
        name="uva_padova_gains",
        reference="Dalla Man 2007, doi:10.1109/TBME.2007.893506; gains and drift: this project",
        states=base.STATES,
        memory=base.MEMORY,
        inputs=base.INPUTS,
        outputs=base.OUTPUTS,
        parameters=PARAMETERS,
        Params=Params,
        equations=base.make_equations(gut, modulation),
        hold=base.hold,
        observe=base.make_observe(modulation),
        equilibrium=base.equilibrium,
        displace=base.at_glucose,
        options={"gut": gut},
        stepper="order_preserving",
        fastest=fastest,
        extends="uva_padova_2008",
        neutral=NEUTRAL,
    )
