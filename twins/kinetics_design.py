"""An event table as the arrays that kinetics are computed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..physiology.compartments import (
    CENTRAL,
    DEPOT,
    LOOK,
    LOOK_RESPONSE,
    NOTHING,
    RATE,
    RESET,
    Schedule,
    Structure,
    follow,
)
from ..physiology.errors import InputError
from ..physiology.population_kinetics import PopulationKinetics, individual
from ..records.dosing import Dose, Regimen
from ..records.events import RESPONSE, PersonEvents, Samples

Array = NDArray[np.float64]

# Rows of one time: infusions end, people are reset, measured, and only then given the next dose,
# as a trough is drawn.
_ENDS, _RESETS, _LOOKS, _DOSES = range(4)
_Row = tuple[float, int, int, float, float, float, int]


@dataclass(frozen=True)
class Design:
    """Who was given what and measured when.

    Parameters
    ----------
    schedule : Schedule
    person : array (S,) of int
        Whose each segment is.
    chart : mapping of covariate to array (S,)
    of : array (N,) of int
        Whose each measurement is.
    value : array (N,)
    output : array (N,) of int
        0 concentration, 1 response.
    censored : array (N,) of bool
    subjects : tuple of str
    """

    schedule: Schedule
    person: NDArray[np.int64]
    chart: dict[str, Array]
    of: NDArray[np.int64]
    value: Array
    output: NDArray[np.int64]
    censored: NDArray[np.bool_]
    subjects: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.subjects)

    def take(self, people: NDArray[np.int64]) -> Design:
        """Return some of the people, in this order."""
        s = self.schedule
        ends = s.start.tolist()
        rows = np.concatenate([np.arange(ends[p], ends[p + 1]) for p in people.tolist()])
        looks = np.concatenate([np.flatnonzero(self.of == p) for p in people])
        owned = np.concatenate([np.flatnonzero(self.person == p) for p in people])
        place = np.zeros(len(self.person), dtype=np.int64)
        place[owned] = np.arange(len(owned))
        rank = np.zeros(len(self), dtype=np.int64)
        rank[people] = np.arange(len(people))
        sizes = s.start[people + 1] - s.start[people]
        part = Schedule(
            s.time[rows], s.code[rows], s.amount[rows], s.inflow[rows], s.ii[rows],
            s.steady[rows], place[s.segment[rows]],
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        )  # fmt: skip
        return Design(
            part, rank[self.person[owned]],
            {name: value[owned] for name, value in self.chart.items()},
            rank[self.of[looks]], self.value[looks], self.output[looks], self.censored[looks],
            tuple(self.subjects[p] for p in people),
        )  # fmt: skip

    def expected(
        self, model: PopulationKinetics, etas: Array, *, typical: dict[str, Array] | None = None,
        values: Array | None = None,
    ) -> Array:  # fmt: skip
        """Return what each measurement would be without error.

        Parameters
        ----------
        etas : array (K, B, d)
        typical, values
            As in :func:`dosegym.physiology.population_kinetics.individual`.

        Returns
        -------
        array (K, N)
        """
        params = individual(model, etas, self.person, self.chart, typical=typical, values=values)
        return follow(model.structure, params, self.schedule)


def design_of(people: Sequence[PersonEvents], model: PopulationKinetics) -> Design:
    """Return people's doses and measurements as arrays.

    Raises
    ------
    InputError
        Naming the person, if a covariate is missing or a dose or measurement is not of the model.
    """
    parts = [_rows(person, model) for person in people]
    segments, charts = [], []
    owner: list[int] = []
    for k, (person, rows) in enumerate(zip(people, parts, strict=True)):
        segment, chart = _segments(person, np.array([row[0] for row in rows]), model)
        segments.append(segment + len(owner))
        charts.append(chart)
        owner += [k] * (int(segment.max(initial=0)) + 1)
    flat = [row for rows in parts for row in rows]
    table = np.array([row[:1] + row[2:] for row in flat], dtype=np.float64).reshape(len(flat), -1)
    schedule = Schedule(
        table[:, 0].copy(), table[:, 1].astype(np.int64), table[:, 2].copy(), table[:, 3].copy(),
        table[:, 4].copy(), table[:, 5].astype(np.int64), np.concatenate(segments),
        np.concatenate([[0], np.cumsum([len(rows) for rows in parts])]).astype(np.int64),
    )  # fmt: skip
    samples = [_ordered(person.samples) for person in people]
    return Design(
        schedule,
        np.array(owner, dtype=np.int64),
        {n: np.concatenate([chart[n] for chart in charts]) for n in model.covariates},
        np.repeat(np.arange(len(people)), [len(s) for s in samples]),
        np.concatenate([s.value for s in samples]),
        np.concatenate([s.output for s in samples]) - 1,
        np.concatenate([s.censored for s in samples]),
        tuple(person.subject for person in people),
    )


def looking(person: PersonEvents, times: Array, output: int, more: Regimen) -> PersonEvents:
    """Return a person given further doses and looked at only at the times given."""
    look = Samples(
        np.asarray(times, dtype=np.float64), np.zeros(len(times)),
        np.full(len(times), output, dtype=np.int64), np.zeros(len(times), dtype=np.bool_),
    )  # fmt: skip
    doses = tuple(sorted((*person.regimen.doses, *more.doses), key=lambda dose: dose.time))
    return replace(person, samples=look, regimen=Regimen(doses))


def _ordered(samples: Samples) -> Samples:
    return samples.take(np.argsort(samples.time, kind="stable"))


def _rows(person: PersonEvents, model: PopulationKinetics) -> list[_Row]:
    """Return (time, order, code, amount, inflow, ii, steady) of everything that happens."""
    structure = model.structure
    rows: list[_Row] = [(float(t), _RESETS, RESET, 0.0, 0.0, 0.0, 0) for t in person.resets]
    for dose in person.regimen.expand().doses:
        rows += _of_dose(person, dose, structure)
    samples = _ordered(person.samples)
    for time, output in zip(samples.time, samples.output, strict=True):
        if output == RESPONSE and not structure.responds:
            raise InputError(
                f"subject {person.subject}: the table holds responses (DVID 2) but the model has "
                "none; keep the concentrations only, or give a model with a response"
            )
        code = LOOK_RESPONSE if output == RESPONSE else LOOK
        rows.append((float(time), _LOOKS, code, 0.0, 0.0, 0.0, 0))
    if any(
        len(set(person.chart.values.get(n, np.zeros(1)).tolist())) > 1 for n in model.covariates
    ):
        rows += [(float(t), _LOOKS, NOTHING, 0.0, 0.0, 0.0, 0) for t in person.chart.time]
    return sorted(rows, key=lambda row: row[:2])


def _of_dose(person: PersonEvents, dose: Dose, structure: Structure) -> list[_Row]:
    gut = structure.absorbed and dose.cmt in (0, 1)
    where = f"subject {person.subject}: the dose at time {dose.time:g}"
    if dose.cmt > 1 + structure.absorbed:
        raise InputError(f"{where} goes into compartment {dose.cmt}, which the model has not")
    if gut and dose.rate > 0.0:
        raise InputError(f"{where} is an infusion into the gut; give it at once, or cmt 2")
    if dose.ss and structure.responds:
        raise InputError(f"{where} is at steady state; a response needs the doses themselves")
    rows: list[_Row] = []
    if dose.resets:
        rows.append((dose.time, _RESETS, RESET, 0.0, 0.0, 0.0, 0))
    code = RATE if dose.rate > 0.0 else DEPOT if gut else CENTRAL
    # A reset wipes out what comes before it, so its own dose follows at once.
    rows.append((dose.time, _DOSES, code, dose.amount, dose.rate, dose.ii, dose.ss))
    if dose.rate > 0.0 and dose.amount > 0.0:
        end = dose.time + dose.duration
        rows.append((end, _ENDS, RATE, 0.0, -dose.rate, 0.0, 0))
    return rows


def _segments(
    person: PersonEvents, times: Array, model: PopulationKinetics
) -> tuple[NDArray[np.int64], dict[str, Array]]:
    """Return the segment of each row, and the covariates (S,) of each segment."""
    names = model.covariates
    if not names or not len(times):
        return np.zeros(len(times), dtype=np.int64), {n: np.zeros(1) for n in names}
    try:
        values = np.stack([person.chart.at(name, times) for name in names], axis=1)
    except InputError as error:
        raise InputError(f"subject {person.subject}: {error}") from None
    powers = {e.covariate for e in model.effects if e.kind == "power"}
    for column, name in enumerate(names):
        if name in powers and not (values[:, column] > 0.0).all():
            raise InputError(f"subject {person.subject}: {name} is not above 0; correct it")
    change = np.any(values[1:] != values[:-1], axis=1)
    segment = np.concatenate([[0], np.cumsum(change)]).astype(np.int64)
    first = np.concatenate([[0], np.flatnonzero(change) + 1])
    return segment, {name: values[first, k] for k, name in enumerate(names)}
