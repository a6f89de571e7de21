"""The figures of a record of blood pressure: readings, doses, laboratory, the twin beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..therapy.pressure_protocols import LIMITS
from . import charts
from .charts import Frame
from .figures import PROPOSED, TARGET_FILL, both
from .pressure_course import TARGET

Array = NDArray[np.float64]

DAY_S: Final = 86400.0
SBP: Final = "#123a5a"
DBP: Final = "#b8562b"
HIGH: Final = "#a61c1c"
LANES: Final = ("#3f7fb5", "#7a6a2f", "#2f8f63", "#8a4f9e", "#b8562b", "#4d5b66")
LANE_PX: Final = 24.0
# Rough width of a letter of the labels, to keep them inside their bars.
LETTER_PX: Final = 6.3
RULES: Final = (60.0, 80.0, 100.0, 130.0, 140.0, 160.0, 180.0, 200.0, 220.0)


@dataclass(frozen=True)
class Lane:
    """One drug over time.

    Parameters
    ----------
    drug : str
    spans : tuple of (start_s, end_s, words)
        From when to when, and the dose in words.
    """

    drug: str
    spans: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Readings:
    """Readings: time (n,) in s since 1970, pressures (n,) in mmHg, whether taken at home."""

    time_s: Array
    sbp: Array
    dbp: Array
    home: NDArray[np.bool_]


@dataclass(frozen=True)
class Panel:
    """One laboratory quantity over time, with the limits drawn across it."""

    title: str
    unit: str
    time_s: Array
    value: Array
    limits: tuple[float, ...]
    digits: int


def _date_ticks(x0: float, x1: float, most: int) -> tuple[list[float], list[str]]:
    """Return round dates between two times, at most so many."""
    days = (x1 - x0) / DAY_S
    months = next((m for m in (1, 2, 3, 6, 12, 24, 60, 120) if days / 30.4 / m <= most), 240)
    if days < 60:
        return _day_ticks(x0, x1, most)
    at: list[float] = []
    words: list[str] = []
    first = datetime.fromtimestamp(x0, UTC)
    month = first.year * 12 + first.month - 1
    month += -month % months
    while True:
        when = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        if when.timestamp() > x1:
            return at, words
        if when.timestamp() >= x0:
            at.append(when.timestamp())
            words.append(f"{when:%Y}" if months >= 12 else f"{when:%b %Y}")
        month += months


def _day_ticks(x0: float, x1: float, most: int) -> tuple[list[float], list[str]]:
    days = max((x1 - x0) / DAY_S, 1.0)
    every = next((d for d in (1, 2, 7, 14) if days / d <= most), 14) * DAY_S
    first = np.ceil(x0 / DAY_S) * DAY_S
    at = [float(t) for t in np.arange(first, x1 + 1.0, every)]
    return at, [f"{datetime.fromtimestamp(t, UTC):%d %b}" for t in at]


def readings_and_doses(readings: Readings, lanes: Sequence[Lane], span: tuple[float, float]) -> str:
    """Return readings over time above the lanes of the drugs taken.

    Parameters
    ----------
    readings : Readings
    lanes : sequence of Lane
    span : (first, last), s
        The time shown.
    """

    def draw(width: float) -> str:
        wide = width > 500
        plot = 270.0 if wide else 230.0
        below = 44.0 + LANE_PX * max(len(lanes), 1)
        low = min(50.0, float(np.min(readings.dbp, initial=50.0)) - 5.0)
        high = max(185.0, float(np.max(readings.sbp, initial=0.0)) + 8.0)
        frame = Frame(width, plot + below, 40, 14, 28, below, *span, low, high)
        parts = [*levels(frame), *_readings(frame, readings)]
        at, words = _date_ticks(*span, 8 if wide else 4)
        parts += [charts.ticks(frame, at, words), *_lanes(frame, lanes, plot + 36.0)]
        told = (
            f"{len(readings.sbp)} readings, systolic {readings.sbp.min():.0f} to "
            f"{readings.sbp.max():.0f}, diastolic {readings.dbp.min():.0f} to "
            f"{readings.dbp.max():.0f} mmHg"
        )
        return charts.picture(frame, parts, "Blood pressure and doses over time", told)

    return both(draw)


def levels(frame: Frame) -> list[str]:
    """Return the target band of systolic pressure and the rules at the thresholds."""
    rules = [v for v in RULES if frame.y0 <= v <= frame.y1]
    return [
        charts.area(frame, LIMITS.sbp_low_mmhg, TARGET.sbp_mmhg, TARGET_FILL),
        charts.grid(frame, rules, "mmHg", (TARGET.sbp_mmhg, TARGET.dbp_mmhg)),
        charts.line(frame, [frame.x0, frame.x1], [LIMITS.control_sbp_mmhg] * 2, HIGH, 1.2, "5 4"),
        charts.line(frame, [frame.x0, frame.x1], [LIMITS.control_dbp_mmhg] * 2, HIGH, 1.2, "5 4"),
    ]


def _readings(frame: Frame, readings: Readings) -> list[str]:
    parts = []
    for values, colour in ((readings.sbp, SBP), (readings.dbp, DBP)):
        office = ~readings.home
        parts += [
            charts.dots(frame, readings.time_s[office], values[office], colour, 3.4),
            charts.rings(frame, readings.time_s[readings.home], values[readings.home], colour, 3.2),
        ]
    return parts


def _lanes(frame: Frame, lanes: Sequence[Lane], top: float) -> list[str]:
    """Return one bar for each span of each drug, the dose written in it where there is room."""
    if not lanes:
        return [charts.text(frame.left, top + 15, "no antihypertensive drug recorded")]
    parts = []
    for i, lane in enumerate(lanes):
        y, colour = top + i * LANE_PX, LANES[i % len(LANES)]
        edges = [(float(frame.x(a)), float(frame.x(b))) for a, b, _ in lane.spans]
        named = False
        for (x0, x1), (_, _, words) in zip(edges, lane.spans, strict=True):
            parts.append(charts.box(x0, y, max(x1 - x0, 2.0), LANE_PX - 6.0, colour, 0.28))
            parts.append(charts.box(x0, y, 2.5, LANE_PX - 6.0, colour))
            full = f"{lane.drug} {words}"
            said = next((t for t in (full, words) if len(t) * LETTER_PX < x1 - x0 - 8), "")
            named = named or said == full
            if said:
                parts.append(charts.text(x0 + 7, y + 13, said, colour=charts.INK))
        if not named:
            parts.append(_lane_name(frame, lane.drug, edges, y))
    return parts


def _lane_name(frame: Frame, drug: str, edges: list[tuple[float, float]], y: float) -> str:
    """Return a drug's name beside its bars, before the first or after the last."""
    first, last = edges[0][0], edges[-1][1]
    room = len(drug) * LETTER_PX
    if first - frame.left > room:
        return charts.text(first - 6, y + 13, drug, anchor="end")
    if frame.width - last > room + 8:
        return charts.text(last + 6, y + 13, drug)
    return charts.text(first + 7, y + 13, drug, colour=charts.INK, bold=True)


