"""One agent for all ten adults, unannounced meals: train it, then judge it on days it has not seen.

python examples/train_insulin_agent.py [STEPS] [FOLDER]

The full 15 million steps take about seven minutes on two cores; a million shows the way.
"""

import sys

from dosegym.evaluation import evaluate
from dosegym.policies import load_policy
from dosegym.training import train

steps = int(sys.argv[1]) if len(sys.argv) > 1 else 15_000_000
folder = sys.argv[2] if len(sys.argv) > 2 else "runs/example-adult"
patients = {"patient": "adult", "scenario": "simglucose_random"}
# A death costs more than the reward's default, and lows a little: the score counts both.
caution = {"death_penalty": 100, "cost_weights": {"below_54": 1, "below_70": 0.2}}

train(
    "dosegym/Insulin-v0", timesteps=steps, seed=0, out=folder, env_kwargs={**patients, **caution}
)  # fmt: skip

# Ten days five times for each adult; basal-bolus is told of every meal, the others are not.
announced = {"scenario": {"preset": "simglucose_random", "announced": True}}
for name, policy in (
    ("trained agent", load_policy(folder)),
    ("PID", load_policy("pid", gains="rl4bg")),
    ("basal-bolus, announced", load_policy("basal_bolus")),
):
    kwargs = {**patients, **(announced if "announced" in name else {})}
    found = evaluate(policy, episodes=5, days=10, seed=1, env_kwargs=kwargs).summary["adult"]
    low, high = found["time_in_range"]["low"], found["time_in_range"]["high"]
    print(
        f"{name:24s} in range {found['time_in_range']['mean']:5.1f} % [{low:.1f}, {high:.1f}]   "
        f"below 70 {found['time_below_70']['mean']:5.2f} %   "
        f"below 54 {found['time_below_54']['mean']:5.2f} %   "
        f"ten-day episodes touching 40 or 600 mg/dL {found['failure']['mean']:4.1f} %"
    )
