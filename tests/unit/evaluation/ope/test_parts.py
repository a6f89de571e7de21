"""Parts of logged patients: divided by patient, and kept apart by hash."""

from __future__ import annotations

import numpy as np
import pytest
from tabular import BEHAVIOUR, Process

from dosegym.evaluation.ope import Part, divide
from dosegym.evaluation.ope.parts import apart
from dosegym.evaluation.ope.steps import people_of
from dosegym.physiology.errors import InputError


def test_parts_share_nobody_and_hold_everybody() -> None:
    """Training, selection and gate are disjoint in people and add up to all of them."""
    log = Process().log(BEHAVIOUR, 50, np.random.default_rng(0), episodes=3)
    parts = divide(log, np.random.default_rng(1))
    assert set(parts) == {"train", "selection", "gate"}
    assert frozenset().union(*(p.people for p in parts.values())) == people_of(log)
    assert sum(len(p.people) for p in parts.values()) == 50
    assert sum(len(p.logged) for p in parts.values()) == 150
    assert all(part.role == role for role, part in parts.items())


def test_parts_that_share_anyone_are_refused() -> None:
    """The same patient under two roles is found by hash, whichever episodes are in each part."""
    log = Process().log(BEHAVIOUR, 6, np.random.default_rng(0), episodes=2)
    with pytest.raises(InputError, match="1 patients are both in train and in gate"):
        apart({"train": Part(log.take([0, 1]), "train"), "gate": Part(log.take([7, 8]), "gate")})
