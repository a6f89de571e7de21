"""Delivered basal insulin."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.records import clock
from dosegym.records.delivery import Delivery, Epoch, ExtraRate, TempRate, delivered_basal
from dosegym.records.series import DailySchedule, TherapySettings

HOUR = 3600.0
TWO_STEPS = TherapySettings(
    basal_u_per_h=DailySchedule(np.array([0.0, 360.0]), np.array([1.0, 2.0]))
)


def scheduled(**fields):
    """Return a pump on 1 U/h from midnight and 2 U/h from six, UTC."""
    return Delivery(epochs=[Epoch(0.0, TWO_STEPS, UTC)], **fields)


def pieces(basal):
    """Intervals as (start h, end h, U/h)."""
    rows = zip(basal.start_s / HOUR, basal.end_s / HOUR, basal.u_per_h, strict=True)
    return [tuple(round(float(value), 6) for value in row) for row in rows]


def test_the_schedule_alone_is_an_assumption():
    """Without a log the schedule fills the span and says that it is assumed."""
    basal = delivered_basal(scheduled(), 0.0, 12 * HOUR)
    assert pieces(basal) == [(0, 6, 1), (6, 12, 2)]
    assert basal.assumed.all()


def test_a_temporary_rate_overlays_the_schedule_and_ends_by_itself():
    """An absolute rate replaces the schedule for its duration, then the schedule returns."""
    delivery = scheduled(temps=[TempRate(5 * HOUR, 7 * HOUR, 0.5)], logged=[(0, 12 * HOUR)])
    basal = delivered_basal(delivery, 0.0, 12 * HOUR)
    assert pieces(basal) == [(0, 5, 1), (5, 7, 0.5), (7, 12, 2)]
    assert not basal.assumed.any()


def test_a_percentage_follows_the_schedule_through_its_step():
    """50 percent is half of whatever is scheduled, before and after the step."""
    delivery = scheduled(temps=[TempRate(5 * HOUR, 7 * HOUR, None, 50.0)])
    assert pieces(delivered_basal(delivery, 4 * HOUR, 8 * HOUR)) == [
        (4, 5, 1), (5, 6, 0.5), (6, 7, 1), (7, 8, 2),
    ]  # fmt: skip


def test_the_next_order_ends_the_one_that_runs_and_zero_length_cancels():
    """A new rate cuts the old one; an order of no length returns to the schedule."""
    temps = [
        TempRate(0.0, 4 * HOUR, 3.0),
        TempRate(1 * HOUR, 4 * HOUR, 0.0),
        TempRate(2 * HOUR, 2 * HOUR, 0.0),
    ]
    basal = delivered_basal(scheduled(temps=temps), 0.0, 4 * HOUR)
    assert pieces(basal) == [(0, 1, 3), (1, 2, 0), (2, 4, 1)]


def test_an_extended_bolus_flows_on_top():
    """Its rate adds to the schedule, or stands alone where no schedule is known."""
    extra = ExtraRate(1 * HOUR, 3 * HOUR, 0.7)
    with_schedule = delivered_basal(scheduled(extras=[extra]), 0.0, 4 * HOUR)
    assert pieces(with_schedule) == [(0, 1, 1), (1, 3, 1.7), (3, 4, 1)]
    alone = delivered_basal(Delivery(extras=[extra]), 0.0, 4 * HOUR)
    assert pieces(alone) == [(1, 3, 0.7)]


def test_without_schedule_and_orders_nothing_is_known():
    """No basal is None, not zero."""
    assert delivered_basal(Delivery(), 0.0, HOUR) is None
    assert delivered_basal(Delivery(temps=[TempRate(9.0, 9.0, 0.0)]), 0.0, HOUR) is None


def test_a_later_profile_replaces_the_earlier_and_the_earliest_reaches_back():
    """Epochs hold from their start; before the first one the first one holds."""
    other = TherapySettings(basal_u_per_h=DailySchedule(np.array([0.0]), np.array([5.0])))
    delivery = Delivery(epochs=[Epoch(8 * HOUR, other, UTC), Epoch(4 * HOUR, TWO_STEPS, UTC)])
    assert pieces(delivered_basal(delivery, 0.0, 9 * HOUR)) == [(0, 6, 1), (6, 8, 2), (8, 9, 5)]


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_the_schedule_keeps_to_the_local_clock_through_a_clock_change(day, hours):
    """On the day of a clock change the step still falls on six o'clock local time."""
    rome = ZoneInfo("Europe/Rome")
    midnight = clock.local_to_utc([clock.parse_time(f"{day}T00:00")[0]], rome)[0]
    basal = delivered_basal(
        Delivery(epochs=[Epoch(0.0, TWO_STEPS, rome)]), midnight, midnight + hours * HOUR
    )
    assert clock.local_minute(basal.start_s, rome).tolist() == [0.0, 360.0]
    assert (basal.end_s - basal.start_s).sum() == hours * HOUR


orders = st.lists(
    st.builds(
        lambda start, length, rate: TempRate(start * 60.0, (start + length) * 60.0, rate),
        st.integers(0, 1440),
        st.integers(0, 200),
        st.sampled_from([0.0, 0.5, 1.5, 4.0]),
    ),
    max_size=12,
)


@given(orders, st.permutations(range(12)))
def test_against_a_minute_by_minute_pump(temps, order):
    """The intervals equal a pump simulated minute by minute, whatever the order of the log."""
    shuffled = [temps[i] for i in order if i < len(temps)]
    basal = delivered_basal(scheduled(temps=shuffled), 0.0, 86400.0)
    by_start = {}
    for temp in sorted(temps, key=lambda t: (t.start_s, t.end_s, t.u_per_h)):
        by_start[temp.start_s] = temp
    running = None
    for minute in range(1440):
        running = by_start.get(minute * 60.0, running)
        active = running is not None and running.end_s > minute * 60.0
        expected = running.u_per_h if active else (1.0 if minute < 360 else 2.0)
        place = np.searchsorted(basal.start_s, minute * 60.0 + 30, side="right") - 1
        assert basal.u_per_h[place] == expected
