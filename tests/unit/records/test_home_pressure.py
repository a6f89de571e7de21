"""Home blood-pressure CSV: headers of many makers, units, dates, places, and the lines of keys."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import assess_pressure, kind_of_record, read_pressure
from dosegym.records.clock import utc_text

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
OMRON = (
    '"Measurement Date","Timezone","SYS(mmHg)","DIA(mmHg)","Pulse(bpm)",'
    '"Irregular heartbeat detected","room temperature(°C)","Device"'
)


def read(tmp_path, text, **options):
    """Read a CSV text."""
    path = tmp_path / "home.csv"
    path.write_text(text, encoding="utf-8")
    assert kind_of_record(path) == "pressure"
    return read_pressure(path, **options)


@pytest.mark.parametrize(
    "text",
    [
        "date,time,systolic,diastolic,pulse\n2026-01-05,07:30,142,88,66\n",
        "Date;Time;Systolic (mmHg);Diastolic (mmHg);Pulse (bpm);Notes\n"
        "01/05/2026;07:30 am;142;88;66;x\n01/15/2026;7:30 PM;1;1;1;\n",
        "Date,Systolic,Diastolic,Pulse,Mean Arterial Pressure,Pulse Pressure\n"
        "Jan 5 2026 07:30,142,88,66,106,54\n",
        "timestamp,sbp_mmhg,dbp_mmhg,heart_rate\n2026-01-05T07:30:00Z,142,88,66\n",
        "time,sys,dia,hr\n2026-01-05 07:30:00,142,88,66\n",
        'Date,"Heart rate",Systolic,Diastolic,Comments\n"2026-01-05 07:30:00",66,142,88,\n',
        f"{OMRON}\n2026/01/05 07:30,UTC,142,88,66,,21,HEM\n",
        "Datum,Uhrzeit,Systolisch,Diastolisch,Puls\n05.01.2026,07:30,142,88,66\n",
        "Date,Time,SYS,DIA,PULSE\n5-Jan-2026,7:30,142,88,66\n",
        "My pressures\nDate,Time,Sys,Dia,Pulse\n2026-01-05,07:30,142,88,66\n",
        "Date,Weight (lb)\n2026-01-05,180\n\nDate,Systolic,Diastolic,Pulse\n"
        "2026-01-05 07:30,142,88,66\n",
        "Date,Heure,Systolique,Diastolique,Pouls\n2026-01-05,07:30,142,88,66\n",
        "Fecha,Hora,Sistólica,Diastólica,Pulso\n2026-01-05,07:30,142,88,66\n",
        "date,time,systolic (kPa),diastolic (kPa),pulse\n2026-01-05,07:30,18.932,11.732,66\n",
    ],
)
def test_the_same_reading_from_every_header(tmp_path, text):
    """Fourteen layouts, day orders and units give one reading."""
    record = read(tmp_path, text)
    assert utc_text(record.readings.time_s[0]) == "2026-01-05T07:30:00Z"
    assert record.readings.sbp[0] == pytest.approx(142, abs=0.01)
    assert record.readings.dbp[0] == pytest.approx(88, abs=0.01)
    assert record.readings.heart_rate[0] == 66
    assert record.readings.setting.tolist() == ["home"]


def test_dates_that_may_be_either_are_asked_for(tmp_path):
    """01/02 is refused; the argument settles it; 13 in one row settles the file."""
    text = "date,time,systolic,diastolic\n01/02/2026,08:00,140,90\n"
    with pytest.raises(InputError, match=r"'01/02/2026' may be day first or month first"):
        read(tmp_path, text)
    assert utc_text(read(tmp_path, text, dates="dmy").readings.time_s[0])[:10] == "2026-02-01"
    assert utc_text(read(tmp_path, text, dates="mdy").readings.time_s[0])[:10] == "2026-01-02"
    told = read(tmp_path, text + "01/13/2026,08:00,140,90\n")
    assert utc_text(told.readings.time_s[0])[:10] == "2026-01-02"
    with pytest.raises(InputError, match="dates: 'ymd' is unknown"):
        read(tmp_path, text, dates="ymd")


def test_zones_by_argument_row_and_offset(tmp_path):
    """Local times move with the zone; a row's own zone and an offset need none."""
    text = "timestamp,systolic,diastolic\n2026-07-05 08:00,140,90\n"
    assert "counts as UTC" in " ".join(read(tmp_path, text).notes)
    rome = read(tmp_path, text, timezone="Europe/Rome")
    assert utc_text(rome.readings.time_s[0]) == "2026-07-05T06:00:00Z"
    assert rome.notes == ()
    offset = read(tmp_path, text.replace("08:00", "08:00:00+09:00"))
    assert utc_text(offset.readings.time_s[0]) == "2026-07-04T23:00:00Z"
    row = read(tmp_path, f"{OMRON}\n2026/01/05 07:30,Asia/Tokyo,142,88,66,,21,HEM\n")
    assert utc_text(row.readings.time_s[0]) == "2026-01-04T22:30:00Z"


