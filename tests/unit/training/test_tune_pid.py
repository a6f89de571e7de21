"""The PID tuner: its search on known hills, and a small run on virtual patients."""

import json
from pathlib import Path

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.training.tune_pid import RANGES, Gains, main, search, trial_on, tune

PEAK = {"kp": -0.006, "ki": -5e-5, "kd": -0.3}


def hill(gains: Gains) -> dict[str, float]:
    """Return a score that falls with the squared distance from the peak, in logarithms."""
    far = sum(np.log(gains[name] / PEAK[name]) ** 2 for name in PEAK)
    return {"score": -float(far)}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_search_climbs_a_hill(seed: int) -> None:
    """On one smooth hill it ends within a step of 10 % of the peak in every gain."""
    gains, figures, _ = search(hill, np.random.default_rng(seed), start=dict.fromkeys(PEAK, -0.01))
    for name, value in PEAK.items():
        assert gains[name] == pytest.approx(value, rel=0.1)
    assert figures == hill(gains)


def test_search_counts_its_tries_and_tells_only_improvements() -> None:
    """Every trial is counted, and each told score is better than the one before."""
    seen: list[Gains] = []
    told: list[float] = []

    def counted(gains: Gains) -> dict[str, float]:
        seen.append(gains)
        return hill(gains)

    _, figures, tried = search(
        counted, np.random.default_rng(0), told=lambda _, gains, score: told.append(score)
    )
    assert tried == len(seen)
    assert told == sorted(told)
    assert told[-1] == figures["score"] == max(hill(gains)["score"] for gains in seen)


def test_random_tries_stay_within_the_ranges() -> None:
    """The first draws are negative gains of the stated sizes."""
    seen: list[Gains] = []

    def flat(gains: Gains) -> dict[str, float]:
        seen.append(gains)
        return {"score": 0.0}

    search(flat, np.random.default_rng(3), random_tries=20)
    for gains in seen[1:21]:
        for name, (low, high) in RANGES.items():
            assert low <= -gains[name] <= high


def test_the_start_is_kept_where_nothing_is_better() -> None:
    """On a plain the first gains stay."""
    start = {"kp": -0.01, "ki": -1e-5, "kd": -0.1}
    gains, _, _ = search(lambda _: {"score": 1.0}, np.random.default_rng(0), start=start)
    assert gains == start


def test_trials_repeat_and_purposes_differ() -> None:
    """The same gains on the same purpose score the same; other patients score otherwise."""
    train = trial_on("training", 3, 1, 0)
    assert train(PEAK) == train(PEAK)
    assert train(PEAK) != trial_on("validation", 3, 1, 0)(PEAK)


def test_tuning_reports_training_and_validation(tmp_path: Path) -> None:
    """The command writes gains no worse than the start, with figures on patients not searched."""
    path = tmp_path / "gains.json"
    words = ["--patients", "3", "--days", "1", "--tries", "2", "--json", str(path)]
    assert main(words) == 0
    told = json.loads(path.read_text("utf-8"))
    assert set(told["gains"]) == set(RANGES)
    assert all(value < 0.0 for value in told["gains"].values())
    assert told["setting"] == {"size": 3, "days": 1, "seed": 0, "env_kwargs": {}}
    assert told["validation"] == trial_on("validation", 3, 1, 0)(told["gains"])


def test_bad_numbers_are_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody, no days: one line and status 2."""
    with pytest.raises(InputError, match="size is 0; give a whole number of at least 1"):
        tune(size=0)
    assert main(["--days", "0"]) == 2
    assert capsys.readouterr().err.strip() == "error: days is 0; give a whole number of at least 1"
