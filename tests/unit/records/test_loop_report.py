"""Loop issue reports."""

from __future__ import annotations

import copy
import json

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record
from dosegym.records.clean import assemble
from dosegym.records.loop_report import read_loop_report

REPORT = {
    "basal_rate_schedule": [{"startTime": 0.0, "value": 1.0}, {"startTime": 43200.0, "value": 0.5}],
    "basal_rate_timeZone": -25200,
    "cached_glucose_samples": [
        {"quantity": 100.5, "quantity_units": "mg/dL",
         "startDate": f" 2026-01-01 {k // 12:02d}:{k % 12 * 5:02d}:00 +0000"}
        for k in range(288)
    ],
    "cached_carb_entries": [
        {"quantity": 40.0, "quantity_units": "g", "startDate": " 2026-01-01 12:00:00 +0000"}
    ],
    "carb_ratio_schedule": [{"startTime": 0.0, "value": 12.0}],
    "correction_range_schedule": [{"startTime": "0.0", "value": [90.0, 100.0]}],
    "insulin_action_duration": 21600.0,
    "insulin_sensitivity_factor_schedule": [{"startTime": 0.0, "value": 50.0}],
    "insulin_sensitivity_factor_unit": "mg/dL",
    "get_normalized_dose_entries": [
        {"type": "LoopKit.DoseType.bolus", "unit": "LoopKit.DoseUnit.units", "value": "3.0",
         "startDate": "2026-01-01 12:00:00 +0000", "endDate": "2026-01-01 12:02:00 +0000"},
        {"type": "LoopKit.DoseType.tempBasal", "unit": "LoopKit.DoseUnit.unitsPerHour",
         "value": "2.0", "startDate": "2026-01-01 10:00:00 +0000",
         "endDate": "2026-01-01 10:30:00 +0000"},
        {"type": "LoopKit.DoseType.basal", "unit": "LoopKit.DoseUnit.units", "value": 0.25,
         "startDate": "2026-01-01 11:00:00 +0000", "endDate": "2026-01-01 11:30:00 +0000"},
        {"type": "LoopKit.DoseType.suspend", "unit": "nil", "value": "nil",
         "startDate": "2026-01-01 13:00:00 +0000", "endDate": "2026-01-01 13:10:00 +0000"},
    ],
    "last_temp_basal": {" type": "LoopKit.DoseType.basal", " unit": "LoopKit.DoseUnit.unitsPerHour",
                        " value": 0.0, " startDate": "2026-01-01 23:50:00 +0000",
                        " endDate": "2026-01-02 00:20:00 +0000"},
}  # fmt: skip


def read(report):
    """Read a report as `read_record` would."""
    return assemble(read_loop_report(report), "0" * 64)


def rate_at(timeline, text):
    """Return the basal rate and whether it is assumed at a UTC time of 2026-01-01."""
    hour, minute = map(int, text.split(":"))
    at = 1767225600.0 + hour * 3600 + minute * 60
    for index in range(len(timeline.basal)):
        if timeline.basal.start_s[index] <= at < timeline.basal.end_s[index]:
            return timeline.basal.u_per_h[index], bool(timeline.basal.assumed[index])
    return None


def test_a_report_is_read_with_its_settings_and_doses():
    """Leading blanks, text numbers and nil are understood; schedules run on the phone's offset."""
    timeline = read(REPORT)
    assert timeline.timezone == "UTC-07:00"
    assert len(timeline.glucose) == 288
    assert timeline.boluses.units.tolist() == [3.0]
    assert timeline.meals.carbs_g.tolist() == [40.0]
    assert timeline.settings.target_mg_dl.value.tolist() == [95.0]
    assert timeline.settings.insulin_duration_h == 6.0
    assert rate_at(timeline, "10:15") == (2.0, False)
    assert rate_at(timeline, "11:15") == (0.5, False)  # 0.25 U in half an hour
    assert rate_at(timeline, "13:05") == (0.0, False)
    assert rate_at(timeline, "12:30") == (1.0, False)  # 5:30 at the phone
    assert rate_at(timeline, "19:30") == (0.5, False)  # 12:30 at the phone


def test_before_the_first_dose_the_schedule_is_an_assumption():
    """A report logs the last doses only; what lies before is marked."""
    timeline = read(REPORT)
    assert rate_at(timeline, "03:00") == (0.5, True)
    assert rate_at(timeline, "08:00") == (1.0, True)
    assert "10.0 of 24.0 h" in timeline.notes[0]


def test_an_order_that_still_runs_counts_only_to_the_last_sample():
    """The temporary rate ends after the report; what is not yet delivered is not delivered."""
    timeline = read(REPORT)
    assert timeline.basal.end_s[-1] == timeline.glucose.time_s[-1] + 300


def test_one_dose_in_two_lists_counts_once():
    """Loop repeats its doses in several lists."""
    report = copy.deepcopy(REPORT)
    report["get_pump_event_values"] = report["get_normalized_dose_entries"]
    assert read(report).boluses.units.tolist() == [3.0]


def test_the_report_in_mmol():
    """Samples and factors in mmol/L are converted."""
    report = copy.deepcopy(REPORT)
    for sample in report["cached_glucose_samples"]:
        sample.update(quantity=5.5, quantity_units="mmol/L")
    report["insulin_sensitivity_factor_unit"] = "mmol/L"
    report["insulin_sensitivity_factor_schedule"] = [{"startTime": 0, "value": 2.5}]
    report["correction_range_schedule"] = [{"startTime": 0, "value": [5.0, 6.0]}]
    timeline = read(report)
    assert timeline.glucose.mg_dl[0] == pytest.approx(99.0857, abs=1e-3)
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([45.039], abs=1e-3)
    assert timeline.settings.target_mg_dl.value == pytest.approx([99.0857], abs=1e-3)
    report["cached_glucose_samples"][0]["quantity_units"] = "mg/dL"
    with pytest.raises(InputError, match="bring them to one unit"):
        read(report)


def test_unreadable_samples_and_doses_are_counted():
    """Each unusable item is named with its place."""
    report = copy.deepcopy(REPORT)
    word = {"quantity": "x", "startDate": "2026-01-01 01:01:00 +0000"}
    report["cached_glucose_samples"] += [word, {"quantity": 100}]
    report["cached_carb_entries"] += [{"quantity": 10.0, "quantity_units": "oz"}, "snack"]
    report["get_pump_event_values"] = [{"type": "LoopKit.DoseType.resume"},
                                       {"type": "LoopKit.DoseType.bolus", "value": "1"},
                                       {"type": "LoopKit.DoseType.basal"}]  # fmt: skip
    reasons = {item.reason: item.count for item in read(report).dropped}
    assert reasons == {
        "basal: no readable start and end": 1,
        "bolus: no readable time or amount": 1,
        "carbs: no readable time or amount in g": 1,
        "glucose: no readable time": 1,
        "glucose: not a number": 1,
        "row: a dose that is neither bolus nor basal": 1,
        "row: not a JSON object": 1,
    }


def test_a_report_without_samples_is_refused(tmp_path):
    """One line says what is missing and what to do."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**REPORT, "cached_glucose_samples": []}))
    with pytest.raises(InputError, match="holds no reading; issue the report again"):
        read_record(path)
