"""Long-term blood pressure under antihypertensive drugs, salt and acute fluid loss, day by day.

DoseGym's own model. States are logarithmic deviations from the untreated person at usual salt, so
that the untreated state is all zeros. With x, h, z the deviations of mean pressure, heart rate and
stroke volume::

    y   = R0 (exp(n + L) - 1)                              angiotensin at its receptor
    G   = (1 - c) gh B + gs + gr                           short-term baroreflex gain
    x   = ((1 - c) eh + es + v + g + er + r + w + G b) / (1 + G)
    h   = eh - gh B (x - b),   z = v - c h + es - gs (x - b)
    v'  = nu (Na - exp(E)) - loss                          extracellular volume
    E   = kP x + kV v - kS y - kA (exp(a + m) - 1) + D     pressure natriuresis
    n'  = (-ff (n + L) - fP x - fV v + lb - n) / tn        renin
    a'  = (0.7 (n + L) + fK k - a) / ta                    aldosterone
    g'  = (sigma y - g) / tg                               tone set by angiotensin
    r'  = (h + z - r) / tr                                 flow autoregulation
    b'  = (rho x - b) / tb                                 baroreflex set point
    w'  = (W - w) / tw                                     slow dilation by thiazides
    k'  = (-KA kK (exp(a + m) - 1) - KT ut - k) / tk       serum potassium
    q'  = (-qP x - qS y + qL below(x)^2 + kD (qD - qE L) dry(v) - q) / tq   serum creatinine

below(x) is how far pressure lies under the autoregulated range, dry(v) how far volume lies under
what kidneys bear (more while a diuretic keeps it low): then filtration falls steeply, the more so
the less angiotensin can hold up the efferent vessel (-L). L, eh, es, er, D, lb, W, m, ut and the
reflex factor B are what the drugs do, recomputed once a day from the day's exposures; all but those
on the heart approach their value over some days (``onset``), as the effect of tablets does.
E counts up to 1.6 at most and creatinine heads for 2 at most.
Structure: pressure natriuresis and whole-body autoregulation after Guyton
1972 (doi:10.1146/annurev.ph.34.030172.000305), heart rate, stroke volume and resistance with the
constant c after Snelder 2014 (doi:10.1111/bph.12824), renin and aldosterone loops after Karaaslan
2005 (doi:10.1007/s10439-005-5976-4), baroreflex resetting after Leete and Layton 2018. Days are
averaged: hormones follow within one or two days, faster swings are not resolved. Gains, their
sources, and which of them are our own calibration stand in ``data/dosegym_bp_2026.csv``; the
calibration and its log in ``dosegym.physiology.pressure_calibration``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import InputError
from ..model import Model
from ..pressure_gains import shipped_gains
from ..pressure_quantities import INPUTS, MEMORY, OUTPUTS, PARAMETERS, STATES, Params


def _actions(g: Mapping[str, float]) -> Callable[[Any], Callable[..., Any]]:
    """Return ``hold``: what the day's exposures do."""
    ed_a, ed_b, ed_c = g["ed_acei"], g["ed_arb"], g["ed_ccb"]
    ed_t, ed_h, ed_m = g["ed_thiazide"], g["ed_beta_blocker"], g["ed_mra"]
    ed_k = g["ed_thiazide_labs"]
    l_a, l_b, cap = g["l_acei"], g["l_arb"], g["l_cap"]
    er_c, d_c, pp_c, eh_c = g["er_ccb"], g["d_ccb"], g["pp_ccb"], g["eh_ccb"]
    d_t, w_t, pp_t = g["d_thiazide"], g["w_thiazide"], g["pp_thiazide"]
    eh_h, es_h, er_h, d_h, n_h = g["eh_bb"], g["es_bb"], g["er_bb"], g["d_bb"], g["renin_bb"]
    q_dry, dry_t, dry_m = g["q_dry"], g["dry_thiazide"], g["dry_mra"]
    unfold = 1.0 - math.exp(-1.0 / g["onset"])
    pp_h, blunt, m_m, pp_r = g["pp_bb"], g["blunt_bb"], g["m_mra"], g["pp_ras"]

    def hold(xp: Any) -> Callable[..., Any]:
        def emax(dose: Any, ed: Any, response: Any) -> Any:
            return response * dose * (1.0 + ed) / (ed + dose)

        def approach(before: Any, target: Any) -> Any:
            return before + unfold * (target - before)

        effect, slow = xp.function(emax), xp.function(approach)
        maximum, minimum, log = xp.maximum, xp.minimum, xp.log

        def update(x: Any, u: Any, p: Any) -> Any:
            ace, arb, ccb, thiazide, beta, mra, _, _ = u
            ua = l_a * effect(ace, ed_a, p.r_acei)
            ub = l_b * effect(arb, ed_b, p.r_arb)
            uc = effect(ccb, ed_c, p.r_ccb)
            ut = effect(thiazide, ed_t, p.r_thiazide)
            # Beyond the largest block of renin release no action of a beta-blocker grows.
            uh = minimum(effect(beta, ed_h, p.r_beta_blocker), 0.9 / n_h)
            um = effect(mra, ed_m, p.r_mra)
            most = maximum(ua, ub)
            left = (1.0 - minimum(ua / cap, 0.98)) * (1.0 - minimum(ub / cap, 0.98))
            block = maximum(most, cap * (1.0 - left))
            # Renin release and the aldosterone receptor cannot be blocked beyond nine tenths.
            release = log(1.0 - minimum(n_h * uh, 0.9))
            receptor = log(1.0 - minimum(m_m * um, 0.9))
            labs = effect(thiazide, ed_k, 1.0 + 0.0 * p.r_thiazide)
            pulse = pp_c * uc + pp_t * ut + pp_h * uh + pp_r * block
            vessel = er_c * uc + er_h * uh
            salt = d_c * uc + d_t * ut + d_h * uh
            borne = q_dry + dry_t * ut + dry_m * minimum(m_m * um, 0.9)
            old = x[9:]
            # The heart follows its drug within the day; everything else takes days to unfold.
            return (
                slow(old[0], -block),
                eh_h * uh + eh_c * uc,
                es_h * uh,
                slow(old[3], vessel),
                slow(old[4], pulse),
                slow(old[5], salt),
                slow(old[6], release),
                w_t * ut,
                slow(old[8], receptor),
                slow(old[9], labs),
                1.0 - blunt * minimum(uh / 2.0, 1.0),
                slow(old[11], borne),
            )

        return update

    return hold


