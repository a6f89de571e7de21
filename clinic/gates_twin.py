"""Gates on the twin: it is this person's, it fits, and it foretold a day that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ..records.timeline import Timeline
from ..twins.observations import observe
from ..twins.twin import Twin
from .checks import Check, judged, percent, skipped
from .limits import ESSENTIAL, LIMITS, GateLimits

HELD_OUT_SAMPLES: Final = 288
WEIGHT_TOLERANCE: Final = 0.02
TITLES: Final = {
    "twin-fitted": "Twin fitted",
    "twin-own": "Twin belongs to this record and person",
    "twin-fit": "Error of the fit",
    "twin-forecast": "Error on the held-out day",
    "twin-skill": "Held-out day foretold better than by the average",
    "twin-coverage": "Held-out readings inside the 90 % band",
    "twin-known": "What doses depend on is known",
}
# Checked where the twin carries a reliability table (``evaluation.twin_table``).
TABLE_TITLES: Final = {
    "twin-persistence": "An hour ahead foretold better than by the last reading",
    "twin-honest": "An hour ahead inside the 80 % band",
}
TABLE_MIN: Final = "60"


def twin_checks(
    record: Timeline, twin: Twin | None, why_not: str = "", limits: GateLimits = LIMITS
) -> list[Check]:
    """Return the checks on a twin; without one, the reason why there is none."""
    if twin is None:
        first = judged("twin-fitted", TITLES["twin-fitted"], False, why_not, "a twin", "")
        return [first, *(_no(id, "there is no twin") for id in TITLES if id != "twin-fitted")]
    held = twin.quality.get("held_out_day")
    return [
        judged("twin-fitted", TITLES["twin-fitted"], True, _size(twin), "a twin", ""),
        _own(record, twin, limits),
        _fit(twin, limits),
        *_held_out(record, held, limits),
        *_table(twin.quality.get("reliability"), limits),
        _known(twin),
    ]


def _no(id: str, why: str) -> Check:
    return skipped(id, TITLES[id], "-", why)


def _size(twin: Twin) -> str:
    return f"{twin.quality['readings']} readings of {twin.quality['days']:.1f} days"


def _own(record: Timeline, twin: Twin, limits: GateLimits) -> Check:
    wrong = []
    if twin.record_sha256 != record.source_sha256:
        wrong.append("fitted to another record")
    behind = (float(record.glucose.time_s[-1]) - twin.end_s) / 60.0
    if behind > limits.stale_min.value:
        wrong.append(f"its record ends {behind / 60.0:.1f} h before the last reading")
    group = age_group(record)
    if group is not None and twin.group != group:
        wrong.append(f"fitted as {twin.group}, the person is {group}")
    weight = record.settings.weight_kg
    own = float(np.exp(twin.where.centre["BW"]))
    if weight is not None and abs(own / weight - 1.0) > WEIGHT_TOLERANCE:
        wrong.append(f"fitted with {own:.0f} kg, the person weighs {weight:g} kg")
    return judged(
        "twin-own",
        TITLES["twin-own"],
        not wrong,
        "; ".join(wrong) or f"record {twin.record_sha256[:12]}, {twin.group}, {own:.0f} kg",
        "same record, age group and weight",
        "fit the twin again: leave --twin out",
    )


def age_group(record: Timeline) -> str | None:
    """Return the age group of a person, None where the age is not stated."""
    age = record.settings.age_years
    if age is None:
        return None
    return "adult" if age >= 18 else "adolescent" if age >= 12 else "child"


def _fit(twin: Twin, limits: GateLimits) -> Check:
    need = limits.fit_error
    error = float(twin.quality["mard_percent"])
    return judged(
        "twin-fit",
        TITLES["twin-fit"],
        error <= need.value,
        f"{error:.1f} % of the reading on average",
        f"at most {need.value:g} %",
        "log meals and doses completely, or export another period",
        reason=need.reason,
    )


def _held_out(record: Timeline, held: Mapping[str, Any] | None, limits: GateLimits) -> list[Check]:
    ids = ("twin-forecast", "twin-skill", "twin-coverage")
    if not held:
        why = "less than three days: no day could be held out"
        return [_no(id, why) for id in ids]
    error, coverage = float(held["rmse_mg_dl"]), float(held["coverage_90"])
    naive = own_average_error(record)
    mend = "log meals and doses completely, or export a longer period"
    rmse, share = limits.held_out_error, limits.held_out_coverage
    return [
        judged(
            ids[0], TITLES[ids[0]], error <= rmse.value, f"{error:.1f} mg/dL",
            f"at most {rmse.value:g} mg/dL", mend, reason=rmse.reason,
        ),
        judged(
            ids[1], TITLES[ids[1]], error < naive, f"{error:.1f} mg/dL",
            f"below {naive:.1f} mg/dL, the error of the record's own average", mend,
            reason="project choice: a twin that a constant beats knows nothing of the day",
        ),
        judged(
            ids[2], TITLES[ids[2]], coverage >= share.value, percent(coverage),
            f"at least {percent(share.value)}", mend, reason=share.reason,
        ),
    ]  # fmt: skip


def _table(table: Mapping[str, Any] | None, limits: GateLimits) -> list[Check]:
    """Return the checks on a reliability table; none where the twin carries none."""
    if not table:
        return []
    rows = table["minutes"].get(TABLE_MIN)
    if rows is None:
        return [_unmade(id) for id in TABLE_TITLES]
    own, naive = rows["filtered twin"], rows["persistence"]
    mend = "log meals and doses completely, or export a longer period"
    least = limits.table_coverage
    return [
        judged(
            "twin-persistence", TABLE_TITLES["twin-persistence"], own["crps"] < naive["crps"],
            f"{own['crps']:.1f} mg/dL", f"below {naive['crps']:.1f} mg/dL (probability score)",
            mend, reason="project choice: who cannot beat the last reading should not dose",
        ),
        judged(
            "twin-honest", TABLE_TITLES["twin-honest"], own["coverage_80"] >= least.value,
            percent(own["coverage_80"]), f"at least {percent(least.value)}", mend,
            reason=least.reason,
        ),
    ]  # fmt: skip


def _unmade(id: str) -> Check:
    return skipped(id, TABLE_TITLES[id], "-", "the table has no row an hour ahead")


def own_average_error(record: Timeline) -> float:
    """Return the error (mg/dL, root mean square) on the last day of the mean of the days before."""
    glucose = observe(record).glucose
    before, last = glucose[:-HELD_OUT_SAMPLES], glucose[-HELD_OUT_SAMPLES:]
    return float(np.sqrt(np.nanmean((last - np.nanmean(before)) ** 2)))


def _known(twin: Twin) -> Check:
    known = {row["name"]: row for row in twin.known()}
    weak = [
        words
        for words, names in ESSENTIAL.items()
        if all(known[name]["verdict"] == "prior-dominated" for name in names)
    ]
    return judged(
        "twin-known",
        TITLES["twin-known"],
        not weak,
        f"not learnt from the record: {', '.join(weak)}" if weak else ", ".join(ESSENTIAL),
        "each known beyond the prior",
        "export days with meals, boluses and fasting nights",
        reason="project choice: a prior is not this person",
    )
