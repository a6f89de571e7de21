"""Collecting logged treatment: the log is what happened, and says how probable it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes
from dosegym.evaluation.collect import collect, true_value
from dosegym.evaluation.logged import logged_hash
from dosegym.evaluation.rollout import rollout
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"
PEOPLE = {"population": "virtual", "size": 6, "purpose": "test", "seed": 4}


def test_the_log_replays_in_the_environment() -> None:
    """Proposed acts, played again with the logged seed, give the logged course bit for bit."""
    clinician = NoisyClinician(load_policy("usual_care"), epsilon=0.4)
    log = collect(PRESSURE, clinician, PEOPLE, 3, 2, env_kwargs={"days": 168})
    assert len(log) == 12
    assert len(log.patients()) == 6
    task = make_task(PRESSURE, patient=PEOPLE, days=168, terminate=None, by_lane=True)
    one = log.episodes[7]
    lanes = Lanes(task, 2)
    lanes.seed(1, one.seed)
    step = lanes.begin()
    for t in range(len(one)):
        np.testing.assert_array_equal(step.observation[1], one.observations[t])
        step = lanes.step(np.stack([one.proposed[t]] * 2))
        assert step.reward[1] == one.rewards[t]
        np.testing.assert_array_equal(step.applied[1], one.actions[t])
    assert one.truncated
    assert not one.terminated


def test_probabilities_are_those_of_the_acts() -> None:
    """Logged probabilities are the behaviour's own for what it proposed."""
    clinician = NoisyClinician(load_policy("acc_aha_2025"), epsilon=0.25)
    log = collect(PRESSURE, clinician, PEOPLE, 3, env_kwargs={"days": 112})
    mass = np.exp(np.stack([one.log_prob for one in log.episodes]))
    assert ((mass > 0) & (mass <= 1)).all()
    followed = mass > 0.74
    assert 0.4 < followed.mean() < 1.0


def test_the_same_seed_is_the_same_log_and_another_is_not() -> None:
    """Everything comes from the seed: days, people and lot."""
    policy = Randomised([load_policy("pid")], band=0.3)
    logs = [
        collect(INSULIN, policy, ["adult#001"], seed, env_kwargs={"days": 1}) for seed in (1, 1, 2)
    ]
    assert logged_hash(logs[0]) == logged_hash(logs[1]) != logged_hash(logs[2])


def test_a_death_ends_a_logged_course() -> None:
    """With ``terminate`` the log ends with the death, and time beyond it is not logged."""
    log = collect(
        INSULIN, "constant_basal", ["child"], 0, env_kwargs={"days": 1, "terminate": [80, 250]}
    )
    ended = [one for one in log.episodes if one.terminated]
    assert ended
    for one in ended:
        assert not one.truncated
        assert len(one) < 288


def test_deterministic_doses_have_no_density_and_levels_mass_one() -> None:
    """A rule without ``log_prob`` has NaN for doses, and mass 1 for levels."""
    doses = collect(INSULIN, "pid", ["adult#001"], 0, env_kwargs={"days": 1})
    assert np.isnan(doses.episodes[0].log_prob).all()
    levels = collect(PRESSURE, "acc_aha_2025", PEOPLE, 0, env_kwargs={"days": 56})
    assert (levels.episodes[0].log_prob == 0.0).all()


def test_true_value_is_the_mean_of_patients() -> None:
    """The truth is the mean over patients of their mean return, its error that of the patients."""
    told = true_value(PRESSURE, "acc_aha_2025", PEOPLE, 3, 2, env_kwargs={"days": 168})
    log = collect(PRESSURE, "acc_aha_2025", PEOPLE, 3, 2, env_kwargs={"days": 168})
    each = log.returns().reshape(2, 6).mean(axis=0)
    assert told["mean"] == pytest.approx(each.mean())
    assert told["se"] == pytest.approx(each.std(ddof=1) / np.sqrt(6))
    assert told["n"] == 6


def test_listening_changes_nothing() -> None:
    """A rollout that is listened to records the same numbers as one that is not."""

    class Ear:
        heard = 0

        def begin(self, chart: Any, step: Any) -> None:
            self.names = chart.names

        def hear(self, decision: Any) -> None:
            self.heard += 1

    task = make_task(PRESSURE, patient="adult", days=112, by_lane=True, terminate=None)
    ear, policy = Ear(), load_policy("acc_aha_2025")
    loud, quiet = (rollout(task, policy, range(4), listener=x) for x in (ear, None))
    assert ear.heard == task.n_steps
    for name, series in quiet.series.items():
        np.testing.assert_array_equal(series, loud.series[name])


def test_nonsense_is_refused() -> None:
    """Wrong counts, environments and policies of another one are refused in one line."""
    with pytest.raises(InputError, match="episodes"):
        collect(PRESSURE, "acc_aha_2025", PEOPLE, 0, 0)
    with pytest.raises(InputError, match="seed"):
        collect(PRESSURE, "acc_aha_2025", PEOPLE, -1)
    with pytest.raises(InputError, match="is for"):
        collect(INSULIN, "acc_aha_2025", PEOPLE, 0)
