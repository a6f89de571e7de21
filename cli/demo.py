"""Show the main job end to end, from a record to a report."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Annotated, Any

import typer

ENVIRONMENT = "dosegym/Insulin-v0"
SHIPPED = "insulin-adult"
LIVE_STEPS = 1_500_000
LIVE_KWARGS = {"patient": "adult", "scenario": "announced"}
EVALUATED = {"patient": "adult", "scenario": "messy"}
COMPARED = ("basal_bolus", "pid")
# The person of the bundled record; Nightscout has no place for these.
AGE_YEARS, WEIGHT_KG = 27.0, 81.6


def command(
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Use the agent that ships with DoseGym.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for everything that is written.")] = Path(
        "demo"
    ),
    patients: Annotated[int, typer.Option(help="Virtual patients of the certificate.")] = 3000,
    steps: Annotated[int, typer.Option(help="Training steps of the live agent.")] = LIVE_STEPS,
    seed: Annotated[int, typer.Option(help="Seed of every chance.")] = 0,
) -> None:
    """From a bundled record to a report, in a few minutes on two cores."""
    from rich.console import Console

    console = Console()
    began = time.perf_counter()
    out.mkdir(parents=True, exist_ok=True)

    def say(number: int, text: str) -> None:
        spent = time.perf_counter() - began
        console.print(
            f"[bold]{number}/6[/bold] {text}  [dim]({spent:.0f} s)[/dim]", highlight=False
        )

    say(1, "reading the bundled record (written by us, Nightscout format)")
    timeline = _read(console)
    say(2, "fitting the twin")
    twin = _fit(timeline, out, seed, console)
    say(3, "loading the shipped agent" if pretrained else "training a small PPO agent")
    policy = _agent(pretrained, out, steps, seed, console)
    say(4, "evaluating it beside basal-bolus and PID on ten adults")
    _evaluate(policy, out, seed, console)
    say(5, f"certifying it on {patients} virtual adults against insulin-v1")
    case = _certify(policy, out, patients, console)
    say(6, "writing the report")
    given = _report(timeline, policy, case, twin, out, seed)
    spent = time.perf_counter() - began
    console.print(
        f"\nDone in {spent:.0f} s. Report: [bold]{(out / 'report.html').resolve()}[/bold]"
    )
    if not given:
        console.print(
            "No dose is recommended: the report says why. An agent trained this briefly is not "
            "expected to pass; `dosegym demo --pretrained` shows the one that ships.",
            highlight=False,
        )


def _read(console: Any) -> Any:
    from ..records import assess, demo_record, read_record

    timeline = read_record(demo_record())
    found = assess(timeline)
    console.print(
        f"    {len(timeline.glucose.time_s)} readings over {timeline.span_days:.1f} days, worn "
        f"{100 * found.wear_fraction:.0f} %, {len(timeline.boluses)} boluses, "
        f"{len(timeline.meals)} meals, {sum(d.count for d in timeline.dropped)} rows dropped",
        highlight=False,
    )
    return timeline


def _fit(timeline: Any, out: Path, seed: int, console: Any) -> Any:
    from ..evaluation.write import write_text
    from ..twins import fit_twin

    twin = fit_twin(timeline, seed=seed, weight_kg=WEIGHT_KG)
    write_text(out / "twin.json", json.dumps(twin.to_dict(), indent=1) + "\n")
    held = twin.quality["held_out_day"] or {}
    known = sum(row["verdict"] == "well known" for row in twin.known())
    console.print(
        f"    fit error {twin.quality['rmse_mg_dl']:.0f} mg/dL; last day, held out: "
        f"{held.get('rmse_mg_dl', float('nan')):.0f} mg/dL; {known} of {len(twin.known())} "
        "parameters well known",
        highlight=False,
    )
    return twin


def _agent(pretrained: bool, out: Path, steps: int, seed: int, console: Any) -> Any:
    from ..policies import load_policy

    if pretrained:
        return load_policy(SHIPPED)
    from ..training import train

    folder = out / "agent"
    shutil.rmtree(folder, ignore_errors=True)
    train(ENVIRONMENT, timesteps=steps, seed=seed, out=folder, env_kwargs=LIVE_KWARGS)
    console.print(f"    agent in {folder}; TensorBoard: tensorboard --logdir {folder}")
    return load_policy(folder)


def _evaluate(policy: Any, out: Path, seed: int, console: Any) -> None:
    from rich.table import Table

    from ..evaluation import evaluate
    from .options import interval

    table = Table("policy", "70-180, %", "<70, %", "<54, %", ">250, %")
    for name, chosen in [("agent", policy), *((n, n) for n in COMPARED)]:
        result = evaluate(chosen, ENVIRONMENT, episodes=2, days=7, seed=seed, env_kwargs=EVALUATED)
        result.write_json(out / f"evaluation-{name}.json")
        entry = result.summary["all"]
        shown = ("time_in_range", "time_below_70", "time_below_54", "time_above_250")
        table.add_row(name, *(interval(entry[m], 1 + ("below" in m)) for m in shown))
    console.print(table)


def _certify(policy: Any, out: Path, patients: int, console: Any) -> Any:
    from ..evaluation import certify
    from .options import bar

    with bar("certifying") as progress:
        case = certify(policy, patients=patients, groups=("adult",), progress=progress)
    case.write_json(out / "certificate.json")
    failed = [item for item in case.items if not item.passed]
    console.print(
        f"    [bold]{case.verdict}[/bold]: {len(case.items) - len(failed)} of {len(case.items)} "
        "bounds hold" + (f"; not {', '.join(i.id for i in failed)}" if failed else ""),
        highlight=False,
    )
    return case


def _report(timeline: Any, policy: Any, case: Any, twin: Any, out: Path, seed: int) -> bool:
    from ..clinic import recommend, write_report

    result = recommend(
        timeline,
        policy,
        certificate=case,
        twin=twin,
        seed=seed,
        age_years=AGE_YEARS,
        weight_kg=WEIGHT_KG,
    )
    write_report(result, out / "report.html", out / "report.json")
    return not result.refused
