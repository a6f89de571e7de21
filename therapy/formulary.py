"""Antihypertensive tablets: which drug stands in each class, in which strengths.

Doses are compared in standard doses, Law 2003's usual maintenance dose of each drug
(BMJ 2003;326:1427, doi:10.1136/bmj.326.7404.1427). A level is a position in a drug's list of daily
doses, 0 meaning that it is not taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

CLASSES: Final = ("acei", "arb", "ccb", "thiazide", "beta_blocker", "mra")
CLASS_NAMES: Final = MappingProxyType(
    {
        "acei": "ACE inhibitor",
        "arb": "angiotensin receptor blocker",
        "ccb": "calcium channel blocker",
        "thiazide": "thiazide or thiazide-like diuretic",
        "beta_blocker": "beta-blocker",
        "mra": "mineralocorticoid receptor antagonist",
    }
)


@dataclass(frozen=True)
class Drug:
    """One antihypertensive drug.

    Parameters
    ----------
    name, drug_class : str
    standard_mg : float
        Daily dose (mg) that counts as one standard dose.
    doses_mg : tuple of float
        Daily doses (mg) that tablets, or their halves, give; rising.
    source : str
        Where standard dose and strengths come from.
    """

    name: str
    drug_class: str
    standard_mg: float
    doses_mg: tuple[float, ...]
    source: str


_LAW = "Law 2003 (BMJ 326:1427), usual maintenance dose; strengths of marketed tablets"


def _drug(name: str, kind: str, standard: float, *doses: float, source: str = _LAW) -> Drug:
    return Drug(name, kind, standard, doses, source)


_LIST = (
    _drug("lisinopril", "acei", 10.0, 2.5, 5.0, 10.0, 20.0, 40.0),
    _drug("losartan", "arb", 50.0, 12.5, 25.0, 50.0, 100.0),
    _drug("telmisartan", "arb", 40.0, 10.0, 20.0, 40.0, 80.0),
    _drug("irbesartan", "arb", 150.0, 37.5, 75.0, 150.0, 300.0),
    _drug("amlodipine", "ccb", 5.0, 1.25, 2.5, 5.0, 10.0),
    _drug("hydrochlorothiazide", "thiazide", 25.0, 6.25, 12.5, 25.0, 50.0),
    _drug(
        "chlorthalidone", "thiazide", 12.5, 6.25, 12.5, 25.0,
        source="Peterzan 2012 (doi:10.1161/HYPERTENSIONAHA.111.185637): 8.6 mg lowers systolic "
        "pressure as 26.4 mg of hydrochlorothiazide do; 12.5 mg, the nearest tablet, is one "
        "standard dose (project choice; Law 2003 lists 25 mg)",
    ),
    _drug("indapamide", "thiazide", 2.5, 0.625, 1.25, 2.5, 5.0),
    _drug("bisoprolol", "beta_blocker", 10.0, 2.5, 5.0, 10.0, 20.0),
    _drug("metoprolol", "beta_blocker", 100.0, 25.0, 50.0, 100.0, 200.0),
    _drug("atenolol", "beta_blocker", 50.0, 12.5, 25.0, 50.0, 100.0),
    _drug(
        "spironolactone", "mra", 25.0, 12.5, 25.0, 50.0,
        source="PATHWAY-2 (doi:10.1016/S0140-6736(15)00257-3): 25 mg, then 50 mg a day",
    ),
)  # fmt: skip
DRUGS: Final = MappingProxyType({drug.name: drug for drug in _LIST})

DEFAULT: Final = MappingProxyType(
    {
        "acei": "lisinopril",
        "arb": "losartan",
        "ccb": "amlodipine",
        "thiazide": "chlorthalidone",
        "beta_blocker": "bisoprolol",
        "mra": "spironolactone",
    }
)


@dataclass(frozen=True)
class Formulary:
    """One drug a class: what the levels of a regimen mean.

    Parameters
    ----------
    drugs : tuple of str
        A name of ``DRUGS`` for each of ``CLASSES``, in their order.
    """

    drugs: tuple[str, ...]

    @cached_property
    def levels(self) -> tuple[int, ...]:
        """Levels of each class, none included: the ``nvec`` of the action space."""
        return tuple(len(DRUGS[name].doses_mg) + 1 for name in self.drugs)

    @cached_property
    def mg(self) -> Array:
        """Daily dose (mg) by class and level, (6, most levels); zero beyond a drug's levels."""
        table = np.zeros((len(CLASSES), max(self.levels)))
        for slot, name in enumerate(self.drugs):
            doses = DRUGS[name].doses_mg
            table[slot, 1 : len(doses) + 1] = doses
        return table

    @cached_property
    def standard(self) -> Array:
        """Daily dose in standard doses by class and level, (6, most levels)."""
        usual = np.array([DRUGS[name].standard_mg for name in self.drugs])
        return np.asarray(self.mg / usual[:, None])

    def mg_of(self, levels: NDArray[np.int64]) -> Array:
        """Return the daily mg (..., 6) of regimens (..., 6)."""
        return self.mg[np.arange(len(CLASSES)), levels]

    def standard_of(self, levels: NDArray[np.int64]) -> Array:
        """Return the daily standard doses (..., 6) of regimens (..., 6)."""
        return self.standard[np.arange(len(CLASSES)), levels]

    def nearest_level(self, slot: int, standard_doses: float) -> int:
        """Return the level of a class whose dose is nearest in standard doses; 0 for none."""
        if standard_doses <= 0.0:
            return 0
        doses = self.standard[slot, 1 : self.levels[slot]]
        return 1 + int(np.argmin(np.abs(np.log(doses / standard_doses))))

    def level_of(self, drug: str, mg: float) -> tuple[int, int]:
        """Return (slot, level) of a daily dose.

        Raises
        ------
        InputError
            If the drug is not of this formulary or has no such dose.
        """
        if drug not in self.drugs:
            raise InputError(
                f"drug {drug!r} is not of this formulary; it has {', '.join(self.drugs)}"
            )
        doses = DRUGS[drug].doses_mg
        if mg not in doses:
            known = ", ".join(f"{d:g}" for d in doses)
            raise InputError(f"{drug} has no dose of {mg:g} mg a day; its doses are {known} mg")
        return self.drugs.index(drug), 1 + doses.index(mg)

    def words(self, levels: Sequence[int] | NDArray[np.int64]) -> str:
        """Return one regimen as text, e.g. ``lisinopril 10 mg + amlodipine 5 mg``."""
        parts = [
            f"{self.drugs[slot]} {self.mg[slot, int(level)]:g} mg"
            for slot, level in enumerate(levels)
            if level
        ]
        return " + ".join(parts) or "no drug"


