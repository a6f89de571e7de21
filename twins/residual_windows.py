"""Stretches of several hours that a twin has to forecast, cut from people's records.

At each decision time the body's state is that of a run through the past: insulin and food as
recorded, glucose drawn towards each reading by a fixed share. Nothing after the decision enters it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..physiology.engine import engine_for
from ..physiology.model import Model
from .coordinates import Coordinates
from .forward import first_reading, inputs_of
from .observations import SAMPLE_MIN, Observations

Array = NDArray[np.float64]

HORIZON_MIN = 180
"""Length of a stretch, min."""
EVERY_MIN = 60
RUN_IN_MIN = 360
"""What a run needs to forget its start (project choice)."""
GLUCOSE_PULL, SENSED_PULL = 0.3, 0.5
"""Share of a reading's error by which plasma (and tissue) and sensed glucose are moved."""
BLOCK_MIN = 30
"""Gains are held this long."""
BLOCKS = HORIZON_MIN // BLOCK_MIN


@dataclass(frozen=True)
class Windows:
    """N stretches, each of one person.

    Parameters
    ----------
    params : array (N, P)
        Of the bare model.
    start : array (N, S)
        States at the decision time.
    inputs : array (N, T, 2)
        Carbohydrate and insulin each minute, as recorded and given afterwards.
    readings : array (N, T / 5), mg/dL
        At 5, 10, ... min; NaN where there is none.
    minute : array (N,)
        Local minute of the day of the decision.
    person : array (N,) of int
    activity : array (N, 3)
        Traces of activity at the decision (see ``exercise``); zero where none is known.
    """

    params: Array
    start: Array
    inputs: Array
    readings: Array
    minute: Array
    person: NDArray[np.int64]
    activity: Array

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: NDArray) -> Windows:
        """Return some of the windows."""
        return Windows(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def hours(self) -> Array:
        """Return the local hour (N, BLOCKS) at the middle of each block of held gains."""
        middle = BLOCK_MIN * (np.arange(BLOCKS) + 0.5)
        return np.asarray(((self.minute[:, None] + middle) % 1440.0) / 60.0)


def joined(parts: Sequence[Windows]) -> Windows:
    """Return the windows of several people together."""
    return Windows(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Windows)))


def follow(
    where: Coordinates, z: Array, seen: Observations, samples: NDArray[np.int64]
) -> tuple[Array, Array, Array]:
    """Run a body through a record, drawn to its readings; return states at some samples.

    Parameters
    ----------
    z : array (d,)
    samples : array (N,) of int, ascending
        Five-minute samples of the record.

    Returns
    -------
    states : array (N, S), params : array (P,), inputs : array (T, 2)
    """
    params = where.params(z[None])
    model, own = where.model, where.own_basal(params)
    everything = slice(0, len(seen.insulin))
    as_counted = np.ones((seen.meals, 1))
    u = inputs_of(seen, where.carb_factor(z[None]), as_counted, own, everything)
    x = where.initial(z[None], params, first_reading(seen))
    states = np.empty((len(samples), x.shape[1]))
    engine, volume, waiting = engine_for(model), float(model.params(params).Vg[0]), 0
    for k in range(int(samples[-1]) + 1):
        if k:
            engine.advance(x, params, u[(k - 1) * SAMPLE_MIN : k * SAMPLE_MIN])
        draw_to(model, x[0], seen.glucose[k], volume)
        if k == samples[waiting]:
            states[waiting] = x[0]
            waiting += 1
    return states, params[0], u[:, :, 0]


def draw_to(model: Model, x: Array, reading: float, volume: float) -> None:
    """Move the glucose of a state x (S,) towards a reading, in place; a missing one moves nothing.

    The ratio of tissue to plasma glucose stays as it is; nothing falls below zero.
    """
    if not np.isfinite(reading):
        return
    names = ("plasma_glucose_mass", "tissue_glucose_mass", "interstitial_glucose_mass")
    plasma, tissue, sensed = (model.state_index[name] for name in names)
    error = reading * volume - x[sensed]
    before = max(float(x[plasma]), 1e-6)
    x[plasma] = max(x[plasma] + GLUCOSE_PULL * error, 0.1 * before)
    x[tissue] *= x[plasma] / before
    x[sensed] = max(x[sensed] + SENSED_PULL * error, 0.0)


