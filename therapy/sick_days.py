"""Acute illness: a few days of fluid loss and little salt, from gastroenteritis or fever.

At most one illness begins in each block of 28 days. Illness only sets inputs of the body; low
pressure, kidney injury and electrolyte events then follow from its equations. Nothing here was
tuned to harm rates of a trial.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from ..physiology.errors import InputError
from .presets import amend, check, choose

Array = NDArray[np.float64]
Days = NDArray[np.int64]

BLOCK_DAYS: Final = 28
# Columns of a block's draws, all uniform: whether, when, how long, how much.
N_DRAWS: Final = 4
YEAR_DAYS: Final = 365.25


class Episodes(NamedTuple):
    """Illnesses, each array (..., blocks); ``start`` is -1 where there is none.

    The days from ``start`` up to ``stop`` (exclusive) lose ``loss`` of the extracellular volume.
    """

    start: Days
    stop: Days
    loss: Array


@dataclass(frozen=True)
class SickDays:
    """How often and how badly people fall ill.

    Parameters
    ----------
    name, source : str
    rate_per_year : float
        Illnesses per person-year below 65 years.
    rate_from_65 : float
        The same from 65 years on.
    shortest_days, longest_days : int
        Duration, every whole number between equally likely.
    loss_median : float
        Median daily loss as a share of the extracellular volume.
    loss_log_sd : float
        SD of its logarithm between illnesses.
    loss_most : float
        Largest daily loss.
    sodium_share : float
        Sodium intake on a sick day over the usual one.
    """

    name: str
    source: str
    rate_per_year: float
    rate_from_65: float
    shortest_days: int = 2
    longest_days: int = 5
    loss_median: float = 0.015
    loss_log_sd: float = 0.7
    loss_most: float = 0.06
    sodium_share: float = 0.4

    def __post_init__(self) -> None:
        for field in ("rate_per_year", "rate_from_65"):
            check(f"sick days {field}", getattr(self, field), 0.0, 12.0, "per year")
        check("sick days loss_most", self.loss_most, 0.0, 0.2)
        check("sick days loss_median", self.loss_median, 0.0, 0.2)
        check("sick days loss_log_sd", self.loss_log_sd, 0.0, 3.0)
        check("sick days sodium_share", self.sodium_share, 0.0, 2.0)
        check("sick days longest_days", self.longest_days, 1, BLOCK_DAYS, "days")
        check("sick days shortest_days", self.shortest_days, 1, self.longest_days, "days")
        if any(d != int(d) for d in (self.shortest_days, self.longest_days)):
            raise InputError(
                f"sick days last {self.shortest_days:g} to {self.longest_days:g} days; "
                "give whole numbers"
            )
        object.__setattr__(self, "shortest_days", int(self.shortest_days))
        object.__setattr__(self, "longest_days", int(self.longest_days))

    def draws(self, rng: np.random.Generator, days: int) -> Array:
        """Return the uniforms (blocks, N_DRAWS) of one person's course of ``days`` days.

        A longer course begins as the shorter one does.
        """
        return rng.random((-(-days // BLOCK_DAYS), N_DRAWS))

    def episodes(self, draws: Array, age_years: ArrayLike = 50.0) -> Episodes:
        """Return the illnesses of uniforms (..., blocks, N_DRAWS) of people aged (...)."""
        age = np.asarray(age_years, np.float64)[..., None]
        rate = np.where(age >= 65.0, self.rate_from_65, self.rate_per_year)
        # At most one a block: a block holds one with the mean number of illnesses in it.
        ill = draws[..., 0] < np.minimum(rate * BLOCK_DAYS / YEAR_DAYS, 1.0)
        block = BLOCK_DAYS * np.arange(draws.shape[-2])
        start = block + (BLOCK_DAYS * draws[..., 1]).astype(np.int64)
        span = self.longest_days - self.shortest_days + 1
        length = self.shortest_days + (span * draws[..., 2]).astype(np.int64)
        z = ndtri(np.clip(draws[..., 3], 1e-12, 1.0 - 1e-12))
        loss = np.minimum(self.loss_median * np.exp(self.loss_log_sd * z), self.loss_most)
        return Episodes(
            np.where(ill, start, -1), np.where(ill, start + length, -1), np.where(ill, loss, 0.0)
        )

    def daily(self, episodes: Episodes, first_day: int, days: int) -> tuple[Array, Array]:
        """Return the body's inputs over some days.

        Parameters
        ----------
        episodes : Episodes
            Arrays (B, blocks).
        first_day, days : int
            The days ``first_day`` to ``first_day + days - 1`` of the course.

        Returns
        -------
        fluid_loss : array (B, days), share of the extracellular volume per day
        sodium : array (B, days), sodium intake over the usual one
        """
        people = episodes.start.shape[0]
        fluid_loss, sodium = np.zeros((people, days)), np.ones((people, days))
        stop = first_day + days
        hit = (episodes.start >= 0) & (episodes.start < stop) & (episodes.stop > first_day)
        # Few are ill in any interval, so a loop over those is faster than whole-batch arithmetic.
        for b, k in zip(*np.nonzero(hit), strict=True):
            sick = slice(
                max(int(episodes.start[b, k]) - first_day, 0), int(episodes.stop[b, k]) - first_day
            )
            fluid_loss[b, sick] = np.maximum(fluid_loss[b, sick], episodes.loss[b, k])
            sodium[b, sick] = self.sodium_share
        return fluid_loss, sodium


SICK_DAYS: Final[Mapping[str, SickDays]] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            SickDays(
                "usual",
                "gastroenteritis 0.27 a year: IID2 cohort, all ages (Tam 2012, "
                "10.1136/gut.2011.238386), surveys find 0.33 from 65 years on "
                "(Kirk 2012) and 0.53 (Viviani 2016, 10.1371/journal.pone.0146171); influenza-like "
                "fever 0.08: project choice; length, loss and intake: project choice (a median "
                "illness loses about 5 % of the extracellular volume, some 0.8 L)",
                0.35,
                0.35,
            ),
            SickDays("none", "project choice: nobody falls ill", 0.0, 0.0),
        )
    }
)


def load_sick_days(name: str | Mapping[str, Any] = "usual") -> SickDays:
    """Return a preset of ``SICK_DAYS``, or one with some numbers changed.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    preset, changes = choose("sick days", name, SICK_DAYS, "usual")
    return amend("sick days", preset, changes)
