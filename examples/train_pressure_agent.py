"""One agent that titrates tablets: train it on virtual people, then judge it beside the guidelines.

python examples/train_pressure_agent.py [STEPS] [FOLDER] [PATIENTS]

Trained with MaskablePPO where sb3-contrib is installed (the extra dosegym[contrib]), else with PPO.
"""

import sys
from importlib.util import find_spec

import numpy as np

from dosegym.evaluation import evaluate
from dosegym.policies import load_policy
from dosegym.training import train

steps = int(sys.argv[1]) if len(sys.argv) > 1 else None
folder = sys.argv[2] if len(sys.argv) > 2 else "runs/example-pressure"
size = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
environment = "dosegym/BloodPressure-v0"
algo = "maskable_ppo" if find_spec("sb3_contrib") else "ppo"

train(environment, algo=algo, timesteps=steps, seed=0, out=folder)

# People nobody has trained on, one year each, the same year for every policy.
people = {"population": "virtual", "size": size, "purpose": "test", "seed": 1}
shown = {
    "time_in_target": "days in target, %",
    "control_130_80": "<130/80 at the end, %",
    "sbp_below_100": "intervals <100 mmHg, %",
    "serious_harm": "serious harm, % of people",
    "n_drugs": "drugs",
}
print("| policy | " + " | ".join(shown.values()) + " |")
print("| --- " * (len(shown) + 1) + "|")
in_target = {}
for name, policy in (
    ("trained agent", load_policy(folder)),
    ("ACC/AHA 2025", load_policy("acc_aha_2025")),
    ("usual care", load_policy("usual_care")),
):
    run = evaluate(policy, environment, episodes=1, days=364, env_kwargs={"patient": people})
    metrics = {m: np.array([row["metrics"][m] for row in run.rows]) for m in shown}
    in_target[name] = metrics["time_in_target"]
    print(f"| {name} | " + " | ".join(f"{metrics[m].mean():.1f}" for m in shown) + " |")

better = in_target["trained agent"] - in_target["ACC/AHA 2025"]
error = better.std(ddof=1) / np.sqrt(len(better))
print(
    f"\nagent minus ACC/AHA, person by person: {better.mean():+.1f} points of days in target "
    f"[{better.mean() - 1.96 * error:+.1f}, {better.mean() + 1.96 * error:+.1f}], n = {size}"
)
