"""The safety case as one HTML file: the claim, the argument by lanes, the evidence under it."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

from .item_words import told
from .safety_case import ItemResult, SafetyCase
from .write import write_text

TONE: Final = {
    "passed": "good",
    "failed": "bad",
    "unknown": "bad",
    "deferred": "open",
    "not applicable": "open",
}


def write_page(case: SafetyCase, path: str | Path) -> Path:
    """Write the page, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    return write_text(path, render_page(case))


def render_page(case: SafetyCase) -> str:
    """Return the page: self-contained, without scripts and without anything from elsewhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("dosegym.evaluation", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style = resources.files(f"{__package__}.templates").joinpath("safety_case.css")
    return environment.get_template("safety_case.html").render(
        style=style.read_text("utf-8"),
        case=case,
        name=str(case.policy.get("policy", "policy")),
        scope=", ".join(g.replace("_", " ") for g in case.scope),
        tone=TONE,
        against=_against(case),
        items=[_row(item) for item in case.items],
        worst_columns=[k for k in case.worst[0] if k not in ("patient", "group", "seed")]
        if case.worst
        else [],
        sources=list({item.id: item.source for item in case.items}.items()),
        hashes=[
            ("certificate", case.sha256),
            ("policy", case.policy_sha256),
            ("constraints", str(case.constraints["sha256"])),
            ("population", str(case.population["sha256"])),
        ],
        replay=_replay(case),
    )


def _against(case: SafetyCase) -> list[str]:
    return [
        f"{lane.id}: {reason}"
        for lane in case.lanes
        if lane.status in ("failed", "unknown")
        for reason in lane.reasons
    ]


def _replay(case: SafetyCase) -> str:
    named = str(case.request.get("policy", ""))
    where = f"the policy {named}" if named else "the same policy object"
    return (
        f"`dosegym replay CERTIFICATE` certifies {where} again from the seeds in the certificate "
        "and compares every bound bit for bit; each of the worst patients can be lived again with "
        "the seed of the days."
    )


def _row(item: ItemResult) -> dict[str, Any]:
    t = told(item)
    return {
        "id": item.id,
        "hazard": item.hazard,
        "what": f"{t.what} ({t.unit})",
        "group": item.group,
        "observed": f"{t.observed:.3g}",
        "bound": f"{t.bound:.3g}",
        "limit": f"{t.limit:.3g}",
        "method": item.method,
        "confidence": f"{100.0 * item.confidence:.3g} %",
        "n": item.n,
        "passed": item.passed,
    }
