"""The drawing of a day: size, the meals it marks, and the days it shows."""

from __future__ import annotations

from typing import Any

import numpy as np

from dosegym.envs.render import draw_day, meals


def test_meals_are_eating_without_a_break() -> None:
    """Consecutive intervals of eating are one meal, marked where it began, with all its grams."""
    hour = np.arange(8) / 12.0
    hours, grams = meals(hour, np.array([0.0, 25.0, 15.0, 0.0, 0.0, 10.0, 0.0, 5.0]))
    np.testing.assert_allclose(hours, hour[[0, 4, 6]])
    np.testing.assert_allclose(grams, [40.0, 10.0, 5.0])
    assert meals(hour, np.zeros(8))[1].size == 0


def test_frames_have_one_size(run: Any) -> None:
    """First row, one day, three days, no bolus and boluses: always 450 x 800 in RGB."""
    days = run(0.0, steps=864, days=3, action="basal_and_bolus", scenario="announced")
    rows = np.stack([days.log[name][:, 0] for name in days.task.log_columns], axis=1)
    quiet = rows.copy()
    quiet[:, days.task.log_columns.index("bolus_u")] = 0.0
    frames = [draw_day(days.task, r) for r in (rows[:1], rows[:289], rows, quiet[:289])]
    assert {f.shape for f in frames} == {(450, 800, 3)}
    assert all(f.dtype == np.uint8 for f in frames)
    assert len({f.tobytes() for f in frames}) == 4


def test_only_the_last_day_is_drawn(run: Any) -> None:
    """What happened more than 24 hours ago does not change the picture."""
    course = run(steps=400, days=2)
    rows = np.stack([course.log[name][:, 0] for name in course.task.log_columns], axis=1)
    changed = rows.copy()
    changed[:100, course.task.log_columns.index("cgm_mg_dl")] = 300.0
    np.testing.assert_array_equal(draw_day(course.task, rows), draw_day(course.task, changed))
