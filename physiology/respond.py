"""What one meal, one dose or a stopped pump does to resting patients: the probes of a body."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .engine import engine_for
from .model import Model

Array = NDArray[np.float64]

EATING_G_PER_MIN = 5.0
"""Speed of eating, g/min (simglucose)."""


def glucose_after(
    model: Model,
    params: Array,
    *,
    minutes: int,
    carbs_g: ArrayLike = 0.0,
    insulin_u: ArrayLike = 0.0,
    basal_share: ArrayLike = 1.0,
    every: int = 5,
) -> Array:
    """Return interstitial glucose after one meal and one dose given to patients at rest.

    Parameters
    ----------
    model : Model
        With inputs ``carbs`` (g/min) and ``insulin`` (U/min) and output ``interstitial_glucose``.
    params : array (B, P)
    minutes : int
        Horizon, a multiple of ``every``.
    carbs_g : float or array (B,), g
        Meal begun at minute 0 and eaten at 5 g/min.
    insulin_u : float or array (B,), U
        Dose delivered within the first minute, on top of the basal rate.
    basal_share : float or array (B,)
        Basal rate as a share of the one that holds the equilibrium.
    every : int
        Minutes between two returned values.

    Returns
    -------
    array (minutes / every + 1, B), mg/dL
    """
    batch = len(params)
    engine, glucose = engine_for(model), model.output_index["interstitial_glucose"]
    carbs, insulin = model.input_index["carbs"], model.input_index["insulin"]
    meal, dose = (np.broadcast_to(np.asarray(v, float), batch) for v in (carbs_g, insulin_u))
    x, u = model.initial(params), np.empty((every, len(model.inputs), batch))
    u[:] = model.basal_inputs(params).T
    u[:, insulin] *= np.broadcast_to(np.asarray(basal_share, float), batch)
    path = np.empty((minutes // every + 1, batch))
    path[0] = engine.outputs(x, params, u[0])[:, glucose]
    u[0, insulin] += dose
    for k in range(1, len(path)):
        begun = np.arange((k - 1) * every, k * every)[:, None] * EATING_G_PER_MIN
        u[:, carbs] = np.clip(meal - begun, 0.0, EATING_G_PER_MIN)
        engine.advance(x, params, u)
        if k == 1:
            u[0, insulin] -= dose
        path[k] = engine.outputs(x, params, u[-1])[:, glucose]
    return path
