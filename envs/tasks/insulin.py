"""``dosegym/Insulin-v0``: insulin dosing in type 1 diabetes."""

from __future__ import annotations

from typing import Any

from ...physiology.errors import InputError
from ...physiology.library import load_model
from ...therapy.cohort import Cohort, find_cohort
from ...therapy.dosing import DosingMap
from ...therapy.pump import load_pump
from ...therapy.scenario import load_scenario
from ...therapy.sensor import load_sensor
from ..insulin import InsulinTask
from ..reward import DEATH_PENALTY, reward_code


def _check_days(days: int) -> int:
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 400:
        raise InputError(f"days is {days!r}; give a whole number of days from 1 to 400")
    return days


def _check_hour(hour: float | None) -> float | None:
    if hour is not None and not 0 <= float(hour) < 24:
        raise InputError(f"start_hour is {hour!r}; give an hour from 0 to below 24, or null")
    return None if hour is None else float(hour)


def _check_start(glucose: float | str) -> float | str:
    if isinstance(glucose, str):
        if glucose in ("random", "basal"):
            return glucose
    elif 40 <= float(glucose) <= 500:
        return float(glucose)
    raise InputError(
        f"start_glucose is {glucose!r}; give 'random', 'basal' or a value from 40 to 500 mg/dL"
    )


def _check_ends(ends: Any) -> tuple[float, float] | None:
    if ends is None:
        return None
    low, high = (float(v) for v in ends)
    if not 0 <= low < high:
        raise InputError(f"terminate is {list(ends)!r}; give [low, high] in mg/dL, or null")
    return low, high


def make(
    patient: Any = "adult#001",
    scenario: Any = "unannounced",
    physiology: str = "uva_padova_2008",
    gut: str = "published",
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
    by_lane: bool = False,
    threads: int = 1,
    cohort: Cohort | None = None,
) -> InsulinTask:
    """Compose the task from JSON-serialisable keywords (``cohort`` alone is a Python object).

    Raises
    ------
    InputError
        One line naming the keyword, its value and the mend.
    """
    reward_code(reward)
    sensing = load_sensor(sensor)
    period = sensing.period_min
    step = step_min if step_min is not None else (5 if 5 % period == 0 else period)
    if not isinstance(step, int) or step < 1 or step % period or 1440 % step:
        raise InputError(
            f"step_min is {step!r}; give a divisor of 1440 that is a multiple of the sensor's "
            f"period of {period} min"
        )
    model = load_model(physiology, gut=gut)
    return InsulinTask(
        model=model,
        cohort=cohort if cohort is not None else find_cohort(model, patient),
        scenario=load_scenario(scenario),
        sensor=sensing,
        pump=load_pump(pump),
        dosing=DosingMap(action),
        reward=reward,
        days=_check_days(days),
        step_min=step,
        start_hour=_check_hour(start_hour),
        start_glucose=_check_start(start_glucose),
        terminate=_check_ends(terminate),
        death_penalty=float(death_penalty),
        by_lane=bool(by_lane),
        threads=int(threads),
    )
