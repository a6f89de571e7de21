"""Scenarios by name: our own days and those of published studies, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from . import meals
from .eating import Scenario
from .presets import amend, choose

__all__ = ["SCENARIOS", "Scenario", "load_scenario"]

_OURS: Final = (
    "project: meals by body weight and age (Schofield 1985, 10.3390/nu13113869), shares of the day "
    "from J Pediatr Psychol 2020;45:749; see docs/reference/devices-and-days.md"
)

# 15 g of fast carbohydrate below 70 mg/dL, again after 15 min: American Diabetes Association,
# Standards of Care 2024, section 6, 10.2337/dc24-S006. How often a low is heeded: project choice.
RESCUE_G: Final = 15.0

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        scenario.name: scenario
        for scenario in (
            Scenario(
                "unannounced",
                _OURS,
                meals.WEIGHT_SCALED_DAY,
                "lognormal",
                "schofield",
                rescue_g=RESCUE_G,
            ),
            Scenario(
                "announced",
                _OURS,
                meals.WEIGHT_SCALED_DAY,
                "lognormal",
                "schofield",
                announced=True,
                rescue_g=RESCUE_G,
            ),
            # Each rate's source or reason: docs/reference/devices-and-days.md, "messy".
            Scenario(
                "messy",
                f"{_OURS}; late: T1D Exchange registry (10.4158/EP171813.OR); counting: Deeb 2017 "
                "(10.1177/1932296816679850); missed, delay, extra snacks: project choice",
                meals.MESSY_DAY,
                "lognormal",
                "schofield",
                announced=True,
                missed_rate=0.1,
                snack_missed_rate=0.3,
                late_rate=0.32,
                late_low_min=5.0,
                late_high_min=45.0,
                counting_log_mean=-0.095,
                counting_log_sd=0.1945,
                rescue_g=RESCUE_G,
            ),
            Scenario("fasting", "no meals"),
            Scenario(
                "simglucose_random",
                "simglucose a6f6777, simulation/scenario_gen.py RandomScenario",
                meals.SIMGLUCOSE_DAY,
            ),
            Scenario(
                "rl4t1d",
                "RL4T1D ea9e172, configs/env/env.yaml, validation scenario; unannounced to agents",
                meals.RL4T1D_DAY,
            ),
            Scenario(
                "rl4t1d_training",
                "RL4T1D ea9e172, configs/env/env.yaml, training scenario; unannounced to agents",
                meals.RL4T1D_TRAINING_DAY,
                "uniform",
            ),
            Scenario(
                "fox2020",
                "RL4BG c9e2189, RandomBalancedScenario with harrison_benedict=True; "
                "unannounced to agents",
                meals.FOX_DAY,
                daily_carbs="harris_benedict",
            ),
            Scenario(
                "emerson2023",
                "offline-glucose e8f2b09, schedule of its notebook; meals are bolused as eaten",
                meals.EMERSON_DAY,
                announced=True,
            ),
        )
    }
)


def load_scenario(name: str | Mapping[str, Any] = "unannounced") -> Scenario:
    """Return a scenario by name, or one with some fields changed.

    Parameters
    ----------
    name : str or mapping
        One of ``SCENARIOS``, or ``{"preset": name, field: value, ...}``, e.g.
        ``{"preset": "simglucose_random", "announced": True}``.

    Returns
    -------
    Scenario
        Named after the preset and the fields changed, unless ``name`` is given.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    scenario, changes = choose("scenario", name, SCENARIOS, "unannounced")
    if changes and "name" not in changes:
        changes["name"] = "+".join((scenario.name, *changes))
    return amend("scenario", scenario, changes)
