"""Patients: named people, and tables of them by population."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import InputError

if TYPE_CHECKING:
    from .model import Model

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Patients:
    """A batch of people with one model's parameters.

    Parameters
    ----------
    model : str
        Name of the model the parameters belong to.
    names, groups : tuple of str
        One per person; groups are age groups (``adult``, ``adolescent``, ``child``).
    params : array (B, P)
        Parameters in the model's order and units.
    covariates : mapping of str to array (B,)
        What a chart knows besides the model: ``age_years``, ``weight_kg``.
    """

    model: str
    names: tuple[str, ...]
    groups: tuple[str, ...]
    params: Array
    covariates: Mapping[str, Array]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __getitem__(self, key: str | int | slice | Sequence[str] | Sequence[int]) -> Patients:
        """Return the named or numbered people as a batch of their own."""
        if isinstance(key, str):
            return self.take([self._position(key)])
        if isinstance(key, slice):
            return self.take(range(len(self))[key])
        if isinstance(key, (int, np.integer)):
            return self.take([int(key)])
        return self.take([self._position(k) if isinstance(k, str) else int(k) for k in key])

    def _position(self, name: str) -> int:
        if name not in self.names:
            near = [n for n in self.names if n.split("#")[0] == name.split("#")[0]] or self.names
            raise InputError(
                f"patient {name!r} is not in this population; it has {near[0]} to {near[-1]}"
            )
        return self.names.index(name)

    def take(self, positions: Sequence[int] | range) -> Patients:
        """Return the people at these positions, in this order."""
        where = list(positions)
        return replace(
            self,
            names=tuple(self.names[i] for i in where),
            groups=tuple(self.groups[i] for i in where),
            params=self.params[where],
            covariates={k: np.asarray(v)[where] for k, v in self.covariates.items()},
        )

    def group(self, name: str) -> Patients:
        """Return everyone of one group."""
        if name not in self.groups:
            raise InputError(
                f"group {name!r} is not in this population; it has "
                f"{', '.join(dict.fromkeys(self.groups))}"
            )
        return self.take([i for i, g in enumerate(self.groups) if g == name])


def adopt(model: Model, patients: Patients) -> Patients:
    """Return patients as people of a model: of its own, or of the one it extends.

    People of the model that it extends get its neutral values, with which they are the same body.

    Raises
    ------
    InputError
        If they belong to another model.
    """
    if patients.model == model.name:
        return patients
    if patients.model != model.extends:
        raise InputError(f"patients belong to {patients.model}, the model is {model.name}")
    values = np.array(list(model.neutral.values()), dtype=np.float64)
    columns = np.tile(values, (len(patients), 1))
    return replace(patients, model=model.name, params=np.hstack([patients.params, columns]))


def concatenate(parts: Sequence[Patients]) -> Patients:
    """Return several batches of one model as one."""
    first = parts[0]
    return replace(
        first,
        names=tuple(n for part in parts for n in part.names),
        groups=tuple(g for part in parts for g in part.groups),
        params=np.concatenate([part.params for part in parts]),
        covariates={
            k: np.concatenate([np.asarray(part.covariates[k]) for part in parts])
            for k in first.covariates
        },
    )


def read_table(text: str, model: Model) -> Patients:
    """Read a parameter table in DoseGym's own format (comment lines start with ``#``).

    Raises
    ------
    InputError
        If a column is missing or a value is not a number within its Quantity's bounds.
    """
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
    needed = ["name", "group", "age_years", *(q.name for q in model.parameters)]
    missing = [c for c in needed if not rows or c not in rows[0]]
    if missing:
        raise InputError(f"patient table lacks column {missing[0]!r}; it needs {', '.join(needed)}")
    params = np.array(
        [[q.check(_number(r, q.name, q.unit)) for q in model.parameters] for r in rows]
    )
    weight = params[:, model.parameter_index["BW"]]
    return Patients(
        model=model.name,
        names=tuple(r["name"] for r in rows),
        groups=tuple(r["group"] for r in rows),
        params=params,
        covariates={
            "age_years": np.array([_number(r, "age_years", "years") for r in rows]),
            "weight_kg": weight.copy(),
        },
    )


def _number(row: Mapping[str, str], column: str, unit: str) -> float:
    try:
        return float(row[column])
    except (TypeError, ValueError):
        raise InputError(
            f"{column} is {row[column]!r}; give a number ({unit}) for {row['name']}"
        ) from None


@lru_cache(maxsize=8)
def load_population(name: str = "uva_padova_30") -> Patients:
    """Return a population of named patients by name.

    Parameters
    ----------
    name : str
        ``uva_padova_30``: ten adults, adolescents and children, ``adult#001`` to ``child#010``;
        ``hovorka_30``: ``adult#001`` to ``adult#030``, for ``hovorka_2004``;
        ``hypertension_30``: ten adults, older people and people with kidney disease,
        ``person#001`` to ``person#030``.

    Raises
    ------
    InputError
        If no such population exists.
    """
    from .models.uva_padova_2008 import build

    if name == "hovorka_30":
        from .hovorka_people import named_hovorka

        return named_hovorka()
    if name == "hypertension_30":
        from .pressure_people import named_people

        return named_people()
    models = {"uva_padova_30": build}
    if name not in models:
        known = ", ".join((*models, "hovorka_30", "hypertension_30"))
        raise InputError(f"population is {name!r}; choose one of {known}")
    text = resources.files("dosegym.physiology.data").joinpath(f"{name}.csv").read_text("utf-8")
    return read_table(text, models[name]())
