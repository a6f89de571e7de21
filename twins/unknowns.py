"""Everything that a record leaves unknown, as one vector of independent standard normals.

In order: coordinates of the body; standard deviation and memory of the noise; how far days, rhythm,
windows and meals spread; one number per window and one per meal, which those spreads turn into
local effects; presence and size, then time, of each meal that may have gone unlogged. A prior of
this form is what ``tempering`` samples from, and a virtual patient is one draw of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from .coordinates import NAMES, Coordinates
from .forward import WINDOW_MIN, WINDOWS_A_DAY, Extra, windows_in
from .noise import Noise
from .observations import Observations
from .variation import USUAL, Variation

Array = NDArray[np.float64]

# A sensor errs by about 10 mg/dL with a correlation of 0.7-0.9 over five minutes (Breton 2008, JDST
# 2:853-62; Facchinetti 2014, IEEE TBME 61:620-9 [unverified]); a body that the model misses adds to
# both. Medians 12 mg/dL and 0.87; 90 % of the prior lies in 4.5-32 mg/dL and 0.6-0.95.
SIGMA_MG_DL: Final = 12.0
SIGMA_SD: Final = 0.6
LARGEST_RHO: Final = 0.98
RHO_LOGIT: Final = 2.06
RHO_SD: Final = 0.9
# Of the logarithm of each spread about the usual one (project choice).
SPREAD_SD: Final = 0.4
NOISE, SPREADS = 2, 4
# An unlogged meal: grams, of exponential distribution (project choice).
UNLOGGED_MEAN_G: Final = 25.0


@dataclass(frozen=True)
class Slot:
    """A time at which a meal may have gone unlogged.

    Parameters
    ----------
    minute : float
        Middle of the slot, minutes after the record's start.
    half_width : float
        The meal began within so many minutes of it.
    prior : float
        Probability of a meal in the slot before the readings are seen.
    """

    minute: float
    half_width: float
    prior: float


@dataclass(frozen=True)
class Unknowns:
    """Where each unknown lies in the vector u (n, D) of one record.

    Parameters
    ----------
    where : Coordinates
    body, windows, meals : int
        Numbers of coordinates, windows of eight hours and logged meals.
    slots : tuple of Slot
    """

    where: Coordinates
    body: int
    windows: int
    meals: int
    slots: tuple[Slot, ...] = ()

    @classmethod
    def of(cls, where: Coordinates, seen: Observations, slots: tuple[Slot, ...] = ()) -> Unknowns:
        """Return the unknowns of a record."""
        return cls(where, len(NAMES), windows_in(seen), seen.meals, slots)

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.meals_at.stop + 2 * len(self.slots)

    @property
    def _local(self) -> int:
        return self.body + NOISE + SPREADS

    @property
    def spreads(self) -> slice:
        """Where the spreads lie."""
        return slice(self.body + NOISE, self._local)

    @property
    def windows_at(self) -> slice:
        """Where the windows lie."""
        return slice(self._local, self._local + self.windows)

    @property
    def meals_at(self) -> slice:
        """Where the logged meals lie."""
        return slice(self.windows_at.stop, self.windows_at.stop + self.meals)

    def near(
        self, minute: float, meal_begins: NDArray[np.int64], within: float
    ) -> NDArray[np.int64]:
        """Return where the unknowns lie that bear on readings about a minute, in order.

        Body, noise and spreads, and windows, logged meals (their beginnings, in minutes) and slots
        within so many minutes.
        """
        middle = WINDOW_MIN * (np.arange(self.windows) + 0.5)
        slots = np.array([slot.minute for slot in self.slots])
        apart = (np.abs(middle - minute) - 0.5 * WINDOW_MIN, np.abs(meal_begins - minute))
        beside = np.tile(np.abs(slots - minute), 2)
        kept = np.concatenate([np.zeros(self._local), *apart, beside]) <= within
        return np.flatnonzero(kept)

    def coordinates(self, u: Array) -> Array:
        """Return the body's coordinates (n, d)."""
        return u[:, : self.body]

    def noise(self, u: Array) -> Array:
        """Return standard deviation (mg/dL) and memory (n, 2) of the noise."""
        sigma = SIGMA_MG_DL * np.exp(SIGMA_SD * u[:, self.body])
        rho = LARGEST_RHO / (1.0 + np.exp(-RHO_LOGIT - RHO_SD * u[:, self.body + 1]))
        return np.stack([sigma, rho], axis=1)

    def spread(self, u: Array) -> Array:
        """Return standard deviations (n, 4) of days, rhythm, windows and meals."""
        at = u[:, self.body + NOISE : self._local]
        return np.asarray(np.array(astuple(USUAL)) * np.exp(SPREAD_SD * at))

    def effects(self, u: Array) -> Array:
        """Return local effects (n, K): log sensitivity of windows, log factors of meals."""
        spread = self.spread(u)
        root = np.linalg.cholesky(window_covariance(spread, self.windows))
        windows = np.einsum("nij,nj->ni", root, u[:, self.windows_at])
        return np.concatenate([windows, spread[:, 3:] * u[:, self.meals_at]], axis=1)

    def extra(self, u: Array) -> Extra | None:
        """Return the meals outside of the log; a meal of no grams is none."""
        if not self.slots:
            return None
        at = self.meals_at.stop
        size, time = np.split(u[:, at:], 2, axis=1)
        prior = np.array([slot.prior for slot in self.slots])
        middle = np.array([slot.minute for slot in self.slots])
        width = np.array([slot.half_width for slot in self.slots])
        # The upper tail of a normal, as far as the prior goes, is a meal; the rest is none.
        tail = np.maximum(ndtr(-size), 1e-300)
        grams = -UNLOGGED_MEAN_G * np.log(np.minimum(tail / prior, 1.0))
        return Extra(middle + width * (2.0 * ndtr(time) - 1.0), grams)

    def standardised(
        self, z: Array, noise: Noise, variation: Variation, effect: Array,
        grams: Sequence[float] = (),
    ) -> Array:  # fmt: skip
        """Return the vector (D,) of a fit; ``grams`` are eaten in the middle of the slots.

        Below 0 stands for no meal in a slot.
        """
        u = np.zeros(self.size)
        u[: self.body] = z
        share = np.clip(noise.rho / LARGEST_RHO, 0.02, 0.995)
        u[self.body] = np.log(max(noise.sigma, 1.0) / SIGMA_MG_DL) / SIGMA_SD
        u[self.body + 1] = (np.log(share / (1.0 - share)) - RHO_LOGIT) / RHO_SD
        ratio = np.array(astuple(variation)) / np.array(astuple(USUAL))
        u[self.body + NOISE : self._local] = np.log(ratio) / SPREAD_SD
        spread = self.spread(u[None])
        root = np.linalg.cholesky(window_covariance(spread, self.windows))[0]
        u[self.windows_at] = np.linalg.solve(root, effect[: self.windows])
        u[self.meals_at] = effect[self.windows :] / spread[0, 3]
        for i, (slot, eaten) in enumerate(zip(self.slots, grams, strict=True)):
            if eaten >= 0.0:
                u[self.meals_at.stop + i] = -ndtri(slot.prior * np.exp(-eaten / UNLOGGED_MEAN_G))
        return u

    def continued(self, u: Array, longer: Unknowns, rng: np.random.Generator) -> Array:
        """Return u (n, D) of a longer record: what comes after is drawn from the prior."""
        out = np.zeros((len(u), longer.size))
        a, b = self.windows_at.stop, longer.windows_at.stop
        fresh = rng.standard_normal((len(u), longer.windows + longer.meals))
        out[:, :a] = u[:, :a]
        out[:, a:b] = fresh[:, : b - a]
        out[:, b : b + self.meals] = u[:, a : a + self.meals]
        out[:, b + self.meals : b + longer.meals] = fresh[:, b - a :][
            :, : longer.meals - self.meals
        ]
        out[:, b + longer.meals :] = u[:, a + self.meals :]
        return out


def window_covariance(spread: Array, windows: int) -> Array:
    """Return the covariance (n, W, W) of window effects under spreads (n, 4)."""
    number = np.arange(windows)
    day, phase = np.divmod(number, WINDOWS_A_DAY)
    kinds = np.stack([a[:, None] == a for a in (day, phase, number)]).astype(np.float64)
    return np.einsum("nk,kij->nij", spread[:, :3] ** 2, kinds)
