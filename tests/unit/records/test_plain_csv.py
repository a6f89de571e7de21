"""DoseGym's plain CSV, read and written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import (
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
    Timeline,
    read_record,
    record_text,
    write_record,
)

TEXT = """\
# written by hand for this test
# subject: P001
# timezone: Europe/Rome
# weight_kg: 70
# age_years: 34
# insulin_duration_h: 5
# basal_u_per_h: 00:00=0.8, 06:00=1.1
# carb_ratio_g_per_u: 10
# correction_mmol_l_per_u: 2.5
# target_mmol_l: 6
time,glucose_mmol_l,bolus_u,carbs_g,basal_u_per_h
2026-01-01T08:00:00,5.5,,,
2026-01-01T08:05:00,Low,2.5,30,
2026-01-01T08:10:00+01:00,High,,,0.5
2026-01-01T07:15:00Z,6.0,0,,
2026-01-01T08:20:00,6.5,,,1.5
2026-01-01T08:25:00,7.0,,,
"""


@pytest.fixture
def read(tmp_path):
    """Read a text as a record."""

    def reader(text, **options):
        path = tmp_path / "record.csv"
        path.write_text(text, encoding="utf-8")
        return read_record(path, **options)

    return reader


def test_every_column_and_key_is_read(read):
    """Local times, offsets, words, units and settings come out as the page describes."""
    timeline = read(TEXT)
    assert (timeline.subject, timeline.timezone) == ("P001", "Europe/Rome")
    seven = 1767250800.0  # 07:00Z, eight in Rome
    assert ((timeline.glucose.time_s - seven) / 60).tolist() == [0, 5, 10, 15, 20, 25]
    np.testing.assert_allclose(timeline.glucose.mg_dl[[0, 5]], [5.5 * 18.01559, 7 * 18.01559])
    assert timeline.glucose.censored.tolist() == [0, -1, 1, 0, 0, 0]
    assert timeline.boluses.units.tolist() == [2.5]
    assert timeline.meals.carbs_g.tolist() == [30.0]
    settings = timeline.settings
    assert (settings.weight_kg, settings.age_years, settings.insulin_duration_h) == (70, 34, 5)
    assert settings.correction_mg_dl_per_u.value == pytest.approx([45.038975])
    assert settings.target_mg_dl.value == pytest.approx([108.09354])
    assert settings.basal_u_per_h.at([359, 360]).tolist() == [0.8, 1.1]


def test_a_rate_holds_until_the_next_and_the_schedule_fills_what_no_row_says(read):
    """Stated rates are a log; before the first one the schedule stands in and is marked."""
    basal = read(TEXT).basal
    assert basal.u_per_h.tolist() == [1.1, 0.5, 1.5]
    assert basal.assumed.tolist() == [True, False, False]
    assert ((basal.end_s - basal.start_s) / 60).tolist() == [10, 10, 5]


def test_rows_may_carry_their_own_zone(read):
    """A column `timezone` serves records that travelled."""
    timeline = read(
        "time,timezone,glucose_mg_dl\n2026-01-01T08:00,Europe/Rome,100\n"
        "2026-01-01T16:10,Asia/Tokyo,110\n"
    )
    assert (timeline.glucose.time_s - 1767250800.0).tolist() == [0.0, 600.0]


def test_unit_for_a_bare_glucose_column(read):
    """`glucose` alone is refused until the unit is passed."""
    text = "time,glucose\n" + "".join(f"2026-01-01T08:{m:02d}Z,6.1\n" for m in range(0, 60, 5))
    with pytest.raises(InputError, match="names no unit; call it 'glucose_mg_dl'"):
        read(text)
    assert read(text, unit="mmol/L").glucose.mg_dl[0] == pytest.approx(6.1 * 18.01559)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bolus_u", "bolus"), "column 'bolus' is unknown; did you mean 'bolus_u'"),
        (("carbs_g", "bolus_u"), "column 'bolus_u' occurs twice"),
        (("glucose_mmol_l", "timezone"), "one of 'glucose_mg_dl' or 'glucose_mmol_l'"),
        (
            ("# weight_kg: 70", "# weigth_kg: 70"),
            "key 'weigth_kg' is unknown; did you mean",
        ),
        (("# weight_kg: 70", "# weight_kg: heavy"), "weight_kg is 'heavy'; write one number"),
        (("06:00=1.1", "6am=1.1"), "write '0.8' or '00:00=0.8, 06:00=1.1'"),
        (("06:00=1.1", "25:00=1.1"), "must ascend within 0 to 1440"),
        (("Europe/Rome", "Rome"), "timezone: 'Rome' is neither"),
    ],
)
def test_slips_are_refused_with_the_mend(read, change, message):
    """A misspelt column or key would lose insulin silently, so it is refused by name."""
    with pytest.raises(InputError, match=message):
        read(TEXT.replace(*change))


def test_rows_with_too_many_or_too_few_cells_are_counted(read):
    """An unquoted decimal comma shifts cells; such a row is dropped, never misread."""
    timeline = read(TEXT + "2026-01-01T08:30:00,7,5,,,\n2026-01-01T08:35:00,7\nsoon,7,,,\n")
    assert {item.reason: item.count for item in timeline.dropped} == {
        "row: more or fewer cells than the header (cut short, or a decimal comma)": 2,
        "row: no readable time": 1,
    }
    assert timeline.glucose.mg_dl.size == 6


def test_semicolons_with_decimal_commas(read):
    """The spreadsheet dialect of half of Europe is read as it is."""
    timeline = read(
        "time;glucose_mmol_l;bolus_u\n2026-01-01T08:00Z;5,5;\n2026-01-01T08:05Z;;1,25\n"
    )
    assert timeline.glucose.mg_dl[0] == pytest.approx(5.5 * 18.01559)
    assert timeline.boluses.units.tolist() == [1.25]


def test_a_subject_that_could_be_a_name_is_not_kept(read):
    """Only a pseudonym with a number is; else the content's hash names the record."""
    timeline = read(TEXT.replace("P001", "Ada Lovelace"))
    assert timeline.subject == f"record-{timeline.source_sha256[:8]}"
    assert "Lovelace" not in repr(timeline)
    assert any("no pseudonym" in note for note in timeline.notes)


