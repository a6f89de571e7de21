"""Ask what other doses would have done on past days."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from ..physiology.errors import InputError

WORDS = {
    "mean_mg_dl": ("mean, mg/dL", 0),
    "in_range_percent": ("70 to 180, %", 0),
    "below_70_percent": ("below 70, %", 1),
    "below_54_percent": ("below 54, %", 1),
    "above_180_percent": ("above 180, %", 0),
    "above_250_percent": ("above 250, %", 0),
    "lowest_mg_dl": ("lowest, mg/dL", 0),
}
FACTOR, AMOUNT = re.compile(r"^[xX*](\d+(?:\.\d+)?)$"), re.compile(r"^([+-]\d+(?:\.\d+)?)$")
RESEARCH_PRESSURE = "For research only: what the twin expects of these tablets, not advice."


def command(
    record: Annotated[Path, typer.Argument(help="A person's export, or a pressure twin's file.")],
    basal: Annotated[str | None, typer.Option(help="A factor, such as x0.75.")] = None,
    bolus: Annotated[
        list[str] | None, typer.Option(help="A factor (x1.25), or units besides (+2) with --at.")
    ] = None,
    carbs: Annotated[
        list[str] | None, typer.Option(help="A factor (x0.8), or grams besides (+20) with --at.")
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option(
            help="When, in the person's time: 2026-03-02T18:00, or 18:00 of the last day."
        ),
    ] = None,
    twin: Annotated[
        str | None, typer.Option(help="Path or id of a twin; else one is fitted now.")
    ] = None,
    days: Annotated[float | None, typer.Option(help="Days looked at. [1; pressure: 84]")] = None,
    end: Annotated[str | None, typer.Option(help="Their end. [the record's]")] = None,
    tablets: Annotated[
        list[str] | None, typer.Option(help="Pressure: drug=mg a day, one for each drug.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the facts here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture here (.png or .svg).")] = None,
    draws: Annotated[int, typer.Option(help="Possible bodies.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of the fit and of the draws.")] = 0,
    weight_kg: Annotated[float | None, typer.Option(help="Body weight, if not recorded.")] = None,
    age_years: Annotated[float | None, typer.Option(help="Age, if not recorded.")] = None,
    timezone: Annotated[str | None, typer.Option(help="IANA name or offset.")] = None,
) -> None:
    """Live a person's last days again with other doses; print both with intervals."""
    from ..evaluation.write import check_outputs

    check_outputs(json_file, plot, inputs=[record])
    if plot is not None and plot.suffix not in (".png", ".svg"):
        raise InputError(f"plot is {plot}; give a name that ends in .png or .svg")
    if _is_pressure_twin(record):
        glucose = {"basal": basal, "bolus": bolus, "carbs": carbs, "at": at, "twin": twin}
        _refuse_others({**glucose, "end": end, "plot": plot}, "a blood-pressure twin")
        _pressure(record, tablets, 84.0 if days is None else days, json_file)
        return
    _refuse_others({"tablets": tablets}, "a glucose record")
    timeline = _read(record, timezone, weight_kg, age_years)
    stop = None if end is None else _when(end, timeline)
    change = _change(basal, bolus or [], carbs or [], at or [], timeline)
    answer = _answer(timeline, twin, change, 1.0 if days is None else days, stop, draws, seed)
    _write(answer, timeline, json_file, plot)
    _print(answer)


def _read(record: Path, timezone: str | None, weight: float | None, age: float | None) -> Any:
    from ..clinic.person import with_person
    from ..records import read_record

    return with_person(read_record(record, timezone=timezone), weight, age)


def _refuse_others(options: dict[str, Any], what: str) -> None:
    for name, value in options.items():
        if value:
            raise InputError(f"--{name} means nothing for {what}; leave it out")


def _is_pressure_twin(path: Path) -> bool:
    from ..twins.shelf import kind_of, read_twin

    if path.suffix != ".json" or not path.is_file():
        return False
    try:
        data = read_twin(path)
    except InputError:
        return False
    if data.get("kind") is None and data.get("format") is not None and "covariance" in data:
        raise InputError(
            f"{path} is a twin, which holds no days; give the record, and the twin by --twin"
        )
    return data.get("kind") == "pressure" and kind_of(data) == "pressure"


def _change(
    basal: str | None, bolus: list[str], carbs: list[str], at: list[str], timeline: Any
) -> Any:
    """Return the change that the options ask for; each --at belongs to one added amount in turn."""
    from ..twins.change import Change

    factors = {"basal": 1.0 if basal is None else _factor("basal", basal)}
    added: list[tuple[str, float]] = []
    for name, words in (("bolus", bolus), ("carbs", carbs)):
        factors[name] = 1.0
        for word in words:
            amount = AMOUNT.match(word)
            if amount:
                added.append((name, float(amount[1])))
            else:
                factors[name] *= _factor(name, word)
    if len(added) != len(at):
        raise InputError(
            f"{len(added)} amounts are added but {len(at)} times given; give one --at for each, "
            "boluses first"
        )
    when = [_when(word, timeline) for word in at]
    dated = {
        name: tuple((t, v) for (n, v), t in zip(added, when, strict=True) if n == name)
        for name in ("bolus", "carbs")
    }
    return Change(**factors, boluses=dated["bolus"], meals=dated["carbs"])


