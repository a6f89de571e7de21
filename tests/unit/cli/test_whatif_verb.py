"""The verb ``whatif``: a fitted twin lives days again; what cannot be asked is said in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from dosegym.cli.main import main
from dosegym.records import demo_record, read_record
from dosegym.records.write import write_record
from dosegym.twins import fit_twin

BAD_INPUT = 2


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Return the files of two days of the bundled record, and of the twin fitted to them."""
    folder = tmp_path_factory.mktemp("person")
    record = read_record(demo_record())
    end = float(record.glucose.time_s[-1])
    record = record.window(end - 2 * 86400.0, end + 1.0)
    record = replace(record, settings=replace(record.settings, weight_kg=75.0))
    write_record(record, folder / "record.csv")
    twin = fit_twin(record, seed=1, hold_out=False)
    (folder / "twin.json").write_text(json.dumps(twin.to_dict()))
    return str(folder / "record.csv"), str(folder / "twin.json")


def test_a_day_is_lived_again(
    person: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Less basal raises glucose; table, facts and picture are written, for research only."""
    record, twin = person
    facts, picture = tmp_path / "day.json", tmp_path / "day.png"
    words = ["whatif", record, "--basal", "x0.75", "--twin", twin, "--draws", "20"]
    assert main([*words, "--json", str(facts), "--plot", str(picture)]) == 0
    shown = capsys.readouterr().out
    assert "basal x 0.75" in shown
    assert "For research only" in shown
    told = json.loads(facts.read_text())
    assert told["summary"]["mean_mg_dl"]["difference"][0] > 0.0
    assert len(told["time"]) == 289
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_dated_amounts_act_from_then_on(person: tuple[str, str], tmp_path: Path) -> None:
    """Two units at 18:00 change nothing before, and lower glucose after; SVG is drawn too."""
    record, twin = person
    facts, picture = tmp_path / "day.json", tmp_path / "day.svg"
    words = ["whatif", record, "--bolus", "+2", "--at", "18:00", "--twin", twin, "--draws", "20"]
    assert main([*words, "--json", str(facts), "--plot", str(picture)]) == 0
    told = json.loads(facts.read_text())
    lived, changed = (told["glucose_mg_dl"][name][1] for name in ("lived", "changed"))
    (when, units), *_ = told["change"]["boluses"]
    assert units == 2.0
    begin = (when - datetime.fromisoformat(told["time"][0]).timestamp()) / 300.0
    before, after = round(begin), round(begin) + 24
    assert changed[:before] == lived[:before]
    assert changed[after] < lived[after] - 5.0
    assert "<svg" in picture.read_text()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "changes nothing"),
        (["--basal", "0.75"], "give a factor such as x0.75"),
        (["--basal", "x9"], "U a day"),
        (["--bolus", "+2"], "1 amounts are added but 0 times"),
        (["--bolus", "+2", "--at", "noon"], "time is 'noon'"),
        (["--basal", "x0.9", "--days", "30"], "the record that a twin sees"),
        (["--basal", "x0.9", "--draws", "1"], "draws is 1"),
        (["--basal", "x0.9", "--plot", "day.gif"], ".png or .svg"),
        (["--tablets", "amlodipine=5"], "--tablets means nothing"),
        (["--basal", "x0.9", "--twin", "nobody"], "nobody"),
    ],
)
def test_bad_input_is_one_line(
    person: tuple[str, str], words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What cannot be asked ends in status 2 and one line that names it."""
    record, twin = person
    named = [] if "--twin" in words else ["--twin", twin]
    assert main(["whatif", record, *named, *words]) == BAD_INPUT
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert says in lines[0]


def test_a_twin_is_no_record(person: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """A twin's file in the record's place, or a file that is not there, is told in one line."""
    for path in (person[1], "nothing-here.csv"):
        assert main(["whatif", path, "--basal", "x0.9"]) == BAD_INPUT
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
