"""Certify a policy of your own: default deny, and every bound beside its limit.

python examples/certify_policy.py
"""

import numpy as np

from dosegym.evaluation import certify
from dosegym.policies import load_policy
from dosegym.therapy.dosing import rise, rise_inverse


class HalfDose:
    """Basal-bolus therapy at half the dose: safe from lows, and refused all the same."""

    def __init__(self) -> None:
        self.inner = load_policy("basal_bolus")
        self.wants = dict(self.inner.wants)
        self.card = {"policy": "half_dose", "kind": "example", "wants": self.wants}

    def predict(self, observation, state=None, episode_start=None, deterministic=True):
        """Ask for basal-bolus doses of a patient who needs half as much."""
        action, state = self.inner.predict(observation, state, episode_start, deterministic)
        # Actions ask for doses on an exponential curve: back to the dose, halve it, and on again.
        return rise_inverse(0.5 * rise(action.astype(np.float64))).astype(np.float32), state


case = certify(HalfDose(), patients=300, groups=("adult",))
print(case.verdict, "-", case.sentence)
for item in case.items:
    mark = "holds" if item.passed else "FAILS"
    print(f"{item.id:22s} bound {item.bound:8.3f}  limit {item.limit:6.3f}  {mark}")
