"""A record as a fit sees it: refusals, gaps, meals, and insulin of every kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records.series import BasalIntervals, Boluses
from dosegym.records.timeline import Timeline
from dosegym.twins.observations import eat, meals_in, observe

Make = Callable[..., Timeline]
DAY = 1440


def every5(*days: tuple[float, float]) -> np.ndarray:
    return np.concatenate([np.arange(a * DAY, b * DAY, 5.0) for a, b in days])


def none() -> Boluses:
    return Boluses(np.zeros(0), np.zeros(0))


def test_three_hours_are_refused_in_one_line(plain: Make) -> None:
    """Too short a record is refused with its length, the need and the mend."""
    with pytest.raises(InputError, match=r"3\.0 h of glucose.*at least 12 h.*longer export") as no:
        observe(plain(np.arange(0.0, 180.0, 5.0)))
    assert "\n" not in str(no.value)


def test_no_insulin_is_refused(plain: Make) -> None:
    """A record without any dose cannot make a twin."""
    with pytest.raises(InputError, match=r"no insulin.*add the pump's export"):
        observe(plain(every5((0, 1)), basal=None))


def test_half_a_day_to_the_minute_is_enough(plain: Make) -> None:
    """Readings that cover just twelve hours pass."""
    assert observe(plain(np.arange(0.0, 720.0, 5.0))).days == pytest.approx(715 / DAY)


def test_the_last_stretch_is_preferred_if_it_lasts_three_days(plain: Make) -> None:
    """After a pause of more than a day the last three days are used, and the notes say so."""
    seen = observe(plain(every5((0, 5), (7, 10.5))))
    assert seen.days == pytest.approx(3.5, abs=0.01)
    assert "ends at the last reading" in seen.notes[0]


def test_else_the_longest_stretch_is_used(plain: Make) -> None:
    """A short rest after a pause gives way to the long stretch before it."""
    seen = observe(plain(every5((0, 5), (7, 8))))
    assert seen.days == pytest.approx(5.0, abs=0.01)
    assert "3.0 days before the last reading" in seen.notes[0]


def test_a_gap_in_the_pumps_log_gets_the_usual_basal(plain: Make) -> None:
    """Where the log has a hole, the record's mean rate is assumed and the hours are told."""
    minutes = every5((0, 1))
    time = plain(minutes).glucose.time_s
    basal = BasalIntervals(time[[0, 144]], time[[96, -1]], np.array([1.2, 1.2]))
    seen = observe(plain(minutes, basal=basal))
    assert seen.insulin == pytest.approx(np.full(len(seen.insulin), 0.02))
    assert "unknown for 4.0 h" in seen.notes[0]


def test_boluses_only_leave_basal_to_the_body(plain: Make) -> None:
    """With boluses and no basal at all, each body gets its own need, and the notes say so."""
    minutes = every5((0, 1))
    time = plain(minutes).glucose.time_s
    seen = observe(plain(minutes, basal=None, boluses=Boluses(time[[50]], np.array([5.0]))))
    assert seen.own_basal
    assert seen.insulin.sum() == pytest.approx(5.0)
    assert "basal insulin that it needs" in seen.notes[0]


def test_long_acting_insulin_acts_evenly_for_a_day(plain: Make) -> None:
    """24 U of long-acting insulin give 1 U/h from the injection on."""
    minutes = every5((0, 2))
    time = plain(minutes).glucose.time_s
    shot = Boluses(time[[288 // 2]], np.array([24.0]))
    seen = observe(plain(minutes, basal=None, long_acting=shot))
    assert seen.insulin[: DAY // 2].sum() == 0.0
    assert seen.insulin[DAY // 2 : DAY // 2 + DAY] == pytest.approx(np.full(DAY, 1.0 / 60.0))
    assert seen.insulin[DAY // 2 + DAY :].sum() == pytest.approx(0.0)
    assert not seen.own_basal


@given(st.lists(st.floats(0.0, 60.0), min_size=1, max_size=60))
def test_eating_neither_adds_nor_loses_food(served: list[float]) -> None:
    """Whatever is served is eaten in time, at most 5 g a minute, never before it is served."""
    grams = np.concatenate([served, np.zeros(200 + int(sum(served) / 5.0) + 1)])
    eaten = eat(grams)
    assert eaten.sum() == pytest.approx(grams.sum())
    assert eaten.max() <= 5.0
    assert (np.cumsum(eaten) <= np.cumsum(grams) + 1e-9).all()


def test_meals_are_parted_by_half_an_hour() -> None:
    """Bites less than half an hour apart are one meal."""
    carbs = np.zeros(200)
    carbs[[10, 11, 39, 69, 150]] = 1.0
    assert meals_in(carbs)[[10, 11, 39, 69, 150]].tolist() == [0, 0, 0, 1, 2]
    assert (meals_in(carbs) >= 0).sum() == 5


def test_a_later_part_starts_later(plain: Make) -> None:
    """The rest of a record keeps clock and columns in step."""
    seen = observe(plain(every5((0, 2))))
    rest = seen.since(300)
    assert rest.start_s - seen.start_s == 300 * 300.0
    assert rest.start_minute == pytest.approx(60.0)
    assert len(rest.glucose) == len(rest.insulin) // 5 + 1
