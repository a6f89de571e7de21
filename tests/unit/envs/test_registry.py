"""The table of environments: ids, import strings, variants, documentation."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.envs.registration import registry

from dosegym.envs.registry import ENTRIES, Entry, make_task, register_all


@pytest.fixture(params=ENTRIES, ids=[e.id for e in ENTRIES])
def entry(request: pytest.FixtureRequest) -> Entry:
    """Return one entry."""
    return request.param


def load(path: str) -> Any:
    """Return what an import string names."""
    module, name = path.split(":")
    return getattr(import_module(module), name)


def test_ids_are_registered_by_string(entry: Entry) -> None:
    """Importing dosegym registers every id, versioned, with entry points nobody has imported."""
    spec = registry[entry.id]
    assert re.fullmatch(r"dosegym/[A-Za-z0-9]+-v\d+", entry.id)
    assert spec.entry_point == entry.env
    assert spec.vector_entry_point == entry.vector_env
    assert issubclass(load(entry.env), gym.Env)
    assert issubclass(load(entry.vector_env), gym.vector.VectorEnv)


def test_registering_twice_is_harmless(entry: Entry) -> None:
    """A second registration neither warns nor replaces the first."""
    spec = registry[entry.id]
    register_all()
    assert registry[entry.id] is spec


def test_every_keyword_is_exercised_or_documented(entry: Entry) -> None:
    """The class docstring names every keyword, and the factory's documents each."""
    known = [k for k in inspect.signature(load(entry.task)).parameters if k != "cohort"]
    documented = load(entry.task).__doc__
    for key in known:
        assert f"`{key}`" in load(entry.env).__doc__
        assert re.search(rf"^    [\w, ]*\b{key}\b[\w, ]* :", documented, re.MULTILINE)


def test_the_docstring_has_the_sections_of_gymnasium(entry: Entry) -> None:
    """Spaces, rewards, start, end, arguments and history are told, single and vector alike."""
    for path in (entry.env, entry.vector_env):
        for title in (
            *("Action Space", "Observation Space", "Rewards", "Starting State"),
            *("Episode End", "Arguments", "Version History"),
        ):
            assert f"## {title}\n" in load(path).__doc__


def test_variants_make_tasks_that_differ(entry: Entry) -> None:
    """Each variant is accepted, and no two are the same."""
    assert len(entry.variants) >= 1
    for kwargs in entry.variants:
        assert make_task(entry.id, **kwargs).n_steps > 0
    texts = [repr(sorted(v.items())) for v in entry.variants]
    assert len(set(texts)) == len(texts)
