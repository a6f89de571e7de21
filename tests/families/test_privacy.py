"""Names, serials, birth dates and free text planted in every format come out nowhere."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import logging
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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


def battery(name):
    """Return another family's module, for its files of every format."""
    place = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"battery_of_{name}", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READERS, PRESSURES = battery("test_readers"), battery("test_pressure_readers")
FREE = re.compile(
    r"device|serial|info|notes?$|subtype|generated|transmitter|non-numeric|label|comment|symptom"
    r"|source|patient",
    re.IGNORECASE,
)
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


def planted(text, suffix, secret):
    """Return the text of a file with secrets wherever its format has room for them."""
    name, serial, words = secret["name"], secret["serial"], secret["words"]
    if suffix == ".xml":
        text = text.replace('sourceName="app"', f'sourceName="{name}" device="{serial}"')
        told = f'<MetadataEntry key="{words}" value="{words}"/></Record>'
        born = f'<Me HKCharacteristicTypeIdentifierDateOfBirth="{secret["born"]}"/>'
        strange = f'<Record type="{words}" sourceName="{name}" value="{serial}"/>'
        text = text.replace("</Record>", told).replace("<HealthData>", f"<HealthData>{born}")
        return text.replace("</HealthData>", f"{strange}</HealthData>")
    return _json(text, secret) if suffix == ".json" else _csv(text, secret)


def _json(text, secret):
    """Give every object a name, a serial, a birth date and notes, and every list a strange row."""
    extra = {
        "name": [{"text": secret["name"], "family": secret["name"]}], "notes": secret["words"],
        "note": [{"text": secret["words"]}], "enteredBy": secret["name"],
        "device": secret["serial"], "serialNumber": secret["serial"],
        "deviceId": secret["serial"], "birthDate": secret["born"], "title": secret["words"],
        "text": {"div": f"<div>{secret['words']}</div>"}, "fullName": secret["name"],
        "display": secret["name"], "performer": [{"display": secret["name"]}],
    }  # fmt: skip

    def walk(thing):
        if isinstance(thing, list):
            return [walk(item) for item in thing]
        if not isinstance(thing, dict):
            return thing
        return {**extra, **{key: walk(value) for key, value in thing.items()}}

    document = walk(json.loads(text))
    strange = {"eventType": secret["words"], "type": secret["name"], "created_at": secret["words"]}
    if isinstance(document, list):
        document.append({**strange, "time": "2026-01-01T00:00:00Z"})
    elif isinstance(document.get("treatments"), list):
        document["treatments"].append(strange)
    elif isinstance(document.get("entry"), list):
        patient = {"resourceType": "Patient", "id": "1", **extra}
        unit = {"value": 4.1, "unit": secret["name"]}
        code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}], **extra}
        odd = {"resourceType": "Observation", "status": "final", "code": code,
               "effectiveDateTime": "2026-01-01", "valueQuantity": unit}  # fmt: skip
        drug = {"resourceType": "MedicationRequest", "status": "active", "intent": "order",
                "medicationCodeableConcept": {"text": f"Lisinopril 10 MG {secret['name']}"},
                "authoredOn": "2026-01-01", "dosageInstruction": [{"text": secret["words"],
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1, "unit": secret["name"]}}]}],
                }  # fmt: skip
        told = any(row["resource"]["resourceType"] == "Patient" for row in document["entry"])
        rows = [odd, drug] if told else [patient, odd, drug]
        document["entry"] += [{"resource": row} for row in rows]
    return json.dumps(document)


def _csv(text, secret):
    """Fill the empty cells of columns that hold names, devices or words, and the preamble."""
    lines = [line.replace("Ada", secret["name"]) for line in text.splitlines()]
    mark = max(",;\t", key=lines[-1].count)
    free: list[int] = []
    out = []
    for line in lines:
        cells = next(csv.reader([line], delimiter=mark), [])
        header = [i for i, cell in enumerate(cells) if FREE.search(cell)]
        named = any(re.search(r"gluc|time|syst", cell, re.IGNORECASE) for cell in cells)
        if named and not any(re.fullmatch(r"[\d.,:-]+", cell) for cell in cells if cell):
            free = header
        else:
            values = [secret["serial"], secret["words"], secret["name"]]
            for number, place in enumerate(free):
                if place < len(cells) and not cells[place].strip():
                    cells[place] = values[number % 3]
        held = io.StringIO()
        csv.writer(held, delimiter=mark, lineterminator="").writerow(cells)
        out.append(held.getvalue() if cells and not line.startswith("#") else line)
    if out[0].startswith("#"):
        out[0:0] = [f"# {secret['words']}", f"# subject: {secret['name']} {secret['born']}"]
    return "\n".join([*out, ""])


def everything(record, folder):
    """Return all that a record may become: its parts, plain CSV, Parquet, and shifted."""
    write_record(record, folder / "out.parquet")
    table = pq.read_table(folder / "out.parquet")
    texts = [parts(record), repr(table.to_pylist()), repr(table.schema.metadata)]
    texts.append(parts(deidentified(record, bytes(32))))
    if hasattr(record, "glucose"):
        texts.append(record_text(record))
    return "\n".join(texts)


def parts(thing):
    """Return every part of a record as text, columns whole."""
    if hasattr(thing, "__dataclass_fields__"):
        return " ".join(f"{name}={parts(getattr(thing, name))}" for name in vars(thing))
    if hasattr(thing, "items"):
        return " ".join(f"{key}={parts(value)}" for key, value in thing.items())
    if isinstance(thing, tuple | list):
        return " ".join(map(parts, thing))
    return repr(thing.tolist() if hasattr(thing, "tolist") else thing)


def assert_silent(text, secret):
    """Check that no secret, and no word of one, is in a text."""
    for planted_text in secret.values():
        for piece in re.findall(r"Vy[a-z]+|Qz[a-z]+|SN9\w+|19\d\d-\d\d-\d\d", planted_text):
            assert piece not in text


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
    secret = {"name": "Qzabcdefgh", "serial": "SN9123456789X", "born": "1931-02-11",
              "words": "saw aunt Vyabcdefg today"}  # fmt: skip
    path = READERS.put(tmp_path, "nightscout", READERS.BATTERY["nightscout"].rows(1.0))
    path.write_text(planted(path.read_text(), ".json", secret))
    twin = fit_twin(read_record(path), starts=1)
    assert_silent(json.dumps(twin.to_dict()) + repr(twin), secret)
