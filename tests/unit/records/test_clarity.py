"""Dexcom Clarity CSV."""

from __future__ import annotations

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record

HEADER = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,"
    "Source Device ID,Glucose Value (mg/dL),Insulin Value (u),Carb Value (grams),"
    "Duration (hh:mm:ss),Glucose Rate of Change (mg/dL/min),Transmitter Time (Long Integer),"
    "Transmitter ID"
)
PREAMBLE = [
    "1,,FirstName,,Ada,,,,,,,,,",
    "2,,LastName,,Lovelace,,,,,,,,,",
    "3,,DateOfBirth,,1815-12-10,,,,,,,,,",
    "4,,Device,,,Dexcom G6 Mobile App,iOS G6,,,,,,,",
    "5,,Alert,High,,,iOS G6,251,,,,,,",
]


def egv(index, time, value, tick="", device="8ABCDE"):
    """Return one sensor row."""
    return f"{index},{time},EGV,,,,iOS G6,{value},,,,,{tick},{device}"


def rows(n=288):
    """Return a day of five-minute rows."""
    return [
        egv(k, f"2026-01-01T{k // 12:02d}:{k % 12 * 5:02d}:00", 100 + k % 40, 1000 + 300 * k)
        for k in range(n)
    ]


def write(path, lines, header=HEADER, encoding="utf-8"):
    """Write an export and return its path."""
    path.write_bytes("\n".join([header, *PREAMBLE, *lines, ""]).encode(encoding))
    return path


def test_rows_are_told_apart_by_event_and_words_are_censored(tmp_path):
    """EGV, insulin of both kinds and carbohydrate are read; Low and High are kept as such."""
    extra = [
        egv(900, "2026-01-02 0:02:00", "Low"),
        egv(901, "2026-01-02 00:07:00", "High"),
        "902,2026-01-01T08:00:00,Insulin,Fast-Acting,,,iOS G6,,5.5,,,,,",
        "903,2026-01-01T22:00:00,Insulin,Long-Acting,,,iOS G6,,18,,,,,",
        "904,2026-01-01T08:00:00,Carbs,,,,iOS G6,,,45,,,,",
        "905,2026-01-01T09:00:00,Insulin,,,,iOS G6,,7,,,,,",
        "906,2026-01-01T10:00:00,Exercise,Light,,,iOS G6,,,,00:30:00,,,",
        "907,,EGV,,,,iOS G6,101,,,,,,",
    ]
    timeline = read_record(write(tmp_path / "x.csv", [*rows(), *extra]), timezone="Europe/Rome")
    assert timeline.source_format == "clarity"
    assert timeline.glucose.censored[-2:].tolist() == [-1, 1]
    assert timeline.boluses.units.tolist() == [5.5]
    assert timeline.long_acting.units.tolist() == [18.0]
    assert timeline.meals.carbs_g.tolist() == [45.0]
    assert timeline.basal is None
    assert {item.reason: item.count for item in timeline.dropped} == {
        "glucose: no readable time": 1,
        "insulin: neither fast- nor long-acting": 1,
        "row: no glucose, insulin or carbohydrate (alert)": 1,
        "row: no glucose, insulin or carbohydrate (device)": 1,
        "row: no glucose, insulin or carbohydrate (exercise)": 1,
        "row: no glucose, insulin or carbohydrate (preamble or other)": 3,
    }


def test_no_name_birth_date_or_device_enters_the_timeline(tmp_path):
    """Nothing of the preamble, no serial number and no file name is in the record."""
    timeline = read_record(write(tmp_path / "Clarity_Export_Lovelace_Ada.csv", rows()))
    text = repr(timeline)
    for secret in ("Ada", "Lovelace", "1815", "8ABCDE", "iOS"):
        assert secret not in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_encodings(tmp_path, encoding):
    """UTF-8 with and without mark, UTF-16 and Latin-1 (accents only in names) read alike."""
    lines = ["6,,FirstName,,José,,,,,,,,,", *rows()]
    timeline = read_record(write(tmp_path / "x.csv", lines, encoding=encoding))
    assert len(timeline.glucose) == 288
    assert any("Encoding" in note for note in timeline.notes) == (encoding in {"latin-1", "utf-16"})


def test_a_doubled_mark_turned_to_letters_is_still_a_header(tmp_path):
    """The mojibake that real exports carry before `Index` does not matter."""
    broken = HEADER.replace("Index", '\ufeff"ï»¿""""Index"""""', 1)
    assert len(read_record(write(tmp_path / "x.csv", rows(), broken)).glucose) == 288


def test_european_exports_in_mmol_with_decimal_commas(tmp_path):
    """The unit is read from the header; quoted decimal commas are numbers."""
    lines = [egv(k, f"2026-01-01T{k // 12:02d}:{k % 12 * 5:02d}:00", '"6,5"') for k in range(24)]
    header = HEADER.replace("mg/dL", "mmol/L")
    timeline = read_record(write(tmp_path / "x.csv", lines, header))
    assert timeline.glucose.mg_dl[0] == pytest.approx(6.5 * 18.01559)


def test_older_exports_without_transmitter_columns(tmp_path):
    """The columns that newer exports add are not needed."""
    header = HEADER.split(",Transmitter")[0]
    lines = [",".join(row.split(",")[:12]) for row in (*PREAMBLE, *rows())]
    path = tmp_path / "old.csv"
    path.write_text("\n".join([header, *lines]))
    assert len(read_record(path).glucose) == 288


def test_the_hour_told_twice_keeps_both_its_hours(tmp_path):
    """On the autumn night the transmitter's counter keeps all readings five minutes apart."""
    lines = []
    for k in range(72):
        minute = k * 5 if k < 36 else k * 5 - 60
        time = f"2026-10-25T{minute // 60:02d}:{minute % 60:02d}:00"
        lines.append(egv(k, time, 120, 4000000 + 300 * k))
    timeline = read_record(write(tmp_path / "x.csv", lines), timezone="Europe/Rome")
    assert len(timeline.glucose) == 72
    assert set((timeline.glucose.time_s[1:] - timeline.glucose.time_s[:-1]).tolist()) == {300.0}


def test_a_cut_last_row_is_dropped_not_misread(tmp_path):
    """A file that breaks off in a row loses that row, counted, and nothing else."""
    path = tmp_path / "x.csv"
    path.write_text(
        "\n".join([HEADER, *PREAMBLE, *rows()]) + "\n288,2026-01-02T00:00:00,EGV,,,,iOS G6,12"
    )
    timeline = read_record(path)
    assert len(timeline.glucose) == 288
    assert {item.reason: item.count for item in timeline.dropped}["glucose: row cut short"] == 1


def test_a_folder_of_two_peoples_exports_is_refused(tmp_path):
    """Names are compared in memory, and a mixture of persons is refused without naming them."""
    write(tmp_path / "a.csv", rows(100))
    other = tmp_path / "b.csv"
    other.write_text("\n".join([HEADER, "1,,FirstName,,Charles,,,,,,,,,", *rows()]))
    with pytest.raises(InputError, match="different persons") as refused:
        read_record(tmp_path)
    assert "Charles" not in str(refused.value)


def test_a_glucose_column_without_a_unit_is_refused(tmp_path):
    """The unit is never guessed from a bare column name."""
    header = HEADER.replace("Glucose Value (mg/dL)", "Glucose Value")
    with pytest.raises(InputError, match="names no unit"):
        read_record(write(tmp_path / "x.csv", rows(), header))
