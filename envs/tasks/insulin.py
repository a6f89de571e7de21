"""``dosegym/Insulin-v0``: insulin dosing in type 1 diabetes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...physiology.errors import InputError
from ...physiology.library import load_model
from ...physiology.model import Model
from ...therapy.cohort import Cohort, find_cohort
from ...therapy.dosing import DosingMap
from ...therapy.pump import load_pump
from ...therapy.scenario import load_scenario
from ...therapy.sensor import load_sensor
from ..insulin import InsulinTask
from ..insulin_residual import task_residual
from ..reward import DEATH_PENALTY, reward_code
from . import keywords
from .insulin_twin import treated

LONGEST_DAYS = 400
PATIENT, BODY, GUT = "adult#001", "uva_padova_2008", "published"
_PENALTY = "a number from 0 to 1e9, in units of the reward"
GLUCOSE_START_MG_DL = (40.0, 500.0)


def _start(glucose: Any) -> float | str:
    low, high = GLUCOSE_START_MG_DL
    mend = f"'random', 'basal' or a value from {low:g} to {high:g} mg/dL"
    if isinstance(glucose, str) and glucose in ("random", "basal"):
        return glucose
    return keywords.number("start_glucose", glucose, low, high, mend)


def _step(step_min: Any, period: int) -> int:
    step = step_min if step_min is not None else 5 if 5 % period == 0 else period
    right = isinstance(step, int) and not isinstance(step, bool) and step > 0
    if not right or step % period or 1440 % step:
        raise InputError(
            f"step_min is {step!r}; give a divisor of 1440 that is a multiple of the sensor's "
            f"period of {period} min"
        )
    return int(step)


def _cohort(model: Model, patient: Any, cohort: Any) -> Cohort:
    if cohort is None:
        return find_cohort(model, patient)
    if not isinstance(cohort, Cohort):
        raise InputError(f"cohort is {cohort!r}; give a dosegym.therapy.cohort.Cohort or patient")
    return cohort


def _weights(weights: Any) -> dict[str, float]:
    if weights is None:
        return {}
    if not isinstance(weights, Mapping):
        raise InputError(f"cost_weights is {weights!r}; give a mapping such as {{'below_54': 5}}")
    for name in weights:
        if name not in InsulinTask.cost_names:
            known = ", ".join(InsulinTask.cost_names)
            raise InputError(f"cost_weights names {name!r}; the costs are {known}")
    return {
        name: keywords.number(f"cost_weights {name}", weight, 0.0, 1e9, _PENALTY)
        for name, weight in weights.items()
    }


def make(
    patient: Any = PATIENT,
    scenario: Any = "unannounced",
    physiology: str = BODY,
    gut: str = GUT,
    action: str = "basal_rate",
    reward: str = "magni",
    sensor: Any = "breton_kovatchev",
    pump: Any = "insulet",
    days: int = 2,
    step_min: int | None = None,
    start_hour: float | None = None,
    start_glucose: float | str = "random",
    terminate: Any = (40.0, 600.0),
    death_penalty: float = DEATH_PENALTY,
    cost_weights: Any = None,
    by_lane: bool = False,
    threads: int = 1,
    residual: Any = None,
    twin: str | None = None,
    cohort: Cohort | None = None,
) -> InsulinTask:
    """Compose the task from JSON-serialisable keywords (``cohort`` alone is a Python object).

    Parameters
    ----------
    patient : str, list of str or mapping
        Who may be drawn at a reset: a named patient, a group, ``"all"``, a list of these, or
        ``{"population": "virtual", "groups": [...], "size": n, "purpose": "training", "seed": 0}``.
    scenario : str or mapping
        A preset of ``therapy.scenario``, or ``{"preset": name, field: value, ...}``.
    physiology, gut : str
        The body's model, and its stomach-emptying variant.
    action : str
        Dosing mode: ``basal_rate``, ``basal_and_bolus`` or ``meal_bolus``.
    reward : str
        ``magni``, ``kovatchev``, ``time_in_range`` or ``simglucose``.
    sensor, pump : str or mapping
        Presets of ``therapy.sensor`` and ``therapy.pump``, changed as the scenario is.
    days : int
        Length of an episode.
    step_min : int, optional
        Minutes between decisions; by default 5, or the sensor's period if that does not divide 5.
    start_hour : float, optional
        Local hour at which episodes start; by default a whole hour drawn anew.
    start_glucose : float or str
        mg/dL, ``"random"`` or ``"basal"``.
    terminate : [low, high] or None
        True glucose (mg/dL) outside which an episode ends as a death; None never ends it.
    death_penalty : float
        Subtracted from the reward there; with ``simglucose`` never less than 100.
    cost_weights : mapping of cost name to float, optional
        Subtracted from the reward of every interval in which that cost is incurred, e.g.
        ``{"below_54": 5.0}``; the costs in ``info`` are not changed.
    by_lane : bool
        Whether lane i of a batch treats person i (modulo the cohort) instead of a drawn one.
    threads : int
        Threads of the engine.
    residual : str or mapping, optional
        A learned residual by name or path, which sets gains and drift of the body
        ``uva_padova_gains`` by the half hour; ``{"name": ..., "context": [...], "member": k}``
        fixes whose context and which network. An episode draws what is left open.
    twin : str, optional
        A person's twin instead of ``patient``, ``physiology`` and ``gut``: path or id (in the
        folder that ``DOSEGYM_TWINS`` names) of a file that ``dosegym fit`` wrote. Each episode
        draws a body of the posterior on a day of its own, treated by the person's own settings
        (titrated, where the record states none), with the person's error of counting.
    cohort : Cohort, optional
        The people themselves, instead of ``patient``.

    Raises
    ------
    InputError
        One line naming the keyword, its value and the mend.
    """
    reward_code(reward)
    sensing = load_sensor(sensor)
    days_of, body = load_scenario(scenario), None
    if twin is not None:
        brought = {"patient": (patient, PATIENT), "physiology": (physiology, BODY)}
        brought |= {"gut": (gut, GUT), "residual": (residual, None), "cohort": (cohort, None)}
        body = treated(twin, brought)
        model, people, residual = body.model, body.cohort, body.residual
        days_of = body.counting(days_of)
    else:
        # Models without stomach-emptying variants know no such option.
        model = load_model(physiology) if gut == GUT else load_model(physiology, gut=gut)
        people = _cohort(model, patient, cohort)
    return InsulinTask(
        model=model,
        cohort=people,
        scenario=days_of,
        sensor=sensing,
        pump=load_pump(pump),
        dosing=DosingMap(action),
        reward=reward,
        days=keywords.whole("days", days, 1, LONGEST_DAYS, " of days"),
        step_min=_step(step_min, sensing.period_min),
        start_hour=keywords.hour("start_hour", start_hour),
        start_glucose=_start(start_glucose),
        terminate=keywords.interval("terminate", terminate, "mg/dL"),
        death_penalty=keywords.number("death_penalty", death_penalty, 0.0, 1e9, _PENALTY),
        cost_weights=_weights(cost_weights),
        by_lane=keywords.flag("by_lane", by_lane),
        threads=keywords.whole("threads", threads, 1, 1024),
        residual=task_residual(model, residual),
        rest=None if body is None else body.rest,
    )
