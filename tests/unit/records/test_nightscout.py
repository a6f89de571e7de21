"""Nightscout: entries, treatments, profile."""

from __future__ import annotations

import json

import numpy as np
import pytest

from dosegym.records import read_record
from dosegym.records.clean import assemble
from dosegym.records.nightscout import read_nightscout

MIDNIGHT = 1767225600  # 2026-01-01T00:00:00Z


def entry(minute, sgv=120, **fields):
    """Return one sensor entry."""
    return {"type": "sgv", "sgv": sgv, "date": (MIDNIGHT + minute * 60) * 1000, **fields}


def treatment(minute, kind, **fields):
    """Return one treatment at 2026-01-01, `minute` after midnight UTC."""
    stamp = f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00.000Z"
    return {"eventType": kind, "created_at": stamp, **fields}


def steps(*pairs):
    """Return a schedule of (hour, value)."""
    return [{"time": f"{h:02d}:00", "timeAsSeconds": h * 3600, "value": v} for h, v in pairs]


def profile(start="2025-12-01T00:00:00Z", **program):
    """Return one profile document."""
    store = {"basal": steps((0, 1.0)), "carbratio": steps((0, 10)), "sens": steps((0, 40)),
             "dia": 5, "timezone": "UTC", "units": "mg/dl", **program}  # fmt: skip
    return {"defaultProfile": "A", "startDate": start, "store": {"A": store}}


DAY = [entry(minute) for minute in range(0, 1440, 5)]


def read(entries=DAY, treatments=(), profiles=(), **options):
    """Read rows as `read_record` would."""
    return assemble(read_nightscout(entries, treatments, profiles, **options), "0" * 64)


def lost(timeline):
    """Return the losses by reason."""
    return {item.reason: item.count for item in timeline.dropped}


def test_error_codes_go_and_dexcoms_low_and_high_are_censored():
    """Codes below 39 are dropped and counted; 39 and 401 are beyond the sensor's range."""
    rows = [*DAY, entry(1, 5), entry(2, "10"), entry(3, 38), entry(1441, 39), entry(1446, "401")]
    timeline = read(rows)
    assert lost(timeline) == {"glucose: sensor state, not glucose (below 39)": 3}
    assert timeline.glucose.censored[-2:].tolist() == [-1, 1]
    assert timeline.glucose.mg_dl[-2:].tolist() == [40.0, 400.0]


def test_rows_of_other_kinds_nulls_and_words_are_counted():
    """Finger sticks, blanks and text are not readings, and each is named."""
    rows = [
        *DAY,
        {"type": "mbg", "mbg": 100, "date": MIDNIGHT * 1000},
        {"type": "sgv", "sgv": None, "date": MIDNIGHT * 1000},
        {"type": "sgv", "sgv": "??", "date": MIDNIGHT * 1000},
        {"type": "sgv", "sgv": 100},
        "oops",
    ]
    timeline = read(rows)
    assert lost(timeline) == {
        "glucose: entry of type mbg, not a sensor reading": 1,
        "glucose: no value": 1,
        "glucose: not a number": 1,
        "glucose: no readable time": 1,
        "glucose: not a JSON object": 1,
    }
    assert len(timeline.glucose) == len(DAY)


def test_times_come_from_milliseconds_seconds_or_text():
    """One moment in four spellings is one moment."""
    moment = MIDNIGHT + 90000
    spellings = [
        {"date": moment * 1000}, {"date": str(moment * 1000)}, {"date": moment},
        {"dateString": "2026-01-02T01:00:00.000Z"}, {"dateString": "2026-01-02T04:00:00+0300"},
    ]  # fmt: skip
    for spelling in spellings:
        assert read([{"type": "sgv", "sgv": 99, **spelling}]).glucose.time_s.tolist() == [moment]


