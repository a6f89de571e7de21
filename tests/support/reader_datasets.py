"""The day as published data sets, Apple Health and FHIR write it."""

from __future__ import annotations

import json

from reader_day import BOLUSES, GLUCOSE, MEALS, MIDNIGHT, RATE, stamp


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


GLUPREDKIT_HEADER = "date,id,CGM,insulin,carbs,is_test,hour,basal,bolus"
T1DSIM_HEADER = (
    "hour_of_day,cgm,sleep_efficiency,input_insulin,heart_rate_WRTbaseline,input_meal_carbs_ODEPop"
)
