"""The one evaluation loop: common days, the recorded window, calibration by prescription."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import dosegym  # noqa: F401  registers the environments
from dosegym.envs import make_task
from dosegym.evaluation.rollout import Rollout, lane_seed, rollout
from dosegym.evaluation.window import Window
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.basal import ConstantBasal

ENV = "dosegym/Insulin-v0"
SEEDS = (11, 12, 13)


def task_of(**kwargs: Any) -> Any:
    """Return a task on three adults for one day, where nobody dies."""
    people = ["adult#001", "adult#002", "adult#003"]
    return make_task(
        ENV, **{"patient": people, "days": 1, "terminate": None, "by_lane": True, **kwargs}
    )


def same(left: Rollout, right: Rollout) -> bool:
    """Whether two rollouts are equal bit for bit."""
    return all(np.array_equal(left.series[k], right.series[k]) for k in left.series)


def test_same_seeds_same_days() -> None:
    """A rollout repeats bit for bit, and other seeds give other days."""
    task, policy = task_of(), load_policy("pid")
    first = rollout(task, policy, SEEDS)
    assert same(first, rollout(task, policy, SEEDS))
    assert not same(first, rollout(task, policy, (21, 22, 23)))
    assert first.names == ("adult#001", "adult#002", "adult#003")
    assert (first.groups, first.seeds, first.step_min) == (("adult",) * 3, SEEDS, 5.0)


def test_a_lane_repeats_the_single_environment() -> None:
    """Lane i is what ``reset(seed=...)`` of the single environment gives, glucose and reward."""
    policy = load_policy("basal_bolus")
    kwargs = {"scenario": "announced", "action": "basal_and_bolus", "days": 1, "terminate": None}
    run = rollout(task_of(**kwargs), policy, SEEDS)
    env = gym.make(ENV, patient="adult#002", **kwargs)
    observation, info = env.reset(seed=SEEDS[1])
    memory, glucose, rewards = None, [info["truth"]["glucose_mg_dl"]], [0.0]
    for _ in range(288):
        action, memory = policy.predict(observation, memory)
        observation, reward, _, _, info = env.step(action)
        glucose.append(info["truth"]["glucose_mg_dl"])
        rewards.append(float(reward))
    assert np.array_equal(run.series["glucose_mg_dl"][:, 1], np.float32(glucose))
    assert np.array_equal(run.series["reward"][:, 1], np.float32(rewards))


def test_two_policies_meet_the_same_meals_and_noise() -> None:
    """Under common seeds meals do not depend on the policy; doses and glucose do."""
    record = ("carbs_eaten_g", "glucose_mg_dl", "basal_u_per_h", "cgm_mg_dl")
    quiet = {"preset": "unannounced", "rescue_g": 0.0}
    task = task_of(scenario=quiet)
    first = rollout(task, load_policy("pid"), SEEDS, record=record).series
    second = rollout(task, load_policy("constant_basal"), SEEDS, record=record).series
    assert np.array_equal(first["carbs_eaten_g"], second["carbs_eaten_g"])
    assert first["carbs_eaten_g"].sum() > 100.0
    assert not np.array_equal(first["glucose_mg_dl"], second["glucose_mg_dl"])
    noise = [r["cgm_mg_dl"] - r["glucose_mg_dl"] for r in (first, second)]
    assert np.allclose(noise[0], noise[1], atol=1e-3)


def test_calibration_is_the_prescription() -> None:
    """Before the policy is asked, the prescribed basal runs; the clock starts where it ends."""
    task, window = task_of(start_hour=23), Window(calibration=12, recorded=24)
    run = rollout(task, load_policy("constant_basal", factor=3.0), SEEDS, window=window)
    usual = rollout(task, ConstantBasal(), SEEDS)
    assert np.array_equal(run.series["glucose_mg_dl"][0], usual.series["glucose_mg_dl"][12])
    assert np.array_equal(run.series["basal_u_per_h"][0], usual.series["basal_u_per_h"][12])
    assert np.allclose(
        run.series["basal_u_per_h"][1:], 3.0 * usual.series["basal_u_per_h"][12], atol=0.1
    )
    assert run.start_min.tolist() == [24 * 60.0] * 3
    assert all(len(values) == 25 for values in run.series.values())


def test_the_policy_first_acts_after_calibration() -> None:
    """A policy is asked for the first time with fresh memory, at the calibration's end."""

    class Listener:
        """Count the calls and keep the first episode start."""

        calls, first = 0, None

        def predict(self, observation: Any, state: Any, begin: Any, _: bool) -> tuple[Any, Any]:
            """Return the prescribed basal's action."""
            if self.calls == 0:
                self.first = (state, begin.copy())
            self.calls += 1
            return ConstantBasal().predict(observation)[0], self.calls

    listener = Listener()
    rollout(task_of(), listener, SEEDS, window=Window(calibration=100, settling=50, recorded=8))
    assert listener.calls == 58
    assert listener.first is not None
    assert listener.first[0] is None
    assert listener.first[1].all()


