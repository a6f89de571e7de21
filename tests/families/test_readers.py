"""One battery over every reader: the same person's day in each format, then the real samples."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import FORMATS, assess, read_record, record_text, write_record
from dosegym.records.clock import utc_text

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MIDNIGHT = 1767225600  # 2026-01-01T00:00:00Z
MINUTES = range(0, 1440, 5)
GLUCOSE = {minute: 90 + round(60 * np.sin(minute / 180) ** 2) for minute in MINUTES}
BOLUSES, MEALS = {480: 4.0, 780: 6.5, 1170: 5.0}, {480: 40.0, 780: 65.0, 1170: 50.0}
RATE = 0.9


def stamp(minute: int) -> str:
    """Return a local time as most formats write it."""
    return f"2026-01-{1 + minute // 1440:02d}T{minute // 60 % 24:02d}:{minute % 60:02d}:00"


class Format(NamedTuple):
    """How to write the day: rows of a factor on glucose, and rows into a file's text."""

    rows: Callable[[float], list[object]]
    text: Callable[[Sequence[object]], str]
    suffix: str
    joins: bool
    holds: frozenset[str] = frozenset({"bolus", "carbs"})
    basal_u: float = 24 * RATE
    molar: bool = False  # the format's own unit is mmol/L
    shuffles: bool = True  # rows carry their own time
    source: str = "sensor"


def nightscout_rows(factor):
    """Rows of all three collections, each marked by where it belongs."""
    entries = [
        ("entries", {"_id": f"e{minute}", "type": "sgv", "sgv": round(value / factor, 2),
                     "date": (MIDNIGHT + 60 * minute) * 1000})
        for minute, value in GLUCOSE.items()
    ]  # fmt: skip
    doses = [
        ("treatments", {"_id": f"t{at}", "eventType": "Meal Bolus", "created_at": f"{stamp(at)}Z",
                        "insulin": units, "carbs": MEALS[at]})
        for at, units in BOLUSES.items()
    ]  # fmt: skip
    order = {"_id": "b", "eventType": "Temp Basal", "created_at": f"{stamp(0)}Z",
             "duration": 1440, "absolute": RATE}  # fmt: skip
    program = {"basal": 0.5, "carbratio": 10, "sens": 40, "timezone": "UTC", "units": "mg/dl"}
    profile = {"store": {"A": program}, "startDate": "2025-01-01T00:00:00Z", "defaultProfile": "A"}
    return [*entries, *doses, ("treatments", order), ("profile", profile)]


def nightscout_text(rows):
    """One object with the three collections."""
    parts = {"entries": [], "treatments": [], "profile": []}
    for part, row in rows:
        parts[part].append(row)
    return json.dumps(parts)


CLARITY_HEADER = (
    "Index,Timestamp (YYYY-MM-DDThh:mm:ss),Event Type,Event Subtype,Patient Info,Device Info,"
    "Source Device ID,Glucose Value (mg/dL),Insulin Value (u),Carb Value (grams),"
    "Duration (hh:mm:ss),Glucose Rate of Change (mg/dL/min),Transmitter Time (Long Integer),"
    "Transmitter ID"
)


def clarity_rows(factor):
    """Rows of sensor readings, fast-acting insulin and carbohydrate."""
    readings = [
        f"1,{stamp(m)},EGV,,,,G6,{round(v / factor, 2):g},,,,,{4000000 + 60 * m},8ABC"
        for m, v in GLUCOSE.items()
    ]
    doses = [f"1,{stamp(m)},Insulin,Fast-Acting,,,G6,,{u},,,,," for m, u in BOLUSES.items()]
    meals = [f"1,{stamp(m)},Carbs,,,,G6,,,{g},,,," for m, g in MEALS.items()]
    return ["1,,FirstName,,Ada,,,,,,,,,", *readings, *doses, *meals]


def loop_rows(factor):
    """Items of the lists of a report, each marked by its list."""
    samples = [
        ("cached_glucose_samples", {"quantity": round(value / factor, 2),
                                    "quantity_units": "mg/dL", "startDate": f" {stamp(m)} +0000"})
        for m, value in GLUCOSE.items()
    ]  # fmt: skip
    meals = [
        ("cached_carb_entries", {"quantity": g, "quantity_units": "g",
                                 "startDate": f"{stamp(m)} +0000"})
        for m, g in MEALS.items()
    ]  # fmt: skip
    doses = [
        ("get_normalized_dose_entries", {"type": "LoopKit.DoseType.bolus", "value": f"{u}",
                                         "startDate": f"{stamp(m)} +0000"})
        for m, u in BOLUSES.items()
    ]  # fmt: skip
    order = {
        "type": "LoopKit.DoseType.tempBasal",
        "unit": "LoopKit.DoseUnit.unitsPerHour",
        "value": RATE,
        "startDate": f"{stamp(0)} +0000",
        "endDate": f"{stamp(1440)} +0000",
    }
    return [*samples, *meals, *doses, ("get_normalized_dose_entries", order)]


