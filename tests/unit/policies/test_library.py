"""Policies by name, by file and by module:attribute; what is refused, and how."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dosegym.policies import list_policies, load_policy, policy_hash
from dosegym.policies.pid import Pid

SOURCE = """
class Half:
    def __init__(self, share=0.5):
        self.share = share

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        return observation[..., :1] * self.share, state


ready = Half(0.25)
number = 5


def build(share):
    return Half(share)


def wrong():
    return object()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: Any) -> str:
    """Write a module of a user's own into the working folder and return its name."""
    name = f"own_policy_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_options_reach_a_built_in_policy() -> None:
    """Settings are handed on; the TDD variant keeps its defaults unless they are changed."""
    assert load_policy("pid", gains="rule").card["gains"] == "rule"
    assert load_policy("basal_bolus_tdd").card["lead_min"] == 20.0
    assert load_policy("basal_bolus_tdd", lead_min=0.0).card["lead_min"] == 0.0
    assert load_policy("basal_bolus_tdd").card["tdd_rules"] is True


def test_suspend_takes_a_policy_by_name() -> None:
    """The inner policy may be an object or a name that ``load_policy`` knows."""
    named = load_policy("low_glucose_suspend", inner="pid")
    assert policy_hash(named) == policy_hash(load_policy("low_glucose_suspend", inner=Pid()))


@pytest.mark.parametrize(("attribute", "options", "share"), [
    ("Half", {}, 0.5),
    ("Half", {"share": 0.75}, 0.75),
    ("ready", {}, 0.25),
    ("build", {"share": 0.1}, 0.1),
])  # fmt: skip
def test_a_users_own_policy(module: str, attribute: str, options: Any, share: float) -> None:
    """A class, an object and a function of a module in the working folder are all found."""
    policy = load_policy(f"{module}:{attribute}", **options)
    assert policy.share == share
    assert policy.card["policy"] == f"{module}:{attribute}"
    assert policy.card["options"] == options


def test_a_users_hash_follows_the_source(module: str, tmp_path: Path) -> None:
    """The hash of a user's own policy changes with its options and with its file."""
    first = policy_hash(load_policy(f"{module}:Half"))
    assert policy_hash(load_policy(f"{module}:Half")) == first
    assert policy_hash(load_policy(f"{module}:Half", share=0.6)) != first
    file = tmp_path / f"{module}.py"
    file.write_text(file.read_text() + "\n# changed\n")
    assert policy_hash(load_policy(f"{module}:Half")) != first


@pytest.mark.parametrize(("attribute", "options", "message"), [
    ("Nobody", {}, "cannot be imported: module .* has no attribute 'Nobody'"),
    ("number", {}, "has no predict"),
    ("wrong", {}, "has no predict"),
    ("build", {}, "cannot be called so: missing a required argument: 'share'"),
    ("Half", {"shrae": 1.0}, "cannot be called so: got an unexpected keyword argument 'shrae'"),
])  # fmt: skip
def test_a_users_mistakes_are_named(
    module: str, attribute: str, options: Any, message: str
) -> None:
    """What is missing, not callable so, or no policy is said in one line."""
    with pytest.raises(ValueError, match=message) as caught:
        load_policy(f"{module}:{attribute}", **options)
    assert "\n" not in str(caught.value)


def test_a_module_that_does_not_compile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A syntax error in the user's file is told in one line."""
    (tmp_path / "own_broken.py").write_text("def predict(:\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match="policy 'own_broken:x' cannot be imported") as caught:
        load_policy("own_broken:x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "options", "message"), [
    ("basal_bolsu", {}, "policy is 'basal_bolsu': not built in .*basal_bolus.*pid"),
    ("", {}, "policy is ''"),
    (":x", {}, "cannot be imported"),
    ("no_such_module_at_all:x", {}, "cannot be imported: No module named"),
    ("pid", {"gain": 1}, "policy pid does not take gain; it takes .*gains"),
    ("basal_bolus_tdd", {"target": 1}, "does not take target; it takes .*target_mg_dl"),
    ("low_glucose_suspend", {"outer": 1}, "does not take outer; it takes inner"),
    ("low_glucose_suspend", {"inner": "nobody"}, "policy is 'nobody'"),
])  # fmt: skip
def test_unknown_names_and_options(name: str, options: Any, message: str) -> None:
    """Unknown names list what there is; unknown settings list those the policy takes."""
    with pytest.raises(ValueError, match=message) as caught:
        load_policy(name, **options)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_agent(tmp_path: Path) -> None:
    """A file without a manifest, an empty folder and options for an agent are refused."""
    file = tmp_path / "agent.zip"
    file.write_bytes(b"not a zip")
    with pytest.raises(ValueError, match="has no manifest beside it"):
        load_policy(file)
    with pytest.raises(ValueError, match="is not a readable SB3 file"):
        load_policy(file, trust=True)
    with pytest.raises(ValueError, match="a trained agent takes no gains; leave it out"):
        load_policy(file, gains="rule")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="no trained agent at"):
        load_policy(empty)


def test_every_listed_policy_loads_under_its_line() -> None:
    """Each name of the list loads and has a line for a reader."""
    for name, line in list_policies().items():
        assert load_policy(name).predict
        assert line
        assert "\n" not in line
