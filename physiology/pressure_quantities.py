"""What the blood-pressure body is described by: parameters, states, inputs, outputs, with units."""

from __future__ import annotations

from typing import Any, NamedTuple

from .quantity import Quantity


class Params(NamedTuple):
    """Parameters of one person (or arrays of many), in the order of ``PARAMETERS``."""

    MAP0: Any
    PP0: Any
    HR0: Any
    CO0: Any
    K0: Any
    Na0: Any
    eGFR0: Any
    creatinine0: Any
    s0: Any
    alpha: Any
    gh: Any
    gs: Any
    gr: Any
    sigma: Any
    kP: Any
    kV: Any
    kS: Any
    kA: Any
    R0: Any
    r_acei: Any
    r_arb: Any
    r_ccb: Any
    r_thiazide: Any
    r_beta_blocker: Any
    r_mra: Any
    kK: Any
    hNa: Any
    pooling: Any
    kD: Any


PARAMETERS = (
    Quantity("MAP0", "mmHg", 60, 180, "untreated mean arterial pressure"),
    Quantity("PP0", "mmHg", 20, 140, "untreated pulse pressure"),
    Quantity("HR0", "1/min", 40, 120, "untreated heart rate"),
    Quantity("CO0", "L/min", 2, 12, "untreated cardiac output"),
    Quantity("K0", "mmol/L", 3.0, 6.0, "untreated serum potassium"),
    Quantity("Na0", "mmol/L", 130, 150, "untreated serum sodium"),
    Quantity("eGFR0", "mL/min/1.73 m2", 10, 150, "untreated estimated filtration rate"),
    Quantity("creatinine0", "mg/dL", 0.2, 8, "untreated serum creatinine"),
    Quantity("s0", "1", -2.5, 3, "logarithm of untreated creatinine over CKD-EPI 2021's kappa"),
    Quantity(
        "alpha", "1", -0.302, -0.241, "CKD-EPI 2021's alpha: -0.241 for women, -0.302 for men"
    ),
    Quantity("gh", "1", 0.2, 5, "baroreflex gain on heart rate"),
    Quantity("gs", "1", 0.02, 1, "baroreflex gain on stroke volume"),
    Quantity("gr", "1", 0.1, 5, "baroreflex gain on resistance"),
    Quantity("sigma", "1", 0.0, 1.5, "vascular tone per angiotensin signal"),
    Quantity("kP", "1", 1, 30, "pressure natriuresis"),
    Quantity("kV", "1", 0.5, 30, "volume natriuresis"),
    Quantity("kS", "1", 0.0, 5, "sodium retention by angiotensin"),
    Quantity("kA", "1", 0.0, 5, "sodium retention by aldosterone"),
    Quantity("R0", "1", 0.05, 6, "activity of the renin system relative to a typical person"),
    Quantity("r_acei", "1", 0, 6, "personal response to ACE inhibitors"),
    Quantity("r_arb", "1", 0, 6, "personal response to angiotensin receptor blockers"),
    Quantity("r_ccb", "1", 0, 6, "personal response to calcium channel blockers"),
    Quantity("r_thiazide", "1", 0, 6, "personal response to thiazides"),
    Quantity("r_beta_blocker", "1", 0, 6, "personal response to beta-blockers"),
    Quantity("r_mra", "1", 0, 6, "personal response to mineralocorticoid antagonists"),
    Quantity("kK", "1", 0.1, 6, "potassium response to aldosterone, relative to a typical person"),
    Quantity("hNa", "1", 0.0, 60, "fall of sodium on a thiazide, relative to a typical person"),
    Quantity("pooling", "1", 0.0, 1, "share of stroke volume lost on standing, before reflexes"),
    Quantity("kD", "1", 0.1, 10, "creatinine's response to depletion, relative to the typical"),
)

