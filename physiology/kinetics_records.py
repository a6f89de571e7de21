"""Records of drug kinetics: one drug's published parameters, and where each comes from."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from .errors import InputError

STATUSES: Final = ("published", "label", "unverified", "choice")
DRIVERS: Final = ("concentration", "excretion")
MOIETIES: Final = ("parent", "metabolite")
_POSITIVE: Final = ("clearance_l_h", "volume_l", "absorption_per_h", "peripheral_l")
_METABOLITE: Final = ("metabolite_share", "metabolite_clearance_l_h", "metabolite_volume_l")


@dataclass(frozen=True)
class Fact:
    """One row of the table: a parameter of a drug, its status and source."""

    drug: str
    parameter: str
    value: str
    unit: str
    status: str
    source: str


@dataclass(frozen=True)
class Kinetics:
    """One drug's kinetics in the typical person, and how people differ.

    Units stand in the names; ``log_sd`` is the spread between people of a parameter's natural
    logarithm. Clearance and volume are apparent where ``bioavailability`` is 1. ``driver`` is what
    the exposure measures: the ``concentration`` of the ``moiety`` (``parent`` or ``metabolite``),
    or the ``excretion`` (all that is eliminated), for diuretics that act from the tubule.
    """

    drug: str
    clearance_l_h: float
    volume_l: float
    absorption_per_h: float
    driver: str = "concentration"
    moiety: str = "parent"
    bioavailability: float = 1.0
    renal_clearance_per_crcl: float = 0.0
    lag_h: float = 0.0
    exchange_l_h: float = 0.0
    peripheral_l: float = 1.0
    metabolite_share: float = 0.0
    metabolite_clearance_l_h: float = 0.0
    metabolite_volume_l: float = 1.0
    weight_reference_kg: float = 70.0
    clearance_weight_exponent: float = 0.0
    volume_weight_exponent: float = 0.0
    peripheral_weight_exponent: float = 0.0
    age_reference_years: float = 60.0
    clearance_age_exponent: float = 0.0
    crcl_reference_ml_min: float = 100.0
    clearance_crcl_exponent: float = 0.0
    creatinine_reference_mg_dl: float = 1.0
    clearance_creatinine_exponent: float = 0.0
    clearance_female_factor: float = 1.0
    cyp2d6_poor_auc: float = 1.0
    cyp2d6_poor_half_life: float = 1.0
    cyp2d6_ultrarapid_auc: float = 1.0
    cyp2d6_ultrarapid_half_life: float = 1.0
    clearance_log_sd: float = 0.0
    volume_log_sd: float = 0.0
    absorption_log_sd: float = 0.0
    facts: tuple[Fact, ...] = ()

    def __post_init__(self) -> None:
        if self.driver not in DRIVERS or self.moiety not in MOIETIES:
            raise InputError(
                f"{self.drug} has driver {self.driver!r} and moiety {self.moiety!r}; "
                f"give one of {', '.join(DRIVERS)} and of {', '.join(MOIETIES)}"
            )
        for name in _POSITIVE + _METABOLITE * (self.moiety == "metabolite"):
            if not 0.0 < getattr(self, name) < float("inf"):
                raise InputError(
                    f"{self.drug} has {name} {getattr(self, name):g}; give a number above 0"
                )

    def with_status(self, status: str) -> tuple[str, ...]:
        """Return the parameters whose value has this status, e.g. ``unverified``."""
        return tuple(fact.parameter for fact in self.facts if fact.status == status)


@lru_cache(maxsize=1)
def load_facts() -> tuple[Fact, ...]:
    """Return every row of the table ``antihypertensive_kinetics.csv``."""
    name = "antihypertensive_kinetics.csv"
    text = resources.files("dosegym.physiology.data").joinpath(name).read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(Fact(**row) for row in rows)


@lru_cache(maxsize=64)
def load_kinetics(drug: str) -> Kinetics:
    """Return the kinetics of a drug by its lower-case name.

    Raises
    ------
    InputError
        If the table has no such drug.
    """
    facts = tuple(fact for fact in load_facts() if fact.drug == drug)
    if not facts:
        known = ", ".join(dict.fromkeys(fact.drug for fact in load_facts()))
        raise InputError(f"drug {drug!r} has no kinetics; choose one of {known}")
    text = {f.name for f in fields(Kinetics) if f.type == "str"}
    values: dict[str, Any] = {
        fact.parameter: fact.value if fact.parameter in text else float(fact.value)
        for fact in facts
    }
    return Kinetics(drug=drug, facts=facts, **values)
