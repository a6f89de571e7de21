"""Follows a person: each poll reads the whole record, and the twin goes on from where it was.

The record is the truth. What was taken in is kept beside it; where the two differ, because an entry
came late, was edited or deleted, the filters go back to a checkpoint before the first difference
and on from there, so nothing is ever counted twice. Every interval has random numbers of its own,
hence going back, stopping and starting again change nothing in the result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from .anomaly import Flag, Monitor, watch
from .anomaly_features import first_means, looked_at
from .bank import bank_of, step
from .drift import changed, decay, insulin_action
from .ensemble import MEMBERS, ensemble_of
from .ensemble_kalman import STEPS_A_DAY
from .fit import fit_twin
from .noise import Noise
from .posterior import Posterior
from .stream_grid import STEP_S, Steps, interval_of, steps_of
from .stream_refit import nightly
from .stream_state import (
    FLAGS_FILE,
    HISTORY_FILE,
    Following,
    Point,
    append_lines,
    load,
    save,
)
from .twin import Twin

LAG_STEPS = 8 * 12  # hourly checkpoints reach back this far; daily ones for two weeks
DAYS_KEPT = 14
REFIT_MINUTE = 180.0  # 03:00 local, when little happens
RUN_IN_STEPS = 12  # before what is compared, so that a meal on the plate is whole
CALM = 0.5  # a fit replaces the ensemble only while "nothing is wrong" is this probable
LINES_KEPT = 64
SAME_ALARM_S = 2 * 3600.0
Refit = Callable[[Timeline, list[Twin], float, int], Twin]


@dataclass(frozen=True)
class Update:
    """What a poll changed.

    Parameters
    ----------
    version : int
    sha256 : str
        Of the twin as it is now.
    time_s : float
        End of what was taken in, seconds since 1970 UTC.
    intervals : int
        Taken in for the first time.
    rewound : int
        Taken in anew, since something in them had changed.
    glucose, low, high : float, mg/dL
        Of the body now, and where 90 % of members are.
    action_percent : float
        Insulin action now over that of the first fit.
    twin_age_days : float
        Since the last nightly fit, or the first one.
    flags : tuple of Flag
        Alarms that were not given before.
    notes : tuple of str
    """

    version: int
    sha256: str
    time_s: float
    intervals: int
    rewound: int
    glucose: float
    low: float
    high: float
    action_percent: float
    twin_age_days: float
    flags: tuple[Flag, ...]
    notes: tuple[str, ...]


class Follower:
    """Follows one person; a thin shell around :class:`stream_state.Following`.

    Parameters
    ----------
    twin : Twin
        Fitted to the record until ``twin.end_s``; with posterior draws.
    state_dir : path, optional
        Kept there after each poll. A folder with a state goes on from that state, and ``twin`` may
        be left out.
    seed : int
    members : int
        Of the main ensemble.
    refit : callable, optional
        Does the nightly fit; ``None`` leaves it out.

    Raises
    ------
    InputError
        If there is neither a twin nor a state, or the state cannot be read.
    """

    def __init__(
        self, twin: Twin | None = None, *, state_dir: str | Path | None = None, seed: int = 0,
        members: int = MEMBERS, refit: Refit | None = nightly,
    ) -> None:  # fmt: skip
        self.folder = None if state_dir is None else Path(state_dir)
        self.refit = refit
        found = None if self.folder is None else load(self.folder)
        if found is None and twin is None:
            raise InputError("there is neither a twin nor a state to follow from; fit a twin first")
        if found is None:
            assert twin is not None
            found = _begin(twin, seed, members)
        self.state: Following = found
        self._notes: list[str] = []
        self._flags: list[Flag] = []

    @property
    def twin(self) -> Twin:
        """The twin as it is now."""
        return twin_now(self.state)

    def poll(self, record: Timeline) -> Update | None:
        """Take in a record as it is now; None if nothing in it is new.

        Raises
        ------
        InputError
            If the record cannot be that of this person.
        """
        state = self.state
        self._notes, self._flags = [], []
        last = _last_number(record)
        if last > state.now.number + DAYS_KEPT * STEPS_A_DAY:
            days = (last - state.now.number) / STEPS_A_DAY
            raise InputError(
                f"the record goes {days:.0f} days beyond what was followed; fit a new twin"
            )
        steps = _steps(record, state, max(last, state.now.number))
        change = _first_change(state.steps, steps, record, state.now.number)
        start = state.now if change is None else self._before(change)
        if start is state.now and last <= state.now.number:
            return None
        end = max(last, state.now.number)
        new, again = end - state.now.number, state.now.number - start.number
        state = self._run(replace(state, steps=steps), start, end, record)
        self._finish(state, record, new, again)
        return self._told(new, again)

    def _before(self, change: int) -> Point:
        """Return the latest point before an interval that has changed."""
        earlier = [p for p in (self.state.now, *self.state.points) if p.number < change]
        if earlier:
            return max(earlier, key=lambda p: p.number)
        self._notes.append(
            "an entry from before the oldest checkpoint has changed; the nightly fit will see it"
        )
        return self.state.now

    def _run(self, state: Following, start: Point, end: int, record: Timeline) -> Following:
        """Take in all intervals after a point."""
        points = [p for p in state.points if p.number <= start.number]
        twins = {k: t for k, t in state.twins.items() if k <= start.twin}
        point = start
        first = _number(state.steps.start_s)
        for number in range(start.number + 1, end + 1):
            k = number - first
            point, flags = advance(point, replace(state, twins=twins), k, number)
            self._flags += flags
            if self._refit_is_due(point, state, k, number):
                point, twins = self._fitted(point, state, twins, record, number)
            if number % 12 == 0:
                points.append(point)
        kept = _kept(points, point.number)
        used = {p.twin for p in (*kept, point)} | {min(twins)}
        recent = point.number - (DAYS_KEPT + 2) * STEPS_A_DAY
        young = {k for k, t in twins.items() if t.end_s / STEP_S > recent}
        twins = {k: t for k, t in twins.items() if k in used | young}
        return replace(state, now=point, points=kept, twins=twins)

    def _refit_is_due(self, point: Point, state: Following, k: int, number: int) -> bool:
        if self.refit is None or number % 12:
            return False
        late = state.steps.minute_of_day[k] >= REFIT_MINUTE
        today = _day(number)
        whole = number - state.first_number >= STEPS_A_DAY // 2
        return bool(late and whole and point.refit_day < today and point.bank.weights[0, 0] > CALM)

    def _fitted(
        self, point: Point, state: Following, twins: dict[int, Twin], record: Timeline, number: int
    ) -> tuple[Point, dict[int, Twin]]:
        """Return the point with an ensemble of a new fit, and the fits."""
        assert self.refit is not None
        point = replace(point, refit_day=_day(number))
        end_s = STEP_S * (number + 1)
        try:
            fresh = self.refit(record, [twins[k] for k in sorted(twins)], end_s, state.seed)
        except InputError as error:
            self._notes.append(f"no nightly fit: {error}")
            return point, twins
        key = max(twins) + 1
        rng = _rng(state.seed, number, 1)
        main = ensemble_of(fresh, rng, point.bank.main.members)
        bank = bank_of(main, rng, point.bank.others.members)
        bank = replace(bank, weights=point.bank.weights)
        rows = decay([*twins.values(), fresh], record, end_s)
        told = ", ".join(f"{age:.1f} d {error:.1f}" for age, error in rows[-6:])
        self._notes.append(f"nightly fit; error of the day's forecast by age of the fit: {told}")
        return replace(point, bank=bank, twin=key), {**twins, key: fresh}

    def _finish(self, state: Following, record: Timeline, new: int, again: int) -> None:
        """Count the update, write it down and keep it."""
        fresh = [f for f in self._flags if not _was_told(state.told, f)]
        self._flags = []
        told = list(state.told)
        for flag in fresh:
            if not _was_told(tuple(told), flag):
                told.append((flag.kind, flag.time_s))
                self._flags.append(flag)
        recent = STEP_S * (state.now.number - DAYS_KEPT * STEPS_A_DAY)
        state = replace(
            state, version=state.version + 1, told=tuple(t for t in told if t[1] > recent)
        )
        line = _line(state, record, new, again)
        flag_lines = tuple(json.dumps(f.to_dict(), sort_keys=True) for f in self._flags)
        self.state = replace(
            state,
            lines=(*state.lines, line)[-LINES_KEPT:],
            flag_lines=(*state.flag_lines, *flag_lines)[-LINES_KEPT:],
        )
        self.keep()

    def keep(self) -> None:
        """Write the state and its history, if there is a folder for it."""
        if self.folder is not None:
            save(self.state, self.folder)
            append_lines(self.folder / HISTORY_FILE, self.state.lines)
            append_lines(self.folder / FLAGS_FILE, self.state.flag_lines)

    def _told(self, new: int, again: int) -> Update:
        state, bank = self.state, self.state.now.bank
        glucose = bank.main.glucose(bank.main.params())[0]
        low, high = np.quantile(glucose, [0.05, 0.95]).tolist()
        daily = [total / n for _, total, n in state.now.daily if n >= STEPS_A_DAY // 2]
        first = daily[0] if daily else insulin_action(bank)
        action = 100.0 * float(np.exp(insulin_action(bank) - first))
        time_s = STEP_S * (state.now.number + 1)
        age = (time_s - state.twins[state.now.twin].end_s) / 86400.0
        return Update(
            state.version, json.loads(state.lines[-1])["sha256"], time_s, new, again,
            float(glucose.mean()), low, high, action, age, tuple(self._flags), tuple(self._notes),
        )  # fmt: skip


def advance(point: Point, state: Following, k: int, number: int) -> tuple[Point, tuple[Flag, ...]]:
    """Return the point after one more interval, and the alarms that it raises."""
    steps = state.steps
    interval = interval_of([steps], k)
    bank, innovation = step(point.bank, interval, _rng(state.seed, number, 0))
    means, features = looked_at(
        point.means, bank, innovation.standard, interval.reading,
        steps.counted_g[k : k + 1], steps.bolus_u[k : k + 1],
    )  # fmt: skip
    monitor, flags = watch(
        point.monitor, bank, float(innovation.standard[0]), features[0], steps, k, number
    )
    daily = _daily(point.daily, _day(number), insulin_action(bank))
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
    return (*daily, (day, action, 1))[-60:]


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


def _begin(twin: Twin, seed: int, members: int) -> Following:
    """Return the state of a twin at the end of its record."""
    number = round(twin.end_s / STEP_S) - 1
    rng = _rng(seed, number, 1)
    bank = bank_of(ensemble_of(twin, rng, members), rng)
    point = Point(number, 0, bank, Monitor(), first_means(1), refit_day=_day(number + 1))
    usual = float(twin.settings.get("usual_u_per_h", 0.0) or 0.0)
    if usual <= 0.0:
        usual = float(60.0 * twin.where.own_basal(twin.where.params(twin.z[None]))[0])
    return Following(
        seed, usual, {0: twin}, _no_steps(number), point, (point,), first_number=number + 1
    )


def _no_steps(number: int) -> Steps:
    none, five = np.zeros(0), np.zeros((0, 5))
    flags, side = np.zeros(0, dtype=bool), np.zeros(0, dtype=np.int8)
    return Steps(
        STEP_S * (number + 1), five, five, flags, none, five, side, none, none, none, False
    )


def _steps(record: Timeline, state: Following, last: int) -> Steps:
    """Lay out what is kept of the record until interval ``last``."""
    first = max(state.first_number, state.now.number - DAYS_KEPT * STEPS_A_DAY)
    begin = first - RUN_IN_STEPS
    steps = steps_of(record, STEP_S * begin, last - begin + 1, state.usual_u_per_h)
    return steps.since(RUN_IN_STEPS)


def _first_change(old: Steps, new: Steps, record: Timeline, done: int) -> int | None:
    """Return the first interval taken in that the record now tells otherwise."""
    first = max(_number(old.start_s), _number(new.start_s))
    if len(record.glucose):
        # An export of the last days only has not deleted what lies before it.
        first = max(first, _number(float(record.glucose.time_s[0])) + 1)
    last = min(_number(old.start_s) + len(old) - 1, done)
    if last < first:
        return None
    if old.own_basal != new.own_basal:
        return first
    a = slice(first - _number(old.start_s), last - _number(old.start_s) + 1)
    b = slice(first - _number(new.start_s), last - _number(new.start_s) + 1)
    differs = np.zeros(last - first + 1, dtype=bool)
    for one, other in zip(old.columns(), new.columns(), strict=True):
        x, y = one[a].astype(np.float64), other[b].astype(np.float64)
        unequal = ~((np.abs(x - y) <= 1e-9) | (np.isnan(x) & np.isnan(y)))
        differs |= unequal.reshape(len(differs), -1).any(axis=1)
    at = np.flatnonzero(differs)
    return None if not len(at) else first + int(at[0])


def _kept(points: list[Point], now: int) -> tuple[Point, ...]:
    """Return hourly points of the last hours, and one a day of the last two weeks."""
    days: dict[int, Point] = {}
    for point in points:
        if now - point.number <= DAYS_KEPT * STEPS_A_DAY:
            days.setdefault(_day(point.number), point)
    hourly = [p for p in points if now - p.number <= LAG_STEPS]
    every = {p.number: p for p in (*days.values(), *hourly)}
    return tuple(every[n] for n in sorted(every))


def _was_told(told: tuple[tuple[str, float], ...], flag: Flag) -> bool:
    return any(k == flag.kind and abs(t - flag.time_s) <= SAME_ALARM_S for k, t in told)


def _line(state: Following, record: Timeline, new: int, again: int) -> str:
    twin = twin_now(state)
    return json.dumps(
        {
            "version": state.version,
            "sha256": twin.sha256,
            "fit": state.now.twin,
            "end_s": twin.end_s,
            "intervals": new,
            "rewound": again,
            "record_sha256": record.source_sha256,
        },
        sort_keys=True,
    )


def twin_now(state: Following) -> Twin:
    """Return the twin of a state: the last fit with the ensemble as its posterior."""
    base, main = state.twins[state.now.twin], state.now.bank.main
    assert base.posterior is not None
    z, noise = main.z[0].copy(), main.noise[0].copy()
    end_s = STEP_S * (state.now.number + 1)
    steps = state.steps
    minute = float(steps.minute_of_day[-1]) if len(steps) else end_s / 60.0 % 1440.0
    spread = np.tile(astuple(base.variation), (len(z), 1))
    diagnostics = {"method": "ensemble_kalman", "draws": len(z)}
    present = main.present(0, end_s, minute)
    sigma, rho = noise.mean(axis=0).tolist()
    return replace(
        base, z=z.mean(axis=0), covariance=np.cov(z.T), noise=Noise(sigma, rho), end_s=end_s,
        posterior=Posterior(z, noise, spread, present, diagnostics),
        settings={**base.settings, "end_minute": minute},
    )  # fmt: skip


def follow(
    source: Callable[[], Timeline], twin: Twin | None = None, **keywords: Any
) -> Iterator[Update | None]:
    """Yield what each reading of a source changed, for as long as the caller asks.

    Parameters
    ----------
    source : callable
        Returns the record as it is now.
    twin : Twin, optional
        Fitted to the first reading of the source where left out, and there is no state.
    **keywords
        Of :class:`Follower`.
    """
    folder = keywords.get("state_dir")
    if twin is None and (folder is None or load(Path(folder)) is None):
        twin = fit_twin(source(), seed=int(keywords.get("seed", 0)))
    follower = Follower(twin, **keywords)
    while True:
        yield follower.poll(source())


def _last_number(record: Timeline) -> int:
    """Return the interval of the last reading; one at an interval's end belongs to it."""
    if not len(record.glucose):
        return -1
    return int(np.ceil(float(record.glucose.time_s[-1]) / STEP_S - 1e-9)) - 1


def _number(time_s: float) -> int:
    return round(time_s // STEP_S)


def _day(number: int) -> int:
    return number // STEPS_A_DAY


def _rng(seed: int, number: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence([seed, number, purpose]))
