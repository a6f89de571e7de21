"""The next day of a person's possible bodies, under what they do now and under a policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..envs.core import Step
from ..envs.registry import make_task
from ..evaluation.evaluate import keywords_for
from ..evaluation.metrics import cgm_metrics_batch
from ..evaluation.rollout import Decision, Rollout, lane_seed, rollout
from ..policies.rule import Chart
from ..records.timeline import Timeline
from ..therapy.scenario import load_scenario
from .course import Course, asked_doses
from .habits import Habits, scenario_of
from .regimen import Regimen, ScheduledRegimen
from .start import Bodies, begin_at, cohort_for, end_s, keywords_of

Array = NDArray[np.float64]

ENV_ID: Final = "dosegym/Insulin-v0"
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
class Forecast:
    """The next hours of a person.

    Parameters
    ----------
    start_s : float, seconds since 1970 UTC
        The end of the record.
    start_minute : float
        Local minute of the day then.
    current : Course
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
    current: Course
    proposed: Course | None
    worse: float | None
    bodies: Bodies
    regimen: Regimen
    habits: Habits
    environment: dict[str, Any]
    notes: tuple[str, ...]
    hours: int
    seed: int


class _Stage(NamedTuple):
    """What both courses share."""

    bodies: Bodies
    regimen: Regimen
    record: Timeline
    kwargs: dict[str, Any]
    hours: int
    seed: int


class _Actions:
    """A rollout's listener that keeps the actions."""

    def __init__(self) -> None:
        self.asked: list[Array] = []

    def begin(self, chart: Chart, step: Step) -> None:
        """Nothing is kept of the start."""

    def hear(self, decision: Decision) -> None:
        """Keep what was asked for."""
        self.asked.append(np.asarray(decision.action, dtype=np.float64))


def forecast_current(
    record: Timeline,
    bodies: Bodies,
    regimen: Regimen,
    habits: Habits,
    *,
    certified: Mapping[str, Any] | None = None,
    hours: int = 24,
    seed: int = 0,
) -> Forecast:
    """Simulate the next hours of a person under their current regimen.

    Parameters
    ----------
    record, bodies, regimen, habits
        The person; each of the bodies lives through the same hours.
    certified : mapping, optional
        Keywords of the environment that the policy was certified in; its sensor, pump and treatment
        of lows are kept.
    hours, seed : int

    Returns
    -------
    Forecast
        Without a proposal; :func:`with_proposal` adds one.
    """
    start = end_s(bodies.seen)
    minute = float(record.local_minute_of_day(np.array([start]))[0])
    environment = dict(certified or {})
    scenario, notes = _day(habits, environment, bodies.counting_sd)
    now = ScheduledRegimen(regimen=regimen, start_min=minute)
    kwargs = keywords_of(environment) | {"scenario": scenario, "start_hour": minute / 60.0}
    usual = {k: v for k, v in kwargs.items() if k != "action"}
    stage = _Stage(bodies, regimen, record, usual, hours, seed)
    current = _course("current regimen", now, stage)
    return Forecast(
        start, minute, current, None, None, bodies, regimen, habits, kwargs, notes, hours, seed
    )


def with_proposal(forecast: Forecast, record: Timeline, policy: Any) -> Forecast:
    """Return the forecast with the same day under a policy.

    Both courses meet the same meals, sensor noise and heeded lows in each draw.
    """
    stage = _Stage(
        forecast.bodies,
        forecast.regimen,
        record,
        forecast.environment,
        forecast.hours,
        forecast.seed,
    )
    proposed = _course("proposal", policy, stage)
    worse = probability_worse(proposed, forecast.current)
    return replace(forecast, proposed=proposed, worse=worse)


def probability_worse(proposed: Course, current: Course) -> float:
    """Return the share of draws with more time below 70 mg/dL or less time in range than now."""
    low = proposed.metrics["time_below_70"] > current.metrics["time_below_70"] + 1e-9
    less = proposed.metrics["time_in_range"] < current.metrics["time_in_range"] - 1e-9
    return float((low | less).mean())


def _day(
    habits: Habits, certified: dict[str, Any], counting_sd: float
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the scenario of the coming day, and what had to be assumed."""
    given = certified.get("scenario", FALLBACK)
    base = load_scenario(given).to_dict()
    own = scenario_of(habits, base, counting_sd)
    if own is not None:
        return own, (
            "The person's usual meals at their median times; grams vary as in the record.",
            "Meals are announced when they begin, with the grams the person would count, right and "
            "wrong as the twin found it.",
        )
    return (
        {"preset": given} if isinstance(given, str) else dict(given),
        ("No meal recurs in the record: a day scaled by body weight is simulated instead.",),
    )


def _course(name: str, policy: Any, stage: _Stage) -> Course:
    cohort = cohort_for(stage.bodies, stage.regimen)
    fixed = {"days": -(-stage.hours // 24), "terminate": None, "by_lane": True, "cohort": cohort}
    task = make_task(ENV_ID, **{**keywords_for(policy, stage.kwargs), **fixed})
    task = replace(task, start=begin_at(task, stage.bodies, stage.record))
    actions = _Actions()
    seeds = [lane_seed(stage.seed, 0, i) for i in range(len(cohort))]
    run = rollout(task, policy, seeds, record=RECORDED, listener=actions)
    return _summarise(name, run, np.array(actions.asked), task, stage.hours)


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
