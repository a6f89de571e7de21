"""The UVA/Padova type 1 diabetes simulator of 2008 (S2008), with three stomach-emptying variants.

The meal, insulin and glucose subsystems of Dalla Man, Rizza and Cobelli (IEEE Trans Biomed Eng
2007;54:1740-9, doi:10.1109/TBME.2007.893506) in the type 1 form of Kovatchev et al. (J Diabetes Sci
Technol 2009;3:44-55): stomach ``q1, q2``, gut ``q3``, plasma and tissue glucose ``Gp, Gt``, plasma
and liver insulin ``Ip, Il``, remote insulin ``X``, delayed insulin ``I1, Id``, subcutaneous insulin
``s1, s2``, subcutaneous glucose ``Gs``:

    Ra  = f kabs q3 / BW                      EGP = max(0, kp1 - kp2 Gp - kp3 Id)
    Gp' = EGP + Ra - Fsnc - E - k1 Gp + k2 Gt     E = ke1 max(0, Gp - ke2)
    Gt' = -(Vm0 + Vmx X) Gt / (Km0 + Gt) + k1 Gp - k2 Gt

Stomach emptying ``kgut`` falls from ``kmax`` to ``kmin`` and rises again as a meal of size ``D``
leaves the stomach. ``D`` is where published simulators differ:

- ``published``: ``D`` = stomach content when eating began + 1000 x grams eaten, both in mg.
- ``simglucose_legacy``: the factor 1000 is missing (mg + g), as in simglucose before 2022-05-25
  (issue 41) and in the copies inside RL4BG, G2P2C, RL4T1D and GluCoEnv: most published results rest
  on it.
- ``t1dms``: the content is scaled to a 30 g reference meal, x 30 g / (``D`` + content when eating
  began), and emptying is sped up by 30 g / ``D`` for meals under 30 g, as LoopInsighT1 (9a60920,
  ``UvaPadova_T1DMS``) found T1DMS to do. There ``D`` is the whole meal, told at its first bite, and
  30 g before any; here inputs are causal, so ``D`` is what has been eaten of the meal so far. Eaten
  at 5 g/min, glucose differs by at most 0.3 mg/dL at 20 g, 1.1 at 30 g, 13 at 80 g (30 named
  patients). The speed-up also counts what the stomach held when eating began, lest a first bite
  empty a full stomach at once, and is at most 10 (3 g), which keeps the 1 min step stable.

Deviations shared with simglucose: grinding rate ``kgri = kmax``, ``m3`` constant, no glucagon. Our
own: a state at zero can rise again (simglucose freezes it), and at most 2 per minute of tissue
glucose is taken up (a bound for overdoses, so that the 1 min step stays stable).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import InputError
from ..model import Model
from ..quantity import Quantity

Modulation = Callable[[Any], Callable[..., Any]]

GUTS = ("published", "simglucose_legacy", "t1dms")
PMOL_PER_UNIT = 6000.0
REFERENCE_MEAL_MG = 30_000.0
SMALLEST_MEAL_MG = 3_000.0
FASTEST_UPTAKE = 2.0


class Params(NamedTuple):
    """Parameters of one person; units in ``PARAMETERS``."""

    BW: Any
    Gb: Any
    Ib: Any
    f: Any
    kabs: Any
    kmax: Any
    kmin: Any
    b: Any
    d: Any
    Vg: Any
    k1: Any
    k2: Any
    Fsnc: Any
    ke1: Any
    ke2: Any
    kp1: Any
    kp2: Any
    kp3: Any
    ki: Any
    Vm0: Any
    Vmx: Any
    Km0: Any
    p2u: Any
    Vi: Any
    m1: Any
    m2: Any
    m4: Any
    m30: Any
    ka1: Any
    ka2: Any
    kd: Any
    ksc: Any


PARAMETERS = (
    Quantity("BW", "kg", 5, 250, "body weight"),
    Quantity("Gb", "mg/dL", 60, 250, "basal glucose"),
    Quantity("Ib", "pmol/L", 5, 600, "basal plasma insulin"),
    Quantity("f", "1", 0.5, 1, "fraction of ingested carbohydrate that appears in plasma"),
    Quantity("kabs", "1/min", 0.005, 2.5, "intestinal absorption rate"),
    Quantity("kmax", "1/min", 0.005, 0.2, "largest stomach emptying rate; also grinding rate"),
    Quantity("kmin", "1/min", 0.0005, 0.1, "smallest stomach emptying rate"),
    Quantity("b", "1", 0.3, 0.999, "fraction of the meal at which emptying slows"),
    Quantity("d", "1", 0.01, 0.7, "fraction of the meal at which emptying recovers"),
    Quantity("Vg", "dL/kg", 0.8, 4, "glucose distribution volume"),
    Quantity("k1", "1/min", 0.005, 0.4, "plasma to tissue glucose rate"),
    Quantity("k2", "1/min", 0.01, 1.0, "tissue to plasma glucose rate"),
    Quantity("Fsnc", "mg/kg/min", 0.3, 3, "insulin-independent utilisation"),
    Quantity("ke1", "1/min", 0, 0.01, "renal excretion rate"),
    Quantity("ke2", "mg/kg", 100, 1000, "renal threshold"),
    Quantity("kp1", "mg/kg/min", 0.5, 40, "extrapolated glucose production at zero glucose"),
    Quantity("kp2", "1/min", 0, 0.08, "liver glucose effectiveness"),
    Quantity("kp3", "mg/kg/min per pmol/L", 0, 0.1, "insulin action on the liver"),
    Quantity("ki", "1/min", 0.0005, 0.1, "delay of insulin action on the liver"),
    Quantity("Vm0", "mg/kg/min", 0.1, 60, "tissue utilisation at basal insulin"),
    Quantity("Vmx", "mg/kg/min per pmol/L", 0.002, 0.8, "insulin action on tissue utilisation"),
    Quantity("Km0", "mg/kg", 100, 500, "Michaelis constant of utilisation"),
    Quantity("p2u", "1/min", 0.002, 0.3, "rate of remote insulin action"),
    Quantity("Vi", "L/kg", 0.01, 0.2, "insulin distribution volume"),
    Quantity("m1", "1/min", 0.02, 1.5, "liver insulin rate"),
    Quantity("m2", "1/min", 0.02, 2.5, "plasma to liver insulin rate"),
    Quantity("m4", "1/min", 0.01, 1, "peripheral insulin clearance"),
    Quantity("m30", "1/min", 0.02, 2.5, "liver insulin clearance"),
    Quantity("ka1", "1/min", 0.0002, 0.05, "absorption of non-monomeric subcutaneous insulin"),
    Quantity("ka2", "1/min", 0.002, 0.1, "absorption of monomeric subcutaneous insulin"),
    Quantity("kd", "1/min", 0.003, 0.1, "dissociation of subcutaneous insulin"),
    Quantity("ksc", "1/min", 0.01, 0.6, "interstitial glucose rate"),
)

STATES = (
    Quantity("stomach_solid", "mg", 0, 1e6, "solid stomach content"),
    Quantity("stomach_liquid", "mg", 0, 1e6, "liquid stomach content"),
    Quantity("gut", "mg", 0, 1e6, "intestinal glucose"),
    Quantity("plasma_glucose_mass", "mg/kg", 0, 5e3, "plasma glucose"),
    Quantity("tissue_glucose_mass", "mg/kg", 0, 5e3, "tissue glucose"),
    Quantity("plasma_insulin_mass", "pmol/kg", 0, 1e4, "plasma insulin"),
    Quantity("remote_insulin", "pmol/L", -1e3, 1e5, "insulin acting on utilisation, above basal"),
    Quantity("delayed_insulin_1", "pmol/L", 0, 1e5, "first delay of insulin acting on the liver"),
    Quantity("delayed_insulin_2", "pmol/L", 0, 1e5, "delayed insulin acting on the liver"),
    Quantity("liver_insulin", "pmol/kg", 0, 1e4, "liver insulin"),
    Quantity("subcutaneous_insulin_1", "pmol/kg", 0, 1e5, "non-monomeric subcutaneous insulin"),
    Quantity("subcutaneous_insulin_2", "pmol/kg", 0, 1e5, "monomeric subcutaneous insulin"),
    Quantity("interstitial_glucose_mass", "mg/kg", 0, 5e3, "subcutaneous glucose"),
)

MEMORY = (
    Quantity("meal_residual", "mg", 0, 1e6, "stomach content when the present meal began"),
    Quantity("meal_eaten", "g", 0, 1e3, "carbohydrate eaten so far in the present meal"),
    Quantity("eating", "1", 0, 1, "1 while eating"),
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


def _emptying_published(xp: Any, milligrams_per_gram: float) -> Callable[..., Any]:
    def emptying(content: Any, residual: Any, eaten: Any, p: Any) -> Any:
        meal = residual + milligrams_per_gram * eaten
        size = xp.maximum(meal, 1e-6)
        slow = xp.tanh(2.5 / (size * (1.0 - p.b)) * (content - p.b * size))
        fast = xp.tanh(2.5 / (size * p.d) * (content - p.d * size))
        rate = p.kmin + 0.5 * (p.kmax - p.kmin) * (slow - fast + 2.0)
        return xp.where(meal > 0.0, rate, p.kmax)

    return emptying


def _emptying_t1dms(xp: Any) -> Callable[..., Any]:
    def emptying(content: Any, residual: Any, eaten: Any, p: Any) -> Any:
        meal = xp.where(eaten > 0.0, 1000.0 * eaten, REFERENCE_MEAL_MG) + residual
        scaled = content * REFERENCE_MEAL_MG / meal
        slow = xp.tanh(2.5 / (REFERENCE_MEAL_MG * (1.0 - p.b)) * (scaled - p.b * REFERENCE_MEAL_MG))
        fast = xp.tanh(2.5 / (REFERENCE_MEAL_MG * p.d) * (scaled - p.d * REFERENCE_MEAL_MG))
        rate = p.kmin + 0.5 * (p.kmax - p.kmin) * (slow - fast + 2.0)
        return rate * xp.maximum(REFERENCE_MEAL_MG / xp.maximum(meal, SMALLEST_MEAL_MG), 1.0)

    return emptying


def _emptying(xp: Any, gut: str) -> Callable[..., Any]:
    if gut == "t1dms":
        return _emptying_t1dms(xp)
    return _emptying_published(xp, 1000.0 if gut == "published" else 1.0)


def as_published(xp: Any) -> Callable[..., Any]:
    """Return what acts in the glucose equations: the states themselves, and no drift."""

    def acting(Gp: Any, X: Any, Id: Any, Ra: Any, p: Any) -> Any:
        return Gp, X, Id, Ra, 0.0

    return acting


def make_equations(gut: str, modulation: Modulation = as_published) -> Modulation:
    """Return ``equations`` with the stomach-emptying variant ``gut``.

    Parameters
    ----------
    gut : str
        One of ``GUTS``.
    modulation : callable
        ``modulation(xp) -> acting(Gp, X, Id, Ra, p) -> (Gp, X, Id, Ra, drift)``: plasma glucose as
        the liver feels it, remote and delayed insulin and meal appearance as they act, and a drift
        of plasma glucose, mg/kg/min. A variant of the model names its own.
    """

    def equations(xp: Any) -> Callable[..., Any]:
        emptying = xp.function(_emptying(xp, gut))
        acting = xp.function(modulation(xp))

        def floor_at_zero(x: Any, dx: Any) -> Any:
            # Only a fall below zero is blocked: a state at zero can always rise again.
            return xp.where((x <= 0.0) & (dx < 0.0), 0.0 * dx, dx)

        guard = xp.function(floor_at_zero)

        def rhs(x: Any, u: Any, p: Any) -> Any:
            q1, q2, q3, Gp, Gt, Ip, X, I1, Id, Il, s1, s2, Gs, residual, eaten, _ = x
            carbs, insulin = u

            kgut = emptying(q1 + q2, residual, eaten, p)
            d_q1 = -p.kmax * q1 + 1000.0 * carbs
            d_q2 = p.kmax * q1 - kgut * q2
            d_q3 = kgut * q2 - p.kabs * q3
            Ra = p.f * p.kabs * q3 / p.BW

            Gp_felt, X_felt, Id_felt, Ra_felt, drift = acting(Gp, X, Id, Ra, p)
            EGP = xp.maximum(p.kp1 - p.kp2 * Gp_felt - p.kp3 * Id_felt, 0.0)
            E = p.ke1 * xp.maximum(Gp - p.ke2, 0.0)
            # A step of one minute cannot follow a faster loss; reached only in overdoses.
            Uid = xp.minimum((p.Vm0 + p.Vmx * X_felt) / (p.Km0 + Gt), FASTEST_UPTAKE) * Gt
            d_Gp = EGP + Ra_felt - p.Fsnc - E - p.k1 * Gp + p.k2 * Gt + drift
            d_Gt = p.k1 * Gp - p.k2 * Gt - Uid

            insulin_conc = Ip / p.Vi
            d_Ip = p.m1 * Il - (p.m2 + p.m4) * Ip + p.ka1 * s1 + p.ka2 * s2
            d_X = p.p2u * (insulin_conc - p.Ib - X)
            d_I1 = p.ki * (insulin_conc - I1)
            d_Id = p.ki * (I1 - Id)
            d_Il = p.m2 * Ip - (p.m1 + p.m30) * Il
            d_s1 = insulin * PMOL_PER_UNIT / p.BW - (p.ka1 + p.kd) * s1
            d_s2 = p.kd * s1 - p.ka2 * s2
            d_Gs = p.ksc * (Gp - Gs)

            return (
                d_q1,
                d_q2,
                d_q3,
                guard(Gp, d_Gp),
                guard(Gt, d_Gt),
                guard(Ip, d_Ip),
                d_X,
                d_I1,
                d_Id,
                guard(Il, d_Il),
                guard(s1, d_s1),
                guard(s2, d_s2),
                guard(Gs, d_Gs),
            )

        return rhs

    return equations


def hold(xp: Any) -> Callable[..., Any]:
    """Return the once-a-minute bookkeeping of the meal on the plate."""

    def update(x: Any, u: Any, p: Any) -> Any:
        q1, q2, residual, eaten, eating = x[0], x[1], x[13], x[14], x[15]
        carbs = u[0]
        begins = (carbs > 0.0) & (eating <= 0.0)
        return (
            xp.where(begins, q1 + q2, residual),
            xp.where(begins, 0.0 * eaten, eaten) + carbs,
            xp.where(carbs > 0.0, 1.0 + 0.0 * carbs, 0.0 * carbs),
        )

    return update


def make_observe(modulation: Modulation = as_published) -> Modulation:
    """Return ``observe``, which reads the outputs of a state."""

    def observe(xp: Any) -> Callable[..., Any]:
        acting = xp.function(modulation(xp))

        def read(x: Any, u: Any, p: Any) -> Any:
            Ra = p.f * p.kabs * x[2] / p.BW
            Gp_felt, _, Id_felt, Ra_felt, _ = acting(x[3], x[6], x[8], Ra, p)
            production = xp.maximum(p.kp1 - p.kp2 * Gp_felt - p.kp3 * Id_felt, 0.0)
            # A step may overshoot the guard at zero by a fraction of a mg/dL.
            plasma, sensed = xp.maximum(x[3], 0.0) / p.Vg, xp.maximum(x[12], 0.0) / p.Vg
            return (plasma, sensed, x[5] / p.Vi, Ra_felt, production)

        return read

    return observe


def equilibrium(p: Params) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the basal steady state and the inputs (g/min, U/min) that hold it."""
    zero = 0.0 * p.Gb
    Gp = p.Gb * p.Vg
    Ip = p.Ib * p.Vi
    Il = p.m2 * Ip / (p.m1 + p.m30)
    production = p.kp1 - p.kp2 * Gp - p.kp3 * p.Ib
    above = Gp - p.ke2
    excretion = p.ke1 * 0.5 * (above + abs(above))
    Gt = (p.Fsnc + excretion - production + p.k1 * Gp) / p.k2
    infusion = (p.m2 + p.m4) * Ip - p.m1 * Il
    s1 = infusion / (p.kd + p.ka1)
    s2 = p.kd * s1 / p.ka2
    state = (zero, zero, zero, Gp, Gt, Ip, zero, p.Ib, p.Ib, Il, s1, s2, Gp, zero, zero, zero)
    return state, (zero, infusion * p.BW / PMOL_PER_UNIT)


