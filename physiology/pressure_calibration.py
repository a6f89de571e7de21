"""The calibration of the blood-pressure body: each target, what the model gives, and the verdict.

``python -m dosegym.physiology.pressure_calibration`` prints the table; ``--sensitivity`` what the
gains that nobody measured could change; ``--paste docs/reference/blood-pressure-*.md`` renews the
tables of the pages; ``--fit`` refits the gains and prints them, ``--write`` keeps them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .pressure_figures import course_figures, steady_figures
from .pressure_gains import gain_rows
from .pressure_scenarios import shipped_responses
from .pressure_targets import Target, load_targets


@dataclass(frozen=True)
class Row:
    """One target and the model's value of it, in the target's unit."""

    target: Target
    value: float

    @property
    def verdict(self) -> str:
        """``yes`` or ``no``: whether the model agrees; a known miss is named as such."""
        agrees = self.target.agrees(self.value)
        if agrees is None:
            return "–"
        if agrees:
            return "yes"
        return "known miss" if self.target.role == "known_miss" else "no"

    def cells(self) -> tuple[str, ...]:
        """Return the row as text: what, unit, published, band, model, verdict, role."""
        t = self.target
        band = "" if t.low is None or t.high is None else f"{t.low:g} to {t.high:g}"
        role = ("calibration" if t.fit_sd else "check") if t.role == "known_miss" else t.role
        return (t.what, t.unit, f"{t.published:g}", band, f"{self.value:.2f}", self.verdict, role)


COLUMNS = ("figure", "unit", "published", "band", "model", "within", "role")


def calibrate() -> list[Row]:
    """Return every target with the shipped model's value, in the order of the table."""
    responses = shipped_responses()
    found = {**steady_figures(responses), **course_figures(responses)}
    return [Row(t, float(found[name][0])) for name, t in load_targets().items()]


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def gains_markdown() -> str:
    """Return the table of gains as the page on the model holds it."""
    rows = (
        (f"`{r['name']}`", r["value"], r["unit"], r["kind"], r["status"], r["source"])
        for r in gain_rows()
    )
    return markdown(("gain", "value", "unit", "kind", "status", "meaning; source"), rows)


def misses_markdown() -> str:
    """Return why known misses are missed, as the page on the calibration holds it."""
    missed = [t for t in load_targets().values() if t.role == "known_miss"]
    return markdown(("figure", "why it is missed"), ((t.what, t.note) for t in missed))


def sources_markdown() -> str:
    """Return the source and status of every target, as the page on the calibration holds it."""
    found: dict[tuple[str, str], list[str]] = {}
    for target in load_targets().values():
        found.setdefault((target.source, target.status), []).append(target.what)
    rows = ((s, status, f"{len(what)}: {what[0]}" + (" …" if len(what) > 1 else ""))
            for (s, status), what in found.items())  # fmt: skip
    return markdown(("source", "status", "figures"), rows)


def _sensitivity() -> tuple[Sequence[str], list[tuple[str, ...]]]:
    from .pressure_sensitivity import COLUMNS as COLUMNS_S
    from .pressure_sensitivity import sensitivity

    return COLUMNS_S, [row.cells() for row in sensitivity()]


def pasted_tables() -> dict[str, str]:
    """Return the tables that the pages on the model and its calibration hold, by name."""
    from .pressure_spread import COLUMNS as COLUMNS_P
    from .pressure_spread import spread_cells

    return {
        "gains": gains_markdown(),
        "targets": markdown(COLUMNS, (row.cells() for row in calibrate())),
        "misses": misses_markdown(),
        "sources": sources_markdown(),
        "sensitivity": markdown(*_sensitivity()),
        "people": markdown(COLUMNS_P, spread_cells()),
    }


def pasted(text: str, tables: Mapping[str, str]) -> str:
    """Return a page with each table between ``<!-- table: NAME -->`` and ``<!-- end -->`` anew."""
    for name, table in tables.items():
        head, end = f"<!-- table: {name} -->\n", "\n<!-- end -->"
        if head in text:
            before, rest = text.split(head, 1)
            text = f"{before}{head}\n{table}\n{end}{rest.split(end, 1)[1]}"
    return text


def _show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, title=title)
    for cells in rows:
        table.add_row(*cells)
    # A terminal narrower than the table would cut its figures.
    console = Console()
    Console(width=max(console.width, 130)).print(table)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="pressure_calibration", description=__doc__)
    parser.add_argument("--paste", nargs="+", type=Path, metavar="PAGE", help="renew their tables")
    parser.add_argument("--sensitivity", action="store_true", help="vary the unmeasured gains")
    parser.add_argument("--fit", action="store_true", help="refit the gains and print them")
    parser.add_argument("--write", action="store_true", help="with --fit: keep them")
    asked = parser.parse_args(arguments)
    if asked.write and not asked.fit:
        parser.error("--write keeps what --fit finds; give both")
    if asked.fit:
        _fit(asked.write)
    elif asked.paste:
        tables = pasted_tables()
        for page in asked.paste:
            page.write_text(pasted(page.read_text("utf-8"), tables), encoding="utf-8")
    elif asked.sensitivity:
        _show("Gains varied by 25 %", *_sensitivity())
    else:
        _show("Calibration of dosegym_bp_2026", COLUMNS, [row.cells() for row in calibrate()])


def _fit(write: bool) -> None:
    from .pressure_fit import fit_gains, write_gains

    fitted = fit_gains()
    _show("Gains", ("gain", "shipped", "fitted"), [gain.cells() for gain in fitted])
    if write:
        write_gains(fitted)


if __name__ == "__main__":
    main()