minute = st.integers(0, 2 * 1440)
amounts = st.dictionaries(minute, st.floats(0.05, 30).map(lambda v: round(v, 3)), max_size=8)


def schedules(low, high):
    """Draw a schedule of up to four steps."""
    steps = st.dictionaries(st.integers(0, 1439), st.floats(low, high), min_size=1, max_size=4)
    return st.none() | steps.map(
        lambda drawn: DailySchedule(sorted(drawn), [drawn[at] for at in sorted(drawn)])
    )


@st.composite
def timelines(draw):
    """Draw a record such as any reader could give."""
    start = draw(st.sampled_from([-3e8, 1767225600.0, 1774746000.25]))
    times = sorted(draw(st.sets(minute, min_size=2, max_size=40)))
    flags = [draw(st.sampled_from([0, 0, 0, -1, 1])) for _ in times]
    # No six times apart, from 40 where a reading is "Low": of neighbours that are, the reader takes
    # one for the other unit's.
    values = [draw(st.floats(70, 239 if -1 in flags else 399)) for _ in times]
    values = [{-1: 40.0, 0: v, 1: 400.0}[f] for v, f in zip(values, flags, strict=True)]
    inside = [at for at in sorted(draw(st.sets(minute, max_size=6))) if times[0] <= at < times[-1]]
    edges = [*inside, times[-1]]
    basal = None
    if inside:
        rates = [draw(st.floats(0, 0.9)) + index for index in range(len(inside))]
        logged = start + 60.0 * np.array(edges)
        basal = BasalIntervals(logged[:-1], logged[1:], rates)

    def column(kind, drawn):
        at = sorted(drawn)
        return kind(start + 60.0 * np.array(at), [drawn[key] for key in at])

    return Timeline(
        subject="P7", source_format="test", source_sha256="",
        timezone=draw(st.sampled_from(["UTC", "Europe/Rome", "UTC-03:30"])),
        glucose=GlucoseSeries(start + 60.0 * np.array(times), values, flags), basal=basal,
        boluses=column(Boluses, draw(amounts)), meals=column(Meals, draw(amounts)),
        long_acting=column(Boluses, draw(amounts)),
        settings=TherapySettings(
            carb_ratio_g_per_u=draw(schedules(2, 90)),
            correction_mg_dl_per_u=draw(schedules(11, 400)),
            target_mg_dl=draw(schedules(70, 200)),
            weight_kg=draw(st.none() | st.floats(10, 150)),
            insulin_duration_h=draw(st.none() | st.floats(2.5, 8)),
        ),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(timelines())
def test_writing_and_reading_returns_the_record(tmp_path_factory, timeline):
    """Every column and setting survives the round trip exactly, digit by digit."""
    path = tmp_path_factory.mktemp("round") / "record.csv"
    write_record(timeline, path)
    back = read_record(path)
    assert record_text(back) == record_text(timeline)
    np.testing.assert_array_equal(back.glucose.mg_dl, timeline.glucose.mg_dl)
    np.testing.assert_array_equal(back.glucose.time_s, timeline.glucose.time_s)
    assert back.dropped == ()


def test_assumed_basal_stays_assumed(read, tmp_path):
    """The mark that no log vouches for a rate survives the round trip."""
    timeline = read(TEXT)
    write_record(timeline, tmp_path / "again.csv")
    again = read_record(tmp_path / "again.csv")
    np.testing.assert_array_equal(again.basal.assumed, timeline.basal.assumed)
    assert record_text(again) == record_text(timeline)


def test_a_file_appears_whole_or_not_at_all(read, tmp_path):
    """When writing fails the old file stays and nothing half-written is left behind."""
    timeline = read(TEXT)
    path = tmp_path / "out.csv"
    path.write_text("old")
    broken = replace(timeline, glucose=None)
    with pytest.raises(TypeError):
        write_record(broken, path)
    assert path.read_text() == "old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out.csv", "record.csv"]


def test_several_files_join_only_under_one_pseudonym(tmp_path):
    """Two exports of P001 are one record; without the line, or with another, they are refused."""
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "b.csv").write_text(TEXT.replace("08:25:00,7.0", "08:30:00,8.0"))
    joined = read_record(tmp_path)
    assert len(joined.glucose) == 7
    assert joined.boluses.units.tolist() == [2.5]
    (tmp_path / "b.csv").write_text(TEXT.replace("P001", "P002"))
    with pytest.raises(InputError, match="different persons"):
        read_record(tmp_path)
    (tmp_path / "b.csv").write_text(TEXT.replace("# subject: P001\n", ""))
    with pytest.raises(InputError, match="# subject: P001"):
        read_record(tmp_path)