def at_glucose(x: Any, p: Params, glucose: Any) -> tuple[Any, ...]:
    """Return the state with glucose (mg/dL) displaced and tissue glucose in balance with plasma.

    Tissue glucose solves k1 Gp = k2 Gt + Vm0 Gt / (Km0 + Gt); insulin states stay as they are.
    """
    Gp = glucose * p.Vg
    slope = p.k2 * p.Km0 + p.Vm0 - p.k1 * Gp
    Gt = (-slope + (slope**2 + 4.0 * p.k2 * p.k1 * Gp * p.Km0) ** 0.5) / (2.0 * p.k2)
    return (*x[:3], Gp, Gt, *x[5:12], Gp, *x[13:])


def check_gut(gut: str) -> None:
    """Refuse an unknown stomach-emptying variant.

    Raises
    ------
    InputError
        If ``gut`` is not one of ``published``, ``simglucose_legacy``, ``t1dms``.
    """
    if gut not in GUTS:
        raise InputError(f"gut is {gut!r}; choose one of {', '.join(GUTS)}")


def build(gut: str = "published") -> Model:
    """Return the model with the stomach-emptying variant ``gut``.

    Raises
    ------
    InputError
        If ``gut`` is not one of ``published``, ``simglucose_legacy``, ``t1dms``.
    """
    check_gut(gut)
    return Model(
        name="uva_padova_2008",
        reference="Dalla Man 2007, doi:10.1109/TBME.2007.893506; Kovatchev 2009, JDST 3:44-55",
        states=STATES,
        memory=MEMORY,
        inputs=INPUTS,
        outputs=OUTPUTS,
        parameters=PARAMETERS,
        Params=Params,
        equations=make_equations(gut),
        hold=hold,
        observe=make_observe(),
        equilibrium=equilibrium,
        displace=at_glucose,
        options={"gut": gut},
    )
