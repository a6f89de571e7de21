"""A twin that carries a bad reliability table may not be used for a recommendation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dosegym.clinic.gates_twin import twin_checks
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin

GOOD = {
    "days": 9.0,
    "minutes": {
        "60": {
            "filtered twin": {"crps": 9.0, "coverage_80": 0.78},
            "persistence": {"crps": 15.0, "coverage_80": 0.8},
        }
    },
}


def found(record: Timeline, twin: Twin, **change: float) -> dict[str, str]:
    """Return the status of each check when the twin's row an hour ahead is changed."""
    rows = GOOD["minutes"]["60"]  # type: ignore[index]
    table = {**GOOD, "minutes": {"60": {**rows, "filtered twin": {
        **rows["filtered twin"], **change}}}}  # fmt: skip
    carrying = replace(twin, quality={**twin.quality, "reliability": table})
    return {check.id: check.status for check in twin_checks(record, carrying)}


@pytest.mark.parametrize(
    ("change", "gate"),
    [({"crps": 15.5}, "twin-persistence"), ({"coverage_80": 0.5}, "twin-honest")],
)
def test_a_bad_table_fails_its_gate_alone(
    record: Timeline, twin: Twin, change: dict[str, float], gate: str
) -> None:
    """A good table passes both gates; worse than the last reading, or too narrow, fails one."""
    good, bad = found(record, twin), found(record, twin, **change)
    assert good["twin-persistence"] == good["twin-honest"] == "passed"
    assert bad[gate] == "failed"
    assert {k: v for k, v in bad.items() if k != gate} == {
        k: v for k, v in good.items() if k != gate
    }


def test_without_a_table_nothing_is_asked_and_an_empty_one_blocks(
    record: Timeline, twin: Twin
) -> None:
    """Twins without a table keep their checks; a table without the hour is not a pass."""
    plain = {check.id for check in twin_checks(record, twin)}
    assert not plain & {"twin-persistence", "twin-honest"}
    empty = replace(twin, quality={**twin.quality, "reliability": {"days": 1, "minutes": {}}})
    blocked = {check.id for check in twin_checks(record, empty) if check.blocks}
    assert {"twin-persistence", "twin-honest"} <= blocked