def test_an_edit_replaces_what_it_edits():
    """Of rows with one identifier the last modified stands, in any order."""
    old = treatment(60, "Meal Bolus", _id="a", insulin=5, carbs=50, srvModified=1)
    new = treatment(60, "Meal Bolus", _id="a", insulin=3, carbs=30, srvModified=2)
    for rows in ([old, new], [new, old]):
        timeline = read(treatments=rows)
        assert timeline.boluses.units.tolist() == [3.0]
        assert timeline.meals.carbs_g.tolist() == [30.0]
        assert lost(timeline) == {"treatment: same identifier as another row": 1}


def test_a_second_uploader_does_not_double_the_dose():
    """Equal amounts within a second are one dose; a minute apart they are two."""
    once = treatment(60, "Bolus", _id="a", insulin=2)
    echo = {**once, "_id": "b", "created_at": "2026-01-01T01:00:00.413Z"}
    again = treatment(61, "Bolus", _id="c", insulin=2)
    timeline = read(treatments=[once, echo, again])
    assert timeline.boluses.units.tolist() == [2.0, 2.0]
    assert lost(timeline) == {"bolus: duplicate (same time and amount)": 1}


def test_what_is_no_dose_is_named_by_its_event_and_free_words_are_not():
    """Known events are named in the account; a person's own event names are not repeated."""
    rows = [treatment(5, "Sensor Start"), treatment(6, "Visit of Mr Smith"),
            treatment(7, "Bolus", insulin=1, isValid=False), {"eventType": "Note"}]  # fmt: skip
    timeline = read(treatments=rows)
    assert lost(timeline) == {
        "treatment: deleted by its owner": 1,
        "treatment: no dose, carbohydrate or basal order (other)": 1,
        "treatment: no dose, carbohydrate or basal order (sensor start)": 1,
        "treatment: no readable time": 1,
    }
    assert "Smith" not in repr(timeline)


def test_priming_fat_protein_and_unreadable_doses_do_not_count():
    """Insulin that never reached the person and carbohydrates nobody ate are left out."""
    rows = [treatment(10, "Bolus", insulin=10, type="PRIMING"),
            treatment(20, "Carb Correction", carbs=12, isFPU=True),
            treatment(30, "Bolus", insulin="two"), treatment(40, "Bolus", insulin=-1),
            treatment(50, "Bolus", insulin=250)]  # fmt: skip
    timeline = read(treatments=rows)
    assert len(timeline.boluses) == len(timeline.meals) == 0
    assert lost(timeline) == {
        "bolus: not a number": 1,
        "bolus: outside 0 to 100 U": 2,
        "bolus: priming, not given to the person": 1,
        "carbs: stands for fat and protein, not carbohydrate": 1,
    }


def test_temporary_rates_in_every_spelling():
    """Absolute, rate alone, relative percent, cancellation and suspension give the right rates."""
    rows = [
        treatment(0, "Temp Basal", duration=60, absolute=0, rate=9),
        treatment(120, "Temp Basal", duration=30, rate=2.5),
        treatment(180, "Temp Basal", duration=120, percent=-50),
        treatment(240, "Temp Basal", duration=0),
        treatment(300, "Suspend Pump"),
        treatment(330, "Resume Pump"),
        treatment(360, "Temp Basal", durationInMilliseconds=1800000, percent=100),
        treatment(400, "Combo Bolus", insulin=2, duration=60, relative=1.5),
    ]
    basal = read(treatments=rows, profiles=[profile()]).basal
    minute = (basal.start_s - MIDNIGHT) / 60
    assert list(zip(minute.tolist(), basal.u_per_h.tolist(), strict=True))[:12] == [
        (0, 0), (60, 1), (120, 2.5), (150, 1), (180, 0.5), (240, 1), (300, 0), (330, 1),
        (360, 2), (390, 1), (400, 2.5), (460, 1),
    ]  # fmt: skip


