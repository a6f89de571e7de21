"""The next day, simulated twice: a person's possible bodies under a policy and under what they do now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..envs.registry import make_task
from ..evaluation.evaluate import keywords_for
from ..evaluation.metrics import cgm_metrics_batch
from ..evaluation.rollout import Rollout, lane_seed, rollout
from ..records.timeline import Timeline
from ..therapy.dosing import BASAL_SPAN, BOLUS_SHARE, rise
from ..therapy.protocols import LEVELS
from ..therapy.scenario import load_scenario
from ..twins.twin import Twin
from .habits import Habits, scenario_of
from .regimen import Regimen, ScheduledRegimen
from .start import Bodies, begin_at, bodies_of, cohort_for, end_s, keywords_of

Array = NDArray[np.float64]

ENV_ID: Final = "dosegym/Insulin-v0"
QUANTILES: Final = (0.05, 0.50, 0.95)
FALLBACK: Final = "messy"
METRICS: Final = (
    "time_in_range", "time_below_70", "time_below_54", "time_above_180", "time_above_250",
    "mean_glucose", "cv",
)  # fmt: skip
RECORDED: Final = (
    "glucose_mg_dl", "cgm_mg_dl", "basal_u_per_h", "bolus_u", "iob_u", "carbs_eaten_g",
    "rescue_carbs_g", "limited",
)  # fmt: skip
CEILING_MG_DL: Final = 1000.0


@dataclass(frozen=True)
class Course:
    """One day under one way of dosing, over all draws.

    Parameters
    ----------
    name : str
    series : mapping of str to array (T + 1, n)
        ``glucose_mg_dl``, ``basal_u_per_h``, ``bolus_u`` and the others that a rollout records;
        doses at index t are those of the step that ended there.
    asked_basal_u_per_h, asked_bolus_u : array (T, n)
        What was asked for before the pump's limits and increments.
    metrics : mapping of str to array (n,)
        Consensus metrics of the day of each draw.
    step_min : float
    """

    name: str
    series: Mapping[str, Array]
    asked_basal_u_per_h: Array
    asked_bolus_u: Array
    metrics: Mapping[str, Array]
    step_min: float

    def band(self, name: str) -> Array:
        """Return the 5, 50 and 95 % quantiles (3, T + 1) of a series over the draws."""
        quantiles: Array = np.quantile(self.series[name], QUANTILES, axis=1)
        return quantiles

    def chance(self, threshold: float, side: str) -> float:
        """Return the share of draws with any glucose below or above a threshold (mg/dL)."""
        glucose = self.series["glucose_mg_dl"][1:]
        beyond = glucose < threshold if side == "below" else glucose > threshold
        return float(beyond.any(axis=0).mean())

    def hourly(self) -> list[dict[str, float]]:
        """Return basal (U/h), bolus (U), limited steps and asked bolus of each hour, over draws.

        Medians over draws with their 5 and 95 % quantiles; ``limited`` is the mean share of steps.
        """
        per = round(60.0 / self.step_min)
        hours = (len(self.series["bolus_u"]) - 1) // per
        rows = []
        for h in range(hours):
            part = slice(1 + h * per, 1 + (h + 1) * per)
            basal = self.series["basal_u_per_h"][part].mean(axis=0)
            bolus = self.series["bolus_u"][part].sum(axis=0)
            total = basal + bolus
            low, mid, high = np.quantile(total, QUANTILES)
            rows.append(
                {
                    "hour": float(h),
                    "basal_u_per_h": float(np.median(basal)),
                    "bolus_u": float(np.median(bolus)),
                    "insulin_u": float(mid),
                    "insulin_low_u": float(low),
                    "insulin_high_u": float(high),
                    "limited": float(self.series["limited"][part].mean()),
                }
            )
        return rows


@dataclass(frozen=True)
class Forecast:
    """The next hours of a person.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
        The end of the record.
    start_minute : float
        Local minute of the day then.
    now : Course
        Under the current regimen.
    proposed : Course or None
        None where nothing may be proposed.
    worse : float or None
        Share of draws with more time below 70 mg/dL or less time in range than now.
    bodies : Bodies
    regimen : Regimen
    habits : Habits
    environment : dict
        Keywords that the day was simulated with.
    notes : tuple of str
        What was assumed.
    hours, seed : int
    """

    start_s: float
    start_minute: float
    now: Course | None
    proposed: Course | None
    worse: float | None
    bodies: Bodies
    regimen: Regimen
    habits: Habits
    environment: dict[str, Any]
    notes: tuple[str, ...]
    hours: int
    seed: int

    @property
    def current(self) -> Course:
        """The day under the current regimen."""
        if self.now is None:
            raise RuntimeError("the current regimen has not been simulated yet")
        return self.now


class _Listener:
    """Hand a policy's predictions on and keep the actions."""

    def __init__(self, policy: Any) -> None:
        self._policy = policy
        self.actions: list[Array] = []

    def meet(self, chart: Any) -> None:
        if hasattr(self._policy, "meet"):
            self._policy.meet(chart)

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[Any, Any]:  # fmt: skip
        action, state = self._policy.predict(observation, state, episode_start, deterministic)
        self.actions.append(np.asarray(action, dtype=np.float64))
        return action, state


