"""The current regimen is what the record states, and its rule does what pumps' calculators do."""

from dataclasses import replace

import numpy as np
import pytest

from dosegym.clinic.regimen import Regimen, ScheduledRegimen, regimen_of
from dosegym.physiology.errors import InputError
from dosegym.policies.rule import Seen
from dosegym.records import DailySchedule, TherapySettings, Timeline, constant_schedule
from dosegym.twins import Twin

PLAN = Regimen(
    basal=DailySchedule(np.array([0.0, 720.0]), np.array([0.8, 1.2])),
    carb_ratio=DailySchedule(np.array([0.0, 720.0]), np.array([10.0, 15.0])),
    correction=constant_schedule(50.0),
    target=constant_schedule(110.0),
    daily_dose_u=45.0,
    origin={},
)


def seen(cgm: float, told_g: float, iob_u: float = 0.0) -> Seen:
    """Return what one person's pump knows."""
    values = (cgm, told_g, iob_u, 1.0, 12.0, 40.0, 45.0)
    return Seen(*(np.array([value]) for value in values))


@pytest.mark.parametrize(
    ("minute", "cgm", "told", "iob", "basal", "bolus"),
    [
        (60.0, 120.0, 0.0, 0.0, 0.8, 0.0),  # night, nothing eaten
        (480.0, 120.0, 60.0, 0.0, 0.8, 6.0),  # breakfast at 10 g/U, below 150
        (780.0, 120.0, 60.0, 0.0, 1.2, 4.0),  # lunch at 15 g/U
        (480.0, 210.0, 60.0, 0.0, 0.8, 8.0),  # with (210 - 110) / 50
        (480.0, 210.0, 60.0, 1.5, 0.8, 6.5),  # insulin on board off the correction
        (480.0, 210.0, 60.0, 9.0, 0.8, 6.0),  # but never off the meal
        (480.0, 260.0, 0.0, 0.0, 0.8, 0.0),  # no correction without a meal
    ],
)
def test_doses_by_hand(
    minute: float, cgm: float, told: float, iob: float, basal: float, bolus: float
) -> None:
    """Basal by the clock; bolus = carbs / ratio + max(0, (CGM - target) / factor - on board)."""
    rule = ScheduledRegimen(regimen=PLAN, start_min=minute)
    doses, memory = rule.decide(seen(cgm, told, iob), rule.remember(1))
    assert doses.basal_u_per_h[0] == pytest.approx(basal)
    assert doses.bolus_u[0] == pytest.approx(bolus)
    assert memory["minute"][0] == minute + 5.0


def test_stated_settings_are_taken_over(record: Timeline, twin: Twin) -> None:
    """What the record states is used as it stands, and said to be the record's own."""
    found = regimen_of(record, twin)
    assert found.basal is record.settings.basal_u_per_h
    assert found.carb_ratio is record.settings.carb_ratio_g_per_u
    assert found.origin["carb ratio"] == "the record's own settings"
    days = record.span_days
    delivered = float(record.boluses.units.sum()) / days
    assert found.daily_dose_u - delivered == pytest.approx(24 * found.basal.mean(), rel=0.05)


def test_missing_settings_are_titrated_and_said_so(record: Timeline, twin: Twin) -> None:
    """Ratio, factor and target that nobody stated come from the twin, and the origin says so."""
    bare = replace(record, settings=TherapySettings(basal_u_per_h=record.settings.basal_u_per_h))
    found = regimen_of(bare, twin)
    assert 2.0 < found.carb_ratio.mean() < 60.0
    assert found.correction.mean() > 0.0
    assert "titrated by simulation" in found.origin["carb ratio"]


def test_no_basal_is_an_error(record: Timeline, twin: Twin) -> None:
    """A person without a pump's basal rate has no regimen this environment could simulate."""
    none = replace(record, basal=None, settings=TherapySettings())
    with pytest.raises(InputError, match="holds none above 0 U/h"):
        regimen_of(none, twin)


def test_prescription_is_everybodys_chart() -> None:
    """The draws of a twin share one chart, the time-weighted means of the schedules."""
    chart = PLAN.prescription(3)
    assert len(chart) == 3
    assert chart.basal_u_per_h.tolist() == [1.0, 1.0, 1.0]
    assert chart.carb_ratio_g_per_u.tolist() == [12.5, 12.5, 12.5]
    assert chart.total_daily_dose_u.tolist() == [45.0, 45.0, 45.0]