def test_unusable_orders_are_counted():
    """An order without a duration or a rate is dropped and named."""
    rows = [treatment(0, "Temp Basal", rate=1), treatment(5, "Temp Basal", duration=30),
            treatment(9, "Temp Basal", duration=30, rate=99),
            treatment(15, "Temp Basal", duration=30, percent=-150),
            treatment(20, "Combo Bolus", duration=30),
            treatment(25, "Combo Bolus", duration=30, relative=99)]  # fmt: skip
    assert lost(read(treatments=rows)) == {
        "basal: outside 0 to 35 U/h": 1,
        "basal: temporary rate below -100 percent": 1,
        "basal: temporary rate without a rate": 1,
        "basal: temporary rate without a usable duration": 1,
        "extended bolus: no usable rate and duration": 1,
        "extended bolus: outside 0 to 35 U/h": 1,
    }


def test_the_log_speaks_from_its_first_to_its_last_order():
    """Beyond the log, by more than its longest silence, the schedule is an assumption."""
    rows = [treatment(600, "Temp Basal", duration=30, rate=0.5),
            treatment(660, "Temp Basal", duration=30, rate=0.5)]  # fmt: skip
    timeline = read(treatments=rows, profiles=[profile()])
    assumed = timeline.basal.between(MIDNIGHT, MIDNIGHT + 86400)
    spans = (assumed.end_s - assumed.start_s)[assumed.assumed].sum() / 60
    assert spans == 570 + (1435 - 720)
    assert "no delivery log" in timeline.notes[0]


def test_profile_in_mmol_beside_entries_in_mg_dl():
    """Correction factor and target are converted, carbohydrate ratio and basal are not."""
    timeline = read(profiles=[profile(
        units="mmol", sens=steps((0, 2.0)), target_low=steps((0, 5), (8, 6)),
        target_high=steps((0, 7)), timezone="Europe/Moscow",
    )])  # fmt: skip
    settings = timeline.settings
    assert timeline.timezone == "Europe/Moscow"
    assert settings.correction_mg_dl_per_u.value == pytest.approx([36.03118])
    assert settings.target_mg_dl.at([0, 480]) == pytest.approx([6 * 18.01559, 6.5 * 18.01559])
    assert settings.carb_ratio_g_per_u.value.tolist() == [10.0]
    assert settings.insulin_duration_h == 5


def test_units_missing_are_told_by_the_target():
    """A profile without units whose target is 5.5 is in mmol/L."""
    bare = profile(target_low=steps((0, 5.5)), target_high=steps((0, 5.5)), sens=steps((0, 3)))
    del bare["store"]["A"]["units"]
    assert read(profiles=[bare]).settings.target_mg_dl.value == pytest.approx([99.0857], abs=1e-3)


def test_the_profile_in_force_at_each_time_sets_the_schedule():
    """Documents replace one another at their start; the settings are those at the end."""
    later = profile("2026-01-01T12:00:00Z", basal=steps((0, 2.0)), carbratio=steps((0, 8)))
    timeline = read(profiles=[later, profile(), profile()])
    assert timeline.basal.u_per_h.tolist() == [1.0, 2.0]
    assert timeline.basal.start_s[1] == MIDNIGHT + 43200
    assert timeline.settings.carb_ratio_g_per_u.value.tolist() == [8.0]


def test_profile_switches_scale_replace_and_return():
    """A switch of 60 min at 150 percent returns; one with its own program lasts."""
    inline = json.dumps({"basal": steps((0, 0.4)), "carbratio": steps((0, 20)), "dia": 4})
    rows = [
        treatment(60, "Profile Switch", duration=60, percentage=150, profile="A"),
        treatment(600, "Profile Switch", profile="B", profileJson=inline),
    ]
    timeline = read(treatments=rows, profiles=[profile()])
    rates = dict(zip((timeline.basal.start_s - MIDNIGHT) / 60, timeline.basal.u_per_h, strict=True))
    assert rates == {0: 1.0, 60: 1.5, 120: 1.0, 600: 0.4}
    assert timeline.settings.carb_ratio_g_per_u.value.tolist() == [20.0]
    assert timeline.settings.insulin_duration_h == 4