_LOG = (-5.0, 5.0)
STATES = (
    Quantity("ln_volume", "1", *_LOG, "extracellular volume"),
    Quantity("ln_renin", "1", -5, 10, "plasma renin"),
    Quantity("ln_aldosterone", "1", *_LOG, "plasma aldosterone"),
    Quantity("ln_tone", "1", *_LOG, "vascular tone set by angiotensin"),
    Quantity("ln_autoregulation", "1", *_LOG, "resistance set by flow autoregulation"),
    Quantity("ln_set_point", "1", *_LOG, "set point of the baroreflex"),
    Quantity("ln_dilation", "1", *_LOG, "slow dilation by thiazides"),
    Quantity("ln_potassium", "1", *_LOG, "serum potassium"),
    Quantity("ln_creatinine", "1", *_LOG, "serum creatinine"),
)
MEMORY = (
    Quantity("ras_block", "1", -20, 0.001, "logarithm of angiotensin left by RAS blockers"),
    Quantity("heart_action", "1", *_LOG, "drugs on heart rate"),
    Quantity("stroke_action", "1", *_LOG, "drugs on stroke volume"),
    Quantity("vessel_action", "1", *_LOG, "drugs on resistance"),
    Quantity("pulse_action", "1", *_LOG, "drugs on pulse pressure"),
    Quantity("natriuresis", "1", -5, 20, "drugs on sodium excretion"),
    Quantity("renin_action", "1", *_LOG, "drugs on renin release"),
    Quantity("dilation_target", "1", *_LOG, "where thiazides drive the slow dilation"),
    Quantity("mra_action", "1", *_LOG, "logarithm of the aldosterone signal left by an MRA"),
    Quantity("thiazide_action", "1", -5, 50, "thiazides on potassium and sodium"),
    Quantity("reflex", "1", 0, 1, "share of the heart-rate reflex left by beta-blockers"),
    Quantity("borne_depletion", "1", 0, 5, "volume depletion that the kidneys bear"),
)
_EXPOSURE = "mean exposure of the day to"
INPUTS = (
    Quantity("acei", "standard doses", 0, 20, f"{_EXPOSURE} an ACE inhibitor"),
    Quantity("arb", "standard doses", 0, 20, f"{_EXPOSURE} an angiotensin receptor blocker"),
    Quantity("ccb", "standard doses", 0, 20, f"{_EXPOSURE} a calcium channel blocker"),
    Quantity("thiazide", "standard doses", 0, 20, f"{_EXPOSURE} a thiazide or its like"),
    Quantity("beta_blocker", "standard doses", 0, 20, f"{_EXPOSURE} a beta-blocker"),
    Quantity("mra", "standard doses", 0, 20, f"{_EXPOSURE} a mineralocorticoid antagonist"),
    Quantity("sodium_intake", "1", 0.05, 4, "sodium eaten relative to the usual"),
    Quantity("fluid_loss", "1/day", 0, 0.1, "extracellular volume lost to illness"),
)
OUTPUTS = (
    Quantity("sbp", "mmHg", 20, 400, "systolic pressure, seated and awake, nobody watching"),
    Quantity("dbp", "mmHg", 10, 300, "diastolic pressure, likewise"),
    Quantity("mean_pressure", "mmHg", 10, 330, "mean arterial pressure"),
    Quantity("pulse_pressure", "mmHg", 5, 300, "pulse pressure"),
    Quantity("heart_rate", "1/min", 10, 250, "heart rate"),
    Quantity("cardiac_output", "L/min", 0.5, 25, "cardiac output"),
    Quantity("peripheral_resistance", "mmHg min/L", 2, 200, "total peripheral resistance"),
    Quantity("standing_sbp", "mmHg", 10, 400, "systolic pressure after a minute of standing"),
    Quantity("standing_dbp", "mmHg", 5, 300, "diastolic pressure after a minute of standing"),
    Quantity("potassium", "mmol/L", 1, 12, "serum potassium"),
    Quantity("sodium", "mmol/L", 90, 170, "serum sodium"),
    Quantity("creatinine", "mg/dL", 0.1, 30, "serum creatinine"),
    Quantity("egfr", "mL/min/1.73 m2", 1, 220, "estimated filtration rate, CKD-EPI 2021"),
    Quantity("renin", "1", 0.0, 5000, "renin relative to the untreated state"),
    Quantity("aldosterone", "1", 0.0, 150, "aldosterone relative to the untreated state"),
    Quantity("volume", "1", 0.1, 4, "extracellular volume relative to the untreated state"),
)
