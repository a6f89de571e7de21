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
from ..physiology.population import Patients
from ..therapy.adherence import Adherence
from ..therapy.contraindication import Screen
from ..therapy.formulary import CLASSES, DRUGS
from ..therapy.laboratory import Laboratory
from ..therapy.pressure_cohort import PressureCohort
from ..therapy.pressure_measurement import PressureDevice
from ..therapy.pressure_view import PRESSURE_VIEW
from ..therapy.sick_days import SickDays
from .blood_pressure_interval import live_interval
from .blood_pressure_judge import LOG, N_COSTS, verdict
from .blood_pressure_orders import INTERVALS, orders_of
from .blood_pressure_start import cohort_charts, draw_episode, first_state
from .blood_pressure_state import C, Episode, Lived, Orders, State, Whole
from .core import Array, Step, Streams

SETTLING_DAYS = 240
"""Days on the entry regimen before the first visit: all states have then settled."""
STRETCH_DAYS = 30


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
    begun : tuple of array, optional
        Body (people, S), amounts of the drugs (people, 6, 4) and mean exposures (people, 6) at the
        first visit, where people come as they are and not settled on the entry regimen.
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
    begun: tuple[Array, Array, Array] | None = None
    name: str = "BloodPressure"

    cost_names: ClassVar[tuple[str, ...]] = LOG[:N_COSTS]

    @property
    def log_columns(self) -> tuple[str, ...]:
        """Columns of ``Step.log``."""
        return LOG

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
    def slot_table(self) -> Whole:
        """Class of each entry of a mask, (sum of levels,)."""
        return np.repeat(np.arange(len(CLASSES)), self.cohort.formulary.levels)

    @cached_property
    def level_table(self) -> Whole:
        """Level of each entry of a mask, (sum of levels,)."""
        return np.concatenate([np.arange(n) for n in self.cohort.formulary.levels])

    @cached_property
    def day_step(self) -> DayStep:
        """The kinetics of each class's drug in each person: (people, 6, ...)."""
        people, drugs = self.cohort.patients, self.cohort.formulary.drugs
        return stack([_day_step(people, k, drug, self.kinetics) for k, drug in enumerate(drugs)])

    @cached_property
    def settled(self) -> tuple[Array, Array, Array]:
        """After long treatment by the entry regimen, by person.

        Body (people, S), amounts of the drugs (people, 6, 4) and mean exposures (people, 6).
        """
        if self.begun is not None:
            return self.begun
        people, formulary = self.cohort.patients, self.cohort.formulary
        drugs = (self.cohort.entry > 0).sum(axis=1)
        taken = self.adherence.probability(self.charts[:, C["share"]], drugs, 0.0)
        dose = formulary.mg_of(self.cohort.entry) * taken[:, None]
        exposures = steady_exposure(self.day_step, dose)
        body = self.model.initial(people.params)
        inputs = np.zeros((STRETCH_DAYS, len(self.model.inputs), len(people)))
        inputs[:, : len(CLASSES)] = exposures.T
        inputs[:, len(CLASSES)] = self.sodium_intake
        for _ in range(0, SETTLING_DAYS, STRETCH_DAYS):
            self.engine.advance(body, people.params, inputs, threads=self.threads)
        return body, steady_state(self.day_step, dose), exposures

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
        return orders_of(self, episode, state, action)

    def live(self, episode: Episode, state: State, orders: Orders) -> Lived:
        """Let the people take their tablets and live to the next visit."""
        return live_interval(self, episode, state, orders)

    def judge(
        self, episode: Episode, state: State, orders: Orders, body: Lived
    ) -> tuple[State, Step]:
        """Measure, ask, draw blood, reward and count costs."""
        return verdict(self, episode, state, orders, body, first=False)

    def draw(self, track: Array) -> NDArray[np.uint8]:
        """Draw the course so far."""
        from .render_pressure import draw_course

        return draw_course(self, track)


def _day_step(people: Patients, slot: int, drug: str, kinetics: bool) -> DayStep:
    """Return the kinetics of one class's drug in each person, with their own clearance."""
    usual = DRUGS[drug].standard_mg
    if not kinetics:
        return instant(len(people), standard_mg=usual)
    from scipy.special import ndtri

    etas = np.zeros((len(people), 3))
    etas[:, 0] = ndtri(np.clip(people.covariates[f"clearance_{CLASSES[slot]}"], 1e-9, 1.0 - 1e-9))
    return propagators(load_kinetics(drug), people.covariates, etas, standard_mg=usual)
