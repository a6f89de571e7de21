"""Medtronic CareLink CSV."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_record
from dosegym.records.clock import utc_text

NAMES = (
    "Index", "Date", "Time", "New Device Time", "BG Reading (mg/dL)", "Basal Rate (U/h)",
    "Temp Basal Amount", "Temp Basal Type", "Temp Basal Duration (h:mm:ss)", "Bolus Type",
    "Bolus Volume Selected (U)", "Bolus Volume Delivered (U)", "Bolus Duration (h:mm:ss)",
    "Alarm", "Suspend", "BWZ Carb Input (grams)", "Sensor Calibration BG (mg/dL)",
    "Sensor Glucose (mg/dL)", "ISIG Value", "Event Marker", "Bolus Source", "Sensor Exception",
)  # fmt: skip
SHORT = {
    "stick": 4, "basal": 5, "temp": 6, "temp_type": 7, "temp_time": 8, "ordered": 10, "bolus": 11,
    "length": 12, "alarm": 13, "suspend": 14, "carbs": 15, "sensor": 17, "marker": 19, "source": 20,
}  # fmt: skip
AUTO = "Aggregated Auto Insulin Data "
PLAIN = "------- "


def row(at, day="2026/01/13", **cells):
    """Return one row of cells."""
    values = ["0.00000", day, at, *[""] * (len(NAMES) - 3)]
    for name, value in cells.items():
        values[SHORT[name]] = str(value)
    return values


def sensor(day="2026/01/13", value=120):
    """Return a day of sensor rows, the newest first as CareLink writes them."""
    rows = [
        row(f"{k // 12:02d}:{k % 12 * 5:02d}:07", day, sensor=value + k % 9) for k in range(288)
    ]
    return rows[::-1]


def export(pump, day_totals=(), sensors=None, delimiter=";", names=NAMES, person='"Lovelace"'):
    """Return the text of an export with three sections."""
    text = [
        delimiter.join(["Last Name", "First Name", "Patient ID", "Device", "MiniMed 780G"]),
        delimiter.join([person, '"Ada"', '""', '"Serial Number"', "NG-7"]),
        "",
        "Device data shown may exceed selected date range.",
        "",
    ]
    for mark, rows in ((PLAIN, pump), (AUTO, day_totals), (PLAIN, sensors or sensor())):
        text.append(delimiter.join(["-------", "MiniMed 780G", "Pump", "NG-7", mark]))
        text.append(delimiter.join(names))
        text += [delimiter.join(cells) for cells in rows]
        text.append("")
    return "\r\n".join([*text, ""])


def read(tmp_path, pump=(), encoding="utf-8-sig", options=None, **parts):
    """Write an export and read it."""
    path = tmp_path / "carelink.csv"
    path.write_bytes(export(pump, **parts).encode(encoding))
    return read_record(path, **(options or {}))


def lost(timeline):
    """Return the losses by reason."""
    return {item.reason: item.count for item in timeline.dropped}


def test_each_column_goes_where_it_belongs(tmp_path):
    """Delivered insulin and typed carbohydrate are read; orders, sticks and alarms are named."""
    pump = [
        row("08:00:00", ordered="4.0"),
        row("08:00:10", ordered="4.0", bolus="3.5"),
        row("08:00:00", carbs="45"),
        row("09:00:00", stick="99"),
        row("10:00:00", alarm="LOW SG"),
    ]
    timeline = read(tmp_path, pump, options={"timezone": "Europe/Rome"})
    assert timeline.source_format == "carelink"
    assert utc_text(timeline.glucose.time_s[0]) == "2026-01-12T23:00:07Z"
    assert len(timeline.glucose) == 288
    assert timeline.boluses.units.tolist() == [3.5]
    assert timeline.meals.carbs_g.tolist() == [45.0]
    assert timeline.basal is None
    assert timeline.notes == ()
    assert lost(timeline) == {
        "glucose: finger stick, not a sensor reading": 1,
        "row: no glucose, insulin or carbohydrate (a bolus ordered; its delivery is a row of its "
        "own)": 1,
        "row: no glucose, insulin or carbohydrate (other)": 1,
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_mmol_decimal_commas_delimiters_and_marks(tmp_path, encoding, delimiter):
    """The unit is the header's; a decimal comma reads where the delimiter is a semicolon."""
    number = "6,5" if delimiter == ";" else "6.5"
    sensors = [[number if k == 17 else cell for k, cell in enumerate(cells)] for cells in sensor()]
    names = [name.replace("mg/dL", "mmol/L") for name in NAMES]
    timeline = read(tmp_path, encoding=encoding, sensors=sensors, names=names, delimiter=delimiter)
    np.testing.assert_allclose(timeline.glucose.mg_dl, 6.5 * 18.01559)


