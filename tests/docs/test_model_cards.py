"""The model cards say what the shipped files say; ``--paste`` writes their tables anew."""

import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from dosegym.evaluation.gate.bounds import said
from dosegym.evaluation.safety_case import FORMAT
from dosegym.evaluation.verdict import ItemResult
from dosegym.policies.card import policy_hash
from dosegym.policies.library import load_policy

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "model-cards.md"
AGENTS = ("insulin-adult", "blood-pressure", "insulin-limits", "blood-pressure-limits")
RESIDUALS = ("uva_padova_2026", "dosegym_bp_2026")
TABLE = r"(<!-- table: {name} -->\n\n).*?(<!-- end -->)"


def read(path: str) -> dict:
    """Return what a shipped file of JSON holds."""
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def agent_table(name: str) -> str:
    """Return what a shipped agent's manifest and certificate say."""
    manifest = read(f"policies/data/{name}.json")
    case = read(f"policies/data/{name}.certificate.json")
    versions, people = case["versions"], case["population"]
    note = (
        f"format {FORMAT}"
        if case["format"] == FORMAT
        else f"format {case['format']}: made by the gate before the lanes. **This version refuses "
        "it; certify again.**"
    )
    lanes = ", ".join(f"{lane['id']} {lane['status']}" for lane in case.get("lanes", ()))
    rows = [
        ("weights", f"`policies/data/{name}.zip`, sha256 `{manifest['sha256'][:12]}…`"),
        ("policy hash", f"`{case['policy_sha256'][:12]}…`"),
        (
            "training",
            f"{manifest['algo']}, seed {manifest['seed']}, {manifest['timesteps']:,} steps kept of "
            f"{manifest['timesteps_asked']:,}, written {manifest['written_utc'][:10]}",
        ),
        ("certificate", f"`policies/data/{name}.certificate.json`, {note}"),
        ("verdict", f"{case['verdict']} for {', '.join(case['scope'])}"),
        (
            "constraints",
            f"{case['constraints']['name']} {case['constraints']['version']}, sha256 "
            f"`{case['constraints']['sha256'][:12]}…`",
        ),
        (
            "people",
            f"{people['n']:,} virtual ({', '.join(people['groups'])}), seed {people['seed']}, "
            f"{case['constraints']['horizon_days']} days, sha256 `{people['sha256'][:12]}…`",
        ),
        ("comparator", case["comparator"]),
        ("valid", f"{case['created'][:10]} to {case['expires'][:10]}"),
        ("lanes", lanes or "none in this format"),
        (
            "versions",
            ", ".join(f"{k} {versions[k]}" for k in ("dosegym", "python", "torch", "numpy")),
        ),
    ]
    head = ["| | |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""]
    bounds = ["| group | bound and limit |", "|---|---|"]
    bounds += [f"| {i.group.replace('_', ' ')} | {said(i)} |" for i in map(_item, case["items"])]
    return "\n".join([*head, *bounds, ""])


def _item(row: dict) -> ItemResult:
    return ItemResult(**row)


def residual_table() -> str:
    """Return hash, command, date and reason of the shipped residuals."""
    lines = [
        "| residual | file | sha256 of the file | date | why it is on |",
        "|---|---|---|---|---|",
    ]
    for name in RESIDUALS:
        path = f"twins/data/{name}.json"
        digest = hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:12]
        card = read(path)["card"]
        lines.append(f"| `{name}` | `{path}` | `{digest}…` | {card['date']} | {card['reason']} |")
    return "\n".join([*lines, ""])


def shield_table() -> str:
    """Return the shield's margin by time ahead, and how often it held on the other half."""
    data = read("policies/data/shield_margin.json")
    told = data["provenance"]
    held = told["coverage_of_other_half"]
    lines = [
        f"`{told['command']}`, {told['date']}; {told['people']}; {told['scenario']}.",
        "",
        "| minutes ahead | margin, mg/dL | held in the other half |",
        "|---|---|---|",
    ]
    rows = zip(data["minutes"], data["mg_dl"], held, strict=True)
    lines += [f"| {m} | {margin:g} | {100 * share:.1f} % |" for m, margin, share in rows]
    return "\n".join([*lines, ""])


TABLES = {
    **{name: lambda name=name: agent_table(name) for name in AGENTS},
    "residuals": residual_table,
    "shield": shield_table,
}


def pasted(text: str) -> str:
    """Return the page with its tables written anew."""
    for name, make in TABLES.items():
        pattern = re.compile(TABLE.format(name=re.escape(name)), re.S)
        assert pattern.search(text), f"the page has no table {name}"
        text = pattern.sub(lambda m, make=make: f"{m[1]}{make()}\n{m[2]}", text)
    return text


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_files(name: str) -> None:
    """What stands on the page is what the shipped files say today."""
    assert TABLES[name]() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", AGENTS)
def test_cards_are_of_the_shipped_agents(name: str) -> None:
    """The hash on the card is the one that the program computes of the agent that it ships."""
    assert f"`{policy_hash(load_policy(name))[:12]}…`" in PAGE.read_text(encoding="utf-8")


def test_files_on_the_cards_exist() -> None:
    """Every path that the page names is a file of the repository."""
    text = PAGE.read_text(encoding="utf-8")
    paths = re.findall(
        r"\b((?:tests|examples|policies|physiology|evaluation|twins)/[\w./-]+\.\w+)", text
    )
    assert len(paths) > 20
    assert [p for p in paths if not (ROOT / p).is_file()] == []


if __name__ == "__main__" and "--paste" in sys.argv:
    PAGE.write_text(pasted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
