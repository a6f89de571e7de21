"""The page on environments says what the code does."""

from pathlib import Path

import gymnasium

import dosegym
from dosegym.envs.registry import ENTRIES
from dosegym.therapy.view import INSULIN_VIEW

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "environments.md"


def test_the_observation_table_is_the_codes() -> None:
    """The table of features on the page is the one the environment is made from."""
    assert INSULIN_VIEW.table() in PAGE.read_text(encoding="utf-8")


def test_every_id_has_a_section() -> None:
    """Each registered id has its own heading."""
    text = PAGE.read_text(encoding="utf-8")
    assert dosegym.__version__
    assert all(f"## `{entry.id}`" in text for entry in ENTRIES)


def test_info_keys_and_costs_are_those_on_the_page() -> None:
    """Every key and every cost that the environment reports is explained."""
    text = PAGE.read_text(encoding="utf-8")
    env = gymnasium.make("dosegym/Insulin-v0")
    _, info = env.reset(seed=0)
    env.close()
    assert info
    assert all(f"`{key}`" in text for key in (*info, *info["costs"]))
