"""FHIR MedicationRequest and MedicationStatement into drugs with strength and daily dose.

A prescription that does not say how much is taken in a day has an unknown dose, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from . import clock
from . import fhir_json as fj
from .chart import Medication
from .dosage import DailyDose, dose_in_words, strengths_mg, times_a_day
from .drug_names import CLASS_OF, RXNORM, names_in
from .fhir_json import RXNORM as RXNORM_SYSTEM
from .fhir_json import Resource
from .quality import Ledger
from .values import number_of

MOST_TABLETS = 12.0
"""Ours: more of one tablet in a day is a slip of the pen."""
KINDS = ("MedicationRequest", "MedicationStatement")
_IGNORED_STATUS = frozenset({"entered-in-error", "draft", "cancelled", "not-taken", "intended"})
_IGNORED_INTENT = frozenset({"proposal", "plan", "option"})
_STATUS = {"active": "active", "on-hold": "on-hold", "unknown": "unknown", "": "unknown"}
_TABLET = re.compile(
    r"^(?:\{?(?:tbl|tab(?:let)?s?|caps?(?:ule)?s?|pills?|each|ea|unit dose)\}?|1)$", re.IGNORECASE
)
_TIMING_CODES = {
    "QD": 1.0, "BID": 2.0, "TID": 3.0, "QID": 4.0, "AM": 1.0, "PM": 1.0, "BED": 1.0,
    "Q24H": 1.0, "Q12H": 2.0, "Q8H": 3.0, "Q6H": 4.0,
}  # fmt: skip

Resolve = Callable[[str], Resource]


def read_medication(resource: Resource, resolve: Resolve, ledger: Ledger) -> list[Medication]:
    """Return the ingredients of one prescription that bear on blood pressure.

    Parameters
    ----------
    resource : mapping
        A MedicationRequest or MedicationStatement.
    resolve : callable
        From a reference to the resource it names, or an empty mapping.
    ledger : Ledger
        Told what was left out.
    """
    ledger.see("medication")
    start_s, end_s = _period(resource)
    example = "no date" if start_s is None else clock.utc_text(start_s)
    status = fj.word(resource, "status")
    if status in _IGNORED_STATUS or fj.word(resource, "intent") in _IGNORED_INTENT:
        ledger.drop("medication", "not a valid order (status or intent)", example)
        return []
    if resource.get("doNotPerform") is True:
        ledger.drop("medication", "an order not to give the drug", example)
        return []
    text, codes = _named(resource, resolve)
    drugs = drugs_of(text, codes)
    if not drugs:
        why = "not a drug that bears on blood pressure" if text or codes else "names no drug"
        ledger.drop("medication", why, example)
        return []
    dose = _daily(resource)
    alone = len(drugs) == 1
    return [
        _ingredient(name, strength, dose, alone, (_STATUS.get(status, "stopped"), start_s, end_s))
        for name, strength in drugs
    ]


def read_administration(resource: Resource, resolve: Resolve, ledger: Ledger) -> list[Medication]:
    """Return the ingredients of one drug that was given, of which the dose a day is unknown.

    Parameters
    ----------
    resource : mapping
        A MedicationAdministration.
    resolve : callable
        From a reference to the resource it names, or an empty mapping.
    ledger : Ledger
        Told what was left out.
    """
    ledger.see("medication")
    period = fj.part(resource, "effectivePeriod")
    texts = (fj.word(resource, "effectiveDateTime"), fj.word(period, "end"))
    times = [*map(fj.instant, filter(None, (*texts, fj.word(period, "start")))), None]
    at_s = times[0]
    where = "no date" if at_s is None else clock.utc_text(at_s)
    if fj.word(resource, "status") not in {"completed", "in-progress", "stopped"}:
        ledger.drop("medication", "not given (status)", where)
        return []
    text, codes = _named(resource, resolve)
    drugs = drugs_of(text, codes)
    if not drugs:
        why = "not a drug that bears on blood pressure" if text or codes else "names no drug"
        ledger.drop("medication", why, where)
    ledger.see("medication", max(len(drugs) - 1, 0))
    return [
        Medication(
            drug=name,
            drug_class=CLASS_OF[name],
            strength_mg=strength,
            daily_mg=None,
            status="stopped",
            start_s=at_s,
            end_s=at_s,
            why_unknown="dose unknown: one administration tells no dose a day",
        )
        for name, strength in drugs
    ]


def drugs_of(text: str, codes: list[str]) -> list[tuple[str, float | None]]:
    """Return the drugs that a text (or, for want of one, an RxNorm code) names, with mg a tablet.

    Parameters
    ----------
    text : str
    codes : list of str, RxNorm
    """
    found: list[tuple[str, float | None]] = []
    for piece in re.split(r" / | \+ ", " ".join(text.split())):
        names, strengths = names_in(piece), strengths_mg(piece)
        for name in names:
            single = len(names) == 1 and len(strengths) == 1
            if name not in [known for known, _ in found]:
                found.append((name, strengths[0] if single else None))
    return found or [RXNORM[code] for code in codes if code in RXNORM][:1]


def _ingredient(
    name: str,
    strength: float | None,
    dose: DailyDose,
    alone: bool,
    when: tuple[str, float | None, float | None],
) -> Medication:
    daily, why = in_mg(strength, dose, alone)
    status, start_s, end_s = when
    return Medication(
        drug=name,
        drug_class=CLASS_OF[name],
        strength_mg=strength,
        daily_mg=daily,
        status=status,
        start_s=start_s,
        end_s=end_s,
        why_unknown=why,
    )


def in_mg(strength: float | None, dose: DailyDose, alone: bool) -> tuple[float | None, str]:
    """Return the mg a day, or why it is unknown."""
    if dose.tablets is None and dose.mg is None:
        return None, dose.why or "no dosage is given"
    if dose.tablets is None:
        if alone:
            return dose.mg, ""
        return None, "the dosage tells mg of a combination of drugs"
    if strength is None:
        return None, "the strength of the tablet is not given"
    if dose.tablets > MOST_TABLETS:
        return None, f"{dose.tablets:g} tablets a day are beyond reason"
    daily = dose.tablets * strength
    if dose.mg is not None and alone and abs(dose.mg - daily) > 1e-6 * daily:
        return None, "tablets and mg of the dosage do not agree"
    return daily, ""


def _named(resource: Resource, resolve: Resolve) -> tuple[str, list[str]]:
    """Return the drug's text and RxNorm codes, by concept or by reference."""
    concept: Mapping[str, Any] = fj.part(resource, "medicationCodeableConcept")
    reference = fj.part(resource, "medicationReference")
    display = fj.word(reference, "display")
    if not concept and reference:
        concept = fj.part(resolve(fj.word(reference, "reference")), "code")
    texts = [fj.word(concept, "text"), *(item.display for item in fj.codings(concept)), display]
    text = next((item for item in texts if names_in(item)), next(filter(None, texts), ""))
    return text, fj.code_in(concept, RXNORM_SYSTEM)


