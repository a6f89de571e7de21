"""Which logged data may teach an agent: none of people on whom it will be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...evaluation.logged import Logged, read_logged
from ...evaluation.ope.parts import Part
from ...physiology.errors import InputError
from ...physiology.streams import PURPOSES

# What meta["split"] may say of data to learn from; data that say nothing are all there are.
TEACHING = ("train", "training")


def admit(dataset: Any) -> Logged:
    """Return data to learn from.

    Parameters
    ----------
    dataset : str, Path, Logged or Part
        A file of ``write_logged``, what it holds, or a part that ``evaluation.ope.divide`` made.

    Raises
    ------
    InputError
        If the file cannot be read, or the data are kept for judging: the part's role or
        ``meta["split"]`` is another than training, or a virtual patient's purpose is.
    """
    role = dataset.role if isinstance(dataset, Part) else "train"
    held = dataset.logged if isinstance(dataset, Part) else dataset
    logged = held if isinstance(held, Logged) else read_logged(held)
    part = role if role not in TEACHING else logged.meta.get("split", "training")
    if part not in TEACHING:
        raise InputError(
            f"logged data are marked split {part!r}; agents learn from split 'training' only, so "
            "that nobody is judged on patients it has seen"
        )
    for purpose in _purposes(logged):
        if purpose == "training":
            continue
        raise InputError(
            f"logged data are of patients whose purpose is {purpose!r}; agents learn from purpose "
            "'training' only, so that nobody is judged on patients it has seen"
        )
    return logged


def _purposes(logged: Logged) -> list[str]:
    """Return the purposes of the virtual patients, as keywords and names tell them."""
    patient = logged.env_kwargs.get("patient")
    told = [str(patient.get("purpose", "training"))] if isinstance(patient, Mapping) else []
    # A name from a virtual population begins with its purpose and seed: "test-1/v0001".
    named = {name.partition("-")[0] for name in logged.patients() if "/" in name}
    return [*told, *sorted(named.intersection(PURPOSES))]
