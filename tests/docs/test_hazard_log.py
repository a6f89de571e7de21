"""The hazard log names nothing that does not exist: items, lanes, gates, rules, files and tests."""

import re
from pathlib import Path

import pytest

from dosegym.clinic.pressure_course import HARMS
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.gate.lane import CLAIMS
from dosegym.policies import shield_pressure
from dosegym.policies import shield_rules as shield_rules_of_insulin
from dosegym.therapy.contraindication import RULE_NAMES

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "hazard-log.md"
SETS = {"Insulin": "insulin", "Antihypertensive titration": "blood-pressure"}
NEEDED = {
    "harm", "severity", "how it comes about", "items", "lanes", "gates", "shield", "files",
    "verified by", "what is left",
}  # fmt: skip
TICKED = re.compile(r"`([^`]+)`")
SUFFIXES = (".py", ".yaml", ".md")


def hazards() -> list[tuple[str, str, dict[str, str]]]:
    """Return each hazard's part of the page, its heading and its rows by name."""
    found = []
    for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        area, *blocks = part.split("\n### ")
        for block in blocks:
            heading, _, table = block.partition("\n")
            rows = dict(re.findall(r"^\| ([a-z][a-z ]*) \| (.*) \|$", table, re.M))
            found.append((area.partition("\n")[0], heading, rows))
    return found


HAZARDS = hazards()
EACH = pytest.mark.parametrize(
    ("area", "heading", "rows"), HAZARDS, ids=[h[1].split()[0] for h in HAZARDS]
)


def ids(*names: str) -> set[str]:
    """Return the ids of the items of some constraint sets."""
    return {item.id for name in names for item in load_constraints(name).items}


def gates() -> set[str]:
    """Return the ids of the clinic's checks: literals of its code, and one for each harm."""
    text = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "clinic").glob("*.py"))
    return {f"forecast-{harm.id}" for harm in HARMS} | set(
        re.findall(r'"([a-z]+(?:-[a-z]+)+)"', text)
    )


def shield_rules() -> set[str]:
    """Return the names of the shield's rules of both environments."""
    return {rule.name for rule in (*shield_rules_of_insulin.RULES, *shield_pressure.RULES)}


def test_the_log_is_whole() -> None:
    """The overview lists the hazards below it, word for word, each once, with its severity."""
    overview = re.findall(
        r"^\| ([A-Z]-\d\d) \| (.+) \| ([1-5]) \|$", PAGE.read_text(encoding="utf-8"), re.M
    )
    told = [
        (h.partition(" ")[0], h.partition(" ")[2].lower(), r["severity"]) for _, h, r in HAZARDS
    ]
    assert len(told) > 30
    assert [(i, name.lower(), s) for i, name, s in overview] == told


@EACH
def test_every_hazard_has_every_row(area: str, heading: str, rows: dict[str, str]) -> None:
    """Harm, cause, control, verification and what is left are never left out."""
    assert set(rows) - {"rules"} == NEEDED
    assert all(text.strip() for text in rows.values())


@EACH
def test_items_are_of_the_sets(area: str, heading: str, rows: dict[str, str]) -> None:
    """What stands before "v2:" is in the set in force, what stands after it in the second only."""
    kinds = [SETS[area]] if area in SETS else list(SETS.values())
    first = ids(*(f"{kind}-v1" for kind in kinds))
    second = ids(*(f"{kind}-v2" for kind in kinds)) - first
    now, _, later = rows["items"].partition("v2:")
    assert set(TICKED.findall(now)) <= first
    assert set(TICKED.findall(later)) <= second


def test_every_item_serves_a_hazard() -> None:
    """No constraint of either set, first or second version, is without a hazard."""
    named = {name for *_, rows in HAZARDS for name in TICKED.findall(rows["items"])}
    assert ids(*(f"{kind}-v{n}" for kind in SETS.values() for n in (1, 2))) <= named


@EACH
def test_lanes_gates_and_rules_exist(area: str, heading: str, rows: dict[str, str]) -> None:
    """Lanes are the gate's, gates the clinic's, rules the contraindications'."""
    assert set(re.findall(r"\bL\d+\b", " ".join(rows.values()))) <= set(CLAIMS)
    assert set(TICKED.findall(rows["gates"])) <= gates()
    assert set(TICKED.findall(rows.get("rules", ""))) <= set(RULE_NAMES)


def test_every_contraindication_and_lane_is_named() -> None:
    """No rule and no lane is without a hazard that it serves."""
    rules = {name for *_, rows in HAZARDS for name in TICKED.findall(rows.get("rules", ""))}
    lanes = set(re.findall(r"\bL\d+\b", " ".join(rows["lanes"] for *_, rows in HAZARDS)))
    assert rules == set(RULE_NAMES)
    assert lanes == set(CLAIMS)


def test_shield_rules_exist() -> None:
    """What the log calls a rule of the shield is one, and no rule is left out."""
    named = {name for *_, rows in HAZARDS for name in TICKED.findall(rows["shield"])}
    assert named == shield_rules()


def test_files_and_tests_exist() -> None:
    """Every path on the page is a file of the repository; each hazard has a test or a bench."""
    paths = {p for p in TICKED.findall(PAGE.read_text(encoding="utf-8")) if p.endswith(SUFFIXES)}
    missing = {p for p in paths if not (ROOT / p).is_file()}
    assert not missing
    for _, heading, rows in HAZARDS:
        proof = [p for p in TICKED.findall(rows["verified by"]) if p.endswith(".py")]
        assert proof, heading
        assert all(p.startswith(("tests/", "examples/bench_")) for p in proof), heading
