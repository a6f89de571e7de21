"""Every wrong keyword of ``gym.make("dosegym/Insulin-v0", ...)`` is refused in one clear line."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import pytest

import dosegym  # noqa: F401
from dosegym.envs import make_task
from dosegym.physiology.errors import InputError

ENV = "dosegym/Insulin-v0"
NAN = float("nan")

WRONG = [
    ({"pateint": "adult#001"}, "does not know the keyword 'pateint'; it takes patient, scenario"),
    ({"patient": "adult#011"}, "patient 'adult#011' is not in this population; it has adult#001"),
    ({"patient": 5}, "patient is 5; give a patient's name, a group, 'all'"),
    ({"patient": None}, "patient is None; give"),
    ({"patient": [3]}, r"patient is \[3\]; give"),
    ({"patient": []}, "patient is an empty list; name at least one"),
    ({"patient": {"population": "real"}}, "is not understood; give population 'virtual'"),
    ({"patient": {"population": "virtual", "sise": 2}}, "with the keys groups, population"),
    ({"patient": {"population": "virtual", "size": 0}}, "number of patients is 0; give"),
    ({"patient": {"population": "virtual", "size": "x"}}, "number of patients is 'x'; give"),
    ({"patient": {"population": "virtual", "groups": 3}}, "groups is 3; give a list of some of"),
    ({"patient": {"population": "virtual", "groups": ["old"]}}, "groups is .*old.*; give a list"),
    ({"patient": {"population": "virtual", "seed": -1}}, "seed is -1; give a whole number"),
    ({"patient": {"population": "virtual", "purpose": "fun"}}, "purpose is 'fun'; choose one of"),
    ({"scenario": "feast"}, "scenario is 'feast'; choose one of unannounced"),
    ({"scenario": 3}, "scenario is 3; give a preset's name or a mapping"),
    ({"scenario": {"preset": ["x"]}}, r"scenario is \['x'\]; choose one of"),
    ({"scenario": {"preset": "fasting", "mealz": 1}}, "scenario has no setting 'mealz'; it has"),
    ({"scenario": {"rescue_g": "much"}}, "scenario rescue_g is 'much'; it must be a finite number"),
    ({"physiology": "hovorka"}, "physiology is 'hovorka'; choose one of uva_padova_2008"),
    ({"gut": "iron"}, "gut is 'iron'; choose one of published, simglucose_legacy, t1dms"),
    ({"action": "inhale"}, "action is 'inhale'; choose one of basal_rate, basal_and_bolus"),
    ({"action": ["basal_rate"]}, r"action is \['basal_rate'\]; choose one of"),
    ({"reward": "fame"}, "reward is 'fame'; choose one of magni"),
    ({"cost_weights": 3}, "cost_weights is 3; give a mapping"),
    ({"cost_weights": {"below_45": 1}}, "cost_weights names 'below_45'; the costs are below_54"),
    ({"cost_weights": {"below_54": -1}}, "cost_weights below_54 is -1; give a number from 0"),
    ({"sensor": "eye"}, "sensor is 'eye'; choose one of breton_kovatchev"),
    ({"sensor": {"period_min": 2.5}}, "sensor period_min is 2.5 min; give a whole number"),
    ({"pump": "bicycle"}, "pump is 'bicycle'; choose one of insulet"),
    ({"pump": {"max_basal_u_per_h": -1}}, "pump max_basal_u_per_h is -1 U/h; give a value between"),
    ({"days": 0}, "days is 0; give a whole number of days from 1 to 400"),
    ({"days": 1.5}, "days is 1.5; give"),
    ({"days": "2"}, "days is '2'; give"),
    ({"days": True}, "days is True; give"),
    ({"step_min": 7}, "step_min is 7; give a divisor of 1440 that is a multiple of .* 5 min"),
    ({"step_min": 0}, "step_min is 0; give"),
    ({"step_min": "5"}, "step_min is '5'; give"),
    ({"start_hour": 24}, "start_hour is 24; give an hour from 0 to below 24, or null"),
    ({"start_hour": "noon"}, "start_hour is 'noon'; give"),
    ({"start_hour": NAN}, "start_hour is nan; give"),
    ({"start_glucose": 30}, "start_glucose is 30; give 'random', 'basal' or a value from 40"),
    ({"start_glucose": "low"}, "start_glucose is 'low'; give"),
    ({"start_glucose": None}, "start_glucose is None; give"),
    ({"terminate": [600, 40]}, r"terminate is \[600, 40\]; give \[low, high\] in mg/dL"),
    ({"terminate": 40}, "terminate is 40; give"),
    ({"terminate": [40]}, r"terminate is \[40\]; give"),
    ({"terminate": ["low", 600]}, "terminate is 'low'; give"),
    ({"death_penalty": NAN}, "death_penalty is nan; give a number from 0"),
    ({"death_penalty": -5}, "death_penalty is -5; give"),
    ({"by_lane": "no"}, "by_lane is 'no'; give true or false"),
    ({"threads": 0}, "threads is 0; give a whole number from 1"),
    ({"threads": 1.5}, "threads is 1.5; give"),
    ({"cohort": "all"}, "cohort is 'all'; give a dosegym.therapy.cohort.Cohort or patient"),
]


@pytest.mark.parametrize(("kwargs", "message"), WRONG, ids=[str(k)[:60] for k, _ in WRONG])
def test_wrong_keywords(kwargs: dict[str, Any], message: str) -> None:
    """What the user of gym.make sees is one line naming the keyword, its value and the mend."""
    with pytest.raises(InputError, match=message) as caught:
        gym.make(ENV, **kwargs)
    assert "\n" not in str(caught.value)


def test_wrong_render_mode_is_refused() -> None:
    """The class itself refuses a mode it has not; gym.make warns before it does."""
    from dosegym.envs.tasks.insulin_env import InsulinEnv

    with pytest.raises(InputError, match="render_mode is 'movie'; choose 'rgb_array'"):
        InsulinEnv(render_mode="movie")


def test_rendering_before_the_first_reset_is_refused() -> None:
    """There is nothing to draw yet, and the message says what to do."""
    from dosegym.envs.tasks.insulin_env import InsulinEnv

    with pytest.raises(InputError, match=r"call reset\(\) before render"):
        InsulinEnv(render_mode="rgb_array").render()
    assert InsulinEnv().render() is None


def test_unknown_ids() -> None:
    """make_task lists the ids there are; gym.make answers in Gymnasium's own words."""
    with pytest.raises(
        InputError, match="environment id is 'dosegym/Insulin-v9'; choose one of dos"
    ):
        make_task("dosegym/Insulin-v9")
    with pytest.raises(gym.error.VersionNotFound):
        gym.make("dosegym/Insulin-v9")


def test_right_edges_are_accepted() -> None:
    """Values on the bounds of what the messages promise do work."""
    for kwargs in (
        {"days": 1, "start_hour": 23.99},
        {"start_hour": 0},
        {"start_glucose": 40},
        {"start_glucose": 500},
        {"terminate": [0, 600]},
        {"terminate": None, "death_penalty": 0},
        {"patient": {"population": "virtual", "groups": "child", "size": 1}},
        {"patient": ["adult", "child#001"]},
        {"sensor": "navigator_bk", "step_min": 1},
    ):
        env = gym.make(ENV, **kwargs)
        assert env.observation_space.contains(env.reset(seed=0)[0]), kwargs


def test_the_default_step_follows_the_sensor() -> None:
    """Five minutes where the sensor's period divides it, else the period."""
    steps = {
        s: make_task(ENV, sensor=s).step_min for s in ("navigator_bk", "dexcom_bk", "dexcom_g6")
    }
    assert steps == {"navigator_bk": 5, "dexcom_bk": 3, "dexcom_g6": 5}
