"""The current regimen: the pump's program, from the record or derived, and said which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from ..physiology.errors import InputError
from ..policies.rule import Doses, DosingRule, Memory, Seen
from ..records.series import DailySchedule, constant_schedule
from ..records.timeline import Timeline
from ..therapy.prescription import Prescription, daily_carbs_g, prescribe
from ..twins.twin import Twin

THRESHOLD_MG_DL: Final = 150.0
FULL_DAY_S: Final = 0.8 * 86400.0


@dataclass(frozen=True)
class Regimen:
    """Basal schedule, carb ratio, correction factor and target over the local day.

    Parameters
    ----------
    basal : DailySchedule, U/h
    carb_ratio : DailySchedule, g/U
    correction : DailySchedule, mg/dL per U
    target : DailySchedule, mg/dL
    daily_dose_u : float
        Insulin a day, U.
    origin : mapping of str to str
        Where each of them comes from, in words.
    """

    basal: DailySchedule
    carb_ratio: DailySchedule
    correction: DailySchedule
    target: DailySchedule
    daily_dose_u: float
    origin: Mapping[str, str]

    def prescription(self, n: int) -> Prescription:
        """Return it as the usual therapy of ``n`` equal people."""
        values = (self.basal, self.carb_ratio, self.correction, self.target)
        basal, ratio, correction, target = (np.full(n, schedule.mean()) for schedule in values)
        return Prescription(basal, ratio, correction, target, np.full(n, self.daily_dose_u))

    def to_dict(self) -> dict[str, Any]:
        """Return the regimen in JSON."""
        named = {
            "basal_u_per_h": self.basal,
            "carb_ratio_g_per_u": self.carb_ratio,
            "correction_mg_dl_per_u": self.correction,
            "target_mg_dl": self.target,
        }
        steps = {
            name: [
                {"minute": float(m), "value": float(v)}
                for m, v in zip(s.minute_of_day, s.value, strict=True)
            ]
            for name, s in named.items()
        }
        return {**steps, "daily_dose_u": self.daily_dose_u, "origin": dict(self.origin)}


def regimen_of(record: Timeline, twin: Twin) -> Regimen:
    """Return what a person is on now.

    Parameters
    ----------
    record : Timeline
    twin : Twin
        Its most probable body gives what the record does not state, titrated by simulation.

    Raises
    ------
    InputError
        If the record states no basal rate: this environment doses by pump.
    """
    settings, origin = record.settings, {}
    basal, origin["basal"] = _basal(record)
    derived: Prescription | None = None
    found: dict[str, DailySchedule] = {}
    for name, words in (
        ("carb_ratio_g_per_u", "carb ratio"),
        ("correction_mg_dl_per_u", "correction"),
        ("target_mg_dl", "target"),
    ):
        stated = getattr(settings, name)
        if stated is not None:
            found[name], origin[words] = stated, "the record's own settings"
            continue
        derived = derived or prescribe(twin.model, twin.patients(1))
        found[name] = constant_schedule(float(getattr(derived, name)[0]))
        origin[words] = "not in the record; titrated by simulation on the twin"
    dose, origin["daily dose"] = _daily_dose(record, twin, basal, found["carb_ratio_g_per_u"])
    ratio, correction, target = found.values()
    return Regimen(basal, ratio, correction, target, dose, origin)


def _basal(record: Timeline) -> tuple[DailySchedule, str]:
    schedule = record.settings.basal_u_per_h
    if schedule is not None and schedule.mean() > 0.0:
        return schedule, "the record's own schedule"
    basal = record.basal
    if basal is None or not (basal.u_per_h > 0.0).any():
        raise InputError(
            "basal rate: the record holds none above 0 U/h; this environment doses by pump, add "
            "the pump's export or its basal schedule"
        )
    mean = float(np.average(basal.u_per_h, weights=basal.end_s - basal.start_s))
    return constant_schedule(mean), "mean of the rates delivered; the record states no schedule"


def _daily_dose(
    record: Timeline, twin: Twin, basal: DailySchedule, ratio: DailySchedule
) -> tuple[float, str]:
    """Return the mean insulin of whole days, U, else basal plus a usual day's carbohydrate."""
    start, end = record.glucose.time_s[0], record.glucose.time_s[-1]
    days = (end - start) / 86400.0
    if record.basal is not None and days >= 1.0:
        part = record.basal.between(start, end)
        held = float((part.end_s - part.start_s).sum())
        if held >= FULL_DAY_S * days:
            rate = float(np.average(part.u_per_h, weights=part.end_s - part.start_s))
            bolus = float(record.boluses.between(start, end).units.sum()) / days
            if bolus > 0.0:
                return float(24.0 * rate + bolus), f"mean of {days:.0f} days delivered"
    carbs = float(daily_carbs_g(twin.patients(1))[0])
    return float(
        24.0 * basal.mean() + carbs / ratio.mean()
    ), "basal plus usual carbohydrate / carb ratio"


@dataclass
class ScheduledRegimen(DosingRule):
    """Basal by the schedule; at announced carbohydrate a bolus by ratio, correction and target.

    The correction is given with a meal only, above 150 mg/dL (as evaluation's comparator does), and
    insulin still on board is taken off it, as pumps' bolus calculators do.
    """

    action: str = "basal_and_bolus"
    regimen: Regimen | None = None
    start_min: float = 0.0
    name: str = field(default="current_regimen", init=False)

    @property
    def wants(self) -> Mapping[str, Any]:
        """Announced meals and a bolus channel."""
        return {"action": self.action, "announced": True, "lead_min": 0.0}

    def remember(self, n: int) -> Memory:
        """Return the clock."""
        return {"minute": np.full(n, self.start_min)}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return basal and bolus."""
        plan = self.regimen
        if plan is None:
            raise InputError("regimen is None; give the regimen to be followed")
        now = memory["minute"]
        excess = (seen.cgm - plan.target.at(now)) / plan.correction.at(now) - seen.iob_u
        extra = np.where(seen.cgm > THRESHOLD_MG_DL, np.maximum(excess, 0.0), 0.0)
        bolus = np.where(seen.told_g > 0.0, seen.told_g / plan.carb_ratio.at(now) + extra, 0.0)
        return Doses(plan.basal.at(now), bolus), {"minute": now + self.step_min}
