"""Learn to titrate tablets from logged care alone, then find out in the simulator what came of it.

python examples/train_offline_agent.py [--small] [--people N] [--steps N] [--test N] [--out FOLDER]

A noisy clinician treats virtual people; cloning, implicit and conservative Q-learning see nothing
but the log of it. Judged are all on people nobody learned from: beside them the clinician as noisy
as in the log, and the guideline that the clinician follows.
"""

import argparse
from typing import Any

import numpy as np

from dosegym.evaluation import evaluate
from dosegym.evaluation.collect import collect
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician
from dosegym.training.offline import train_offline

parser = argparse.ArgumentParser()
parser.add_argument("--small", action="store_true", help="a run of less than a minute")
parser.add_argument("--people", type=int, default=None, help="people in the log")
parser.add_argument("--steps", type=int, default=None, help="gradient steps of each algorithm")
parser.add_argument("--test", type=int, default=None, help="people judged on")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--out", default="runs/example-offline")
asked = parser.parse_args()
people = asked.people or (200 if asked.small else 4000)
steps = asked.steps or (300 if asked.small else 6000)
test = asked.test or (60 if asked.small else 1000)
ENVIRONMENT, GUIDELINE, NOISE = "dosegym/BloodPressure-v0", "acc_aha_2025", 0.2
SHOWN = {
    "time_in_target": "days in target, %",
    "sbp_below_100": "intervals <100 mmHg, %",
    "potassium_high": "intervals K >5.5, %",
    "serious_harm": "serious harm, % of people",
    "n_drugs": "drugs",
}


class ByChance:
    """The clinician as logged: evaluations ask for the likeliest act, this one draws."""

    def __init__(self, clinician: NoisyClinician) -> None:
        self.clinician = clinician
        self.env_id, self.wants = clinician.env_id, clinician.wants

    def predict(self, observation: Any, state: Any = None, episode_start: Any = None,
                deterministic: bool = True) -> Any:  # fmt: skip
        """Return an act drawn by chance, whatever is asked for."""
        return self.clinician.predict(observation, state, episode_start, False)


def mean(values: np.ndarray) -> str:
    """Return a mean over people with its normal 95 % interval."""
    error = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():.2f} [{values.mean() - error:.2f}, {values.mean() + error:.2f}]"


# 1. The log: a year of care of each person, by a guideline with noise of known probability.
clinician = NoisyClinician(load_policy(GUIDELINE), epsilon=NOISE)
treated = {"population": "virtual", "size": people, "purpose": "training", "seed": asked.seed}
log = collect(ENVIRONMENT, clinician, treated, asked.seed)
print(f"log: {len(log.patients())} people, {sum(map(len, log.episodes))} decisions, "
      f"return {mean(log.returns())}\n")  # fmt: skip

# 2. Three agents from it.
judged: dict[str, Any] = {
    "noisy clinician": ByChance(clinician.seeded(np.random.default_rng(asked.seed + 1))),
    "the guideline": load_policy(GUIDELINE),
}
for algo in ("bc", "iql", "cql"):
    folder = f"{asked.out}/{algo}"
    train_offline(log, algo=algo, timesteps=steps, seed=asked.seed, out=folder, progress=False)
    judged[algo] = load_policy(folder)

# 3. The same people and days for all; returns are of the reward that was learned from.
unseen = {"population": "virtual", "size": test, "purpose": "test", "seed": 1}
print("| policy | return | " + " | ".join(SHOWN.values()) + " |")
print("| --- " * (len(SHOWN) + 2) + "|")
returns, in_target = {}, {}
for name, policy in judged.items():
    returns[name] = collect(ENVIRONMENT, policy, unseen, 7, by_chance=False).returns()
    run = evaluate(policy, ENVIRONMENT, episodes=1, seed=7, env_kwargs={"patient": unseen})
    metrics = {m: np.array([row["metrics"][m] for row in run.rows]) for m in SHOWN}
    in_target[name] = metrics["time_in_target"]
    told = " | ".join(f"{values.mean():.2f}" for values in metrics.values())
    print(f"| {name} | {mean(returns[name])} | {told} |")

print(f"\nagent minus noisy clinician, person by person (n = {test}):")
for algo in ("bc", "iql", "cql"):
    gained = returns[algo] - returns["noisy clinician"]
    error = 1.96 * gained.std(ddof=1) / np.sqrt(test)
    worse, better = gained.mean() + error < 0.0, gained.mean() - error > 0.0
    verdict = "WORSE than the behaviour" if worse else "better" if better else "no difference shown"
    days = in_target[algo] - in_target["noisy clinician"]
    print(f"  {algo}: return {mean(gained)}, days in target {mean(days)}: {verdict}")
