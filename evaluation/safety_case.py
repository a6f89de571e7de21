"""The record of a certification: verdict, bounds against limits, assumptions, hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..envs.core import json_ready
from ..physiology.errors import InputError
from .gate.lane import Lane, conclude, lane_of
from .verdict import ItemResult
from .write import write_text

__all__ = ["ItemResult", "SafetyCase", "load_case"]

FORMAT = 2


@dataclass(frozen=True)
class SafetyCase:
    """What was shown about a policy, on whom, how surely, and under which assumptions."""

    verdict: str
    scope: tuple[str, ...]
    items: tuple[ItemResult, ...]
    lanes: tuple[Lane, ...]
    sentence: str
    assumptions: tuple[Mapping[str, str], ...]
    policy: Mapping[str, Any]
    policy_sha256: str
    constraints: Mapping[str, Any]
    population: Mapping[str, Any]
    environment: Mapping[str, Any]
    comparator: str
    created: str
    expires: str
    versions: Mapping[str, str]
    worst: tuple[Mapping[str, Any], ...]
    request: Mapping[str, Any]

    @property
    def passed(self) -> bool:
        """True only for RELEASE."""
        return self.verdict == "RELEASE"

    def covers(self, group: str) -> bool:
        """Whether a patient of this age group lies in the released scope."""
        return self.verdict in ("RELEASE", "RESTRICT") and group in self.scope

    def expired(self, now: datetime | None = None) -> bool:
        """Whether the validity has ended; ``now``, with a time zone, is the present by default."""
        return (now or datetime.now(UTC)) > datetime.fromisoformat(self.expires)

    def to_dict(self) -> dict[str, Any]:
        """Return the case in JSON, with the hash of its content."""
        plain = json_ready({"format": FORMAT, **asdict(self)})
        content: dict[str, Any] = json.loads(json.dumps(plain, default=str))
        return content | {"sha256": _digest(content)}

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return str(self.to_dict()["sha256"])

    def write_json(self, path: str | Path) -> None:
        """Write the case, whole or not at all."""
        write_text(path, _render(self.to_dict()))


def _render(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1) + "\n"


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def load_case(path: str | Path) -> SafetyCase:
    """Load a certificate.

    Raises
    ------
    InputError
        If the file is missing, unreadable, of another version, was changed by a single byte after
        it was written, or its verdict does not follow from its items and lanes.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
        data = json.loads(text)
    except OSError as error:
        raise InputError(
            f"certificate {path} cannot be read ({error.strerror}); give the file that "
            "`dosegym certify --json` wrote"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"certificate {path} is not JSON ({error}); certify again") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"certificate {path} is of another version; certify again")
    written = _render(data)
    stated = data.pop("sha256", None)
    if stated != _digest(data) or text != written:
        raise InputError(
            f"certificate {path} was changed after it was written (its hash or its layout does not "
            "fit its content); certify again"
        )
    del data["format"]
    try:
        return _case_of(data)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"certificate {path} does not hold together ({error}); certify again"
        ) from None


def _case_of(data: dict[str, Any]) -> SafetyCase:
    """Return the case, after deriving its verdict from its items and lanes once more."""
    items = tuple(ItemResult(**item) for item in data.pop("items"))
    lanes = tuple(lane_of(lane) for lane in data.pop("lanes"))
    for key in ("scope", "assumptions", "worst"):
        data[key] = tuple(data[key])
    case = SafetyCase(items=items, lanes=lanes, **data)
    if any(item.passed != (item.slack >= 0.0) for item in items):
        raise ValueError("an item's verdict is not that of its slack")
    if (case.verdict, case.scope) != conclude(items, lanes, case.population["groups"]):
        raise ValueError("the verdict is not that of its items and lanes")
    return case
