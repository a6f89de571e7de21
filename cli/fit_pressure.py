"""Fit a blood-pressure twin to a FHIR bundle or a table of home pressures."""

from __future__ import annotations

import json
from pathlib import Path


def fit_pressures(
    record: Path, out: Path | None, unit: str | None, timezone: str | None,
    weight_kg: float | None, age_years: float | None, seed: int,
) -> None:  # fmt: skip
    """Find people as likely as they explain the pressures; print what the record tells of them."""
    from rich.console import Console

    from ..clinic.person import with_patient
    from ..evaluation.write import write_text
    from ..records.read_pressure import read_pressure
    from ..twins.pressure import fit_pressure
    from ..twins.pressure_observe import observe_pressure

    pressures = read_pressure(record, unit=unit, timezone=timezone)
    seen = observe_pressure(with_patient(pressures, weight_kg, age_years))
    with Console(stderr=True).status("fitting") as status:
        twin = fit_pressure(seen, seed=seed, progress=status.update)
    if out is not None:
        write_text(out, json.dumps(twin.full()) + "\n")
    _print(twin)


def _print(twin: object) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..twins.pressure import PressureTwin

    assert isinstance(twin, PressureTwin)
    shown = Table(
        "quantity", "mean", "sd", "uncertainty left", "",
        title=f"{twin.subject}, {twin.quality['visits']:.0f} visits, fitted as {twin.group}",
        caption="100 %: the record taught nothing",
    )  # fmt: skip
    for row in twin.known:
        left = f"{100 * min(row.ratio, 1.0):.0f} %"
        shown.add_row(row.meaning, f"{row.mean:.4g}", f"{row.sd:.2g}", left, row.verdict)
    console = Console()
    console.print(shown)
    console.print(
        f"{twin.distinct} particles that differ, {twin.effective:.0f} effective draws of "
        f"{len(twin)}, {twin.accepted:.0%} of the last moves accepted",
        highlight=False,
    )
    if not twin.usable:
        console.print(
            "note: so few bodies differ that the twin stands for nobody; check the record."
        )
    for note in twin.notes:
        console.print(f"note: {note}", highlight=False)
