"""The ``# key: value`` lines of a home blood-pressure CSV: who, which drugs, which labs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..physiology.errors import InputError
from . import fhir_json as fj
from .chart import CONDITIONS, Condition, Medication
from .dosage import DailyDose, dose_in_words
from .drug_names import CLASS_OF
from .fhir_medication import drugs_of, in_mg
from .ucum import in_chart_unit
from .values import number_of, shown

_LABS = {
    "potassium_mmol_l": ("potassium", "mmol/L"),
    "sodium_mmol_l": ("sodium", "mmol/L"),
    "creatinine_mg_dl": ("creatinine", "mg/dL"),
    "creatinine_umol_l": ("creatinine", "umol/L"),
    "egfr": ("egfr", "mL/min/{1.73_m2}"),
    "hba1c_percent": ("hba1c", "%"),
    "total_cholesterol_mg_dl": ("total_cholesterol", "mg/dL"),
    "hdl_mg_dl": ("hdl", "mg/dL"),
    "uacr_mg_g": ("uacr", "mg/g"),
    "weight_kg": ("weight", "kg"),
    "height_cm": ("height", "cm"),
}
_TEXTS = ("subject", "timezone", "sex", "smoker", "age_years", "conditions", "medication")
KEYS = (*_TEXTS, *_LABS)
_LINE = re.compile(r"#\s*([A-Za-z0-9_]+)\s*:\s*(.*)", re.ASCII)
_SUBJECT = re.compile(r"[A-Za-z]{1,8}[-_#]?\d{1,12}", re.ASCII)
_YES, _NO = {"yes", "true", "1"}, {"no", "false", "0"}


class Value(NamedTuple):
    """A laboratory value; a time of None means that the line told no date."""

    name: str
    value: float
    time_s: float | None


@dataclass
class Keys:
    """What the lines of a file say."""

    subject: str | None = None
    timezone: str | None = None
    female: bool | None = None
    smoker: bool | None = None
    age_years: float | None = None
    values: list[Value] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    medications: list[Medication] = field(default_factory=list)
    medications_told: bool = False


def read_keys(lines: Sequence[str]) -> Keys:
    """Read the lines that begin with ``#``; one that is no key is a comment.

    Raises
    ------
    InputError
        When a key is misspelt or its value is no value of it.
    """
    keys = Keys()
    for line in lines:
        match = _LINE.fullmatch(line.strip().strip('",;'))
        if match is None:
            continue
        key, text = match[1].lower(), match[2].strip().strip('",;')
        if key in KEYS:
            _take(key, text, keys)
            continue
        close = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.75)
        if close:
            raise InputError(f"home CSV: the key '{key}' is unknown; did you mean '{close[0]}'?")
    return keys


def _take(key: str, text: str, keys: Keys) -> None:
    if key in _LABS:
        keys.values.append(_value(key, text))
    elif key == "medication":
        keys.medications_told = True
        if text.lower() not in {"none", "no", "keine", "-"}:
            keys.medications += _medications(text)
    elif key == "conditions":
        keys.conditions += [Condition(_condition(name)) for name in _names(text)]
    elif key == "sex":
        keys.female = _one_of(key, text, {"female", "f", "woman"}, {"male", "m", "man"})
    elif key == "smoker":
        keys.smoker = _one_of(key, text, _YES, _NO)
    elif key == "age_years":
        age = number_of(text)
        if age is None or not 0 < age <= 120:
            raise InputError(f"home CSV: age_years is {text[:20]!r}; write a number up to 120")
        keys.age_years = age
    elif key == "timezone":
        keys.timezone = text
    elif key == "subject" and _SUBJECT.fullmatch(text):
        keys.subject = text


def _value(key: str, text: str) -> Value:
    """Read ``4.3`` or ``4.3 @ 2026-01-12``."""
    name, unit = _LABS[key]
    number, _, when = text.partition("@")
    value, why = in_chart_unit(name, number_of(number), unit)
    if why:
        raise InputError(f"home CSV: {key} is {number.strip()[:20]!r} ({why}); mend the line")
    time = fj.instant(when) if when.strip() else None
    if when.strip() and time is None:
        raise InputError(f"home CSV: {key} has the date {when.strip()[:20]!r}; write 2026-01-31")
    return Value(name, value, time)


def _medications(text: str) -> list[Medication]:
    """Read ``lisinopril 10 mg, 1 tablet daily since 2026-01-05``."""
    what, _, since = re.sub(r"\s+since\s+", "@", text, flags=re.IGNORECASE).partition("@")
    start = fj.instant(since) if since.strip() else None
    if since.strip() and start is None:
        raise InputError(
            f"home CSV: the medication line has the date {since.strip()[:20]!r}; write 2026-01-31"
        )
    drugs = drugs_of(what, [])
    if not drugs:
        raise InputError(
            f"home CSV: medication is {what.strip()[:40]!r}, which names no drug that is known; "
            "write the generic name, such as 'lisinopril 10 mg once daily', or 'none'"
        )
    dose = dose_in_words(what.partition(",")[2] or what)
    if dose.tablets is not None:
        dose = DailyDose(tablets=dose.tablets)  # the mg of the line are then one tablet's
    known = []
    for name, strength in drugs:
        daily, why = in_mg(strength, dose, len(drugs) == 1)
        known.append(Medication(name, CLASS_OF[name], strength, daily, "active", start, None, why))
    return known


def _names(text: str) -> list[str]:
    words = [word.strip().lower().replace(" ", "_") for word in re.split(r"[,;]", text)]
    return [word for word in words if word and word != "none"]


def _condition(name: str) -> str:
    if name not in CONDITIONS:
        raise InputError(
            f"home CSV: the condition '{shown(name, 30)}' is unknown; use "
            f"{', '.join(CONDITIONS)} or none"
        )
    return name


def _one_of(key: str, text: str, yes: set[str], no: set[str]) -> bool:
    word = text.lower()
    if word not in yes | no:
        raise InputError(
            f"home CSV: {key} is {text[:20]!r}; use {sorted(yes)[0]} or {sorted(no)[0]}"
        )
    return word in yes
