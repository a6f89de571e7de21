"""The calibration of the blood-pressure body: each target, what the model gives, and the verdict.

``python -m dosegym.physiology.pressure_calibration`` prints the table; ``--markdown`` as the page
``docs/reference/blood-pressure-calibration.md`` holds it; ``--sensitivity`` what the gains that
nobody measured could change; ``--fit`` refits the gains and prints them, ``--write`` keeps them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .pressure_figures import course_figures, steady_figures
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


def calibration_markdown() -> str:
    """Return the table of targets as the page on the calibration holds it."""
    return markdown(COLUMNS, (row.cells() for row in calibrate()))


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
    parser.add_argument("--markdown", action="store_true", help="print tables for the pages")
    parser.add_argument("--sensitivity", action="store_true", help="vary the unmeasured gains")
    parser.add_argument("--fit", action="store_true", help="refit the gains and print them")
    parser.add_argument("--write", action="store_true", help="with --fit: keep them")
    asked = parser.parse_args(arguments)
    if asked.write and not asked.fit:
        parser.error("--write keeps what --fit finds; give both")
    if asked.fit:
        from .pressure_fit import fit_gains, write_gains

        fitted = fit_gains()
        _show("Gains", ("gain", "shipped", "fitted"), (gain.cells() for gain in fitted))
        if asked.write:
            write_gains(fitted)
        return
    if asked.sensitivity:
        from .pressure_sensitivity import COLUMNS as COLUMNS_S
        from .pressure_sensitivity import sensitivity

        title, columns, rows = "Gains varied by 25 %", COLUMNS_S, [r.cells() for r in sensitivity()]
    else:
        title, columns = "Calibration of dosegym_bp_2026", COLUMNS
        rows = [row.cells() for row in calibrate()]
    if asked.markdown:
        from rich.console import Console

        Console(soft_wrap=True, markup=False).print(markdown(columns, rows))
    else:
        _show(title, columns, rows)


if __name__ == "__main__":
    main()
