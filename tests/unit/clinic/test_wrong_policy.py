"""A policy of the other environment, or a seed that is none, is an error before any twin is fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from dosegym.cli.main import main
from dosegym.clinic import recommend, recommend_pressure
from dosegym.physiology.errors import InputError
from dosegym.records import read_pressure, read_record

DATA = Path(__file__).resolve().parents[3] / "records" / "data"


def test_tablets_are_not_proposed_from_glucose() -> None:
    """A guideline for blood pressure on a glucose record is refused in one line."""
    record = read_record(DATA / "demo_nightscout.json")
    with pytest.raises(InputError, match=r"policy is for dosegym/BloodPressure-v0, the record is"):
        recommend(record, "esc_2024")


def test_a_negative_seed_is_refused_by_both() -> None:
    """The line names the seed."""
    with pytest.raises(InputError, match="seed is -1; give a whole number of at least 0"):
        recommend(read_record(DATA / "demo_nightscout.json"), "pid", seed=-1)
    with pytest.raises(InputError, match="seed is -1; give a whole number of at least 0"):
        recommend_pressure(read_pressure(DATA / "demo_pressure.json"), "esc_2024", seed=-1)


def test_the_console_reads_ambiguous_dates_when_told_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mend that the reader asks for can be given on the command line."""
    monkeypatch.chdir(tmp_path)
    days = "".join(f"0{day}/02/2026 08:00,140,85\n" for day in range(1, 6))
    Path("home.csv").write_text("time,systolic,diastolic\n" + days)
    words = ["recommend", "home.csv", "--timezone", "UTC", "--draws", "20"]
    assert main(words) == 2
    assert "dates='dmy' or 'mdy'" in capsys.readouterr().err
    assert main([*words, "--dates", "dmy"]) == 3
    assert main([*words, "--dates", "x"]) == 2
    assert "use 'dmy' or 'mdy'" in capsys.readouterr().err


def test_an_empty_policy_is_not_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    """``--policy ''`` is a slip of a script, not a wish for the usual guideline."""
    assert main(["recommend", str(DATA / "demo_pressure.json"), "--policy", ""]) == 2
    assert "policy is ''" in capsys.readouterr().err
