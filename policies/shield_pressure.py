"""The shield of blood pressure: what a chart forbids, too much at once, and too little when high.

Rules that lower a regimen serve hypotension and the harms of each drug; rules that keep it serve
stroke and the rebound of a sudden stop. Contraindications come last, so no other rule gives back
what they take away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.contraindication import (
    ACEI,
    ARB,
    BETA_BLOCKER,
    CCB,
    MRA,
    THIAZIDE,
    Screen,
)
from ..therapy.contraindication import RULE_NAMES as CONTRAINDICATIONS
from ..therapy.formulary import CLASSES, Formulary, load_formulary
from ..therapy.pressure_protocols import LIMITS, SAFETY
from ..therapy.shield_protocols import PRESSURE_SHIELD
from .pressure_mask import chart_of
from .pressure_rule import Visit
from .shield_clamp import NONE
from .shield_insulin import Verdict
from .step_safety import TITRATION

Array = NDArray[np.float64]
Levels = NDArray[np.int64]
Bools = NDArray[np.bool_]

OWN: Final = ("stop_low", "low_pressure", "max_rise", "abrupt_stop", "severe_pressure")
# Rounds of the rules, at most; two are enough unless several bind at once.
_ROUNDS: Final = 8
STOP, LOW, RISE, ABRUPT, SEVERE = range(len(CONTRAINDICATIONS), len(CONTRAINDICATIONS) + len(OWN))


@dataclass(frozen=True)
class Rule:
    """One rule: its name, hazard, the only way in which it may move a regimen, and its text."""

    name: str
    hazard: str
    direction: str
    text: str
    source: str


_P = PRESSURE_SHIELD
RULES: Final = (
    Rule(
        "stop_low", "hypotension", "down",
        f"Systolic pressure below {_P.stop_sbp_mmhg:g} mmHg: every class one level down.",
        _P.stop_source.text,
    ),
    Rule(
        "low_pressure", "hypotension", "down",
        f"Below {LIMITS.sbp_low_mmhg:g} mmHg, or dizzy from low pressure or standing: no class up.",
        LIMITS.sbp_source.text,
    ),
    Rule(
        "max_rise", "hypotension", "down",
        f"Regimen up by more than {_P.rise_standard_doses:g} standard doses at one visit.",
        _P.rise_source.text,
    ),
    Rule(
        "abrupt_stop", "rebound", "up",
        "Beta-blocker stopped at once without a reason.", _P.beta_blocker_source.text,
    ),
    Rule(
        "severe_pressure", "stroke", "up",
        f"Less treatment without a reason at {_P.severe_sbp_mmhg:g}/{_P.severe_dbp_mmhg:g} mmHg "
        "or more.",
        _P.severe_source.text,
    ),
)  # fmt: skip


def too_low(visit: Visit) -> Bools:
    """Return who must not be stepped up, (B,): low, or dizzy with low pressure or standing up.

    A fall on standing that nobody feels is no reason to hold treatment back.
    """
    upright = visit.at_least("standing_drop", LIMITS.standing_fall_sbp_mmhg)
    faint = visit.flag("dizzy") & (upright | visit.below("sbp", TITRATION.sbp_dizzy_down))
    low: Bools = visit.below("sbp", LIMITS.sbp_low_mmhg) | faint
    return low


def reasons(visit: Visit) -> Bools:
    """Return for which classes (B, 6) a chart holds a reason to take less."""
    upright = visit.at_least("standing_drop", LIMITS.standing_fall_sbp_mmhg)
    any_class = too_low(visit) | upright | visit.flag("dizzy") | visit.flag("other_symptoms")
    high_k = visit.at_least("potassium", SAFETY.mra_rise_potassium)
    weak = visit.below("egfr_ratio", TITRATION.egfr_ratio_halve) | visit.flag("pregnant")
    why = np.repeat(any_class[:, None], len(CLASSES), axis=1)
    for slot, found in (
        (ACEI, high_k | weak | visit.flag("cough") | visit.flag("angioedema")),
        (ARB, high_k | weak),
        (CCB, visit.flag("oedema")),
        (
            THIAZIDE,
            visit.below("sodium", 135.0)
            | visit.below("potassium", LIMITS.potassium_low)
            | visit.flag("gout"),
        ),
        (
            BETA_BLOCKER,
            visit.below("heart_rate", TITRATION.heart_rate_cautious)
            | visit.flag("asthma")
            | visit.flag("heart_block"),
        ),
        (MRA, high_k | weak | visit.below("egfr", SAFETY.mra_egfr)),
    ):
        why[:, slot] |= found
    return why


@dataclass
class PressureGuard:
    """The rules over one formulary.

    Parameters
    ----------
    formulary : as ``load_formulary`` takes it
    rules : bool
        Whether they are on.
    """

    formulary: Any
    rules: bool = True

    rule_names = (*CONTRAINDICATIONS, *OWN)
    dose_names = CLASSES

    @cached_property
    def tablets(self) -> Formulary:
        """What the levels mean."""
        return load_formulary(self.formulary)

    @cached_property
    def screen(self) -> Screen:
        """The contraindications."""
        return Screen(self.tablets)

    @property
    def card(self) -> dict[str, Any]:
        """What the guard is, in JSON."""
        limits = {k: v for k, v in asdict(PRESSURE_SHIELD).items() if not k.endswith("source")}
        return {
            "formulary": list(self.tablets.drugs),
            "rules": {"names": list(self.rule_names), **limits} if self.rules else None,
        }

    def remember(self, n: int) -> dict[str, Any]:
        """Return the memory of n people: none."""
        return {}

    def amend(
        self, observation: NDArray[np.float32], action: NDArray[Any], memory: dict[str, Any]
    ) -> tuple[NDArray[Any], dict[str, Any], Verdict]:
        """Return actions (B, A) that may be given, the memory, and what was changed."""
        visit = Visit(observation)
        top = np.array(self.tablets.levels) - 1
        whole = np.issubdtype(action.dtype, np.integer)
        told = action[:, : len(CLASSES)].astype(np.float64)
        asked = (told if whole else np.rint(0.5 * (told + 1.0) * top)).astype(np.int64)
        given, rule = self._judge(visit, observation, asked) if self.rules else (asked, None)
        safe = action.copy()
        as_asked = given if whole else 2.0 * given / top - 1.0
        safe[:, : len(CLASSES)] = np.where(given == asked, told, as_asked).astype(action.dtype)
        rule = np.full(len(asked), NONE, np.int64) if rule is None else rule
        none = np.full(len(asked), np.nan)
        return safe, memory, Verdict(rule, asked.astype(float), given.astype(float), none)

    def _judge(
        self, visit: Visit, observation: NDArray[np.float32], asked: Levels
    ) -> tuple[Levels, Levels]:
        now = visit.levels(self.tablets).T.astype(np.int64)
        chart = chart_of(observation)
        low, why = too_low(visit), reasons(visit)
        open_to, _ = self.screen.enforce(now, now, chart)
        levels, rule = asked, np.full(len(asked), NONE, np.int64)
        came = visit.flag("attended")

        def follow(number: int, change: Callable[[Levels], Levels], who: Bools) -> None:
            nonlocal levels, rule
            new = np.where((who & came)[:, None], change(levels), levels)
            rule = np.where((new != levels).any(axis=1), number, rule)
            levels = new

        everyone = np.ones(len(asked), np.bool_)
        severe = visit.at_least("sbp", _P.severe_sbp_mmhg) | visit.at_least(
            "dbp", _P.severe_dbp_mmhg
        )
        stop = visit.below("sbp", _P.stop_sbp_mmhg)
        # What one rule takes may be another's business: round and round until all are content.
        for _ in range(_ROUNDS):
            before = levels
            follow(ABRUPT, lambda x: _not_at_once(x, now, open_to, why), everyone)
            follow(SEVERE, lambda x: self._kept(x, now, open_to, why), severe & ~low)
            follow(RISE, lambda x: self._gently(x, now), everyone)
            follow(LOW, lambda x: np.minimum(x, now), low)
            follow(STOP, lambda x: np.minimum(x, np.maximum(now - 1, 0)), stop)
            safe, by = self.screen.enforce(now, levels, chart)
            # Of several classes cut by contraindications the first one's rule is told.
            first = by[np.arange(len(by)), (by >= 0).argmax(axis=1)]
            rule = np.where((safe != levels).any(axis=1) & came, first, rule)
            levels = np.where(came[:, None], safe, levels)
            if np.array_equal(before, levels):
                break
        return levels, np.where((levels == asked).all(axis=1), NONE, rule)

    def _kept(self, levels: Levels, now: Levels, open_to: Levels, why: Bools) -> Levels:
        """Give back what is taken without a reason, where the regimen would get weaker."""
        doses = self.tablets.standard_of
        weaker = doses(levels).sum(axis=1) < doses(now).sum(axis=1) - 1e-9
        back = weaker[:, None] & (levels < now) & ~why
        return np.where(back, np.minimum(now, np.maximum(open_to, levels)), levels)

    def _gently(self, levels: Levels, now: Levels) -> Levels:
        """Take back the largest rises, a level at a time, until the visit's limit is kept."""
        doses = self.tablets.standard_of
        gentle, before = levels.copy(), doses(now)
        for _ in range(int(sum(self.tablets.levels))):
            rise = doses(gentle) - before
            over = rise.sum(axis=1) > _P.rise_standard_doses + 1e-9
            if not over.any():
                break
            rows = np.flatnonzero(over)
            gentle[rows, rise[rows].argmax(axis=1)] -= 1
        return gentle


def _not_at_once(levels: Levels, now: Levels, open_to: Levels, why: Bools) -> Levels:
    """Let a beta-blocker fall by no more than its levels a visit, where there is no reason."""
    kept = levels.copy()
    least = np.minimum(now - _P.beta_blocker_fall, open_to)[:, BETA_BLOCKER]
    sudden = ~why[:, BETA_BLOCKER] & (levels[:, BETA_BLOCKER] < least)
    kept[sudden, BETA_BLOCKER] = least[sudden]
    return kept
