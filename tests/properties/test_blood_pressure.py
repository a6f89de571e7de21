"""Properties of treated people: more drug never means more pressure; chance stays in its lane."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.envs import make_task
from dosegym.envs.core import transition
from dosegym.envs.lanes import Lanes
from dosegym.therapy.formulary import CLASSES, load_formulary
from dosegym.therapy.pressure_cohort import PressureCohort, pressure_cohort

ENV = "dosegym/BloodPressure-v0"
PEOPLE = 150
TOP = np.array(load_formulary().levels) - 1
# Settling leaves less than this of any change, mmHg.
ROUNDING_MMHG = 1e-3


@lru_cache(maxsize=1)
def _people() -> PressureCohort:
    return pressure_cohort(PEOPLE, purpose="validation", seed=11, formulary=load_formulary())


def settled(levels: np.ndarray, **kwargs: Any) -> dict[str, np.ndarray]:
    """Return the truth (PEOPLE,) after long treatment of everyone by one regimen (6,)."""
    people = _people()
    entry = np.tile(np.asarray(levels, dtype=np.int64), (PEOPLE, 1))
    cohort = PressureCohort(people.patients, entry, people.formulary)
    plain = {"adherence": "perfect", "sick_days": "none", "measurement": "noise_free"}
    task = make_task(ENV, cohort=cohort, by_lane=True, **plain, **kwargs)
    lanes = Lanes(task, PEOPLE)
    for i in range(PEOPLE):
        lanes.seed(i, i)
    log = lanes.begin().log
    return {name: log[:, i] for i, name in enumerate(task.log_columns)}


@pytest.mark.parametrize("slot", range(6), ids=CLASSES)
def test_more_of_one_drug_never_raises_steady_pressure(slot: int) -> None:
    """From none to the highest dose, level by level, nobody's settled pressure rises."""
    rows = []
    for level in range(TOP[slot] + 1):
        levels = np.zeros(6, dtype=np.int64)
        levels[slot] = level
        rows.append(settled(levels))
    for name in ("sbp_mmhg", "dbp_mmhg"):
        steps = np.diff(np.stack([row[name] for row in rows]), axis=0)
        assert steps.max() < ROUNDING_MMHG, name
        assert steps.sum(axis=0).mean() < -2.0, name


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=6, max_size=6))
def test_no_drug_never_leaves_lower_pressure_than_a_regimen(wish: list[int]) -> None:
    """Whatever the regimen, no settled pressure is above the same person's untreated one."""
    levels = np.minimum(wish, TOP)
    treated, untreated = settled(levels), settled(np.zeros(6))
    assert (treated["sbp_mmhg"] <= untreated["sbp_mmhg"] + ROUNDING_MMHG).all()
    assert (treated["dbp_mmhg"] <= untreated["dbp_mmhg"] + ROUNDING_MMHG).all()
    known = _people().patients.covariates["untreated_sbp"]
    np.testing.assert_allclose(untreated["sbp_mmhg"], known, atol=0.05)


def test_harmful_directions_are_right() -> None:
    """RAS blockers and MRAs raise potassium, thiazides lower it, beta-blockers slow the heart."""
    untreated = settled(np.zeros(6))

    def change(slot: int, name: str) -> np.ndarray:
        levels = np.zeros(6, dtype=np.int64)
        levels[slot] = TOP[slot]
        return np.asarray(settled(levels)[name] - untreated[name])

    for slot in (0, 1, 5):
        assert change(slot, "potassium_mmol_l").min() > 0.0
    assert change(3, "potassium_mmol_l").max() < 0.0
    assert change(3, "sodium_mmol_l").max() < 0.0
    assert change(4, "heart_rate_bpm").max() < 0.0


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_a_transition_is_pure(seed: int, chosen: bool) -> None:
    """Twice from one state gives the same twice and leaves the state as it was."""
    rng = np.random.default_rng(seed)
    interval: Any = "chosen" if chosen else 28
    task = make_task(ENV, interval_days=interval, adherence="poor")
    lanes = Lanes(task, 5)
    for i in range(5):
        lanes.seed(i, seed + i)
    lanes.begin()
    for _ in range(2):
        lanes.step(rng.integers(0, task.nvec, (5, len(task.nvec))))
    before = [part.copy() for part in (*lanes.episode, *lanes.state)]
    action = rng.integers(0, task.nvec, (5, len(task.nvec))).astype(np.float64)
    one, two = (transition(task, lanes.episode, lanes.state, action) for _ in range(2))
    for left, right in zip((*one[0], *one[1]), (*two[0], *two[1]), strict=True):
        np.testing.assert_array_equal(left, right)
    for left, right in zip(before, (*lanes.episode, *lanes.state), strict=True):
        np.testing.assert_array_equal(left, right)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_course_of_chance_does_not_depend_on_the_treatment(seed: int) -> None:
    """The same seed means the same person, visits, illnesses and tablets under any policy."""
    courses = []
    for regimen in ([0, 0, 0, 0, 0, 0], [0, 0, 3, 0, 0, 0]):
        task = make_task(ENV, adherence={"preset": "poor", "pill_odds": 1.0}, terminate=None)
        lanes = Lanes(task, 1)
        lanes.seed(0, seed)
        steps = [lanes.begin()] + [lanes.step(np.array([regimen])) for _ in range(4)]
        log = np.stack([s.log[0] for s in steps])
        names = ("attended", "adherence")
        courses.append(
            (lanes.episode.person, lanes.episode.sick_start,
             *(log[:, task.log_columns.index(n)] for n in names))
        )  # fmt: skip
    for left, right in zip(*courses, strict=True):
        np.testing.assert_array_equal(left, right)
