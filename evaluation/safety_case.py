"""The record of a certification: verdict, bounds against limits, assumptions, hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from ..therapy.constraint import ConstraintSet
from .write import write_text

FORMAT = 1
VERDICTS = ("RELEASE", "RESTRICT", "NO_SOLUTION")


@dataclass(frozen=True)
class ItemResult:
    """One constraint item judged on one group.

    ``limit`` is the largest share of harmed patients (chance), the limit of the mean (mean) or the
    margin (noninferiority); ``observed`` and ``bound`` are in the same unit; ``slack`` >= 0 passes.
    """

    id: str
    hazard: str
    type: str
    signal: str
    unit: str
    harm: str
    group: str
    limit: float
    threshold: float | None
    n: int
    observed: float
    bound: float
    slack: float
    passed: bool
    method: str
    confidence: float
    delta: float
    source: str


@dataclass(frozen=True)
class SafetyCase:
    """What was shown about a policy, on whom, how surely, and under which assumptions."""

    verdict: str
    scope: tuple[str, ...]
    items: tuple[ItemResult, ...]
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

    @property
    def passed(self) -> bool:
        """True only for RELEASE."""
        return self.verdict == "RELEASE"

    def covers(self, group: str) -> bool:
        """Whether a patient of this age group lies in the released scope."""
        return self.verdict in ("RELEASE", "RESTRICT") and group in self.scope

    def expired(self, now: datetime | None = None) -> bool:
        """Whether the certificate's validity has ended."""
        return (now or datetime.now(UTC)) > datetime.fromisoformat(self.expires)

    def to_dict(self) -> dict[str, Any]:
        """Return the case in JSON, with the hash of its content."""
        content = {"format": FORMAT, **asdict(self)}
        content = json.loads(json.dumps(content, default=dict))
        return content | {"sha256": _digest(content)}

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return str(self.to_dict()["sha256"])

    def write_json(self, path: str | Path) -> None:
        """Write the case, whole or not at all."""
        write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def load_case(path: str | Path) -> SafetyCase:
    """Load a certificate.

    Raises
    ------
    InputError
        If the file is missing, unreadable, of another version, or was changed after it was written.
    """
    try:
        data = json.loads(Path(path).read_text("utf-8"))
    except OSError as error:
        raise InputError(f"cannot read certificate {path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(f"certificate {path} is not JSON ({error}); certify again") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise InputError(f"certificate {path} is of another version; certify again")
    stated = data.pop("sha256", None)
    if stated != _digest(data):
        raise InputError(
            f"certificate {path} was changed after it was written (its hash does not fit its "
            "content); certify again"
        )
    del data["format"]
    if set(data) != {f.name for f in fields(SafetyCase)} or data["verdict"] not in VERDICTS:
        raise InputError(f"certificate {path} lacks fields of this version; certify again")
    items = tuple(ItemResult(**item) for item in data.pop("items"))
    for key in ("scope", "assumptions", "worst"):
        data[key] = tuple(data[key])
    return SafetyCase(items=items, **data)


def sentence_of(
    verdict: str,
    scope: tuple[str, ...],
    confidence: float,
    population: Mapping[str, Any],
    kwargs: Mapping[str, Any],
    rules: ConstraintSet,
) -> tuple[str, tuple[dict[str, str], ...]]:
    """Return the certificate's sentence and its assumptions, each with its status."""
    day = kwargs.get("scenario")
    name = day if isinstance(day, str) else dict(day or {}).get("preset", "given")
    assumptions = (
        {
            "id": "A1",
            "text": (
                f"patients and days are drawn as the evaluation's were: sampler "
                f"{population['sampler']} ({', '.join(population['groups'])}), scenario {name}, "
                f"population hash {str(population['sha256'])[:12]}"
            ),
            "status": "assumed",
        },
        {
            "id": "A2",
            "text": "the simulated body behaves as a real one to within the margins of the limits",
            "status": "not tested in this version; the twin's held-out error is shown with each "
            "recommendation",
        },
        {
            "id": "A3",
            "text": "the policy acts as hashed, with the pump limits and the safety layer it was "
            "certified with",
            "status": "checked by hash at recommendation",
        },
        {
            "id": "A4",
            "text": "hypoglycaemia is not treated with carbohydrate and the body has no glucagon "
            "response: low glucose is overstated rather than understated",
            "status": "by construction of the simulator",
        },
    )
    if verdict == "NO_SOLUTION":
        return (
            f"Not every constraint of {rules.name} {rules.version} could be shown to hold; "
            "no recommendation may rest on this policy.",
            assumptions,
        )
    people = "every group" if verdict == "RELEASE" else "the groups released"
    return (
        f"With confidence at least {100 * confidence:g} % over the draw of the "
        f"{population['n']} evaluation patients, and assuming A1 to A4, every constraint of "
        f"{rules.name} {rules.version} satisfies its limit over {rules.horizon_days} days for "
        f"{people}: {', '.join(scope)}.",
        assumptions,
    )
