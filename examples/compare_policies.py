"""Three policies on the same days of the same ten adults, with paired differences by patient.

python examples/compare_policies.py
"""

import numpy as np

from dosegym.evaluation import evaluate

runs = {
    name: evaluate(name, episodes=1, days=3, seed=7, env_kwargs={"patient": "adult"})
    for name in ("basal_bolus", "pid", "low_glucose_suspend")
}
for name, run in runs.items():
    entry = run.summary["adult"]["time_in_range"]
    print(
        f"{name:20s} time in range {entry['mean']:5.1f} % "
        f"[{entry['low']:.1f}, {entry['high']:.1f}], n = {entry['n']:.0f} patients"
    )

in_range = {
    name: np.array([row["metrics"]["time_in_range"] for row in run.rows])
    for name, run in runs.items()
}
difference = in_range["basal_bolus"] - in_range["pid"]
print(f"basal-bolus minus PID, patient by patient: {np.round(difference, 1)}")