def _balance(xp: Any, c: float) -> Callable[..., Any]:
    """Return the algebra of the circulation: deviations of pressure, rate, stroke volume."""

    def solve(v: Any, g: Any, r: Any, b: Any, w: Any, drugs: Any, p: Any) -> Any:
        eh, es, er, reflex = drugs
        heart = p.gh * reflex
        G = (1.0 - c) * heart + p.gs + p.gr
        x = ((1.0 - c) * eh + es + v + g + er + r + w + G * b) / (1.0 + G)
        h = eh - heart * (x - b)
        z = v - c * h + es - p.gs * (x - b)
        return x, h, z, G

    return solve


def make_equations(g: Mapping[str, float]) -> Callable[[Any], Callable[..., Any]]:
    """Return ``equations`` with given gains."""
    c, nu, rho = g["c"], g["nu"], g["rho"]
    ff, fP, fV, fK = g["ff"], g["fP"], g["fV"], g["fK"]
    tn, ta, tg, tr, tb, tw = (g[k] for k in ("tn", "ta", "tg", "tr", "tb", "tw"))
    tk, tq, KA, KT = g["tk"], g["tq"], g["KA"], g["KT"]
    qP, qS, qL, range_low, range_width = g["qP"], g["qS"], g["qL"], g["q_low"], g["q_width"]
    qD, qE = g["qD"], g["qE"]
    aS = g["aS"]

    def equations(xp: Any) -> Callable[..., Any]:
        solve = xp.function(_balance(xp, c))
        exp, minimum, maximum = xp.exp, xp.minimum, xp.maximum

        def rhs(state: Any, u: Any, p: Any) -> Any:
            v, n, a, g, r, b, w, k, q = state[:9]
            L, eh, es, er, _, D, lb, W, m, ut, reflex, borne = state[9:]
            sodium, loss = u[6], u[7]

            x, h, z, _ = solve(v, g, r, b, w, (eh, es, er, reflex), p)
            signal = n + L
            y = p.R0 * (exp(signal) - 1.0)
            mineralocorticoid = exp(a + m) - 1.0
            E = p.kP * x + p.kV * v - p.kS * y - p.kA * mineralocorticoid + D
            fall = maximum(range_low - x, 0.0) / range_width
            # At most five times the usual intake leaves in a day: steps of a day stay stable.
            d_v = nu * (sodium - exp(minimum(E, 1.6))) - loss
            d_n = (-ff * signal - fP * x - fV * v + lb - n) / tn
            d_a = (aS * signal + fK * k - a) / ta
            d_g = (p.sigma * y - g) / tg
            d_r = (h + z - r) / tr
            d_b = (rho * x - b) / tb
            d_w = (W - w) / tw
            d_k = (-KA * p.kK * mineralocorticoid - KT * ut - k) / tk
            dry = maximum(-borne - v, 0.0)
            creatinine = -qP * x - qS * y + qL * fall * fall + p.kD * (qD - qE * L) * dry
            d_q = (minimum(creatinine, 2.0) - q) / tq
            return (d_v, d_n, d_a, d_g, d_r, d_b, d_w, d_k, d_q)

        return rhs

    return equations