def forecast_current(
    record: Timeline,
    twin: Twin,
    regimen: Regimen,
    habits: Habits,
    *,
    certified: Mapping[str, Any] | None = None,
    hours: int = 24,
    draws: int = 200,
    seed: int = 0,
) -> Forecast:
    """Simulate the next hours of a person under their current regimen.

    Parameters
    ----------
    record, twin, regimen, habits
        The person.
    certified : mapping, optional
        Keywords of the environment that the policy was certified in; its sensor, pump and treatment
        of lows are kept.
    hours, draws, seed : int

    Returns
    -------
    Forecast
        Without a proposal; :func:`with_proposal` adds one.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    bodies = bodies_of(twin, record, draws, rng)
    start = end_s(bodies.seen)
    minute = float(record.local_minute_of_day(np.array([start]))[0])
    environment = dict(certified or {})
    scenario, notes = _day(habits, environment)
    now = ScheduledRegimen(regimen=regimen, start_min=minute)
    kwargs = keywords_of(environment) | {"scenario": scenario, "start_hour": minute / 60.0}
    usual = {k: v for k, v in kwargs.items() if k != "action"}
    begun = Forecast(start, minute, None, None, None, bodies, regimen, habits, kwargs, notes, hours, seed)  # fmt: skip
    return replace(begun, now=_course("current regimen", now, usual, begun, record))


def with_proposal(forecast: Forecast, record: Timeline, policy: Any) -> Forecast:
    """Return the forecast with the same day under a policy.

    Both courses meet the same meals, sensor noise and heeded lows in each draw.
    """
    proposed = _course("proposal", policy, forecast.environment, forecast, record)
    worse = probability_worse(proposed, forecast.current)
    return replace(forecast, proposed=proposed, worse=worse)


def probability_worse(proposed: Course, current: Course) -> float:
    """Return the share of draws with more time below 70 mg/dL or less time in range than now."""
    low = proposed.metrics["time_below_70"] > current.metrics["time_below_70"] + 1e-9
    less = proposed.metrics["time_in_range"] < current.metrics["time_in_range"] - 1e-9
    return float((low | less).mean())


def _day(habits: Habits, certified: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the scenario of the coming day, and what had to be assumed."""
    given = certified.get("scenario", FALLBACK)
    base = load_scenario(given).to_dict()
    own = scenario_of(habits, base)
    if own is not None:
        return own, (
            "The person's usual meals at their median times; grams vary as in the record.",
            "Meals are announced when they begin, with the grams the person would count.",
        )
    return (
        {"preset": given} if isinstance(given, str) else dict(given),
        ("No meal recurs in the record: a day scaled by body weight is simulated instead.",),
    )


def _course(
    name: str, policy: Any, kwargs: dict[str, Any], about: Forecast, record: Timeline
) -> Course:
    cohort = cohort_for(about.bodies, about.regimen)
    fixed = {"days": -(-about.hours // 24), "terminate": None, "by_lane": True, "cohort": cohort}
    task = make_task(ENV_ID, **{**keywords_for(policy, kwargs), **fixed})
    task = replace(task, start=begin_at(task, about.bodies, record))
    listener = _Listener(policy)
    seeds = [lane_seed(about.seed, 0, i) for i in range(len(cohort))]
    run = rollout(task, listener, seeds, record=RECORDED)
    return _summarise(name, run, np.array(listener.actions), task, about.hours)


def _summarise(name: str, run: Rollout, actions: Array, task: Any, hours: int) -> Course:
    steps = round(hours * 60 / run.step_min)
    series = {k: v[: steps + 1].astype(np.float64) for k, v in run.series.items()}
    basal, bolus = asked_doses(task, actions[:steps], series["bolus_u"][1:])
    glucose = np.clip(series["glucose_mg_dl"][1:], 1e-3, CEILING_MG_DL)
    metrics = cgm_metrics_batch(glucose, run.step_min)
    days = hours / 24.0
    total = series["basal_u_per_h"][1:].sum(axis=0) * run.step_min / 60.0
    total = total + series["bolus_u"][1:].sum(axis=0)
    chosen = {k: metrics[k] for k in METRICS} | {"insulin_u_per_day": total / days}
    return Course(name, series, basal, bolus, chosen, run.step_min)


def asked_doses(task: Any, actions: Array, delivered_bolus: Array) -> tuple[Array, Array]:
    """Return the basal (U/h) and bolus (U) that actions (T, n, A) ask for, before the pump.

    Where the mode leaves a dose to the task (the basal or the meal bolus of ``meal_bolus``), what was
    delivered stands for what was asked.
    """
    chart = task.charts[: actions.shape[1]]
    usual, daily = chart[:, 0], chart[:, 3]
    if task.dosing.mode == "meal_bolus":
        return np.broadcast_to(usual, actions.shape[:2]).copy(), delivered_bolus
    basal = usual * BASAL_SPAN * rise(actions[:, :, 0])
    if task.dosing.mode == "basal_rate":
        return basal, np.zeros_like(basal)
    return basal, daily * BOLUS_SHARE * rise(actions[:, :, 1])


def chances(course: Course) -> dict[str, float]:
    """Return the shares of draws with any glucose in the ranges that matter most."""
    return {
        "below_54": course.chance(LEVELS.very_low, "below"),
        "below_70": course.chance(LEVELS.low, "below"),
        "above_250": course.chance(LEVELS.very_high, "above"),
    }
