"""How well twins of kinetics foretell a measurement that they have not seen: each person's last.

The population is fitted anew without any of the measurements that are held out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population_kinetics import OUTPUTS, PopulationKinetics
from ..records.events import EventTable, PersonEvents
from .kinetics_population import fit_population
from .kinetics_twin import fit_kinetics

Array = NDArray[np.float64]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class HeldOut:
    """Forecasts of measurements that were held out, one row a person.

    Parameters
    ----------
    subjects : tuple of str
    truth, middle, low, high : array (B,)
        The measurement; 50, 5 and 95 % quantiles of the readings that the twin foretold.
    population : array (B,)
        What the population alone foretold, at the person's covariates.
    """

    subjects: tuple[str, ...]
    truth: Array
    middle: Array
    low: Array
    high: Array
    population: Array

    @property
    def coverage(self) -> float:
        """Share of measurements inside the 90 % interval."""
        return float(np.mean((self.low <= self.truth) & (self.truth <= self.high)))

    @property
    def median_error(self) -> float:
        """Median absolute error, in the output's unit."""
        return float(np.median(np.abs(self.middle - self.truth)))

    @property
    def median_percent(self) -> float:
        """Median absolute error in percent of the measurement."""
        good = self.truth > 0.0
        return float(100.0 * np.median(np.abs(self.middle[good] / self.truth[good] - 1.0)))

    @property
    def population_error(self) -> float:
        """Median absolute error of the population alone, in the output's unit."""
        return float(np.median(np.abs(self.population - self.truth)))


def leave_last_out(
    table: EventTable,
    model: PopulationKinetics,
    *,
    output: str = "concentration",
    refit: bool = True,
    draws: int = 400,
    seed: int = 0,
    progress: Progress | None = None,
) -> HeldOut:
    """Foretell each person's last measurement from all the others of everybody.

    Parameters
    ----------
    table : EventTable
    model : PopulationKinetics
        Where the fit of the population begins; the population itself if not ``refit``.
    output : {"concentration", "response"}
    refit : bool
    draws, seed : int
        Of each twin.
    progress : callable, optional

    Raises
    ------
    InputError
        If nobody has a measurement besides the last.
    """
    place = OUTPUTS.index(output) + 1
    parts = [_parted(person, place) for person in table.people]
    held = [part for part in parts if part is not None]
    if not held:
        raise InputError(f"events: nobody has two measurements of {output}; nothing to hold out")
    kept = {known.subject: known for known, _, _ in held}
    rest = replace(table, people=tuple(kept.get(p.subject, p) for p in table.people))
    if refit:
        model = fit_population(rest, model, errors=False, progress=progress).model
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    rows = []
    for known, time, value in held:
        twin = fit_kinetics(known, model, seed=seed, draws=draws)
        found = twin.forecast(np.array([time]), output=output, rng=rng)["reading_quantiles"][:, 0]
        naive = replace(twin, z=np.zeros((1, twin.z.shape[1])))
        alone = naive.forecast(np.array([time]), output=output)["draws"][0, 0]
        rows.append((value, found[1], found[0], found[2], alone))
    columns = np.array(rows).T
    return HeldOut(tuple(known.subject for known, _, _ in held), *columns)


def _parted(person: PersonEvents, output: int) -> tuple[PersonEvents, float, float] | None:
    """Return a person without their last measurement of an output, and its time and value."""
    rows = np.flatnonzero((person.samples.output == output) & ~person.samples.censored)
    if len(rows) < 2:
        return None
    last = rows[np.argmax(person.samples.time[rows])]
    keep = np.arange(len(person.samples)) != last
    # What comes after the one held out must not be known either.
    keep &= person.samples.time <= person.samples.time[last]
    known = replace(person, samples=person.samples.take(keep))
    return known, float(person.samples.time[last]), float(person.samples.value[last])