def _period(resource: Resource) -> tuple[float | None, float | None]:
    """Return when a prescription begins and ends, as far as it says."""
    validity = fj.part(resource, "dispenseRequest", "validityPeriod")
    taken = fj.part(resource, "effectivePeriod")
    bounds = [
        fj.part(row, "timing", "repeat", "boundsPeriod")
        for row in [*fj.parts(resource, "dosageInstruction"), *fj.parts(resource, "dosage")]
    ]
    starts = [
        fj.word(taken, "start"),
        fj.word(resource, "effectiveDateTime"),
        fj.word(resource, "authoredOn"),
        fj.word(resource, "dateAsserted"),
    ]
    ends = [fj.word(taken, "end"), *(fj.word(row, "end") for row in bounds)]
    ends.append(fj.word(validity, "end"))
    start = next((time for time in map(fj.instant, filter(None, starts)) if time), None)
    end = next((time for time in map(fj.instant, filter(None, ends)) if time), None)
    return start, end


def _daily(resource: Resource) -> DailyDose:
    """Return the amount a day that the dosages of a prescription add up to."""
    rows = [*fj.parts(resource, "dosageInstruction"), *fj.parts(resource, "dosage")]
    if not rows:
        return DailyDose(why="no dosage is given")
    doses = [_one_dosage(row) for row in rows]
    unknown = next((dose for dose in doses if dose.tablets is None and dose.mg is None), None)
    if unknown is not None or len(doses) == 1:
        return unknown or doses[0]
    orders = {row.get("sequence") for row in rows if isinstance(row.get("sequence"), int)}
    if len(orders) > 1:
        return DailyDose(why="the dosage changes in steps")
    if all(dose.tablets is not None for dose in doses):
        return DailyDose(tablets=sum(dose.tablets or 0.0 for dose in doses))
    if all(dose.tablets is None for dose in doses):
        return DailyDose(mg=sum(dose.mg or 0.0 for dose in doses))
    return DailyDose(why="the dosages mix tablets and mg")


def _one_dosage(row: Resource) -> DailyDose:
    if row.get("asNeededBoolean") is True or fj.part(row, "asNeededCodeableConcept"):
        return DailyDose(why="it is taken as needed")
    amounts = fj.parts(row, "doseAndRate")
    repeat = fj.part(row, "timing", "repeat")
    if not amounts and not repeat:
        return dose_in_words(fj.word(row, "text"))
    if len(amounts) != 1 or not fj.part(amounts[0], "doseQuantity"):
        words = dose_in_words(fj.word(row, "text"))
        known = words.tablets is not None or words.mg is not None
        return words if known else DailyDose(why="the dosage gives no single amount")
    times = _times(row, repeat)
    if times is None:
        return DailyDose(why="the dosage says no plain daily frequency")
    value, unit = fj.amount(amounts[0]["doseQuantity"])
    if value is None or value <= 0:
        return DailyDose(why="the dosage gives no single amount")
    if unit.lower() == "mg":
        return DailyDose(mg=value * times)
    if unit and _TABLET.match(unit):
        return DailyDose(tablets=value * times)
    why = f"the amount's unit is {unit[:16]!r}" if unit else "the amount has no unit"
    return DailyDose(why=why)


def _times(row: Resource, repeat: Resource) -> float | None:
    """Return the times a day that a timing tells; None where it is a range or no daily one."""
    if any(name in repeat for name in ("frequencyMax", "periodMax", "dayOfWeek", "count")):
        return None
    frequency = number_of(repeat.get("frequency"))
    period = number_of(repeat.get("period"))
    if period is not None:
        return times_a_day(
            1.0 if frequency is None else frequency, period, fj.word(repeat, "periodUnit")
        )
    codes = [item.code.upper() for item in fj.codings(fj.part(row, "timing", "code"))]
    return next((_TIMING_CODES[code] for code in codes if code in _TIMING_CODES), None)
