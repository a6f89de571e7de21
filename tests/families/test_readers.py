"""One battery over every reader: the same person's day in each format."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reader_checks import assert_accounts, content
from reader_documents import (
    BATTERY,
    BOLUSES,
    CASES,
    GLUCOSE,
    MEALS,
    MIDNIGHT,
    MINUTES,
    UNDATED,
    put,
)

from dosegym.physiology.errors import InputError
from dosegym.records import FORMATS, assess, read_record, record_text, write_record

every_format = pytest.mark.parametrize("name", sorted(BATTERY))
in_a_folder = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_the_battery_knows_every_format():
    """A reader added without a battery fails here."""
    assert set(BATTERY) | set(CASES) == set(FORMATS)


def test_an_oref0_case_reads_as_its_folder(tmp_path):
    """The pump's order overlays the profile, the sensitivity becomes mg/dL, all rows are told."""
    CASES["oref0"](tmp_path)
    timeline = read_record(tmp_path)
    assert (timeline.source_format, timeline.timezone) == ("oref0", "UTC+02:00")
    assert (len(timeline.glucose), timeline.rows.total) == (24, 24 + 3 + 1 + 1)
    assert timeline.boluses.time_s.tolist() == [MIDNIGHT + 1800.0]
    assert timeline.meals.carbs_g.tolist() == [30.0]
    assert timeline.basal.u_per_h.tolist() == [1.8, 0.9]
    assert timeline.basal.assumed.tolist() == [False, True]
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([2.5 * 18.01559])
    assert timeline.settings.target_mg_dl.value.tolist() == [100.0]


@every_format
def test_one_day_reads_alike_from_every_format(tmp_path, name):
    """Glucose, boluses, meals and delivered basal come out as they went in."""
    timeline = read_record(put(tmp_path, name, BATTERY[name].rows(1.0)))
    assert timeline.source_format == name
    assert timeline.timezone == "UTC"
    assert timeline.span_days == 1.0
    form = BATTERY[name]
    assert timeline.glucose_source == form.source
    midnight = 946684800 if name in UNDATED else MIDNIGHT
    doses, meals = (
        (BOLUSES if "bolus" in form.holds else {}),
        (MEALS if "carbs" in form.holds else {}),
    )
    np.testing.assert_array_equal(timeline.glucose.time_s, midnight + 60.0 * np.array(MINUTES))
    np.testing.assert_allclose(timeline.glucose.mg_dl, list(GLUCOSE.values()), rtol=1e-12)
    np.testing.assert_allclose(timeline.boluses.units, list(doses.values()))
    np.testing.assert_allclose(timeline.meals.carbs_g, list(meals.values()))
    assert (timeline.boluses.time_s - midnight).tolist() == [60.0 * at for at in doses]
    grid = timeline.on_grid(midnight, 288, 5.0)
    basal_u = form.basal_u
    assert grid.insulin_u_per_min.sum() * 5 == pytest.approx(
        sum(doses.values()) + basal_u, rel=1e-9
    )
    assert grid.basal_known.all() == (basal_u > 0)
    assert not grid.basal_assumed.any()
    missing = [what for what, has in (("sensor", form.source == "sensor"), ("insulin", doses),
                                      ("carbohydrates", meals)) if not has]  # fmt: skip
    reasons = [reason.split(":")[0] for reason in assess(timeline).reasons_insufficient]
    assert reasons == missing


@pytest.mark.parametrize("name", [name for name in sorted(BATTERY) if BATTERY[name].shuffles])
@in_a_folder
@given(seed=st.integers(0, 2**32))
def test_the_order_and_number_of_rows_never_matter(tmp_path, name, seed):
    """Rows shuffled, some of them twice, give the same record; what was doubled is counted."""
    rows, random_ = BATTERY[name].rows(1.0), random.Random(seed)
    expected = read_record(put(tmp_path, name, rows))
    again = [*rows, *random_.sample(rows, 60)]
    random_.shuffle(again)
    timeline = read_record(put(tmp_path, name, again))
    assert content(timeline) == content(expected)
    assert sum(item.count for item in timeline.dropped) >= sum(
        item.count for item in expected.dropped
    )


