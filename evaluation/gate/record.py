"""What an audit record keeps of a certification: ids and hashes, the verdict, every lane."""

from __future__ import annotations

from pathlib import Path

from ..audit import append
from ..audit_entry import Entry
from ..safety_case import SafetyCase

CERTIFIED = "certified"


def note_case(path: str | Path, case: SafetyCase) -> Entry:
    """Append a certification to an audit record.

    Raises
    ------
    InputError
        If the record cannot be written, or its end is broken.
    """
    payload = {
        "verdict": case.verdict,
        "scope": list(case.scope),
        "certificate_sha256": case.sha256,
        "policy_sha256": case.policy_sha256,
        "constraints_sha256": str(case.constraints["sha256"]),
        "population_sha256": str(case.population["sha256"]),
        "request": dict(case.request),
        "lanes": {lane.id: lane.status for lane in case.lanes},
        "bounds": [
            {
                "id": i.id, "group": i.group, "bound": i.bound, "limit": i.limit,
                "method": i.method, "delta": i.delta, "n": i.n, "holds": i.passed,
            }
            for i in case.items
        ],
        "expires": case.expires,
        "versions": dict(case.versions),
    }  # fmt: skip
    return append(path, CERTIFIED, payload)
