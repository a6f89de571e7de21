"""The conclusion from items and lanes: whatever fails, is unknown or is missing denies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from lanes import good_lanes

from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.gate.lane import CLAIMS, Lane, by_group, conclude, lane_of
from dosegym.evaluation.verdict import judge_all

GROUPS = ("adult", "child")
RULES = load_constraints("insulin-v1")


def good_items() -> list[Any]:
    """Return results of a policy that harms nobody, in both groups."""
    n = 4000
    signals = {
        "min_glucose": np.full(n, 90.0), "mean_glucose": np.full(n, 140.0),
        "time_below_54": np.zeros(n), "time_below_70": np.zeros(n),
        "time_above_250": np.zeros(n), "time_in_range": np.full(n, 90.0),
    }  # fmt: skip
    usual = signals | {"time_below_54": np.full(n, 3.0)}
    return judge_all(RULES, signals, usual, [GROUPS[i % 2] for i in range(n)])


def test_everything_in_order_is_released() -> None:
    """The tests below each change one thing about a release."""
    assert conclude(good_items(), good_lanes(GROUPS), GROUPS) == ("RELEASE", GROUPS)


@pytest.mark.parametrize("id", CLAIMS)
@pytest.mark.parametrize("status", ["failed", "unknown"])
def test_one_lane_denies_everybody(id: str, status: Any) -> None:
    """A lane of everyone that fails or is unknown leaves nobody released, whichever it is."""
    lanes = [Lane(id, status, ("why",)) if x.id == id else x for x in good_lanes(GROUPS)]
    assert conclude(good_items(), lanes, GROUPS) == ("NO_SOLUTION", ())


@pytest.mark.parametrize("id", CLAIMS)
def test_a_missing_lane_denies(id: str) -> None:
    """A lane that nobody judged denies as a failed one does."""
    lanes = [x for x in good_lanes(GROUPS) if x.id != id]
    assert conclude(good_items(), lanes, GROUPS)[0] == "NO_SOLUTION"


@pytest.mark.parametrize("id", CLAIMS)
def test_a_lane_twice_denies(id: str) -> None:
    """Two findings of one lane contradict the form, even where both are good."""
    lanes = good_lanes(GROUPS)
    again = next(x for x in lanes if x.id == id)
    assert conclude(good_items(), [*lanes, again], GROUPS)[0] == "NO_SOLUTION"


@pytest.mark.parametrize(
    ("id", "status", "verdict"),
    [
        ("L1", "deferred", "NO_SOLUTION"),
        ("L4", "deferred", "NO_SOLUTION"),
        ("L1", "not applicable", "NO_SOLUTION"),
        ("L3", "not applicable", "NO_SOLUTION"),
        ("L8", "not applicable", "RELEASE"),
        ("L9", "deferred", "RELEASE"),
    ],
)
def test_only_some_lanes_may_wait_or_be_set_aside(id: str, status: Any, verdict: str) -> None:
    """Lanes about the population cannot be put off, nor lanes about a person set aside."""
    lanes = [Lane(id, status, ("why",)) if x.id == id else x for x in good_lanes(GROUPS)]
    assert conclude(good_items(), lanes, GROUPS)[0] == verdict


def test_a_lane_that_fails_in_one_group_leaves_the_other() -> None:
    """Groups differ: the verdict is RESTRICT to those in whom the lane holds."""
    lane = by_group("L2", {"adult": [], "child": ["a tail"]}, ["seen"])
    lanes = [lane if x.id == "L2" else x for x in good_lanes(GROUPS)]
    assert lane.status == "failed"
    assert conclude(good_items(), lanes, GROUPS) == ("RESTRICT", ("adult",))


def test_a_group_of_which_a_lane_is_silent_is_unknown() -> None:
    """A lane by groups that does not name a group denies that group."""
    lane = by_group("L4", {"adult": []}, ["seen"])
    lanes = [lane if x.id == "L4" else x for x in good_lanes(GROUPS)]
    assert conclude(good_items(), lanes, GROUPS) == ("RESTRICT", ("adult",))


def test_no_lane_pays_for_a_failed_item() -> None:
    """Good lanes do not buy off one bound."""
    items = good_items()
    items[0] = replace(items[0], passed=False, slack=-1.0)
    assert conclude(items, good_lanes(GROUPS), GROUPS) == ("RESTRICT", ("child",))


def test_a_lane_survives_json() -> None:
    """What is written of a lane is read back as it was; another status is refused."""
    lane = by_group("L1", {"adult": ["x"]}, ["seen"], {"items": 3})
    plain = {**vars(lane), "reasons": list(lane.reasons)}
    assert lane_of(plain) == lane
    with pytest.raises(ValueError, match="not known"):
        lane_of({**plain, "status": "waived"})
