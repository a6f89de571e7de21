"""What every step table does about laboratory values, side effects and contraindications.

Limits and their sources stand in ``therapy.pressure_protocols`` and ``TITRATION``. A dose taken
back or a drug stopped stays so: the policy keeps, for each person, the highest level of each class
that is still open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ..therapy.contraindication import ACEI, ARB, BETA_BLOCKER, CCB, MRA, THIAZIDE
from ..therapy.formulary import Formulary
from ..therapy.pressure_protocols import LIMITS, SAFETY
from ..therapy.protocols import Source
from .pressure_rule import CLOSE, Bools, Memory, Rungs, Visit

_EGFR: Final = Source(
    "halve a RAS blocker at creatinine up by 30 % or eGFR down by 25 %: usual practice as compiled "
    "in the project's reference",
    verified=False,
)
_DIZZY: Final = Source("project choice: dizziness below 110 mmHg counts as due to the drugs")
_CAUTIOUS: Final = Source(
    "contraindications in the ESC/ESH guidelines 2018: thiazides in gout, beta-blockers below 60 a "
    "minute (recalled, not re-read)",
    "10.1093/eurheartj/ehy339",
    verified=False,
)


@dataclass(frozen=True)
class Titration:
    """Limits that only step tables use; the others are those of ``therapy.pressure_protocols``.

    eGFR as a share of that at entry, mmHg, beats a minute, standard doses.
    """

    egfr_ratio_halve: float = 0.75
    sbp_dizzy_down: float = 110.0
    heart_rate_cautious: float = 60.0
    mra_for_potassium: float = 1.0
    egfr_source: Source = _EGFR
    dizzy_source: Source = _DIZZY
    cautious_source: Source = _CAUTIOUS


TITRATION: Final = Titration()


@dataclass
class Review:
    """A visit's review: the regimen left, what may be begun, and who must not be stepped up.

    Parameters
    ----------
    base : array (6, B)
        Present levels, cut to what is still open.
    cap : array (6, B)
        Highest levels still open; kept.
    open_now : array (6, B), bool
        Classes that may be begun at this visit.
    down : array (B,), bool
        People whose treatment must be stepped down.
    hold : array (B,), bool
        People who must not be stepped up at this visit.
    """

    base: Rungs
    cap: Rungs
    open_now: Bools
    down: Bools
    hold: Bools


def blank(visit: Visit, base: Rungs, cap: Rungs) -> Review:
    """Return a review that finds nothing."""
    none = np.zeros(len(visit), np.bool_)
    return Review(base, cap, np.ones(base.shape, np.bool_), none, none.copy())


def review(
    visit: Visit,
    current: Rungs,
    memory: Memory,
    formulary: Formulary,
    acei_as_arb: Rungs,
    low_potassium: str,
    avoid: str,
) -> Review:
    """Return what laboratory values, side effects and contraindications ask for.

    Parameters
    ----------
    visit : Visit
    current : array (6, B)
        Present levels.
    memory : mapping
        ``cap`` (B, 6) and ``lab_week`` (B,), the week of the last report acted upon.
    formulary : Formulary
    acei_as_arb : array (levels of the ACE inhibitor,)
        Equal level of the ARB.
    low_potassium : str
        ``add_mra`` or ``lower_thiazide``: what potassium from 3.0 to 3.4 mmol/L on a thiazide asks.
    avoid : str
        ``cautious``: also no thiazide in gout and no beta-blocker below 60 a minute; ``hard``: only
        what nobody may be given.
    """
    found = blank(visit, current.copy(), np.ascontiguousarray(memory["cap"].T))
    fresh = (visit["weeks"] - visit["labs_age_weeks"]) > memory["lab_week"] + 0.01
    _contraindications(visit, found, avoid == "cautious")
    _laboratory(visit, fresh, found, low_potassium, formulary)
    _symptoms(visit, found, acei_as_arb)
    np.minimum(found.base, found.cap, out=found.base)
    return found


def _stop(found: Review, slot: int, where: Bools) -> None:
    found.cap[slot, where] = 0


def _lower(found: Review, slot: int, where: Bools, least: int = 0) -> None:
    """Cut a class by one level, never below ``least``; neighbouring doses differ twofold."""
    where = where & (found.base[slot] > least)
    less = np.where(where, found.base[slot] - 1, found.cap[slot]).astype(np.int8)
    np.minimum(found.cap[slot], less, out=found.cap[slot])


def _contraindications(visit: Visit, found: Review, cautious: bool) -> None:
    """Close what ``therapy.contraindication`` refuses, and in cautious tables a little more."""
    s, k, pregnant = SAFETY, visit["potassium"], visit.flag("pregnant")
    slowest = TITRATION.heart_rate_cautious if cautious else s.beta_blocker_heart_rate
    weak = visit.below("egfr", s.mra_egfr)
    for slot in (ACEI, ARB, MRA):
        _stop(found, slot, pregnant)
    _stop(found, ACEI, visit.flag("angioedema"))
    _stop(found, BETA_BLOCKER, visit.flag("asthma") | visit.flag("heart_block"))
    _stop(found, MRA, weak)
    found.open_now[ACEI] = found.open_now[ARB] = k <= s.ras_rise_potassium + CLOSE
    found.open_now[MRA] = k <= s.mra_rise_potassium + CLOSE
    found.open_now[BETA_BLOCKER] = visit.at_least("heart_rate", slowest)
    found.open_now[THIAZIDE] = ~(
        (visit.flag("gout") & cautious)
        | pregnant
        | visit.below("sodium", s.thiazide_sodium)
        | visit.below("potassium", s.thiazide_potassium)
    )


def _laboratory(
    visit: Visit, fresh: Bools, found: Review, low_potassium: str, formulary: Formulary
) -> None:
    """Act on reports that were not acted upon before."""
    s = SAFETY
    stop = fresh & visit.at_least("potassium", s.stop_potassium)
    high = fresh & visit.at_least("potassium", s.ras_rise_potassium) & ~stop
    for slot in (ACEI, ARB, MRA):
        _stop(found, slot, stop)
        _lower(found, slot, high)
    renal = fresh & visit.below("egfr_ratio", TITRATION.egfr_ratio_halve)
    for slot in (ACEI, ARB):
        _lower(found, slot, renal, least=1)
    very_low = fresh & visit.below("potassium", s.thiazide_potassium)
    _stop(found, THIAZIDE, very_low | (fresh & visit.below("sodium", s.thiazide_sodium)))
    low = fresh & visit.below("potassium", LIMITS.potassium_low) & ~very_low
    low &= found.base[THIAZIDE] > 0
    if low_potassium == "add_mra":
        level = formulary.nearest_level(MRA, TITRATION.mra_for_potassium)
        free = found.open_now[MRA] & (found.base[MRA] == 0) & (found.cap[MRA] >= level)
        found.base[MRA, low & free] = level
        low = low & ~free
    _lower(found, THIAZIDE, low)
    found.hold |= stop | high


def _symptoms(visit: Visit, found: Review, acei_as_arb: Rungs) -> None:
    """Act on what the patient reports and on pressure and heart rate that are too low."""
    cough = visit.flag("cough") & (found.base[ACEI] > 0)
    _stop(found, ACEI, cough)
    # An ACE inhibitor that has to go makes room for an ARB of the same strength.
    gone = (found.base[ACEI] > 0) & (found.cap[ACEI] == 0) & (found.base[ARB] == 0)
    gone &= found.open_now[ARB]
    found.base[ARB, gone] = acei_as_arb[found.base[ACEI, gone]]
    _lower(found, CCB, visit.flag("oedema"))
    _lower(found, BETA_BLOCKER, visit.below("heart_rate", SAFETY.beta_blocker_heart_rate))
    upright = visit.at_least("standing_drop", LIMITS.standing_fall_sbp_mmhg)
    faint = upright | visit.below("sbp", TITRATION.sbp_dizzy_down)
    found.down |= visit.below("sbp", LIMITS.sbp_low_mmhg) | (visit.flag("dizzy") & faint)
    found.hold |= found.down