def test_settling_drops_the_first_part() -> None:
    """What is recorded after settling is the end of the whole run; its first reward is zero."""
    task, policy = task_of(), load_policy("pid")
    whole = rollout(task, policy, SEEDS)
    late = rollout(task, policy, SEEDS, window=Window(settling=200))
    for name in ("glucose_mg_dl", "cgm_mg_dl", "basal_u_per_h"):
        assert np.array_equal(late.series[name], whole.series[name][200:])
    assert np.array_equal(late.series["reward"][1:], whole.series["reward"][201:])
    assert not late.series["reward"][0].any()
    assert np.array_equal(late.start_min, whole.start_min + 1000.0)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"calibration": 200, "settling": 88}, "ends after 289 steps, the episode after 288"),
        ({"settling": 12, "recorded": 277}, "ends after 289 steps"),
        ({"recorded": 0}, "window recorded is 0 steps; give a whole number of at least 1"),
        ({"calibration": -1}, "window calibration is -1 steps"),
        ({"settling": 1.5}, r"window settling is 1\.5 steps"),
        ({"settling": True}, "window settling is True steps"),
    ],
)
def test_windows_that_do_not_fit_are_refused(counts: dict[str, Any], message: str) -> None:
    """A window beyond the episode, or no number of steps, is told before anything runs."""
    with pytest.raises(InputError, match=message):
        rollout(task_of(), load_policy("pid"), SEEDS, window=Window(**counts))


def test_a_body_that_breaks_down_is_refused() -> None:
    """Glucose that is not a number stops the run instead of counting as missing."""
    from dataclasses import replace

    task = task_of()
    patients = task.cohort.patients
    params = patients.params.copy()
    params[2, task.model.parameter_index["Vg"]] = np.nan
    sick = replace(task, cohort=replace(task.cohort, patients=replace(patients, params=params)))
    with pytest.raises(InputError, match=r"glucose_mg_dl of adult#003 is nan at step 0"):
        rollout(sick, ConstantBasal(), SEEDS)


def test_seeds_of_patients_and_episodes_differ() -> None:
    """No two patients, episodes or runs share a seed, and order matters."""
    seeds = {lane_seed(s, e, p) for s in range(3) for e in range(20) for p in range(30)}
    assert len(seeds) == 3 * 20 * 30
    assert lane_seed(1, 2, 3) == lane_seed(1, 2, 3)


def test_progress_ends_at_the_end() -> None:
    """Progress tells how many of the steps are done, and ends with all of them."""
    told: list[tuple[int, int]] = []
    rollout(
        task_of(),
        ConstantBasal(),
        SEEDS,
        window=Window(recorded=100),
        progress=lambda *done: told.append(done),
    )
    assert told[-1] == (100, 100)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
