"""Whether the rules of a step table apply to people at a visit."""

from __future__ import annotations

from typing import Final

import numpy as np

from ..therapy.pressure_protocols import LIMITS
from .pressure_rule import CLOSE, Array, Bools, Levels, Visit
from .step_table_file import Relief, Start, Trigger, Who

CKD_EGFR: Final = 60.0  # KDIGO's threshold of chronic kidney disease, doi:10.1038/kisup.2012.73
READINGS: Final = {
    "visit": ("sbp", "dbp"),
    "mean_3": ("sbp_mean_3", "dbp_mean_3"),
    "home": ("home_sbp", "home_dbp"),
}


def pressure(visit: Visit, reading: str) -> tuple[Array, Array]:
    """Return the systolic and diastolic reading that a table acts upon, (B,) each."""
    sbp, dbp = READINGS[reading]
    return visit[sbp], visit[dbp]


def reaches(visit: Visit, reading: str, rule: Start | Trigger) -> Bools:
    """Return where pressure is at or above a rule's limits in people it is for, (B,)."""
    sbp, dbp = pressure(visit, reading)
    more = CLOSE if isinstance(rule, Trigger) and rule.strictly else -CLOSE
    return ((sbp >= rule.sbp + more) | (dbp >= rule.dbp + more)) & is_for(visit, rule.who)


def relieved(visit: Visit, reading: str, rule: Relief) -> Bools:
    """Return where systolic pressure is below a rule's limit in people it is for, (B,)."""
    sbp, _ = pressure(visit, reading)
    return (sbp < rule.sbp_below - CLOSE) & is_for(visit, rule.who)


def is_for(visit: Visit, who: Who) -> Bools:
    """Return which people a rule is for, (B,)."""
    right = np.ones(len(visit), np.bool_)
    if who.age_min > 0.0:
        right &= visit.at_least("age", who.age_min)
    if who.age_below < 200.0:
        right &= visit.below("age", who.age_below)
    if who.risk_10y_min > 0.0:
        right &= visit.at_least("risk_10y", who.risk_10y_min)
    if who.any_of:
        right &= np.logical_or.reduce([_has(visit, trait) for trait in who.any_of])
    return right


def _has(visit: Visit, trait: str) -> Bools:
    if trait == "ckd":
        return visit.below("egfr", CKD_EGFR) | visit.below("egfr0", CKD_EGFR)
    if trait == "orthostatic":
        return visit.at_least("standing_drop", LIMITS.standing_fall_sbp_mmhg)
    return visit.flag(trait)


def count(
    visit: Visit, reading: str, counts: Levels, due: Bools, rules: tuple[Trigger | Relief, ...]
) -> tuple[Levels, Bools]:
    """Return how often running each rule was met at due decisions, and where one is fulfilled.

    Parameters
    ----------
    visit : Visit
    reading : str
    counts : array (B, rules)
        Before this visit.
    due : array (B,), bool
        Where a decision on pressure is due.
    rules : tuple

    Returns
    -------
    counts : array (B, rules)
    fulfilled : array (B,), bool
    """
    new, fulfilled = counts.copy(), np.zeros(len(visit), np.bool_)
    for i, rule in enumerate(rules):
        if isinstance(rule, Relief):
            met = relieved(visit, reading, rule)
        else:
            met = reaches(visit, reading, rule)
        new[:, i] = np.where(due, np.where(met, counts[:, i] + 1, 0), counts[:, i])
        fulfilled |= due & (new[:, i] >= rule.visits)
    return new, fulfilled