def make_observe(g: Mapping[str, float]) -> Callable[[Any], Callable[..., Any]]:
    """Return ``observe`` with given gains."""
    c, pp_x, pp_z, sodium_gain = g["c"], g["pp_x"], g["pp_z"], g["sodium_thiazide"]
    dry = g["pooling_volume"]

    def observe(xp: Any) -> Callable[..., Any]:
        solve = xp.function(_balance(xp, c))
        exp, minimum, maximum = xp.exp, xp.minimum, xp.maximum

        def read(state: Any, u: Any, p: Any) -> Any:
            v, n, a, g, r, b, w, k, q = state[:9]
            _, eh, es, er, pulse, _, _, _, _, ut, reflex, _ = state[9:]
            x, h, z, G = solve(v, g, r, b, w, (eh, es, er, reflex), p)
            mean = p.MAP0 * exp(x)
            width = p.PP0 * exp(pp_x * x + pp_z * z + pulse)
            rate, output = p.HR0 * exp(h), p.CO0 * exp(h + z)
            # Standing takes blood from the chest; the reflexes answer within a minute.
            lost = p.pooling * maximum(1.0 - dry * v, 0.2)
            fall = lost / (1.0 + G)
            z_up = -lost + c * (-p.gh * reflex * fall) + p.gs * fall
            mean_up = mean * exp(-fall)
            width_up = width * exp(-pp_x * fall + pp_z * z_up)
            now = p.s0 + q
            filtration = p.alpha * (minimum(now, 0.0) - minimum(p.s0, 0.0)) - 1.2 * (
                maximum(now, 0.0) - maximum(p.s0, 0.0)
            )
            return (
                mean + 2.0 * width / 3.0,
                mean - width / 3.0,
                mean,
                width,
                rate,
                output,
                mean / output,
                mean_up + 2.0 * width_up / 3.0,
                mean_up - width_up / 3.0,
                p.K0 * exp(k),
                p.Na0 - sodium_gain * p.hNa * ut,
                p.creatinine0 * exp(q),
                p.eGFR0 * exp(filtration),
                exp(n),
                exp(a),
                exp(v),
            )

        return read

    return observe


def equilibrium(p: Params) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the untreated state (zeros, full reflex) and its inputs: no drug, usual salt."""
    zero = 0.0 * p.MAP0
    state = (zero,) * (len(STATES) + len(MEMORY) - 2)
    return (*state, zero + 1.0, zero + shipped_gains()["q_dry"]), (*(zero,) * 6, zero + 1.0, zero)


def build(gains: Mapping[str, float] | None = None) -> Model:
    """Return the model with the shipped gains, some of them replaced.

    Raises
    ------
    InputError
        If a gain is unknown.
    """
    shipped = shipped_gains()
    unknown = [name for name in gains or {} if name not in shipped]
    if unknown:
        raise InputError(f"gain {unknown[0]!r} is unknown; the gains are {', '.join(shipped)}")
    g = {**shipped, **(gains or {})}
    return Model(
        name="dosegym_bp_2026",
        reference="DoseGym's own model; see docs/reference/blood-pressure-model.md",
        states=STATES,
        memory=MEMORY,
        inputs=INPUTS,
        outputs=OUTPUTS,
        parameters=PARAMETERS,
        Params=Params,
        equations=make_equations(g),
        hold=_actions(g),
        observe=make_observe(g),
        equilibrium=equilibrium,
        time_unit="day",
        hold_every=1.0,
        options={"gains": dict(gains)} if gains else {},
    )