def loop_text(rows):
    """One report."""
    report = {"basal_rate_schedule": [{"startTime": 0.0, "value": 0.5}], "basal_rate_timeZone": 0,
              "cached_glucose_samples": []}  # fmt: skip
    for name, row in rows:
        report.setdefault(name, []).append(row)
    return json.dumps(report)


def replay_rows(factor):
    """Rows of rates per minute."""
    return [
        f"01-Jan-2026 {stamp(m)[11:]},{round(v / factor, 2)},{MEALS.get(m, 0) / 5},"
        f"{BOLUSES.get(m, 0) / 5},{RATE / 60!r},,"
        for m, v in GLUCOSE.items()
    ]


def plain_rows(factor):
    """Rows of the plain format, several values in one row."""
    return [
        f"{stamp(m)}Z,{round(v / factor, 2)},{BOLUSES.get(m, '')},{MEALS.get(m, '')},{RATE}"
        for m, v in GLUCOSE.items()
    ]


LIBREVIEW_HEADER = (
    "Device,Serial Number,Device Timestamp,Record Type,Historic Glucose mg/dL,"
    "Scan Glucose mg/dL,Non-numeric Rapid-Acting Insulin,Rapid-Acting Insulin (units),"
    "Non-numeric Food,Carbohydrates (grams),Carbohydrates (servings),"
    "Non-numeric Long-Acting Insulin,Long-Acting Insulin Value (units),Notes,"
    "Strip Glucose mg/dL,Ketone mmol/L,Meal Insulin (units),Correction Insulin (units),"
    "User Change Insulin (units)"
)
LIBREVIEW_TITLE = "Glucose Data,Generated on,01-01-2026 09:40 UTC,Generated by,Ada"


def libreview_rows(factor):
    """Rows of stored readings, insulin and food; the dates are the same in either order."""

    def row(minute, kind, cells):
        values = [cells.get(place, "") for place in range(4, 19)]
        when = f"01-01-2026 {stamp(minute)[11:16]}"
        return ",".join(["FreeStyle Libre 3", "7F35", when, str(kind), *map(str, values)])

    readings = [row(m, 0, {4: f"{round(v / factor, 2):g}"}) for m, v in GLUCOSE.items()]
    doses = [row(m, 4, {7: u}) for m, u in BOLUSES.items()]
    return [*readings, *doses, *(row(m, 5, {9: g}) for m, g in MEALS.items())]


CARELINK_COLUMNS = (
    "Index", "Date", "Time", "New Device Time", "BG Reading (mg/dL)", "Basal Rate (U/h)",
    "Bolus Type", "Bolus Volume Selected (U)", "Bolus Volume Delivered (U)",
    "Bolus Duration (h:mm:ss)", "Suspend", "BWZ Carb Input (grams)", "Sensor Glucose (mg/dL)",
    "ISIG Value", "Event Marker", "Bolus Source",
)  # fmt: skip


def carelink_rows(factor):
    """Rows of the pump's and the sensor's section, each marked by where it belongs."""

    def row(minute, **cells):
        day = f"2026/01/01;{stamp(minute)[11:]}"
        values = [str(cells.get(name, "")).replace(".", ",") for name in ("basal", "bolus")]
        carbs, sensor = cells.get("carbs", ""), str(cells.get("sensor", "")).replace(".", ",")
        kind = "Normal" if "bolus" in cells else ""
        return f"0,00000;{day};;;{values[0]};{kind};;{values[1]};;;{carbs};{sensor};;;"

    pump = [row(m, bolus=u) for m, u in BOLUSES.items()]
    pump += [row(m, carbs=g) for m, g in MEALS.items()] + [row(0, basal=RATE)]
    sensor = [row(m, sensor=round(v / factor, 2)) for m, v in GLUCOSE.items()]
    return [*(("sensor", item) for item in sensor), *(("pump", item) for item in pump)]


