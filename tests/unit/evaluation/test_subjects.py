"""Subjects: one per environment, found by id, task or policy; their tables agree with the code."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.envs.registry import ENTRIES
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.scoring import metrics_of
from dosegym.evaluation.subjects import environment_of, subject_of, subject_of_task
from dosegym.evaluation.trajectory import Rollout
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.therapy.signals import BLOOD_PRESSURE, COMPARATORS, INSULIN, SIGNALS_OF

IDS = (INSULIN, BLOOD_PRESSURE)


@dataclass
class Agent:
    """A policy that says what it was made for."""

    env_id: str | None = None
    card: dict[str, Any] = field(default_factory=dict)


def test_every_environment_has_a_subject() -> None:
    """Whatever is registered can be evaluated and certified."""
    assert {entry.id for entry in ENTRIES} <= set(IDS)
    for env_id in IDS:
        assert subject_of(env_id).env_id == env_id


@pytest.mark.parametrize("env_id", IDS)
def test_tables_of_a_subject_agree(env_id: str) -> None:
    """What is printed, certified and constrained are metrics, in the same units and ranges."""
    subject = subject_of(env_id)
    units = {metric.name: metric.unit for metric in subject.metrics}
    assert len(units) == len(subject.metrics)
    assert {column.metric for column in subject.shown} <= set(units)
    assert set(subject.examination.worst_shown) <= set(SIGNALS_OF[env_id])
    for name, signal in SIGNALS_OF[env_id].items():
        assert units[name] == signal.unit
    assert all(metric.low < metric.high for metric in subject.metrics)


@pytest.mark.parametrize("env_id", IDS)
def test_the_default_constraints_are_of_the_environment(env_id: str) -> None:
    """The set that certification takes by itself names this environment, groups and comparator."""
    subject = subject_of(env_id)
    rules = load_constraints(subject.examination.constraints)
    assert rules.environment == env_id
    scopes = {scope for item in rules.items for scope in item.scope} - {"all"}
    assert scopes <= set(subject.groups)
    versus = {item.comparator for item in rules.items if item.type == "noninferiority"}
    assert versus == {COMPARATORS[env_id]}
    load_policy(subject.examination.comparator)


def test_insulin_metrics_are_those_of_the_table() -> None:
    """Names and order of the insulin table are what a rollout's scoring returns."""
    series = {name: np.full((3, 1), 100.0, np.float32) for name in subject_of(INSULIN).record}
    series["reward"] = np.zeros((3, 1), np.float32)
    run = Rollout(("adult#001",), ("adult",), (7,), 5.0, series, np.zeros(1))
    assert tuple(metrics_of(run)) == subject_of(INSULIN).metric_names


def test_the_policy_chooses_the_environment() -> None:
    """Attribute first, then card; a policy that says nothing goes to the insulin environment."""
    assert environment_of(Agent(env_id=BLOOD_PRESSURE)) == BLOOD_PRESSURE
    assert environment_of(Agent(card={"env_id": BLOOD_PRESSURE})) == BLOOD_PRESSURE
    assert environment_of(Agent()) == INSULIN
    assert environment_of(object()) == INSULIN
    assert environment_of(Agent(), BLOOD_PRESSURE) == BLOOD_PRESSURE
    assert environment_of(load_policy("usual_care")) == BLOOD_PRESSURE


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: subject_of("dosegym/Moon-v0"), "environment id is 'dosegym/Moon-v0'; choose one"),
        (
            lambda: environment_of(Agent(BLOOD_PRESSURE, {"policy": "mine"}), INSULIN),
            "policy mine is for dosegym/BloodPressure-v0, not for dosegym/Insulin-v0",
        ),
        (lambda: environment_of(Agent("Moon")), "environment id is 'Moon'"),
        (lambda: subject_of_task(type("T", (), {"name": "Moon"})()), "task is 'Moon'"),
    ],
)
def test_what_does_not_belong_is_refused(call: Any, message: str) -> None:
    """An unknown id or task, and a policy in another environment, are told in one line."""
    with pytest.raises(InputError, match=message):
        call()


def test_the_reference_page_names_every_pressure_metric() -> None:
    """The table of the documentation is the one of the code, row by row."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
    text = page.read_text("utf-8")
    for metric in subject_of(BLOOD_PRESSURE).metrics:
        row = f"| `{metric.name}` | {metric.unit} | {metric.better} | {metric.doc} |"
        assert row in text
