"""Who a certification examines: independent virtual people that no training ever saw."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..physiology.errors import InputError
from ..physiology.streams import stream
from .subjects import subject_of

LEAST_PER_GROUP: Final = 30
# Seeds of certified days lie beyond 32 bits: training, validation and evaluation use none of these.
DAY_SEEDS: Final = (2**32, 2**53)


def certified_patients(
    patients: int,
    seed: int,
    groups: Sequence[str],
    env_kwargs: Mapping[str, Any],
    *,
    env_id: str = "dosegym/Insulin-v0",
) -> tuple[Any, list[int]]:
    """Return the virtual patients of a certification and the seed of each one's days.

    Raises
    ------
    InputError
        If they are too few, or the seed is none.
    """
    least = LEAST_PER_GROUP * len(groups)
    if not isinstance(patients, int) or isinstance(patients, bool) or patients < least:
        raise InputError(
            f"patients is {patients!r}; give at least {least} (3000 for a certificate)"
        )
    people = subject_of(env_id).examination.people
    cohort = people(patients, seed, tuple(groups), env_kwargs)
    chance = stream(seed, "certification").spawn(1)[0]
    return cohort, [int(s) for s in chance.integers(*DAY_SEEDS, size=patients)]


def population_sha256(cohort: Any, env_id: str) -> str:
    """Return the hash of who the people of a certification are."""
    return hashlib.sha256(subject_of(env_id).examination.identity(cohort)).hexdigest()
