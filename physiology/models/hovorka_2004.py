"""The Cambridge glucose-insulin model of Hovorka et al. 2004 for people with type 1 diabetes.

Hovorka R, Canonico V, Chassin LJ et al., Physiol Meas 2004;25:905-20
(doi:10.1088/0967-3334/25/4/010), per kilogram of body weight: meal glucose ``D1, D2``, subcutaneous
insulin ``S1, S2``, plasma insulin ``I``, its actions ``x1`` (transport), ``x2`` (disposal), ``x3``
(production), glucose ``Q1`` where it is measured and ``Q2`` elsewhere, ``C`` under the skin:

    Q1' = -F01c - x1 Q1 + k12 Q2 - FR + EGP0 (1 - x3) + D2 / tmaxG       G = Q1 / VG
    Q2' = x1 Q1 - (k12 + x2) Q2                         C' = ka_int (G - C)
    xi' = ka_i (S_i I - x_i)                            I' = S2 / (tmaxI VI) - ke I
    F01c = F01 min(1, G / 4.5)                          FR = R_cl max(0, G - R_thr) VG

Nothing here is shared with ``uva_padova_2008``: insulin acts on transport and disposal in series,
uptake does not saturate, the gut is two equal compartments whatever the meal, subcutaneous insulin
goes through equal compartments. What a twin of the one makes of people of the other tells how it
fares where the equations are wrong.

``ka_int`` and the renal rate as a parameter are those of the simulator of Wilinska et al. 2010 (J
Diabetes Sci Technol 4:132-44). Equations and the means of 2004 agree with several public
implementations; the papers' own tables were not seen. Our own: glucose production does not fall
below zero, and insulin's rates of action count up to 1 per minute (a bound for overdoses, so that
the 1 min step stays stable).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..model import Model
from ..quantity import Quantity
from ..units import MG_DL_PER_MMOL_L

MILLIUNITS_PER_UNIT = 1000.0
PMOL_PER_MILLIUNIT = 6.0
MMOL_PER_G = 100.0 / MG_DL_PER_MMOL_L
MG_PER_MMOL = 10.0 * MG_DL_PER_MMOL_L
FULL_UPTAKE_FROM = 4.5
FASTEST_ACTION = 1.0


class Params(NamedTuple):
    """Parameters of one person; units in ``PARAMETERS``."""

    BW: Any
    Gb: Any
    EGP0: Any
    F01: Any
    k12: Any
    VG: Any
    R_thr: Any
    R_cl: Any
    ka_int: Any
    SIT: Any
    SID: Any
    SIE: Any
    ka1: Any
    ka2: Any
    ka3: Any
    VI: Any
    ke: Any
    tmaxI: Any
    AG: Any
    tmaxG: Any


PARAMETERS = (
    Quantity("BW", "kg", 5, 250, "body weight"),
    Quantity("Gb", "mg/dL", 60, 250, "basal glucose"),
    Quantity("EGP0", "mmol/kg/min", 0.003, 0.06, "glucose production at zero insulin"),
    Quantity("F01", "mmol/kg/min", 0.001, 0.04, "insulin-independent glucose uptake"),
    Quantity("k12", "1/min", 0.005, 0.4, "return of glucose from where it is not measured"),
    Quantity("VG", "L/kg", 0.08, 0.3, "glucose distribution volume"),
    Quantity("R_thr", "mmol/L", 6, 15, "renal threshold"),
    Quantity("R_cl", "1/min", 0.001, 0.05, "renal clearance rate"),
    Quantity("ka_int", "1/min", 0.01, 0.6, "interstitial glucose rate"),
    Quantity("SIT", "1/min per mU/L", 1e-4, 2e-2, "insulin sensitivity of transport"),
    Quantity("SID", "1/min per mU/L", 2e-5, 5e-3, "insulin sensitivity of disposal"),
    Quantity("SIE", "1 per mU/L", 1e-3, 0.2, "insulin sensitivity of production"),
    Quantity("ka1", "1/min", 0.0005, 0.05, "rate of insulin action on transport"),
    Quantity("ka2", "1/min", 0.005, 0.5, "rate of insulin action on disposal"),
    Quantity("ka3", "1/min", 0.002, 0.2, "rate of insulin action on production"),
    Quantity("VI", "L/kg", 0.06, 0.25, "insulin distribution volume"),
    Quantity("ke", "1/min", 0.03, 0.5, "insulin elimination rate"),
    Quantity("tmaxI", "min", 15, 150, "time of largest subcutaneous insulin absorption"),
    Quantity("AG", "1", 0.4, 1, "fraction of ingested carbohydrate that appears in plasma"),
    Quantity("tmaxG", "min", 10, 150, "time of largest meal glucose absorption"),
)

STATES = (
    Quantity("gut_1", "mmol/kg", 0, 200, "meal glucose, first compartment"),
    Quantity("gut_2", "mmol/kg", 0, 200, "meal glucose, second compartment"),
    Quantity("accessible_glucose", "mmol/kg", 0, 30, "glucose in plasma and what mixes with it"),
    Quantity("other_glucose", "mmol/kg", 0, 200, "glucose in other tissue"),
    Quantity("interstitial_glucose_conc", "mmol/L", 0, 150, "glucose under the skin"),
    Quantity("insulin_on_transport", "1/min", 0, 500, "insulin action on glucose transport"),
    Quantity("insulin_on_disposal", "1/min", 0, 100, "insulin action on glucose disposal"),
    Quantity("insulin_on_production", "1", 0, 5e3, "insulin action on glucose production"),
    Quantity("plasma_insulin_conc", "mU/L", 0, 2e4, "plasma insulin"),
    Quantity("subcutaneous_insulin_1", "mU/kg", 0, 2e4, "subcutaneous insulin, first compartment"),
    Quantity("subcutaneous_insulin_2", "mU/kg", 0, 2e4, "subcutaneous insulin, second compartment"),
)

INPUTS = (
    Quantity("carbs", "g/min", 0, 100, "carbohydrate eaten"),
    Quantity("insulin", "U/min", 0, 100, "subcutaneous insulin delivered"),
)

OUTPUTS = (
    Quantity("plasma_glucose", "mg/dL", 0, 2000, "plasma glucose"),
    Quantity("interstitial_glucose", "mg/dL", 0, 2000, "glucose where a CGM sensor sits"),
    Quantity("plasma_insulin", "pmol/L", 0, 1e5, "plasma insulin"),
    Quantity("carbs_appearance", "mg/kg/min", 0, 100, "rate of appearance of meal glucose"),
    Quantity("glucose_production", "mg/kg/min", 0, 100, "endogenous glucose production"),
)


def equations(xp: Any) -> Callable[..., Any]:
    """Return the right-hand side."""

    def rhs(x: Any, u: Any, p: Any) -> Any:
        D1, D2, Q1, Q2, C, x1, x2, x3, insulin, S1, S2 = x
        carbs, units = u

        G = Q1 / p.VG
        F01c = p.F01 * xp.minimum(G / FULL_UPTAKE_FROM, 1.0)
        FR = p.R_cl * xp.maximum(G - p.R_thr, 0.0) * p.VG
        EGP = p.EGP0 * xp.maximum(1.0 - x3, 0.0)
        # A step of one minute cannot follow a faster loss; reached only in overdoses.
        transport = xp.minimum(x1, FASTEST_ACTION) * Q1
        disposal = xp.minimum(x2, FASTEST_ACTION) * Q2
        d_D1 = p.AG * carbs * MMOL_PER_G / p.BW - D1 / p.tmaxG
        d_D2 = (D1 - D2) / p.tmaxG
        d_Q1 = EGP + D2 / p.tmaxG + p.k12 * Q2 - F01c - FR - transport
        d_Q2 = transport - p.k12 * Q2 - disposal
        d_C = p.ka_int * (G - C)
        d_x1 = p.ka1 * (p.SIT * insulin - x1)
        d_x2 = p.ka2 * (p.SID * insulin - x2)
        d_x3 = p.ka3 * (p.SIE * insulin - x3)
        d_I = S2 / (p.tmaxI * p.VI) - p.ke * insulin
        d_S1 = units * MILLIUNITS_PER_UNIT / p.BW - S1 / p.tmaxI
        d_S2 = (S1 - S2) / p.tmaxI
        return (d_D1, d_D2, d_Q1, d_Q2, d_C, d_x1, d_x2, d_x3, d_I, d_S1, d_S2)

    return rhs


def hold(xp: Any) -> Callable[..., Any]:
    """Return the bookkeeping of a held interval: there is none, the gut forgets when a meal was."""

    def update(x: Any, u: Any, p: Any) -> Any:
        return ()

    return update


def observe(xp: Any) -> Callable[..., Any]:
    """Return the outputs of a state."""

    def read(x: Any, u: Any, p: Any) -> Any:
        # A step may overshoot zero by a fraction of a mg/dL.
        plasma = xp.maximum(x[2], 0.0) / p.VG * MG_DL_PER_MMOL_L
        sensed = xp.maximum(x[4], 0.0) * MG_DL_PER_MMOL_L
        appearance = x[1] / p.tmaxG * MG_PER_MMOL
        production = p.EGP0 * xp.maximum(1.0 - x[7], 0.0) * MG_PER_MMOL
        return (plasma, sensed, x[8] * PMOL_PER_MILLIUNIT, appearance, production)

    return read


def basal_insulin(p: Params) -> Any:
    """Return the plasma insulin (mU/L) that holds basal glucose.

    At rest production less insulin-independent losses equals disposal:
    A - B I = SIT SID Q1 I^2 / (k12 + SID I), a quadratic in I with one positive root where A > 0.
    """
    G = p.Gb / MG_DL_PER_MMOL_L
    short = FULL_UPTAKE_FROM - G
    F01c = p.F01 * (1.0 - 0.5 * (short + abs(short)) / FULL_UPTAKE_FROM)
    over = G - p.R_thr
    A = p.EGP0 - F01c - p.R_cl * 0.5 * (over + abs(over)) * p.VG
    B = p.EGP0 * p.SIE
    a = B * p.SID + p.SIT * p.SID * G * p.VG
    b = B * p.k12 - A * p.SID
    return (-b + (b**2 + 4.0 * a * A * p.k12) ** 0.5) / (2.0 * a)


def equilibrium(p: Params) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the basal steady state and the inputs (g/min, U/min) that hold it."""
    zero = 0.0 * p.Gb
    insulin = basal_insulin(p)
    G = p.Gb / MG_DL_PER_MMOL_L
    x1, x2, x3 = p.SIT * insulin, p.SID * insulin, p.SIE * insulin
    Q1 = G * p.VG
    Q2 = x1 * Q1 / (p.k12 + x2)
    rate = p.ke * insulin * p.VI
    depot = rate * p.tmaxI
    state = (zero, zero, Q1, Q2, G, x1, x2, x3, insulin, depot, depot)
    return state, (zero, rate * p.BW / MILLIUNITS_PER_UNIT)


def at_glucose(x: Any, p: Params, glucose: Any) -> tuple[Any, ...]:
    """Return the state with glucose (mg/dL) displaced and other tissue in balance with it.

    Q2 solves x1 Q1 = (k12 + x2) Q2; insulin and meal stay as they are.
    """
    G = glucose / MG_DL_PER_MMOL_L
    Q1 = G * p.VG
    Q2 = x[5] * Q1 / (p.k12 + x[6])
    return (x[0], x[1], Q1, Q2, G, *x[5:])


def build() -> Model:
    """Return the model; it has no options."""
    return Model(
        name="hovorka_2004",
        reference="Hovorka 2004, doi:10.1088/0967-3334/25/4/010; Wilinska 2010, JDST 4:132-44",
        states=STATES,
        memory=(),
        inputs=INPUTS,
        outputs=OUTPUTS,
        parameters=PARAMETERS,
        Params=Params,
        equations=equations,
        hold=hold,
        observe=observe,
        equilibrium=equilibrium,
        displace=at_glucose,
    )
