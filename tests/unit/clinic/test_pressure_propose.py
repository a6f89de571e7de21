"""What a policy is shown of a record, what it asks, and what the rules let pass."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosegym.clinic.pressure_observation import Shown, show, spaced
from dosegym.clinic.pressure_propose import forbidden, policy_formulary, propose
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.records import PressureRecord
from dosegym.records.chart import Condition, Medication
from dosegym.records.pressure_series import Labs
from dosegym.therapy.formulary import CLASSES
from dosegym.therapy.pressure_view import PRESSURE_VIEW
from dosegym.twins.pressure_observe import observe_pressure
from dosegym.twins.pressure_seen import PressureSeen


class Always:
    """A policy that asks for one regimen whatever it sees."""

    env_id = "dosegym/BloodPressure-v0"
    card = {"policy": "always", "env_id": "dosegym/BloodPressure-v0"}  # noqa: RUF012

    def __init__(self, levels: list[int], **wants: Any) -> None:
        self.levels, self.wants = levels, {"action": "levels", **wants}

    def predict(self, observation: Any, *_: Any) -> tuple[np.ndarray, None]:
        """Answer the same for everybody."""
        return np.tile(self.levels, (len(observation), 1)), None


@pytest.fixture(scope="module")
def seen(pressure_record: PressureRecord) -> PressureSeen:
    """Return the record as arrays."""
    return observe_pressure(pressure_record)


@pytest.fixture(scope="module")
def shown(seen: PressureSeen) -> Shown:
    """Return what a policy is shown of it."""
    return show(seen)


def value(shown: Shown, name: str, visit: int = -1) -> float:
    """Return a feature as the policy reads it."""
    return float(PRESSURE_VIEW.read(shown.observations[visit], name))


def test_last_visit_is_as_recorded(seen: PressureSeen, shown: Shown) -> None:
    """Pressures, doses and blood results of the last visit reach the policy in their units."""
    assert value(shown, "sbp") == pytest.approx(float(seen.sbp[-1]), abs=1e-3)
    assert value(shown, "home_sbp") == pytest.approx(float(seen.sbp[-1]), abs=1e-3)
    assert value(shown, "dose_acei") == pytest.approx(2.0)
    assert value(shown, "dose_ccb") == pytest.approx(2.0)
    assert value(shown, "n_drugs") == pytest.approx(2.0)
    assert value(shown, "potassium") == pytest.approx(
        float(seen.labs("potassium")[1][-1]), abs=1e-4
    )
    assert value(shown, "labs_age_weeks") == pytest.approx(
        float(seen.day[-1] - seen.lab_day.max()) / 7.0, abs=1e-4
    )


def test_every_visit_shows_only_its_past(seen: PressureSeen, shown: Shown) -> None:
    """The first visit shown knows neither later doses nor a visit before it was made."""
    assert value(shown, "dose_ccb", 0) == pytest.approx(0.0)
    assert value(shown, "weeks", 0) == pytest.approx(0.0)
    weeks = [value(shown, "weeks", v) for v in range(len(shown.observations))]
    assert (np.diff(weeks) * 7.0 >= 25.0 - 1e-3).all()


def test_visits_are_spaced_back_from_the_last() -> None:
    """The last visit always counts; before it only visits an interval or more apart."""
    day = np.array([-100.0, -60.0, -40.0, -30.0, -3.0, 0.0])
    assert spaced(day, 28.0) == [0, 1, 3, 5]


def test_every_feature_lies_in_the_space(shown: Shown) -> None:
    """What a policy is shown lies within the bounds of the observation space."""
    assert (shown.observations >= PRESSURE_VIEW.low).all()
    assert (shown.observations <= PRESSURE_VIEW.high).all()


def test_guideline_adds_the_third_drug(
    guideline: Any, shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """Above target on an ACE inhibitor and a calcium blocker the guideline starts a thiazide."""
    step = propose(guideline, shown, seen, pressure_record.chart())
    assert step.raised == ("thiazide",)
    assert step.mg.tolist() == [20.0, 0.0, 10.0, 12.5, 0.0, 0.0]
    assert step.labs_due() == (14.0, 28.0)
    assert [row["change"] for row in step.rows()] == ["unchanged", "unchanged", "start"]


def test_dual_blockade_is_not_passed_on(
    shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """A policy that adds a receptor blocker to the ACE inhibitor gets it refused with the rule."""
    step = propose(Always([4, 3, 4, 0, 0, 0]), shown, seen, pressure_record.chart())
    assert step.asked[1] == 3
    assert step.applied[1] == 0
    assert step.mg[0] == 20.0
    assert any("angiotensin receptor blocker" in text for text in step.rules)


@pytest.mark.parametrize(
    ("condition", "levels", "slot"),
    [("asthma", [4, 0, 4, 0, 2, 0], 4), ("angioedema", [4, 0, 4, 0, 0, 0], 0)],
)
def test_conditions_of_the_chart_forbid(
    pressure_record: PressureRecord, shown: Shown, seen: PressureSeen, condition: str,
    levels: list[int], slot: int,
) -> None:  # fmt: skip
    """Asthma and angioedema in the record take the drug out of the proposal."""
    ill = replace(pressure_record, conditions=(Condition(condition),))
    step = propose(Always(levels), shown, seen, ill.chart())
    assert step.mg[slot] == 0.0
    assert step.rules


def test_high_potassium_stops_a_rise(
    pressure_record: PressureRecord, shown: Shown, seen: PressureSeen
) -> None:
    """With potassium of 5.7 mmol/L a raised ACE inhibitor stays at its present dose."""
    labs = {**pressure_record.labs, "potassium": Labs(
        np.array([pressure_record.last_s]), np.array([5.7]))}  # fmt: skip
    step = propose(
        Always([5, 0, 4, 0, 0, 0]), shown, seen, replace(pressure_record, labs=labs).chart()
    )
    assert step.mg[0] == 20.0


def test_intolerance_and_other_drugs_forbid(
    guideline: Any, shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """A thiazide is forbidden to whom it does not suit, and beside lithium."""
    lithium = Medication("lithium", "lithium", 400.0, 800.0)
    cases = {
        "not tolerated": replace(pressure_record, intolerances=("thiazide",)),
        "lithium": replace(pressure_record, medications=(*pressure_record.medications, lithium)),
    }
    for words, record in cases.items():
        chart = record.chart()
        assert any(
            words in why for why in forbidden(propose(guideline, shown, seen, chart), chart, seen)
        )
    chart = pressure_record.chart()
    assert forbidden(propose(guideline, shown, seen, chart), chart, seen) == []


def test_own_drug_is_kept(pressure_record: PressureRecord, guideline: Any) -> None:
    """Someone on irbesartan is offered irbesartan, in the dose as strong as the policy's drug."""
    own = Medication("irbesartan", "arb", 150.0, 150.0)
    record = replace(pressure_record, medications=(own,))
    seen = observe_pressure(record, policy_formulary(guideline))
    assert seen.doses.formulary.drugs[CLASSES.index("arb")] == "irbesartan"
    step = propose(Always([0, 4, 0, 0, 0, 0]), show(seen), seen, record.chart())
    assert step.mg[CLASSES.index("arb")] == 300.0