def carelink_text(rows):
    """One preamble and two sections, each below a header of its own."""
    text = ["Last Name;First Name;Patient ID;Device;MiniMed 780G", '"Lovelace";"Ada";"";;', ""]
    for part in ("pump", "sensor"):
        text += [f"-------;MiniMed 780G;{part.title()};NG1;------- ", ";".join(CARELINK_COLUMNS)]
        text += [row for name, row in rows if name == part]
    return "\n".join([*text, ""])


def tidepool_rows(factor):
    """List data of four types; the unit is written as mg/dL."""

    def datum(minute, kind, **fields):
        return {"type": kind, "time": f"{stamp(minute)}.000Z", "timezoneOffset": 0,
                "userId": "u1", **fields}  # fmt: skip

    readings = [
        datum(m, "cbg", value=round(v / factor, 2), units="mg/dL") for m, v in GLUCOSE.items()
    ]
    doses = [datum(m, "bolus", subType="normal", normal=u) for m, u in BOLUSES.items()]
    meals = [datum(m, "wizard", carbInput=g, bolus="id") for m, g in MEALS.items()]
    day = datum(0, "basal", deliveryType="automated", rate=RATE, duration=86400000)
    return [*readings, *doses, *meals, day]


def aim94_rows(factor):
    """Tab-separated rows of finger sticks and regular insulin."""

    def row(minute, code, value):
        return f"01-01-2026\t{stamp(minute)[11:16]}\t{code}\t{value}"

    sticks = [row(m, 48, f"{round(v / factor, 2):g}".zfill(3)) for m, v in GLUCOSE.items()]
    return [*sticks, *(row(m, 33, f"{u:g}") for m, u in BOLUSES.items())]


def iglu_rows(factor):
    """Rows of one person's glucose."""
    return [f"P7,{stamp(m)},{round(v / factor, 2)}" for m, v in GLUCOSE.items()]


def glupredkit_rows(factor):
    """Rows of five minutes."""
    return [
        f"{stamp(m)},P7,{round(v / factor, 2)},9,{MEALS.get(m, 0)},False,0,{RATE},"
        f"{BOLUSES.get(m, 0)}"
        for m, v in GLUCOSE.items()
    ]


def t1dsim_rows(factor):
    """Rows of five minutes without a date."""
    return [
        f"{m // 60},{round(v / factor, 2)},0.9,{12 * BOLUSES[m] if m in BOLUSES else RATE},-15,"
        f"{MEALS.get(m, 0)}"
        for m, v in GLUCOSE.items()
    ]


def d1namo_rows(factor):
    """Rows of the glucose and the insulin file, each marked by where it belongs."""
    readings = [
        ("glucose", f"2026-01-01,{stamp(m)[11:]},{v / 18.01559 * factor!r},cgm,")
        for m, v in GLUCOSE.items()
    ]
    doses = [("insulin", f"2026-01-01,{stamp(m)[11:]},{u},,") for m, u in BOLUSES.items()]
    return [*readings, *doses]


def d1namo_text(rows, part="glucose"):
    """One of the two files."""
    header = {
        "glucose": "date,time,glucose,type,comments",
        "insulin": "date,time,fast_insulin,slow_insulin,comment",
    }
    return "\n".join([header[part], *(row for where, row in rows if where == part), ""])


def apple_rows(factor):
    """Return records of sensor glucose, boluses, a day of basal and carbohydrate."""

    def record(kind, start, end, unit, value, told=()):
        inner = "".join(f'<MetadataEntry key="{key}" value="{text}"/>' for key, text in told)
        times = [f"{stamp(minute).replace('T', ' ')} +0000" for minute in (start, end)]
        return (
            f'<Record type="HKQuantityTypeIdentifier{kind}" sourceName="app" unit="{unit}" '
            f'startDate="{times[0]}" endDate="{times[1]}" value="{value}">{inner}</Record>'
        )

    reason = "HKInsulinDeliveryReason"
    readings = [
        record("BloodGlucose", m, m, "mg/dL", round(v / factor, 2)) for m, v in GLUCOSE.items()
    ]
    doses = [record("InsulinDelivery", m, m, "IU", u, [(reason, 2)]) for m, u in BOLUSES.items()]
    meals = [record("DietaryCarbohydrates", m, m, "g", g) for m, g in MEALS.items()]
    day = record("InsulinDelivery", 0, 1440, "IU", RATE * 24, [(reason, 1)])
    return [*readings, *doses, *meals, day]


