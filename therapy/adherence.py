"""Adherence: on which days a person takes the tablets, and what the pharmacy's records show of it.

Each person has a mean share of doses taken (Beta between persons). Days follow a two-state Markov
chain with that share as its stationary law: with probability ``clustering`` a day repeats the day
before, else it is drawn afresh. All tablets of a day are taken or missed together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from .presets import amend, check, choose

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

YEAR_DAYS: Final = 365.0
SHARE_LOW, SHARE_HIGH = 0.02, 1.0


@dataclass(frozen=True)
class Adherence:
    """How people take their tablets.

    Parameters
    ----------
    name, source : str
    mean : float
        Mean share of doses taken with one drug, in the first year.
    concentration : float
        Sum of the Beta law's two parameters: high where people are alike.
    clustering : float
        Correlation of one day with the next, at least 0.
    pill_odds : float
        Odds of missing a dose are multiplied by it for each drug beyond the first.
    waning_per_year : float
        Share of the doses lost per year after the first 12 months.
    stop_first_year : float
        Probability of stopping all treatment for good within the first year, at a constant hazard.
    refill_waste : float
        Share of the missed doses that are dispensed all the same.
    refill_sd : float
        Error of the pharmacy's proportion of days covered.
    """

    name: str
    source: str
    mean: float
    concentration: float = 4.0
    clustering: float = 0.17
    pill_odds: float = 1.15
    waning_per_year: float = 0.05
    stop_first_year: float = 0.0
    refill_waste: float = 0.3
    refill_sd: float = 0.1

    def __post_init__(self) -> None:
        check("adherence mean", self.mean, 0.05, 1.0)
        check("adherence concentration", self.concentration, 0.5, 1000.0)
        check("adherence clustering", self.clustering, 0.0, 0.95)
        check("adherence pill_odds", self.pill_odds, 1.0, 5.0)
        check("adherence waning_per_year", self.waning_per_year, 0.0, 0.9)
        check("adherence stop_first_year", self.stop_first_year, 0.0, 0.95)
        check("adherence refill_waste", self.refill_waste, 0.0, 1.0)
        check("adherence refill_sd", self.refill_sd, 0.0, 0.5)

    def share(self, uniforms: ArrayLike) -> Array:
        """Return people's mean shares of doses taken, of uniforms on (0, 1); shapes as given."""
        u = np.asarray(uniforms, np.float64)
        if self.mean >= 1.0:
            return np.ones(u.shape)
        own = betaincinv(self.mean * self.concentration, (1.0 - self.mean) * self.concentration, u)
        return np.asarray(np.clip(own, SHARE_LOW, SHARE_HIGH))

    def draws(self, rng: np.random.Generator, days: int) -> Array:
        """Return the uniforms (1 + days,) of one person's course: when to stop, then each day.

        A longer course begins as the shorter one does.
        """
        return rng.random(1 + days)

    def probability(self, share: ArrayLike, n_drugs: ArrayLike, day: ArrayLike) -> Array:
        """Return the probability of taking a day's tablets; shapes broadcast.

        Parameters
        ----------
        share : array
            Person's mean share with one drug.
        n_drugs : array
            Drugs prescribed.
        day : array, days
            Since the first visit.
        """
        own = np.asarray(share, np.float64)
        more = self.pill_odds ** np.maximum(np.asarray(n_drugs) - 1.0, 0.0)
        years_late = np.maximum(np.asarray(day) / YEAR_DAYS - 1.0, 0.0)
        kept = own / (own + (1.0 - own) * more)
        return np.asarray(kept * (1.0 - self.waning_per_year) ** years_late)

    def taken(
        self,
        draws: Array,
        share: ArrayLike,
        n_drugs: ArrayLike = 1,
        first_day: int = 0,
        days: int | None = None,
        yesterday: ArrayLike | None = None,
    ) -> Flags:
        """Return on which days the tablets are taken.

        Parameters
        ----------
        draws : array (..., 1 + course)
            From :meth:`draws`, of the whole course.
        share, n_drugs : array (...)
            Person's mean share; drugs prescribed in these days.
        first_day, days : int
            Which days of the course; all from ``first_day`` on by default.
        yesterday : bool array (...), optional
            Whether the tablets of the day before were taken; without it the first day is drawn
            from the stationary law.

        Returns
        -------
        bool array (..., days)
        """
        stop = draws.shape[-1] - 1 if days is None else first_day + days
        u = draws[..., 1 + first_day : 1 + stop]
        when = np.arange(first_day, stop)
        p = self.probability(
            np.asarray(share, np.float64)[..., None], np.asarray(n_drugs)[..., None], when
        )
        again = u < self.clustering
        if yesterday is None:
            fresh = u - np.where(when == first_day, 0.0, self.clustering) < p * np.where(
                when == first_day, 1.0, 1.0 - self.clustering
            )
            again[..., 0] = False
        else:
            fresh = u - self.clustering < p * (1.0 - self.clustering)
            fresh[..., 0] = np.where(again[..., 0], np.asarray(yesterday, bool), fresh[..., 0])
        source = np.maximum.accumulate(np.where(again, 0, np.arange(stop - first_day)), axis=-1)
        result = np.take_along_axis(fresh, source, axis=-1)
        if self.stop_first_year > 0.0:
            last = np.log1p(-draws[..., :1]) / np.log1p(-self.stop_first_year) * YEAR_DAYS
            result &= when < last
        flags: Flags = result
        return flags

    def refill(self, share_taken: ArrayLike, normals: ArrayLike) -> Array:
        """Return the proportion of days covered that a pharmacy reports, 0 to 1.

        Parameters
        ----------
        share_taken : array
            Share of doses really taken over the time looked back on.
        normals : array
            Standard normals.
        """
        true = np.asarray(share_taken, np.float64)
        seen = true + self.refill_waste * (1.0 - true) + self.refill_sd * np.asarray(normals)
        return np.asarray(np.clip(seen, 0.0, 1.0))


