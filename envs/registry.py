"""Environment ids: what is registered with Gymnasium, and which task each id composes."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..physiology.errors import InputError


@dataclass(frozen=True)
class Entry:
    """One environment id.

    Parameters
    ----------
    id : str
    env, vector_env, task : str
        Its classes and its task factory as import strings.
    doc : str
        One line for a reader.
    variants : tuple of mapping
        Keywords that between them exercise its modes, with short episodes: every test that all
        environments must pass runs with each.
    """

    id: str
    env: str
    vector_env: str
    task: str
    doc: str
    variants: tuple[Mapping[str, Any], ...] = ({},)


ENTRIES = (
    Entry(
        "dosegym/Insulin-v0",
        "dosegym.envs.tasks.insulin_env:InsulinEnv",
        "dosegym.envs.tasks.insulin_env:InsulinVectorEnv",
        "dosegym.envs.tasks.insulin:make",
        "Insulin dosing in type 1 diabetes, every 5 minutes, by pump",
        (
            {"days": 1},
            {
                "days": 1,
                "patient": "all",
                "action": "basal_and_bolus",
                "scenario": "announced",
                "reward": "kovatchev",
                "sensor": "dexcom_g6",
                "terminate": [54.0, 300.0],
            },
            {
                "days": 1,
                "patient": "all",
                "physiology": "uva_padova_gains",
                "residual": "uva_padova_2026",
            },
            {
                "days": 1,
                "patient": ["child", "adolescent#003"],
                "action": "meal_bolus",
                "scenario": "messy",
                "reward": "time_in_range",
                "cost_weights": {"below_54": 2.0},
                "pump": "tslim",
                "start_glucose": "basal",
            },
            {
                "days": 1,
                "scenario": {"preset": "simglucose_random", "announced": True, "lead_min": 20.0},
                "gut": "simglucose_legacy",
                "reward": "simglucose",
                "sensor": "dexcom_bk",
                "start_hour": 6.5,
                "start_glucose": 130.0,
            },
            {
                "days": 1,
                "patient": {"population": "virtual", "size": 3, "purpose": "training", "seed": 5},
                "scenario": "fasting",
                "step_min": 15,
                "terminate": None,
                "pump": "ideal",
            },
        ),
    ),
    Entry(
        "dosegym/BloodPressure-v0",
        "dosegym.envs.tasks.blood_pressure_env:BloodPressureEnv",
        "dosegym.envs.tasks.blood_pressure_env:BloodPressureVectorEnv",
        "dosegym.envs.tasks.blood_pressure:make",
        "Titration of antihypertensive drugs, visit by visit",
        (
            {"days": 168},
            {
                "days": 168,
                "patient": ["kidney_disease", "person#001"],
                "reward": "time_in_target",
                "measurement": "office_attended",
                "labs": "every_visit",
                "adherence": "poor",
                "contraindications": "allow",
                "formulary": {"arb": "telmisartan", "thiazide": "indapamide"},
                "terminate": [118.0, 170.0],
            },
            {
                "days": 168,
                "patient": {"population": "virtual", "size": 5, "purpose": "training", "seed": 3},
                "action": "box",
                "reward": "sprint",
                "measurement": "home_week",
                "interval_days": 14,
                "max_changes": 2,
                "cost_weights": {"potassium_high": 2.0},
            },
            {
                "days": 728,
                "patient": "older",
                "interval_days": "chosen",
                "measurement": "ambulatory",
                "kinetics": False,
                "sodium_intake": 0.6,
                "terminate": None,
            },
        ),
    ),
)


def register_all() -> None:
    """Register every id with Gymnasium by string entry points (nothing heavy is imported)."""
    from gymnasium.envs.registration import register, registry

    for entry in ENTRIES:
        if entry.id not in registry:
            register(
                entry.id,
                entry_point=entry.env,
                vector_entry_point=entry.vector_env,
                disable_env_checker=False,
            )


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


def entry_of(env_id: str) -> Entry:
    """Return what is registered under an environment id.

    Raises
    ------
    InputError
        If the id is unknown.
    """
    for entry in ENTRIES:
        if entry.id == env_id:
            return entry
    known = ", ".join(entry.id for entry in ENTRIES)
    raise InputError(f"environment id is {env_id!r}; choose one of {known}")


def make_task(env_id: str, **kwargs: Any) -> Any:
    """Return the Task of an environment id.

    Raises
    ------
    InputError
        If the id or a keyword is unknown.
    """
    factory = _load(entry_of(env_id).task)
    check_keywords(factory, kwargs, env_id)
    return factory(**kwargs)


def check_keywords(factory: Any, kwargs: dict[str, Any], env_id: str) -> None:
    """Refuse keywords that the task does not know.

    Raises
    ------
    InputError
        Naming the first unknown keyword and the known ones.
    """
    known = [k for k in inspect.signature(factory).parameters if k != "cohort"]
    for key in kwargs:
        if key not in known and key != "cohort":
            raise InputError(
                f"{env_id} does not know the keyword {key!r}; it takes {', '.join(known)}"
            )
