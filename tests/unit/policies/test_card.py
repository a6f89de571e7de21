"""Hashes of policies, and a trained agent's file against its manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dosegym.policies.card import policy_hash, read_manifest, sha256_of


class Carded:
    """A policy that is nothing but its card."""

    def __init__(self, card: Any) -> None:
        self.card = card


def test_hash_does_not_depend_on_the_order_of_keys() -> None:
    """The same entries give the same hash, in whatever order they were written."""
    assert policy_hash(Carded({"a": 1, "b": [2, 3]})) == policy_hash(Carded({"b": [2, 3], "a": 1}))
    assert policy_hash(Carded({"a": 1})) != policy_hash(Carded({"a": 2}))


def test_hash_of_a_known_card() -> None:
    """The hash is SHA-256 of the card's compact JSON, so that others can compute it."""
    import hashlib

    assert policy_hash(Carded({"b": 1, "a": "x"})) == hashlib.sha256(b'{"a":"x","b":1}').hexdigest()


def test_no_card_or_no_json_is_refused() -> None:
    """A policy without a card, or whose card holds objects, cannot be hashed."""
    with pytest.raises(ValueError, match="policy object has no card; give it a `card` dictionary"):
        policy_hash(object())
    with pytest.raises(
        ValueError, match=r"card of policy Carded is not JSON .*; give plain values"
    ):
        policy_hash(Carded({"inner": object()}))


@pytest.fixture
def agent(tmp_path: Path) -> Path:
    """Write a file with the manifest that describes it."""
    file = tmp_path / "agent.zip"
    file.write_bytes(b"weights")
    (tmp_path / "manifest.json").write_text(json.dumps({"sha256": sha256_of(file), "algo": "ppo"}))
    return file


def test_a_file_as_described_is_accepted(agent: Path) -> None:
    """The manifest is returned when the file's hash is the one in it; its own name comes first."""
    assert read_manifest(agent)["algo"] == "ppo"
    own = {"sha256": sha256_of(agent), "algo": "sac"}
    agent.with_suffix(".json").write_text(json.dumps(own))
    assert read_manifest(agent)["algo"] == "sac"


def test_a_changed_file_is_refused_unless_trusted(agent: Path) -> None:
    """One changed byte is noticed; trust=True accepts it knowingly."""
    agent.write_bytes(b"Weights")
    with pytest.raises(ValueError, match="the file changed since training; restore it, or pass"):
        read_manifest(agent)
    assert read_manifest(agent, trust=True)["algo"] == "ppo"


@pytest.mark.parametrize("text", ["{", "[1]", "\ufeff"])
def test_a_damaged_manifest_is_refused(agent: Path, text: str) -> None:
    """A manifest that is no JSON object is named; trust does not mend it."""
    (agent.parent / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=r"manifest .*restore it") as caught:
        read_manifest(agent, trust=True)
    assert "\n" not in str(caught.value)


def test_a_missing_manifest(agent: Path) -> None:
    """Without a manifest only trust lets a file pass, and then nothing is known of it."""
    (agent.parent / "manifest.json").unlink()
    with pytest.raises(ValueError, match="has no manifest beside it; train it with"):
        read_manifest(agent)
    assert read_manifest(agent, trust=True) == {}
