"""The answer to a request for doses: a proposal or a refusal, with all that it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..evaluation.safety_case import SafetyCase
from ..evaluation.versions import versions
from ..records.sufficiency import Sufficiency
from ..records.timeline import Timeline
from ..twins.twin import Twin
from .as_json import as_json, write_json
from .checks import Check
from .habits import Habits
from .propose import Forecast
from .regimen import Regimen
from .start import Bodies


@dataclass(frozen=True)
class Recommendation:
    """What may be said about a person's next day.

    Parameters
    ----------
    refused : bool
        True unless every essential check passed; then ``forecast`` holds no proposal.
    checks : tuple of Check
        Every gate, passed or not, in order.
    reasons : tuple of str
        Why it was refused and what to do, or what the proposal changes and is expected to do.
    watch, limited : tuple of str
        What to observe, and what the pump's limits changed; empty where refused.
    created : str, ISO time
    hours, seed : int
    record : Timeline
    enough : Sufficiency
    habits : Habits
    twin : Twin or None
    bodies : Bodies or None
        Draws of the twin at the end of the record.
    regimen : Regimen or None
    forecast : Forecast or None
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
    hours: int
    seed: int
    record: Timeline
    enough: Sufficiency
    habits: Habits
    twin: Twin | None
    bodies: Bodies | None
    regimen: Regimen | None
    forecast: Forecast | None
    certificate: SafetyCase | None
    policy: dict[str, Any]
    policy_sha256: str

    @property
    def span(self) -> str:
        """How far ahead it looks, in words."""
        return f"{self.hours} h"

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What to order or arrange besides the doses."""
        return ()

    @property
    def hashes(self) -> dict[str, str | None]:
        """SHA-256 of everything that the answer rests on."""
        case = self.certificate
        return {
            "record": self.record.source_sha256,
            "twin": None if self.twin is None else self.twin.sha256,
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
        return as_json(self)

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all."""
        write_json(self, path)
