"""Trained agents beside the guidelines: control and harms of the same held-out people, paired.

python examples/compare_pressure_policies.py [AGENT ...] [--people 3000] [--file table.md]

AGENT is a folder or zip that `dosegym train` wrote. Everyone is followed for a year; people come
from the "test" stream, which no training and no certification draws from. Differences are taken
person by person, from the first guideline.
"""

import argparse
from pathlib import Path

from dosegym.evaluation import evaluate, paired_differences
from dosegym.policies import load_policy

ENVIRONMENT = "dosegym/BloodPressure-v0"
GUIDELINES = (
    "acc_aha_2025", "esc_2024", "esh_2023", "who_hearts", "kaiser", "sprint_intensive",
    "sprint_standard", "quadpill", "treat_to_noise", "usual_care", "do_nothing",
)  # fmt: skip
# Metric, heading, digits.
CONTROL = (
    ("time_in_target", "days below 130/80, %", 1),
    ("time_110_130", "time at 110-130, %", 1),
    ("control_130_80", "below 130/80 at the end, %", 1),
    ("mean_sbp", "mean systolic, mmHg", 1),
    ("n_drugs", "drugs", 2),
)
HARMS = (
    ("serious_harm", "serious harm, % of people", 2),
    ("sbp_below_100", "intervals below 100 mmHg, %", 2),
    ("orthostatic", "intervals orthostatic, %", 2),
    ("potassium_high", "intervals K > 5.5, %", 2),
    ("potassium_low", "intervals K < 3.5, %", 2),
    ("egfr_drop", "intervals eGFR -30 %, %", 2),
    ("other_symptoms", "intervals with side effects, %", 1),
)


def markdown(title, entries, columns):
    """Return a table of means with 95 % intervals over people, one line a policy."""
    lines = [f"**{title}**", "", "| policy | " + " | ".join(c[1] for c in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for name, entry in entries.items():
        cells = [
            f"{entry[m]['mean']:.{k}f} [{entry[m]['low']:.{k}f}, {entry[m]['high']:.{k}f}]"
            for m, _, k in columns
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("agents", nargs="*", help="trained agents")
parser.add_argument("--people", type=int, default=3000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--file", type=Path, help="write the tables there too")
options = parser.parse_args()

held_out = {
    "population": "virtual",
    "purpose": "test",
    "size": options.people,
    "seed": options.seed,
}
policies = {name: load_policy(name) for name in GUIDELINES}
policies |= {f"agent {Path(path).stem}": load_policy(path) for path in options.agents}
found = {
    name: evaluate(
        policy, ENVIRONMENT, episodes=1, seed=options.seed, env_kwargs={"patient": held_out}
    )
    for name, policy in policies.items()
}
first = GUIDELINES[0]
means = {name: run.summary["all"] for name, run in found.items()}
paired = paired_differences(found, seed=options.seed)
differences = {f"{name} - {first}": entry["all"] for name, entry in paired.items()}

who = f"{options.people} held-out people, one year, seed {options.seed}"
text = "\n".join(
    [
        markdown(f"Control: {who}", means, CONTROL),
        markdown(f"Harms and burden: {who}", means, HARMS),
        markdown(f"Control, less {first}, paired by person", differences, CONTROL),
        markdown(f"Harms, less {first}, paired by person", differences, HARMS),
    ]
)
print(text)
if options.file is not None:
    options.file.write_text(text, encoding="utf-8")
