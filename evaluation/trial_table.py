"""A trial's result as a table: published, simulated with its interval, pass or miss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .trial import Finding, TrialResult
from .trials import causes_of

HEADINGS: Final = ("endpoint", "unit", "published", "simulated", "threshold", "verdict")


def rows_of(result: TrialResult) -> list[tuple[str, ...]]:
    """Return the table's rows, one an endpoint, in the order of ``HEADINGS``."""
    return [_row(finding) for finding in result.findings]


def markdown(result: TrialResult) -> str:
    """Return title, table and notes in Markdown."""
    lines = ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(row) + " |" for row in rows_of(result)]
    return "\n".join([f"**{heading(result)}**", "", *lines, "", *_listed(notes(result))]) + "\n"


def text(result: TrialResult) -> str:
    """Return title, table and notes in plain text."""
    rows = [HEADINGS, *rows_of(result)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in rows]
    rule = "  ".join("-" * w for w in widths)
    table = [line.rstrip() for line in (lines[0], rule, *lines[1:])]
    return "\n".join([heading(result), "", *table, "", *_listed(notes(result))]) + "\n"


def heading(result: TrialResult) -> str:
    """Return one line: which trial, in what role, with how many people."""
    plan = result.protocol
    kind = "same people in every arm" if plan.analysis.paired else "people allocated at random"
    return (
        f"{plan.title} ({plan.role}): {len(result.enrolled)} people, {kind}, seed {plan.seed}, "
        f"protocol {plan.sha256[:12]}"
    )


def notes(result: TrialResult) -> list[str]:
    """Return what must be known to read the table, misses and their likely causes first."""
    plan, lines = result.protocol, []
    causes = causes_of(plan)
    for finding in result.findings:
        endpoint = finding.endpoint
        if finding.passed is False:
            cause = causes.get(endpoint.id) or endpoint.caveat or "not known"
            lines.append(f"miss: {endpoint.label}; likely cause: {cause}")
    for finding in result.findings:
        if finding.endpoint.over is not None:
            shares = ", ".join(f"{arm} {mean:.2f} %" for arm, mean in finding.arms.items())
            lines.append(f"{finding.endpoint.label}: {shares}")
    enrolled = result.enrolled
    lines.append(
        f"screened {enrolled.screened}, eligible {enrolled.eligible}, enrolled {len(enrolled)}; "
        + "at baseline "
        + ", ".join(
            f"{name} {enrolled.baseline[name]['mean']:.4g} ± {enrolled.baseline[name]['sd']:.3g}"
            for name in _shown(result)
        )
    )
    shares = f"{100 * plan.analysis.confidence:g} %"
    lines.append(f"brackets: {shares} {plan.analysis.interval} interval over people")
    lines += [f"differs from the trial: {line}" for line in plan.differs]
    if any(f.endpoint.status == "unverified" for f in result.findings):
        lines.append("* published value not seen in the original")
    return lines


def _shown(result: TrialResult) -> Sequence[str]:
    """Return the baseline features worth a line: those matched, else the pressures or glucose."""
    matched = list(result.protocol.population.match)
    usual = [n for n in ("sbp", "dbp", "n_drugs", "cgm") if n in result.enrolled.baseline]
    return matched or usual


def _row(finding: Finding) -> tuple[str, ...]:
    endpoint, found = finding.endpoint, finding.estimate
    digits = 2 if abs(found.value) < 10.0 and endpoint.unit not in ("%", "mmHg") else 1
    published = "–" if endpoint.published is None else f"{endpoint.published:g}"
    if endpoint.published_interval is not None:
        low, high = endpoint.published_interval
        published += f" [{low:g}, {high:g}]"
    if endpoint.status == "unverified":
        published += "*"
    if found.value != found.value:
        shown = "undefined"
    elif found.low == found.low:
        shown = f"{found.value:.{digits}f} [{found.low:.{digits}f}, {found.high:.{digits}f}]"
    else:
        shown = f"{found.value:.{digits}f}"
    return endpoint.label, endpoint.unit, published, shown, _threshold(finding), _verdict(finding)


def _threshold(finding: Finding) -> str:
    endpoint = finding.endpoint
    if endpoint.within is not None:
        return f"{endpoint.within[0]:g} to {endpoint.within[1]:g}"
    return "none" if endpoint.tolerance is None else f"± {endpoint.tolerance:g}"


def _verdict(finding: Finding) -> str:
    return {True: "pass", False: "MISS", None: "reported"}[finding.passed]


def _listed(lines: Sequence[str]) -> list[str]:
    return [f"- {line}" for line in lines]
