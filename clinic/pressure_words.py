"""Plain words about a proposed regimen, every one derived from its numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from ..records.chart import PressureRecord
from ..therapy.contraindication import RULES
from ..therapy.formulary import CLASS_NAMES, CLASSES
from ..therapy.pressure_protocols import EVENTS, LABS, LIMITS, SAFETY
from .checks import percent
from .pressure_course import HARMS, TARGET, PressureCourse
from .pressure_gates import share_worse
from .pressure_propose import Proposal

# A change smaller than these is called none (project choices).
SAME_MMHG: Final = 0.5
SAME_CHANCE: Final = 0.005
CHILDBEARING_YEARS: Final = 55.0


def regimen_words(proposal: Proposal, mg: np.ndarray) -> str:
    """Return a regimen as text."""
    parts = [
        f"{proposal.formulary.drugs[i]} {dose:g} mg a day" for i, dose in enumerate(mg) if dose > 0
    ]
    return " + ".join(parts) or "no drug"


def headline(proposal: Proposal) -> str:
    """Return what is proposed, in a line."""
    if not proposal.changed:
        return f"Keep the regimen: {regimen_words(proposal, proposal.mg)}"
    told = []
    for row in proposal.rows():
        if row["change"] == "start":
            told.append(f"start {row['drug']} {row['mg']:g} mg a day")
        elif row["change"] == "stop":
            told.append(f"stop {row['drug']}")
        elif row["change"] != "unchanged":
            told.append(f"{row['drug']} from {row['now_mg']:g} to {row['mg']:g} mg a day")
    text = "; ".join(told)
    return text[:1].upper() + text[1:]


def reasons_for(
    proposal: Proposal, current: PressureCourse, proposed: PressureCourse
) -> tuple[str, ...]:
    """Return what the proposal changes and what is expected of it."""
    return (
        f"{headline(proposal)}.",
        *(_pressure(name, words, current, proposed) for name, words in (
            ("sbp", "systolic"), ("dbp", "diastolic"),
        )),
        _target(current, proposed),
        *_harms(current, proposed),
    )  # fmt: skip


def _pressure(name: str, words: str, current: PressureCourse, proposed: PressureCourse) -> str:
    weeks = current.day[-1] / 7.0
    now, before, after = (
        float(np.median(v))
        for v in (current.series[name][0], current.last(name), proposed.last(name))
    )
    difference = np.quantile(proposed.last(name) - current.last(name), (0.05, 0.5, 0.95))
    if abs(difference[1]) < SAME_MMHG:
        return (
            f"Expected {words} pressure in {weeks:.0f} weeks is about {after:.0f} mmHg either way."
        )
    return (
        f"Expected {words} pressure, now about {now:.0f} mmHg, in {weeks:.0f} weeks is "
        f"{before:.0f} mmHg under the current regimen and {after:.0f} mmHg under the proposal: a "
        f"change of {difference[1]:+.0f} mmHg ({difference[0]:+.0f} to {difference[2]:+.0f} in "
        "nine draws of ten)."
    )


def _target(current: PressureCourse, proposed: PressureCourse) -> str:
    return (
        f"Chance to end below {TARGET.sbp_mmhg:g}/{TARGET.dbp_mmhg:g} mmHg: "
        f"{percent(current.in_target())} now, {percent(proposed.in_target())} under the proposal, "
        f"which ends further from the target in {percent(share_worse(current, proposed))} of draws."
    )


def _harms(current: PressureCourse, proposed: PressureCourse) -> list[str]:
    """Say which harms become likelier or less likely."""
    found = []
    for harm in HARMS:
        now, then = current.chance(harm.id), proposed.chance(harm.id)
        if abs(then - now) >= SAME_CHANCE:
            found.append(f"{harm.title}: {percent(now, 1)} of draws now, {percent(then, 1)} then.")
    return found or ["No harm that is looked for becomes likelier or less likely."]


def watch_for(proposal: Proposal, record: PressureRecord) -> tuple[str, ...]:
    """Return when to see the person again, which blood tests to order, and what to look for."""
    last = datetime.fromtimestamp(record.last_s, UTC)
    visit = last + timedelta(days=proposal.visit_days)
    return (
        f"Next visit in {proposal.visit_days / 7:.0f} weeks (about {visit:%d %B %Y}, counted from "
        "the record's last entry).",
        _labs(proposal),
        *_pregnancy(proposal, record),
        *_symptoms(proposal),
        f"Stop and review at once: systolic pressure below {EVENTS.dizzy_sbp_mmhg:g} mmHg, "
        f"fainting, potassium of {SAFETY.stop_potassium:g} mmol/L or more, creatinine up by half.",
        "Not in the forecast: acute illness with fluid loss (pause RAS blockers, diuretics and MRA "
        "by local rules), painkillers of the ibuprofen kind, a change of salt.",
    )


def _labs(proposal: Proposal) -> str:
    due = proposal.labs_due()
    tests = "potassium, sodium and creatinine (eGFR)"
    if due is not None:
        return (
            f"Order {tests} {due[0] / 7:.0f} to {due[1] / 7:.0f} weeks after the change "
            f"({', '.join(CLASS_NAMES[k] for k in proposal.changed if k in LABS.classes)})."
        )
    taking = [k for i, k in enumerate(CLASSES) if proposal.mg[i] > 0 and k in LABS.classes]
    if taking:
        return f"No blood test beyond the routine one: {tests} once a year, twice with low eGFR."
    return "No blood test is due for this regimen."


def _pregnancy(proposal: Proposal, record: PressureRecord) -> list[str]:
    """Ask for a pregnancy to be excluded where a drug that harms the child is started or raised."""
    person = record.person
    young = person.age_years is None or person.age_years < CHILDBEARING_YEARS
    if person.female is False or not young or not {"acei", "arb", "mra"} & set(proposal.raised):
        return []
    return ["Exclude pregnancy first: the record's silence about it is no exclusion."]


def _symptoms(proposal: Proposal) -> list[str]:
    """Say what the drugs that are started or raised do to whom they do not suit."""
    told = {
        "acei": "dry cough, swelling of face or tongue (stop at once)",
        "arb": "dizziness",
        "ccb": "ankle swelling",
        "thiazide": "gout, thirst, weakness (low sodium or potassium)",
        "beta_blocker": f"tiredness, heart rate below {LIMITS.heart_rate_low_bpm:g} a minute",
        "mra": "breast tenderness, weakness (high potassium)",
    }
    words = [f"{proposal.formulary.drugs[CLASSES.index(k)]}: {told[k]}" for k in proposal.raised]
    return [f"Ask for {'; '.join(words)}."] if words else []


def limits_for(proposal: Proposal) -> tuple[str, ...]:
    """Return what the contraindications changed of what the policy asked."""
    if not proposal.rules:
        return (f"None of the {len(RULES)} contraindication rules changed what the policy asked.",)
    return tuple(f"Not given as asked: {text}" for text in proposal.rules)
