"""The classes behind ``dosegym/Insulin-v0``."""

from __future__ import annotations

from typing import Any

from ...therapy.view import INSULIN_VIEW
from ..env import DoseEnv
from ..registry import check_keywords
from ..vector import DoseVectorEnv
from .insulin import make

_DOC = """Insulin dosing in type 1 diabetes: one decision every five minutes, by pump.

A UVA/Padova 2008 patient eats by a scenario, wears a CGM sensor and is dosed by the agent.

## Action Space
``Box(-1, 1)``, by the keyword ``action``:

| mode | size | meaning |
|---|---|---|
| `basal_rate` (default) | 1 | rate = prescribed basal x 40 x c(a), U/h |
| `basal_and_bolus` | 2 | the same, and bolus = half the daily dose x c(b), U |
| `meal_bolus` | 1 | bolus = announced carbs / carb ratio x (1 + a), U; basal as prescribed |

c(a) = (exp(3 (a + 1)) - 1) / (exp(6) - 1): nothing at -1, the prescribed basal near -0.2, all at 1.
`meal_bolus` needs a scenario that announces meals; without one no action has any effect. The pump
clips to its limits and rounds to its increments. NaN or out-of-bounds actions are refused.

## Observation Space
``Box`` of float32; a stored value is (value - offset) / scale, clipped:

{table}

## Rewards
`magni` (default), `kovatchev`, `time_in_range`, `simglucose`, made so that dying does not pay: see
`dosegym.envs.reward` for what exactly is guaranteed. `cost_weights` subtracts weighted costs.

## Costs
`info["costs"]`: `below_54`, `below_70`, `above_250` (true glucose, mg/dL), `iob_cap`; each 0 or 1 a
step. `info["cost"]` is their sum, `info["episode_cost"]` the running total.

## Info
The same keys at every step and at a reset: the costs; `time_min`, minutes since midnight of day 0;
`proposed_action`; `applied_action`, the action that asks for just what the pump delivered (as it
could: limits and increments); `shielded`, whether a limit cut the dose; `truth`, hidden physiology,
with the gains in force where there is a `residual`.

## Starting State
Basal steady state displaced to a random glucose (keyword `start_glucose`), at a random whole hour
(`start_hour`), with the patient drawn from `patient`.

## Episode End
Terminated when true glucose leaves `terminate` (default below 40 or above 600 mg/dL); truncated
after `days` (default 2).

## Arguments
`patient`, `scenario`, `physiology`, `gut`, `action`, `reward`, `cost_weights`, `sensor`, `pump`,
`days`, `step_min`, `start_hour`, `start_glucose`, `terminate`, `death_penalty`, `by_lane`,
`threads`, `residual`, `twin`: see `dosegym.envs.tasks.insulin.make`. All are JSON-serialisable.

## Version History
v0: first version.
"""


class InsulinEnv(DoseEnv):
    """The single environment."""

    def __init__(self, render_mode: str | None = None, **kwargs: Any) -> None:
        check_keywords(make, kwargs, "dosegym/Insulin-v0")
        super().__init__(make(**kwargs), render_mode)


class InsulinVectorEnv(DoseVectorEnv):
    """The native vector environment."""

    def __init__(self, num_envs: int = 1, autoreset_mode: str = "next_step", **kwargs: Any) -> None:
        check_keywords(make, kwargs, "dosegym/Insulin-v0")
        super().__init__(make(**kwargs), num_envs, autoreset_mode)


InsulinEnv.__doc__ = InsulinVectorEnv.__doc__ = _DOC.format(table=INSULIN_VIEW.table())
