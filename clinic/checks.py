"""A check: what was looked at, what was found, the limit, and what to do where it fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["passed", "failed", "not assessed"]


@dataclass(frozen=True)
class Check:
    """One gate of a recommendation.

    Parameters
    ----------
    id : str
        Stable name, for programs.
    title : str
        What is asked, for people.
    status : {"passed", "failed", "not assessed"}
        Not assessed where an earlier gate took away what this one needs; it counts as failed.
    found, limit : str
        What there is and what there should be, with units.
    mend : str
        What to do; empty where nothing is amiss.
    essential : bool
        Whether a recommendation is refused without it.
    reason : str
        Where the limit comes from.
    """

    id: str
    title: str
    status: Status
    found: str
    limit: str
    mend: str = ""
    essential: bool = True
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the check was made and held."""
        return self.status == "passed"

    @property
    def blocks(self) -> bool:
        """Whether this check alone refuses a recommendation."""
        return self.essential and not self.passed

    def sentence(self) -> str:
        """Return what is wrong and what to do, in one sentence."""
        if self.status == "not assessed":
            return f"{self.title}: not assessed ({self.found})"
        tail = f"; {self.mend}" if self.mend else ""
        return f"{self.title}: {self.found} (needed: {self.limit}){tail}"

    def to_dict(self) -> dict[str, Any]:
        """Return the check in JSON."""
        return asdict(self)


def percent(share: float, digits: int = 0) -> str:
    """Return a share as per cent, with a space before the sign."""
    return f"{100.0 * share:.{digits}f} %"


def judged(
    id: str,
    title: str,
    holds: bool,
    found: str,
    limit: str,
    mend: str,
    *,
    essential: bool = True,
    reason: str = "",
) -> Check:
    """Return a check that was made; the mend is kept only where it failed."""
    status: Status = "passed" if holds else "failed"
    return Check(id, title, status, found, limit, "" if holds else mend, essential, reason)


def skipped(id: str, title: str, limit: str, why: str, *, reason: str = "") -> Check:
    """Return a check that could not be made."""
    return Check(id, title, "not assessed", why, limit, "", True, reason)


def blocking(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Return the checks that refuse a recommendation, those that were made first."""
    found = [check for check in checks if check.blocks]
    return tuple(sorted(found, key=lambda check: check.status == "not assessed"))
