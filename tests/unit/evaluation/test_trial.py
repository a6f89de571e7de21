"""Whole trials, on insulin: the same numbers however they are cut, and nothing half-known."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from dosegym.envs.registry import make_task
from dosegym.evaluation.evaluate import keywords_for
from dosegym.evaluation.rollout import rollout
from dosegym.evaluation.trial import TrialResult, run_trial
from dosegym.evaluation.trial_population import recruit
from dosegym.evaluation.trial_protocol import TrialProtocol, parse_trial
from dosegym.evaluation.trial_table import markdown, text
from dosegym.evaluation.trials import causes_of, list_trials, load_trial
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy


def short(n: int = 12, **changes: Any) -> TrialProtocol:
    """Return the insulin trial over one day."""
    plain = load_trial("insulin-basal-bolus-pid").model_dump(mode="json")
    plain["population"] |= {"n": n, "screen": 2.0}
    plain["visits"] = {"horizon_days": 1}
    return parse_trial(yaml.safe_dump(plain | changes), "short")


def estimates(result: TrialResult) -> list[dict[str, float]]:
    """Return the numbers of a result."""
    return [asdict(f.estimate) for f in result.findings]


@pytest.fixture(scope="module")
def result() -> TrialResult:
    """Return one short trial."""
    return run_trial(short())


def test_the_number_of_parts_changes_no_number(result: TrialResult) -> None:
    """Seeds belong to people, not to parts."""
    again = run_trial(short(), part=5)
    assert estimates(again) == estimates(result)


def test_a_trial_is_what_the_one_loop_gives(result: TrialResult) -> None:
    """Time in range equals the consensus metric of the same people's rollouts."""
    from dosegym.evaluation.metrics import cgm_metrics_batch

    plan = short()
    enrolled = recruit(plan)
    policy = load_policy("pid")
    keywords = keywords_for(policy, plan.keywords())
    task = make_task(
        plan.environment, **keywords, terminate=None, by_lane=True, cohort=enrolled.cohort
    )
    run = rollout(task, policy, enrolled.seeds, record=("glucose_mg_dl",))
    glucose = run.series["glucose_mg_dl"][1:].astype(np.float64)
    wanted = cgm_metrics_batch(glucose, run.step_min)["time_in_range"].mean()
    found = next(f for f in result.findings if f.endpoint.id == "tir-pid")
    assert found.estimate.value == pytest.approx(wanted, abs=1e-6)


def test_the_week_zero_of_the_trial_is_the_baseline_visit() -> None:
    """What was matched and reported as the baseline is what the trial's first log holds."""
    plan = short()
    enrolled = recruit(plan)
    task = make_task(
        plan.environment, **plan.keywords(), terminate=None, by_lane=True, cohort=enrolled.cohort
    )
    run = rollout(task, load_policy("constant_basal"), enrolled.seeds, record=("cgm_mg_dl",))
    assert run.series["cgm_mg_dl"][0].mean() == pytest.approx(
        enrolled.baseline["cgm"]["mean"], abs=1e-3
    )


def test_selection_at_screening_regresses_to_the_mean() -> None:
    """People chosen for high glucose at screening read lower at their next, independent visit."""
    everyone = recruit(short(n=60)).baseline["cgm"]["mean"]
    high = {
        "n": 60,
        "screen": 8.0,
        "sampler": {"groups": ["adult"]},
        "include": [{"cgm": [170, None]}],
    }
    chosen = recruit(short(population=high))
    assert chosen.eligible < chosen.screened
    assert chosen.baseline["cgm"]["mean"] < 170.0
    assert abs(chosen.baseline["cgm"]["mean"] - everyone) < 20.0


def test_a_paired_difference_is_the_difference_of_the_arms(result: TrialResult) -> None:
    """Over the same people the mean difference is the difference of the means."""
    of = {f.endpoint.id: f.estimate.value for f in result.findings}
    assert of["tir-difference"] == pytest.approx(of["tir-basal-bolus"] - of["tir-pid"])


def test_parallel_arms_share_the_people_out() -> None:
    """At random by share, everyone in one arm only, with numbers that parts do not change."""
    plain = load_trial("insulin-basal-bolus-pid").model_dump(mode="json")
    arms = [plain["arms"][0] | {"share": 2.0}, plain["arms"][1]]
    plan = short(arms=arms, analysis={"paired": False})
    found = run_trial(plan)
    assert dict(found.arm_sizes) == {"basal_bolus": 8, "pid": 4}
    assert estimates(run_trial(plan, part=3)) == estimates(found)