def _factor(name: str, word: str) -> float:
    found = FACTOR.match(word)
    if not found:
        also = "" if name == "basal" else " or an amount besides such as +2"
        raise InputError(f"--{name} is {word!r}; give a factor such as x0.75{also}")
    return float(found[1])


def _when(word: str, timeline: Any) -> float:
    """Return a time in the person's own clock as seconds since 1970 UTC."""
    from ..records.clock import zone_of

    zone = zone_of(timeline.timezone)
    last = datetime.fromtimestamp(float(timeline.glucose.time_s[-1]), UTC).astimezone(zone)
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}", word):
            hour, minute = (int(part) for part in word.split(":"))
            told = last.replace(hour=hour, minute=minute, second=0, microsecond=0)
            told = told if told <= last else told - timedelta(days=1)
        else:
            told = datetime.fromisoformat(word)
    except ValueError:
        raise InputError(f"time is {word!r}; give 2026-03-02T18:00, or 18:00") from None
    return (told if told.tzinfo else told.replace(tzinfo=zone)).timestamp()


def _answer(
    timeline: Any, twin: str | None, change: Any, days: float, stop: float | None, draws: int,
    seed: int,
) -> Any:  # fmt: skip
    import numpy as np
    from rich.console import Console

    from ..twins import fit_twin, load_twin
    from ..twins.shelf import read_kind, twin_path

    with Console(stderr=True).status("reading") as status:
        if twin is None:
            body = fit_twin(timeline, seed=seed, progress=status.update)
        else:
            read_kind(twin, "insulin")
            body = load_twin(twin_path(twin))
        status.update("living the days again")
        rng = np.random.default_rng(seed)
        return body.whatif(timeline, change, rng=rng, days=days, end_s=stop, draws=draws)


def _write(answer: Any, timeline: Any, json_file: Path | None, plot: Path | None) -> None:
    from ..evaluation.plots_whatif import whatif_picture
    from ..evaluation.write import write_text

    if json_file is not None:
        write_text(json_file, json.dumps(answer.to_dict(), indent=1) + "\n")
    if plot is not None:
        whatif_picture(answer, plot, timeline.timezone)


def _print(answer: Any) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from ..twins.whatif import RESEARCH

    title = f"{answer.subject}: {answer.change.words()}"
    caption = "% of time; median, and 5 to 95 % of possible bodies"
    # Narrow enough for a console of 80 columns.
    table = Table(
        "", "as lived", "changed", "difference", title=title, caption=caption,
        box=SIMPLE_HEAD, padding=(0, 0, 0, 1),
    )  # fmt: skip
    for name, row in _rows(answer.summary()):
        table.add_row(name, *row)
    console = Console()
    console.print(table)
    for note in answer.notes:
        console.print(f"note: {note}", highlight=False)
    console.print(RESEARCH, style="bold")


def _rows(summary: dict[str, dict[str, list[float]]]) -> list[tuple[str, list[str]]]:
    """Return the cells of the table."""
    rows = []
    for key, (words, digits) in WORDS.items():
        cells = []
        for part in ("lived", "changed", "difference"):
            low, middle, high = summary[key][part]
            sign = "+" if part == "difference" else ""
            how = f"{sign}.{digits}f"
            cells.append(f"{middle:{how}} ({low:{how}} to {high:{how}})")
        rows.append((words, cells))
    return rows


def _pressure(path: Path, tablets: list[str] | None, days: float, json_file: Path | None) -> None:
    """Print what a pressure twin expects of the present and of another regimen."""
    from rich.console import Console
    from rich.table import Table

    from ..evaluation.write import write_text
    from ..twins.pressure_file import load_pressure_twin
    from ..twins.pressure_whatif import pressure_whatif

    answer = pressure_whatif(load_pressure_twin(path), tablets or [], days)
    if json_file is not None:
        write_text(json_file, json.dumps(answer, indent=1) + "\n")
    table = Table("", "as now", "changed", "difference", title=f"after {answer['days']} days: "
                  f"{answer['words']}", caption="median, 5 to 95 % of possible bodies")  # fmt: skip
    for name, row in answer["summary"].items():
        cells = []
        for part in ("now", "changed", "difference"):
            low, middle, high = row[part]
            sign = "+" if part == "difference" else ""
            cells.append(f"{middle:{sign}.1f} ({low:{sign}.1f} to {high:{sign}.1f})")
        table.add_row(name, *cells)
    console = Console()
    console.print(table)
    console.print(RESEARCH_PRESSURE, style="bold")