def fhir_rows(factor):
    """Sensor readings of the CGM guide, insulin that was given, carbohydrate."""

    def observation(code, minute, value, unit):
        return {
            "resourceType": "Observation", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": "Patient/1"}, "effectiveDateTime": f"{stamp(minute)}Z",
            "valueQuantity": {"value": value, "unit": unit, "code": unit},
        }  # fmt: skip

    def given(dosage, **when):
        drug = {"text": "insulin aspart"}
        return {"resourceType": "MedicationAdministration", "status": "completed",
                "subject": {"reference": "Patient/1"}, "medicationCodeableConcept": drug,
                "dosage": dosage, **when}  # fmt: skip

    readings = [
        observation("99504-3", m, round(v / factor, 2), "mg/dL") for m, v in GLUCOSE.items()
    ]
    doses = [
        given({"dose": {"value": u, "code": "[IU]"}}, effectiveDateTime=f"{stamp(m)}Z")
        for m, u in BOLUSES.items()
    ]
    meals = [observation("9059-7", m, g, "g") for m, g in MEALS.items()]
    period = {"start": f"{stamp(0)}Z", "end": f"{stamp(1440)}Z"}
    pump = given({"rateQuantity": {"value": RATE, "unit": "U/h"}}, effectivePeriod=period)
    return [*readings, *doses, *meals, pump]


def apple_text(rows):
    """Return an export with the kind of document type that Apple writes."""
    doctype = "<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Record*)>\n]>"
    return "\n".join(['<?xml version="1.0"?>', doctype, "<HealthData>", *rows, "</HealthData>"])


def fhir_text(rows):
    """Return a bundle."""
    return json.dumps({"resourceType": "Bundle", "entry": [{"resource": row} for row in rows]})


def lines(*header):
    """Return a function that writes rows below a header."""
    return lambda rows: "\n".join([*header, *rows, ""])


PLAIN_HEADER = ("# subject: P1", "time,glucose_mg_dl,bolus_u,carbs_g,basal_u_per_h")
REPLAY_HEADER = "t,glucose,cho,bolus,basal,bolus_label,cho_label"
GLUPREDKIT_HEADER = "date,id,CGM,insulin,carbs,is_test,hour,basal,bolus"
T1DSIM_HEADER = (
    "hour_of_day,cgm,sleep_efficiency,input_insulin,heart_rate_WRTbaseline,input_meal_carbs_ODEPop"
)
BATTERY = {
    "nightscout": Format(nightscout_rows, nightscout_text, ".json", True),
    "clarity": Format(clarity_rows, lines(CLARITY_HEADER), ".csv", True, basal_u=0.0),
    "libreview": Format(
        libreview_rows, lines(LIBREVIEW_TITLE, LIBREVIEW_HEADER), ".csv", False, basal_u=0.0
    ),
    "carelink": Format(carelink_rows, carelink_text, ".csv", True),
    "tidepool": Format(tidepool_rows, json.dumps, ".json", True),
    "loop_report": Format(loop_rows, loop_text, ".json", False),
    "replay_bg": Format(replay_rows, lines(REPLAY_HEADER), ".csv", True),
    "plain_csv": Format(plain_rows, lines(*PLAIN_HEADER), ".csv", True),
    "aim94": Format(aim94_rows, lines(), ".txt", False, frozenset({"bolus"}), 0.0, source="finger"),
    "iglu": Format(iglu_rows, lines("id,time,gl"), ".csv", False, frozenset(), 0.0),
    "glupredkit": Format(glupredkit_rows, lines(GLUPREDKIT_HEADER), ".csv", False),
    "t1dsim": Format(
        t1dsim_rows, lines(T1DSIM_HEADER), ".csv", False, basal_u=RATE * 285 / 12, shuffles=False
    ),
    "d1namo": Format(d1namo_rows, d1namo_text, ".csv", False, frozenset({"bolus"}), 0.0, True),
    "apple_health": Format(apple_rows, apple_text, ".xml", False),
    "fhir_r4": Format(fhir_rows, fhir_text, ".json", False),
}


