"""A person, a twin and a certificate for the clinic's tests, made by hand where that is quick."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any

import pytest
import yaml
from lanes import good_lanes

from dosegym.clinic import (
    PressureRecommendation,
    Recommendation,
    recommend,
    recommend_pressure,
)
from dosegym.clinic.applicability import cohort_sha256
from dosegym.clinic.person import with_person
from dosegym.evaluation import SafetyCase, certify
from dosegym.evaluation.constraints import load_constraints
from dosegym.evaluation.safety_case import ItemResult
from dosegym.physiology import load_model
from dosegym.policies import load_policy, policy_hash
from dosegym.records import (
    PressureRecord,
    Timeline,
    demo_pressure_record,
    demo_record,
    read_pressure,
    read_record,
)
from dosegym.therapy.cohort import virtual_cohort
from dosegym.twins import Twin, fit_twin

PATIENTS = 300
SEED = 20_261
DRAWS = 120
GOOD_DAY = {
    "rmse_mg_dl": 20.0, "bias_mg_dl": 1.0, "mard_percent": 12.0, "coverage_90": 0.9,
    "band_width_mg_dl": 80.0, "overstated_90_mg_dl": 15.0, "readings": 287,
}  # fmt: skip


def last_days(record: Timeline, days: float) -> Timeline:
    """Return the last days of a record."""
    end = float(record.glucose.time_s[-1]) + 1.0
    return record.window(end - days * 86400.0, end)


@pytest.fixture(scope="session")
def record() -> Timeline:
    """Return four days of the bundled record, the person's age and weight stated."""
    return with_person(last_days(read_record(demo_record()), 4.0), 69.0, 40.0)


@pytest.fixture(scope="session")
def twin(record: Timeline) -> Twin:
    """Return a twin fitted to two days; as sure of itself as of two weeks, its test invented."""
    fitted = fit_twin(last_days(record, 2.0), starts=1)
    quality = {**fitted.quality, "held_out_day": GOOD_DAY}
    return replace(fitted, quality=quality, covariance=0.1 * fitted.covariance)


def _item(rule: Any, group: str) -> ItemResult:
    limit = getattr(rule, "limit", getattr(rule, "margin", 0.0))
    bound = 0.5 * limit if rule.harm == "above" or rule.type == "chance" else -0.5 * limit
    return ItemResult(
        id=rule.id, hazard=rule.hazard, type=rule.type, signal=rule.signal, unit=rule.unit,
        harm=rule.harm, group=group, limit=limit, threshold=getattr(rule, "threshold", None),
        n=PATIENTS, observed=0.5 * bound, bound=bound, slack=0.5 * limit, passed=True,
        method="by hand", confidence=1.0 - rule.delta, delta=rule.delta, source=rule.source,
    )  # fmt: skip


def make_case(policy: Any) -> SafetyCase:
    """Return a certificate that releases a policy for adults, its bounds invented."""
    rules = load_constraints("insulin-v1")
    model = load_model("uva_padova_2008")
    cohort = virtual_cohort(model, PATIENTS, purpose="certification", seed=SEED, groups=("adult",))
    now = datetime.now(UTC).replace(microsecond=0)
    return SafetyCase(
        verdict="RELEASE",
        scope=("adult",),
        items=tuple(_item(rule, "adult") for rule in rules.items),
        lanes=good_lanes(("adult",)),
        sentence="With confidence at least 95 %, invented for a test.",
        assumptions=({"id": "A1", "text": "made by hand", "status": "assumed"},),
        policy=dict(policy.card),
        policy_sha256=policy_hash(policy),
        constraints={
            "name": rules.name, "version": rules.version, "sha256": rules.sha256,
            "total_delta": rules.total_delta, "horizon_days": rules.horizon_days,
        },
        population={
            "sampler": "uva_padova_virtual", "purpose": "certification", "groups": ["adult"],
            "n": PATIENTS, "seed": SEED, "sha256": cohort_sha256(cohort),
        },
        environment={"id": "dosegym/Insulin-v0", "kwargs": {"scenario": "messy"}},
        comparator="basal_bolus",
        created=now.isoformat(),
        expires=(now + timedelta(days=90)).isoformat(),
        versions={},
        worst=(),
        request={},
    )  # fmt: skip


