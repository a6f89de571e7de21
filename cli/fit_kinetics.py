"""Fit kinetics to an event table: a person's twin, or a population."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..physiology.errors import InputError
from ..physiology.population_kinetics import PopulationKinetics
from ..records.events import EventTable, PersonEvents

POPULATION_KIND = "population"


def fit_events(
    record: Path, out: Path | None, population: str | None, subject: str | None, unit: str | None,
    seed: int,
) -> None:  # fmt: skip
    """Fit one person where one is named or alone in the table, else the population."""
    from ..records.read_events import read_events

    if population is None:
        raise InputError(
            f"record '{record}' is a table of doses and concentrations; give --population: "
            f"{_known()}, or the JSON file of a fitted population"
        )
    model = find_population(population)
    table = read_events(record, units=unit)
    _same_units(table, model, stated=unit is not None)
    table = _of_outputs(table, model)
    if subject is None and len(table) > 1:
        _population(table, model, out)
        return
    person = table.people[0] if subject is None else table.person(subject)
    _person(table, person, model, out, seed)


def find_population(name: str) -> PopulationKinetics:
    """Return a population that ships, or one that a fit wrote.

    Raises
    ------
    InputError
        If it is neither.
    """
    from ..physiology.population_kinetics_table import (
        list_population_kinetics,
        load_population_kinetics,
        model_from_dict,
    )

    if name in list_population_kinetics():
        return load_population_kinetics(name)
    path = Path(name)
    try:
        data = json.loads(path.read_text("utf-8"))
    except OSError:
        raise InputError(f"population {name!r} is no file; choose one of {_known()}") from None
    except ValueError as error:
        raise InputError(f"population {name!r} is not JSON ({error})") from None
    if not isinstance(data, dict) or data.get("kind") != POPULATION_KIND:
        raise InputError(f"population {name!r} is not a population that `dosegym fit` wrote")
    return model_from_dict(data.get("population", {}))


def _known() -> str:
    from ..physiology.population_kinetics_table import list_population_kinetics

    return ", ".join(list_population_kinetics())


def _same_units(table: EventTable, model: PopulationKinetics, *, stated: bool) -> None:
    ours = (table.units.time, table.units.amount, table.units.concentration)
    theirs = (model.units.time, model.units.amount, model.units.concentration)
    if ours != theirs:
        how = "are" if stated else "are taken to be"
        raise InputError(
            f"units of the table {how} {','.join(ours)} but those of {model.name} are "
            f"{','.join(theirs)}; pass --unit {','.join(theirs)} if the table is in these"
        )


def _of_outputs(table: EventTable, model: PopulationKinetics) -> EventTable:
    """Return the table without responses that the model does not have, which is noted."""
    if model.structure.responds or not any((p.samples.output > 1).any() for p in table.people):
        return table
    lost = sum(int((p.samples.output > 1).sum()) for p in table.people)
    note = f"{lost} responses (DVID 2) are left out: {model.name} has concentrations only."
    people = tuple(replace(p, samples=p.samples.take(p.samples.output == 1)) for p in table.people)
    return replace(table, people=people, notes=(*table.notes, note))


def _person(
    table: EventTable, person: PersonEvents, model: PopulationKinetics, out: Path | None, seed: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.write import write_text
    from ..twins.kinetics_twin import fit_kinetics

    twin = fit_kinetics(person, model, record_sha256=table.source_sha256, seed=seed)
    if out is not None:
        write_text(out, json.dumps(twin.to_dict()) + "\n")
    units = f"{model.units.amount}, {model.units.time}, {model.units.concentration}"
    shown = Table(
        "parameter", "5 %", "50 %", "95 %", "uncertainty left", "",
        title=f"{twin.subject}, {model.name} ({units})",
        caption="100 %: the record taught nothing",
    )  # fmt: skip
    for row in twin.known():
        numbers = (f"{x:.4g}" for x in (row.low, row.middle, row.high))
        shown.add_row(row.name, *numbers, f"{100 * min(row.ratio, 1.0):.0f} %", row.verdict)
    console = Console()
    console.print(shown)
    console.print(
        f"{twin.quality['samples']:.0f} measurements, "
        f"{twin.diagnostics['distinct']:.0f} different draws of {len(twin)}",
        highlight=False,
    )
    if not twin.usable:
        console.print("note: so few draws differ that the twin stands for nobody.")
    _notes(console, (*table.notes, *twin.notes))


def _population(table: EventTable, model: PopulationKinetics, out: Path | None) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.write import write_text
    from ..physiology.population_kinetics_table import model_as_dict
    from ..twins.kinetics_population import fit_population

    with Console(stderr=True).status("fitting") as status:
        fit = fit_population(table, model, progress=status.update)
    rows = fit.table()
    if out is not None:
        content = {
            "kind": POPULATION_KIND,
            "record_sha256": table.source_sha256,
            "population": model_as_dict(fit.model),
            "minus2_log_likelihood": fit.minus2,
            "ofv": fit.ofv,
            "estimates": [{k: _finite(v) for k, v in row.items()} for row in rows],
            "shrinkage": fit.shrinkage,
            "converged": fit.converged,
        }
        write_text(out, json.dumps(content, indent=1) + "\n")
    shown = Table(
        "estimate", "value", "standard error", "shrinkage",
        title=f"{model.name}: {fit.people} people, {fit.readings} measurements",
        caption=f"-2 log-likelihood {fit.minus2:.2f}, without constants {fit.ofv:.2f}",
    )  # fmt: skip
    for row in rows:
        name = row["name"].removesuffix(".log_sd")
        shrunk = fit.shrinkage.get(name) if row["name"].endswith(".log_sd") else None
        shown.add_row(
            row["name"], f"{row['value']:.4g}", f"{row['se']:.2g}",
            "" if shrunk is None else f"{100 * shrunk:.0f} %",
        )  # fmt: skip
    console = Console()
    console.print(shown)
    if not fit.converged:
        console.print("note: the search did not settle; begin from other numbers.")
    for name in fit.at_bound:
        console.print(f"note: {name} ended at the edge of what is tried; leave it out.")
    _notes(console, table.notes)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and value != value else value


def _notes(console: Any, notes: tuple[str, ...]) -> None:
    for note in notes:
        console.print(f"note: {note}", highlight=False)
