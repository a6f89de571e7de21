"""The three conventions of costs: six results, one number, signed values; there and back."""

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from dosegym.envs.constraint_values import ConstraintValues, CostsFromConstraints
from dosegym.envs.costs import cost_of
from dosegym.envs.safety_gymnasium import FromSafetyGymnasium, ToSafetyGymnasium
from dosegym.physiology.errors import InputError

ENV = "dosegym/Insulin-v0"
HARSH = {"days": 1, "start_glucose": 65.0, "patient": "adult#001"}


def walk(env: gym.Env[Any, Any], steps: int = 30) -> list[tuple[Any, ...]]:
    """Return the results of some steps with much insulin."""
    env.reset(seed=4)
    return [env.step(np.array([0.2], np.float32)) for _ in range(steps)]


def made() -> gym.Env[Any, Any]:
    """Return an environment in which lows are certain."""
    return gym.make(ENV, **HARSH)


def test_the_third_of_six_is_the_cost() -> None:
    """The other five are as they were, and costs occur."""
    plain, safe = walk(made()), walk(ToSafetyGymnasium(made()))
    assert any(step[2] > 0.0 for step in safe)
    for five, six in zip(plain, safe, strict=True):
        assert len(six) == 6
        assert six[2] == five[4]["cost"]
        np.testing.assert_array_equal(six[0], five[0])
        assert (six[1], *six[3:5]) == five[1:4]


def test_one_named_cost_may_be_chosen() -> None:
    """The cost of a name is that of the info's."""
    steps = walk(ToSafetyGymnasium(made(), "below_70"))
    assert [step[2] for step in steps] == [step[5]["costs"]["below_70"] for step in steps]
    assert len({step[2] for step in steps}) == 2


def test_there_and_back_is_the_same() -> None:
    """Six results and five again: the same cost, summed over the episode as the original's."""
    plain = walk(made())
    back = walk(FromSafetyGymnasium(ToSafetyGymnasium(made()), "harm"))
    for five, again in zip(plain, back, strict=True):
        assert again[1:4] == five[1:4]
        assert again[4]["cost"] == again[4]["costs"]["harm"] == five[4]["cost"]
        assert again[4]["episode_cost"] == pytest.approx(five[4]["episode_cost"])
    assert back[-1][4]["episode_cost"] > 0.0


def test_signed_values_tell_a_violation() -> None:
    """Values are cost less allowance, in order; above zero is a violation, at zero is none."""
    env = ConstraintValues(made(), {"below_70": 0.0, "above_250": 0.0})
    _, info = env.reset(seed=4)
    assert info["constraint_violation"] == 0
    seen = [step[4] for step in walk(env)]
    for info in seen:
        expected = [info["costs"]["below_70"], info["costs"]["above_250"]]
        np.testing.assert_allclose(info["constraint_values"], expected)
        assert info["constraint_violation"] == int(info["costs"]["below_70"] > 0.0)
    assert {info["constraint_violation"] for info in seen} == {0, 1}
    allowed = ConstraintValues(made(), {"below_70": 1.0})
    assert all(step[4]["constraint_violation"] == 0 for step in walk(allowed))


def test_signed_values_and_back_are_the_costs() -> None:
    """Indicators survive the way through signed values."""
    names = ("below_54", "below_70")
    inner = ConstraintValues(made(), dict.fromkeys(names, 0.0))
    for (*_, before), (*_, after) in zip(
        walk(made()), walk(CostsFromConstraints(inner, names)), strict=True
    ):
        assert after["costs"] == {name: before["costs"][name] for name in names}
        assert after["cost"] == sum(after["costs"].values())


class Silent(gym.Env[Any, Any]):
    """Tells nothing of costs."""

    observation_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)
    action_space = gym.spaces.Box(-1.0, 1.0, (1,), np.float32)

    def reset(self, **_: Any) -> tuple[Any, dict[str, Any]]:
        """Begin."""
        return np.zeros(1, np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Go on."""
        return np.zeros(1, np.float32), 0.0, False, False, {}


@pytest.mark.parametrize(
    ("wrap", "words"),
    [
        (ToSafetyGymnasium, r"no cost 'cost'.*info\['cost'\]"),
        (FromSafetyGymnasium, "returned 5 results"),
        (lambda env: CostsFromConstraints(env, ("a",)), "1 finite values are needed, for a"),
    ],
)
def test_what_is_missing_is_refused(wrap: Any, words: str) -> None:
    """No adapter takes silence for safety."""
    env = wrap(Silent())
    env.reset()
    with pytest.raises(InputError, match=words):
        env.step(np.zeros(1, np.float32))


def test_values_of_a_missing_cost_are_refused_at_reset() -> None:
    """An environment that never tells a cost is caught before its first step."""
    with pytest.raises(InputError, match="no cost 'below_70'"):
        ConstraintValues(Silent(), {"below_70": 0.0}).reset()
    with pytest.raises(InputError, match=r"allowed is \{\}"):
        ConstraintValues(Silent(), {})


@pytest.mark.parametrize("value", [float("nan"), -1.0])
def test_a_cost_that_is_none_is_refused(value: float) -> None:
    """NaN and negative costs are errors of the environment."""
    with pytest.raises(InputError, match="costs are finite numbers of at least 0"):
        cost_of({"costs": {"harm": value}}, "harm")


def test_a_wrapped_environment_is_made_again_from_its_spec() -> None:
    """The wrappers keep their arguments, so that a spec in JSON makes them again."""
    spec = ConstraintValues(made(), {"below_70": 0.0}).spec
    assert spec is not None
    again = gym.make(gym.envs.registration.EnvSpec.from_json(spec.to_json()))
    assert "constraint_values" in again.reset(seed=0)[1]
