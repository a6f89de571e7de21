"""Which logged data may teach an agent: none of people on whom it will be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...evaluation.logged import Logged, read_logged
from ...physiology.errors import InputError

# What meta["split"] may say of data to learn from; data that say nothing are all there are.
TEACHING = ("train", "training")


def admit(dataset: Any) -> Logged:
    """Return data to learn from.

    Parameters
    ----------
    dataset : str, Path or Logged
        A file of ``write_logged``, or what it holds.

    Raises
    ------
    InputError
        If the file cannot be read, or the data are kept for judging: their virtual patients are of
        another purpose than training, or ``meta["split"]`` names another part than training.
    """
    logged = dataset if isinstance(dataset, Logged) else read_logged(dataset)
    part = logged.meta.get("split", "training")
    if part not in TEACHING:
        raise InputError(
            f"logged data are marked split {part!r}; agents learn from split 'training' only, so "
            "that nobody is judged on patients it has seen"
        )
    patient = logged.env_kwargs.get("patient")
    purpose = patient.get("purpose", "training") if isinstance(patient, Mapping) else "training"
    if purpose != "training":
        raise InputError(
            f"logged data are of patients whose purpose is {purpose!r}; agents learn from purpose "
            "'training' only, so that nobody is judged on patients it has seen"
        )
    return logged
