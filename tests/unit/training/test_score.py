"""The validation score and its episodes."""

from typing import Any

import numpy as np
import pytest

from dosegym.policies import load_policy
from dosegym.training.aim_insulin import REPORTED, score_of
from dosegym.training.score import Episodes, validation_episodes
from dosegym.training.settings import ValidationSettings

ENV = "dosegym/Insulin-v0"
VIRTUAL = {"population": "virtual", "groups": ["adult"], "size": 3, "purpose": "training"}


def test_score_is_the_stated_formula() -> None:
    """Time in range less ten times time below 54 less half the failures."""
    figures = {"time_in_range": 80.0, "time_below_54": 0.3, "failure": 2.0}
    assert score_of(figures) == pytest.approx(80.0 - 3.0 - 1.0)


def test_every_patient_has_the_same_number_of_episodes() -> None:
    """Lanes are shared out evenly; what is left over is not run."""
    episodes = Episodes(ENV, {"patient": "adult"}, days=1, lanes=25, purpose="validation", seed=0)
    assert len(episodes.seeds) == 20


def test_more_patients_than_lanes_are_left_out() -> None:
    """A cohort larger than the lanes is cut to its first patients."""
    episodes = Episodes(ENV, {"patient": "adult"}, days=1, lanes=4, purpose="validation", seed=0)
    assert len(episodes.seeds) == len(episodes.task.cohort) == 4  # type: ignore[attr-defined]


def test_figures_repeat_and_report_the_score() -> None:
    """The same policy on the same episodes gives the same figures, the score among them."""
    settings = ValidationSettings(lanes=2, days=1)
    episodes = validation_episodes(ENV, {"patient": "adult#001"}, settings)
    first, second = (episodes(load_policy("constant_basal")) for _ in range(2))
    assert first == second
    assert list(first) == ["score", *REPORTED]
    assert first["score"] == score_of(first)


def test_days_of_purposes_differ() -> None:
    """Validation's days are not training's, though the seed is the same."""
    seeds = {
        purpose: Episodes(ENV, {}, days=1, lanes=8, purpose=purpose, seed=0).seeds
        for purpose in ("training", "validation")
    }
    assert not set(seeds["training"]) & set(seeds["validation"])


def test_virtual_patients_of_validation_are_others() -> None:
    """Virtual patients trained on are not those validated on."""
    kwargs: dict[str, Any] = {"patient": VIRTUAL}
    unseen = validation_episodes(ENV, kwargs, ValidationSettings(lanes=3, days=1))
    seen = Episodes(ENV, kwargs, days=1, lanes=3, purpose="training", seed=0)
    trained, judged = (e.task.cohort.patients for e in (seen, unseen))  # type: ignore[attr-defined]
    assert len(trained) == len(judged) == 3
    assert not np.isclose(trained.params[:, None], judged.params[None]).all(axis=2).any()
    assert not set(trained.names) & set(judged.names)
