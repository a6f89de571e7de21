"""Contraindications: which regimens a person's chart forbids, rule by rule.

A rule acts on some classes of drugs in one of three ways: ``never`` (none of the drug),
``no_rise`` (no start and no higher dose), ``step_down`` (less than now). The classes and levels
are those of ``therapy.formulary``; limits stand in ``therapy.pressure_protocols``. A chart's
unknown measurement (NaN) fires no rule; whoever needs it known must ask for it first.

Two RAS blockers: the one taken now stays and the newly asked one is refused; where both or neither
are taken now, the ACE inhibitor stays (project choice). A switch within one visit, one to zero and
the other up, is allowed by :func:`enforce`; :func:`allowed` judges one slot against the regimen of
now and therefore asks for two visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .formulary import CLASSES, Formulary
from .pressure_protocols import SAFETY

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Levels = NDArray[np.int64]
Kind = Literal["never", "no_rise", "step_down", "pair"]

ACEI, ARB, CCB, THIAZIDE, BETA_BLOCKER, MRA = range(len(CLASSES))
NO_RULE: Final = -1


@dataclass(frozen=True)
class Rule:
    """One contraindication.

    Parameters
    ----------
    name : str
        Identifier for logs.
    classes : tuple of int
        Slots it concerns.
    kind : {"never", "no_rise", "step_down", "pair"}
        What it does to them.
    text : str
        What it says to a clinician.
    source : str
        Where it comes from.
    """

    name: str
    classes: tuple[int, ...]
    kind: Kind
    text: str
    source: str


class Chart(NamedTuple):
    """What the rules read of a person; each an array (B,). Flags are 0/1, unknown numbers NaN."""

    pregnant: Array
    asthma: Array
    heart_block: Array
    angioedema: Array
    heart_rate: Array
    potassium: Array
    sodium: Array
    egfr: Array


_LABEL = "prescribing information (FDA, SmPC) of the class"
_MRA = "heart-failure guidance on MRAs (McMurray; BNF); label of spironolactone"
RULES: Final = (
    Rule(
        "dual_ras", (ACEI, ARB), "pair",
        "No ACE inhibitor together with an angiotensin receptor blocker.",
        "ONTARGET 2008 (10.1056/NEJMoa0801317), VA NEPHRON-D 2013 (10.1056/NEJMoa1303154); "
        "ACC/AHA 2025 and ESC 2024 advise against it",
    ),
    Rule(
        "pregnancy_ras", (ACEI, ARB), "never",
        "No RAS blocker in pregnancy.", f"boxed warning, {_LABEL}",
    ),
    Rule("pregnancy_mra", (MRA,), "never", "No spironolactone in pregnancy.", _LABEL),
    Rule(
        "angioedema_acei", (ACEI,), "never",
        "No ACE inhibitor after angioedema.", f"contraindication, {_LABEL}",
    ),
    Rule(
        "asthma_beta_blocker", (BETA_BLOCKER,), "never",
        "No beta-blocker in asthma.",
        f"contraindicated in severe asthma, {_LABEL}; any asthma here, its grade not being charted",
    ),
    Rule(
        "heart_block", (BETA_BLOCKER,), "never",
        "No beta-blocker in heart block of second or third degree without a pacemaker.",
        f"contraindication, {_LABEL}",
    ),
    Rule(
        "bradycardia", (BETA_BLOCKER,), "step_down",
        f"Heart rate below {SAFETY.beta_blocker_heart_rate:g}/min: no beta-blocker started, "
        "a present one stepped down.",
        "heart-failure guidance: halve the dose below 50/min; stepwise because a sudden stop "
        f"rebounds ({_LABEL})",
    ),
    Rule(
        "potassium_ras", (ACEI, ARB), "no_rise",
        f"Potassium above {SAFETY.ras_rise_potassium:g} mmol/L: no RAS blocker started or raised.",
        "KDIGO 2021 and heart-failure guidance (second-hand)",
    ),
    Rule(
        "potassium_mra", (MRA,), "no_rise",
        f"Potassium above {SAFETY.mra_rise_potassium:g} mmol/L: no MRA started or raised.", _MRA,
    ),
    Rule(
        "potassium_stop", (ACEI, ARB, MRA), "never",
        f"Potassium {SAFETY.stop_potassium:g} mmol/L or more: RAS blocker and MRA stopped.", _MRA,
    ),
    Rule("kidney_mra", (MRA,), "never", f"No MRA with eGFR below {SAFETY.mra_egfr:g}.", _MRA),
    Rule(
        "sodium_thiazide", (THIAZIDE,), "never",
        f"No thiazide with sodium below {SAFETY.thiazide_sodium:g} mmol/L.",
        f"usual practice; warning, {_LABEL}",
    ),
    Rule(
        "potassium_thiazide", (THIAZIDE,), "never",
        f"No thiazide with potassium below {SAFETY.thiazide_potassium:g} mmol/L.",
        f"usual practice; warning, {_LABEL}",
    ),
)  # fmt: skip
RULE_NAMES: Final = tuple(rule.name for rule in RULES)
_INDEX = {name: position for position, name in enumerate(RULE_NAMES)}
DUAL_RAS: Final = _INDEX["dual_ras"]


def make_chart(
    n: int,
    pregnant: ArrayLike = 0.0,
    asthma: ArrayLike = 0.0,
    heart_block: ArrayLike = 0.0,
    angioedema: ArrayLike = 0.0,
    heart_rate: ArrayLike = np.nan,
    potassium: ArrayLike = np.nan,
    sodium: ArrayLike = np.nan,
    egfr: ArrayLike = np.nan,
) -> Chart:
    """Return a chart of n people; scalars are given to all, absent measurements are unknown."""
    columns = (pregnant, asthma, heart_block, angioedema, heart_rate, potassium, sodium, egfr)
    full = [np.broadcast_to(np.asarray(c, np.float64), (n,)) for c in columns]
    return Chart(*full)


def fired(chart: Chart) -> dict[int, Flags]:
    """Return, by rule index, whom each rule concerns, (B,); only rules that concern anyone."""
    pregnant = chart.pregnant > 0.5
    rules = {
        "pregnancy_ras": pregnant,
        "pregnancy_mra": pregnant,
        "angioedema_acei": chart.angioedema > 0.5,
        "asthma_beta_blocker": chart.asthma > 0.5,
        "heart_block": chart.heart_block > 0.5,
        "bradycardia": chart.heart_rate < SAFETY.beta_blocker_heart_rate,
        "potassium_ras": chart.potassium > SAFETY.ras_rise_potassium,
        "potassium_mra": chart.potassium > SAFETY.mra_rise_potassium,
        "potassium_stop": chart.potassium >= SAFETY.stop_potassium,
        "kidney_mra": chart.egfr < SAFETY.mra_egfr,
        "sodium_thiazide": chart.sodium < SAFETY.thiazide_sodium,
        "potassium_thiazide": chart.potassium < SAFETY.thiazide_potassium,
    }
    return {_INDEX[name]: whom for name, whom in rules.items() if whom.any()}


def caps(levels_now: Levels, chart: Chart, top: ArrayLike) -> tuple[Levels, Levels]:
    """Return the highest level each class may have, and the rule that says so.

    Parameters
    ----------
    levels_now : int array (B, 6)
        Present regimen.
    chart : Chart
    top : int array (6,)
        Highest level of each class in the formulary.

    Returns
    -------
    cap : int array (B, 6)
    rule : int array (B, 6)
        Index into ``RULES`` of the strictest rule, -1 where none holds.
    """
    now = np.asarray(levels_now, np.int64)
    cap = np.broadcast_to(np.asarray(top, np.int64), now.shape).copy()
    rule = np.full(now.shape, NO_RULE, np.int64)
    for index, whom in fired(chart).items():
        kind = RULES[index].kind
        for slot in RULES[index].classes:
            if kind == "never":
                limit = np.zeros(len(now), np.int64)
            else:
                limit = np.maximum(now[:, slot] - (kind == "step_down"), 0)
            tighter = whom & (limit < cap[:, slot])
            cap[:, slot] = np.where(tighter, limit, cap[:, slot])
            rule[:, slot] = np.where(tighter, index, rule[:, slot])
    return cap, rule


class Screen:
    """The rules over one formulary, for masks and for screening of whole batches.

    Parameters
    ----------
    formulary : Formulary
    """

    def __init__(self, formulary: Formulary) -> None:
        nvec = np.asarray(formulary.levels, np.int64)
        self._top = nvec - 1
        self._slot = np.repeat(np.arange(len(nvec)), nvec)
        self._level = np.concatenate([np.arange(n) for n in nvec])

    def allowed(self, levels_now: Levels, chart: Chart) -> Flags:
        """Return which single-slot choices the present regimen and chart permit.

        Parameters
        ----------
        levels_now : int array (B, 6)
        chart : Chart

        Returns
        -------
        bool array (B, sum of levels)
            Slot after slot, levels rising; level 0 is always permitted.
        """
        now = np.asarray(levels_now, np.int64)
        cap, _ = caps(now, chart, self._top)
        both = (now[:, ACEI] > 0) & (now[:, ARB] > 0)
        cap[(now[:, ARB] > 0) & ~both, ACEI] = 0
        cap[now[:, ACEI] > 0, ARB] = 0
        mask: Flags = self._level <= cap[:, self._slot]
        return mask

    def enforce(self, levels_now: Levels, proposed: Levels, chart: Chart) -> tuple[Levels, Levels]:
        """Return the regimen that may be given in place of the proposed one.

        Parameters
        ----------
        levels_now, proposed : int array (B, 6)
        chart : Chart

        Returns
        -------
        applied : int array (B, 6)
            The proposal, lowered where a rule forbids it.
        rule : int array (B, 6)
            Index into ``RULES`` of what lowered each class, -1 where nothing did.
        """
        now, asked = np.asarray(levels_now, np.int64), np.asarray(proposed, np.int64)
        cap, rule = caps(now, chart, self._top)
        applied = np.minimum(asked, cap)
        rule = np.where(applied < asked, rule, NO_RULE)
        both = (applied[:, ACEI] > 0) & (applied[:, ARB] > 0)
        if both.any():
            refuse_acei = both & (now[:, ARB] > 0) & (now[:, ACEI] == 0)
            for slot, whom in ((ACEI, refuse_acei), (ARB, both & ~refuse_acei)):
                applied[whom, slot] = 0
                rule[whom, slot] = DUAL_RAS
        return applied, rule


def reasons(rule: Levels) -> tuple[str, ...]:
    """Return the texts of the rules in one person's row, (6,), each once."""
    return tuple(RULES[index].text for index in dict.fromkeys(int(r) for r in rule if r >= 0))
