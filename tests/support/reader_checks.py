"""What has to hold of any timeline: its account adds up, and its data can be compared whole."""

from __future__ import annotations

from dataclasses import replace

from dosegym.records import record_text


def content(timeline):
    """Return all data of a record as text, without the name that the file's hash gives it."""
    return record_text(replace(timeline, subject="P1"))


def assert_accounts(timeline):
    """Check the account of every kind against the losses and the columns."""
    lost: dict[str, int] = {}
    for item in timeline.dropped:
        assert item.count > 0
        assert item.example
        kind = item.reason.split(":")[0]
        lost[kind] = lost.get(kind, 0) + item.count
    kept = {item.kind: item.kept for item in timeline.accounts}
    for item in timeline.accounts:
        assert item.seen == item.kept + lost.get(item.kind, 0)
        assert item.kept >= 0
    assert kept["glucose"] == len(timeline.glucose)
    assert kept.get("bolus", 0) == len(timeline.boluses)
    assert kept.get("carbs", 0) == len(timeline.meals)
    assert kept.get("long-acting insulin", 0) == len(timeline.long_acting)
