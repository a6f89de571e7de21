"""The classes behind ``dosegym/BloodPressure-v0``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...physiology.errors import InputError
from ...therapy.pressure_view import PRESSURE_VIEW
from ..env import DoseEnv
from ..registry import check_keywords
from ..vector import DoseVectorEnv
from .blood_pressure import make

_DOC = """Titration of antihypertensive drugs: one decision at each visit.

A person of ``dosegym_bp_2026`` takes tablets (or forgets them), falls ill now and then, and comes
to visits where pressure is measured with the errors of real devices.

## Action Space
``MultiDiscrete`` (keyword `action="levels"`, the default): for ACE inhibitor, ARB, calcium channel
blocker, thiazide, beta-blocker and MRA a level of the daily dose, 0 for none; doses in mg are those
of `dosegym.therapy.formulary`. With `interval_days="chosen"` a seventh entry picks 14, 28, 56 or 84
days to the next visit. `action="box"` is ``Box(-1, 1)`` of the same length, from none to the
highest dose, rounded to the nearest level.

`info["action_mask"]` and `action_masks()` tell which single choices the chart permits, given the
present regimen; they serve sb3-contrib's MaskablePPO. At a missed visit only the present regimen is
permitted. Contraindicated drugs are refused (`contraindications="enforce"`).

## Observation Space
``Box`` of float32; a stored value is (value - offset) / scale, clipped:

{table}

## Rewards
`risk` (default: lowered hazard less harms and pill burden), `time_in_target`, `sprint`: see
`dosegym.envs.pressure_reward`. `cost_weights` subtracts weighted costs.

## Costs
`info["costs"]`, 0 or 1 an interval, by the true body on any of its days: `sbp_below_100`,
`potassium_high` (above 5.5 mmol/L), `potassium_low` (below 3.5), `egfr_drop` (30 % below the
untreated), `bradycardia` (below 50/min), `orthostatic` (fall of 20/10 mmHg); and `contraindicated`
(the action asked for a forbidden drug). `info["cost"]` is their sum, `info["episode_cost"]` the
running total.

## Info
The same keys at every step and at a reset: the costs; `time_min` since the first visit;
`proposed_action`; `applied_action`, the regimen really given; `shielded`, whether it differs;
`truth`, hidden physiology and events; `action_mask`.

## Starting State
A person drawn from `patient`, settled for 240 days on the regimen of entry, at the first visit;
with `twin`, a body drawn from that person's posterior, as it is at the end of their record.

## Episode End
Truncated after `days` (364 by default); terminated when true systolic pressure leaves `terminate`
(default below 70 or above 240 mmHg).

## Arguments
`patient`, `days`, `interval_days`, `formulary`, `action`, `reward`, `target`, `measurement`,
`labs`, `laboratory`, `adherence`, `sick_days`, `contraindications`, `max_changes`, `sodium_intake`,
`kinetics`, `terminate`, `cost_weights`, `physiology`, `by_lane`, `threads`, `twin`: see
`dosegym.envs.tasks.blood_pressure.make`. All are JSON-serialisable.

## Version History
v0: first version.
"""


class BloodPressureEnv(DoseEnv):
    """The single environment."""

    def __init__(self, render_mode: str | None = None, **kwargs: Any) -> None:
        check_keywords(make, kwargs, "dosegym/BloodPressure-v0")
        super().__init__(make(**kwargs), render_mode)

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which single choices are permitted now, (sum of levels,).

        Raises
        ------
        InputError
            If no episode has begun.
        """
        if self._mask is None:
            raise InputError("no episode has begun; call reset() before action_masks()")
        return self._mask.copy()


class BloodPressureVectorEnv(DoseVectorEnv):
    """The native vector environment."""

    def __init__(self, num_envs: int = 1, autoreset_mode: str = "next_step", **kwargs: Any) -> None:
        check_keywords(make, kwargs, "dosegym/BloodPressure-v0")
        super().__init__(make(**kwargs), num_envs, autoreset_mode)


BloodPressureEnv.__doc__ = BloodPressureVectorEnv.__doc__ = _DOC.format(table=PRESSURE_VIEW.table())