def windows_of(
    where: Coordinates, z: Array, seen: Observations, first: int, last: int, *,
    person: int = 0, activity: Array | None = None, every_min: int = EVERY_MIN,
) -> Windows:  # fmt: skip
    """Return the stretches that begin in samples ``first`` to ``last`` and end before ``last``.

    Parameters
    ----------
    activity : array (T, 3), optional
        Traces of activity at each sample.

    Notes
    -----
    A stretch without a reading at its start, or with fewer than half of them, is left out.
    """
    length = HORIZON_MIN // SAMPLE_MIN
    begin = max(first, RUN_IN_MIN // SAMPLE_MIN)
    at = np.arange(begin, last - length + 1, every_min // SAMPLE_MIN)
    read = np.isfinite(seen.glucose)
    kept = np.array([read[i] and read[i + 1 : i + 1 + length].mean() >= 0.5 for i in at], bool)
    at = at[kept] if len(at) else at.astype(np.int64)
    if not len(at):
        return nothing(where.model)
    states, params, u = follow(where, z, seen, at)
    n = len(at)
    return Windows(
        np.tile(params, (n, 1)),
        states,
        np.stack([u[i * SAMPLE_MIN : i * SAMPLE_MIN + HORIZON_MIN] for i in at]),
        np.stack([seen.glucose[i + 1 : i + 1 + length] for i in at]),
        np.asarray((seen.start_minute + at * float(SAMPLE_MIN)) % 1440.0, dtype=np.float64),
        np.full(n, person, np.int64),
        np.zeros((n, 3)) if activity is None else activity[at],
    )


def nothing(model: Model) -> Windows:
    """Return no windows."""
    p, s, length = len(model.parameters), len(model.state_index), HORIZON_MIN // SAMPLE_MIN
    return Windows(
        np.empty((0, p)),
        np.empty((0, s)),
        np.empty((0, HORIZON_MIN, 2)),
        np.empty((0, length)),
        np.empty(0),
        np.empty(0, dtype=np.int64),
        np.empty((0, 3)),
    )


def forecast(
    hybrid: Model, windows: Windows, columns: Array, sensitivity: Array | None = None
) -> Array:
    """Return sensed glucose (N, T / 5), mg/dL, of each stretch under gains and drift.

    Parameters
    ----------
    hybrid : Model
        ``uva_padova_gains`` with the gut of the twins' model.
    windows : Windows
    columns : array (N, BLOCKS, 6)
        Its added parameters, held over each block of half an hour.
    sensitivity : array (N, BLOCKS), optional
        Logarithm of insulin sensitivity over the body's own in each block.
    """
    added = list(hybrid.neutral)
    acting = [hybrid.parameter_index[name] for name in ("Vmx", "kp3")]
    engine, x = engine_for(hybrid), windows.start.copy()
    out = np.empty((HORIZON_MIN // SAMPLE_MIN, len(windows)))
    params = np.hstack([windows.params, np.empty((len(windows), len(added)))])
    volume = windows.params[:, hybrid.parameter_index["Vg"]]
    column, per = hybrid.state_index["interstitial_glucose_mass"], BLOCK_MIN // SAMPLE_MIN
    kept = np.empty((BLOCK_MIN, x.shape[1], len(x)))
    for b in range(BLOCKS):
        params[:, -len(added) :] = columns[:, b]
        if sensitivity is not None:
            strength = np.exp(sensitivity[:, b])[:, None]
            params[:, acting] = windows.params[:, acting] * strength
        minutes = slice(b * BLOCK_MIN, (b + 1) * BLOCK_MIN)
        engine.advance(x, params, windows.inputs[:, minutes].transpose(1, 2, 0), record=kept)
        out[b * per : (b + 1) * per] = kept[SAMPLE_MIN - 1 :: SAMPLE_MIN, column] / volume
    return out.T.copy()


def neutral_columns(hybrid: Model, n: int) -> Array:
    """Return the columns (n, BLOCKS, 6) with which the hybrid is the bare body."""
    return np.tile(np.array(list(hybrid.neutral.values())), (n, BLOCKS, 1))
