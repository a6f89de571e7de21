"""Event tables of pharmacokinetics: doses, samples and covariates of people, with units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.population_kinetics import Units
from .dosing import Dose, Regimen
from .quality import Account, Dropped, Rows

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

CONCENTRATION, RESPONSE = 1, 2


@dataclass(frozen=True)
class Samples:
    """One person's measurements.

    Parameters
    ----------
    time : array (N,)
    value : array (N,)
        In the unit of its output; for a censored one, the limit.
    output : array (N,) of int
        ``CONCENTRATION`` or ``RESPONSE``.
    censored : array (N,) of bool
        Below the limit of quantification.
    """

    time: Array
    value: Array
    output: Whole
    censored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Samples:
        """Return some of the measurements."""
        return Samples(self.time[rows], self.value[rows], self.output[rows], self.censored[rows])


@dataclass(frozen=True)
class Charted:
    """One person's covariates over time.

    Parameters
    ----------
    time : array (C,)
    values : mapping of str to array (C,)
        As charted from the time before an entry until it: a dose or sample takes the first entry
        at or after it, the last one beyond (NONMEM's convention).
    """

    time: Array
    values: Mapping[str, Array]

    def at(self, name: str, times: Array) -> Array:
        """Return a covariate (N,) at times (N,).

        Raises
        ------
        InputError
            If it is not charted, or nowhere a number.
        """
        if name not in self.values:
            known = ", ".join(self.values) or "none"
            raise InputError(f"covariate {name} is not in the table; it holds {known}")
        good = np.isfinite(self.values[name])
        if not good.any():
            raise InputError(f"covariate {name} of a person is nowhere a number; fill it in")
        when, what = self.time[good], self.values[name][good]
        row = np.clip(np.searchsorted(when, times, side="left"), 0, len(when) - 1)
        return np.asarray(what[row], dtype=np.float64)


@dataclass(frozen=True)
class PersonEvents:
    """One person's doses, samples and covariates.

    Parameters
    ----------
    subject : str
        Pseudonym.
    regimen : Regimen
    samples : Samples
    chart : Charted
    resets : array
        Times at which everything is forgotten (EVID 3).
    """

    subject: str
    regimen: Regimen
    samples: Samples
    chart: Charted
    resets: Array

    @property
    def last(self) -> float:
        """Time of the last dose or sample."""
        times = [dose.time for dose in self.regimen.expand().doses]
        return float(max([*times, *self.samples.time.tolist()], default=0.0))


@dataclass(frozen=True)
class EventTable:
    """A table of people.

    Parameters
    ----------
    people : tuple of PersonEvents
    units : Units
    source_format, source_sha256 : str
    accounts, dropped, rows
        Every row that was met, kept or lost.
    notes : tuple of str
        What had to be assumed.
    """

    people: tuple[PersonEvents, ...]
    units: Units
    source_format: str
    source_sha256: str
    accounts: tuple[Account, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    notes: tuple[str, ...] = ()
    rows: Rows = field(default_factory=Rows)

    def __len__(self) -> int:
        return len(self.people)

    @property
    def samples(self) -> int:
        """Measurements of all people."""
        return sum(len(person.samples) for person in self.people)

    def subjects(self) -> tuple[str, ...]:
        """Return everybody's pseudonym."""
        return tuple(person.subject for person in self.people)

    def person(self, subject: str) -> PersonEvents:
        """Return one person.

        Raises
        ------
        InputError
            If nobody of the table is called that.
        """
        for person in self.people:
            if person.subject == subject:
                return person
        some = ", ".join(self.subjects()[:8])
        raise InputError(f"subject {subject!r} is not in the table; it holds {some}")


__all__ = [
    "CONCENTRATION",
    "RESPONSE",
    "Charted",
    "Dose",
    "EventTable",
    "PersonEvents",
    "Regimen",
    "Samples",
    "Units",
]