_VRIJENS: Final = "Vrijens 2008 (10.1136/bmj.39553.670231.25)"
_CHOICES: Final = (
    "pill_odds: project choice, weaker than the 1.8 that Gupta 2017 "
    "(10.1161/HYPERTENSIONAHA.116.08729) finds per drug for non-adherence of the person; waning: "
    "project choice after BPLTTC durability (heart.bmj.com 108:1281); refill: project choice"
)
ADHERENCE: Final[Mapping[str, Adherence]] = MappingProxyType(
    {
        preset.name: preset
        for preset in (
            Adherence(
                "usual",
                f"{_VRIJENS}: people still on treatment omit 10 % of doses; spread and clustering "
                f"fitted to the lengths of its omissions; {_CHOICES}",
                0.9,
            ),
            Adherence(
                "perfect",
                "project choice: every dose is taken",
                1.0,
                clustering=0.0,
                pill_odds=1.0,
                waning_per_year=0.0,
                refill_sd=0.0,
            ),
            Adherence(
                "poor",
                f"project choice: 60 % of doses, below the usual criterion of 80 %; {_CHOICES}",
                0.6,
                clustering=0.4,
            ),
            Adherence(
                "routine",
                f"{_VRIJENS}: as usual, and half stop within a year; {_CHOICES}",
                0.9,
                stop_first_year=0.5,
            ),
        )
    }
)


def load_adherence(name: str | Mapping[str, Any] = "usual") -> Adherence:
    """Return a preset of ``ADHERENCE``, or one with some numbers changed.

    Parameters
    ----------
    name : str or mapping
        A name, or ``{"preset": name, field: value, ...}``.

    Raises
    ------
    InputError
        If the preset, a field or a value is not acceptable.
    """
    preset, changes = choose("adherence", name, ADHERENCE, "usual")
    return amend("adherence", preset, changes)
