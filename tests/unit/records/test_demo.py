"""The bundled demonstration record."""

from __future__ import annotations

import json

from dosegym.records import assess, demo_record, read_record


def test_the_bundled_record_reads_and_suffices_for_everything():
    """Fourteen days with insulin and carbohydrate pass every gate; its flaws are all named."""
    timeline = read_record(demo_record())
    verdict = assess(timeline)
    assert all(gate.passed for gate in verdict.gates)
    assert round(timeline.span_days) == 14
    assert timeline.timezone == "Europe/Rome"
    assert (timeline.glucose.censored == -1).sum() >= 5
    assert timeline.basal is not None
    assert not timeline.basal.assumed.any()
    assert {item.reason for item in timeline.dropped} >= {
        "glucose: same identifier as another row",
        "glucose: less than 30 s after another reading",
        "glucose: sensor state, not glucose (below 39)",
        "bolus: duplicate (same time and amount)",
    }


def test_the_bundled_record_is_a_person_worth_treating():
    """Time in range lies where treated adults are, with lows as well as highs."""
    glucose = read_record(demo_record()).glucose.mg_dl
    in_range = ((glucose >= 70) & (glucose <= 180)).mean()
    assert 0.6 < in_range < 0.75
    assert 0.02 < (glucose < 70).mean() < 0.06


def test_the_bundled_record_is_small_strict_json():
    """It stays under 900 kB and parses without any leniency."""
    path = demo_record()
    assert path.stat().st_size < 900_000
    document = json.loads(path.read_text("utf-8"))
    assert set(document) == {"entries", "treatments", "profile"}
