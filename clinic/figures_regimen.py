"""The figures of the coming weeks: expected pressure and laboratory, current and proposed."""

from __future__ import annotations

import numpy as np

from . import charts
from .charts import Frame
from .figures import NOW, PROPOSED, both
from .figures_pressure import HIGH, levels, rules_in
from .pressure_course import PressureCourse


def expected_course(current: PressureCourse, proposed: PressureCourse | None) -> str:
    """Return systolic and diastolic pressure of the coming weeks, current and proposed."""

    def draw(width: float) -> str:
        top = max(c.band("sbp")[2].max() for c in (current, proposed) if c is not None)
        low = min(c.band("dbp")[0].min() for c in (current, proposed) if c is not None)
        weeks = current.day[-1] / 7.0
        frame = Frame(
            width, 320 if width > 500 else 280, 40, 14, 28, 26,
            0.0, weeks, min(55.0, float(low) - 4.0), max(165.0, float(top) + 6.0),
        )  # fmt: skip
        parts = levels(frame)
        for course, colour, dash in ((current, NOW, "6 4"), (proposed, PROPOSED, "")):
            for name in ("sbp", "dbp"):
                if course is None:
                    continue
                band = course.band(name)
                parts += [
                    charts.band(frame, course.day / 7.0, band[0], band[2], colour, 0.16),
                    charts.line(frame, course.day / 7.0, band[1], colour, 2.4, dash),
                ]
        parts.append(_week_ticks(frame, weeks))
        return charts.picture(frame, parts, "Expected blood pressure", _told(current, proposed))

    return both(draw)


def _week_ticks(frame: Frame, weeks: float) -> str:
    at = [float(w) for w in np.arange(0.0, weeks + 0.1, 4.0)]
    return charts.ticks(frame, at, ["now" if w == 0.0 else f"week {w:.0f}" for w in at])


def _told(current: PressureCourse, proposed: PressureCourse | None) -> str:
    return "; ".join(
        f"{name}: median systolic {course.band('sbp')[1][-1]:.0f} mmHg at the end"
        for name, course in (("current regimen", current), ("proposal", proposed))
        if course is not None
    )


def expected_lab(
    current: PressureCourse, proposed: PressureCourse | None, name: str, title: str, unit: str,
    limits: tuple[float, ...],
) -> str:  # fmt: skip
    """Return one laboratory quantity of the coming weeks, current and proposed."""
    frame_of = [c.band(name) for c in (current, proposed) if c is not None]
    low = min(float(b[0].min()) for b in frame_of)
    high = max(float(b[2].max()) for b in frame_of)
    edges = [*limits, low, high]
    room = 0.08 * (max(edges) - min(edges))
    weeks = current.day[-1] / 7.0
    frame = Frame(430, 190, 40, 14, 28, 26, 0.0, weeks, min(edges) - room, max(edges) + room)
    parts = [charts.grid(frame, rules_in(frame), unit)]
    for course, colour, dash in ((current, NOW, "6 4"), (proposed, PROPOSED, "")):
        if course is None:
            continue
        band = course.band(name)
        parts += [
            charts.band(frame, course.day / 7.0, band[0], band[2], colour, 0.16),
            charts.line(frame, course.day / 7.0, band[1], colour, 2.2, dash),
        ]
    parts += [charts.line(frame, [0.0, weeks], [v, v], HIGH, 1.2, "5 4") for v in limits]
    parts.append(_week_ticks(frame, weeks))
    told = f"{title} between {low:.3g} and {high:.3g} {unit} in nine draws of ten"
    return charts.picture(frame, parts, f"Expected {title}", told)
