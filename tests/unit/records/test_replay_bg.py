"""ReplayBG tables."""

from __future__ import annotations

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record

HEADER = "t,glucose,cho,bolus,basal,bolus_label,cho_label"


def table(rows, header=HEADER):
    """Return the text of a table."""
    return "\n".join([header, *rows, ""])


def day(n=288, basal=0.02):
    """Return a day with a meal of 8 g/min and a bolus of 0.9 U/min at noon."""
    rows = []
    for k in range(n):
        meal = "8.0,0.9" if k == 144 else "0.0,0.0"
        glucose = "" if k < 10 else f"{120 + k % 30}.0"
        rows.append(f"11-May-2027 {k // 12:02d}:{k % 12 * 5:02d}:00,{glucose},{meal},{basal},,")
    return rows


def test_rates_per_minute_become_amounts(tmp_path):
    """Over five minutes 8 g/min are 40 g, 0.9 U/min are 4.5 U; 0.02 U/min are 1.2 U/h."""
    path = tmp_path / "data_day_1.csv"
    path.write_text(table(day()))
    (tmp_path / "patient_info.csv").write_text("patient,u2ss,bw\n1,0.24,100")
    timeline = read_record(path)
    assert timeline.source_format == "replay_bg"
    assert len(timeline.glucose) == 278
    assert timeline.meals.carbs_g.tolist() == pytest.approx([40.0])
    assert timeline.boluses.units.tolist() == pytest.approx([4.5])
    assert timeline.basal.u_per_h == pytest.approx([1.2])
    assert (timeline.basal.end_s - timeline.basal.start_s).sum() == 86400
    assert not timeline.basal.assumed.any()
    assert timeline.settings.weight_kg == 100.0


def test_a_patient_table_of_several_people_gives_no_weight(tmp_path):
    """Nobody's weight is taken for another's; a note says so."""
    path = tmp_path / "data_day_1.csv"
    path.write_text(table(day()))
    (tmp_path / "patient_info.csv").write_text("patient,u2ss,bw\n1,0.2,100\n2,0.2,60")
    timeline = read_record(path)
    assert timeline.settings.weight_kg is None
    assert any("exactly one person" in note for note in timeline.notes)


def test_broken_rows_are_counted(tmp_path):
    """Short rows, unreadable times and words are named and dropped."""
    path = tmp_path / "x.csv"
    bad = [
        "yesterday,120,0,0,0.02,,",
        "11-May-2027 23:58:00,12",
        "12-May-2027 00:00:00,abc,x,0,0.02,,",
    ]
    path.write_text(table([*day(), *bad]))
    assert {item.reason: item.count for item in read_record(path).dropped} == {
        "carbs: not a number": 1,
        "glucose: not a number": 1,
        "row: no readable time": 1,
        "row: row cut short": 1,
    }


def test_a_table_without_a_step_is_refused(tmp_path):
    """Rates per minute mean nothing without the length of a row."""
    path = tmp_path / "x.csv"
    path.write_text(table(day()[20:21]))
    with pytest.raises(InputError, match="step between rows"):
        read_record(path)


def test_the_patient_table_alone_is_refused(tmp_path):
    """It holds no glucose, and the line says which file does."""
    path = tmp_path / "patient_info.csv"
    path.write_text("patient,u2ss,bw\n1,0.24,100")
    with pytest.raises(InputError, match=r"give data_day_\*\.csv"):
        read_record(path)


def test_a_table_whose_time_is_not_its_first_column_may_have_short_rows(tmp_path):
    """A row that ends before the time is dropped by name, wherever that column stands."""
    path = tmp_path / "data_day_1.csv"
    rows = [f"{100 + k},0,0,0.01,01-Jan-2026 00:{5 * k:02d}:00" for k in range(8)]
    path.write_text("\n".join(["glucose,cho,bolus,basal,t", *rows[:4], "110", *rows[4:], ""]))
    timeline = read_record(path)
    assert len(timeline.glucose) == 8
    assert [item.reason for item in timeline.dropped if "row" in item.reason] == [
        "row: row cut short"
    ]
