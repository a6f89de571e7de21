"""Who is treated: patients together with their usual therapy, as one batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.population import Patients, adopt, concatenate, load_population
from ..physiology.streams import PURPOSES, stream
from .prescription import Prescription, prescribe

VIRTUAL_KEYS = {"population", "groups", "size", "purpose", "seed"}
VIRTUAL_SIZE = 256
NAMED = {"hovorka_2004": "hovorka_30"}
"""Population of the named people, where it is not that of ``uva_padova_2008``."""
GROUPS = ("adult", "adolescent", "child")


@dataclass(frozen=True)
class Cohort:
    """Patients and the therapy each is on; rows correspond."""

    patients: Patients
    therapy: Prescription

    def __len__(self) -> int:
        return len(self.patients)

    def take(self, positions: Sequence[int] | range) -> Cohort:
        """Return the people at these positions, in this order."""
        return Cohort(self.patients.take(positions), self.therapy.take(positions))


def cohort_of(model: Model, patients: Patients) -> Cohort:
    """Return patients, of the model or of one it extends, with their usual therapy."""
    return Cohort(adopt(model, patients), prescribe(model, patients))


def virtual_cohort(
    model: Model,
    size: int,
    *,
    purpose: str,
    seed: int = 0,
    groups: Sequence[str] = GROUPS,
) -> Cohort:
    """Draw independent virtual patients from the stream of one purpose.

    Raises
    ------
    InputError
        If the purpose is unknown; purposes share no patient by construction.
    """
    from ..physiology.sampling import load_sampler

    if model.name == "hovorka_2004":
        from ..physiology.hovorka_people import sample_hovorka

        if "adult" not in groups:
            raise InputError(f"groups is {list(groups)!r}; hovorka_2004 has adults only")
        return cohort_of(model, sample_hovorka(size, stream(seed, purpose)))
    sampler = load_sampler("uva_padova_virtual")
    return cohort_of(model, sampler.sample(size, stream(seed, purpose), groups=tuple(groups)))


def find_cohort(model: Model, patient: Any) -> Cohort:
    """Return the cohort that a JSON-like ``patient`` names.

    Parameters
    ----------
    model : Model
    patient : str, list of str or mapping
        A named patient (``"adult#001"``), a group (``"adult"``), ``"all"``, a list of either, or
        ``{"population": "virtual", "groups": [...], "size": n, "purpose": "training", "seed": 0}``.

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
        groups = wanted.setdefault("groups", list(GROUPS))
        if isinstance(groups, str):
            wanted["groups"] = [groups]
        elif not isinstance(groups, (list, tuple)):
            raise InputError(f"groups is {groups!r}; give a list of some of {', '.join(GROUPS)}")
        return virtual_cohort(model, wanted.pop("size"), **wanted)
    people = load_population(NAMED.get(model.name, "uva_padova_30"))
    names = [patient] if isinstance(patient, str) else patient
    if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
        raise InputError(
            f"patient is {patient!r}; give a patient's name, a group, 'all', a list of these or "
            "a mapping with population 'virtual'"
        )
    if not names:
        raise InputError("patient is an empty list; name at least one patient or group")
    parts = []
    for name in names:
        if name == "all":
            parts.append(people)
        else:
            parts.append(people.group(name) if name in people.groups else people[name])
    return cohort_of(model, concatenate(parts))
