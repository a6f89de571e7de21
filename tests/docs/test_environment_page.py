"""The page on environments says what the code does."""

from pathlib import Path

import gymnasium
import pytest

import dosegym
from dosegym.envs.pressure_reward import LOST, REWARDS
from dosegym.envs.registry import ENTRIES
from dosegym.therapy.formulary import CLASSES, DEFAULT, DRUGS
from dosegym.therapy.pressure_view import PRESSURE_VIEW
from dosegym.therapy.view import INSULIN_VIEW

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "environments.md"


def section(env_id: str) -> str:
    """Return the part of the page under an environment's heading."""
    text = PAGE.read_text(encoding="utf-8")
    return text.split(f"## `{env_id}`")[1].split("\n## ")[0]


def test_the_observation_tables_are_the_codes() -> None:
    """The tables of features on the page are the ones the environments are made from."""
    assert INSULIN_VIEW.table() in section("dosegym/Insulin-v0")
    assert PRESSURE_VIEW.table() in section("dosegym/BloodPressure-v0")


def test_every_id_has_a_section() -> None:
    """Each registered id has its own heading."""
    text = PAGE.read_text(encoding="utf-8")
    assert dosegym.__version__
    assert all(f"## `{entry.id}`" in text for entry in ENTRIES)


@pytest.mark.parametrize("env_id", [entry.id for entry in ENTRIES])
def test_info_keys_and_costs_are_those_on_the_page(env_id: str) -> None:
    """Every key and every cost that an environment reports is explained."""
    text = PAGE.read_text(encoding="utf-8")
    env = gymnasium.make(env_id)
    _, info = env.reset(seed=0)
    env.close()
    assert info
    assert all(f"`{key}`" in text for key in info)
    assert all(f"`{key}`" in section(env_id) for key in info["costs"])


def test_drugs_and_rewards_of_blood_pressure_are_those_on_the_page() -> None:
    """The table of drugs gives each class's levels in mg; every reward has its line."""
    text = section("dosegym/BloodPressure-v0")
    for kind in CLASSES:
        drug = DRUGS[DEFAULT[kind]]
        levels = ", ".join(f"{mg:g}" for mg in drug.doses_mg)
        assert f"(`{kind}`) | {drug.name} | {levels} |" in text
    assert all(f"| `{name}`" in text for name in REWARDS)
    assert f"`risk` is charged {LOST:g} for each 28 days" in text
