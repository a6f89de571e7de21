"""The planner that knows every body: what it plans and whom it recognises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.policies.oracle import MMHG_PER_DOSE, MMHG_PER_DRUG, Oracle, Outlook, regimen_cost
from dosegym.therapy.formulary import load_formulary

FORMULARY = load_formulary("default")


def known(people: Any, row: int) -> dict[str, float]:
    """Return the features by which the oracle knows a person."""
    c = people.covariates
    columns = {"age": "age_years", "female": "female", "bmi": "bmi", "egfr0": "egfr0"}
    return {name: float(c[column][row]) for name, column in columns.items()}


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    """Return an oracle that knows the ten named adults."""
    return Oracle("adult")


def test_people_are_recognised_by_their_charts(oracle: Oracle, visit: Any) -> None:
    """In any order of lanes each person gets their own plan, whatever is measured."""
    rows = np.array([3, 0, 7])
    lanes = [visit(sbp=170.0 + row, **known(oracle.people, row)) for row in rows]
    together, _ = oracle.predict(np.concatenate(lanes))
    for lane, row in zip(together, rows, strict=True):
        alone, _ = oracle.predict(visit(sbp=110.0, **known(oracle.people, int(row))))
        np.testing.assert_array_equal(lane, alone[0])


def test_a_stranger_is_refused(oracle: Oracle, visit: Any) -> None:
    """Who is not among the known people gets a clear refusal instead of another's plan."""
    with pytest.raises(InputError, match="oracle does not know person 0 of the batch"):
        oracle.predict(visit(age=41.0, bmi=44.0, egfr0=99.0))


def test_a_cough_turns_the_ace_inhibitor_into_an_arb(oracle: Oracle, visit: Any) -> None:
    """Once a cough was reported the RAS blocker stays an ARB."""
    rows = range(len(oracle.people))
    plans = {row: oracle.predict(visit(**known(oracle.people, row)))[0][0] for row in rows}
    row = next(r for r, plan in plans.items() if plan[0] > 0)
    person = known(oracle.people, row)
    levels, state = oracle.predict(visit(cough=1.0, **person))
    later, _ = oracle.predict(visit(weeks=4.0, **person), state)
    for answer in (levels[0], later[0]):
        assert answer[0] == 0
        assert answer[1] > 0


def outlook(**values: float) -> Outlook:
    """Return an outlook of one regimen, healthy but for what is given."""
    well = {
        "sbp": 120.0,
        "dbp": 70.0,
        "standing_fall": 5.0,
        "heart_rate": 70.0,
        "potassium": 4.3,
        "sodium": 140.0,
        "egfr_ratio": 1.0,
    }
    return Outlook(**{k: np.array([[v]]) for k, v in {**well, **values}.items()})


def cost(mg: dict[str, float], **values: float) -> float:
    """Return what a regimen costs with an outlook."""
    levels = np.zeros((1, 1, 6), np.int64)
    for drug, dose in mg.items():
        slot, level = FORMULARY.level_of(drug, dose)
        levels[0, 0, slot] = level
    return float(regimen_cost(outlook(**values), levels, FORMULARY, (130.0, 80.0))[0, 0])


def test_cost_adds_pressure_burden_and_harm() -> None:
    """Two standard doses of two drugs cost their burden; each mmHg above target one; harm more."""
    two = {"lisinopril": 10.0, "amlodipine": 5.0}
    assert cost({}) == pytest.approx(0.0)
    assert cost(two) == pytest.approx(2 * MMHG_PER_DRUG + 2 * MMHG_PER_DOSE)
    assert cost({}, sbp=140.0) - cost({}, sbp=139.0) == pytest.approx(1.0)
    for harm in ({"potassium": 5.5}, {"heart_rate": 50.0}, {"sbp": 101.0}, {"egfr_ratio": 0.7}):
        assert cost(two, **harm) > cost({}, sbp=145.0)


def test_settings_are_checked() -> None:
    """An impossible target or patient is refused in one line."""
    with pytest.raises(InputError, match="target is"):
        load_policy("oracle", target=[130.0])
    with pytest.raises(InputError, match="oracle does not take dose; it takes patient"):
        load_policy("oracle", dose=1)