def test_nightscouts_untouched_profile_is_nobodys():
    """The program Nightscout starts with is not taken for a prescription."""
    stock = profile(basal=steps((0, 0.1)), carbratio=steps((0, 30)), sens=steps((0, 100)), dia=3)
    timeline = read(profiles=[stock])
    assert timeline.basal is None
    assert timeline.settings.carb_ratio_g_per_u is None
    assert lost(timeline) == {"profile: no program in it, or left at Nightscout's defaults": 1}


def test_implausible_settings_are_dropped_and_named():
    """A target of zero and a carbohydrate ratio of a thousand are faults of the file."""
    odd = profile(target_low=steps((0, 0)), target_high=steps((0, 0)), carbratio=steps((0, 1000)))
    timeline = read(profiles=[odd])
    assert timeline.settings.target_mg_dl is None
    assert timeline.settings.carb_ratio_g_per_u is None
    assert set(lost(timeline)) == {
        "settings: carb ratio outside 1 to 150 g/U",
        "settings: target outside 60 to 250 mg/dL",
    }


def test_injections_of_long_acting_insulin_rule_out_the_profiles_basal():
    """Someone on injections has no pump, whatever rates the profile holds."""
    pens = json.dumps([{"insulin": "Lantus", "units": 20}, {"insulin": "Novorapid", "units": 4}])
    row = treatment(480, "Bolus", insulin=24, insulinInjections=pens)
    timeline = read(treatments=[row], profiles=[profile()])
    assert timeline.basal is None
    assert timeline.long_acting.units.tolist() == [20.0]
    assert timeline.boluses.units.tolist() == [4.0]
    assert "long-acting" in timeline.notes[-1]


def test_the_zone_is_the_profiles_else_the_rows_else_utc_with_a_note():
    """Offsets of the rows stand in for a missing zone; without any the note says UTC."""
    assert read([entry(0, utcOffset=120)]).timezone == "UTC+02:00"
    assert read(profiles=[profile(timezone="Asia/Tashkent")]).timezone == "Asia/Tashkent"
    bare = read()
    assert bare.timezone == "UTC"
    assert "Pass timezone=" in bare.notes[0]
    assert read(timezone="Europe/Rome").timezone == "Europe/Rome"


def test_siblings_folders_and_bundles_are_one_record(tmp_path):
    """Three files beside each other, their folder and one object give the same columns."""
    rows = {"entries": DAY, "treatments": [treatment(60, "Bolus", insulin=2)],
            "profile": [profile()]}  # fmt: skip
    for name, content in rows.items():
        (tmp_path / f"ns_{name}.json").write_text(json.dumps(content))
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    (bundle / "all.json").write_text(json.dumps({**rows, "profile": profile()}))
    (bundle / "wrapped.json").write_text(json.dumps({"status": 200, "result": DAY}))
    paths = [tmp_path / "ns_entries.json", tmp_path / "ns_treatments.json", tmp_path,
             bundle / "all.json", bundle]  # fmt: skip
    for path in paths:
        timeline = read_record(path)
        assert timeline.source_format == "nightscout"
        assert len(timeline.glucose) == 288
        assert timeline.boluses.units.tolist() == [2.0]
        assert timeline.basal.u_per_h.tolist() == [1.0]


def test_mmol_sensor_values_need_the_unit_said():
    """Sgv in mmol/L is refused as mg/dL, and read once the unit is given."""
    rows = [entry(minute, 6.5) for minute in range(0, 600, 5)]
    with pytest.raises(ValueError, match=r"median 6\.5 declared as mg/dL .* unit='mmol/L'"):
        read(rows)
    timeline = assemble(read_nightscout(rows, unit="mmol/L"), "0" * 64)
    np.testing.assert_allclose(timeline.glucose.mg_dl, 6.5 * 18.01559)


def test_whole_numbers_in_mmol_are_refused_too():
    """Rounded mmol/L values look like sensor states, but a whole record of them is not."""
    rows = [entry(5 * index, [5, 7, 9, 14][index % 4]) for index in range(100)]
    with pytest.raises(ValueError, match="so the values are mmol/L"):
        read(rows)
