"""Tidepool JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record
from dosegym.records.clock import utc_text

HOUR_MS = 3_600_000


def datum(time, kind, **fields):
    """Return one datum of 13 January 2026 UTC."""
    return {"type": kind, "time": f"2026-01-13T{time}:00.000Z", "deviceId": "PUMP-7", **fields}


def readings(value=6.5, n=288, **fields):
    """Return a day of readings in mmol/L."""
    return [
        datum(f"{k // 12:02d}:{k % 12 * 5:02d}", "cbg", value=value, units="mmol/L", **fields)
        for k in range(n)
    ]


def read(tmp_path, rows, **options):
    """Write data as a file and read it."""
    path = tmp_path / "TidepoolExport.json"
    path.write_text(json.dumps(rows))
    return read_record(path, **options)


def lost(timeline):
    """Return the losses by reason."""
    return {item.reason: item.count for item in timeline.dropped}


def test_stored_millimoles_are_converted_and_the_named_zone_is_taken(tmp_path):
    """Values are mmol/L also where the unit is left out; the zone named most often counts."""
    upload = datum("00:00", "upload", timezone="Europe/Rome", timezoneOffset=60)
    rows = [{key: row[key] for key in row if key != "units"} for row in readings()]
    timeline = read(tmp_path, [*rows, upload])
    assert timeline.source_format == "tidepool"
    np.testing.assert_allclose(timeline.glucose.mg_dl, 6.5 * 18.01559)
    assert timeline.timezone == "Europe/Rome"
    assert read(tmp_path, rows, timezone="Asia/Tokyo").timezone == "Asia/Tokyo"
    assert any("Pass timezone=" in note for note in read(tmp_path, rows).notes)
    offset = [row | {"timezoneOffset": -420} for row in rows]
    assert read(tmp_path, offset).timezone == "UTC-07:00"


@pytest.mark.parametrize("as_text", [False, True])
def test_readings_out_of_range_are_told_by_their_annotation(tmp_path, as_text):
    """An export may hold the annotations as JSON text; both ways read."""
    notes = [
        [{"code": "bg/out-of-range", "value": word, "threshold": 40}] for word in ("low", "high")
    ]
    rows = readings()
    for row, note in zip(rows, notes, strict=False):
        row["annotations"] = json.dumps(note) if as_text else note
    rows[2]["annotations"] = "{broken"
    timeline = read(tmp_path, rows)
    assert timeline.glucose.censored[:3].tolist() == [-1, 1, 0]


def test_boluses_at_once_extended_and_both(tmp_path):
    """The delivered parts count, not the programmed ones; an extended part flows over its time."""
    rows = [
        datum("06:00", "bolus", subType="normal", normal=2.0, expectedNormal=5.0),
        datum("08:00", "bolus", subType="square", extended=3.0, duration=2 * HOUR_MS),
        datum("12:00", "bolus", subType="dual/square", normal=1.0, extended=2.0, duration=HOUR_MS),
        datum("14:00", "bolus", subType="square", extended=0.5, duration=0),
        datum("15:00", "bolus", subType="automated", normal=0.25),
        datum("16:00", "bolus", subType="normal"),
        datum("17:00", "bolus", subType="square", extended=1.0, duration=1e300),
    ]
    timeline = read(tmp_path, [*readings(), *rows])
    assert timeline.boluses.units.tolist() == [2.0, 1.0, 0.5, 0.25]
    start = timeline.glucose.time_s[0]
    grid = timeline.on_grid(start, 288, 5.0)
    assert grid.insulin_u_per_min.sum() * 5 == pytest.approx(3.75 + 5.0)
    assert lost(timeline) == {
        "bolus: no amount delivered": 1,
        "extended bolus: longer than 5 days": 1,
    }


def test_basal_of_each_kind_is_what_was_delivered(tmp_path):
    """Scheduled, temporary by rate and by share, automated and suspended spans join up."""
    rows = [
        datum("00:00", "basal", deliveryType="scheduled", rate=1.0, duration=6 * HOUR_MS),
        datum("06:00", "basal", deliveryType="temp", rate=0.5, duration=6 * HOUR_MS),
        datum("12:00", "basal", deliveryType="temp", percent=0.25, duration=4 * HOUR_MS,
              suppressed={"type": "basal", "rate": 2.0}),
        datum("16:00", "basal", deliveryType="suspend", duration=2 * HOUR_MS),
        datum("18:00", "basal", deliveryType="automated", rate=1.5, duration=6 * HOUR_MS),
        datum("23:00", "basal", deliveryType="automated", rate=1.5, duration=0),
        datum("23:00", "basal", deliveryType="temp", duration=HOUR_MS),
    ]  # fmt: skip
    timeline = read(tmp_path, [*readings(), *rows])
    assert timeline.basal.u_per_h.tolist() == [1.0, 0.5, 0.0, 1.5]
    assert not timeline.basal.assumed.any()
    assert np.sum((timeline.basal.end_s - timeline.basal.start_s) / 3600) == 24
    assert lost(timeline) == {"basal: no duration, or one above 5 days": 1, "basal: no rate": 1}


def test_meals_of_the_calculator_and_of_food_entries(tmp_path):
    """Grams are read from both; exchanges are named, a calculator without food is no meal."""
    food = {"carbohydrate": {"net": 20, "units": "grams"}}
    rows = [
        datum("08:00", "wizard", carbInput=45, bolus="id"),
        datum("10:00", "food", nutrition=food),
        datum("11:00", "food", nutrition=json.dumps(food)),
        datum("12:00", "wizard", carbInput=3, carbUnits="exchanges"),
        datum("13:00", "wizard", carbInput=0),
        datum("14:00", "food", nutrition={"protein": 3}),
    ]
    timeline = read(tmp_path, [*readings(), *rows])
    assert timeline.meals.carbs_g.tolist() == [45.0, 20.0, 20.0]
    assert lost(timeline) == {
        "carbs: in exchanges, whose grams the file does not say": 1,
        "carbs: no amount": 1,
        "row: bolus calculator without carbohydrate": 1,
    }


def test_injections_by_how_the_insulin_acts(tmp_path):
    """Rapid and short are boluses, long is long-acting; intermediate and untold are named."""
    rows = [
        datum(f"{8 + k:02d}:00", "insulin", dose={"total": 4 + k, "units": "Units"},
              formulation={"simple": {"actingType": kind}})
        for k, kind in enumerate(["rapid", "short", "long", "intermediate"])
    ]  # fmt: skip
    rows.append(datum("20:00", "insulin", dose={"total": 9}))
    timeline = read(tmp_path, [*readings(), *rows])
    assert timeline.boluses.units.tolist() == [4.0, 5.0]
    assert timeline.long_acting.units.tolist() == [6.0]
    assert lost(timeline) == {"insulin: neither fast- nor long-acting": 2}


SETTINGS = {
    "activeSchedule": "Weekday",
    "units": {"carb": "grams", "bg": "mmol/L"},
    "basalSchedules": {
        "Weekday": [{"start": 0, "rate": 0.8}, {"start": 6 * HOUR_MS, "rate": 1.1}],
        "Sick": [{"start": 0, "rate": 3}],
    },
    "carbRatios": {"Weekday": [{"start": 0, "amount": 12}]},
    "insulinSensitivities": {"Weekday": [{"start": 0, "amount": 2.5}]},
    "bgTargets": {"Weekday": [{"start": 0, "low": 5.0, "high": 7.0}]},
}
OLD_SETTINGS = {
    "activeSchedule": "Weekday",
    "units": {"carb": "grams", "bg": "mmol/L"},
    "basalSchedules": SETTINGS["basalSchedules"],
    "carbRatio": [{"start": 0, "amount": 12}],
    "insulinSensitivity": [{"start": 0, "amount": 2.5}],
    "bgTarget": [{"start": 0, "target": 6.0}],
}


@pytest.mark.parametrize("settings", [SETTINGS, OLD_SETTINGS])
def test_pump_settings_of_both_layouts_fill_what_no_log_covers(tmp_path, settings):
    """The active schedule counts, in mmol/L; its rates stand in as assumed on the local clock."""
    rows = [*readings(timezoneOffset=60), datum("00:00", "pumpSettings", **settings)]
    timeline = read(tmp_path, rows)
    assert timeline.settings.basal_u_per_h.at([0, 359, 360]).tolist() == [0.8, 0.8, 1.1]
    assert timeline.settings.carb_ratio_g_per_u.value.tolist() == [12.0]
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([2.5 * 18.01559])
    assert timeline.settings.target_mg_dl.value == pytest.approx([6.0 * 18.01559])
    assert timeline.basal.assumed.all()
    assert utc_text(timeline.basal.start_s[1]) == "2026-01-13T05:00:00Z"


def test_settings_with_a_broken_step_or_in_exchanges_are_left_out(tmp_path):
    """A schedule is used whole or not at all."""
    broken = SETTINGS | {"basalSchedules": {"Weekday": [{"start": 0, "rate": 1}, {"rate": 2}]}}
    exchanges = broken | {"units": {"carb": "exchanges", "bg": "mg/dL"}}
    timeline = read(tmp_path, [*readings(), datum("00:00", "pumpSettings", **exchanges)])
    assert timeline.settings.basal_u_per_h is None
    assert timeline.settings.carb_ratio_g_per_u is None
    assert timeline.settings.correction_mg_dl_per_u is None
    assert timeline.basal is None


def test_deleted_and_foreign_rows_are_named(tmp_path):
    """What Tidepool deleted does not count; nothing that is not read disappears unnamed."""
    rows = [
        datum("06:00", "bolus", normal=9.0, deletedTime="2026-01-14T00:00:00Z"),
        datum("07:00", "bolus", normal=9.0, archivedTime="2026-01-14T00:00:00Z"),
        datum("08:00", "bolus", normal=9.0, _active=False),
        datum("09:00", "smbg", value=5.0, units="mmol/L"),
        datum("10:00", "deviceEvent"),
        datum("10:00", "physicalActivity", name="secret walk"),
        {"type": "bolus", "normal": 1.0, "time": "soon"},
        {"type": ["cbg"], "time": 5},
        "text",
    ]
    timeline = read(tmp_path, [*readings(), *rows])
    assert len(timeline.boluses) == 0
    assert lost(timeline) == {
        "glucose: finger stick, not a sensor reading": 1,
        "row: deleted or replaced in Tidepool": 3,
        "row: no glucose, insulin or carbohydrate (deviceEvent)": 1,
        "row: no glucose, insulin or carbohydrate (other)": 2,
        "row: no readable time (bolus)": 1,
        "row: not a JSON object": 1,
    }
    for secret in ("secret", "PUMP-7"):
        assert secret not in repr(timeline)


def test_two_units_two_accounts_and_unknown_units_are_refused(tmp_path):
    """Each is told in one line."""
    two_units = [*readings(n=5), *(row | {"units": "mg/dL"} for row in readings(100))]
    two_people = [readings(userId="a")[0], readings(userId="b")[1]]
    foreign = readings(units_="x")
    foreign[0]["units"] = "g/L"
    for rows, says in (
        (two_units, "in mg/dL and in mmol/L"),
        (two_people, "data of two accounts"),
        (foreign, "'g/L' is not a glucose unit"),
    ):
        with pytest.raises(InputError, match=says):
            read(tmp_path, rows)


def test_files_of_a_folder_are_joined_only_where_each_names_its_account(tmp_path):
    """One account's files join; without accounts, or with two, they are refused."""
    for names, says in (
        (("a", "a"), ""),
        (("a", "b"), "different persons"),
        (("", ""), "whose it"),
    ):
        for place, name in enumerate(names):
            rows = [row | ({"userId": name} if name else {}) for row in readings()]
            (tmp_path / f"{place}.json").write_text(
                json.dumps(rows[place * 100 : place * 100 + 150])
            )
        if says:
            with pytest.raises(InputError, match=says):
                read_record(tmp_path)
        else:
            assert len(read_record(tmp_path).glucose) == 250
