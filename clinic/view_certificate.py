"""What a report says of a certificate: its verdict, each bound against its limit, the worst."""

from __future__ import annotations

from typing import Any, Final

from ..evaluation.gate.lane import Lane
from ..evaluation.item_words import told
from ..evaluation.safety_case import ItemResult, SafetyCase
from . import figures

# What is told of the worst patients: key, heading, digits, unit; of each case only what it holds.
WORST: Final = (
    ("time_below_54", "Below 54", 1, "%"),
    ("min_glucose", "Lowest, mg/dL", 0, ""),
    ("time_in_range", "In range", 0, "%"),
    ("lowest_sbp", "Lowest systolic, mmHg", 0, ""),
    ("highest_potassium", "Highest potassium, mmol/L", 1, ""),
    ("lowest_potassium", "Lowest potassium, mmol/L", 1, ""),
    ("time_in_target", "In target", 0, "%"),
)


# How a lane's status is said, and whether it speaks for the policy (good), against it, or neither.
STATUS: Final = {
    "passed": ("passed", "good"),
    "failed": ("FAILED", "bad"),
    "unknown": ("NOT SHOWN", "bad"),
    "deferred": ("judged for this person, see Checks", ""),
    "not applicable": ("nothing to look at", ""),
}


def certificate_view(case: SafetyCase, group: str | None) -> dict[str, Any]:
    """Return everything a report shows of a certificate to a person of a group."""
    shown = [item for item in case.items if item.group in ("all", group)]
    return {
        "verdict": case.verdict,
        "scope": ", ".join(case.scope) or "nobody",
        "sentence": case.sentence,
        "assumptions": [dict(entry) for entry in case.assumptions],
        "items": [_item(item) for item in shown],
        "hidden": len(case.items) - len(shown),
        "lanes": [_lane(lane, group) for lane in case.lanes],
        "created": case.created[:10],
        "expires": case.expires[:10],
        "expired": case.expired(),
        "comparator": case.comparator,
        "population": f"{case.population.get('n')} virtual patients "
        f"({', '.join(case.population.get('groups', []))}), followed for "
        f"{case.constraints.get('horizon_days')} days each",
        "constraints": f"{case.constraints.get('name')} {case.constraints.get('version')}",
        "worst": worst_view(case),
        "hashes": {
            "certificate": case.sha256,
            "policy": case.policy_sha256,
            "constraints": str(case.constraints.get("sha256")),
            "population": str(case.population.get("sha256")),
        },
    }


def _lane(lane: Lane, group: str | None) -> dict[str, Any]:
    """Return what a lane claims and what it found, for a person's group if that is known."""
    status, tone = STATUS[lane.status if group is None else lane.found(group)]
    claim = lane.claim[0].upper() + lane.claim[1:]
    return {"id": lane.id, "claim": claim, "status": status, "tone": tone}


def worst_view(case: SafetyCase) -> dict[str, Any]:
    """Return headings and rows of the patients who fared worst."""
    columns = [c for c in WORST if any(c[0] in entry for entry in case.worst)]
    rows = [
        (
            str(entry.get("patient", "")),
            str(entry.get("group", "")),
            [_number(entry.get(key), digits, unit) for key, _, digits, unit in columns],
        )
        for entry in case.worst
    ]
    return {"columns": [heading for _, heading, _, _ in columns], "rows": rows}


def _number(value: Any, digits: int, unit: str) -> str:
    return "" if value is None else f"{value:.{digits}f} {unit}".strip()


def _item(item: ItemResult) -> dict[str, Any]:
    t = told(item)
    return {
        "id": item.id,
        "hazard": item.hazard,
        "what": t.what,
        "group": item.group,
        "observed": f"{t.observed:.2f}",
        "bound": f"{t.bound:.2f}",
        "limit": f"{t.limit:.2f}",
        "unit": t.unit,
        "bar": figures.limit_bar(used_share(item), item.passed),
        "n": item.n,
        "method": item.method,
        "confidence": f"{100 * item.confidence:.3g}\u00a0%",
        "passed": item.passed,
    }


def used_share(item: ItemResult) -> float:
    """Return how much of its limit a bound uses up; 1 is the limit, below 0 a gain."""
    if item.type == "hard":
        return 0.0 if item.passed else 1.5
    if item.type == "noninferiority" and item.harm == "below":
        return -item.bound / item.limit
    if item.type == "mean" and item.harm == "below":
        return item.limit / item.bound if item.bound > 0 else 1.5
    return item.bound / item.limit if item.limit > 0 else 1.5
