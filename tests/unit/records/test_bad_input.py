"""Bad files and arguments: one clear line that names the quantity, the value and the mend."""

from __future__ import annotations

import json

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import files, read_record

ENTRIES = json.dumps(
    [{"type": "sgv", "sgv": 120 + k % 9, "date": (1767225600 + 300 * k) * 1000} for k in range(288)]
)


def refusal(path, **options):
    """Return the one line with which reading is refused."""
    with pytest.raises(InputError) as refused:
        read_record(path, **options)
    line = str(refused.value)
    assert line
    assert "\n" not in line
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; export it again"),
        (b" \n\t", "is empty; export it again"),
        (b"\xef\xbb\xbf", "is empty; export it again"),
        (ENTRIES[:5000].encode(), "breaks off at line 1"),
        (b'[{"sgv": 120, "da', "breaks off"),
        (b'{"entries": [1, 2,, 3]}' + b" " * 99 + b"x", "is malformed at line 1, column 19"),
        (b"[" * 200_000, "nested too deep"),
        (b"[]", "is an empty JSON list"),
        (b"{}", "is in no known format"),
        (b'"text"', "is in no known format"),
        (b'{"resourceType": "Bundle"}', "FHIR: the bundle holds no resource; export it again"),
        (b"PK\x03\x04\x00\x00\x08", "is not text"),
        (bytes(range(256)) * 4, "is not text"),
        (b"\xff\xfeA", "is not text"),
        (b"a,b\n1,2\n", "is in no known format"),
        (b"Glucose Data,Generated on,01-01-2026\nDevice,Serial\n", "is a LibreView export"),
        (b"Last Name;First Name\n;\n", "is a CareLink export"),
        (b'time,glucose_mg_dl\n"2026-01-01T00:00Z,100\n', "no readable time|readings is usable"),
        (b"time,glucose_mg_dl\n", "none of the 0 readings is usable"),
        (b'{"entries": [], "treatments": []}', "there are no entries"),
        (b'{"entries": [{"sgv": 120}], "treatments": []}', "readings is usable"),
        (b'{"entries": {"sgv": 1}, "treatments": 7, "profile": "x"}', "readings is usable"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path, content, says):
    """Empty, truncated, binary, foreign and hollow files each say what is wrong with them."""
    import re

    path = tmp_path / "record.dat"
    path.write_bytes(content)
    assert re.search(says, refusal(path))


def test_missing_paths_and_empty_folders(tmp_path):
    """The path is named, and what to give instead."""
    assert "there is no file or folder" in refusal(tmp_path / "nope.json")
    assert "holds no JSON or CSV file" in refusal(tmp_path)
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.txt").write_text("world")
    assert "no file in the folder" in refusal(tmp_path)


def test_too_large_a_file_is_refused_before_it_is_read(tmp_path, monkeypatch):
    """The limit is 200 MB; the message gives size, limit and mend."""
    assert files.SIZE_LIMIT_BYTES == 200_000_000
    monkeypatch.setattr(files, "SIZE_LIMIT_BYTES", 3_000_000)
    path = tmp_path / "big.json"
    path.write_bytes(b" " * 4_000_000)
    assert "has 4 MB, more than 3 MB; export a shorter period" in refusal(path)
    assert "more than 3 MB" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"format": "clarty"}, "format: 'clarty' is unknown; use one of nightscout, clarity"),
        ({"format": "clarity"}, "format: clarity was asked for but .* is nightscout"),
        ({"unit": "g/L"}, "unit: 'g/L' is not a glucose unit"),
        ({"unit": "mmol/L"}, r"median 124 declared as mmol/L is above 30.*unit='mg/dL'"),
        ({"timezone": "Mars/Olympus"}, "timezone: 'Mars/Olympus' is neither"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(tmp_path, options, says):
    """Each argument is checked and its choices are named."""
    import re

    path = tmp_path / "entries.json"
    path.write_text(ENTRIES)
    assert re.search(says, refusal(path, **options))


def test_two_formats_in_one_folder_are_refused(tmp_path):
    """Two formats may be two persons."""
    (tmp_path / "entries.json").write_text(ENTRIES)
    (tmp_path / "p.csv").write_text("time,glucose_mg_dl\n2026-01-01T00:00Z,100\n")
    assert "holds nightscout and plain_csv files; give one file" in refusal(tmp_path)


def test_a_truncated_sibling_is_refused_rather_than_left_out(tmp_path):
    """Reading glucose without the treatments that lie beside would hide insulin."""
    (tmp_path / "x_entries.json").write_text(ENTRIES)
    (tmp_path / "x_treatments.json").write_text('[{"eventType": "Bolus", "insu')
    assert "x_treatments.json" in refusal(tmp_path / "x_entries.json")


def test_every_truncation_of_a_file_is_refused_or_accounted_for(tmp_path):
    """Cut anywhere, JSON is refused; it never reads as a shorter record."""
    path = tmp_path / "entries.json"
    for length in range(1, len(ENTRIES), 997):
        path.write_text(ENTRIES[:length])
        assert "entries.json" in refusal(path), length


def test_three_hours_read_fine(tmp_path):
    """A short record is read; whether it suffices is judged elsewhere."""
    path = tmp_path / "entries.json"
    path.write_text(json.dumps(json.loads(ENTRIES)[:36]))
    timeline = read_record(path)
    assert timeline.span_days * 24 == pytest.approx(3.0)
