"""Whether a record of high blood pressure holds enough to recommend anything from it.

The gates are data, each with its source; each shortfall is one line that says how to mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from .chart import DAY_S, Chart, PressureRecord
from .chart_at import disputed_drugs, last_change
from .drug_names import PRESSURE_CLASSES
from .limits import Limit
from .pressure_series import Pressures
from .pressure_window import best_readings, mean_of

ADULT: Final = Limit(18, 120, "years", "ours: the model is of adults")


LABS_WITHIN_DAYS: Final = 365.0
"""Ours, from the yearly check of potassium and creatinine that guidelines ask for on treatment."""
LABS_WATCHED: Final = (
    "acei",
    "arb",
    "arni",
    "mra",
    "potassium_sparing",
    "renin_inhibitor",
    "thiazide",
    "loop_diuretic",
)
"""Classes after whose start or change potassium and creatinine are due (2 to 4 weeks)."""


@dataclass(frozen=True)
class PressureSufficiency:
    """What a record is good for.

    Parameters
    ----------
    reasons_insufficient : tuple of str
        Why nothing may be recommended, one line each; empty where it may.
    setting : str
        The readings that count, the best of those that suffice; empty where none do.
    readings : Pressures
        Those readings.
    sbp, dbp : float or None, mmHg
        Their mean.
    at_s : float, seconds since 1970 UTC
    """

    reasons_insufficient: tuple[str, ...]
    setting: str
    readings: Pressures
    sbp: float | None
    dbp: float | None
    at_s: float

    @property
    def enough(self) -> bool:
        """Whether something may be recommended."""
        return not self.reasons_insufficient


def assess_pressure(record: PressureRecord, at_s: float | None = None) -> PressureSufficiency:
    """Judge a record.

    Parameters
    ----------
    record : PressureRecord
    at_s : float, seconds since 1970 UTC, optional
        When the recommendation is made; the record's end by default.

    Returns
    -------
    PressureSufficiency
    """
    when = record.last_s if at_s is None else at_s
    chart = record.chart(when)
    changed = last_change(record.medications, when, PRESSURE_CLASSES)
    setting, readings, short = best_readings(record.readings, when, changed)
    reasons = [
        *_person_reasons(record),
        *short,
        *_drug_reasons(record, chart),
        *_lab_reasons(record, chart),
    ]
    return PressureSufficiency(
        reasons_insufficient=tuple(reasons),
        setting=setting,
        readings=readings,
        sbp=mean_of(readings.sbp, readings),
        dbp=mean_of(readings.dbp, readings),
        at_s=when,
    )


def _person_reasons(record: PressureRecord) -> list[str]:
    person = record.person
    reasons = []
    if person.deceased:
        reasons.append("person: the record says that the person has died; nothing to recommend")
    if person.age_years is None:
        reasons.append("age: it is not in the record; add the birth date or age_years")
    elif not ADULT.holds(person.age_years):
        reasons.append(
            f"age: {person.age_years:.0f} years, the blood-pressure model is of adults from "
            f"{ADULT.low:g} years on"
        )
    if person.female is None:
        reasons.append("sex: it is not in the record; add female or male")
    return reasons


def _drug_reasons(record: PressureRecord, chart: Chart) -> list[str]:
    if not record.medications_told:
        return [
            "medication: the record says nothing of drugs, not even that there are none; add the "
            "medication list, or '# medication: none'"
        ]
    reasons = [
        f"dose unknown: {drug.drug}"
        + (f" {drug.strength_mg:g} mg" if drug.strength_mg is not None else "")
        + f" ({drug.why_unknown}); add how much is taken in a day"
        for drug in chart.drugs
        if drug.drug_class in PRESSURE_CLASSES and not drug.dose_known
    ]
    reasons += [
        f"medication: whether {drug.drug} is taken is not told (status unknown); set its status"
        for drug in chart.drugs
        if drug.drug_class in PRESSURE_CLASSES and drug.status == "unknown"
    ]
    reasons += [
        f"medication: active prescriptions of {name} differ in dose; stop the one not taken"
        for name in disputed_drugs(record.medications, chart.at_s)
        if any(drug.drug == name and drug.drug_class in PRESSURE_CLASSES for drug in chart.drugs)
    ]
    unread = sum(
        item.count for item in record.dropped if item.reason == "medication: names no drug"
    )
    if unread:
        reasons.append(f"medication: {unread} orders name no drug; add the drug's code or name")
    return reasons


def _lab_reasons(record: PressureRecord, chart: Chart) -> list[str]:
    reasons = []
    changed = last_change(record.medications, chart.at_s, LABS_WATCHED)
    since = np.inf if changed is None else (chart.at_s - changed) / DAY_S
    needs: Sequence[tuple[str, tuple[str, ...]]] = (
        ("potassium", ("potassium",)),
        ("creatinine or eGFR", ("creatinine", "egfr")),
    )
    for words, names in needs:
        ages = [chart.age_days[name] for name in names if name in chart.age_days]
        if not ages:
            reasons.append(f"{words}: the record holds no value; order it")
        elif min(ages) > LABS_WITHIN_DAYS:
            reasons.append(
                f"{words}: the newest value is {min(ages):.0f} days old, at most "
                f"{LABS_WITHIN_DAYS:g} are allowed; order it again"
            )
        elif min(ages) > since:
            reasons.append(
                f"{words}: no value since a drug that changes it was begun or changed "
                f"{since:.0f} days ago; order it"
            )
    return reasons
