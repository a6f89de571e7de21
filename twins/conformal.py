"""Bands that keep their word for one person: adaptive conformal calibration of forecasts.

A twin's band is stretched on either side of its median by what the person's own past readings ask
for. Scores are those of conformalised quantile regression, each side for itself (Romano 2019,
arXiv:1905.03222); the share of misses aimed at follows the misses that came (Gibbs and Candes 2021,
arXiv:2106.00170), so that coverage holds in the long run whatever the person does. A new sensor has
errors of its own: everything is forgotten when it is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

HORIZONS_MIN: Final = (30, 60, 120)
NOMINAL: Final = 0.8
# How fast the aim follows (project choice; Gibbs and Candes try 0.005 to 0.05).
RATE: Final = 0.03
# Scores that are remembered, and how many it takes before they count (project choices).
MEMORY, FEWEST = 288, 20
SMALLEST_HALF_MG_DL: Final = 3.0
# Beyond what was ever missed the band grows by so much of its half width at a time.
BEYOND: Final = 0.25
NARROWEST, WIDEST = 0.2, 5.0


@dataclass(frozen=True)
class Conformal:
    """What one person's readings said of a twin's bands so far.

    Parameters
    ----------
    horizons_min : tuple of int, min
    nominal : float
        Share of readings that a band is to hold.
    aim : array (H, 2)
        Share of misses aimed at, below and above.
    scores : array (H, 2, M)
        By how many half widths past readings lay outside (inside: below zero); NaN where none.
    seen, held : array (H,)
        Readings that came, and how many of them the band held.
    """

    horizons_min: tuple[int, ...]
    nominal: float
    aim: Array
    scores: Array
    seen: Array
    held: Array

    @classmethod
    def fresh(
        cls, horizons_min: tuple[int, ...] = HORIZONS_MIN, nominal: float = NOMINAL
    ) -> Conformal:
        """Return one that has seen nothing.

        Raises
        ------
        InputError
            If the nominal share is no share.
        """
        if not 0.0 < nominal < 1.0:
            raise InputError(f"nominal is {nominal}; give a share between 0 and 1")
        h = len(horizons_min)
        aim, none = np.full((h, 2), 0.5 * (1.0 - nominal)), np.full((h, 2, MEMORY), np.nan)
        return cls(tuple(horizons_min), nominal, aim, none, np.zeros(h), np.zeros(h))

    def stretch(self) -> Array:
        """Return by which factor each half width is multiplied now (H, 2)."""
        out = np.ones(self.aim.shape)
        for h, side in product(range(len(self.aim)), range(2)):
            known = self.scores[h, side][np.isfinite(self.scores[h, side])]
            if len(known) < FEWEST:
                continue
            # The finite-sample quantile; beyond the largest score the band goes on growing.
            level = (1.0 - float(self.aim[h, side])) * (len(known) + 1) / len(known)
            over = max(0.0, level - 1.0) * len(known) * BEYOND
            out[h, side] = 1.0 + float(np.quantile(known, np.clip(level, 0.0, 1.0))) + over
        return np.clip(out, NARROWEST, WIDEST)

    def band(self, low: Array, middle: Array, high: Array) -> tuple[Array, Array]:
        """Return the calibrated band (H,), (H,) of one forecast's (H,), mg/dL."""
        factor = self.stretch()
        below, above = _halves(low, middle, high)
        return middle - factor[:, 0] * below, middle + factor[:, 1] * above

    def told(
        self, h: int, low: float, middle: float, high: float, reading: float,
        shown: tuple[float, float],
    ) -> Conformal:  # fmt: skip
        """Return what is known after a reading came.

        Parameters
        ----------
        h : int
            Number of the horizon at which it had been forecast.
        low, middle, high : float, mg/dL
            The twin's own band and median then.
        reading : float, mg/dL
        shown : tuple of float, mg/dL
            The calibrated band that was given then.
        """
        if not np.isfinite(reading):
            return self
        below, above = (v[0] for v in _halves(*(np.array([v]) for v in (low, middle, high))))
        new = np.array([(low - reading) / below, (reading - high) / above])
        missed = np.array([reading < shown[0], reading > shown[1]])
        aim, scores = self.aim.copy(), self.scores.copy()
        aim[h] += RATE * (0.5 * (1.0 - self.nominal) - missed)
        aim[h] = np.clip(aim[h], -0.1, 0.5)
        scores[h] = np.roll(scores[h], -1, axis=-1)
        scores[h, :, -1] = new
        seen, held = self.seen.copy(), self.held.copy()
        seen[h] += 1.0
        held[h] += float(not missed.any())
        return replace(self, aim=aim, scores=scores, seen=seen, held=held)

    def reset(self) -> Conformal:
        """Return one that begins anew, as after a change of the sensor; counts go on."""
        new = Conformal.fresh(self.horizons_min, self.nominal)
        return replace(new, seen=self.seen, held=self.held)

    @property
    def coverage(self) -> Array:
        """Share of readings that the given bands held (H,); NaN where none came."""
        some = self.seen > 0
        return np.where(some, self.held / np.maximum(self.seen, 1.0), np.nan)

    def stretched(self, draws: Array, minutes: Array) -> Array:
        """Return draws (T, n) moved so that their band is the calibrated one.

        Parameters
        ----------
        minutes : array (T,), min
            Ahead; factors are interpolated between horizons, and hold before and after them.
        """
        factor = self.stretch()
        low, high = (np.interp(minutes, self.horizons_min, factor[:, s])[:, None] for s in (0, 1))
        middle = np.median(draws, axis=1, keepdims=True)
        away = draws - middle
        return np.asarray(middle + np.where(away < 0.0, low, high) * away)

    def to_dict(self) -> dict[str, Any]:
        """Return it in JSON."""
        kept = np.isfinite(self.scores)
        return {
            "horizons_min": list(self.horizons_min),
            "nominal": self.nominal,
            "aim": self.aim.tolist(),
            "scores": [
                [row[mask].tolist() for row, mask in zip(rows, masks, strict=True)]
                for rows, masks in zip(self.scores, kept, strict=True)
            ],
            "seen": self.seen.tolist(),
            "held": self.held.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Conformal:
        """Return what ``to_dict`` described."""
        new = cls.fresh(tuple(data["horizons_min"]), float(data["nominal"]))
        for h, rows in enumerate(data["scores"]):
            for side, row in enumerate(rows):
                if row:
                    new.scores[h, side, -len(row) :] = row
        arrays = (np.array(data[k], dtype=np.float64) for k in ("aim", "seen", "held"))
        aim, seen, held = arrays
        return replace(new, aim=aim, seen=seen, held=held)


def _halves(low: Array, middle: Array, high: Array) -> tuple[Array, Array]:
    """Return the half widths of bands, never none."""
    below = np.maximum(middle - low, SMALLEST_HALF_MG_DL)
    return below, np.maximum(high - middle, SMALLEST_HALF_MG_DL)
