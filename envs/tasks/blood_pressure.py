"""``dosegym/BloodPressure-v0``: titration of antihypertensive drugs, visit by visit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ...physiology.errors import InputError
from ...physiology.library import load_model
from ...therapy.adherence import load_adherence
from ...therapy.formulary import load_formulary
from ...therapy.laboratory import load_laboratory
from ...therapy.pressure_cohort import PressureCohort, find_pressure_cohort
from ...therapy.pressure_measurement import load_measurement
from ...therapy.sick_days import load_sick_days
from ..blood_pressure import BloodPressureTask
from ..pressure_reward import HARMS, check_reward
from . import keywords
from .pressure_twin import twin_cohort

LONGEST_DAYS = 3 * 728
LONGEST_INTERVAL = 182
MOST_THREADS = 4
_MODES = ("levels", "box")
_WEIGHT = "a number from 0 to 1e9, in units of the reward"


def _interval(value: Any) -> int:
    if isinstance(value, str) and value == "chosen":
        return 0
    return keywords.whole("interval_days", value, 7, LONGEST_INTERVAL, " of days (or 'chosen')")


def _days(days: Any, interval: int) -> int:
    number = keywords.whole("days", days, 14, LONGEST_DAYS, " of days")
    if number % (interval or 14):
        every = f"interval_days {interval}" if interval else "the shortest interval of 14 days"
        raise InputError(f"days is {number}; give a multiple of {every}")
    return number


def _choice(name: str, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} is {value!r}; choose one of {', '.join(known)}")
    return value


def _target(value: Any) -> tuple[float, float]:
    mend = "[systolic from 100 to 200, diastolic from 50 to 130] mmHg, e.g. [130, 80]"
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise InputError(f"target is {value!r}; give {mend}")
    systolic = keywords.number("target", value[0], 100.0, 200.0, mend)
    return systolic, keywords.number("target", value[1], 50.0, 130.0, mend)


def _threads(threads: Any) -> int:
    if threads is not None:
        return keywords.whole("threads", threads, 1, 1024)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_THREADS)


def _weights(weights: Any) -> dict[str, float]:
    if weights is None:
        return {}
    if not isinstance(weights, Mapping):
        raise InputError(
            f"cost_weights is {weights!r}; give a mapping such as {{'potassium_high': 1}}"
        )
    known = dict.fromkeys((*BloodPressureTask.cost_names, *HARMS))
    for name in weights:
        if name not in known:
            raise InputError(f"cost_weights names {name!r}; costs and harms are {', '.join(known)}")
    return {
        name: keywords.number(f"cost_weights {name}", weight, 0.0, 1e9, _WEIGHT)
        for name, weight in weights.items()
    }


def make(
    patient: Any = "all",
    days: int = 364,
    interval_days: Any = 28,
    formulary: Any = "default",
    action: str = "levels",
    reward: str = "risk",
    target: Any = (130.0, 80.0),
    measurement: Any = "office_unattended",
    labs: str = "guideline",
    laboratory: Any = "usual",
    adherence: Any = "usual",
    sick_days: Any = "usual",
    contraindications: str = "enforce",
    max_changes: int | None = None,
    sodium_intake: float = 1.0,
    kinetics: bool = True,
    terminate: Any = (70.0, 240.0),
    cost_weights: Any = None,
    physiology: str = "dosegym_bp_2026",
    by_lane: bool = False,
    threads: int | None = None,
    twin: str | None = None,
    cohort: PressureCohort | None = None,
) -> BloodPressureTask:
    """Compose the task from JSON-serialisable keywords (``cohort`` alone is a Python object).

    Parameters
    ----------
    patient : str, list of str or mapping
        Who may be drawn at a reset: see ``therapy.pressure_cohort.find_pressure_cohort``.
    days : int
        Length of an episode: 364 or 728 for one or two years.
    interval_days : int or "chosen"
        Days from visit to visit; ``"chosen"`` adds an entry to the action: 14, 28, 56 or 84.
    formulary : str or mapping
        Which drug stands in each class, e.g. ``{"arb": "telmisartan"}``.
    action : {"levels", "box"}
        Whole levels (MultiDiscrete), or numbers from -1 (none) to 1 (highest dose).
    reward : str
        ``risk``, ``time_in_target`` or ``sprint``.
    target : [float, float]
        Systolic and diastolic pressure (mmHg) to get below.
    measurement, laboratory, adherence, sick_days : str or mapping
        Presets of ``therapy``, or ``{"preset": name, field: value, ...}``.
    labs : {"guideline", "every_visit"}
        When blood is drawn.
    contraindications : {"enforce", "allow"}
        Whether forbidden drugs are refused; ``contraindicated`` counts them either way.
    max_changes : int, optional
        Most classes whose dose may change at one visit.
    sodium_intake : float
        Relative to each person's usual, 0.2 to 3.
    kinetics : bool
        Whether drugs take time to come and go.
    terminate : [low, high] or None
        True systolic pressure (mmHg) outside which an episode ends; None never ends it.
    cost_weights : mapping of cost or harm name to float, optional
        Subtracted from the reward of every interval in which that cost is incurred, or that harm
        of ``envs.pressure_reward`` is met (``hypotension``: for each day of it).
    physiology : str
        The body's model.
    by_lane : bool
        Whether lane i of a batch treats person i (modulo the cohort) instead of a drawn one.
    threads : int, optional
        Threads of the engine; by default as many as there are cores, at most 4. Numbers do not
        depend on it, and fewer than 128 lanes use one.
    twin : str, optional
        A person's twin instead of ``patient``: path or id (in the folder that ``DOSEGYM_TWINS``
        names) of a file that ``dosegym fit`` wrote. Each episode draws one body of the posterior
        as it is at the end of the record, on the person's present tablets.
    cohort : PressureCohort, optional
        The people themselves, instead of ``patient``; brings its formulary.

    Raises
    ------
    InputError
        One line naming the keyword, its value and the mend.
    """
    interval = _interval(interval_days)
    if cohort is not None and not isinstance(cohort, PressureCohort):
        raise InputError(f"cohort is {cohort!r}; give a PressureCohort or leave it out")
    if cohort is not None and twin is not None:
        raise InputError("cohort and twin are both given; give one of them")
    taking, begun = load_adherence(adherence), None
    if twin is not None:
        people, begun = twin_cohort(twin, patient, formulary, taking)
    else:
        people = cohort or find_pressure_cohort(load_formulary(formulary), patient)
    most = None if max_changes is None else keywords.whole("max_changes", max_changes, 1, 6)
    model = load_model(physiology)
    if model.name != people.patients.model:
        raise InputError(f"physiology is {physiology!r}; give {people.patients.model!r}")
    return BloodPressureTask(
        model=model,
        cohort=people,
        device=load_measurement(measurement),
        laboratory=load_laboratory(laboratory),
        adherence=taking,
        sick_days=load_sick_days(sick_days),
        mode=_choice("action", action, _MODES),
        reward=check_reward(reward),
        target=_target(target),
        days=_days(days, interval),
        interval_days=interval,
        every_visit=_choice("labs", labs, ("guideline", "every_visit")) == "every_visit",
        enforce=_choice("contraindications", contraindications, ("enforce", "allow")) == "enforce",
        max_changes=most,
        sodium_intake=keywords.number(
            "sodium_intake", sodium_intake, 0.2, 3.0, "a ratio from 0.2 to 3"
        ),
        kinetics=keywords.flag("kinetics", kinetics),
        terminate=keywords.interval("terminate", terminate, "mmHg"),
        cost_weights=_weights(cost_weights),
        by_lane=keywords.flag("by_lane", by_lane),
        threads=_threads(threads),
        begun=begun,
    )
