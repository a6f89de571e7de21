"""A step table in words, for the documentation and for reports."""

from __future__ import annotations

from collections.abc import Mapping

from ..therapy.formulary import CLASSES, load_formulary
from .step_table_file import Class, Relief, Start, Table, Trigger, Who

_TRAITS = {
    "cvd": "cardiovascular disease",
    "diabetes": "diabetes",
    "ckd": "eGFR below 60",
    "gout": "gout",
    "orthostatic": "a standing fall of 20 mmHg",
}


def table_markdown(table: Table) -> str:
    """Return a step table as Markdown: goal, rules, rungs, and where each part comes from."""
    lines = [f"### `{table.name}`: {table.title}", "", f"{table.source}.", ""]
    lines += [f"- Goal: {table.goal}."]
    if table.at_entry == "replace":
        lines += ["- What people took before is stopped."]
    lines += [f"- Begin: {_start(rule)}." for rule in table.start]
    lines += [f"- Step up: {_trigger(rule)}." for rule in table.escalate]
    lines += [f"- Step down: {_relief(rule)}." for rule in table.de_escalate]
    lines += [f"- Decisions: {_when(table)}."] if table.steps else []
    if table.inertia:
        lines += [f"- A step up is left undone at {100 * table.inertia:g} % of the visits."]
    if table.steps:
        lines += ["", "| rung | regimen |", "|---|---|"]
        lines += [f"| `{step.name}` | {_regimen(table, step.mg)} |" for step in table.steps]
    if table.evidence:
        lines += ["", "| part | status | source |", "|---|---|---|"]
        lines += [
            f"| {part} | {told.status} | {' '.join(told.source.split())} |"
            for part, told in table.evidence.items()
        ]
    return "\n".join(lines)


def _regimen(table: Table, mg: Mapping[Class, float]) -> str:
    drugs = dict(zip(CLASSES, load_formulary(table.formulary).drugs, strict=True))
    given = {str(kind): dose for kind, dose in mg.items()}
    return " + ".join(f"{drugs[k]} {given[k]:g} mg" for k in CLASSES if k in given)


def _start(rule: Start) -> str:
    wait = f" after {rule.after_weeks:g} weeks" if rule.after_weeks else ""
    return f"`{rule.begin}`{wait} {_limits(rule.sbp, rule.dbp, 'from')}{_who(rule.who)}"


def _trigger(rule: Trigger) -> str:
    again = f" at {rule.visits} decisions running" if rule.visits > 1 else ""
    word = "above" if rule.strictly else "from"
    return f"{_limits(rule.sbp, rule.dbp, word)}{again}{_who(rule.who)}"


def _relief(rule: Relief) -> str:
    again = f" at {rule.visits} decisions running" if rule.visits > 1 else ""
    return f"systolic below {rule.sbp_below:g} mmHg{again}{_who(rule.who)}"


def _limits(sbp: float, dbp: float, word: str) -> str:
    if sbp <= 0.0:
        return "at any pressure"
    if dbp >= 999.0:
        return f"{word} {sbp:g} mmHg systolic"
    return f"{word} {sbp:g} systolic or {dbp:g} mmHg diastolic"


def _who(who: Who) -> str:
    parts = []
    if who.age_min:
        parts.append(f"from {who.age_min:g} years")
    if who.age_below < 200.0:
        parts.append(f"below {who.age_below:g} years")
    if who.risk_10y_min:
        parts.append(f"with a 10-year risk of {100 * who.risk_10y_min:g} % or more")
    if who.any_of:
        parts.append("with " + " or ".join(_TRAITS[trait] for trait in who.any_of))
    return ", " + ", ".join(parts) if parts else ""


def _when(table: Table) -> str:
    if table.decide_at_weeks:
        weeks = ", ".join(f"{week:g}" for week in table.decide_at_weeks)
        return f"at weeks {weeks}"
    gaps = table.intervals
    return (
        f"every {gaps.until_control_weeks:g} weeks until controlled, then every "
        f"{gaps.after_control_weeks:g}"
    )
