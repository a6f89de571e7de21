"""Published and re-implemented baseline figures, reproduced by the shipped protocols."""

from __future__ import annotations

import pytest

from dosegym.evaluation import BenchmarkResult, benchmark
from dosegym.evaluation.protocol import Protocol
from dosegym.evaluation.protocols import load_protocol

# Time in range (%) of an independent re-implementation of simglucose (RK4, 10 days x 5 seeds x 30
# patients, true glucose), and of RL4T1D's validation day (30 runs a patient, sensor glucose).
SIMGLUCOSE = {
    "basal_bolus": {"adult": 95.0, "adolescent": 82.9, "child": 62.0},
    "pid": {"adult": 77.9, "adolescent": 60.2, "child": 56.5},
}
CONSTANT_BASAL = {"adult": 18.1, "adolescent": 21.3, "child": 9.0}
RL4T1D = {
    "legacy-gut": {"adult": 73.5, "adolescent": 72.0},
    "published-gut": {"adult": 84.3, "adolescent": 75.4},
}
# RL4T1D's own README, which rests on the legacy gut and leaves out many starts.
RL4T1D_README = {"adult": 71.02, "adolescent": 71.43}


def only(name: str, task: str, **env_kwargs: object) -> Protocol:
    """Return a shipped protocol with one of its tasks, some of its keywords changed."""
    protocol = load_protocol(name)
    chosen = next(t for t in protocol.tasks if t.name == task)
    keywords = {**chosen.env_kwargs, **env_kwargs}
    return protocol.model_copy(
        update={"tasks": (chosen.model_copy(update={"env_kwargs": keywords}),)}
    )


def in_range(result: BenchmarkResult, policy: str, group: str) -> float:
    """Return a group's mean time in range, %."""
    return result.tasks[0].evaluations[policy].summary[group]["time_in_range"]["mean"]


def test_one_episode_of_adults_comes_near_the_figures() -> None:
    """Ten adults, one episode instead of five: every adult figure within 4 points."""
    result = benchmark(only("simglucose-random", "published-gut", patient="adult"), episodes=1)
    for policy, figures in {**SIMGLUCOSE, "constant_basal": CONSTANT_BASAL}.items():
        assert in_range(result, policy, "adult") == pytest.approx(figures["adult"], abs=4.0), policy


@pytest.mark.slow
def test_simglucose_random_in_full() -> None:
    """All thirty, five episodes of ten days: every figure within 2.5 points."""
    result = benchmark(only("simglucose-random", "published-gut"))
    for policy, figures in {**SIMGLUCOSE, "constant_basal": CONSTANT_BASAL}.items():
        for group, figure in figures.items():
            assert in_range(result, policy, group) == pytest.approx(figure, abs=2.5), (
                policy,
                group,
            )


@pytest.mark.parametrize("task", RL4T1D)
def test_rl4t1d_in_full(task: str) -> None:
    """Thirty runs a patient: every figure within 3 points, on both guts, and nobody fails."""
    result = benchmark(only("rl4t1d", task))
    for group, figure in RL4T1D[task].items():
        assert in_range(result, "basal_bolus_tdd", group) == pytest.approx(figure, abs=3.0), group
        summary = result.tasks[0].evaluations["basal_bolus_tdd"].summary[group]
        assert summary["failure"]["mean"] < 0.5
        if task == "legacy-gut":
            assert in_range(result, "basal_bolus_tdd", group) == pytest.approx(
                RL4T1D_README[group], abs=3.0
            )