def oref0_case(folder):
    """Write two hours of an oref0 case as its four files and return their paths."""
    glucose = [
        {
            "date": (MIDNIGHT + 60 * m) * 1000,
            "sgv": GLUCOSE[m],
            "type": "sgv",
            "glucose": GLUCOSE[m],
        }
        for m in range(0, 120, 5)
    ]
    history = [
        {"timestamp": "2026-01-01T02:30:00+02:00", "_type": "Bolus", "amount": 2.5},
        {"timestamp": "2026-01-01T02:00:00+02:00", "_type": "TempBasalDuration",
         "duration (min)": 60},
        {"timestamp": "2026-01-01T02:00:00+02:00", "_type": "TempBasal", "temp": "absolute",
         "rate": 1.8},
    ]  # fmt: skip
    carbs = [{"carbs": 30, "created_at": "2026-01-01T00:25:00.000Z", "insulin": None}]
    profile = {
        "isfProfile": {"units": "mmol/L", "sensitivities": [{"offset": 0, "sensitivity": 2.5}]},
        "bg_targets": {"units": "mg/dL", "targets": [{"offset": 0, "low": 90, "high": 110}]},
        "carb_ratios": {"units": "grams", "schedule": [{"offset": 0, "ratio": 10}]},
        "basalprofile": [{"minutes": 0, "rate": 0.9}, {"minutes": 360, "rate": 1.2}],
        "dia": 6,
    }
    files = {"glucose": glucose, "pumphistory": history, "carbhistory": carbs, "profile": profile}
    for name, document in files.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return [folder / f"{name}.json" for name in files]


CASES = {"oref0": oref0_case}  # formats of several files, read as a folder
UNDATED = {"t1dsim"}
every_format = pytest.mark.parametrize("name", sorted(BATTERY))
in_a_folder = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def put(folder, name, rows, stem="export"):
    """Write rows as a file of a format and return its path."""
    path = folder / f"{stem}{BATTERY[name].suffix}"
    path.write_text(BATTERY[name].text(rows), encoding="utf-8")
    if name == "d1namo":
        path = folder / f"{stem}_glucose.csv"
        path.write_text(d1namo_text(rows))
        (folder / f"{stem}_insulin.csv").write_text(d1namo_text(rows, "insulin"))
    if name == "replay_bg":
        (folder / "patient_info.csv").write_text("patient,u2ss,bw\n1,0.2,80\n")
    return path


def content(timeline):
    """Return all data of a record as text, without the name that the file's hash gives it."""
    return record_text(replace(timeline, subject="P1"))


def test_the_battery_knows_every_format():
    """A reader added without a battery fails here."""
    assert set(BATTERY) | set(CASES) == set(FORMATS)


def test_an_oref0_case_reads_as_its_folder(tmp_path):
    """The pump's order overlays the profile, the sensitivity becomes mg/dL, all rows are told."""
    oref0_case(tmp_path)
    timeline = read_record(tmp_path)
    assert (timeline.source_format, timeline.timezone) == ("oref0", "UTC+02:00")
    assert (len(timeline.glucose), timeline.rows.total) == (24, 24 + 3 + 1 + 1)
    assert timeline.boluses.time_s.tolist() == [MIDNIGHT + 1800.0]
    assert timeline.meals.carbs_g.tolist() == [30.0]
    assert timeline.basal.u_per_h.tolist() == [1.8, 0.9]
    assert timeline.basal.assumed.tolist() == [False, True]
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([2.5 * 18.01559])
    assert timeline.settings.target_mg_dl.value.tolist() == [100.0]


@every_format
def test_one_day_reads_alike_from_every_format(tmp_path, name):
    """Glucose, boluses, meals and delivered basal come out as they went in."""
    timeline = read_record(put(tmp_path, name, BATTERY[name].rows(1.0)))
    assert timeline.source_format == name
    assert timeline.timezone == "UTC"
    assert timeline.span_days == 1.0
    form = BATTERY[name]
    assert timeline.glucose_source == form.source
    midnight = 946684800 if name in UNDATED else MIDNIGHT
    doses, meals = (
        (BOLUSES if "bolus" in form.holds else {}),
        (MEALS if "carbs" in form.holds else {}),
    )
    np.testing.assert_array_equal(timeline.glucose.time_s, midnight + 60.0 * np.array(MINUTES))
    np.testing.assert_allclose(timeline.glucose.mg_dl, list(GLUCOSE.values()), rtol=1e-12)
    np.testing.assert_allclose(timeline.boluses.units, list(doses.values()))
    np.testing.assert_allclose(timeline.meals.carbs_g, list(meals.values()))
    assert (timeline.boluses.time_s - midnight).tolist() == [60.0 * at for at in doses]
    grid = timeline.on_grid(midnight, 288, 5.0)
    basal_u = form.basal_u
    assert grid.insulin_u_per_min.sum() * 5 == pytest.approx(
        sum(doses.values()) + basal_u, rel=1e-9
    )
    assert grid.basal_known.all() == (basal_u > 0)
    assert not grid.basal_assumed.any()
    missing = [what for what, has in (("sensor", form.source == "sensor"), ("insulin", doses),
                                      ("carbohydrates", meals)) if not has]  # fmt: skip
    reasons = [reason.split(":")[0] for reason in assess(timeline).reasons_insufficient]
    assert reasons == missing


