"""The certificate's file: whole, unchanged, coherent, valid for a time and for some people."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dosegym.evaluation import SafetyCase, certify, load_case
from dosegym.evaluation.safety_case import _digest
from dosegym.physiology.errors import InputError


@pytest.fixture(scope="module")
def released(rules_file: Any) -> SafetyCase:
    """Return a small case that was released, by rules that sixty people can meet."""
    rules = rules_file(("severe-low",), changes={"limit": 0.5})
    return certify("constant_basal", constraints=rules, patients=60, groups=("adult", "child"))


@pytest.fixture
def written(released: SafetyCase, tmp_path: Path) -> Path:
    """Return the file of the released case."""
    path = tmp_path / "case.json"
    released.write_json(path)
    return path


def test_a_case_survives_its_file(released: SafetyCase, written: Path) -> None:
    """Written and read again, the case is the same in every field and in its hash."""
    again = load_case(written)
    assert again.passed
    assert again.to_dict() == released.to_dict()
    assert again.sha256 == released.sha256
    assert again.items == released.items
    assert [p.name for p in written.parent.iterdir()] == ["case.json"]


def test_every_changed_byte_is_refused(written: Path) -> None:
    """Changing, dropping or doubling any byte of the file makes it unreadable as a certificate."""
    whole = written.read_bytes()
    places = [*range(0, len(whole), 97), 0, 1, 2, len(whole) - 2, len(whole) - 1]
    for at in places:
        for changed in (
            whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            whole[:at] + whole[at + 1 :],
            whole[:at] + whole[at : at + 1] + whole[at:],
        ):
            written.write_bytes(changed)
            with pytest.raises(InputError, match="certificate"):
                load_case(written)
    written.write_bytes(whole)
    assert load_case(written).passed


def test_another_layout_is_refused(written: Path) -> None:
    """The same content in other line ends or indents is not the file that was written."""
    whole = written.read_bytes()
    content = json.loads(whole)
    for text in (
        whole.replace(b"\n", b"\r\n"),
        whole + b"\n",
        b"\xef\xbb\xbf" + whole,
        json.dumps(content).encode(),
    ):
        written.write_bytes(text)
        with pytest.raises(InputError):
            load_case(written)


def forge(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a case's content and give it the hash and layout that fit."""
    content = json.loads(path.read_bytes())
    change(content)
    del content["sha256"]
    content["sha256"] = _digest(content)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def refuse_first_item(content: dict[str, Any]) -> None:
    """Make the first item's bound break its limit."""
    content["items"][0] |= {"slack": -0.1, "passed": False}


def pretend_first_item(content: dict[str, Any]) -> None:
    """Say that an item passed whose slack is negative."""
    content["items"][0] |= {"slack": -0.1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (refuse_first_item, "the verdict is not that of its items"),
        (pretend_first_item, "an item's verdict is not that of its slack"),
        (lambda c: c.update(scope=["adult", "adolescent", "child"]), "not that of its items"),
        (lambda c: c.update(items=[]), "not that of its items"),
        (lambda c: c.update(verdict="SAFE"), "not that of its items"),
        (lambda c: c.pop("worst"), "does not hold together"),
        (lambda c: c.update(stamp="approved"), "does not hold together"),
        (lambda c: c.update(format=1), "is of another version"),
    ],
)
def test_a_well_hashed_but_incoherent_case_is_refused(
    written: Path, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    """A verdict has to follow from its items, whatever the hash says."""
    forge(written, change)
    with pytest.raises(InputError, match=message):
        load_case(written)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    """A file that is no certificate is named in one line."""
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_case(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """A path without a file is told with the command that writes one."""
    with pytest.raises(InputError, match=r"No such file.*dosegym certify --json"):
        load_case(tmp_path / "none.json")


def test_a_case_covers_its_scope(released: SafetyCase) -> None:
    """A released or restricted case covers the groups in scope, a refused one nobody."""
    assert [released.covers(g) for g in ("adult", "adolescent", "child")] == [True, False, True]
    restricted = replace(released, verdict="RESTRICT", scope=("child",))
    assert (restricted.covers("adult"), restricted.covers("child")) == (False, True)
    assert not restricted.passed
    refused = replace(released, verdict="NO_SOLUTION")
    assert not refused.covers("adult")


def test_a_case_expires(released: SafetyCase) -> None:
    """A case is valid for ninety days from its making, to the second."""
    created = datetime.fromisoformat(released.created)
    end = created + timedelta(days=90)
    assert datetime.fromisoformat(released.expires) == end
    assert not released.expired()
    assert not released.expired(end)
    assert released.expired(end + timedelta(seconds=1))
    assert abs(datetime.now(UTC) - created) < timedelta(hours=1)