def test_programmed_temporary_and_suspended_rates(tmp_path):
    """A programmed rate holds to the next; percent, rate and suspension overlay it."""
    pump = [
        row("00:00:00", basal="1.0"),
        row("12:00:00", basal="2.0"),
        row("04:00:00", temp="50", temp_type="Percent", temp_time="2:00:00"),
        row("14:00:00", temp="0.4", temp_type="Rate", temp_time="1:00:00"),
        row("20:00:00", suspend="USER_SUSPEND"),
        row("21:00:00", suspend="NORMAL_PUMPING"),
        row("22:00:00", suspend="?"),
        row("22:30:00", basal="99"),
        row("22:40:00", temp="1", temp_type="?", temp_time="1:00:00"),
        row("22:40:00", temp="1", temp_type="Rate"),
    ]
    timeline = read(tmp_path, pump)
    minutes = [at * 60 for at in (1, 5, 7, 13, 14.5, 17, 20.5, 23)]
    start = 1768262400.0
    middle = [
        float(timeline.basal.u_per_h[(timeline.basal.start_s - start <= at * 60).nonzero()[0][-1]])
        for at in minutes
    ]
    assert middle == [1.0, 0.5, 1.0, 2.0, 0.4, 2.0, 0.0, 2.0]
    assert not timeline.basal.assumed.any()
    assert lost(timeline) == {
        "basal: a temporary rate of a type that is not known": 1,
        "basal: no readable duration": 1,
        "basal: outside 0 to 35 U/h": 1,
        "suspension: a state of the pump that is not known": 1,
    }


def test_a_suspension_without_an_end_is_named_not_drawn_out(tmp_path):
    """Hours of no insulin are never made up."""
    pump = [row("00:00:00", basal="1.0"), row("20:00:00", suspend="LOW_SUSPEND_MODE")]
    timeline = read(tmp_path, pump)
    assert timeline.basal.u_per_h.tolist() == [1.0]
    assert lost(timeline) == {"suspension: no end within a day": 1}


def test_square_boluses_flow_over_their_time(tmp_path):
    """A bolus with a duration is no event but a rate; where it starts is noted as assumed."""
    pump = [row("08:00:00", bolus="3", length="2:00:00"), row("09:00:00", bolus="1")]
    timeline = read(tmp_path, pump)
    assert timeline.boluses.units.tolist() == [1.0]
    grid = timeline.on_grid(timeline.glucose.time_s[0], 287, 5.0)
    assert grid.insulin_u_per_min.sum() * 5 == pytest.approx(4.0)
    assert any("square boluses" in note for note in timeline.notes)


def test_daily_totals_of_automatic_insulin_are_no_boluses(tmp_path):
    """Their day's programmed rate counts as assumed, the day without a total as logged."""
    pump = [row("00:00:00", day, basal="1.0") for day in ("2026/01/13", "2026/01/14")]
    totals = [
        row("00:00:00", "2026/01/14", bolus="27.895", source="CLOSED_LOOP_AUTO_INSULIN"),
        row("00:00:00", "2026/01/13", bolus="0"),
    ]
    sensors = [*sensor(), *sensor("2026/01/14")]
    timeline = read(tmp_path, pump, day_totals=totals, sensors=sensors)
    assert len(timeline.boluses) == 0
    assert timeline.basal.assumed.tolist() == [False, True]
    assert utc_text(timeline.basal.start_s[1]) == "2026-01-14T00:00:00Z"
    assert lost(timeline) == {"insulin: a day's automatic total, without times": 2}
    assert any("total of each day" in note for note in timeline.notes)


