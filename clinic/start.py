"""Where a forecast begins: bodies at the end of a record, and what a controller then knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..envs.insulin import InsulinTask
from ..envs.insulin_start import recall
from ..envs.insulin_state import Start
from ..physiology.population import Patients
from ..records.timeline import Timeline
from ..therapy.cohort import Cohort
from ..twins.days import estimate_days
from ..twins.forward import run_to_end, with_sensitivity
from ..twins.noise import whitening
from ..twins.observations import SAMPLE_MIN, Observations, observe
from ..twins.twin import Twin
from .regimen import Regimen

Array = NDArray[np.float64]

# The slowest memory of a controller fades with a day; after four days 2 % of it are left.
RECALL_DAYS = 4.0
LATEST_READINGS = 3
LOWEST_MG_DL, HIGHEST_MG_DL = 45.0, 400.0


@dataclass(frozen=True)
class Bodies:
    """Draws of the twin, led through the record.

    Parameters
    ----------
    patients : Patients
        The draws (n), each on a day of its own; covariate ``carb_factor`` is grams eaten per gram
        counted.
    usual : array (n, P)
        Parameters of the draws on a usual day, when their basal state is an equilibrium.
    end : array (n, S)
        States at the end of the record, glucose set to the latest readings.
    glucose : array (T, n), mg/dL
        Interstitial glucose of the draws at ``seen``'s samples.
    likely : array (T,), mg/dL
        That of the most probable body.
    seen : Observations
    counting_sd : float
        Standard deviation of the logarithm of counted over eaten grams from meal to meal.
    """

    patients: Patients
    usual: Array
    end: Array
    glucose: Array
    likely: Array
    seen: Observations
    counting_sd: float = 0.0


def bodies_of(twin: Twin, record: Timeline, n: int, rng: np.random.Generator) -> Bodies:
    """Draw ``n`` bodies from a twin's posterior and let them live through the record.

    Glucose at the end is moved to the mean of the last three readings, tissue glucose in balance
    with it: the forecast starts where the person is, insulin and food where the draw says.
    """
    seen, where = observe(record), twin.where
    use = whitening(seen)
    days = estimate_days(where, twin.z, seen, use, twin.noise, twin.variation).effect
    z = np.concatenate([twin.z[None], twin.coordinates(n, rng)])
    glucose, end = run_to_end(where, z, seen, np.repeat(days[None], len(z), axis=0))
    params = where.params(z)[1:]
    tomorrow = with_sensitivity(where, params, twin.day_sd * rng.standard_normal(n))
    base = twin.patients(n)
    patients = Patients(
        model=base.model,
        names=base.names,
        groups=base.groups,
        params=tomorrow,
        covariates={**base.covariates, "carb_factor": where.carb_factor(z)[1:]},
    )
    now = float(np.clip(_latest(seen), LOWEST_MG_DL, HIGHEST_MG_DL))
    assert twin.model.displace is not None
    moved = twin.model.displace(tuple(end[1:].T), twin.model.params(params), np.full(n, now))
    state = np.stack(np.broadcast_arrays(*moved), axis=1)
    return Bodies(
        patients, params, state, glucose[:, 1:], glucose[:, 0], seen, float(twin.variation.meal)
    )


def _latest(seen: Observations) -> float:
    known = seen.glucose[np.isfinite(seen.glucose)]
    return float(known[-LATEST_READINGS:].mean())


def end_s(seen: Observations) -> float:
    """Return when the record ends for a fit, seconds since 1970 UTC."""
    return seen.start_s + len(seen.insulin) * 60.0


def begin_at(task: InsulinTask, bodies: Bodies, record: Timeline) -> Start:
    """Return where a task begins with these bodies, one row each."""
    end, n = end_s(bodies.seen), len(bodies.patients)
    memory = _recalled(record, end, task)
    readings = _readings(record, end, task.n_history, task.step_min)
    return Start(bodies.end, np.repeat(memory[None], n, axis=0), np.tile(readings, (n, 1)))


def _recalled(record: Timeline, end: float, task: InsulinTask) -> Array:
    """Return the memory (MEMORIES,) that doses, meals and readings of the last days leave."""
    step = task.step_min
    first = max(end - RECALL_DAYS * 86400.0, float(record.glucose.time_s[0]))
    steps = max(1, int((end - first) // (step * 60.0)))
    grid = record.on_grid(end - steps * step * 60.0, steps, step)
    # One rate stands for basal and bolus alike: the memories add both up.
    rate = np.array(grid.insulin_u_per_min) * 60.0
    rate[~np.array(grid.basal_known)] += float(task.cohort.therapy.basal_u_per_h[0])
    return recall(task, rate, np.array(grid.carbs_g), _readings(record, end, steps, step)[::-1])


def _readings(record: Timeline, end: float, n: int, step_min: float) -> Array:
    """Return the last ``n`` readings at the task's step, the latest first, gaps drawn straight."""
    grid = record.on_grid(end - (n - 1) * step_min * 60.0, n, step_min)
    values: Array = np.array(grid.glucose)
    known = np.isfinite(values)
    where = np.arange(n)
    if not known.any():
        values[:] = float(record.glucose.mg_dl[-1])
    else:
        values = np.interp(where, where[known], values[known])
    return values[::-1].copy()


def cohort_for(bodies: Bodies, regimen: Regimen) -> Cohort:
    """Return the draws with the person's regimen as everybody's chart."""
    return Cohort(bodies.patients, regimen.prescription(len(bodies.patients)))


def samples_of(bodies: Bodies, last_days: float) -> slice:
    """Return the samples of the last days of the record."""
    count = round(last_days * 1440 / SAMPLE_MIN)
    return slice(max(0, len(bodies.seen.glucose) - 1 - count), None)


def keywords_of(certified: dict[str, Any]) -> dict[str, Any]:
    """Return what of a certificate's environment holds for one person's next day.

    Sensor, pump, dosing mode and decision interval stay as certified; who, when and what is eaten
    are the person's own.
    """
    kept = ("physiology", "gut", "action", "sensor", "pump", "step_min", "reward")
    return {key: certified[key] for key in kept if key in certified}
