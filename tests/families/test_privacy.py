"""Names, serials, birth dates and free text planted in every format come out nowhere."""

from __future__ import annotations

import json
import logging

import pressure_documents as PRESSURES
import pyarrow.parquet as pq
import pytest
import reader_documents as READERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planting import EXAMPLE, assert_silent, parts, planted

from dosegym.records import (
    PRESSURE_FORMATS,
    deidentified,
    read_genotype,
    read_pressure,
    read_record,
    record_text,
    write_record,
)
from dosegym.twins import fit_twin

secrets = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"Qz[a-z]{8}", fullmatch=True),
        "serial": st.from_regex(r"SN9[0-9]{9}X", fullmatch=True),
        "born": st.from_regex(r"19[0-4][0-9]-0[1-9]-1[0-9]", fullmatch=True),
        "words": st.from_regex(r"saw aunt Vy[a-z]{7} today", fullmatch=True),
    }
)
several = settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def everything(record, folder):
    """Return all that a record may become: its parts, plain CSV, Parquet, and shifted."""
    write_record(record, folder / "out.parquet")
    table = pq.read_table(folder / "out.parquet")
    texts = [parts(record), repr(table.to_pylist()), repr(table.schema.metadata)]
    texts.append(parts(deidentified(record, bytes(32))))
    if hasattr(record, "glucose"):
        texts.append(record_text(record))
    return "\n".join(texts)


@pytest.mark.parametrize("name", sorted(READERS.BATTERY))
@several
@given(secret=secrets)
def test_nothing_planted_comes_out_of_any_reader(tmp_path, caplog, name, secret):
    """Parts of the timeline, losses, notes, plain CSV, Parquet, the shifted copy and the log."""
    caplog.set_level(logging.DEBUG)
    form = READERS.BATTERY[name]
    path = READERS.put(tmp_path, name, form.rows(1.0), stem=f"of {secret['name']}")
    text = planted(path.read_text("utf-8"), form.suffix, secret)
    assert any(piece in text for piece in secret.values())
    path.write_text(text, encoding="utf-8")
    timeline = read_record(path)
    assert len(timeline.glucose) == len(READERS.GLUCOSE)
    assert_silent(everything(timeline, tmp_path) + caplog.text, secret)


@pytest.mark.parametrize("name", sorted(PRESSURES.BATTERY))
@several
@given(secret=secrets)
def test_nothing_planted_comes_out_of_a_chart(tmp_path, caplog, name, secret):
    """The same of FHIR and of home tables, units and drug texts included."""
    caplog.set_level(logging.DEBUG)
    assert set(PRESSURES.BATTERY) <= set(PRESSURE_FORMATS)
    path = PRESSURES.put(tmp_path, name, PRESSURES.BATTERY[name].rows())
    suffix = PRESSURES.BATTERY[name].suffix
    path.write_text(planted(path.read_text("utf-8"), suffix, secret), encoding="utf-8")
    record = read_pressure(path)
    assert len(record.readings) == len(PRESSURES.TIMES)
    assert_silent(everything(record, tmp_path) + caplog.text, secret)


@several
@given(secret=secrets)
def test_nothing_planted_comes_out_of_a_genotype(tmp_path, secret):
    """A sample's name, a report's title and a VCF's comments are not kept."""
    head = f"##fileformat=VCFv4.2\n##source={secret['words']}\n#CHROM\tPOS\tID\tREF\tALT\tQUAL"
    row = f"chr16\t31096368\t{secret['serial']}\tC\tT\t.\tPASS\t.\tGT\t0/1"
    path = tmp_path / "x.vcf"
    path.write_text(f"{head}\tFILTER\tINFO\tFORMAT\t{secret['name']}\n{row}\n")
    genes = read_genotype(path)
    assert genes["VKORC1"].known
    assert_silent(parts(genes), secret)
    label = {"label": f"{secret['name']}/*1", "phenotypes": [secret["words"]]}
    call = {"callSource": "MATCHER", "sourceDiplotypes": [label]}
    report = {"title": secret["name"], "pharmcatVersion": "3", "genes": {"CYP2C9": call}}
    path.write_text(json.dumps(report))
    assert_silent(parts(read_genotype(path)), secret)


def test_nothing_planted_comes_out_of_a_twin(tmp_path):
    """The twin of a planted record, as JSON, with the notes that its report shows."""
    secret = EXAMPLE
    path = READERS.put(tmp_path, "nightscout", READERS.BATTERY["nightscout"].rows(1.0))
    path.write_text(planted(path.read_text(), ".json", secret))
    twin = fit_twin(read_record(path), starts=1)
    assert_silent(json.dumps(twin.to_dict()) + repr(twin), secret)