def test_kpa_without_a_word_is_refused_and_mended_by_the_unit(tmp_path):
    """The line names value and mend; following it reads."""
    text = "date,time,systolic,diastolic\n2026-01-05,08:00,19.0,12.0\n"
    with pytest.raises(InputError, match=r"median systolic value is 19, .* pass unit='kPa'"):
        read(tmp_path, text)
    assert read(tmp_path, text, unit="kPa").readings.sbp[0] == pytest.approx(142.5, abs=0.1)
    with pytest.raises(InputError, match="unit: 'psi' is not one of pressure"):
        read(tmp_path, text, unit="psi")


def test_rows_that_are_no_readings_are_dropped_by_name(tmp_path):
    """Bad times, blanks, impossible and turned-round values, copies, and a second table."""
    text = (
        "date,time,systolic,diastolic,pulse\n2026-01-05,08:00,140,90,60\n2026-01-05,08:00,140,90,60\n"
        "2026-01-05,25:00,140,90,60\n2026-01-05,09:00,,90,60\n2026-01-05,09:00,90,140,60\n"
        "2026-01-05,09:00,900,90,60\n2026-01-05,10:00,141,91,600\n"
        "\nDate,Steps\n2026-01-05,9000\n"
    )
    record = read(tmp_path, text)
    assert record.readings.sbp.tolist() == [140, 141]
    assert np.isnan(record.readings.heart_rate[1])
    assert {item.reason: item.count for item in record.dropped} == {
        "heart_rate: outside 20 to 250 1/min": 1,
        "pressure: a copy of another": 1,
        "pressure: diastolic is not below systolic": 1,
        "pressure: no time that can be read": 1,
        "pressure: sbp: outside 50 to 320 mmHg": 1,
        "pressure: systolic or diastolic is missing": 1,
        "row: another table below the pressures": 2,
    }
    kept = {item.kind: item.kept for item in record.accounts}
    assert kept["pressure"] == len(record.readings)


KEYS = """# subject: P007
# age_years: 58
# sex: female
# smoker: no
# conditions: diabetes, gout
# medication: lisinopril 10 mg, 1 tablet daily since 2025-06-01
# medication: amlodipine 5 mg
# medication: losartan 50 mg / hydrochlorothiazide 12.5 mg, 1 tablet daily
# potassium_mmol_l: 4.3 @ 2026-01-02
# creatinine_umol_l: 88.42 @ 2026-01-02
# weight_kg: 80
# height_cm: 170
# a comment: is no key
date,time,systolic,diastolic
2026-01-05,08:00,150,95
"""


def test_keys_tell_who_takes_what(tmp_path):
    """Person, conditions, drugs with their doses, dated labs; bmi follows."""
    record = read(tmp_path, KEYS)
    chart = record.chart()
    assert (record.subject, record.person.age_years, record.person.female) == ("P007", 58, True)
    assert record.person.smoker is False
    assert {name for name, stands in chart.conditions.items() if stands} == {"diabetes", "gout"}
    assert {drug.drug: drug.daily_mg for drug in chart.drugs} == {
        "lisinopril": 10.0,
        "amlodipine": None,
        "losartan": 50.0,
        "hydrochlorothiazide": 12.5,
    }
    assert chart.latest["creatinine"] == pytest.approx(1.0)
    assert chart.latest["bmi"] == pytest.approx(80 / 1.7**2)
    assert chart.age_days["potassium"] == pytest.approx(3 - 4 / 24)
    reasons = assess_pressure(record).reasons_insufficient
    assert any(reason.startswith("dose unknown: amlodipine 5 mg") for reason in reasons)
    assert not any("lisinopril" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("# potasium_mmol_l: 4.3", "did you mean 'potassium_mmol_l'"),
        ("# potassium_mmol_l: 43 @ 2026-01-02", "outside 1.5 to 10"),
        ("# potassium_mmol_l: 4.3", "has no date"),
        ("# potassium_mmol_l: 4.3 @ soon", "has the date 'soon'"),
        ("# medication: zorblax 5 mg daily", "names no drug that is known"),
        ("# medication: lisinopril 5 mg daily since May", "has the date 'May'"),
        ("# sex: maybe", "sex is 'maybe'; use f or m"),
        ("# age_years: old", "age_years is 'old'"),
        ("# conditions: sadness", "the condition 'sadness' is unknown"),
    ],
)
def test_a_bad_key_is_refused_in_one_line(tmp_path, line, says):
    """Each names the key, the value and the mend."""
    with pytest.raises(InputError, match=says) as refused:
        read(tmp_path, f"{line}\ndate,time,systolic,diastolic\n2026-01-05,08:00,150,95\n")
    assert "\n" not in str(refused.value)


