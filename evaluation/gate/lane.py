"""What one lane of the gate found, and what all lanes together conclude."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from ..verdict import ItemResult, decide

Status = Literal["passed", "failed", "unknown", "deferred", "not applicable"]

#: Lanes in order, with what each claims.
CLAIMS: Final[Mapping[str, str]] = {
    "L0": "the policy is well formed: it answers every observation with an action of its "
    "environment, alike on like days, and asks for doses of the right size",
    "L1": "harm stays within its limits in the virtual population",
    "L2": "no tail, no subgroup and no patient that was searched for is harmed beyond what limits "
    "or today's care allow",
    "L3": "the person's own twin is known well enough, and the person is not harmed on it",
    "L4": "what was shown holds when the body differs from the model",
    "L5": "logged treatment of real people does not speak against the policy",
    "L6": "it is not worse than the care it would replace",
    "L7": "the person is like those examined",
    "L8": "policy and shield act as one system, and the policy is fit without the shield",
    "L9": "a clinician reviews each recommendation, and every step is on record",
    "L10": "the certificate ends, and is withdrawn when harm is seen more often than certified",
}
HOLDS: Final = ("passed", "deferred", "not applicable")
# A lane may be set aside only where it has nothing to look at: no log, no comparison in the set of
# constraints, no shield.
MAY_NOT_APPLY: Final = ("L5", "L6", "L8")
# Lanes about one person are judged when a recommendation is asked for.
MAY_WAIT: Final = ("L3", "L7", "L9")


@dataclass(frozen=True)
class Lane:
    """One lane's finding.

    Parameters
    ----------
    id : str
        ``L0`` to ``L10``.
    status : str
        ``passed``; ``failed``; ``unknown`` where what it needs is missing, which denies as a
        failure does; ``deferred`` to the recommendation; ``not applicable`` where there is nothing
        to look at.
    reasons : tuple of str
        What speaks against it, most telling first; what was seen, where nothing does.
    groups : mapping
        Status by group, where groups may differ; empty where the lane speaks of everyone.
    numbers : mapping
        What it rests on, in JSON.
    """

    id: str
    status: Status
    reasons: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def found(self, group: str) -> str:
        """Return the status for a group: unknown where others were judged and it was not."""
        return self.groups.get(group, "unknown") if self.groups else self.status

    def holds(self, group: str) -> bool:
        """Whether nothing in this lane speaks against a group."""
        status = self.found(group)
        if status == "deferred":
            return self.id in MAY_WAIT
        if status == "not applicable":
            return self.id in MAY_NOT_APPLY
        return status == "passed"

    @property
    def claim(self) -> str:
        """What the lane is to show."""
        return CLAIMS[self.id]


def lane_of(data: Mapping[str, Any]) -> Lane:
    """Return the lane that JSON describes.

    Raises
    ------
    ValueError
        If it is no lane, or its status no status.
    """
    lane = Lane(**{**data, "reasons": tuple(data["reasons"])})
    if lane.id not in CLAIMS or {lane.status, *lane.groups.values()} - set(get_args(Status)):
        raise ValueError(f"lane {lane.id} with status {lane.status} is not known")
    return lane


def by_group(
    id: str,
    reasons: Mapping[str, Sequence[str]],
    seen: Sequence[str],
    numbers: Mapping[str, Any] | None = None,
    unknown: Sequence[str] = (),
) -> Lane:
    """Return a lane whose groups may differ.

    Parameters
    ----------
    reasons : mapping of group to sequence of str
        What speaks against each group; nothing where it passes.
    seen : sequence of str
        What is told where nothing speaks against any.
    numbers : mapping, optional
    unknown : sequence of str
        Groups for which what the lane needs is missing.
    """
    told = tuple(f"{g}: {line}" for g, lines in reasons.items() for line in lines)
    status = {
        g: "unknown" if g in unknown else "failed" if lines else "passed"
        for g, lines in reasons.items()
    }
    worst = next((s for s in ("failed", "unknown") if s in status.values()), "passed")
    whole: Status = "passed" if worst == "passed" else "failed" if worst == "failed" else "unknown"
    return Lane(id, whole, told or tuple(seen), status, numbers or {})


def conclude(
    results: Sequence[ItemResult], lanes: Sequence[Lane], groups: Sequence[str]
) -> tuple[str, tuple[str, ...]]:
    """Return the verdict and the groups it releases.

    Parameters
    ----------
    results : sequence of ItemResult
        Every item in every group that it speaks of.
    lanes : sequence of Lane
        Every lane once.
    groups : sequence of str
        The groups that the policy is meant for.

    Returns
    -------
    verdict : str
        ``RELEASE`` if in every group every item and every lane holds, ``RESTRICT`` if in some,
        ``NO_SOLUTION`` otherwise. A missing lane, an unknown one and a group of which no item
        speaks deny.
    scope : tuple of str
    """
    verdict, scope = decide(results, groups)
    whole = sorted(lane.id for lane in lanes) == sorted(CLAIMS)
    good = tuple(g for g in scope if whole and all(lane.holds(g) for lane in lanes))
    if good == scope:
        return verdict, scope
    return ("RESTRICT" if good else "NO_SOLUTION"), good
