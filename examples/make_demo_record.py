"""Make the bundled demonstration record: two weeks of one simulated adult in Nightscout's format.

Nobody's data are in it. A virtual adult whose body differs from every named patient (and changes
with the hour) lives with a pump whose settings fit only roughly, miscounts carbohydrates, forgets
a bolus, is late with others, goes for runs, changes a sensor; the sensor drifts and is noisy.

    python examples/make_demo_record.py records/data/demo_nightscout.json
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from dosegym.physiology import load_model, load_population, simulate

SEED = 20260302
ZONE = ZoneInfo("Europe/Rome")
START = datetime(2026, 3, 2, tzinfo=ZONE).astimezone(UTC)  # no clock change within two weeks
WARM_UP_DAYS, DAYS, STEP_MIN = 1, 14, 5

# What the pump is programmed to: too much at night, too little by day for the body below.
BASAL: list[tuple[float, float]] = [(0, 2.4), (4, 1.2), (12, 1.2), (19, 2.2)]  # (hour, U/h)
CARB_RATIO, CORRECTION, TARGET = 15.0, 30.0, 110.0  # g/U, mg/dL per U, mg/dL
DURATION_H = 5.0

# The person: adult#003 moved in the parameters that a twin will have to find, basal state kept.
CHANGED = {"Vmx": 0.82, "kp3": 1.1, "kabs": 0.8, "kmax": 0.85, "kd": 1.15, "p2u": 0.9, "ki": 1.1}

model = load_model("uva_padova_2008")
person = load_population("uva_padova_30")["adult#003"].params[0].copy()
column = model.parameter_index
for name, factor in CHANGED.items():
    if name == "kp3":  # production at the basal state must not move with the liver's sensitivity
        person[column["kp1"]] += (factor - 1) * person[column["kp3"]] * person[column["Ib"]]
    person[column[name]] *= factor

body_rng, life_rng, sensor_rng = np.random.default_rng(SEED).spawn(3)
total = (WARM_UP_DAYS + DAYS) * 1440 // STEP_MIN
minutes = np.arange(total) * STEP_MIN - WARM_UP_DAYS * 1440


def body_at(minute: float, run_effect: float) -> np.ndarray:
    """Parameters of the hour: least sensitive at breakfast, most in the evening, dawn at six."""
    hour = minute / 60 % 24
    now: np.ndarray = person.copy()
    now[column["Vmx"]] *= (1 - 0.15 * np.cos(2 * np.pi * (hour - 7) / 24)) * (1 + run_effect)
    now[column["kp1"]] += 0.4 * np.exp(-(((hour - 6) / 2) ** 2))
    return now


def scheduled(minute: float) -> float:
    """Basal rate of the hour, U/h."""
    hour = minute / 60 % 24
    return next(rate for start, rate in reversed(BASAL) if hour >= start)


# A fortnight of meals: (minute, grams eaten, grams counted, minutes by which the bolus is late).
meals = []
for day in range(-WARM_UP_DAYS, DAYS):
    plan = [(7.5, 60, 14, 1.0), (12.9, 85, 22, 1.0), (19.6, 90, 24, 1.0), (16.3, 25, 8, 0.7)]
    for hour, mean, spread, chance in plan:
        if life_rng.random() > chance:
            continue
        when = day * 1440 + round((hour * 60 + life_rng.normal(0, 25)) / STEP_MIN) * STEP_MIN
        eaten = float(np.clip(life_rng.normal(mean, spread), 8, 140))
        counted = 5 * max(1, round(eaten * life_rng.lognormal(0, 0.2) / 5))
        late = int(life_rng.choice([-15, -10, 0, 10, 25], p=[0.2, 0.25, 0.35, 0.12, 0.08]))
        meals.append((when, eaten, counted, late))
forgotten = sorted(meals)[23][0]

# Temporary basal rates: (minute, minutes long, Nightscout's fields); runs raise sensitivity after.
day_min = 1440
temps: list[tuple[int, int, dict[str, float]]] = [
    (2 * day_min + 17 * 60 + 30, 60, {"percent": -60}),
    (5 * day_min + 18 * 60, 75, {"percent": -60}),
    (7 * day_min + 22 * 60 + 10, 120, {"percent": 25}),
    (9 * day_min + 17 * 60 + 45, 60, {"percent": -60}),
    (11 * day_min + 3 * 60 + 20, 30, {"absolute": 0, "rate": 0}),
    (12 * day_min + 15 * 60, 90, {"absolute": 0.8, "rate": 0.8}),
]
runs = [start + 20 for start, _, fields in temps if fields.get("percent") == -60]


def delivered(minute: float) -> float:
    """Basal rate that flows, U/h: the schedule unless a temporary rate runs."""
    for start, length, fields in temps:
        if start <= minute < start + length:
            rate = fields.get("absolute")
            return scheduled(minute) * (1 + fields["percent"] / 100) if rate is None else rate
    return scheduled(minute)


treatments: list[dict[str, Any]] = []
glucose = np.zeros(total)
boluses: list[tuple[float, float]] = []
plate = 0.0
last_correction = last_rescue = -(10**9)
state = model.initial(person)[0]
basal_equilibrium = model.basal_inputs(person)[0][model.input_index["insulin"]] * 60
mood = 0.0


def log(minute: float, kind: str, **fields: object) -> None:
    """Write one treatment where the record has begun."""
    if minute >= 0:
        time = START + timedelta(minutes=float(minute))
        stamp = time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        row = {"_id": f"t{len(treatments):05d}", "eventType": kind, "created_at": stamp}
        treatments.append({**row, "enteredBy": "demo", "utcOffset": 0, **fields})


for step, minute in enumerate(minutes.tolist()):
    output = model.output(state, [0, 0], person)[0]
    glucose[step] = output[model.output_index["interstitial_glucose"]]
    mood = 0.997 * mood + body_rng.normal(0, 0.009)  # days differ: sensitivity wanders by 12 %
    bolus = 0.0
    on_board = sum(u * max(0.0, 1 - (minute - t) / (DURATION_H * 60)) for t, u in boluses)
    seen = glucose[step]
    for when, eaten, counted, late in meals:
        if minute == when:
            plate += eaten
        if minute == when + late:
            above = max(0.0, (seen - TARGET) / CORRECTION - on_board) if seen > 150 else 0.0
            units = round((counted / CARB_RATIO + above) / 0.05) * 0.05
            if when == forgotten:
                log(minute, "Carb Correction", carbs=counted, insulin=None)
            else:
                bolus += units
                log(minute, "Meal Bolus", carbs=counted, insulin=round(units, 2), notes="")
    awake = 7 <= minute / 60 % 24 < 23
    if seen > 230 and awake and minute - last_correction > 180 and on_board < 1.5:
        units = round(max(0.0, (seen - TARGET) / CORRECTION - on_board) / 0.05) * 0.05
        bolus, last_correction = bolus + units, minute
        log(minute, "Correction Bolus", insulin=round(units, 2), carbs=None)
    if seen < 66 and minute - last_rescue > 25:
        plate, last_rescue = plate + 15, minute
        if life_rng.random() < 0.85:
            log(minute, "Carb Correction", carbs=15, insulin=None)
    if bolus > 0:
        boluses.append((minute, bolus))
    eating = np.clip(plate - 5.0 * np.arange(STEP_MIN), 0, 5.0)
    plate -= eating.sum()
    insulin = np.full(STEP_MIN, delivered(minute) / 60)
    insulin[0] += bolus
    effect = mood + sum(0.9 * np.exp(-(minute - run) / 240) for run in runs if minute >= run)
    trajectory = simulate(
        model,
        body_at(minute, effect),
        {"carbs": eating, "insulin": insulin},
        np.arange(STEP_MIN + 1),
        initial=state,
    )
    state = trajectory.states[-1, :, 0]

for start, length, fields in temps:
    log(start, "Temp Basal", duration=length, **fields)
log(8 * day_min + 9 * 60, "Site Change", notes="")
log(8 * day_min + 9 * 60 + 5, "Sensor Start")
log(3 * day_min + 12 * 60, "Note", notes="demo")
treatments.sort(key=lambda row: str(row["created_at"]))

# The sensor: drift by session, autocorrelated noise, whole mg/dL; codes outside of 40 to 400.
kept = minutes >= 0
true, times = glucose[kept], minutes[kept]
noise = np.zeros(true.size)
for index in range(1, true.size):
    noise[index] = 0.9 * noise[index - 1] + sensor_rng.normal(0, 3.0)
second_sensor = times >= 8 * day_min + 9 * 60
gain = np.where(second_sensor, 0.97, 1.04)
reading = np.round(true * gain + noise)
pressed = (times >= 6 * day_min + 3 * 60) & (times < 6 * day_min + 3 * 60 + 50)
reading[pressed] -= 75  # lying on the sensor
reading = np.where(reading < 40, 39, np.where(reading > 400, 401, reading)).astype(int)
worn = ~((times >= 8 * day_min + 9 * 60) & (times < 8 * day_min + 11 * 60 + 5))  # warming up
worn &= ~((times >= 4 * day_min + 13 * 60) & (times < 4 * day_min + 17 * 60 + 40))  # phone left
worn &= sensor_rng.random(times.size) > 0.008

entries: list[dict[str, Any]] = []
for index in np.flatnonzero(worn).tolist():
    moment = START + timedelta(minutes=int(times[index]), seconds=int(sensor_rng.integers(2, 8)))
    entries.append(
        {
            "_id": f"e{index:05d}",
            "type": "sgv",
            "sgv": int(reading[index]),
            "date": int(moment.timestamp() * 1000),
            "dateString": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "device": "demo",
            "utcOffset": 0,
        }
    )
for index in (200, 201, 202, 1500):  # sent twice under one identifier
    entries.append(dict(entries[index]))
for index in (2500, 2501):  # a second uploader, some seconds later
    twin = dict(entries[index])
    entries.append({**twin, "_id": twin["_id"] + "b", "date": twin["date"] + 4000})
entries.append({**entries[900], "_id": "e90000", "sgv": 10, "date": entries[900]["date"] + 150000})
entries.append({"_id": "m00001", "type": "mbg", "mbg": 118, "date": entries[40]["date"] + 60000})
treatments.append({**treatments[5], "_id": treatments[5]["_id"] + "b"})
entries.reverse()  # Nightscout answers newest first


def steps(pairs: list[tuple[float, float]]) -> list[dict[str, object]]:
    """Write a schedule as Nightscout does."""
    return [
        {"time": f"{int(h):02d}:00", "timeAsSeconds": int(h * 3600), "value": v} for h, v in pairs
    ]


program = {
    "dia": DURATION_H,
    "carbratio": steps([(0, CARB_RATIO)]),
    "sens": steps([(0, CORRECTION)]),
    "basal": steps(BASAL),
    "target_low": steps([(0, TARGET - 10)]),
    "target_high": steps([(0, TARGET + 10)]),
    "timezone": ZONE.key,
    "units": "mg/dl",
    "carbs_hr": 20,
    "delay": 20,
}
began = (START - timedelta(days=30)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
profile = [
    {"_id": "p00001", "defaultProfile": "Default", "store": {"Default": program}, "units": "mg/dl",
     "startDate": began, "created_at": began}
]  # fmt: skip

target = Path(sys.argv[1] if len(sys.argv) > 1 else "demo_nightscout.json")
document = {"entries": entries, "treatments": treatments, "profile": profile}
target.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
shown = reading[worn]
print(f"{target}: {target.stat().st_size / 1000:.0f} kB")
print(f"{len(entries)} entries, {len(treatments)} treatments, mean {shown.mean():.0f} mg/dL")
print(f"in 70-180: {np.mean((shown >= 70) & (shown <= 180)):.1%}")
print(f"below 70: {np.mean(shown < 70):.1%}, below 54: {np.mean(shown < 54):.1%}")
print(f"basal rate at which this body rests: {basal_equilibrium:.2f} U/h")
