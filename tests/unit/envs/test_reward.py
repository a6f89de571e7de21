"""Rewards against their formulas and published risk values, and what a death costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.envs import kernels
from dosegym.envs.reward import CAPS, DEATH_PENALTY, REWARDS, reward_code, reward_table
from dosegym.therapy.risk import kovatchev_risk, magni_risk

GLUCOSE = np.concatenate([np.linspace(0.5, 700.0, 500), [1.0, 20.0, 600.0, 112.5]])


def test_compiled_risks_are_therapys() -> None:
    """The compiled risks equal therapy.risk's to the last digits, ends of the scale included."""
    magni = [kernels.magni(g) for g in GLUCOSE]
    kovatchev = [kernels.kovatchev(g) for g in GLUCOSE]
    np.testing.assert_allclose(magni, magni_risk(GLUCOSE), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(kovatchev, kovatchev_risk(GLUCOSE), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("glucose", "magni", "kovatchev"),
    [
        (40.0, 84.3, 36.4),
        (54.0, 48.0, 18.5),
        (70.0, 25.0, 7.8),
        (112.5, 2.33, 0.0),
        (180.0, 3.47, 7.7),
        (250.0, 17.6, 22.4),
        (400.0, 56.3, 57.1),
    ],
)
def test_risks_at_known_glucose(glucose: float, magni: float, kovatchev: float) -> None:
    """Values of the reference table for both risks, to its rounding."""
    assert kernels.magni(glucose) == pytest.approx(magni, abs=0.06)
    assert kernels.kovatchev(glucose) == pytest.approx(kovatchev, abs=0.06)


def expected(name: str, before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return the rewards of living intervals, from the docstring's table."""
    if name == "magni":
        return 1.0 - np.minimum(magni_risk(now), 100.0) / 100.0
    if name == "kovatchev":
        return 1.0 - np.minimum(kovatchev_risk(now), 50.0) / 50.0
    if name == "time_in_range":
        return ((now >= 70.0) & (now <= 180.0)).astype(float)
    return kovatchev_risk(before) - kovatchev_risk(now)


@pytest.mark.parametrize("name", REWARDS)
def test_rewards_are_their_formulas(run: Any, name: str) -> None:
    """Along a course from low to very high glucose each reward equals its formula."""
    swing = run(lambda t, _: -1.0 if t > 40 else 0.6, steps=280, n=3, patient="all", reward=name)
    glucose = swing.log["glucose_mg_dl"]
    assert glucose.min() < 60.0
    assert glucose.max() > 250.0
    np.testing.assert_allclose(
        swing.reward[1:], expected(name, glucose[:-1], glucose[1:]), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("name", REWARDS)
def test_the_penalty_is_paid_once_at_a_death(run: Any, name: str) -> None:
    """The fatal interval's reward is its formula less the penalty, simglucose's at least 100."""
    for asked in (DEATH_PENALTY, 250.0):
        ends = [70.0, 250.0]
        death = run(0.9, steps=60, reward=name, terminate=ends, death_penalty=asked)
        fatal = int(np.argmax(death.terminated[:, 0]))
        assert fatal > 0
        glucose = death.log["glucose_mg_dl"][:, 0]
        living = expected(name, glucose[fatal - 1], glucose[fatal])
        penalty = max(asked, 100.0) if name == "simglucose" else asked
        assert death.reward[fatal, 0] == pytest.approx(living - penalty, abs=1e-9)
        assert np.all(~death.terminated[:fatal])
        assert not death.truncated[fatal, 0]


def test_weighted_costs_are_subtracted(run: Any) -> None:
    """cost_weights lowers each step's reward by the weighted costs of that step, and no more."""
    weights = {"below_54": 5.0, "above_250": 0.5}
    plain = run(0.3, steps=200, reward="magni")
    paid = run(0.3, steps=200, reward="magni", cost_weights=weights)
    costs = 5.0 * plain.log["below_54"] + 0.5 * plain.log["above_250"]
    assert costs.max() > 0.0
    np.testing.assert_allclose(paid.reward[1:], (plain.reward - costs)[1:], atol=1e-12)


def test_caps_lie_where_the_docstring_says() -> None:
    """The caps of the bounded rewards are reached at the stated glucose."""
    assert kernels.kovatchev(33.0) > CAPS["kovatchev"] > kernels.kovatchev(34.0)
    assert kernels.kovatchev(370.0) > CAPS["kovatchev"] > kernels.kovatchev(369.0)
    assert kernels.magni(35.0) > CAPS["magni"] > kernels.magni(36.0)
    assert kernels.magni(573.0) > CAPS["magni"] > kernels.magni(572.0)


def test_codes_match_the_compiled_order() -> None:
    """Names, compiled codes and rows of the table belong together."""
    codes = (kernels.MAGNI, kernels.KOVATCHEV, kernels.TIME_IN_RANGE, kernels.SIMGLUCOSE)
    assert tuple(reward_code(name) for name in REWARDS) == codes
    table = reward_table(7.0)
    assert table[:3, 1].tolist() == [7.0, 7.0, 7.0]
    assert table[kernels.SIMGLUCOSE, 1] == 100.0
    with pytest.raises(ValueError, match="reward is 'fame'; choose one of magni, kovatchev"):
        reward_code("fame")
