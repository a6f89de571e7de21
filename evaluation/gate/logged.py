"""L5, what logged treatment of real people says: it may veto, and release nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from ...physiology.errors import InputError
from ..logged import Logged, read_logged
from ..ope import Estimate, divide, judge_target
from ..ope.parts import Part
from .lane import Lane
from .later import nothing_logged
from .request import Request

#: What a policy may fall below the logged behaviour by: so much of the spread of its returns from
#: person to person (project choice).
MARGIN: Final = 0.1
_MARK: Final = 0x4C4F47


def logged_lane(request: Request, logged: str | Path | None) -> Lane:
    """Return lane L5.

    The file's patients are divided; only the part for judging is looked at. One estimator whose
    interval lies below what was done, by the margin, vetoes. Too few courses like the policy's own
    to say anything is no pass: the lane is unknown, and denies.

    Raises
    ------
    InputError
        If the file is broken, is of another environment, or the policy was made from people whom
        the part for judging holds.
    """
    if logged is None:
        return nothing_logged()
    data = read_logged(logged)
    if data.env_id != request.rules.environment:
        raise InputError(
            f"logged treatment is of {data.env_id}, the policy is for {request.rules.environment}; "
            "give data of that environment"
        )
    rng = np.random.default_rng(np.random.SeedSequence(request.seed, spawn_key=(_MARK,)))
    gate = _part(data, rng)
    people = frozenset(str(p) for p in getattr(request.policy, "manifest", {}).get("people", ()))
    report = judge_target(gate, request.policy, _margin(gate.logged), trained_on=people, rng=rng)
    verdict = report.verdict
    numbers: dict[str, Any] = {
        "patients": len(gate.people),
        "behaviour": _told(report.behaviour),
        "estimates": {name: _told(e) for name, e in report.target.items()},
        "verdict": verdict.to_dict(),
        "hidden_causes": None if report.hidden is None else report.hidden.to_dict(),
    }
    if verdict.word == "VETO":
        return Lane("L5", "failed", report.reasons, {}, numbers)
    if verdict.word == "UNINFORMATIVE":
        return Lane("L5", "unknown", report.reasons, {}, numbers)
    return Lane("L5", "passed", report.reasons, {}, numbers)


def _told(e: Estimate) -> dict[str, Any]:
    numbers = {"value": e.value, "low": e.low, "high": e.high, "ess": e.ess}
    plain = {k: None if not np.isfinite(v) else float(v) for k, v in numbers.items()}
    return {"method": e.method, "guarantee": e.guarantee, **plain}


def _part(data: Logged, rng: np.random.Generator) -> Part:
    """Return the part for judging: the whole of a file that says it is one, else a share of it."""
    marked = data.meta.get("split")
    if marked is None:
        return divide(data, rng)["gate"]
    if marked != "gate":
        raise InputError(
            f"logged treatment is marked split {marked!r}; a policy is judged on split 'gate', or "
            "on a file that was never divided"
        )
    return Part(data, "gate")


def _margin(data: Logged) -> float:
    """Return the margin in units of the return."""
    return MARGIN * float(np.std(data.returns()))