@pytest.fixture(scope="session")
def policy() -> Any:
    """Return the policy of these tests: basal-bolus with the prescription."""
    return load_policy("basal_bolus")


@pytest.fixture(scope="session")
def certified() -> Callable[[Any], SafetyCase]:
    """Return a function that returns a policy's invented certificate."""
    return make_case


@pytest.fixture(scope="session")
def case(policy: Any) -> SafetyCase:
    """Return the policy's certificate."""
    return make_case(policy)


@pytest.fixture(scope="session")
def ask(record: Timeline, twin: Twin, policy: Any, case: SafetyCase) -> Callable[..., Any]:
    """Return a function that asks for a recommendation, everything not given being in order."""

    def asked(**changes: Any) -> Recommendation:
        given = {"record": record, "policy": policy, "certificate": case, "twin": twin}
        given |= {"draws": DRAWS} | changes
        return recommend(given.pop("record"), given.pop("policy"), **given)

    return asked


@pytest.fixture(scope="session")
def released(ask: Callable[..., Recommendation]) -> Recommendation:
    """Return a recommendation that was given."""
    return ask()


@pytest.fixture(scope="session")
def refused(ask: Callable[..., Recommendation]) -> Recommendation:
    """Return the refusal without a certificate."""
    return ask(certificate=None)


LENIENT_SHARE = 0.99


@pytest.fixture(scope="session")
def pressure_record() -> PressureRecord:
    """Return the bundled record of high blood pressure."""
    return read_pressure(demo_pressure_record())


@pytest.fixture(scope="session")
def guideline() -> Any:
    """Return the policy of the blood-pressure tests."""
    return load_policy("acc_aha_2025")


@pytest.fixture(scope="session")
def pressure_case(guideline: Any, tmp_path_factory: pytest.TempPathFactory) -> SafetyCase:
    """Return a certificate of few people under limits so wide that it releases.

    It says that the limits were the installed ones, which in these tests alone is untrue.
    """
    installed = resources.files("dosegym.evaluation.constraints") / "blood-pressure-v1.yaml"
    content = yaml.safe_load(installed.read_text("utf-8"))
    for item in content["items"]:
        if item["type"] == "chance":
            item["limit"] = LENIENT_SHARE
        else:
            item["margin"] = 0.9 * (item["support"][1] - item["support"][0])
    lenient = tmp_path_factory.mktemp("lenient") / "blood-pressure-v1.yaml"
    lenient.write_text(yaml.safe_dump(content), "utf-8")
    case = certify(guideline, constraints=lenient, patients=600)
    rules = load_constraints("blood-pressure-v1")
    return replace(case, constraints={**case.constraints, "sha256": rules.sha256})


@pytest.fixture(scope="session")
def consult(
    pressure_record: PressureRecord, guideline: Any, pressure_case: SafetyCase
) -> Callable[..., PressureRecommendation]:
    """Return a function that asks for a regimen, everything not given being in order."""

    def asked(**changes: Any) -> PressureRecommendation:
        given = {"record": pressure_record, "policy": guideline, "certificate": pressure_case}
        given |= {"draws": 100} | changes
        return recommend_pressure(given.pop("record"), given.pop("policy"), **given)

    return asked


@pytest.fixture(scope="session")
def given(consult: Callable[..., PressureRecommendation]) -> PressureRecommendation:
    """Return a regimen that was proposed."""
    return consult()


@pytest.fixture(scope="session")
def denied(consult: Callable[..., PressureRecommendation]) -> PressureRecommendation:
    """Return the refusal without a certificate."""
    return consult(certificate=None)
