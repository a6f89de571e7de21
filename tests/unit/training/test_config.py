"""Hyperparameters: what the files say, what may be changed, and how faults are told."""

import json
from typing import Any

import pytest

from dosegym.envs.registry import ENTRIES
from dosegym.physiology.errors import InputError
from dosegym.training import load_settings
from dosegym.training.config import (
    environments_of,
    json_mapping,
    parse_assignments,
    parse_settings,
)
from dosegym.training.settings import SETTINGS, PpoSettings

ENV = "dosegym/Insulin-v0"
OFFERED = [(algo, env_id) for algo in SETTINGS for env_id in environments_of(algo)]


@pytest.mark.parametrize(("algo", "env_id"), OFFERED)
def test_every_file_holds_acceptable_settings(algo: str, env_id: str) -> None:
    """Each algorithm's file passes its own checks, with a hash of the file."""
    loaded = load_settings(algo, env_id)
    assert isinstance(loaded.settings, SETTINGS[algo])
    assert len(loaded.sha256) == 64


@pytest.mark.parametrize(("algo", "env_id"), OFFERED)
def test_settings_survive_json(algo: str, env_id: str) -> None:
    """What a manifest records builds the same settings again."""
    settings = load_settings(algo, env_id).settings
    again = parse_settings(algo, json.loads(settings.model_dump_json()))
    assert again == settings


def test_overrides_reach_inside_and_leave_the_rest() -> None:
    """A dotted name changes one value; its neighbours keep those of the file."""
    before = load_settings("ppo", ENV).settings
    after = load_settings("ppo", ENV, {"validation.days": 2, "n_epochs": 3}).settings
    assert isinstance(after, PpoSettings)
    assert (after.validation.days, after.n_epochs) == (2, 3)
    assert after.validation.every == before.validation.every
    assert after.env_kwargs == before.env_kwargs


def test_overrides_do_not_change_the_hash_of_the_file() -> None:
    """The hash names the file the settings began from."""
    plain, changed = load_settings("ppo", ENV), load_settings("ppo", ENV, {"n_epochs": 3})
    assert plain.sha256 == changed.sha256


def test_every_environment_has_ppo_and_every_key_is_registered() -> None:
    """Whatever is registered can be trained on, and no file names what is not."""
    registered = {entry.id for entry in ENTRIES}
    assert set(environments_of("ppo")) == registered
    assert {env_id for _, env_id in OFFERED} == registered


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"n_stepz": 3}, ["'n_stepz'", "did you mean 'n_steps'?"]),
        ({"validation.dayz": 3}, ["'validation.dayz'", "did you mean 'days'?", "every"]),
        ({"n_steps": 0}, ["n_steps is 0", "greater than 0"]),
        ({"learning_rate": "lin_x"}, ["learning_rate is 'lin_x'", "lin_3e-4"]),
        ({"learning_rate": 2.0}, ["learning_rate is 2.0", "at most 1"]),
        ({"gamma": 1.0}, ["gamma is 1.0", "less than 1"]),
        ({"gamma": float("nan")}, ["gamma is nan"]),
        ({"batch_size": 4000}, ["batch_size is 4000", "24576", "factor"]),
        ({"n_steps.x": 2}, ["'n_steps'", "no parts"]),
        ({"net_arch": []}, ["net_arch", "[64, 64]"]),
        ({"start.head_scale": 0}, ["start.head_scale is 0"]),
    ],
)
def test_a_fault_is_told_in_one_line(overrides: dict[str, Any], words: list[str]) -> None:
    """The message names the key, its value and what would do."""
    with pytest.raises(InputError) as caught:
        load_settings("ppo", ENV, overrides)
    line = str(caught.value)
    assert "\n" not in line
    for word in words:
        assert word in line


def test_unknown_algorithm_names_the_known_ones() -> None:
    """An algorithm that does not exist is refused with the list."""
    with pytest.raises(InputError, match="algorithm is 'dqn'; choose one of ppo, sac, td3, a2c"):
        load_settings("dqn", ENV)


def test_unknown_environment_names_the_known_ones() -> None:
    """An environment without hyperparameters is refused with the list."""
    with pytest.raises(InputError, match="no hyperparameters for 'x/Y-v0'; it has dosegym/Insulin"):
        load_settings("ppo", "x/Y-v0")


def test_assignments_are_read_as_yaml() -> None:
    """Numbers, lists and truth values arrive as such; an equals sign in the value stays."""
    found = parse_assignments(["a=1", "b.c=[1, 2]", "d=true", "e=x=y", "f=lin_3e-4"])
    assert found == {"a": 1, "b.c": [1, 2], "d": True, "e": "x=y", "f": "lin_3e-4"}


@pytest.mark.parametrize("pair", ["n_epochs", "=3", "a=[1"])
def test_an_assignment_that_is_none_is_refused(pair: str) -> None:
    """No equals sign, no name, or no YAML: one line."""
    with pytest.raises(InputError, match="--set"):
        parse_assignments([pair])


@pytest.mark.parametrize("value", [[1], {"a": object()}, {"a": float("inf")}])
def test_keywords_must_be_json(value: Any) -> None:
    """What could not be recorded in a manifest is refused before training."""
    with pytest.raises(InputError, match="env_kwargs"):
        json_mapping(value, "env_kwargs")
