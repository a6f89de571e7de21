"""Runs many candidate bodies through one record at once.

What differs within a record is one vector of local effects per body: the logarithm of insulin
sensitivity in each window of eight hours, then the logarithm of eaten over counted carbohydrate in
each meal, both relative to the body's own. Windows are counted from the record's start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import Engine, engine_for
from .coordinates import Coordinates
from .inputs_kernel import lay_out, serve
from .observations import EATING_G_PER_MIN, SAMPLE_MIN, Observations

Array = NDArray[np.float64]
SAMPLES_A_DAY = 24 * 60 // SAMPLE_MIN
WINDOW_MIN = 480
WINDOWS_A_DAY = 1440 // WINDOW_MIN
WINDOW_SAMPLES = WINDOW_MIN // SAMPLE_MIN
# A body that has lost all bounds is no better than one at these (mg/dL), and comparable.
FARTHEST_MG_DL = 5000.0


def first_reading(seen: Observations) -> float:
    """Return the mean of the first readings, mg/dL: about where a run starts."""
    known = seen.glucose[np.isfinite(seen.glucose)]
    return float(np.clip(known[:3].mean(), 45.0, 400.0))


def windows_in(seen: Observations) -> int:
    """Return the windows of eight hours, the last one perhaps not whole."""
    return -(-len(seen.insulin) // WINDOW_MIN)


def with_sensitivity(where: Coordinates, params: Array, shift: Array) -> Array:
    """Return parameters (B, P) of bodies whose insulin acts exp(shift) times as strongly."""
    columns = [where.model.parameter_index[name] for name in ("Vmx", "kp3")]
    changed = params.copy()
    changed[:, columns] *= np.exp(np.asarray(shift))[:, None]
    return changed


def inputs_of(
    seen: Observations, factor: Array, meal_factor: Array, own: Array, minutes: slice
) -> Array:
    """Return inputs (T, 2, B) of bodies in some minutes of a record.

    Parameters
    ----------
    factor : array (B,)
        Eaten over counted carbohydrate of the body.
    meal_factor : array (M, B)
        Further factor of each meal.
    own : array (B,), U/min
        Basal insulin of the body, given where the record tells none.
    """
    u = np.empty((len(seen.carbs[minutes]), 2, len(factor)))
    basal = np.ascontiguousarray(own) if seen.own_basal else np.zeros(len(factor))
    recorded = (seen.carbs[minutes], seen.meal[minutes], seen.insulin[minutes])
    lay_out(u, *recorded, factor, meal_factor, basal)
    return u


class Adds(Protocol):
    """What changes the inputs u (T, 2, B) of a stretch that begins at a minute of the record."""

    def add(self, u: Array, first_minute: int) -> None:
        """Change them in place."""


@dataclass(frozen=True)
class Extra:
    """Meals outside of the log: when each body began to eat (B, X), min, and how much (B, X), g."""

    onset: Array
    grams: Array

    def add(self, u: Array, first_minute: int) -> None:
        """Add what is eaten, at 5 g/min, to inputs u (T, 2, B) from a minute of the record on."""
        shape = (u.shape[2], self.onset.shape[1])
        onset, grams = (
            np.ascontiguousarray(np.broadcast_to(x, shape)) for x in (self.onset, self.grams)
        )
        serve(u, float(first_minute), onset, grams, EATING_G_PER_MIN)


@dataclass(frozen=True)
class Together:
    """Several changes of the inputs, one after the other."""

    parts: tuple[Adds, ...]

    def add(self, u: Array, first_minute: int) -> None:
        """Change inputs u (T, 2, B) from a minute of the record on."""
        for part in self.parts:
            part.add(u, first_minute)


def run(
    where: Coordinates, z: Array, seen: Observations, shift: Array | None = None,
    extra: Adds | None = None,
) -> Array:  # fmt: skip
    """Return interstitial glucose (T / 5 + 1, B), mg/dL, of bodies at coordinates z (B, d).

    ``shift`` (B, K) are the local effects, ``extra`` what is done besides the record; none where
    they are left out.
    """
    return run_to_end(where, z, seen, shift, extra)[0]


def run_to_end(
    where: Coordinates, z: Array, seen: Observations, shift: Array | None = None,
    extra: Adds | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Return glucose as ``run`` does, and the states (B, S) at the record's end."""
    glucose, starts = run_windows(where, z, seen, shift, extra)
    return glucose, starts[-1]


def run_windows(
    where: Coordinates, z: Array, seen: Observations, shift: Array | None = None,
    extra: Adds | None = None,
) -> tuple[Array, Array]:  # fmt: skip
    """Return glucose as ``run`` does, and the states (W + 1, B, S) at each window's two ends."""
    params, windows = where.params(z), windows_in(seen)
    if shift is None:
        shift = np.zeros((len(z), windows + seen.meals))
    factor, own = where.carb_factor(z), where.own_basal(params)
    meal_factor = np.exp(np.ascontiguousarray(shift[:, windows:].T))
    engine = engine_for(where.model)
    x = where.initial(z, params)
    states = [x.copy()]
    glucose = np.empty((len(seen.insulin) // SAMPLE_MIN + 1, len(z)))
    glucose[0] = where.start_glucose(z)
    for w in range(windows):
        minutes = slice(w * WINDOW_MIN, min((w + 1) * WINDOW_MIN, len(seen.insulin)))
        u = inputs_of(seen, factor, meal_factor, own, minutes)
        if extra is not None:
            extra.add(u, minutes.start)
        today = with_sensitivity(where, params, shift[:, w])
        first = w * WINDOW_SAMPLES + 1
        read = advance(engine, x, today, u)
        glucose[first : first + len(read)] = read
        states.append(x.copy())
    return glucose, np.stack(states)


def advance(engine: Engine, x: Array, params: Array, u: Array) -> Array:
    """Move states x (B, S) on in place; return glucose (T / 5, B) every five minutes, mg/dL."""
    model = engine.model
    kept = np.empty((len(u) // SAMPLE_MIN, len(model.outputs), len(x)))
    engine.advance(x, params, u, seen=kept, every=SAMPLE_MIN)
    glucose = kept[:, model.output_index["interstitial_glucose"]]
    bounded = np.minimum(glucose, FARTHEST_MG_DL)
    return np.asarray(np.where(np.isnan(bounded), FARTHEST_MG_DL, bounded))
