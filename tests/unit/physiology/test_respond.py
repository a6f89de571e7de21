"""The probes of a resting body equal plain simulations."""

import numpy as np

from dosegym.physiology import Model, Patients, simulate
from dosegym.physiology.respond import glucose_after


def test_probe_equals_a_simulation(model: Model, people: Patients) -> None:
    """A 23 g meal at 5 g/min with 2 U and a half basal rate is what simulate makes of it."""
    share = np.where(np.arange(30) < 15, 0.5, 1.0)
    probe = glucose_after(
        model, people.params, minutes=60, carbs_g=23.0, insulin_u=2.0, basal_share=share, every=5
    )
    u = np.zeros((60, 30)) + share * model.basal_inputs(people.params)[:, 1]
    u[0] += 2.0
    carbs = np.zeros(60)
    carbs[:5] = [5.0, 5.0, 5.0, 5.0, 3.0]
    path = simulate(model, people, {"carbs": carbs, "insulin": u}, np.arange(61.0))
    np.testing.assert_allclose(probe, path["interstitial_glucose"][::5], rtol=1e-13)


def test_nothing_done_changes_nothing(model: Model, people: Patients) -> None:
    """Without a meal or a dose glucose stays where it was for eight hours."""
    path = glucose_after(model, people.params, minutes=480, every=60)
    np.testing.assert_allclose(path - path[0], 0.0, atol=1e-7)