@pytest.mark.parametrize("name", [name for name in sorted(BATTERY) if BATTERY[name].shuffles])
@in_a_folder
@given(seed=st.integers(0, 2**32))
def test_the_order_and_number_of_rows_never_matter(tmp_path, name, seed):
    """Rows shuffled, some of them twice, give the same record; what was doubled is counted."""
    rows, random_ = BATTERY[name].rows(1.0), random.Random(seed)
    expected = read_record(put(tmp_path, name, rows))
    again = [*rows, *random_.sample(rows, 60)]
    random_.shuffle(again)
    timeline = read_record(put(tmp_path, name, again))
    assert content(timeline) == content(expected)
    assert sum(item.count for item in timeline.dropped) >= sum(
        item.count for item in expected.dropped
    )


@pytest.mark.parametrize("name", [name for name in sorted(BATTERY) if BATTERY[name].joins])
@in_a_folder
@given(first=st.integers(100, 280), second=st.integers(5, 99))
def test_overlapping_exports_are_one_record(tmp_path_factory, name, first, second):
    """Two exports that overlap give, in one folder, the record of the whole."""
    whole, parts = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("parts")
    rows = BATTERY[name].rows(1.0)
    fixed = [row for row in rows if isinstance(row, str) and ",FirstName," in row]
    fixed += [row for row in rows if isinstance(row, tuple) and row[0] == "profile"]
    expected = read_record(put(whole, name, rows))
    put(parts, name, [*fixed, *(row for row in rows[:first] if row not in fixed)], "export_1")
    put(parts, name, [*fixed, *(row for row in rows[second:] if row not in fixed)], "export_2")
    assert content(read_record(parts)) == content(expected)


@every_format
def test_every_value_is_kept_or_dropped_by_name(tmp_path, name):
    """Of each kind: seen = kept + dropped, and the columns hold what was kept."""
    rows = BATTERY[name].rows(1.0)
    twice = rows[3:60] if BATTERY[name].shuffles else []
    assert_accounts(read_record(put(tmp_path, name, [*rows, *twice])))


def assert_accounts(timeline):
    """Check the account of every kind against the losses and the columns."""
    lost: dict[str, int] = {}
    for item in timeline.dropped:
        assert item.count > 0
        assert item.example
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
    kept = {item.kind: item.kept for item in timeline.accounts}
    for item in timeline.accounts:
        assert item.seen == item.kept + lost.get(item.kind, 0)
        assert item.kept >= 0
    assert kept["glucose"] == len(timeline.glucose)
    assert kept.get("bolus", 0) == len(timeline.boluses)
    assert kept.get("carbs", 0) == len(timeline.meals)
    assert kept.get("long-acting insulin", 0) == len(timeline.long_acting)


@every_format
def test_mmol_declared_as_mg_dl_is_refused_and_mended_by_the_unit(tmp_path, name):
    """The line names value and mend; following it gives the same day."""
    if BATTERY[name].molar:
        pytest.skip("the format's own unit is mmol/L")
    path = put(tmp_path, name, BATTERY[name].rows(18.01559))
    with pytest.raises(InputError, match=r"glucose: the median .* unit='mmol/L'") as refused:
        read_record(path)
    assert "\n" not in str(refused.value)
    mended = read_record(path, unit="mmol/L")
    np.testing.assert_allclose(mended.glucose.mg_dl, list(GLUCOSE.values()), atol=0.1)


@every_format
def test_mg_dl_asked_for_as_mmol_is_refused(tmp_path, name):
    """The other way round as well."""
    molar = BATTERY[name].molar
    path = put(tmp_path, name, BATTERY[name].rows(18.01559 if molar else 1.0))
    with pytest.raises(InputError, match=r"declared as mmol/L is above 30"):
        read_record(path, unit=None if molar else "mmol/L")


