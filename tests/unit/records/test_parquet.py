"""Parquet: everything of a record comes back, units are checked, what is broken is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import reader_documents
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.records import (
    Activity,
    BasalIntervals,
    Boluses,
    DailySchedule,
    GlucoseSeries,
    Meals,
    TherapySettings,
    Timeline,
    demo_pressure_record,
    demo_record,
    kind_of_record,
    read_pressure,
    read_record,
    write_record,
)


def plain(thing):
    """Return nested plain values of a record, for an exact comparison."""
    if isinstance(thing, np.ndarray):
        return ["nan" if value != value else value for value in thing.tolist()]
    if hasattr(thing, "__dataclass_fields__"):
        return {item.name: plain(getattr(thing, item.name)) for item in fields(thing)}
    if hasattr(thing, "items"):
        return {key: plain(value) for key, value in thing.items()}
    if isinstance(thing, tuple | list):
        return [plain(item) for item in thing]
    return thing


def back(record, tmp_path, reader=read_record):
    """Write and read a record, its consent's sentence left as it was."""
    path = tmp_path / "copy.parquet"
    write_record(record, path)
    return replace(reader(path), consent=record.consent)


def test_the_demo_comes_back_whole(tmp_path):
    """A real-sized record, with its losses, notes, settings and source."""
    timeline = read_record(demo_record())
    assert plain(back(timeline, tmp_path)) == plain(timeline)
    assert kind_of_record(tmp_path / "copy.parquet") == "glucose"


def test_the_demo_of_blood_pressure_comes_back_whole(tmp_path):
    """Readings, labs, drugs, conditions and the person."""
    record = read_pressure(demo_pressure_record())
    assert plain(back(record, tmp_path, read_pressure)) == plain(record)
    assert kind_of_record(tmp_path / "copy.parquet") == "pressure"
    with pytest.raises(InputError, match="read it with read_pressure"):
        read_record(tmp_path / "copy.parquet")
    with pytest.raises(InputError, match=r"end its name in \.parquet"):
        write_record(record, tmp_path / "copy.csv")


times = st.lists(st.floats(1.5e9, 1.9e9, allow_nan=False), min_size=1, max_size=8, unique=True).map(
    sorted
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(time=times, data=st.data())
def test_any_timeline_comes_back_to_the_last_bit(tmp_path, time, data):
    """Times with fractions, censored readings, empty columns and channels: nothing is rounded."""
    n = len(time)

    def column(low, high):
        return np.array(data.draw(st.lists(st.floats(low, high), min_size=n, max_size=n)))

    at, none = np.array(time), np.zeros(0)
    timeline = Timeline(
        subject="P1", source_format="plain_csv", source_sha256="b" * 64, timezone="Europe/Rome",
        glucose=GlucoseSeries(at, column(20, 600), data.draw(
            st.lists(st.sampled_from([-1, 0, 1]), min_size=n, max_size=n))),
        basal=data.draw(st.sampled_from([None, BasalIntervals(none, none, none), BasalIntervals(
            at[:1], at[:1] + 300.25, np.array([0.85]), np.array([True]))])),
        boluses=Boluses(at, column(0, 100)), meals=Meals(none, none),
        long_acting=Boluses(at[:1], column(0, 300)[:1]),
        settings=TherapySettings(
            basal_u_per_h=DailySchedule(np.array([0.0, 360.5]), np.array([0.1, 1.0 / 3.0])),
            weight_kg=71.3),
        activity={"steps": Activity(at, at + 0.125, column(0, 1e5))}, notes=("A note: ü.",),
    )  # fmt: skip
    assert plain(back(timeline, tmp_path)) == plain(timeline)


def test_the_file_holds_typed_columns_with_units(tmp_path):
    """Other programs see numbers and units; no object is pickled."""
    write_record(read_record(demo_record()), tmp_path / "d.parquet")
    schema = pq.read_schema(tmp_path / "d.parquet")
    assert schema.field("glucose_mg_dl").type == pa.float64()
    assert schema.field("glucose_mg_dl").metadata[b"unit"] == b"mg/dL"
    assert schema.metadata[b"schema"] == b"dosegym.timeline"
    assert schema.metadata[b"version"] == b"2"
    assert {str(field.type) for field in schema} <= {"double", "int8", "bool"}


def test_other_peoples_parquet_with_our_columns_reads(tmp_path):
    """A data frame's timestamps and numbers are judged as a plain CSV is; mmol/L keeps its name."""
    stamps = pa.array(
        [1_781_000_000_000_000 + k * 300_000_000 for k in range(12)], pa.timestamp("us", tz="UTC")
    )
    table = pa.table({"time": stamps, "glucose_mmol_l": [5.5] * 12, "carbs_g": [None] * 11 + [30]})
    pq.write_table(table, tmp_path / "x.parquet")
    timeline = read_record(tmp_path / "x.parquet")
    assert timeline.glucose.mg_dl == pytest.approx(5.5 * 18.01559)
    assert timeline.meals.carbs_g.tolist() == [30]
    pq.write_table(pa.table({"a": [1]}), tmp_path / "y.parquet")
    with pytest.raises(InputError, match="no columns such as time and glucose_mg_dl"):
        read_record(tmp_path / "y.parquet")


def test_what_is_broken_or_changed_is_refused(tmp_path):
    """Cut files, another unit, impossible values and a later version: one line each."""
    path = tmp_path / "d.parquet"
    write_record(read_record(demo_record()), path)
    whole, table = path.read_bytes(), pq.read_table(path)
    for length in (4, 100, len(whole) // 2, len(whole) - 9):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="damaged or breaks off"):
            read_record(path)
    place = table.schema.get_field_index("glucose_mg_dl")
    wrong = table.schema.field(place).with_metadata({"unit": "mmol/L"})
    cases = [
        (table.cast(table.schema.set(place, wrong)), "is missing or not in mg/dL"),
        (table.set_column(place, table.schema.field(place), pa.array([1e4] * len(table))),
         "values outside 20 to 600"),
        (table.replace_schema_metadata({**table.schema.metadata, b"version": b"9"}),
         "another version"),
        (table.replace_schema_metadata({**table.schema.metadata, b"about": b"{}"}),
         "description within the file is broken"),
    ]  # fmt: skip
    for changed, says in cases:
        pq.write_table(changed, path)
        with pytest.raises(InputError, match=says):
            read_record(path)


def test_finger_sticks_diary_and_insulins_come_back(tmp_path):
    """What a data set of finger sticks holds: nothing of it is lost."""
    path = reader_documents.put(tmp_path, "aim94", reader_documents.BATTERY["aim94"].rows(1.0))
    with path.open("a") as file:
        file.write(
            "01-01-2026\t08:00\t58\t112\n01-01-2026\t09:00\t34\t14\n01-01-2026\t10:00\t69\t\n"
        )
    timeline = read_record(path)
    assert timeline.glucose_source == "finger"
    assert timeline.diary.words == ("before breakfast", "exercise")
    assert timeline.long_acting.insulin.tolist() == [2]
    assert plain(back(timeline, tmp_path)) == plain(timeline)


def test_an_account_that_does_not_add_up_is_refused(tmp_path):
    """Who changes the counts within a file is found out."""
    path = tmp_path / "d.parquet"
    write_record(read_record(demo_record()), path)
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"about"])
    about["accounts"][0][1] += 1
    head = {**table.schema.metadata, b"about": json.dumps(about).encode()}
    pq.write_table(table.replace_schema_metadata(head), path)
    with pytest.raises(InputError, match="account within the file does not add up"):
        read_record(path)
