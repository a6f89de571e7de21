"""Twins are found by path or by id, and refused in one line."""

import json
from pathlib import Path

import pytest

from dosegym.physiology.errors import InputError
from dosegym.twins.shelf import FOLDER, read_kind, read_twin, twin_ids, twin_path


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two twins that DOSEGYM_TWINS names."""
    for name, kind in (("anna-1", "pressure"), ("ben-2", "kinetics")):
        (tmp_path / f"{name}.json").write_text(json.dumps({"kind": kind}))
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


def test_path_and_id_lead_to_the_same_file(shelf: Path) -> None:
    """A path, an id and a file name in the folder all name one twin."""
    for given in (shelf / "anna-1.json", str(shelf / "anna-1.json"), "anna-1", "anna-1.json"):
        assert twin_path(given).samefile(shelf / "anna-1.json")
    assert twin_ids() == ["anna-1", "ben-2"]
    assert read_kind("anna-1", "pressure") == {"kind": "pressure"}


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nobody", "anna-1, ben-2"),
        ("../anna-1", "no file"),
        ("..", "no file"),
        ("", "give the path"),
        (3, "give the path"),
        ("ben-2", "kind 'kinetics'"),
    ],
)
def test_wrong_twins_are_refused(shelf: Path, given: object, says: str) -> None:
    """What is no twin of that kind is refused by one line that says what to give."""
    with pytest.raises(InputError, match=says) as error:
        read_kind(given, "pressure")  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "[" * 100_000, '{"kind": "stone"}'])
def test_broken_files_are_refused(shelf: Path, text: str) -> None:
    """A file that holds no twin is refused, however it is broken."""
    (shelf / "bad.json").write_text(text)
    with pytest.raises(InputError):
        read_kind("bad", "pressure")


def test_without_a_folder_an_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DOSEGYM_TWINS is not set, the message names it."""
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(InputError, match=FOLDER):
        read_twin("anna-1")
