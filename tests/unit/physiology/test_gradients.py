"""Gradients through the simulation, by torch, equal finite differences."""

import numpy as np
import torch

from dosegym.physiology import Model, Patients, simulate
from dosegym.physiology.namespace import TORCH
from dosegym.physiology.solve import rollout

MINUTES = 90


def _inputs(basal: float) -> np.ndarray:
    """Return inputs (T, U): a meal eaten over ten minutes, with its bolus, on a basal rate."""
    u = np.zeros((MINUTES, 2))
    u[5:15, 0] = 5.0
    u[:, 1] = basal
    u[5, 1] += 3.0
    return u


def _final_glucose(model: Model, table: np.ndarray, u: np.ndarray) -> np.ndarray:
    inputs = {"carbs": u[:, :1] + np.zeros(len(table)), "insulin": u[:, 1:] + np.zeros(len(table))}
    path = simulate(model, table, inputs, np.arange(MINUTES + 1.0))
    glucose: np.ndarray = path["interstitial_glucose"][-1]
    return glucose


def test_parameter_gradients_equal_finite_differences(model: Model, people: Patients) -> None:
    """d(glucose 90 min into a meal)/d(parameter), start included, for every parameter."""
    row = people["adolescent#003"].params[0]
    u = _inputs(float(model.basal_inputs(row)[0, 1]))
    leaf = torch.tensor(row, dtype=torch.float64, requires_grad=True)
    params = model.Params(*leaf)
    start = tuple(torch.as_tensor(v) for v in model.equilibrium(params)[0])
    path = rollout(model, TORCH, params, torch.as_tensor(u), start)
    glucose = model.observe(TORCH)(path[-1], tuple(torch.as_tensor(u[-1])), params)[1]
    glucose.backward()
    gradient = leaf.grad
    assert gradient is not None
    assert torch.isfinite(gradient).all()
    step = 1e-5 * np.abs(row)
    table = np.concatenate([row + np.diag(step), row - np.diag(step)])
    ends = _final_glucose(model, table, u)
    numeric = (ends[: len(row)] - ends[len(row) :]) / (2.0 * step)
    # Elasticities (mg/dL per unit relative change) put all parameters on one scale.
    np.testing.assert_allclose(gradient.numpy() * row, numeric * row, rtol=1e-4, atol=1e-4)


def test_dose_gradients_are_negative(model: Model, people: Patients) -> None:
    """More insulin at any minute lowers the final glucose, by torch's gradient."""
    row = people["adult#001"].params[0]
    u = torch.tensor(_inputs(0.02), dtype=torch.float64, requires_grad=True)
    params = model.Params(*torch.as_tensor(row))
    start = tuple(torch.as_tensor(model.initial(row)[0]))
    path = rollout(model, TORCH, params, u, start)
    path[-1][3].backward()
    assert u.grad is not None
    doses = u.grad[: MINUTES - 5, 1]
    assert torch.isfinite(u.grad).all()
    assert (doses < 0).all()
