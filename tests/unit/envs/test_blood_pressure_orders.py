"""From an action to the regimen that is given: levels, missed visits, contraindications, masks."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.envs import make_task
from dosegym.envs.blood_pressure_orders import actions_of, levels_of, masks_of, orders_of
from dosegym.envs.blood_pressure_state import N
from dosegym.envs.lanes import Lanes
from dosegym.physiology.errors import InputError
from dosegym.therapy.formulary import CLASSES

ID = "dosegym/BloodPressure-v0"
NONE = np.zeros(6)
ACEI, ARB, CCB, THIAZIDE, BETA_BLOCKER, MRA = range(6)


def lanes_at(now: np.ndarray, **kwargs: Any) -> Lanes:
    """Return running episodes of people on given regimens (B, 6), all fit and well."""
    task = make_task(ID, **{"adherence": "perfect", "sick_days": "none", **kwargs})
    lanes = Lanes(task, len(now))
    for i in range(len(now)):
        lanes.seed(i, i)
    lanes.begin()
    lanes.state = lanes.state._replace(levels=np.asarray(now, dtype=np.int64))
    chart = lanes.episode.chart
    chart[:, 8:13] = 0.0
    notes = {"potassium": 4.3, "sodium": 140.0, "egfr": 90.0, "heart_rate": 72.0, "attended": 1.0}
    for name, value in notes.items():
        lanes.state.notes[:, N[name]] = value
    return lanes


def asked(lanes: Lanes, levels: Any) -> Any:
    """Return the Orders of an action."""
    return orders_of(lanes.task, lanes.episode, lanes.state, np.asarray(levels, dtype=np.float64))


def test_a_level_is_a_dose_of_the_formulary(treat: Any) -> None:
    """Levels 3, 4 and 1 are lisinopril 10, amlodipine 10 and chlorthalidone 6.25 mg, by the log."""
    course = treat([3, 0, 4, 1, 0, 0], n=1, steps=1)
    doses = [course.log[f"dose_{kind}"][1, 0] for kind in CLASSES]
    assert doses == [1.0, 0.0, 2.0, 0.5, 0.0, 0.0]
    assert course.log["standard_doses"][1, 0] == 3.5
    assert course.log["n_drugs"][1, 0] == 3.0


def test_a_missed_visit_keeps_the_regimen_and_permits_only_it(treat: Any) -> None:
    """Whatever is asked of an absent person, nothing changes, and the mask says so."""
    rng = np.random.default_rng(1)
    wishes = rng.integers(0, 4, (13, 24, 6))
    course = treat(
        lambda t, _: wishes[t],
        measurement={"preset": "noise_free", "missed_rate": 0.5},
        contraindications="allow",
    )
    doses = np.stack([course.log[f"dose_{kind}"] for kind in CLASSES], axis=2)
    absent = course.log["attended"][:-1] == 0.0
    assert 50 < absent.sum() < 250
    np.testing.assert_array_equal(doses[1:][absent], doses[:-1][absent])
    np.testing.assert_array_equal(course.applied[1:][~absent], wishes[~absent])
    changed = (course.applied[1:] != wishes).any(axis=2)
    np.testing.assert_array_equal(course.log["limited"][1:] > 0.0, changed)
    assert (course.mask[:-1][absent].sum(axis=1) == 6).all()
    assert (course.log["contraindicated"][1:][absent] == 0.0).all()


@pytest.mark.parametrize("way", ["enforce", "allow"])
def test_a_contraindicated_drug_is_counted_and_only_enforcement_refuses_it(way: str) -> None:
    """Both RAS blockers at once: with enforcement the ARB is refused, else it is given."""
    lanes = lanes_at(np.zeros((2, 6)), contraindications=way)
    orders = asked(lanes, [[2, 2, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0]])
    assert orders.refused.tolist() == [True, False]
    assert orders.levels[0].tolist() == [2, 0 if way == "enforce" else 2, 0, 0, 0, 0]
    assert orders.limited.tolist() == [way == "enforce", False]


def test_at_most_so_many_classes_change_and_reductions_come_first() -> None:
    """Of four wished changes two are made: the two reductions, and no third."""
    lanes = lanes_at(np.array([[2, 0, 2, 2, 0, 0]]), max_changes=2)
    orders = asked(lanes, [[4, 0, 1, 1, 2, 0]])
    assert orders.levels[0].tolist() == [2, 0, 1, 1, 0, 0]
    assert orders.limited[0]


def test_a_forced_stop_is_not_held_up_by_max_changes() -> None:
    """Potassium of 6.2: RAS blocker and MRA stop although the one change allowed is another."""
    lanes = lanes_at(np.array([[0, 2, 2, 0, 0, 1]]), max_changes=1)
    lanes.state.notes[:, N["potassium"]] = 6.2
    orders = asked(lanes, [[0, 2, 1, 0, 0, 1]])
    assert orders.levels[0, [ARB, MRA]].tolist() == [0, 0]
    assert orders.refused[0]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_mask_permits_what_enforcement_leaves_alone(seed: int) -> None:
    """A permitted single choice is given unchanged, whatever the chart; what is not is refused.

    Only a RAS blocker beside one that must stop anyway takes two visits by the mask.
    """
    rng = np.random.default_rng(seed)
    task = make_task(ID)
    now = rng.integers(0, task.nvec)
    now[rng.integers(0, 2)] = 0
    slots, levels = task.slot_table, task.level_table
    wish = np.tile(now, (len(slots), 1))
    wish[np.arange(len(slots)), slots] = levels
    lanes = lanes_at(np.tile(now, (len(slots), 1)))
    lanes.episode.chart[:, 8:12] = rng.random(4) < 0.2
    for name, low, high in (
        *(("potassium", 2.5, 6.5), ("sodium", 125.0, 145.0)),
        *(("egfr", 15.0, 90.0), ("heart_rate", 40.0, 90.0)),
    ):
        lanes.state.notes[:, N[name]] = rng.uniform(low, high)
    orders = asked(lanes, wish)
    unchanged = orders.levels[np.arange(len(slots)), slots] == levels
    mask = masks_of(task, lanes.episode, lanes.state)[0]
    assert unchanged[mask].all()
    np.testing.assert_array_equal(mask[slots > ARB], unchanged[slots > ARB])


def test_the_mask_of_the_healthy_forbids_the_second_ras_blocker_only() -> None:
    """On an ACE inhibitor every level of every class is open but those of the ARB."""
    lanes = lanes_at(np.array([[2, 0, 0, 0, 0, 0]]))
    mask = masks_of(lanes.task, lanes.episode, lanes.state)[0]
    closed = (lanes.task.slot_table == ARB) & (lanes.task.level_table > 0)
    np.testing.assert_array_equal(mask, ~closed)


def test_box_actions_and_levels_are_inverse() -> None:
    """Every level survives the way to a Box action in float32 and back; bounds are its ends."""
    task = make_task(ID, action="box", interval_days="chosen", days=364)
    for slot, n in enumerate(task.nvec):
        levels = np.zeros((n, 7), dtype=np.int64)
        levels[:, slot] = np.arange(n)
        actions = actions_of(task, levels)
        assert actions.dtype == np.float32
        assert actions[[0, -1], slot].tolist() == [-1.0, 1.0]
        np.testing.assert_array_equal(levels_of(task, actions.astype(np.float64)), levels)


@pytest.mark.parametrize(
    ("mode", "action", "says"),
    [
        ("levels", [6, 0, 0, 0, 0, 0], "action is [6.0, 0.0, 0.0, 0.0, 0.0, 0.0]; give whole"),
        ("levels", [0.5, 0, 0, 0, 0, 0], "numbers from 0 to 5, 4, 4, 3, 4, 3"),
        ("levels", [np.nan, 0, 0, 0, 0, 0], "action is [nan"),
        ("box", [1.2, 0, 0, 0, 0, 0], "every entry must be a number within [-1, 1]"),
        ("box", [np.nan, 0, 0, 0, 0, 0], "every entry must be a number within [-1, 1]"),
        ("box", [0, 0], "action has shape (2,); give an array of shape (6,)"),
    ],
)
def test_actions_outside_the_space_are_refused(mode: str, action: Any, says: str) -> None:
    """One line names the action and what to give."""
    import gymnasium as gym

    env = gym.make(ID, action=mode).unwrapped
    env.reset(seed=0)
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        env.step(np.array(action))
    assert "\n" not in str(caught.value)


def test_masks_before_an_episode_are_refused() -> None:
    """``action_masks`` before ``reset`` says what to do."""
    import gymnasium as gym

    env = gym.make(ID).unwrapped
    with pytest.raises(InputError, match="call reset"):
        env.action_masks()
