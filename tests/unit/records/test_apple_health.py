"""Apple Health: streaming within limits, units, several sources, pressures, wearables."""

from __future__ import annotations

import tracemalloc
import zipfile

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import kind_of_record, read_pressure, read_record
from dosegym.records.apple_stream import Limited

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
DOCTYPE = "<!DOCTYPE HealthData [\n<!ELEMENT HealthData (Me)>\n<!ATTLIST Record a CDATA>\n]>"
ME = (
    '<Me HKCharacteristicTypeIdentifierDateOfBirth="1931-03-04" '
    'HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale"/>'
)
MMOL = "mmol&lt;180.15588&gt;/L"


def record(kind, minute, value, unit="", end=None, source="App", told=(), offset="+0200"):
    """Return one Record; minutes count from 2026-06-01 00:00 on the local clock."""
    times = [
        f"2026-06-{1 + m // 1440:02d} {m % 1440 // 60:02d}:{m % 60:02d}:00 {offset}"
        for m in (minute, minute if end is None else end)
    ]
    inner = "".join(f'<MetadataEntry key="{key}" value="{text}"/>' for key, text in told)
    name = kind if kind.startswith("HK") else f"HKQuantityTypeIdentifier{kind}"
    return (
        f'<Record type="{name}" sourceName="{source}" unit="{unit}" creationDate="{times[0]}" '
        f'startDate="{times[0]}" endDate="{times[1]}" value="{value}">{inner}</Record>'
    )


def glucose(n=24, unit="mg/dL", value=110.0, **more):
    """Return readings five minutes apart."""
    return [record("BloodGlucose", 480 + 5 * k, value, unit, **more) for k in range(n)]


def put(tmp_path, rows, head=HEAD + DOCTYPE, name="export.xml"):
    """Write an export."""
    path = tmp_path / name
    path.write_text("\n".join([head, "<HealthData>", ME, *rows, "</HealthData>"]), encoding="utf-8")
    return path


def losses(timeline):
    """Return the counts of losses by reason."""
    return {item.reason: item.count for item in timeline.dropped}


def test_both_units_of_glucose_and_the_local_day(tmp_path):
    """mg/dL, and mmol/L with Apple's molar mass, also mixed; the offset gives the zone."""
    one = read_record(put(tmp_path, glucose()))
    assert one.timezone == "UTC+02:00"
    assert one.local_minute_of_day(one.glucose.time_s)[0] == 480
    other = read_record(put(tmp_path, glucose(unit=MMOL, value=6.1)))
    assert other.glucose.mg_dl == pytest.approx(6.1 * 18.01559)
    mixed = [*glucose(12), *(row.replace("06-01", "06-02") for row in glucose(12, MMOL, 6.1))]
    both = read_record(put(tmp_path, mixed))
    assert sorted(set(both.glucose.mg_dl.round(1).tolist())) == [109.9, 110.0]
    strange = read_record(put(tmp_path, [*glucose(), record("BloodGlucose", 10, 5, "Secret")]))
    assert losses(strange) == {"glucose: the unit is neither mg/dL nor mmol/L": 1}


def test_a_named_zone_and_the_argument_win(tmp_path):
    """HKTimeZone gives an IANA name; timezone= overrules it."""
    path = put(tmp_path, glucose(told=[("HKTimeZone", "Europe/Rome")]))
    assert read_record(path).timezone == "Europe/Rome"
    assert read_record(path, timezone="Asia/Tokyo").timezone == "Asia/Tokyo"


def test_insulin_by_its_reason(tmp_path):
    """Bolus, a pump's basal over time, an injection of long-acting; without reason it is named."""
    reason = "HKInsulinDeliveryReason"
    rows = [
        *glucose(),
        record("InsulinDelivery", 500, 4.5, "IU", told=[(reason, "2")]),
        record("InsulinDelivery", 480, 0.4, "IU", end=510, told=[(reason, "1")]),
        record("InsulinDelivery", 470, 18, "IU", told=[(reason, "1")]),
        record("InsulinDelivery", 505, 3, "IU"),
        record("InsulinDelivery", 506, 3, "mL", told=[(reason, "2")]),
        record("DietaryCarbohydrates", 498, 45, "g"),
        record("DietaryCarbohydrates", 499, 45, "oz"),
    ]
    timeline = read_record(put(tmp_path, rows))
    assert timeline.boluses.units.tolist() == [4.5]
    assert timeline.long_acting.units.tolist() == [18]
    assert timeline.basal.u_per_h.tolist() == pytest.approx([0.8])
    assert timeline.meals.carbs_g.tolist() == [45]
    assert losses(timeline) == {
        "insulin: neither basal nor bolus by the file": 1,
        "bolus: the unit is not IU": 1,
        "carbs: the unit is not g": 1,
    }


