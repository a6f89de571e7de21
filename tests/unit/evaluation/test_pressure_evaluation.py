"""Blood pressure through the same loops: evaluation, windows, chosen intervals, verbs, pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dosegym.cli.main import main
from dosegym.envs import make_task
from dosegym.evaluation import Evaluation, evaluate, paired_differences
from dosegym.evaluation.pressure_metrics import pressure_metrics
from dosegym.evaluation.rollout import rollout
from dosegym.evaluation.scoring import Scoring
from dosegym.evaluation.window import Window
from dosegym.physiology.errors import InputError
from dosegym.policies import load_policy
from dosegym.therapy.signals import BLOOD_PRESSURE

SHORT: dict[str, Any] = {
    "episodes": 2,
    "days": 168,
    "env_kwargs": {"patient": ["adult", "person#030"]},
}


class Slow:
    """Nothing for anyone, and the next visit as late as may be."""

    wants = {"action": "levels", "interval_days": "chosen"}  # noqa: RUF012
    env_id = BLOOD_PRESSURE

    def predict(self, observation: Any, state: Any, begin: Any, _: bool) -> tuple[Any, Any]:
        """Return no drug and an interval of 84 days."""
        action = np.zeros((len(observation), 7), np.int64)
        action[:, -1] = 3
        return action, state


@pytest.fixture(scope="module")
def found() -> Evaluation:
    """Return guideline care of eleven people, twice for half a year, with time courses."""
    return evaluate("acc_aha_2025", **SHORT, keep_rollouts=True)


def test_the_policy_brings_its_environment(found: Evaluation) -> None:
    """Without an id the guideline is judged where it belongs, on every person and episode."""
    assert found.env_id == BLOOD_PRESSURE
    assert len(found.rows) == 22
    assert set(found.summary) == {"adult", "kidney_disease", "all"}
    assert (found.env_kwargs["days"], found.env_kwargs["terminate"]) == (168, None)


def test_a_row_is_its_time_course(found: Evaluation) -> None:
    """Metrics of a row follow from the recorded visits: last truth, share of days, mean drugs."""
    run = found.rollouts[0]
    for lane in (0, 10, 21):
        row, column = found.rows[lane]["metrics"], {k: v[:, lane] for k, v in run.series.items()}
        assert row["last_sbp"] == column["sbp_mmhg"][-1]
        assert row["time_in_target"] == pytest.approx(100.0 * column["in_target"][1:].mean())
        assert row["n_drugs"] == pytest.approx(column["n_drugs"][1:].mean())
        assert len(column["sbp_mmhg"]) == 7


def test_guideline_care_lowers_pressure_and_costs_drugs(found: Evaluation) -> None:
    """Paired by person, nobody's guideline care has fewer drugs, and mean pressure is lower."""
    other = evaluate("do_nothing", **SHORT)
    keys = [[(r["patient"], r["seed"]) for r in run.rows] for run in (found, other)]
    assert keys[0] == keys[1]
    difference = paired_differences({"do_nothing": other, "guideline": found})["guideline"]["all"]
    assert difference["mean_sbp"]["high"] < 0.0
    assert difference["n_drugs"]["low"] > 0.0
    assert difference["mean_sbp"]["n"] == 11


def test_calibration_is_the_entry_regimen() -> None:
    """Before the policy is asked people stay on what they came with; the clock starts after it."""
    task = make_task(BLOOD_PRESSURE, days=168, by_lane=True, terminate=None, patient="adult")
    seeds = tuple(range(10))
    late = rollout(task, load_policy("acc_aha_2025"), seeds, window=Window(calibration=2))
    plain = rollout(task, load_policy("do_nothing"), seeds)
    for name in ("sbp_mmhg", "standard_doses", "measured_sbp_mmhg"):
        assert np.array_equal(late.series[name][0], plain.series[name][2])
    assert late.start_min.tolist() == [56 * 1440.0] * 10
    assert not np.array_equal(late.series["standard_doses"], plain.series["standard_doses"][2:])


def test_time_stands_still_after_a_policys_own_end() -> None:
    """With visits 84 days apart half a year is two intervals; what is stepped on is not lived."""
    task = make_task(
        BLOOD_PRESSURE, days=168, by_lane=True, terminate=None, interval_days="chosen",
        patient="adult",
    )  # fmt: skip
    run = rollout(task, Slow(), tuple(range(10)))
    days = np.diff(run.series["time_min"], axis=0) / 1440.0
    assert days[:2].tolist() == [[84.0] * 10] * 2
    assert not days[2:].any()
    assert not run.series["reward"][3:].any()
    metrics = pressure_metrics(run)
    assert all(np.isfinite(value).all() for value in metrics.values())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"env_id": "dosegym/Insulin-v0"}, "acc_aha_2025 is for dosegym/BloodPressure-v0, not for"),
        ({"policy": "pid", "env_id": BLOOD_PRESSURE}, "pid is for dosegym/Insulin-v0, not for"),
        ({"scoring": Scoring(glucose="sensor")}, "scoring is of glucose; leave it out"),
        ({"days": 100}, "days is 100; give a multiple of interval_days 28"),
        ({"env_kwargs": {"action": "box"}}, "the policy acts in 'levels'"),
        ({"env_kwargs": {"formulary": {"arb": "telmisartan"}}}, "formulary is {'arb'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    """Another environment, mode, formulary, scoring or length is told in one line."""
    policy = arguments.pop("policy", "acc_aha_2025")
    with pytest.raises(InputError) as caught:
        evaluate(policy, **arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_verb_needs_no_environment(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``dosegym evaluate --policy`` finds the environment, prints its table, writes and draws."""
    words = ["evaluate", "--policy", "usual_care", "--episodes", "1", "--days", "84"]
    words += ["--env-kwargs", '{"patient": ["person#001", "person#011"]}']
    files = {"--json": "e.json", "--csv": "e.csv", "--plot": "e.png"}
    for option, name in files.items():
        words += [option, str(tmp_path / name)]
    assert main(words) == 0
    assert (tmp_path / "e.png").read_bytes().startswith(b"\x89PNG")
    data = json.loads((tmp_path / "e.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert data["environment"] == BLOOD_PRESSURE
    printed = capsys.readouterr().out
    assert "mean systolic" in printed
    assert f"{data['summary']['all']['mean_sbp']['mean']:.1f}" in printed
    assert "1 x 84 days" in printed


def test_two_ways_to_name_the_environment_must_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """An argument and ``--env`` that differ are refused in one line."""
    words = ["evaluate", "dosegym/Insulin-v0", "--env", BLOOD_PRESSURE, "--policy", "pid"]
    assert main(words) == 2
    assert "give one of them" in capsys.readouterr().err
