"""What agents aim at: one aim for each environment, made of columns the environment has."""

import numpy as np
import pytest

from dosegym.envs.registry import ENTRIES, make_task
from dosegym.evaluation.subjects.library import subject_of
from dosegym.physiology.errors import InputError
from dosegym.therapy.formulary import CLASSES, load_formulary
from dosegym.training.aim import aim_of
from dosegym.training.aim_pressure import HARM_WEIGHTS, USUAL_DOSES, score_of, usual_action

PRESSURE = "dosegym/BloodPressure-v0"
IDS = [entry.id for entry in ENTRIES]


@pytest.mark.parametrize("env_id", IDS)
def test_every_environment_has_an_aim_that_watches_its_log(env_id: str) -> None:
    """Nothing is watched that the environment does not write."""
    aim, task = aim_of(env_id), make_task(env_id)
    assert {w.column for w in aim.watched} <= set(task.log_columns)


@pytest.mark.parametrize("env_id", IDS)
def test_the_usual_action_lies_in_the_space(env_id: str) -> None:
    """Learning starts at an action that the environment accepts."""
    task = make_task(env_id)
    usual = aim_of(env_id).usual(task)
    assert task.action_space.contains(usual.astype(task.action_space.dtype))


def test_an_unknown_environment_is_refused_with_the_known_ones() -> None:
    """One line names what there is."""
    with pytest.raises(InputError, match=r"'dosegym/Nothing-v0'; choose one of dosegym/Insulin-v0"):
        aim_of("dosegym/Nothing-v0")


def test_pressure_score_is_the_stated_formula() -> None:
    """Time in target less each harm times its weight."""
    figures = dict.fromkeys(HARM_WEIGHTS, 0.0) | {"time_in_target": 60.0}
    assert score_of(figures) == 60.0
    figures |= {"sbp_below_100": 3.0, "oedema": 4.0}
    assert score_of(figures) == pytest.approx(60.0 - 2.0 * 3.0 - 0.25 * 4.0)


@pytest.mark.parametrize("env_id", IDS)
def test_figures_are_means_of_metrics_that_evaluation_knows(env_id: str) -> None:
    """Every reported figure is one of the environment's metrics; the score comes first."""
    aim, names = aim_of(env_id), subject_of(env_id).metric_names
    assert set(aim.reported) <= set(names)
    values = {name: np.array([i, i + 2.0]) for i, name in enumerate(names)}
    figures = aim.figures(values)
    assert list(figures) == ["score", *aim.reported]
    for name in aim.reported:
        assert figures[name] == names.index(name) + 1.0
    assert figures["score"] == pytest.approx(aim.score(figures))


def test_usual_levels_are_the_stated_standard_doses() -> None:
    """Levels decode to the ordinary regimen, whatever the formulary."""
    for spec in ("default", {"ccb": "amlodipine", "thiazide": "hydrochlorothiazide"}):
        tablets = load_formulary(spec)
        task = make_task(PRESSURE, formulary=spec)
        doses = tablets.standard_of(usual_action(task).astype(int))
        assert dict(zip(CLASSES, doses.tolist(), strict=True)) == {
            kind: USUAL_DOSES.get(kind, 0.0) for kind in CLASSES
        }
