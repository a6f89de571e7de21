"""Each gate refuses on its own, says why, and says what to do."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from dosegym.clinic import Recommendation
from dosegym.clinic.checks import Check, blocking, judged, skipped
from dosegym.clinic.gates_certificate import certificate_checks
from dosegym.clinic.gates_record import record_checks
from dosegym.clinic.gates_twin import twin_checks
from dosegym.clinic.habits import habits_of
from dosegym.evaluation import SafetyCase
from dosegym.policies import load_policy
from dosegym.records import Timeline, assess
from dosegym.records.series import Meals
from dosegym.twins import Twin

Ask = Callable[..., Recommendation]


def failed(checks: Iterable[Check]) -> dict[str, Check]:
    """Return the checks that were made and failed, by name."""
    return {check.id: check for check in checks if check.status == "failed"}


def of_record(record: Timeline) -> dict[str, Check]:
    """Return what a record fails."""
    return failed(record_checks(record, assess(record), habits_of(record)))


def test_only_essential_checks_block_and_made_ones_come_first() -> None:
    """What failed is told before what could not be looked at; advice never blocks."""
    checks = [
        skipped("a", "A", "-", "no twin"),
        judged("b", "B", True, "1", "1", "mend"),
        judged("c", "C", False, "1", "2", "add one"),
        judged("d", "D", False, "1", "2", "mend", essential=False),
    ]
    assert [check.id for check in blocking(checks)] == ["c", "a"]
    assert checks[2].sentence() == "C: 1 (needed: 2); add one"
    assert checks[1].mend == ""


def test_good_record_passes_every_record_gate(record: Timeline) -> None:
    """Four days of the bundled record lack nothing."""
    assert of_record(record) == {}


CHANGES: dict[str, Callable[[SafetyCase], SafetyCase]] = {
    "certificate-verdict": lambda c: replace(c, verdict="NO_SOLUTION", scope=()),
    "certificate-policy": lambda c: replace(c, policy_sha256="0" * 64),
    "certificate-constraints": lambda c: replace(c, constraints={**c.constraints, "sha256": "0"}),
    "certificate-environment": lambda c: replace(c, environment={"id": "else/X-v0", "kwargs": {}}),
    "certificate-environment#2": lambda c: replace(
        c, environment={**c.environment, "kwargs": {"scenario": "fasting"}}
    ),
    "certificate-environment#3": lambda c: replace(
        c, environment={**c.environment, "kwargs": {"scenario": "messy", "sensor": "noise_free"}}
    ),
    "certificate-valid": lambda c: replace(c, expires="2020-01-01T00:00:00+00:00"),
    "certificate-group": lambda c: replace(c, verdict="RESTRICT", scope=("child",)),
    "certificate-population": lambda c: replace(c, population={**c.population, "sha256": "0"}),
}


@pytest.mark.parametrize("gate", CHANGES)
def test_each_fault_of_a_certificate_refuses(case: SafetyCase, policy: Any, gate: str) -> None:
    """One changed field of a certificate is enough; the gate it belongs to says so."""
    found = failed(certificate_checks(CHANGES[gate](case), policy, "adult"))
    assert set(found) >= {gate.partition("#")[0]}
    assert all(check.mend for check in found.values())


def test_constraints_of_ones_own_do_not_release(case: SafetyCase, policy: Any) -> None:
    """A certificate against a constraint set that is not installed counts for nothing."""
    own = replace(case, constraints={**case.constraints, "name": "my-easy-rules"})
    check = failed(certificate_checks(own, policy, "adult"))["certificate-constraints"]
    assert "my-easy-rules is not among the installed" in check.found


def test_a_failed_bound_under_a_release_is_not_believed(case: SafetyCase, policy: Any) -> None:
    """A verdict that its own items contradict releases nothing."""
    items = (replace(case.items[0], passed=False), *case.items[1:])
    found = failed(certificate_checks(replace(case, items=items), policy, "adult"))
    assert set(found) == {"certificate-verdict"}


def test_restricted_release_holds_inside_its_scope(case: SafetyCase, policy: Any) -> None:
    """RESTRICT passes for a group in its scope, though the bounds of another group failed."""
    items = (*case.items, *(replace(i, group="child", passed=False) for i in case.items))
    both = {**case.population, "groups": ["adult", "child"]}
    part = replace(case, verdict="RESTRICT", items=items, population=both)
    # The invented patients cannot be drawn again for two groups; no other gate fails.
    rest = {"certificate-population"}
    assert set(failed(certificate_checks(part, policy, "adult"))) == rest
    assert set(failed(certificate_checks(part, policy, "child"))) == {"certificate-group", *rest}


def test_another_policy_than_the_certified_is_refused(case: SafetyCase) -> None:
    """The certificate of one policy does not speak for the same one with another target."""
    other = load_policy("basal_bolus", target_mg_dl=80.0)
    assert set(failed(certificate_checks(case, other, "adult"))) == {"certificate-policy"}


def test_person_unknown_is_refused_with_the_mend(record: Timeline) -> None:
    """Age and weight that nobody stated are asked for by name."""
    anonymous = replace(record, settings=replace(record.settings, age_years=None, weight_kg=None))
    check = of_record(anonymous)["person-known"]
    assert check.mend == "give --age-years and --weight-kg"


def test_child_is_not_treated_by_an_adults_twin(ask: Ask, record: Timeline) -> None:
    """Age decides about the group; a twin and a certificate for adults fail for a child."""
    child = replace(record, settings=replace(record.settings, age_years=9.0))
    found = ask(record=child)
    assert found.refused
    assert {"twin-own", "certificate-group"} <= set(failed(found.checks))


@pytest.mark.parametrize(
    ("change", "gate"),
    [
        ({"mard_percent": 31.0}, "twin-fit"),
        ({"held_out_day": {"rmse_mg_dl": 80.0, "coverage_90": 0.9}}, "twin-forecast"),
        ({"held_out_day": {"rmse_mg_dl": 44.0, "coverage_90": 0.3}}, "twin-coverage"),
    ],
)
def test_poor_twin_is_refused(
    record: Timeline, twin: Twin, change: dict[str, Any], gate: str
) -> None:
    """A twin that fits or foretells badly is no ground for a dose."""
    held = change.get("held_out_day")
    if held is not None:
        change = {"held_out_day": {**twin.quality["held_out_day"], **held}}
    poor = replace(twin, quality={**twin.quality, **change})
    assert gate in failed(twin_checks(record, poor))


def test_twin_of_another_record_is_refused(record: Timeline, twin: Twin) -> None:
    """A twin says which record it was fitted to; another's is not used."""
    other = replace(twin, record_sha256="0" * 64)
    check = failed(twin_checks(record, other))["twin-own"]
    assert "another record" in check.found


