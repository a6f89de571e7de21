"""What an insulin episode draws at its start: meals, sensor errors, heed of lows, glucose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.onboard import MEMORIES, filter_decays
from . import kernels
from .core import Array, Streams
from .insulin_state import Episode

if TYPE_CHECKING:
    from .insulin import InsulinTask

# Project choices, near simglucose's random_init_bg: log-normal about the person's basal glucose.
START_SPREAD = 0.15
START_RANGE_MG_DL = (90.0, 220.0)


def draw_episode(
    task: InsulinTask,
    streams: Sequence[Streams],
    person: NDArray[np.int64],
    minute: NDArray[np.int64],
) -> Episode:
    """Draw one episode per stream for these people (B,), starting at these minutes (B,)."""
    per = task.step_min // task.sensor.period_min
    n, covariates = len(person), task.cohort.patients.covariates
    # People who count wrong always the same way: grams eaten per gram they count.
    truth = covariates.get("carb_factor", np.ones(len(task.cohort)))
    gain, offset = np.empty((n, task.n_steps + 1)), np.empty((n, task.n_steps + 1))
    k = task.scenario.max_meals(task.days)
    meals, told = np.full((n, k, 2), np.inf), np.full((n, k, 2), np.inf)
    heed = np.empty((n, 24 * (task.days + 1)))
    exact = task.pump.basal_error_cv == task.pump.bolus_error_cv == 0.0
    flow = np.ones((n, 1 if exact else task.n_steps, 2))
    for i, stream in enumerate(streams):
        g, o = task.sensor.draw(stream.sensor, task.n_steps * per + 1)
        gain[i], offset[i] = g[::per], o[::per]
        heed[i] = stream.device.random(heed.shape[1])
        if not exact:
            flow[i] = np.stack(task.pump.draw_errors(stream.device, task.n_steps), axis=1)
        plan = task.scenario.draw(
            stream.scenario,
            days=task.days,
            start_min=float(minute[i]),
            weight_kg=float(covariates["weight_kg"][person[i]]),
            age_years=float(covariates["age_years"][person[i]]),
        )
        count = len(plan.time_min)
        eaten = plan.carbs_g * float(truth[person[i]])
        meals[i, :count, 0], meals[i, :count, 1] = plan.time_min, eaten
        order = np.argsort(plan.told_min, kind="stable")
        told[i, :count, 0], told[i, :count, 1] = plan.told_min[order], plan.told_g[order]
    chart, params = task.charts[person], task.cohort.patients.params[person]
    steps = np.full(n, task.n_steps, dtype=np.int64)
    gains, member = np.empty((n, 0, 0)), np.zeros(n, dtype=np.int64)
    if task.residual is not None:
        gains, member = task.residual.draw(streams)
    return Episode(
        person, params, chart, meals, told, gain, offset, heed, flow, steps, gains, member
    )


def start_body(task: InsulinTask, person: NDArray[np.int64], draw: Array) -> Array:
    """Return the bodies (B, S) at the start; ``draw`` (B,) is uniform and places the glucose."""
    from scipy.special import ndtri

    x = task.basal_states[person]
    if task.start_glucose == "basal":
        return x
    params = task.model.params(task.cohort.patients.params[person])
    glucose: Any
    if task.start_glucose == "random":
        glucose = params.Gb * np.exp(START_SPREAD * ndtri(np.clip(draw, 1e-9, 1 - 1e-9)))
        glucose = np.clip(glucose, *START_RANGE_MG_DL)
    else:
        glucose = np.full(len(person), float(task.start_glucose))
    assert task.model.displace is not None
    columns = task.model.displace(tuple(x.T), params, glucose)
    return np.ascontiguousarray(np.stack(np.broadcast_arrays(*columns), axis=1))


def recall(task: InsulinTask, rate_u_per_h: Array, told_g: Array, cgm: Array) -> Array:
    """Return the memory (MEMORIES,) that a person's past leaves with their controller.

    Parameters
    ----------
    task : InsulinTask
        Its cohort's first person gives the chart.
    rate_u_per_h : array (T,), U/h
        All insulin of each past decision interval, boluses included.
    told_g : array (T,), g
        Carbohydrate announced in it.
    cgm : array (T,), mg/dL
        The reading at its end; no gaps.
    """
    chart, decays = task.charts[:1], filter_decays(task.step_min)
    memory = np.zeros((1, MEMORIES))
    memory[:, 2 : kernels.TOLD] = 1.0
    memory[:, kernels.CGM_DAY] = cgm[0]
    dose = np.zeros((1, 3))
    for rate, told, seen in zip(rate_u_per_h, told_g, cgm, strict=True):
        dose[0, 0] = rate
        reading = np.full(1, float(seen))
        kernels.remember(
            chart, dose, np.full(1, float(told)), reading, decays, task.step_min, memory
        )
    row: Array = memory[0]
    return row