def test_several_sources_count_once(tmp_path):
    """A second app's readings between a sensor's, its copy of a dose and the phone's steps go."""
    reason = [("HKInsulinDeliveryReason", "2")]
    rows = [
        *glucose(source="Sensor"),
        *(record("BloodGlucose", 482 + 5 * k, 111, "mg/dL", source="Copy") for k in range(20)),
        record("BloodGlucose", 900, 95, "mg/dL", source="Copy"),
        record("BloodGlucose", 490, 99, "mg/dL", told=[("HKWasUserEntered", "1")]),
        record("InsulinDelivery", 500, 4, "IU", source="Loop", told=reason),
        record("InsulinDelivery", 501, 4, "IU", source="Copy", told=reason),
        record("InsulinDelivery", 502, 1, "IU", source="Copy", told=reason),
        *(
            record("StepCount", m, 100, "count", end=m + 10, source="Watch")
            for m in (480, 490, 520)
        ),
        record("StepCount", 484, 90, "count", end=494, source="Phone"),
        record("StepCount", 500, 50, "count", end=510, source="Phone"),
    ]
    timeline = read_record(put(tmp_path, rows))
    assert len(timeline.glucose) == 25
    assert timeline.boluses.units.tolist() == [4, 1]
    assert timeline.activity["steps"].value.tolist() == [100, 100, 50, 100]
    assert losses(timeline)["glucose: a copy by another app or device"] == 20
    assert losses(timeline)["glucose: entered by hand, not a sensor reading"] == 1
    assert losses(timeline)["steps: a copy by another app or device"] == 1
    kept = {item.kind: item.kept for item in timeline.accounts}
    assert (kept["glucose"], kept["bolus"], kept["steps"]) == (25, 2, 4)


def test_wearables_and_the_person(tmp_path):
    """Heart rate, sleep, weight in pounds; the age is kept as 90 and the birth date is not."""
    sleep = "HKCategoryTypeIdentifierSleepAnalysis"
    rows = [
        *glucose(),
        record("HeartRate", 481, 71, "count/min"),
        record(sleep, 0, "HKCategoryValueSleepAnalysisAsleepCore", end=400),
        record(sleep, 0, "HKCategoryValueSleepAnalysisInBed", end=420),
        record("BodyMass", 300, 154.3236, "lb"),
        record("OxygenSaturation", 300, 0.97, "%"),
    ]
    timeline = read_record(put(tmp_path, rows))
    assert timeline.activity["heart_rate"].value.tolist() == [71]
    assert timeline.activity["sleep"].value.tolist() == [1]
    assert timeline.settings.weight_kg == pytest.approx(70.0, abs=1e-3)
    assert timeline.settings.age_years == 90
    assert "1931" not in repr(timeline)
    assert losses(timeline)["row: of a type that is not used"] == 1


def pressure_rows(offset=0):
    """Return pressures within Correlations and beside them, as an export writes them."""
    rows = []
    for k in range(4):
        pair = [
            record("BloodPressureSystolic", 480 + 720 * k, 140 + k, "mmHg"),
            record("BloodPressureDiastolic", 480 + 720 * k, 88, "mmHg"),
        ]
        inside = "".join(pair)
        kind = "HKCorrelationTypeIdentifierBloodPressure"
        rows += [*pair, f'<Correlation type="{kind}">{inside}</Correlation>']
    return rows


def test_blood_pressures_count_once(tmp_path):
    """Of the same values within a Correlation and beside it one reading is made."""
    half = record("BloodPressureSystolic", 5, 150, "mmHg")
    path = put(tmp_path, [*pressure_rows(), half, record("BodyMass", 3, 80, "kg")])
    assert kind_of_record(path) == "pressure"
    found = read_pressure(path)
    assert found.readings.sbp.tolist() == [140, 141, 142, 143]
    assert (found.person.female, found.person.age_years) == (True, 90.0)
    assert found.labs["weight"].value.tolist() == [80]
    assert losses(found) == {"pressure: systolic or diastolic is missing": 1}
    with pytest.raises(InputError, match="no sensor glucose; read_pressure reads"):
        read_record(path)