def test_micro_boluses_replace_the_programmed_rate_of_their_day(tmp_path):
    """Automatic insulin that is listed counts once; the days around keep their rate."""
    days = ("2026/01/13", "2026/01/14", "2026/01/15")
    pump = [row("00:00:00", day, basal="1.0") for day in days]
    pump += [
        row(f"{k:02d}:10:00", days[1], bolus="0.5", source="CLOSED_LOOP_MICRO_BOLUS")
        for k in range(24)
    ]
    sensors = [item for day in days for item in sensor(day)]
    timeline = read(tmp_path, pump, sensors=sensors)
    assert timeline.boluses.units.sum() == 12.0
    spans = [(utc_text(a), utc_text(b)) for a, b in zip(
        timeline.basal.start_s, timeline.basal.end_s, strict=True)]  # fmt: skip
    assert spans[0] == ("2026-01-13T00:00:00Z", "2026-01-14T00:00:00Z")
    assert spans[1][0] == "2026-01-15T00:00:00Z"
    assert len(spans) == 2


def test_logbook_entries_of_a_sensor_without_pump(tmp_path):
    """Meals are read, also listed twice; insulin whose kind is not told is named."""
    pump = [
        row("12:16:00", marker="Meal: 50,00grams"),
        row("12:16:00", marker="Meal: 50,00grams"),
        row("09:35:28", marker="Insulin: 27,00"),
        row("00:00:00", marker="Start of the day"),
    ]
    timeline = read(tmp_path, pump)
    assert timeline.meals.carbs_g.tolist() == [50.0]
    assert len(timeline.boluses) == 0
    assert lost(timeline) == {
        "carbs: duplicate (same time and amount)": 1,
        "insulin: neither fast- nor long-acting": 1,
        "row: no glucose, insulin or carbohydrate (other)": 1,
    }


def test_carbohydrate_in_exchanges_is_named(tmp_path):
    """How many grams an exchange has is a setting that the file does not hold."""
    names = [name.replace("(grams)", "(exchanges)") for name in NAMES]
    timeline = read(tmp_path, [row("08:00:00", carbs="3")], names=names)
    assert len(timeline.meals) == 0
    assert lost(timeline) == {"carbs: in exchanges, whose grams the file does not say": 1}


def test_dates_of_other_countries(tmp_path):
    """Day and month are told apart by the whole file; dots are day first."""
    for day in ("13/01/2026", "13.01.26", "01/13/26"):
        timeline = read(tmp_path, sensors=sensor(day))
        assert utc_text(timeline.glucose.time_s[0])[:10] == "2026-01-13"
    with pytest.raises(InputError, match="may be day first"):
        read(tmp_path, sensors=sensor("02/01/2026"))


def test_nothing_of_the_person_enters_the_timeline(tmp_path):
    """No name, device or serial number is in the record."""
    text = repr(read(tmp_path, [row("08:00:00", bolus="1")]))
    for secret in ("Ada", "Lovelace", "NG-7", "MiniMed"):
        assert secret not in text


def test_a_cut_last_row_is_dropped_not_misread(tmp_path):
    """A file that breaks off in a number loses that row, counted."""
    path = tmp_path / "x.csv"
    cut = ";".join(row("23:59:00", sensor=11)[:18])
    path.write_text(export([]).rstrip() + "\n" + cut)
    timeline = read_record(path)
    assert len(timeline.glucose) == 288
    assert lost(timeline) == {"glucose: row cut short": 1}


def test_files_of_a_folder_are_joined_only_for_one_name(tmp_path):
    """The names of the preamble are compared in memory; without any, files are not joined."""
    other = sensor("2026/01/14")
    for person, says in (
        ('"Lovelace"', ""),
        ('"Babbage"', "different persons"),
        (None, "whose it"),
    ):
        first, second = export([]), export([], sensors=other, person=person or '""')
        if person is None:
            first, second = (text.replace('"Ada"', '""') for text in (first, second))
            first = first.replace('"Lovelace"', '""')
        (tmp_path / "a.csv").write_text(first)
        (tmp_path / "b.csv").write_text(second)
        if says:
            with pytest.raises(InputError, match=says) as refused:
                read_record(tmp_path)
            assert "Babbage" not in str(refused.value)
        else:
            assert len(read_record(tmp_path).glucose) == 576


def test_the_old_layout_and_mixed_units_are_refused(tmp_path):
    """Each is told in one line."""
    with pytest.raises(InputError, match="old layout with 'Raw-Type' columns"):
        read(tmp_path, names=[*NAMES[:-1], "Raw-Type"])
    path = tmp_path / "x.csv"
    text = export([])
    path.write_text(text[::-1].replace("mg/dL"[::-1], "mmol/L"[::-1], 3)[::-1])
    with pytest.raises(InputError, match="one section is in mg/dL and one in mmol/L"):
        read_record(path)