def test_no_held_out_day_leaves_its_checks_open(record: Timeline, twin: Twin) -> None:
    """No held-out day means no measured forecast, hence no proposal."""
    untested = replace(twin, quality={**twin.quality, "held_out_day": None})
    missing = blocking(twin_checks(record, untested))
    assert [c.id for c in missing] == ["twin-forecast", "twin-skill", "twin-coverage"]


def test_good_twin_passes_every_twin_gate(record: Timeline, twin: Twin) -> None:
    """The twin of these tests lacks nothing, so the tests above show one fault each."""
    assert failed(twin_checks(record, twin)) == {}


def test_old_twin_is_refused(record: Timeline, twin: Twin) -> None:
    """A twin whose record ends hours before the last reading does not know the present."""
    check = failed(twin_checks(record, replace(twin, end_s=twin.end_s - 7200.0)))["twin-own"]
    assert "2.1 h before the last reading" in check.found


def test_one_meal_a_day_is_too_few(record: Timeline) -> None:
    """A log of one meal a day leaves most food unknown."""
    every = slice(None, None, 4)
    few = Meals(record.meals.time_s[every], record.meals.carbs_g[every])
    assert set(of_record(replace(record, meals=few))) == {"meals-logged"}


def test_doses_after_the_last_reading_are_told(record: Timeline) -> None:
    """A record whose glucose ends two hours before its doses is not up to date."""
    end = float(record.glucose.time_s[-1])
    late = Meals([*record.meals.time_s, end + 7200.0], [*record.meals.carbs_g, 30.0])
    check = of_record(replace(record, meals=late))["glucose-recent"]
    assert check.found.startswith("120 min")


def test_injections_without_a_pump_are_told_apart(record: Timeline) -> None:
    """Without any basal rate the gate says that this version doses by pump."""
    check = of_record(replace(record, basal=None))["basal-known"]
    assert "by pump" in check.mend
