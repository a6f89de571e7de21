"""How glucose answers to each window and each meal of a record, in short runs beside the long one.

An effect of one window or meal has faded after a day or so. Its derivative is therefore found by
running a changed body from the start of its window for 32 hours, all effects at once in one batch,
in place of running the whole record once for each of a hundred effects.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from .coordinates import Coordinates
from .forward import (
    WINDOW_MIN,
    WINDOW_SAMPLES,
    Adds,
    advance,
    inputs_of,
    windows_in,
    with_sensitivity,
)
from .observations import Observations

Array = NDArray[np.float64]
STEP = 1e-3
FADES_AFTER = 4  # windows


def local_slopes(
    where: Coordinates, z: Array, seen: Observations, shift: Array, glucose: Array, starts: Array,
    extra: Adds | None = None,
) -> Array:  # fmt: skip
    """Return the derivatives (T / 5 + 1, K) of glucose by the local effects, mg/dL.

    Parameters
    ----------
    z : array (d,)
    shift : array (K,)
        Local effects.
    glucose : array (T / 5 + 1,), mg/dL
        Of the body with these effects.
    starts : array (W, S)
        Its states where each window begins.
    extra : Adds, optional
        What it does besides the record.
    """
    windows, meals, engine = windows_in(seen), seen.meals, engine_for(where.model)
    begins = np.concatenate([np.arange(windows), seen.meal_begins // WINDOW_MIN]).astype(np.int64)
    params = np.repeat(where.params(z[None]), len(begins), axis=0)
    change = STEP * np.eye(windows + meals)
    x = starts[begins].copy()
    slope = np.zeros((len(glucose), len(begins)))
    lanes = np.arange(len(begins))
    for ahead in range(FADES_AFTER):
        now = begins + ahead
        alive = lanes[now < windows]
        if not len(alive):
            break
        window = now[alive]
        u = _inputs(where, z, seen, shift, change[alive], window, extra)
        level = shift[window] + change[alive, window]
        state = np.ascontiguousarray(x[alive])
        read = advance(engine, state, with_sensitivity(where, params[alive], level), u)
        x[alive] = state
        at = window * WINDOW_SAMPLES + 1 + np.arange(WINDOW_SAMPLES)[:, None]
        inside = at < len(glucose)
        base = glucose[np.minimum(at, len(glucose) - 1)]
        difference = np.where(inside, (read - base) / STEP, 0.0)
        column = np.broadcast_to(alive, at.shape)
        slope[at[inside], column[inside]] = difference[inside]
    return slope


def _inputs(
    where: Coordinates,
    z: Array,
    seen: Observations,
    shift: Array,
    change: Array,
    window: NDArray[np.int64],
    extra: Adds | None,
) -> Array:
    """Return the inputs (480, 2, B) of each lane in the window where it is."""
    windows = windows_in(seen)
    factor, own = where.carb_factor(z[None]), where.own_basal(where.params(z[None]))
    whole = slice(0, len(seen.insulin))
    plain = inputs_of(seen, factor, np.exp(shift[windows:, None]), own, whole)[:, :, 0]
    plain = np.pad(plain, ((0, windows * WINDOW_MIN - len(plain)), (0, 0)))
    number = np.pad(seen.meal, (0, len(plain) - len(seen.meal)), constant_values=-1)
    minute = window[None, :] * WINDOW_MIN + np.arange(WINDOW_MIN)[:, None]
    u = np.ascontiguousarray(plain[minute].transpose(0, 2, 1))
    meal = number[minute]
    more = np.concatenate([change[:, windows:], np.zeros((len(change), 1))], axis=1)
    u[:, 0] *= np.exp(more[np.arange(len(change))[None], meal])
    if extra is not None:
        besides = np.zeros((*plain.shape, 1))
        extra.add(besides, 0)
        u += besides[minute, :, 0].transpose(0, 2, 1)
    return u