def judged(published: float, tolerance: float) -> TrialProtocol:
    """Return the short trial with one endpoint that has a threshold."""
    entry = load_trial("insulin-basal-bolus-pid").endpoints[0].model_dump(mode="json")
    threshold = {"published": published, "tolerance": tolerance, "status": "published"}
    return short(endpoints=[entry | threshold | {"caveat": "the made-up figure"}])


def test_thresholds_decide_and_a_miss_stays_a_miss(result: TrialResult) -> None:
    """Within the tolerance passes, beyond misses, and the miss is printed with its cause."""
    value = result.findings[0].estimate.value
    near, far = run_trial(judged(value + 1.0, 1.5)), run_trial(judged(value + 1.0, 0.5))
    assert (near.passed, far.passed) == (True, False)
    for table in (text(far), markdown(far)):
        assert "MISS" in table
        assert "likely cause: the made-up figure" in table
    assert "pass" in text(near)


def test_a_ratio_tells_both_arms(result: TrialResult) -> None:
    """Both arms' means stand beside a ratio; a ratio to nothing is called undefined."""
    entry = load_trial("insulin-basal-bolus-pid").endpoints[0].model_dump(mode="json")
    found = run_trial(short(endpoints=[entry | {"over": "pid"}])).findings[0]
    assert found.arms["basal_bolus"] / found.arms["pid"] == pytest.approx(found.estimate.value)
    rare = next(f for f in result.findings if f.endpoint.over)
    assert rare.arms["pid"] == 0.0
    assert "undefined" in text(result)
    assert "pid 0.00 %" in text(result)


def test_causes_are_of_shipped_trials_and_their_endpoints() -> None:
    """Causes found afterwards name endpoints that exist, and leave every protocol untouched."""
    assert causes_of(short()) == {}
    for name in list_trials():
        trial = load_trial(name)
        assert set(causes_of(trial)) <= {e.id for e in trial.endpoints}


def test_the_json_is_whole_and_has_no_nan(result: TrialResult, tmp_path: Path) -> None:
    """What was run, who was enrolled and every estimate stand in the file."""
    path = tmp_path / "trial.json"
    result.write_json(path)
    found = json.loads(path.read_text("utf-8"), parse_constant=lambda c: pytest.fail(c))
    assert found["protocol_sha256"] == result.protocol.sha256
    assert found["population"]["enrolled"] == 12
    assert [e["id"] for e in found["endpoints"]] == [e.id for e in result.protocol.endpoints]
    assert [p.name for p in tmp_path.iterdir()] == ["trial.json"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"population": {"n": 5, "include": [{"cgmm": [1, 2]}]}}, "names 'cgmm'; known at a visit"),
        ({"population": {"n": 5, "include": [{"cgm": [1, 2]}]}}, "0 of 5 candidates are eligible"),
        ({"population": {"n": 5, "sampler": {"who": 1}}}, "patient"),
        ({"arms": [{"name": "basal_bolus", "policy": "nothing"}]}, "policy is 'nothing'"),
        ({"env_kwargs": {"colour": "red"}}, "does not know the keyword 'colour'"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, Any], said: str) -> None:
    """Unknown names and empty trials are told in one line."""
    if "arms" in changes:
        changes["endpoints"] = [short().endpoints[0].model_dump(mode="json")]
    with pytest.raises(InputError, match=said):
        run_trial(short(**changes))


def test_an_unknown_column_is_refused_before_anyone_is_enrolled() -> None:
    """A misspelt column is told with the columns there are."""
    entry = short().endpoints[0].model_dump(mode="json") | {"column": "glucose"}
    with pytest.raises(InputError, match=r"reads column 'glucose'; .* glucose_mg_dl"):
        run_trial(short(endpoints=[entry]))


def test_unknown_engines_and_parts_are_refused() -> None:
    """Both in one line."""
    with pytest.raises(InputError, match="engine is 'dask'; choose one of local, ray"):
        run_trial(short(), engine="dask")
    with pytest.raises(InputError, match="part is 0"):
        run_trial(short(), part=0)


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_ray_missing_is_told_in_one_line() -> None:
    """Without the optional extra the message says how to get it."""
    with pytest.raises(InputError, match=r"pip install 'dosegym\[ray\]' or choose engine local"):
        run_trial(short(), engine="ray")


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray, an optional extra, is not installed")
def test_ray_gives_the_same_numbers(result: TrialResult) -> None:
    """The engine changes no number."""
    assert estimates(run_trial(short(), engine="ray", part=5)) == estimates(result)
