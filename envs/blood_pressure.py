"""The blood-pressure task: tablets, people who take them, bodies, visits and blood tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box, MultiDiscrete
from numpy.typing import NDArray

from ..physiology.engine import Engine, engine_for
from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.pharmacokinetics import (
    DayStep,
    instant,
    load_kinetics,
    propagators,
    stack,
    steady_exposure,
    steady_state,
)
from ..therapy.adherence import Adherence
from ..therapy.contraindication import Screen
from ..therapy.formulary import CLASSES, DRUGS
from ..therapy.laboratory import Laboratory
from ..therapy.pressure_cohort import PressureCohort
from ..therapy.pressure_measurement import PressureDevice
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.sick_days import SickDays
from . import blood_pressure_notes as notes
from .blood_pressure_interval import live_interval
from .blood_pressure_judge import LOG, verdict
from .blood_pressure_start import cohort_charts, draw_episode, first_state
from .blood_pressure_state import Episode, Lived, Orders, State
from .core import Array, Step, Streams

INTERVALS = (14, 28, 56, 84)
"""Days between visits among which the action chooses with ``interval_days="chosen"``."""
SETTLING_DAYS = 240
"""Days on the entry regimen before the first visit: all states have then settled."""


@dataclass(frozen=True)
class BloodPressureTask:
    """Titration of antihypertensive drugs; built by ``envs.tasks.blood_pressure.make``.

    Parameters
    ----------
    model : Model
    cohort : PressureCohort
        Who may be treated, and what they take at entry; brings the formulary.
    device, laboratory : PressureDevice, Laboratory
    adherence, sick_days : Adherence, SickDays
    mode : {"levels", "box"}
    reward : str
    target : tuple of float
        Systolic and diastolic pressure (mmHg) to get below.
    days : int
        Horizon; the episode is truncated there.
    interval_days : int
        Between visits; 0 where the action chooses among ``INTERVALS``.
    every_visit : bool
        Blood is drawn at every visit instead of when the rule says so.
    enforce : bool
        Whether contraindicated drugs are refused; they are counted either way.
    max_changes : int or None
        Most classes that may change at one visit.
    sodium_intake : float
        Relative to each person's usual.
    kinetics : bool
        Whether drugs take time to come and go.
    terminate : tuple of float or None
        True systolic pressure (mmHg) below or above which the episode ends.
    cost_weights : mapping of cost name to float
    by_lane : bool
        Lane i treats person i (modulo the cohort) instead of a random one.
    threads : int
        Threads of the engine.
    """

    model: Model
    cohort: PressureCohort
    device: PressureDevice
    laboratory: Laboratory
    adherence: Adherence
    sick_days: SickDays
    mode: str
    reward: str
    target: tuple[float, float]
    days: int
    interval_days: int
    every_visit: bool
    enforce: bool
    max_changes: int | None
    sodium_intake: float
    kinetics: bool
    terminate: tuple[float, float] | None
    cost_weights: Mapping[str, float] | None = None
    by_lane: bool = False
    threads: int = 1
    name: str = "BloodPressure"

    cost_names: ClassVar[tuple[str, ...]] = LOG[:7]
    log_columns: ClassVar[tuple[str, ...]] = LOG

    @cached_property
    def nvec(self) -> NDArray[np.int64]:
        """Levels of each class, and of the interval where it is chosen."""
        extra = () if self.interval_days else (len(INTERVALS),)
        return np.array((*self.cohort.formulary.levels, *extra), dtype=np.int64)

    @cached_property
    def observation_space(self) -> Box:
        """Box of ``therapy.pressure_view.PRESSURE_VIEW``."""
        return Box(PRESSURE_VIEW.low, PRESSURE_VIEW.high, dtype=np.float32)

    @cached_property
    def action_space(self) -> Any:
        """MultiDiscrete of levels, or Box[-1, 1] of the same length."""
        if self.mode == "box":
            return Box(-1.0, 1.0, (len(self.nvec),), np.float32)
        return MultiDiscrete(self.nvec)

    @cached_property
    def engine(self) -> Engine:
        """The compiled body."""
        return engine_for(self.model)

    @cached_property
    def screen(self) -> Screen:
        """The contraindications over this formulary."""
        return Screen(self.cohort.formulary)

    @cached_property
    def charts(self) -> Array:
        """Chart rows (people, C) of the cohort."""
        return cohort_charts(self.cohort, self.adherence, self.model)

    @cached_property
    def day_step(self) -> DayStep:
        """The kinetics of each class's drug in each person: (people, 6, ...)."""
        people, formulary = self.cohort.patients, self.cohort.formulary
        steps = []
        for slot, drug in enumerate(formulary.drugs):
            usual = DRUGS[drug].standard_mg
            if not self.kinetics:
                steps.append(instant(len(people), standard_mg=usual))
                continue
            from scipy.special import ndtri

            etas = np.zeros((len(people), 3))
            etas[:, 0] = ndtri(np.clip(people.covariates[f"clearance_{CLASSES[slot]}"], 1e-9, 1))
            steps.append(
                propagators(load_kinetics(drug), people.covariates, etas, standard_mg=usual)
            )
        return stack(steps)

    @cached_property
    def settled(self) -> tuple[Array, Array]:
        """Body (people, S) and amounts (people, 6, 4) after long treatment by the entry regimen."""
        people, formulary = self.cohort.patients, self.cohort.formulary
        mg = formulary.mg_of(self.cohort.entry)
        drugs = (self.cohort.entry > 0).sum(axis=1)
        share = self.charts[:, notes.C["share"]]
        dose = mg * self.adherence.probability(share, drugs, 0.0)[:, None]
        body = self.model.initial(people.params)
        inputs = np.zeros((SETTLING_DAYS, len(self.model.inputs), len(people)))
        inputs[:, : len(CLASSES)] = steady_exposure(self.day_step, dose).T
        inputs[:, len(CLASSES)] = self.sodium_intake
        self.engine.advance(body, people.params, inputs)
        return body, steady_state(self.day_step, dose)

    @property
    def n_steps(self) -> int:
        """Visits in one episode; the most there can be where the action chooses the interval."""
        return self.days // (self.interval_days or INTERVALS[0])

    @property
    def step_min(self) -> float:
        """Minutes between visits; of the shortest interval where the action chooses it."""
        return 1440.0 * (self.interval_days or INTERVALS[0])

    @property
    def spare_days(self) -> int:
        """Days drawn beyond the horizon, for a lane that is stepped once more before its reset."""
        return self.interval_days or max(INTERVALS)

    # ---------------------------------------------------------------- the start of an episode

    def begin(
        self, streams: Sequence[Streams], lanes: Sequence[int]
    ) -> tuple[Episode, State, Step]:
        """Draw one episode per stream; ``lanes`` are the lanes' numbers in their batch."""
        episode = draw_episode(self, streams, lanes)
        state, orders, lived = first_state(self, episode)
        return episode, *verdict(self, episode, state, orders, lived, first=True)

    # ---------------------------------------------------------------- one visit to the next

    def act(self, episode: Episode, state: State, action: Array) -> Orders:
        """Turn actions into regimens: refuse what is contraindicated, keep that of absentees."""
        asked = self.levels_of(action)
        now = state.levels
        regimen, interval = asked[:, : len(CLASSES)], self._interval(asked)
        came = state.notes[:, notes.N["attended"]] > 0.0
        safe, rule = self.screen.enforce(now, regimen, notes.measured_chart(episode, state.notes))
        refused = (rule >= 0).any(axis=1) & came
        chosen = safe if self.enforce else regimen
        if self.max_changes is not None:
            chosen = _at_most(now, chosen, self.max_changes)
        chosen = np.where(came[:, None], chosen, now)
        days = np.clip(episode.end_day - state.day, 1, interval)
        limited = (chosen != regimen).any(axis=1)
        applied = self._actions_of(np.concatenate([chosen, asked[:, len(CLASSES) :]], axis=1))
        kind = self.action_space.dtype
        return Orders(chosen, days, refused, limited, action.astype(kind), applied)

    def levels_of(self, action: Array) -> NDArray[np.int64]:
        """Return levels (B, A) of actions (B, A).

        Raises
        ------
        InputError
            If an action is not of the action space.
        """
        if self.mode == "box":
            with np.errstate(invalid="ignore"):
                wrong = ~(np.abs(action) <= 1.0)
            if wrong.any():
                self._refuse(action, wrong, "every entry must be a number within [-1, 1]")
            return np.rint(0.5 * (action + 1.0) * (self.nvec - 1)).astype(np.int64)
        wrong = ~((action >= 0) & (action < self.nvec) & (action == np.floor(action)))
        if wrong.any():
            levels = ", ".join(str(n - 1) for n in self.nvec)
            self._refuse(action, wrong, f"give whole numbers from 0 to {levels}")
        return action.astype(np.int64)

    def _refuse(self, action: Array, wrong: Any, mend: str) -> None:
        lane = int(np.argmax(wrong.any(axis=1)))
        whose = f" of lane {lane}" if len(action) > 1 else ""
        raise InputError(f"action{whose} is {action[lane].tolist()}; {mend}")

    def _actions_of(self, levels: NDArray[np.int64]) -> Any:
        if self.mode == "box":
            return (2.0 * levels / (self.nvec - 1) - 1.0).astype(np.float32)
        return levels

    def _interval(self, asked: NDArray[np.int64]) -> Any:
        if self.interval_days:
            return np.full(len(asked), self.interval_days, dtype=np.int64)
        return np.array(INTERVALS, dtype=np.int64)[asked[:, -1]]

    def live(self, episode: Episode, state: State, orders: Orders) -> Lived:
        """Let the people take their tablets and live to the next visit."""
        return live_interval(self, episode, state, orders)

    def judge(
        self, episode: Episode, state: State, orders: Orders, body: Lived
    ) -> tuple[State, Step]:
        """Measure, ask, draw blood, reward and count costs."""
        return verdict(self, episode, state, orders, body, first=False)

    def masks(self, episode: Episode, state: State) -> NDArray[np.bool_]:
        """Return which single choices are permitted, (B, sum of levels).

        A choice is judged against the present regimen; at a missed visit only that is permitted.
        """
        chart = notes.measured_chart(episode, state.notes)
        mask = self.screen.allowed(state.levels, chart)
        slots = np.repeat(np.arange(len(CLASSES)), self.nvec[: len(CLASSES)])
        level = np.concatenate([np.arange(n) for n in self.nvec[: len(CLASSES)]])
        present = level == state.levels[:, slots]
        came = state.notes[:, notes.N["attended"]] > 0.0
        mask = np.where(came[:, None], mask, present)
        if not self.interval_days:
            free = np.ones((len(mask), len(INTERVALS)), dtype=np.bool_)
            mask = np.concatenate([mask, free], axis=1)
        return mask

    def draw(self, track: Array) -> NDArray[np.uint8]:
        """Draw the course so far."""
        from .render_pressure import draw_course

        return draw_course(self, track)


def _at_most(now: NDArray[np.int64], wanted: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return regimens with at most so many classes changed, reductions before increases."""
    change = wanted - now
    rank = np.argsort(np.where(change < 0, 0, np.where(change > 0, 1, 2)), axis=1, kind="stable")
    place = np.argsort(rank, axis=1)
    return np.where(place < most, wanted, now)
