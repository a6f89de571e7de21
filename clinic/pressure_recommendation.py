"""The answer to a request for a regimen: a proposal or a refusal, with all that it rests on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..evaluation.safety_case import SafetyCase
from ..evaluation.versions import versions
from ..evaluation.write import write_text
from ..records.chart import PressureRecord
from ..records.clock import utc_text
from ..twins.pressure import PressureTwin
from .as_json import plain
from .checks import Check
from .pressure_course import PressureCourse, course_json
from .pressure_gates import share_worse
from .pressure_propose import Proposal
from .words import INTENDED_USE


@dataclass(frozen=True)
class PressureRecommendation:
    """What may be said about a person's tablets.

    Parameters
    ----------
    refused : bool
        True unless every essential check passed; then there is no ``proposal``.
    checks : tuple of Check
        Every gate, passed or not, in order.
    reasons : tuple of str
        Why it was refused and what to do, or what the proposal changes and is expected to do.
    watch, limited : tuple of str
        What to do next and to observe, and what the rules changed; empty where refused.
    created : str, ISO time
    days, seed : int
    record : PressureRecord
    twin : PressureTwin or None
    current, proposed : PressureCourse or None
        The coming days under the current regimen and under the proposal.
    proposal : Proposal or None
    assumed : tuple of str
        What the record does not tell and the policy was told instead.
    certificate : SafetyCase or None
    policy : dict
        The policy's card.
    policy_sha256 : str
    """

    refused: bool
    checks: tuple[Check, ...]
    reasons: tuple[str, ...]
    watch: tuple[str, ...]
    limited: tuple[str, ...]
    created: str
    days: int
    seed: int
    record: PressureRecord
    twin: PressureTwin | None
    current: PressureCourse | None
    proposed: PressureCourse | None
    proposal: Proposal | None
    assumed: tuple[str, ...]
    certificate: SafetyCase | None
    policy: dict[str, Any]
    policy_sha256: str

    @property
    def span(self) -> str:
        """How far ahead it looks, in words."""
        return f"{self.days / 7:.0f} weeks"

    @property
    def next_steps(self) -> tuple[str, ...]:
        """The next visit and the blood tests to order."""
        return self.watch[:2]

    @property
    def hashes(self) -> dict[str, str | None]:
        """SHA-256 of everything that the answer rests on."""
        case = self.certificate
        return {
            "record": self.record.source_sha256,
            "policy": self.policy_sha256,
            "certificate": None if case is None else case.sha256,
            "constraints": None if case is None else str(case.constraints.get("sha256")),
        }

    @property
    def versions(self) -> dict[str, str]:
        """The software that produced the answer."""
        return versions()

    def to_dict(self) -> dict[str, Any]:
        """Return everything in JSON; see docs/reference/report.md."""
        content = {
            "format": 1,
            "kind": "blood pressure",
            "intended_use": INTENDED_USE,
            "created": self.created,
            "refused": self.refused,
            "reasons": list(self.reasons),
            "checks": [check.to_dict() for check in self.checks],
            "watch": list(self.watch),
            "limited": list(self.limited),
            "days": self.days,
            "seed": self.seed,
            "subject": self.record.subject,
            "record": self._record(),
            "twin": None if self.twin is None else self.twin.to_dict(),
            "assumed": list(self.assumed),
            "proposal": None if self.proposal is None else self.proposal.rows(),
            "forecast": self._forecast(),
            "certificate": None if self.certificate is None else _case(self.certificate),
            "policy": self.policy,
            "hashes": self.hashes,
            "versions": self.versions,
        }
        return dict(plain(content))

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all."""
        write_text(path, json.dumps(self.to_dict(), indent=1) + "\n")

    def _record(self) -> dict[str, Any]:
        record = self.record
        times = record.readings.time_s
        return {
            "format": record.source_format,
            "readings": len(times),
            "first_reading": utc_text(float(times[0])) if len(times) else None,
            "last_reading": utc_text(float(times[-1])) if len(times) else None,
            "dropped": [vars(entry) for entry in record.dropped],
            "notes": list(record.notes),
        }

    def _forecast(self) -> dict[str, Any] | None:
        if self.current is None:
            return None
        proposed = self.proposed
        return {
            "draws": 0 if self.twin is None else len(self.twin),
            "current": course_json(self.current),
            "proposed": None if proposed is None else course_json(proposed),
            "probability_worse": None if proposed is None else share_worse(self.current, proposed),
        }


def _case(case: SafetyCase) -> dict[str, Any]:
    return {
        "verdict": case.verdict,
        "scope": list(case.scope),
        "sentence": case.sentence,
        "expires": case.expires,
    }
