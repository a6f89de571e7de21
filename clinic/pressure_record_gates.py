"""Gates on a record of pressures: readings, person, doses and blood tests, as its room judges."""

from __future__ import annotations

from typing import Final

from ..records.chart import Chart, PressureRecord
from ..records.drug_names import PRESSURE_CLASSES
from ..records.pressure_sufficiency import (
    LABS_WITHIN_DAYS,
    PressureSufficiency,
    assess_pressure,
)
from .checks import Check, judged

# What each check is about: its title, what is needed, and how a shortfall's line begins.
TOPICS: Final = (
    ("record-readings", "Readings", "enough of one setting, recent, on today's drugs", "pressure"),
    ("record-person", "Person", "age and sex known, an adult", "person age sex"),
    ("record-drugs", "Drugs and doses", "every dose a day known", "medication dose"),
    (
        "record-labs",
        "Potassium and kidney function",
        f"within {LABS_WITHIN_DAYS:g} days, and since the last change that moves them",
        "potassium creatinine",
    ),
)


def record_checks(record: PressureRecord, chart: Chart) -> list[Check]:
    """Return the checks on what a record holds, one for each shortfall, else one a topic."""
    enough = assess_pressure(record)
    found: list[Check] = []
    for id, title, limit, words in TOPICS:
        short = [r for r in enough.reasons_insufficient if r.split()[0].strip(":") in words.split()]
        told = _found(id, enough, chart)
        if not short:
            found.append(judged(id, title, True, told, limit, ""))
        for i, reason in enumerate(short):
            what, _, mend = _bare(reason).partition("; ")
            name = id if i == 0 else f"{id}-{i + 1}"
            found.append(judged(name, title, False, what, limit, mend))
    left = [
        r for r in enough.reasons_insufficient
        if not any(r.split()[0].strip(":") in words.split() for *_, words in TOPICS)
    ]  # fmt: skip
    for i, reason in enumerate(left):
        what, _, mend = reason.partition("; ")
        found.append(judged(f"record-other-{i + 1}", "Record", False, what, "sufficient", mend))
    return found


def _found(id: str, enough: PressureSufficiency, chart: Chart) -> str:
    """Return what there is of a topic that suffices."""
    if id == "record-readings":
        if enough.sbp is None or enough.dbp is None:
            return "none that count"
        mean = f"mean {enough.sbp:.0f}/{enough.dbp:.0f} mmHg"
        return f"{len(enough.readings)} {enough.setting} readings, {mean}"
    if id == "record-person":
        age, female = chart.person.age_years, chart.person.female
        sex = {True: "female", False: "male", None: "sex unknown"}[female]
        return f"{sex}, {age:.0f} years" if age is not None else sex
    if id == "record-drugs":
        told = [
            f"{d.drug} {d.daily_mg:g} mg a day" if d.daily_mg is not None else d.drug
            for d in chart.drugs
            if d.drug_class in PRESSURE_CLASSES
        ]
        return ", ".join(told) or "no drug against high pressure"
    values = [
        f"{name} {chart.latest[name]:.3g} ({chart.age_days[name]:.0f} days old)"
        for name in ("potassium", "creatinine", "egfr")
        if name in chart.latest
    ]
    return ", ".join(values)


def _bare(reason: str) -> str:
    """Return a reason without its topic, where the check's title already says it."""
    for topic in ("pressure", "person", "medication"):
        reason = reason.removeprefix(f"{topic}: ")
    return reason
