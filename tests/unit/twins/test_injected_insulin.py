"""Injected insulins over the hours, and the meals of a diary that names no grams."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record
from dosegym.records.series import INSULINS, Boluses
from dosegym.twins import fit_twin
from dosegym.twins.diary_meals import USUAL_G, usual_meals
from dosegym.twins.insulin_action import course_of, spread
from dosegym.twins.observations import observe


@pytest.mark.parametrize(
    ("name", "peak_h", "end_h"), [("nph", 4.5, 14.0), ("ultralente", 10.1, 20.0)]
)
def test_slow_insulins_peak_and_end_as_published(name, peak_h, end_h):
    """Lepore 2000: peak and end, an hour of it left to the body's own absorption; all is given."""
    course = course_of(name)
    assert course.sum() == pytest.approx(1.0)
    assert np.argmax(course) / 60 == pytest.approx(peak_h - 1.0, abs=0.05)
    assert len(course) / 60 == pytest.approx(end_h)


def test_each_dose_is_given_once_and_only_within_the_record():
    """A dose of before the record gives what is left of it; an unnamed one lasts evenly a day."""
    doses = Boluses([0.0, 7200.0], [10.0, 24.0], [INSULINS.index("nph"), 0])
    whole = spread(doses, 0.0, 3000)
    assert whole.sum() == pytest.approx(34.0)
    assert whole[2000] == 0.0
    assert whole[1000] == pytest.approx(24.0 / 1440)
    late = spread(doses, 3600.0, 3000)
    np.testing.assert_allclose(late[:2000], whole[60:2060])


def test_three_meals_a_day_are_eaten_after_the_diary_s_marks(tmp_path):
    """Marks tell the time, missing ones stand at the person's usual minute; a note has its size."""
    rows = []
    for day in range(1, 22):
        date = f"07-{day:02d}-1990"
        told = [("07:30", 58, 120), ("07:30", 33, 6), ("07:30", 34, 12), ("12:10", 60, 140)]
        told += [("18:00", 62, 110)] if day != 3 else []
        rows += [f"{date}\t{at}\t{code}\t{value}" for at, code, value in told]
    rows.append("07-02-1990\t12:30\t67\t000")
    path = tmp_path / "data.txt"
    path.write_text("\n".join([*rows, ""]))
    timeline = read_record(path)
    when, grams = usual_meals(timeline, float(timeline.glucose.time_s[0]), 3)
    assert timeline.local_minute_of_day(when).tolist() == [480.0, 760.0, 1110.0] * 3
    assert grams.tolist() == [USUAL_G] * 4 + [1.5 * USUAL_G] + [USUAL_G] * 4
    seen = observe(timeline)
    assert not seen.own_basal
    assert any("three meals" in note for note in seen.notes)
    assert seen.insulin.sum() == pytest.approx(21 * 18.0, rel=0.05)


def test_a_row_broken_in_two_is_mended_and_a_slip_of_the_pen_left_out(tmp_path):
    """AIM-94's halves with the code in hexadecimal are one reading; 163 U is a slip."""
    rows = [f"07-{day:02d}-1990\t07:30\t{code}\t{value}" for day in range(1, 13)
            for code, value in ((58, 120), (34, 13))]  # fmt: skip
    rows += ["07-13-1990\t07:00\t0\t", "\t138\t33\t3A", "07-13-1990\t07:00\t34\t163"]
    rows += ["07-13-1990\t08:00\t56\t115", "07-13-1990\t22:00\t48\t0Hi"]
    path = tmp_path / "data.txt"
    path.write_text("\n".join([*rows, ""]))
    timeline = read_record(path)
    assert timeline.rows.total == len(rows)
    assert 138.0 in timeline.finger_sticks.mg_dl
    assert timeline.glucose.censored[-1] == 1
    lost = {item.reason: item.count for item in timeline.dropped}
    assert lost["long-acting insulin: more than 5 times this person's usual dose"] == 1
    assert lost["row: no known kind of entry (code 56)"] == 1
    assert any("1 rows broken in two" in note for note in timeline.notes)


def test_a_week_of_few_finger_sticks_is_fitted_without_a_test_of_its_forecast(tmp_path):
    """Thirty-two sticks over eight days suffice; the seven days before the last would not."""
    rows = [
        f"01-{day:02d}-2026\t{hour:02d}:00\t{code}\t{value}"
        for day in range(1, 9)
        for hour, code, value in (
            (7, 58, 120 + day), (7, 33, 6), (8, 34, 14), (12, 60, 150), (12, 33, 4),
            (18, 62, 140 - day), (18, 33, 5), (22, 48, 160),
        )
    ]  # fmt: skip
    path = tmp_path / "data-01"
    path.write_text("\n".join([*rows, ""]))
    twin = fit_twin(read_record(path), starts=1, posterior="laplace", draws=20)
    assert twin.quality["held_out_day"] is None
    path.write_text("\n".join([*rows[: 8 * 6], ""]))
    with pytest.raises(InputError, match="24 usable readings; a twin needs at least 60"):
        fit_twin(read_record(path), starts=1)
