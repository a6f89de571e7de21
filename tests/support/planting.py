"""Names, serials, birth dates and words planted into documents, looked for in what comes out."""

from __future__ import annotations

import csv
import io
import json
import re

FREE = re.compile(
    r"device|serial|info|notes?$|subtype|generated|transmitter|non-numeric|label|comment|symptom"
    r"|source|patient",
    re.IGNORECASE,
)
TOLD = re.compile(r"Vy[a-z]+|Qz[a-z]+|SN9\w+|19\d\d-\d\d-\d\d")
EXAMPLE = {
    "name": "Qzabcdefgh", "serial": "SN9123456789X", "born": "1931-02-11",
    "words": "saw aunt Vyabcdefg today",
}  # fmt: skip


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
    """Fill the empty cells of columns that hold names, devices or words, and the preamble.

    A table without such a column gets some; one without a header gets rows that hold them.
    """
    lines = [line.replace("Ada", secret["name"]) for line in text.splitlines()]
    mark = max(",;\t", key=lines[-1].count)
    rows = [next(csv.reader([line], delimiter=mark), []) for line in lines]
    headers = [at for at, cells in enumerate(rows) if _is_header(cells)]
    if not headers:
        words = [secret["name"], secret["serial"], secret["words"]]
        stamp = mark.join(lines[-1].split(mark)[:2])
        return "\n".join([*lines, mark.join(words), f"{stamp}{mark}72{mark}{secret['words']}", ""])
    keyed = lines[0].startswith("#")  # such a table refuses columns that it does not know
    if not keyed and not any(FREE.search(cell) for at in headers for cell in rows[at]):
        for at, cells in enumerate(rows):
            if not lines[at].startswith("#"):
                cells += ["device serial", "comments", "patient"] if at in headers else ["", "", ""]
    out, free = [], []
    for at, cells in enumerate(rows):
        if at in headers:
            free = [place for place, cell in enumerate(cells) if FREE.search(cell)]
        elif not lines[at].startswith("#"):
            values = [secret["serial"], secret["words"], secret["name"]]
            for number, place in enumerate(free):
                if place < len(cells) and not cells[place].strip():
                    cells[place] = values[number % 3]
        held = io.StringIO()
        csv.writer(held, delimiter=mark, lineterminator="").writerow(cells)
        out.append(held.getvalue() if cells and not lines[at].startswith("#") else lines[at])
    if keyed:
        out[0:0] = [f"# {secret['words']}", f"# subject: {secret['name']} {secret['born']}"]
    return "\n".join([*out, ""])


def _is_header(cells):
    """Tell whether cells are a header: words, one of them of glucose, time or pressure."""
    named = any(re.search(r"gluc|time|syst|^cgm$|^hour", cell, re.IGNORECASE) for cell in cells)
    return named and not any(re.fullmatch(r"[\d.,:-]+", cell) for cell in cells if cell)


def parts(thing):
    """Return every part of a record as text, columns whole."""
    if hasattr(thing, "__dataclass_fields__"):
        return " ".join(f"{name}={parts(getattr(thing, name))}" for name in vars(thing))
    if hasattr(thing, "items"):
        return " ".join(f"{key}={parts(value)}" for key, value in thing.items())
    if isinstance(thing, tuple | list):
        return " ".join(map(parts, thing))
    return repr(thing.tolist() if hasattr(thing, "tolist") else thing)


def leaks(text, secret):
    """Return the secrets, and words of them, that stand in a text."""
    pieces = {piece for planted_text in secret.values() for piece in TOLD.findall(planted_text)}
    return sorted(piece for piece in pieces if piece in text)


def assert_silent(text, secret):
    """Check that no secret, and no word of one, is in a text."""
    assert not leaks(text, secret)
