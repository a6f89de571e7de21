"""Follows a person: each poll reads the whole record, and the twin goes on from where it was.

The record is the truth. What was taken in is kept beside it; where the two differ, because an entry
came late, was edited or deleted, the filters go back to a checkpoint before the first difference
and on from there, so nothing is ever counted twice. Every interval has random numbers of its own,
hence going back, stopping and starting again change nothing in the result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from ..records.timeline import Timeline
from .anomaly import Flag, Monitor
from .anomaly_features import first_means
from .bank import bank_of
from .drift import decay
from .ensemble import MEMBERS, ensemble_of, remembering
from .ensemble_kalman import STEPS_A_DAY
from .fit import fit_twin
from .stream_change import DAYS_KEPT, first_change, laid_out, last_number, no_steps, unseen
from .stream_grid import STEP_S, day_of, number_of
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
from .stream_step import acute, advance, rng_of
from .stream_told import Update, line_of, twin_now, update_of
from .twin import Twin

LAG_STEPS = 8 * 12  # hourly checkpoints reach back this far; daily ones for two weeks
REFIT_MINUTE = 180.0  # 03:00 local, when little happens
CALM = 0.5  # a fit waits while a fault of hours (not an illness of days) is more probable
LINES_KEPT = 64
SAME_ALARM_S = 2 * 3600.0
Refit = Callable[[Timeline, list[Twin], float, int], Twin]


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
        last = last_number(unseen(record, state.twins[min(state.twins)].end_s))
        if last > state.now.number + DAYS_KEPT * STEPS_A_DAY:
            days = (last - state.now.number) / STEPS_A_DAY
            raise InputError(
                f"the record goes {days:.0f} days beyond what was followed; fit a new twin"
            )
        steps = laid_out(record, state, max(last, state.now.number))
        change = first_change(state.steps, steps, record, state.now.number)
        start = state.now if change is None else self._before(change)
        if start is state.now and last <= state.now.number:
            return None
        end = max(last, state.now.number)
        new, again = end - state.now.number, state.now.number - start.number
        state = self._run(replace(state, steps=steps), start, end, record)
        self._finish(state, record, new, again)
        return update_of(self.state, new, again, tuple(self._flags), tuple(self._notes))

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
        first = number_of(state.steps.start_s)
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
        today = day_of(number)
        whole = number - state.first_number >= STEPS_A_DAY // 2
        calm = acute(point.bank) < CALM
        return bool(late and whole and point.refit_day < today and calm)

    def _fitted(
        self, point: Point, state: Following, twins: dict[int, Twin], record: Timeline, number: int
    ) -> tuple[Point, dict[int, Twin]]:
        """Return the point with an ensemble of a new fit, and the fits."""
        assert self.refit is not None
        point = replace(point, refit_day=day_of(number))
        end_s = STEP_S * (number + 1)
        try:
            fresh = self.refit(record, [twins[k] for k in sorted(twins)], end_s, state.seed)
        except InputError as error:
            self._notes.append(f"no nightly fit: {error}")
            return point, twins
        key = max(twins) + 1
        rng = rng_of(state.seed, number, 1)
        main = ensemble_of(fresh, rng, point.bank.main.members)
        main = remembering(main, point.bank.main)
        bank = bank_of(main, rng, point.bank.others.members)
        bank = replace(bank, weights=point.bank.weights, count=point.bank.count)
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
        line = line_of(state, record, new, again)
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


def _begin(twin: Twin, seed: int, members: int) -> Following:
    """Return the state of a twin at the end of its record."""
    number = round(twin.end_s / STEP_S) - 1
    rng = rng_of(seed, number, 1)
    bank = bank_of(ensemble_of(twin, rng, members), rng)
    point = Point(number, 0, bank, Monitor(), first_means(1), refit_day=day_of(number + 1))
    usual = float(twin.settings.get("usual_u_per_h", 0.0) or 0.0)
    if usual <= 0.0:
        usual = float(60.0 * twin.where.own_basal(twin.where.params(twin.z[None]))[0])
    return Following(
        seed, usual, {0: twin}, no_steps(number), point, (point,), first_number=number + 1
    )


def _kept(points: list[Point], now: int) -> tuple[Point, ...]:
    """Return hourly points of the last hours, and one a day of the last two weeks."""
    days: dict[int, Point] = {}
    for point in points:
        if now - point.number <= DAYS_KEPT * STEPS_A_DAY:
            days.setdefault(day_of(point.number), point)
    hourly = [p for p in points if now - p.number <= LAG_STEPS]
    every = {p.number: p for p in (*days.values(), *hourly)}
    return tuple(every[n] for n in sorted(every))


def _was_told(told: tuple[tuple[str, float], ...], flag: Flag) -> bool:
    return any(k == flag.kind and abs(t - flag.time_s) <= SAME_ALARM_S for k, t in told)


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
