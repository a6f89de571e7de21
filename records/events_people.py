"""Rows of an event table into people: regimens, samples, covariates over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from ..physiology.errors import InputError
from .dosing import Dose, Regimen
from .events import Charted, PersonEvents, Samples
from .events_columns import Layout
from .events_rows import Row
from .people import is_pseudonym

WEIGHT = "weight_kg"


def people_of(
    rows: Sequence[Row], layout: Layout, dose: Dose | None, notes: list[str]
) -> tuple[PersonEvents, ...]:
    """Return everybody of a table.

    Parameters
    ----------
    rows : sequence of Row
    layout : Layout
    dose : Dose or None
        What everybody got, where the table holds no dose.
    notes : list of str
        Takes what had to be assumed.

    Raises
    ------
    InputError
        If rows of one person are parted, times fall, or a dose is impossible.
    """
    parts = by_person(rows)
    if layout.per_kg:
        notes.append("Dose: taken as mg per kg of body weight, once at time 0 (R's Theoph).")
    named = {who: f"P{k:03d}" for k, (who, _) in enumerate(parts, start=1)}
    if all(is_pseudonym(who) for who in named):
        named = {who: who for who in named}
    else:
        notes.append("Subject: names are replaced by P001, P002 and so on.")
    people = []
    for who, part in parts:
        lives = _occasions(part, layout, dose)
        people += [_person(named[who], life, layout, dose) for life in lives]
    if len(people) > len(parts):
        notes.append("Occasions: time starts anew in them; each is taken as a person (1.1, 1.2).")
    return tuple(_told_apart(people))


def by_person(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Return the rows of each person, in the order of the file.

    Raises
    ------
    InputError
        If a person's rows are parted by somebody else's.
    """
    groups = [(who, list(part)) for who, part in groupby(rows, key=lambda row: row.subject)]
    seen: set[str] = set()
    for who, part in groups:
        if who in seen:
            raise InputError(
                f"events: the rows of one ID are parted (again at line {part[0].line}); sort the "
                "table by ID"
            )
        seen.add(who)
    return groups


def _occasions(rows: list[Row], layout: Layout, dose: Dose | None) -> list[list[Row]]:
    """Return one person's rows, parted where time starts anew in another period.

    That is where the occasion changes, or where each series of samples follows one ``dose``.
    """
    series = dose is not None and "amt" not in layout.place
    cuts = [
        k
        for k, (a, b) in enumerate(pairwise(rows), start=1)
        if b.time < a.time and (series or a.occasion != b.occasion)
    ]
    edges = [0, *cuts, len(rows)]
    return [rows[a:b] for a, b in pairwise(edges)]


def _told_apart(people: list[PersonEvents]) -> list[PersonEvents]:
    """Give each occasion of a person a name of its own."""
    count: dict[str, int] = {}
    total = {p.subject: sum(q.subject == p.subject for q in people) for p in people}
    found = []
    for person in people:
        count[person.subject] = count.get(person.subject, 0) + 1
        own = f"{person.subject}.{count[person.subject]}"
        found.append(replace(person, subject=own if total[person.subject] > 1 else person.subject))
    return found


def _person(subject: str, rows: list[Row], layout: Layout, dose: Dose | None) -> PersonEvents:
    time = np.array([row.time for row in rows])
    if (np.diff(time) < 0.0).any():
        line = rows[int(np.flatnonzero(np.diff(time) < 0.0)[0]) + 1].line
        raise InputError(f"events: time falls at line {line} within one ID; sort the table")
    measured = [row for row in rows if row.measured]
    names = dict.fromkeys(name for row in rows for name in row.covariates)
    chart = Charted(
        time, {n: np.array([row.covariates.get(n, np.nan) for row in rows]) for n in names}
    )
    return PersonEvents(
        subject,
        _regimen(rows, layout, dose),
        Samples(
            np.array([row.time for row in measured]),
            np.array([row.value for row in measured]),
            np.array([row.output for row in measured], dtype=np.int64),
            np.array([row.censored for row in measured], dtype=np.bool_),
        ),
        chart,
        np.array([row.time for row in rows if row.evid == 3]),
    )


def _regimen(rows: list[Row], layout: Layout, dose: Dose | None) -> Regimen:
    if "amt" not in layout.place:
        return Regimen(() if dose is None else (dose,))
    if layout.per_kg:
        return Regimen((_per_kg(rows),))
    doses = []
    for row in rows:
        if row.evid not in (1, 4):
            continue
        rate = row.rate or (row.amount / row.lasts if row.lasts > 0.0 else 0.0)
        try:
            doses.append(
                Dose(
                    row.time, row.amount, rate, row.cmt, row.ii if row.addl or row.ss else 0.0,
                    row.addl, row.ss, row.evid == 4,
                )
            )  # fmt: skip
        except InputError as error:
            raise InputError(f"events: line {row.line}: {error}") from None
    return Regimen(tuple(doses))


def _per_kg(rows: list[Row]) -> Dose:
    each = {row.amount for row in rows}
    weight = {row.covariates.get(WEIGHT, np.nan) for row in rows}
    if len(each) > 1 or len(weight) > 1 or not np.isfinite(next(iter(weight))):
        raise InputError(
            f"events: line {rows[0].line}: dose per kg and weight must stay the same within a "
            "subject of a table without dose rows"
        )
    return Dose(min(0.0, rows[0].time), each.pop() * weight.pop())