def record_or_none(path):
    """Read a record, or return None where it is refused."""
    try:
        return read_record(path)
    except InputError:
        return None


@every_format
def test_a_file_cut_anywhere_is_refused_or_shorter_with_the_cut_row_counted(tmp_path, name):
    """A truncated file never gives a value that the whole file does not have."""
    path = put(tmp_path, name, BATTERY[name].rows(1.0))
    text = path.read_text()
    whole = set(read_record(path).glucose.mg_dl.tolist())
    for length in np.linspace(1, len(text) - 2, 23).astype(int).tolist():
        path.write_text(text[:length])
        part = record_or_none(path)
        if part is not None:
            assert path.suffix in {".csv", ".txt"}
            assert set(part.glucose.mg_dl.tolist()) <= whole
            noted = any("line break" in note for note in part.notes)
            assert noted != text[:length].endswith("\n")


@every_format
def test_three_hours_read_and_are_judged_too_short(tmp_path, name):
    """Reading does not judge; the judgement says how long the record is."""
    rows = BATTERY[name].rows(1.0)
    kept = [row for row in rows if isinstance(row, tuple) and row[0] == "profile"]
    timeline = read_record(put(tmp_path, name, [*kept, *rows[:37]]))
    assert any(reason.startswith("length: 3") for reason in assess(timeline).reasons_insufficient)


@every_format
def test_the_plain_copy_of_any_format_is_the_same_record(tmp_path, name):
    """Writing as plain CSV and reading back changes nothing."""
    timeline = read_record(put(tmp_path, name, BATTERY[name].rows(1.0)))
    write_record(timeline, tmp_path / "copy.csv")
    assert record_text(read_record(tmp_path / "copy.csv")) == record_text(timeline)


@every_format
def test_another_format_by_force_is_refused(tmp_path, name):
    """A format asked for that is not the content's is named with the content's."""
    path = put(tmp_path, name, BATTERY[name].rows(1.0))
    other = next(item for item in FORMATS if item != name)
    with pytest.raises(InputError, match=f"format: {other} was asked for but .* is {name}"):
        read_record(path, format=other)
    assert read_record(path, format=name).source_format == name


SAMPLES = {  # file: readings, boluses, meals, injections of long-acting insulin, days
    "cgm_format/nightscout_entries.json": (996, 173, 9, 0, 5.42),
    "cgm_format/Clarity_Export_synthetic.csv": (3922, 33, 0, 14, 13.75),
    "cgm_format/FreeStyle_Libre_3_synthetic.csv": (4305, 0, 0, 0, 14.95),
    "pyloopkit/example_issue_report_1.json": (267, 1, 1, 0, 0.96),
    "pyloopkit/example_issue_report_2.json": (232, 1, 1, 0, 0.84),
    "py_replay_bg/data_day_1.csv": (233, 4, 3, 0, 0.81),
    "py_replay_bg/data_day_2.csv": (288, 6, 4, 0, 1.0),
    "py_replay_bg/data_day_1_extended.csv": (521, 10, 7, 0, 1.81),
    "py_replay_bg": (521, 10, 7, 0, 1.81),
}
INSUFFICIENT = {
    "cgm_format/Clarity_Export_synthetic.csv": ["carbohydrates"],
    "cgm_format/FreeStyle_Libre_3_synthetic.csv": ["insulin", "carbohydrates"],
    "pyloopkit/example_issue_report_1.json": ["length", "insulin"],
    "pyloopkit/example_issue_report_2.json": ["length", "insulin"],
    "py_replay_bg/data_day_1.csv": ["length"],
}


