"""Files to be written are checked before the work, and never take the place of what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dosegym.cli.main import main
from dosegym.evaluation.write import check_outputs, write_text
from dosegym.physiology.errors import InputError

PERSON = '{"patient": "person#001"}'
EVALUATE = ("evaluate", "--policy", "do_nothing", "--days", "28", "--env-kwargs", PERSON)
VERBS = [
    (("trial", "quartet"), "dosegym.evaluation.trial.run_trial"),
    (EVALUATE, "dosegym.evaluation.evaluate"),
    (("certify", "--policy", "do_nothing"), "dosegym.evaluation.safety.certify"),
]


@pytest.mark.parametrize(("words", "work"), VERBS)
@pytest.mark.parametrize("place", [".", "", "missing/x.json", "file/x.json"])
def test_a_verb_refuses_before_it_works(
    words: tuple[str, ...],
    work: str,
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A path that cannot be written gives status 2 and one line, and nothing is simulated."""

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("simulated although the result could not be written")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(work, never)
    Path("file").write_text("")
    assert main([*words, "--json", place]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: cannot write")
    assert told.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_output_never_overwrites_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record, the protocol, and another output are safe, however the path is written."""
    monkeypatch.chdir(tmp_path)
    record = tmp_path / "record.json"
    record.write_text("{}")
    words = ["recommend", "record.json", "--out", "r.html", "--json", f"./{record.name}"]
    assert main(words) == 2
    assert "it is what is read; choose another path" in capsys.readouterr().err
    assert record.read_text() == "{}"
    with pytest.raises(InputError, match="it is written already"):
        check_outputs("same.json", tmp_path / "same.json")
    check_outputs("one.json", None, "two.json", inputs=[record, None])
    assert [p.name for p in tmp_path.iterdir()] == ["record.json"]


def test_writing_to_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    """A folder, and a path beneath a file, are refused without a trace."""
    (tmp_path / "file").write_text("kept")
    for place in (tmp_path, tmp_path / "file" / "x", Path()):
        with pytest.raises(InputError, match="choose another path"):
            write_text(place, "x")
    assert (tmp_path / "file").read_text() == "kept"