def test_the_zip_and_the_folder_are_the_same_record(tmp_path):
    """export.zip, its folder and the bare XML give one record with one hash."""
    folder = tmp_path / "apple_health_export"
    folder.mkdir()
    path = put(folder, glucose())
    (folder / "export_cda.xml").write_text("<ClinicalDocument/>")
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.write(path, "apple_health_export/export.xml")
        packed.writestr("apple_health_export/export_cda.xml", "<ClinicalDocument/>")
    hashes = {read_record(item).source_sha256 for item in (path, folder, tmp_path / "export.zip")}
    assert len(hashes) == 1


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ('<!DOCTYPE HealthData [<!ENTITY a "x">]>', "declares entities"),
        ('<!DOCTYPE HealthData SYSTEM "http://x/y.dtd">', ""),
        ("<!DOCTYPE HealthData [", "never ends"),
        ("<!DOCTYPE HealthData [ broken ( ]>", ""),
        ("<Other/>", "not that of an export"),
    ],
)
def test_hostile_and_broken_heads(tmp_path, head, says):
    """Entities are refused; Apple's own broken document types are skipped."""
    path = put(tmp_path, glucose(), head=HEAD + head)
    if says:
        with pytest.raises(InputError, match=says) as refused:
            read_record(path)
        assert "\n" not in str(refused.value)
    else:
        assert len(read_record(path).glucose) == 24


def test_bombs_are_refused(tmp_path, monkeypatch):
    """A zip that unpacks a thousandfold, XML nested without end, and one that breaks off."""
    monkeypatch.setattr("dosegym.records.apple_stream.SMALL_BYTES", 1_000_000)
    bomb = tmp_path / "export.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("export.xml", HEAD + "<HealthData>" + " " * 30_000_000)
    with pytest.raises(InputError, match="times its size"):
        read_record(bomb)
    deep = put(tmp_path, ["<a>" * 5000])
    with pytest.raises(InputError, match="nested too deep"):
        read_record(deep)
    damaged = bomb.read_bytes()
    bomb.write_bytes(damaged[: len(damaged) // 2])
    with pytest.raises(InputError):
        read_record(bomb)


def test_a_long_export_streams(tmp_path):
    """Memory does not grow with records that are of no use: 60,000 of them in under 8 MB."""
    rows = [record("ActiveEnergyBurned", k % 1440, 1.0, "kcal") for k in range(60_000)]
    path = put(tmp_path, [*rows, *glucose()])
    assert path.stat().st_size > 13_000_000
    tracemalloc.start()
    timeline = read_record(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(timeline.glucose) == 24
    assert peak < 8e6


def test_the_stream_counts_what_it_reads():
    """The hash is that of the bytes read, whatever is skipped."""
    import hashlib
    import io

    data = (HEAD + DOCTYPE + "<HealthData/>").encode()
    stream = Limited(io.BytesIO(data), None)
    while stream.read():
        pass
    assert stream.sha256 == hashlib.sha256(data).hexdigest()


def test_every_element_is_a_row_of_the_account(tmp_path):
    """Used, dropped by name or of the person: the sum is the number of elements below the root."""
    path = tmp_path / "export.xml"
    rows = [
        *(glucose_row(minute, 100 + minute) for minute in range(0, 60, 5)),
        '<ExportDate value="2026-06-02 09:00:00 +0200"/>',
        '<Me HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexFemale"/>',
        '<Workout workoutActivityType="HKWorkoutActivityTypeWalking"/>',
        '<Record type="HKQuantityTypeIdentifierDietaryWater" value="1"/>',
        '<Correlation type="HKCorrelationTypeIdentifierBloodPressure"/>',
        '<Correlation type="HKCorrelationTypeIdentifierFood"/>',
    ]
    path.write_text(f'<?xml version="1.0"?><HealthData>{"".join(rows)}</HealthData>')
    counted = read_record(path).rows
    assert (counted.header, counted.used, counted.dropped, counted.silent) == (2, 12, 4, 0)


def glucose_row(minute, value):
    """Return one sensor reading."""
    when = f"2026-06-01 08:{minute:02d}:00 +0200"
    return (
        f'<Record type="HKQuantityTypeIdentifierBloodGlucose" sourceName="a" unit="mg/dL" '
        f'startDate="{when}" endDate="{when}" value="{value}"/>'
    )
