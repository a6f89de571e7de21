"""One interval of a followed person: filters move on, alarms are watched, days are averaged.

Every interval has random numbers of its own, so that going back over it changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .anomaly import Flag, Monitor, watch
from .anomaly_features import looked_at
from .bank import Bank, step
from .drift import changed, insulin_action
from .ensemble_kalman import STEPS_A_DAY
from .hypotheses import NAMES
from .stream_grid import day_of, interval_of
from .stream_state import Following, Point
from .twin import Twin

DAYS_REMEMBERED = 60


def rng_of(seed: int, number: int, purpose: int) -> np.random.Generator:
    """Return the random numbers of an interval."""
    return np.random.default_rng(np.random.SeedSequence([seed, number, purpose]))


def acute(bank: Bank) -> float:
    """Return the probability that something lasting hours is wrong; illness lasts for days."""
    p = bank.probability()[0]
    return float(sum(p[i] for i, name in enumerate(NAMES) if name != "illness"))


def advance(point: Point, state: Following, k: int, number: int) -> tuple[Point, tuple[Flag, ...]]:
    """Return the point after one more interval, and the alarms that it raises."""
    steps = state.steps
    interval = interval_of([steps], k)
    bank, innovation = step(point.bank, interval, rng_of(state.seed, number, 0))
    means, features = looked_at(
        point.means, bank, innovation.standard, interval.reading,
        steps.counted_g[k : k + 1], steps.bolus_u[k : k + 1],
    )  # fmt: skip
    monitor, flags = watch(
        point.monitor, bank, float(innovation.standard[0]), features[0], steps, k, number
    )
    daily = _daily(point.daily, day_of(number), insulin_action(bank))
    if len(daily) > len(point.daily):
        monitor, more = _changed(monitor, daily[:-1], state.twins[point.twin], steps.end_s(k))
        flags = (*flags, *more)
    return replace(
        point, number=number, bank=bank, monitor=monitor, means=means, daily=daily
    ), flags


def _daily(
    daily: tuple[tuple[int, float, int], ...], day: int, action: float
) -> tuple[tuple[int, float, int], ...]:
    if daily and daily[-1][0] == day:
        _, total, n = daily[-1]
        return (*daily[:-1], (day, total + action, n + 1))
    return (*daily, (day, action, 1))[-DAYS_REMEMBERED:]


def _changed(
    monitor: Monitor, daily: tuple[tuple[int, float, int], ...], twin: Twin, time_s: float
) -> tuple[Monitor, tuple[Flag, ...]]:
    """Return the alarm of a sensitivity that has changed for days, once while it lasts."""
    means = [total / n for _, total, n in daily if n >= STEPS_A_DAY // 2]
    is_new, size = changed(means, float(np.hypot(twin.variation.day, twin.variation.window / 2)))
    before = monitor.changed
    monitor = replace(monitor, changed=is_new)
    if not is_new or before:
        return monitor, ()
    evidence = {"change_percent": round(100.0 * (float(np.exp(size)) - 1.0), 1)}
    return monitor, (Flag("sensitivity_change", time_s, time_s - 3 * 86400.0, evidence),)