def rules_in(frame: Frame, parts: int = 4) -> list[float]:
    """Return round values inside a frame whose axis does not begin at zero."""
    raw = (frame.y1 - frame.y0) / parts
    scale = 10.0 ** np.floor(np.log10(raw))
    step = next(s * scale for s in (1.0, 2.0, 2.5, 5.0, 10.0) if s * scale >= raw - 1e-12)
    first = np.ceil(frame.y0 / step) * step
    return [float(v) for v in np.round(np.arange(first, frame.y1 + 1e-9, step), 10)]


def twin_fit(times: Array, readings: tuple[Array, Array], explained: Mapping[str, Array]) -> str:
    """Return each visit's reading as a dot over the 90 % bar of what the twin would read."""

    def draw(width: float) -> str:
        top = max(float(readings[0].max()), float(explained["sbp"][2].max())) + 6.0
        low = min(float(readings[1].min()), float(explained["dbp"][0].min())) - 6.0
        room = 0.04 * max(float(times[-1] - times[0]), 28.0 * DAY_S)
        span = (float(times[0]) - room, float(times[-1]) + room)
        frame = Frame(width, 250, 40, 14, 28, 26, *span, low, top)
        parts = [charts.grid(frame, rules_in(frame), "mmHg")]
        for name, values, colour in (("sbp", readings[0], SBP), ("dbp", readings[1], DBP)):
            band = explained[name]
            for time, bottom, middle, upper in zip(times, *band, strict=True):
                x = float(frame.x(time))
                y0, y1 = float(frame.y(upper)), float(frame.y(bottom))
                parts.append(charts.box(x - 4.0, y0, 8.0, y1 - y0, PROPOSED, 0.25))
                y = float(frame.y(middle))
                parts.append(charts.box(x - 4.0, y - 1.0, 8.0, 2.0, PROPOSED))
            parts.append(charts.dots(frame, times, values, colour, 3.0))
        parts.append(charts.ticks(frame, *_date_ticks(*span, 8 if width > 500 else 4)))
        told = "Dots are visits, bars hold nine readings of ten that the twin would give"
        return charts.picture(frame, parts, "Twin beside the visits", told)

    return both(draw)


def lab_panel(panel: Panel, span: tuple[float, float]) -> str:
    """Return one laboratory quantity of the record over time, its limits dashed."""
    edges = [*panel.value.tolist(), *panel.limits]
    room = 0.12 * max(max(edges) - min(edges), 1e-3)
    frame = Frame(430, 170, 40, 14, 28, 26, *span, min(edges) - room, max(edges) + room)
    at, words = _date_ticks(*span, 4)
    parts = [
        charts.grid(frame, rules_in(frame), panel.unit),
        *(charts.line(frame, list(span), [v, v], HIGH, 1.2, "5 4") for v in panel.limits),
        charts.line(frame, panel.time_s, panel.value, SBP, 1.2),
        charts.dots(frame, panel.time_s, panel.value, SBP, 3.0),
        charts.ticks(frame, at, words),
    ]
    told = f"{len(panel.value)} results, latest {panel.value[-1]:.{panel.digits}f} {panel.unit}"
    return charts.picture(frame, parts, panel.title, told)