def test_no_drugs_is_said_and_differs_from_nothing_said(tmp_path):
    """'medication: none' is an answer; silence is a shortfall."""
    rows = "date,time,systolic,diastolic\n2026-01-05,08:00,150,95\n"
    silent, told = read(tmp_path, rows), read(tmp_path, f"# medication: none\n{rows}")
    assert any("says nothing of drugs" in r for r in assess_pressure(silent).reasons_insufficient)
    assert not any("drugs" in reason for reason in assess_pressure(told).reasons_insufficient)
    assert told.medications == ()


def test_folders_and_arguments_that_do_not_fit_are_refused(tmp_path):
    """Two tables, a table without rows, an unknown setting, an option FHIR has no use for."""
    rows = "date,time,systolic,diastolic\n2026-01-05,08:00,150,95\n"
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(rows)
    with pytest.raises(InputError, match="holds 2 files that nothing ties"):
        read_pressure(tmp_path)
    with pytest.raises(InputError, match="setting: 'moon' is unknown"):
        read_pressure(tmp_path / "a.csv", setting="moon")
    with pytest.raises(InputError, match="none of the 0 rows"):
        read(tmp_path, "date,time,systolic,diastolic\n")
    (tmp_path / "x.json").write_text('{"resourceType": "Patient"}')
    with pytest.raises(InputError, match="unit: FHIR tells it"):
        read_pressure(tmp_path / "x.json", unit="kPa")
    (tmp_path / "y.csv").write_text("time,glucose_mg_dl\n2026-01-05T08:00:00,100\n")
    assert kind_of_record(tmp_path / "y.csv") == "glucose"
    with pytest.raises(InputError, match="holds no blood pressure that can be read"):
        read_pressure(tmp_path / "y.csv")


@pytest.mark.shared_data
def test_the_real_sample():
    """HealthPod's nine rows: two at the doctor's, seven at home; notes are forgotten."""
    path = SHARED / "healthpod_bp" / "sample_blood_pressure.csv"
    if not path.exists():
        pytest.skip("the sample healthpod_bp is not beside this checkout (../shared/data)")
    record = read_pressure(path)
    assert record.readings.setting.tolist().count("office") == 2
    assert record.readings.sbp[record.readings.setting == "office"].tolist() == [153, 129]
    assert len(record.readings) == 9
    assert record.dropped == ()
    for secret in ("Joe", "Omron", "HEM"):
        assert secret not in repr(record)
    kinds = [reason.split(":")[0] for reason in assess_pressure(record).reasons_insufficient]
    assert kinds == ["age", "sex", "medication", "potassium", "creatinine or eGFR"]


def test_two_units_in_one_header_are_refused(tmp_path):
    """Systolic in kPa beside diastolic in mmHg is a slip of the file, not to be guessed."""
    text = "date,time,SYS (kPa),DIA (mmHg)\n2026-01-05,07:30,18.9,88\n"
    with pytest.raises(InputError, match="in two units; bring them to one"):
        read(tmp_path, text)


def test_sections_below_and_above_are_counted(tmp_path):
    """Other tables of an Omron file are no pressures and are accounted for."""
    text = (
        "Date,Weight (lb)\n2026-01-05,180\n\n"
        "Date,Time,Systolic (mmHg),Diastolic (mmHg),Pulse (bpm),Symptoms,Consumed,TruRead,Notes\n"
        "2026-01-05,07:05,142,88,66,-,-,-,x\n\nDate,Time,Steps\n2026-01-05,07:05,4000\n"
    )
    record = read(tmp_path, text)
    assert record.readings.sbp.tolist() == [142]
    assert {item.reason: item.count for item in record.dropped} == {
        "row: a title or another table above the pressures": 2,
        "row: another table below the pressures": 2,
    }