def load_formulary(spec: Any = "default") -> Formulary:
    """Return a formulary from JSON-like input.

    Parameters
    ----------
    spec : "default", mapping of class to drug, sequence of six drugs, or Formulary
        A mapping changes the default in the classes it names.

    Raises
    ------
    InputError
        Naming an unknown class or drug, or a drug in the wrong class.
    """
    if isinstance(spec, Formulary):
        return spec
    if isinstance(spec, str) and spec == "default":
        chosen: dict[str, Any] = dict(DEFAULT)
    elif isinstance(spec, Mapping):
        unknown = [name for name in spec if name not in CLASSES]
        if unknown:
            raise InputError(
                f"formulary names class {unknown[0]!r}; the classes are {', '.join(CLASSES)}"
            )
        chosen = {**DEFAULT, **spec}
    elif isinstance(spec, (list, tuple)) and len(spec) == len(CLASSES):
        chosen = dict(zip(CLASSES, spec, strict=True))
    else:
        raise InputError(
            f"formulary is {spec!r}; give 'default' or a mapping such as {{'arb': 'telmisartan'}}"
        )
    for kind, name in chosen.items():
        known = [d.name for d in _LIST if d.drug_class == kind]
        if name not in known:
            raise InputError(f"formulary {kind} is {name!r}; choose one of {', '.join(known)}")
    return Formulary(tuple(chosen[kind] for kind in CLASSES))
