"""Policies side by side: differences paired by patient, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from .evaluate import Evaluation
from .summary import Summary, per_patient, summarise

DIFFERENCE_STREAM = 8


def paired_differences(
    evaluations: Mapping[str, Evaluation], *, seed: int = 0
) -> dict[str, Summary]:
    """Return each evaluation after the first, minus the first, paired by patient.

    Parameters
    ----------
    evaluations : mapping of name to Evaluation
        Of the same patients, made with the same seed.
    seed : int
        Of the bootstrap.

    Returns
    -------
    dict
        name -> group -> metric -> ``mean``, ``sd``, ``low``, ``high`` (95 %), ``n`` (patients).

    Raises
    ------
    InputError
        If there is none, or two do not hold the same patients.
    """
    if not evaluations:
        raise InputError("there are 0 evaluations to compare; give at least 1")
    first, *others = evaluations
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(DIFFERENCE_STREAM,)))
    return {
        name: summarise(paired_rows(evaluations[name].rows, evaluations[first].rows), rng=rng)
        for name in others
    }


def paired_rows(
    rows: Sequence[Mapping[str, Any]], baseline: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return one row per patient with each metric minus the baseline's, seeds averaged first.

    Raises
    ------
    InputError
        If the two do not hold the same patients.
    """
    groups, values = per_patient(rows)
    other_groups, other = per_patient(baseline)
    if groups != other_groups:
        odd = sorted(set(groups) ^ set(other_groups)) or sorted(groups)
        raise InputError(f"patient {odd[0]} is not in both evaluations alike; pair every patient")
    place = {name: k for k, name in enumerate(other_groups)}
    return [
        {
            "patient": name,
            "group": group,
            "seed": 0,
            "metrics": {
                m: float(column[i] - other[m][place[name]]) for m, column in values.items()
            },
        }
        for i, (name, group) in enumerate(groups.items())
    ]