def test_policy_of_another_body_is_refused() -> None:
    """An insulin policy is no answer to high blood pressure."""
    with pytest.raises(InputError, match="dosegym/Insulin-v0"):
        policy_formulary(load_policy("pid"))


def test_levels_outside_the_formulary_are_refused(
    shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """A level that the formulary does not have is an error of the policy, told in one line."""
    with pytest.raises(InputError, match="level 9 of ccb"):
        propose(Always([0, 0, 9, 0, 0, 0]), shown, seen, pressure_record.chart())


def test_continuous_answers_become_tablets(
    shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """An agent of the Box form asks -1 for none, 1 for the highest dose, and names its interval."""
    agent = Always([1, -1, -1, -1, -1, -1, 1], action="box", interval_days="chosen")
    step = propose(agent, shown, seen, pressure_record.chart())
    assert step.mg.tolist() == [40.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert step.visit_days == 84


def test_slow_heart_of_a_reading_forbids(
    shown: Shown, seen: PressureSeen, pressure_record: PressureRecord
) -> None:
    """A heart rate taken with the pressure stops a beta-blocker; without any it is not allowed."""
    chart, asks = pressure_record.chart(), Always([4, 0, 4, 0, 2, 0])
    slow = replace(seen, heart_rate=np.append(seen.heart_rate[:-1], 45.0))
    assert propose(asks, shown, slow, chart).mg[4] == 0.0
    assert propose(asks, shown, seen, chart).mg[4] == 5.0
    unknown = replace(seen, heart_rate=np.full(len(seen), np.nan))
    step = propose(asks, shown, unknown, chart)
    assert any("heart rate" in why for why in forbidden(step, chart, unknown))
