"""The insulin task: pump, meals, body, sensor, view, reward and costs, composed for one body."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from ..physiology.engine import Engine, engine_for
from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.models.uva_padova_gains import ADDED
from ..therapy.cohort import Cohort
from ..therapy.dosing import DosingMap
from ..therapy.onboard import MEMORIES, filter_decays, iob_cap
from ..therapy.protocols import LEVELS
from ..therapy.pump import Pump
from ..therapy.scenario import Scenario
from ..therapy.sensor import Sensor
from ..therapy.view import INSULIN_VIEW, LAGS_MIN
from . import kernels
from .core import Array, Step, Streams
from .insulin_residual import COLUMNS, TaskResidual, in_force
from .insulin_start import draw_episode, start_body
from .insulin_state import Episode, Orders, Start, State
from .reward import reward_code, reward_table

HISTORY_MIN = max(LAGS_MIN)
RESCUE = (
    "rescue_g",
    "rescue_below_mg_dl",
    "rescue_alarm_mg_dl",
    "rescue_wait_min",
    "rescue_awake",
    "rescue_asleep",
)
LONG_AGO_MIN = -(10**6)


@dataclass(frozen=True)
class InsulinTask:
    """Insulin dosing in type 1 diabetes; built by ``envs.tasks.insulin.make``.

    Parameters
    ----------
    model : Model
    cohort : Cohort
        Who may be treated.
    scenario, sensor, pump : Scenario, Sensor, Pump
    dosing : DosingMap
    reward : str
    days : int
        Horizon; the episode is truncated there.
    step_min : int
        Decision interval in minutes, a multiple of the sensor's period.
    start_hour : float or None
        Local hour at which episodes start; None draws a whole hour.
    start_glucose : float, "random" or "basal"
        mg/dL at the start.
    terminate : tuple of float or None
        Glucose (mg/dL) below or above which the episode ends as a death; None never ends it.
    death_penalty : float
        Subtracted from the reward at a termination.
    cost_weights : mapping of cost name to float
        Subtracted from the reward at every step at which the cost is incurred; none by default.
    by_lane : bool
        Lane i treats person i (modulo the cohort) instead of a random one.
    threads : int
        Threads of the engine.
    rest : array (people, S), optional
        Steady states on a usual day, where the patients' parameters are those of another.
    start : Start, optional
        Where each person begins, instead of ``start_glucose`` and a quiet past.
    residual : TaskResidual, optional
        Sets the body's gains and drift by the half hour; the model must have them.
    """

    model: Model
    cohort: Cohort
    scenario: Scenario
    sensor: Sensor
    pump: Pump
    dosing: DosingMap
    reward: str
    days: int
    step_min: int
    start_hour: float | None
    start_glucose: float | str
    terminate: tuple[float, float] | None
    death_penalty: float
    cost_weights: Mapping[str, float] | None = None
    by_lane: bool = False
    threads: int = 1
    start: Start | None = None
    rest: Array | None = None
    residual: TaskResidual | None = None
    name: str = "Insulin"

    cost_names: ClassVar[tuple[str, ...]] = ("below_54", "below_70", "above_250", "iob_cap")
    judged_columns: ClassVar[tuple[str, ...]] = (
        *cost_names,
        "cost",
        "episode_cost",
        "time_min",
        "limited",
        "glucose_mg_dl",
        "plasma_glucose_mg_dl",
        "plasma_insulin_pmol_l",
        "carbs_eaten_g",
        "basal_u_per_h",
        "bolus_u",
        "iob_u",
        "cgm_mg_dl",
        "rescue_carbs_g",
    )

    @property
    def log_columns(self) -> tuple[str, ...]:
        """Columns of ``Step.log``; the residual's gains come last, where there is one."""
        return self.judged_columns + (() if self.residual is None else COLUMNS)

    @cached_property
    def observation_space(self) -> Box:
        """Box of ``therapy.view.INSULIN_VIEW``."""
        return Box(INSULIN_VIEW.low, INSULIN_VIEW.high, dtype=np.float32)

    @cached_property
    def action_space(self) -> Box:
        """Box[-1, 1] of the dosing mode's size."""
        return Box(-1.0, 1.0, (self.dosing.size,), np.float32)

    @cached_property
    def engine(self) -> Engine:
        """The compiled body."""
        return engine_for(self.model)

    @cached_property
    def charts(self) -> Array:
        """Chart rows (people, 11), in the order of ``kernels.BASAL`` to ``kernels.LOGS``."""
        rx = self.cohort.therapy
        weight = np.asarray(self.cohort.patients.covariates["weight_kg"])
        cap = iob_cap(rx.basal_u_per_h, rx.total_daily_dose_u)
        columns = (rx.basal_u_per_h, rx.carb_ratio_g_per_u, rx.correction_mg_dl_per_u)
        rows = np.stack([*columns, rx.total_daily_dose_u, weight, cap], axis=1).astype(np.float64)
        return np.concatenate([rows, np.log(rows[:, list(kernels.IN_LOGS)])], axis=1)

    @cached_property
    def basal_states(self) -> Array:
        """Steady states (people, S) on the prescribed basal."""
        if self.rest is not None:
            return self.rest
        return self.model.initial(self.cohort.patients.params)

    @cached_property
    def _constants(self) -> dict[str, Any]:
        ends = (-np.inf, np.inf) if self.terminate is None else self.terminate
        whole, part = np.divmod(np.array(LAGS_MIN, dtype=np.float64), self.step_min)
        pump = self.pump
        limits = (pump.max_basal_u_per_h, pump.basal_increment_u_per_h)
        return {
            "pumps": np.array([*limits, pump.max_bolus_u, pump.bolus_increment_u], dtype=float),
            "decays": filter_decays(self.step_min),
            "lags": whole.astype(np.int64),
            "between": part / self.step_min,
            "limits": np.array([LEVELS.very_low, LEVELS.low, LEVELS.very_high]),
            "ends": np.array(ends, dtype=np.float64),
            "caps": reward_table(self.death_penalty),
            "weights": np.array([(self.cost_weights or {}).get(c, 0.0) for c in self.cost_names]),
            "code": reward_code(self.reward),
            "mode": self.dosing.code,
            "rescue": np.array([getattr(self.scenario, name) for name in RESCUE]),
        }

    @property
    def n_steps(self) -> int:
        """Decisions in one episode."""
        return self.days * 1440 // self.step_min

    @property
    def n_history(self) -> int:
        """Readings kept for the view's lags."""
        return math.ceil(HISTORY_MIN / self.step_min) + 1

    # ---------------------------------------------------------------- the start of an episode

    def begin(
        self, streams: Sequence[Streams], lanes: Sequence[int]
    ) -> tuple[Episode, State, Step]:
        """Draw one episode per stream; ``lanes`` are the lanes' numbers in their batch."""
        draws = np.array([s.patient.random(3) for s in streams])
        if self.by_lane:
            person = np.asarray(lanes, dtype=np.int64) % len(self.cohort)
        else:
            person = (draws[:, 0] * len(self.cohort)).astype(np.int64)
        hours = np.floor(draws[:, 1] * 24.0) if self.start_hour is None else self.start_hour
        minute = np.broadcast_to(np.rint(np.asarray(hours) * 60.0), person.shape).astype(np.int64)
        episode = draw_episode(self, streams, person, minute)
        known = self.start
        body = start_body(self, person, draws[:, 2]) if known is None else known.body[person].copy()
        return episode, *self._first(episode, body, minute)

    def _first(self, episode: Episode, body: Array, minute: Any) -> tuple[State, Step]:
        n = len(minute)
        u = np.zeros((2, n))
        u[1] = episode.chart[:, kernels.BASAL] / 60.0
        outputs = self.engine.outputs(body, episode.params, u)
        memory = np.zeros((n, MEMORIES))
        memory[:, 2 : kernels.TOLD] = 1.0
        history = np.zeros((n, self.n_history))
        self._sense(episode, outputs, np.zeros(n, np.int64), history.copy(), history)
        history[:] = history[:, :1]
        memory[:, kernels.CGM_DAY] = history[:, 0]
        told_next, told_now = np.zeros(n, np.int64), np.zeros(n)
        before = minute - self.step_min
        kernels.hear(before, episode.told, told_next, told_now)
        kernels.hear(minute, episode.told, told_next, told_now)
        if self.start is not None:
            memory[:] = self.start.memory[episode.person]
            history[:] = self.start.history[episode.person]
        memory[:, kernels.TOLD] += told_now
        zero = np.zeros(n, dtype=np.int64)
        state = State(
            body, outputs, minute, zero, np.zeros(n), zero.copy(), told_next, told_now,
            memory, history, np.full(n, LONG_AGO_MIN, np.int64), np.zeros(n),
        )  # fmt: skip
        dose = np.stack([episode.chart[:, kernels.BASAL], np.zeros(n), np.zeros(n)], axis=1)
        quiet = np.zeros((n, self.dosing.size), dtype=np.float32)
        orders = Orders(
            np.zeros((1, 2, n)), dose, state.plate, state.meal_next, np.zeros(n),
            state.last_rescue, quiet, quiet,
        )  # fmt: skip
        step = self._verdict(episode, state, orders, outputs[:, 1], np.ones(n, np.int64), True)
        return state, step

    # ---------------------------------------------------------------- one decision interval

    def act(self, episode: Episode, state: State, action: Array) -> Orders:
        """Decode actions, apply the pump's limits and increments, and serve the meals."""
        n, c = len(state.minute), self._constants
        u, dose = np.empty((self.step_min, 2, n)), np.empty((n, 3))
        plate, meal_next = state.plate.copy(), state.meal_next.copy()
        proposed = action.astype(np.float32)
        applied = np.empty_like(proposed)
        rescued, last_rescue = np.zeros(n), state.last_rescue
        if self.scenario.rescue_g > 0.0:
            last_rescue = last_rescue.copy()
            kernels.treat_low(
                state.minute, state.history, episode.heed, c["rescue"], last_rescue, plate, rescued
            )
        bad = kernels.deliver(
            c["mode"], action, state.minute, state.step, episode.chart, plate, meal_next,
            episode.meals, state.told_now, c["pumps"], episode.flow, self.step_min, u, dose,
            applied,
        )  # fmt: skip
        if bad >= 0:
            whose = f" of lane {bad}" if n > 1 else ""
            raise InputError(
                f"action{whose} is {action[bad].tolist()}; every entry must be a number within "
                "[-1, 1] (see dosegym.therapy.dosing for its meaning in U/h and U)"
            )
        return Orders(u, dose, plate, meal_next, rescued, last_rescue, proposed, applied)

    def live(self, episode: Episode, state: State, orders: Orders) -> Array:
        """Let the bodies live through the interval."""
        body = state.body.copy()
        params = episode.params
        if self.residual is not None:
            params = params.copy()
            params[:, -len(ADDED) :] = in_force(episode.gains, state.minute)
        self.engine.advance(body, params, orders.inputs, threads=self.threads)
        return body

    def judge(
        self, episode: Episode, state: State, orders: Orders, body: Array
    ) -> tuple[State, Step]:
        """Sense the new glucose, update the memories, observe, reward and count costs."""
        c = self._constants
        minute, index = state.minute + self.step_min, state.step + 1
        outputs = self.engine.outputs(body, episode.params, orders.inputs[-1])
        history = np.empty_like(state.history)
        self._sense(episode, outputs, index, state.history, history)
        told_next, told_now = state.told_next.copy(), np.empty_like(state.told_now)
        kernels.hear(minute, episode.told, told_next, told_now)
        memory = state.memory.copy()
        kernels.remember(
            episode.chart, orders.dose, told_now, history[:, 0], c["decays"], self.step_min, memory
        )
        new = State(
            body, outputs, minute, index, orders.plate, orders.meal_next, told_next, told_now,
            memory, history, orders.last_rescue, state.episode_cost.copy(),
        )  # fmt: skip
        before = state.outputs[:, 1]
        return new, self._verdict(episode, new, orders, before, episode.steps - index, False)

    def _sense(self, episode: Episode, outputs: Any, index: Any, old: Array, new: Array) -> None:
        kernels.sense(
            outputs[:, 1], episode.gain, episode.offset, index, self.sensor.low_mg_dl,
            self.sensor.high_mg_dl, old, new,
        )  # fmt: skip

    def _verdict(
        self, episode: Episode, new: State, orders: Orders, before: Any, left: Any, first: bool
    ) -> Step:
        n, c = len(new.minute), self._constants
        log, reward = np.empty((n, len(self.log_columns))), np.empty(n)
        done = np.empty((n, 2), dtype=np.bool_)
        kernels.judge(
            new.outputs, before, episode.chart, new.memory, orders.dose, orders.inputs, new.history,
            orders.rescued, c["limits"], c["ends"], c["code"], c["caps"], c["weights"],
            new.minute, left, new.episode_cost,
            log, reward, done,
        )  # fmt: skip
        if self.residual is not None:
            begun = new.minute - (0 if first else self.step_min)
            log[:, -len(COLUMNS) : -1] = in_force(episode.gains, begun)
            log[:, -1] = episode.member
        if first:
            # Nothing has been decided yet: costs count from the first interval on.
            log[:, : len(self.cost_names) + 2] = 0.0
            new.episode_cost[:] = 0.0
            done[:] = False
        view = np.empty((n, kernels.N_FEATURES), dtype=np.float32)
        kernels.observe(
            new.minute, new.history, c["lags"], c["between"], new.memory, new.told_now,
            episode.chart, view,
        )  # fmt: skip
        return Step(view, reward, done[:, 0], done[:, 1], orders.proposed, orders.applied, log)

    def draw(self, track: Array) -> NDArray[np.uint8]:
        """Draw the last 24 hours."""
        from .render import draw_day

        return draw_day(self, track)
