"""A recommendation is given only when every gate holds, and then says what it rests on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.clinic import LIMITS, GateLimits, Recommendation, recommend
from dosegym.clinic.limits import Limit
from dosegym.evaluation import SafetyCase
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.records import Timeline
from dosegym.therapy.protocols import LEVELS
from dosegym.twins.observations import observe

Ask = Callable[..., Recommendation]


def strict(text: str) -> Any:
    """Parse JSON that must not hold NaN or infinity."""

    def no(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=no)


def test_all_in_order_gives_a_proposal(released: Recommendation) -> None:
    """With every check passed there are two courses, reasons, and something to watch."""
    assert not released.refused
    assert all(check.passed for check in released.checks)
    assert released.forecast is not None
    assert released.forecast.proposed is not None
    assert len(released.reasons) >= 5
    assert released.watch
    assert released.limited


def test_json_holds_the_trajectory_and_every_hash(released: Recommendation) -> None:
    """Programs find 24 h of doses in steps and in hours, and the hashes of all five inputs."""
    data = strict(json.dumps(released.to_dict()))
    proposed = data["forecast"]["proposed"]
    assert len(proposed["basal_u_per_h"]["q50"]) == 288
    assert len(proposed["bolus_u"]["q95"]) == 288
    assert sum(row["minutes"] for row in proposed["hourly"]) == 1440
    assert all(len(data["hashes"][key]) == 64 for key in data["hashes"])
    assert set(data["hashes"]) == {"record", "twin", "policy", "certificate", "constraints"}


def test_forecast_starts_at_the_latest_readings(released: Recommendation, record: Timeline) -> None:
    """Every draw begins at the mean of the last three readings, whatever its model said."""
    assert released.forecast is not None
    start = released.forecast.current.series["glucose_mg_dl"][0]
    latest = np.nanmean(observe(record).glucose[-3:])
    assert start == pytest.approx(np.full(len(start), latest), rel=1e-5)
    assert abs(latest - record.glucose.mg_dl[-1]) < 25.0


def test_the_same_question_gets_the_same_answer(ask: Ask, released: Recommendation) -> None:
    """Nothing but the seed decides about the draws."""
    again = ask().to_dict()
    first = released.to_dict()
    for data in (again, first):
        del data["created"]
    assert again == first
    other = ask(seed=1).to_dict()["forecast"]
    assert other["proposed"]["glucose_mg_dl"] != first["forecast"]["proposed"]["glucose_mg_dl"]


def test_refusal_shows_no_dose(refused: Recommendation) -> None:
    """Without a certificate there is no proposed course, neither in the object nor in JSON."""
    assert refused.refused
    assert refused.forecast is not None
    assert refused.forecast.proposed is None
    data = strict(json.dumps(refused.to_dict()))
    assert data["forecast"]["proposed"] is None
    assert data["forecast"]["probability_worse"] is None
    assert data["watch"] == []
    assert any("certify" in reason for reason in refused.reasons)


def test_harmful_proposal_is_refused_after_simulation(
    ask: Ask, certified: Callable[[Any], SafetyCase]
) -> None:
    """Three times the basal, though certified by hand, fails the person's own forecast."""
    double = load_policy("constant_basal", factor=3.0)
    found = ask(policy=double, certificate=certified(double))
    assert found.refused
    assert any(c.id.startswith("forecast-") and c.status == "failed" for c in found.checks)
    assert found.forecast is not None
    assert found.forecast.proposed is None


def test_record_of_three_hours_is_bad_input(record: Timeline, policy: Any) -> None:
    """Three hours of glucose are no record: one line with the number and the mend."""
    end = float(record.glucose.time_s[-1]) + 1.0
    with pytest.raises(InputError, match=r"3\.1 h of glucose.*at least 12 h"):
        recommend(record.window(end - 3 * 3600.0, end), policy)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hours": 0}, "hours is 0"),
        ({"draws": 3}, "draws is 3"),
        ({"weight_kg": 900.0}, "weight_kg is 900 kg"),
        ({"age_years": 9.0}, "the record states 40 years"),
    ],
)
def test_arguments_out_of_bounds(ask: Ask, given: dict[str, Any], words: str) -> None:
    """Each argument is checked, one line naming its value."""
    with pytest.raises(InputError, match=words):
        ask(**given)


def test_every_limit_tells_its_reason() -> None:
    """No limit of the gates is without unit and reason."""
    for name in GateLimits.__dataclass_fields__:
        limit = getattr(LIMITS, name)
        assert isinstance(limit, Limit)
        assert limit.unit
        assert len(limit.reason) > 10


def test_written_json_is_whole(released: Recommendation, tmp_path: Path) -> None:
    """The file parses strictly and says what the object says."""
    released.write_json(tmp_path / "r.json")
    data = strict((tmp_path / "r.json").read_text("utf-8"))
    assert data["refused"] is False
    assert data["reasons"] == list(released.reasons)


def test_chances_are_shares_of_draws(released: Recommendation) -> None:
    """The chance of a low is the share of draws whose lowest glucose lies under it."""
    assert released.forecast is not None
    course = released.forecast.current
    lowest = course.series["glucose_mg_dl"][1:].min(axis=0)
    for level in (LEVELS.very_low, LEVELS.low, 120.0):
        assert course.chance(level, "below") == pytest.approx(float((lowest < level).mean()))
