"""The chart: one person's pressures, labs, drugs and conditions, whatever file they came from.

No name, birth date, address or note enters it; the subject is a pseudonym.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from .genotype import Genotype
from .pressure_series import Labs, Pressures
from .quality import Account, Dropped, Rows

DAY_S: Final = 86_400.0

LAB_UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "potassium": "mmol/L",
        "sodium": "mmol/L",
        "creatinine": "mg/dL",
        "egfr": "mL/min/1.73 m2",
        "hba1c": "%",
        "glucose": "mg/dL",
        "total_cholesterol": "mg/dL",
        "hdl": "mg/dL",
        "ldl": "mg/dL",
        "triglycerides": "mg/dL",
        "uacr": "mg/g",
        "weight": "kg",
        "height": "cm",
        "bmi": "kg/m2",
        "heart_rate": "1/min",
    }
)
"""Every measured quantity but pressure, with the unit it is kept in."""

CONDITIONS: Final = (
    "hypertension",
    "diabetes",
    "ckd",
    "cvd",
    "heart_failure",
    "pregnant",
    "asthma",
    "heart_block",
    "bradycardia",
    "gout",
    "angioedema",
    "orthostatic_hypotension",
    "renal_artery_stenosis",
)
LASTING: Final = frozenset({"angioedema", "cvd", "heart_failure", "renal_artery_stenosis"})
"""Conditions that count for ever once they have been: a resolved angioedema still forbids."""

PREGNANCY_DAYS: Final = 300.0
"""An older entry of pregnancy that never ended is a forgotten one (40 weeks are 280 days)."""


@dataclass(frozen=True)
class Person:
    """Who it is, as far as dosing needs it.

    Parameters
    ----------
    age_years : float or None
        At the end of the record; above 89 kept as 90.
    female : bool or None
        None where not known or neither.
    smoker : bool or None
        By the latest entry.
    deceased : bool
    """

    age_years: float | None = None
    female: bool | None = None
    smoker: bool | None = None
    deceased: bool = False


@dataclass(frozen=True)
class Condition:
    """One of ``CONDITIONS`` as the record tells it.

    Parameters
    ----------
    name : str
    start_s, end_s : float or None, seconds since 1970 UTC
    active : bool
    by_text : bool
        Recognised by its wording, for want of a code that is known.
    """

    name: str
    start_s: float | None = None
    end_s: float | None = None
    active: bool = True
    by_text: bool = False


@dataclass(frozen=True)
class Medication:
    """One ingredient of one prescription.

    Parameters
    ----------
    drug : str
        Generic name in lower case.
    drug_class : str
        See :mod:`dosegym.records.drug_names`.
    strength_mg : float or None
        Of one tablet.
    daily_mg : float or None
        Amount taken in a day; None where the record does not say, never a guess.
    status : str
        ``active``, ``stopped``, ``on-hold`` or ``unknown``.
    start_s, end_s : float or None, seconds since 1970 UTC
    why_unknown : str
        Why `daily_mg` is None.
    """

    drug: str
    drug_class: str
    strength_mg: float | None = None
    daily_mg: float | None = None
    status: str = "active"
    start_s: float | None = None
    end_s: float | None = None
    why_unknown: str = ""

    @property
    def dose_known(self) -> bool:
        """Whether the amount a day is known."""
        return self.daily_mg is not None

    def taken_at(self, time_s: float) -> bool:
        """Whether it counts as taken at a time: active or of unknown status, begun, not ended."""
        if self.status not in {"active", "unknown"}:
            return False
        begun = self.start_s is None or self.start_s <= time_s
        return begun and (self.end_s is None or self.end_s > time_s)


@dataclass(frozen=True, eq=False)
class PressureRecord:
    """One person's record of high blood pressure.

    Parameters
    ----------
    subject : str
        A pseudonym; never a name.
    source_format : str
        ``fhir_r4``, ``home_csv`` or ``apple_health``.
    source_sha256 : str
    timezone : str
    person : Person
    readings : Pressures
    labs : mapping of str to Labs
        By the names of ``LAB_UNITS``.
    conditions : tuple of Condition
    medications : tuple of Medication
        Those that bear on pressure, kidney, potassium or risk; others are counted only.
    medications_told : bool
        Whether the record says anything about drugs; an empty list from it then means none.
    intolerances : tuple of str
        Drugs or classes the person does not tolerate.
    last_s : float, seconds since 1970 UTC
        The latest entry of any kind.
    dropped, accounts, notes, rows
        As in :class:`dosegym.records.Timeline`.
    genotype : Genotype or None
        Where one was read beside the record; CYP2D6 then sets the breakdown of metoprolol.
    consent, consent_id : str
        As in :class:`dosegym.records.Timeline`.
    """

    subject: str
    source_format: str
    source_sha256: str
    timezone: str
    person: Person
    readings: Pressures
    labs: Mapping[str, Labs] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    medications: tuple[Medication, ...] = ()
    medications_told: bool = False
    intolerances: tuple[str, ...] = ()
    last_s: float = 0.0
    dropped: tuple[Dropped, ...] = ()
    accounts: tuple[Account, ...] = ()
    notes: tuple[str, ...] = ()
    genotype: Genotype | None = None
    consent: str = ""
    consent_id: str = ""
    rows: Rows = field(default_factory=Rows)

    def chart(self, at_s: float | None = None) -> Chart:
        """Return what is known at a time (seconds since 1970 UTC; the record's end by default)."""
        from .chart_at import chart_at

        return chart_at(self, self.last_s if at_s is None else at_s)


@dataclass(frozen=True)
class Chart:
    """What is known of a person at one time.

    Parameters
    ----------
    at_s : float, seconds since 1970 UTC
    person : Person
    latest : mapping of str to float
        The newest value of each quantity, in the unit of ``LAB_UNITS``. eGFR is CKD-EPI 2021's
        of the newest creatinine, unless a reported one is newer or age or sex is not known.
    age_days : mapping of str to float
        How old each of these values is, days.
    conditions : mapping of str to bool
        Every one of ``CONDITIONS``; False means that the record does not tell it.
    drugs : tuple of Medication
        Taken at that time, one for each drug: the latest prescription.
    intolerances : tuple of str
    """

    at_s: float
    person: Person
    latest: Mapping[str, float]
    age_days: Mapping[str, float]
    conditions: Mapping[str, bool]
    drugs: tuple[Medication, ...]
    intolerances: tuple[str, ...] = ()

    def drugs_of(self, *classes: str) -> tuple[Medication, ...]:
        """Return the drugs of these classes."""
        return tuple(drug for drug in self.drugs if drug.drug_class in classes)
