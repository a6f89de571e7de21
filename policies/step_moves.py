"""The small moves open at a visit: keep the regimen, or take one class up or down by a level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..therapy.formulary import CLASSES, Formulary
from .pressure_mask import action_mask, current_levels

Levels = NDArray[np.int64]
Bools = NDArray[np.bool_]

MOVES = 1 + 2 * len(CLASSES)


def moves(observation: NDArray[np.float32], tablets: Formulary) -> tuple[Levels, Bools]:
    """Return the regimens a small move away, and which of them the chart permits.

    Where a patient missed the visit the present regimen alone is open; where nothing else is (two
    drugs forbidden at once) it is open too, so that there is always a choice.

    Parameters
    ----------
    observation : array (B, n)
        Of ``PRESSURE_VIEW``.
    tablets : Formulary

    Returns
    -------
    regimens : array (B, 13, 6)
        The present one first, then each class a level up, then each a level down.
    open : array (B, 13)
    """
    seen = np.atleast_2d(observation)
    now, mask = current_levels(seen, tablets), action_mask(seen, tablets)
    one = np.eye(len(CLASSES), dtype=np.int64)
    change = np.concatenate([np.zeros((1, len(CLASSES)), np.int64), one, -one])
    regimens = now[:, None, :] + change
    top = np.array(tablets.levels)
    exists: Bools = np.all((regimens >= 0) & (regimens < top), axis=2)
    column = np.cumsum([0, *tablets.levels[:-1]]) + np.clip(regimens, 0, top - 1)
    permitted: Bools = np.all(np.take_along_axis(mask[:, None, :], column, axis=2), axis=2)
    free: Bools = np.logical_and(exists, permitted)
    free[:, 0] |= ~free.any(axis=1)
    return np.where(exists[:, :, None], regimens, now[:, None, :]), free


def share_of(action: NDArray[Any], regimens: Levels, free: Bools) -> NDArray[np.float64]:
    """Return the probability (B,) of regimens (B, 6) under a uniform draw among the open moves."""
    same = (regimens == action[:, None, : len(CLASSES)]).all(axis=2) & free
    share: NDArray[np.float64] = same.sum(axis=1) / free.sum(axis=1)
    return share


def pick(regimens: Levels, free: Bools, rng: np.random.Generator) -> Levels:
    """Draw one open regimen (B, 6) for each, all with equal probability."""
    rank = np.floor(rng.random(len(free)) * free.sum(axis=1)).astype(np.int64)
    chosen = (np.cumsum(free, axis=1) > rank[:, None]).argmax(axis=1)
    picked: Levels = regimens[np.arange(len(free)), chosen]
    return picked


def absent(free: Bools) -> Bools:
    """Return where nothing but the present regimen is open, (B,)."""
    alone: Bools = free[:, 0] & (free.sum(axis=1) == 1)
    return alone