@pytest.mark.parametrize("name", [name for name in sorted(BATTERY) if BATTERY[name].joins])
@in_a_folder
@given(first=st.integers(100, 280), second=st.integers(5, 99))
def test_overlapping_exports_are_one_record(tmp_path_factory, name, first, second):
    """Two exports that overlap give, in one folder, the record of the whole."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    rows = BATTERY[name].rows(1.0)
    fixed = [row for row in rows if isinstance(row, str) and ",FirstName," in row]
    fixed += [row for row in rows if isinstance(row, tuple) and row[0] == "profile"]
    expected = read_record(put(whole, name, rows))
    put(parts, name, [*fixed, *(row for row in rows[:first] if row not in fixed)], "export_1")
    put(parts, name, [*fixed, *(row for row in rows[second:] if row not in fixed)], "export_2")
    assert content(read_record(parts)) == content(expected)


@every_format
def test_every_value_is_kept_or_dropped_by_name(tmp_path, name):
    """Of each kind: seen = kept + dropped, and the columns hold what was kept."""
    rows = BATTERY[name].rows(1.0)
    twice = rows[3:60] if BATTERY[name].shuffles else []
    assert_accounts(read_record(put(tmp_path, name, [*rows, *twice])))


@every_format
def test_mmol_declared_as_mg_dl_is_refused_and_mended_by_the_unit(tmp_path, name):
    """The line names value and mend; following it gives the same day."""
    if BATTERY[name].molar:
        pytest.skip("the format's own unit is mmol/L")
    path = put(tmp_path, name, BATTERY[name].rows(18.01559))
    with pytest.raises(InputError, match=r"glucose: the median .* unit='mmol/L'") as refused:
        read_record(path)
    assert "\n" not in str(refused.value)
    mended = read_record(path, unit="mmol/L")
    np.testing.assert_allclose(mended.glucose.mg_dl, list(GLUCOSE.values()), atol=0.1)


@every_format
def test_mg_dl_asked_for_as_mmol_is_refused(tmp_path, name):
    """The other way round as well."""
    molar = BATTERY[name].molar
    path = put(tmp_path, name, BATTERY[name].rows(18.01559 if molar else 1.0))
    with pytest.raises(InputError, match=r"declared as mmol/L is above 30"):
        read_record(path, unit=None if molar else "mmol/L")


def record_or_none(path):
    """Read a record, or return None where it is refused."""
    try:
        return read_record(path)
    except InputError:
        return None


@every_format
def test_a_file_cut_anywhere_is_refused_or_shorter_with_the_cut_row_counted(tmp_path, name):
    """A truncated file never gives a value that the whole file does not have."""
    path = put(tmp_path, name, BATTERY[name].rows(1.0))
    text = path.read_text()
    whole = set(read_record(path).glucose.mg_dl.tolist())
    for length in np.linspace(1, len(text) - 2, 23).astype(int).tolist():
        path.write_text(text[:length])
        part = record_or_none(path)
        if part is not None:
            assert path.suffix in {".csv", ".txt"}
            assert set(part.glucose.mg_dl.tolist()) <= whole
            noted = any("line break" in note for note in part.notes)
            assert noted != text[:length].endswith("\n")


@every_format
def test_three_hours_read_and_are_judged_too_short(tmp_path, name):
    """Reading does not judge; the judgement says how long the record is."""
    rows = BATTERY[name].rows(1.0)
    kept = [row for row in rows if isinstance(row, tuple) and row[0] == "profile"]
    timeline = read_record(put(tmp_path, name, [*kept, *rows[:37]]))
    assert any(reason.startswith("length: 3") for reason in assess(timeline).reasons_insufficient)


@every_format
def test_the_plain_copy_of_any_format_is_the_same_record(tmp_path, name):
    """Writing as plain CSV and reading back changes nothing."""
    timeline = read_record(put(tmp_path, name, BATTERY[name].rows(1.0)))
    write_record(timeline, tmp_path / "copy.csv")
    assert record_text(read_record(tmp_path / "copy.csv")) == record_text(timeline)


@every_format
def test_another_format_by_force_is_refused(tmp_path, name):
    """A format asked for that is not the content's is named with the content's."""
    path = put(tmp_path, name, BATTERY[name].rows(1.0))
    other = next(item for item in FORMATS if item != name)
    with pytest.raises(InputError, match=f"format: {other} was asked for but .* is {name}"):
        read_record(path, format=other)
    assert read_record(path, format=name).source_format == name
