"""What the fuzzing of the readers found, each as the smallest text that showed it."""

from __future__ import annotations

import time

import pytest

from dosegym.physiology.errors import InputError
from dosegym.records import read_pressure, read_record
from dosegym.records.dosage import dose_in_words, strengths_mg
from dosegym.records.fhir_medication import drugs_of
from dosegym.records.local_time import record_day_order


def seconds(call):
    """Return how long a call takes, s."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


@pytest.mark.parametrize(
    "text", ["9" * 100_000, "1 mg " * 20_000, " " * 100_000, "1" + " " * 99_999]
)
def test_a_giant_drug_text_is_read_in_no_time(text):
    """A hundred thousand letters in a drug's or a dosage's text took minutes."""
    assert seconds(lambda: strengths_mg(text)) < 1.0
    assert seconds(lambda: drugs_of(f"amlodipine {text}", [])) < 1.0
    assert seconds(lambda: dose_in_words(text)) < 1.0
    assert drugs_of(f"amlodipine {text}", [])[0][0] == "amlodipine"


def test_a_day_that_no_calendar_has_does_not_break_the_order_of_dates():
    """31-02 among the dates of a file ended in a ValueError."""
    with pytest.raises(InputError, match="may be day first or month first"):
        record_day_order(["02-02-2026", "06-02-2026", "00-09-2026"], None)


@pytest.mark.parametrize("mark", ["\x85", "\x91", "\u2028", "\u202e"])
def test_a_file_s_words_are_shown_in_one_printable_line(tmp_path, mark):
    """Line breaks and direction marks of a file reached the terminal with the refusal."""
    path = tmp_path / "record.csv"
    path.write_text(f"time,glucose_mg_dl,ba{mark}sal_u_per_h\n2026-01-01T00:00:00Z,100,1\n")
    with pytest.raises(InputError) as refused:
        read_record(path)
    assert str(refused.value).isprintable()
    path.write_text(f"id,time,gl\nP1,2026-01-01T00:00:00Z,100\nP{mark}2,2026-01-01T00:00:00Z,100\n")
    with pytest.raises(InputError, match="holds 2 people") as refused:
        read_record(path)
    assert str(refused.value).isprintable()
    path.write_text(f"# conditions: go{mark}ut\ndate,systolic,diastolic\n2026-01-01 07:00,140,90\n")
    with pytest.raises(InputError) as refused:
        read_pressure(path)
    assert str(refused.value).isprintable()
