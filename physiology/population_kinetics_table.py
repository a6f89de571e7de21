"""Populations that ship in a table, one number a row with unit and source; and as JSON."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np

from .compartments import Structure
from .errors import InputError
from .kinetics_records import STATUSES, Fact
from .population_kinetics import OUTPUTS, Effect, Error, PopulationKinetics, Units

TABLE: Final = "population_kinetics.csv"
_STATUSES: Final = (*STATUSES, "fitted")


@lru_cache(maxsize=1)
def load_population_facts() -> tuple[Fact, ...]:
    """Return every row of the table ``population_kinetics.csv``; ``drug`` is the model's name."""
    text = resources.files("dosegym.physiology.data").joinpath(TABLE).read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Fact(row["model"], row["item"], row["value"], row["unit"], row["status"], row["source"])
        for row in rows
    )


def list_population_kinetics() -> list[str]:
    """Return the names of the populations that ship."""
    return sorted({fact.drug for fact in load_population_facts()})


@lru_cache(maxsize=32)
def load_population_kinetics(name: str) -> PopulationKinetics:
    """Return a population by its name, e.g. ``theophylline``.

    Raises
    ------
    InputError
        If no such population ships.
    """
    facts = tuple(fact for fact in load_population_facts() if fact.drug == name)
    if not facts:
        known = ", ".join(list_population_kinetics())
        raise InputError(f"population kinetics of {name!r} do not ship; choose one of {known}")
    return _built(name, facts)


def _built(name: str, facts: tuple[Fact, ...]) -> PopulationKinetics:
    typical: dict[str, float] = {}
    spread: dict[str, float] = {}
    errors: dict[str, dict[str, float]] = {}
    effects: list[Effect] = []
    words: dict[str, list[str]] = {"structure": [], "units": []}
    correlations: dict[tuple[str, str], float] = {}
    for fact in facts:
        item = fact.parameter
        if fact.status not in _STATUSES:
            raise InputError(f"{TABLE}: {name} {item} has the status {fact.status!r}")
        if item in words:
            words[item] = fact.value.split()
        elif item.startswith("error."):
            _, output, kind = item.split(".")
            errors.setdefault(output, {})[kind] = float(fact.value)
        elif item.startswith("corr("):
            one, two = item.removeprefix("corr(").rstrip(")").split(" ")
            correlations[one, two] = float(fact.value)
        elif item.endswith(".log_sd"):
            spread[item.removesuffix(".log_sd")] = float(fact.value)
        elif "*" in item:
            effects.append(_effect(item, fact))
        else:
            typical[item] = float(fact.value)
    omega = np.diag([sd**2 for sd in spread.values()])
    order = list(spread)
    for (one, two), value in correlations.items():
        i, j = order.index(one), order.index(two)
        omega[i, j] = omega[j, i] = value * spread[one] * spread[two]
    structure = words["structure"]
    return PopulationKinetics(
        name, name,
        Structure(int(structure[0]), *(w in structure for w in ("absorbed", "lagged", "responds"))),
        Units(*words["units"]), typical, tuple(spread), omega,
        {output: Error(**parts) for output, parts in errors.items()},
        tuple(effects), frozenset(), bool(correlations), facts,
    )  # fmt: skip


def _effect(item: str, fact: Fact) -> Effect:
    """Return the effect of a row such as ``cl*weight_kg, 0.75, "power 70 fixed"``."""
    parameter, covariate = item.split("*")
    kind, reference, *rest = fact.unit.split()
    return Effect(parameter, covariate, kind, float(reference), float(fact.value), "fixed" in rest)


def model_as_dict(model: PopulationKinetics) -> dict[str, Any]:
    """Return a population in JSON."""
    return {
        "name": model.name,
        "drug": model.drug,
        "structure": vars(model.structure),
        "units": vars(model.units),
        "typical": dict(model.typical),
        "spread": list(model.spread),
        "omega": model.omega.tolist(),
        "errors": {name: vars(error) for name, error in model.errors.items()},
        "effects": [vars(effect) for effect in model.effects],
        "fixed": sorted(model.fixed),
        "full": model.full,
    }


def model_from_dict(data: Mapping[str, Any]) -> PopulationKinetics:
    """Return the population that :func:`model_as_dict` described.

    Raises
    ------
    InputError
        If it describes none.
    """
    try:
        return PopulationKinetics(
            str(data["name"]),
            str(data["drug"]),
            Structure(**data["structure"]),
            Units(**data["units"]),
            {str(k): float(v) for k, v in data["typical"].items()},
            tuple(map(str, data["spread"])),
            np.array(data["omega"], dtype=np.float64).reshape(len(data["spread"]), -1),
            {str(k): Error(**v) for k, v in data["errors"].items()},
            tuple(Effect(**effect) for effect in data["effects"]),
            frozenset(map(str, data["fixed"])),
            bool(data["full"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"population of kinetics cannot be read ({type(error).__name__}: {error}); fit it again"
        ) from None


__all__ = [
    "OUTPUTS",
    "list_population_kinetics",
    "load_population_facts",
    "load_population_kinetics",
    "model_as_dict",
    "model_from_dict",
]
