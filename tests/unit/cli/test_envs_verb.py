"""The verb that lists environments."""

import json
from collections.abc import Iterator

import gymnasium
import pytest

from dosegym.cli.main import main
from dosegym.envs.registry import ENTRIES


class Metronome(gymnasium.Env[int, int]):
    """Tick without end.

    Further lines are not listed.
    """

    def __init__(self, **kwargs: object) -> None:
        self.kwargs = kwargs


@pytest.fixture
def registered() -> Iterator[str]:
    """Register an environment in the house's namespace and take it out again."""
    name = "dosegym/Metronome-v7"
    gymnasium.register(name, entry_point=Metronome, max_episode_steps=288, kwargs={"patient": "a"})
    yield name
    gymnasium.registry.pop(name)


def test_json_lists_what_is_registered(registered: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An environment appears with the first line of its docstring, its steps and keywords."""
    assert main(["envs", "--json"]) == 0
    rows = {row["id"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows[registered] == {
        "id": registered,
        "description": "Tick without end.",
        "max_episode_steps": 288,
        "kwargs": {"patient": "a"},
    }
    assert all(row.startswith("dosegym/") for row in rows)
    assert all(row["description"] for row in rows.values())
    assert set(rows) == {registered, *(entry.id for entry in ENTRIES)}


def test_table_shows_ids_and_descriptions(
    registered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table for people holds the id, the description and the number of steps."""
    assert main(["envs"]) == 0
    table = capsys.readouterr().out
    assert all(word in table for word in (registered, "Tick without end.", "288"))
    assert "CartPole" not in table