def sample(name):
    """Return the path of a real sample, or skip."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the sample {name} is not beside this checkout (../shared/data)")
    return path


@pytest.mark.shared_data
@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_real_files(name, tmp_path):
    """Every real sample reads to the counts that a look into the file gives, all accounted for."""
    timeline = read_record(sample(name))
    counts = tuple(
        len(column)
        for column in (timeline.glucose, timeline.boluses, timeline.meals, timeline.long_acting)
    )
    assert (*counts, round(timeline.span_days, 2)) == SAMPLES[name]
    assert_accounts(timeline)
    reasons = [reason.split(":")[0] for reason in assess(timeline).reasons_insufficient]
    assert reasons == INSUFFICIENT.get(name, [])
    write_record(timeline, tmp_path / "copy.csv")
    assert content(read_record(tmp_path / "copy.csv")) == content(timeline)


@pytest.mark.shared_data
def test_real_nightscout_in_detail():
    """Profile in mmol/L, its zone, the delivery log and the error codes of the sample."""
    timeline = read_record(sample("cgm_format/nightscout_entries.json"))
    assert timeline.timezone == "Europe/Moscow"
    assert timeline.settings.correction_mg_dl_per_u.value == pytest.approx([8 * 18.01559])
    assert timeline.settings.basal_u_per_h.at([0, 200, 400, 600, 1000]).tolist() == [
        1.0, 1.3, 1.5, 1.2, 1.0,
    ]  # fmt: skip
    assert (timeline.glucose.censored == -1).sum() == 2
    logged = timeline.basal.start_s[~timeline.basal.assumed]
    assert utc_text(logged[0]) <= "2026-04-02T15:21:29Z"
    assert timeline.basal.u_per_h.max() == 4.0
    lost = {item.reason: item.count for item in timeline.dropped}
    assert lost["glucose: sensor state, not glucose (below 39)"] == 4
    assert lost["treatment: no dose, carbohydrate or basal order (sensor start)"] == 462


@pytest.mark.shared_data
def test_real_clarity_in_detail():
    """The mojibake header reads; Low is censored; the preamble's name stays out."""
    timeline = read_record(sample("cgm_format/Clarity_Export_synthetic.csv"))
    assert (timeline.glucose.censored == -1).sum() == 5
    assert timeline.boluses.units.sum() == pytest.approx(128.5)
    for secret in ("Gagarin", "HBRPOI", "android"):
        assert secret not in repr(timeline)


@pytest.mark.shared_data
def test_real_libreview_in_detail():
    """Each of the 316 scans lies within 5 minutes of a stored reading; name and serial stay out."""
    timeline = read_record(sample("cgm_format/FreeStyle_Libre_3_synthetic.csv"))
    lost = {item.reason: item.count for item in timeline.dropped}
    assert lost["glucose: scan within 5 min of a stored reading"] == 316
    assert lost["row: no glucose, insulin or carbohydrate (type 6)"] == 936
    assert utc_text(timeline.glucose.time_s[0]) == "1961-04-12T22:30:00Z"
    for secret in ("Gagarin", "7F354325", "FreeStyle"):
        assert secret not in repr(timeline)


@pytest.mark.shared_data
def test_real_loop_in_detail():
    """Schedules run on the phone's offset; the logged half hour is told from the assumed day."""
    timeline = read_record(sample("pyloopkit/example_issue_report_1.json"))
    assert timeline.timezone == "UTC-07:00"
    assert timeline.settings.insulin_duration_h == 6.0
    assert timeline.settings.target_mg_dl.value.tolist() == [92.5]
    assert timeline.boluses.units.tolist() == [3.0]
    assert timeline.basal.u_per_h[-1] == 0.0
    assert timeline.basal.assumed.tolist() == [*[True] * (len(timeline.basal) - 2), False, False]


@pytest.mark.shared_data
def test_real_replay_in_detail():
    """A basal of 0.025 U/min is 1.5 U/h, 27 g/min over five minutes are 135 g; 100 kg."""
    timeline = read_record(sample("py_replay_bg/data_day_1.csv"))
    assert timeline.meals.carbs_g[0] == pytest.approx(135.0)
    assert timeline.boluses.units.sum() == pytest.approx(45.6)
    assert 1.5 in np.round(timeline.basal.u_per_h, 9)
    assert timeline.settings.weight_kg == 100.0


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("cgm_format", "holds clarity and d1namo and libreview and nightscout files"),
        ("pyloopkit", "nothing says that they are one person's"),
        ("py_replay_bg/patient_info.csv", "holds no glucose"),
        ("fhir_examples/uscore_patient-example.json", "FHIR"),
        ("cgm_format/d1namo_insulin_001.csv", "D1NAMO's insulin; give the table of glucose"),
        ("iglu/example_data_hall.csv", "holds 19 people; pass person=, one of 1636-69-001"),
        ("iglu/example_meals_hall.csv", "the meals of iglu's people"),
        ("oref0/pumphistory.json", "there is no glucose; give the folder"),
        ("fhir_examples/uscore_patient-example.json", "are no sensor record"),
    ],
)
def test_real_files_of_other_kinds_are_refused(name, says):
    """What is not read is refused by what it is."""
    with pytest.raises(InputError, match=says):
        read_record(sample(name))
