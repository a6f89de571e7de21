"""Who is treated for high blood pressure: people together with what they take at entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population import Patients, concatenate, load_population
from ..physiology.pressure_people import GROUPS, PressureSpec, sample_pressure, spec_of
from ..physiology.streams import PURPOSES, stream
from .contraindication import Screen, make_chart
from .formulary import CLASSES, Formulary

Levels = NDArray[np.int64]

NAMED: Final = "hypertension_30"
VIRTUAL_KEYS: Final = {"population", "groups", "size", "purpose", "seed", "people", "entry"}
VIRTUAL_SIZE: Final = 512

ENTRY_SHARES: Final = (0.4, 0.3, 0.2, 0.1)
"""Shares of people who enter on 0, 1, 2 and 3 drugs: a project choice; trials bring their own."""
# In which order the classes were begun: a RAS blocker, calcium blocker and thiazide in any order.
_ORDERS: Final = (
    ("acei", "ccb", "thiazide", "beta_blocker"),
    ("arb", "ccb", "thiazide", "beta_blocker"),
    ("ccb", "acei", "thiazide", "beta_blocker"),
    ("thiazide", "acei", "ccb", "beta_blocker"),
    ("ccb", "arb", "thiazide", "beta_blocker"),
    ("beta_blocker", "thiazide", "ccb", "acei"),
)
_ORDER_SHARES: Final = (0.3, 0.15, 0.2, 0.15, 0.1, 0.1)


@dataclass(frozen=True)
class PressureCohort:
    """People and their regimens at entry; rows correspond.

    Parameters
    ----------
    patients : Patients
        Of ``dosegym_bp_2026``.
    entry : array (B, 6) of int
        Level of each class in ``formulary``.
    formulary : Formulary
    """

    patients: Patients
    entry: Levels
    formulary: Formulary

    def __len__(self) -> int:
        return len(self.patients)

    def take(self, positions: Sequence[int] | range) -> PressureCohort:
        """Return the people at these positions, in this order."""
        where = list(positions)
        return PressureCohort(self.patients.take(where), self.entry[where], self.formulary)


def entry_regimens(
    patients: Patients, formulary: Formulary, shares: Sequence[float] = ENTRY_SHARES
) -> Levels:
    """Return what people take when they come, (B, 6) levels, from their own traits.

    Parameters
    ----------
    patients : Patients
    formulary : Formulary
    shares : sequence of float
        Of people on 0, 1, 2, ... drugs, up to 4; they add up to 1.

    Returns
    -------
    array (B, 6)
        Each drug at half or whole standard dose; none that the chart forbids.

    Raises
    ------
    InputError
        If the shares are none.
    """
    try:
        parts = np.asarray(shares, dtype=np.float64)
    except (TypeError, ValueError):
        parts = np.empty((0, 0))
    if parts.ndim != 1 or not 1 <= len(parts) <= 5 or not (parts >= 0).all():
        raise InputError(f"entry is {shares!r}; give shares of people on 0 to at most 4 drugs")
    if abs(parts.sum() - 1.0) > 1e-6:
        raise InputError(f"entry shares {list(shares)} add up to {parts.sum():g}; make it 1")
    c = patients.covariates
    n = len(patients)
    count = np.searchsorted(np.cumsum(parts)[:-1], c["entry_trait"], side="right")
    order = np.searchsorted(np.cumsum(_ORDER_SHARES)[:-1], c["entry_order"], side="right")
    slots = np.array([[CLASSES.index(kind) for kind in kinds] for kinds in _ORDERS])[order]
    half = np.array([formulary.nearest_level(s, 0.5) for s in range(len(CLASSES))])
    whole = np.array([formulary.nearest_level(s, 1.0) for s in range(len(CLASSES))])
    level = np.where(c["entry_dose"][:, None] < 0.5, half, whole)
    entry = np.zeros((n, len(CLASSES)), dtype=np.int64)
    for place in range(slots.shape[1]):
        rows = np.flatnonzero(count > place)
        entry[rows, slots[rows, place]] = level[rows, slots[rows, place]]
    chart = make_chart(
        n, c["pregnant"], c["asthma"], c["heart_block"], c["angioedema"],
        patients.params[:, _HR0], patients.params[:, _K0], 140.0, c["egfr0"],
    )  # fmt: skip
    return Screen(formulary).enforce(entry, entry, chart)[0]


def _column(name: str) -> int:
    from ..physiology.pressure_quantities import Params

    return Params._fields.index(name)


_HR0, _K0 = _column("HR0"), _column("K0")


def cohort_of_people(
    patients: Patients, formulary: Formulary, shares: Sequence[float] = ENTRY_SHARES
) -> PressureCohort:
    """Return people with the regimens they enter on."""
    return PressureCohort(patients, entry_regimens(patients, formulary, shares), formulary)


def pressure_cohort(
    size: int,
    *,
    purpose: str,
    seed: int = 0,
    formulary: Formulary,
    groups: Sequence[str] | None = None,
    people: Mapping[str, Any] | PressureSpec | None = None,
    entry: Sequence[float] = ENTRY_SHARES,
) -> PressureCohort:
    """Draw independent virtual people from the stream of one purpose.

    Raises
    ------
    InputError
        If the purpose is unknown (purposes share no person by construction), or a value is.
    """
    drawn = sample_pressure(size, stream(seed, purpose), spec_of(people), groups)
    return cohort_of_people(drawn, formulary, entry)


def find_pressure_cohort(formulary: Formulary, patient: Any) -> PressureCohort:
    """Return the cohort that a JSON-like ``patient`` names.

    Parameters
    ----------
    formulary : Formulary
    patient : str, list of str or mapping
        A named person (``"person#001"``), a group (``"adult"``, ``"older"``, ``"kidney_disease"``),
        ``"all"``, a list of these, or ``{"population": "virtual", "size": n, "purpose":
        "training", "seed": 0, "groups": [...], "people": {...}, "entry": [...]}`` with ``people``
        as ``PressureSpec`` and ``entry`` the shares of people on 0, 1, ... drugs.

    Raises
    ------
    InputError
        If nobody is meant by it.
    """
    if isinstance(patient, Mapping):
        unknown = set(patient) - VIRTUAL_KEYS
        if unknown or patient.get("population") != "virtual":
            raise InputError(
                f"patient {dict(patient)!r} is not understood; give population 'virtual' with the "
                f"keys {', '.join(sorted(VIRTUAL_KEYS))}; purposes are {', '.join(PURPOSES)}"
            )
        wanted: dict[str, Any] = {"size": VIRTUAL_SIZE, "purpose": "training", **patient}
        del wanted["population"]
        groups, traits = wanted.get("groups"), wanted.get("people")
        if isinstance(groups, str):
            wanted["groups"] = [groups]
        elif groups is not None and not isinstance(groups, (list, tuple)):
            raise InputError(f"groups is {groups!r}; give a list of some of {', '.join(GROUPS)}")
        if traits is not None and not isinstance(traits, (Mapping, PressureSpec)):
            raise InputError(f"people is {traits!r}; give a mapping such as {{'diabetes': 0.3}}")
        return pressure_cohort(wanted.pop("size"), formulary=formulary, **wanted)
    people = load_population(NAMED)
    names = [patient] if isinstance(patient, str) else patient
    if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
        raise InputError(
            f"patient is {patient!r}; give a person's name, a group ({', '.join(GROUPS)}), 'all', "
            "a list of these or a mapping with population 'virtual'"
        )
    if not names:
        raise InputError("patient is an empty list; name at least one person or group")
    parts = [
        people if name == "all" else people.group(name) if name in GROUPS else people[name]
        for name in names
    ]
    return cohort_of_people(concatenate(parts), formulary)
