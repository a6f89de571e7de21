"""Forecasts of real files: the twin beside persistence and a regression, nothing tuned on them.

Each record is fitted on its first part and forecast on the rest, at each reading from what was
known then. Files that hold too little are named with the reason.

python examples/bench_real_files.py [FOLDER] [--every 3] [--announced] [--export FILE.csv]
"""

import argparse
from pathlib import Path

import numpy as np

from dosegym.evaluation.export_forecasts import METABONET_MIN, export_forecasts
from dosegym.evaluation.forecast_adapt import Adapted
from dosegym.evaluation.forecast_baselines import Linear, Persistence
from dosegym.evaluation.forecast_scores import block_interval, cells, scores, slices
from dosegym.evaluation.forecast_twin import Fits, TwinForecaster
from dosegym.evaluation.forecasts import Forecasts, roll
from dosegym.evaluation.history import journal_of
from dosegym.physiology.errors import InputError
from dosegym.records import read_record

# CGM with insulin and carbohydrate; whose provenance, see the folder's README.
FILES = (
    "py_replay_bg/data_day_1_extended.csv",
    "py_replay_bg/data_day_2.csv",
    "t1dsim_ai/example_subjectX.csv",
    "pyloopkit/example_issue_report_1.json",
    "pyloopkit/example_issue_report_2.json",
    "cgm_format/nightscout_entries.json",
    "glupredkit/synthetic_data.csv",
    "cgm_format/d1namo_glucose_001.csv",
)
WHO = ("persistence", "linear", "twin", "filtered twin")
ADAPTED = "filtered twin, adapted"
# Half of a record, and at most a week, is learnt from (chosen before the first run).
SHARE, MOST_DAYS = 0.5, 7.0
# So many days of a long record are forecast, which is enough for intervals and keeps the run short.
TEST_DAYS = 4.0


def forecast_file(
    path: Path, every: int, announced: bool
) -> tuple[dict[str, Forecasts], dict[str, float]]:
    """Return the forecasts of a file by each forecaster, and the quality of the twin's fit."""
    record = read_record(path)
    first_s = float(record.glucose.time_s[0])
    learn = min(SHARE * record.span_days, MOST_DAYS)
    learn = max(learn, 0.52)  # a twin needs half a day
    if record.span_days < learn + 0.1:
        raise InputError(
            f"the record holds {24 * record.span_days:.1f} h and {len(record.glucose)} readings; "
            f"{24 * (learn + 0.1):.1f} h are needed to fit a twin and forecast"
        )
    part = record.window(first_s, first_s + (learn + TEST_DAYS) * 86400.0)
    journal = journal_of(part)
    fits = Fits()
    twins = [TwinForecaster(fits, assimilate=a) for a in (False, True)]
    own = Adapted(TwinForecaster(fits, assimilate=True))
    who = [Persistence(), Linear(), *twins, own]
    first = int(learn * 288)
    made = roll(
        journal, who, first=first, horizons_min=METABONET_MIN, every=every, announced=announced
    )
    twin = next(iter(fits.known.values()))
    return made, dict(twin.quality)


def report(name: str, made: dict[str, Forecasts], quality: dict[str, float]) -> None:
    """Print the table of a file."""
    print(
        f"\n### {name}\n\nTwin fitted to {quality['days']:.2f} days, {quality['readings']} "
        f"readings: RMSE {quality['rmse_mg_dl']:.1f} mg/dL, MARD {quality['mard_percent']:.1f} %.\n"
    )
    print(
        "| min | forecaster | forecasts | RMSE (95 %) | MAE | bias | CRPS | in 50/80/90 % | width "
        "of 90 % |\n|---|---|---|---|---|---|---|---|---|"
    )
    for minutes in (30, 60, 120):
        scored = {who: cells(f, minutes) for who, f in made.items()}
        if not len(next(iter(scored.values())).error):
            continue
        around = block_interval(scored, "rmse", np.random.default_rng(0))
        for who, of in scored.items():
            s, (rmse, low, high) = scores(of), around[who]
            span = "" if np.isnan(low) else f" ({low:.1f}–{high:.1f})"
            covered = "/".join(f"{100 * s[f'coverage_{k}']:.0f}" for k in (50, 80, 90))
            print(
                f"| {minutes} | {who} | {s['n']:.0f} | {rmse:.1f}{span} | {s['mae']:.1f} | "
                f"{s['bias']:+.1f} | {s['crps']:.1f} | {covered} | {s['width_90']:.0f} |"
            )
    parts = {who: slices(cells(f, 60)) for who, f in made.items()}
    print("\nRMSE at 60 min by the glucose that came, and after a bolus:\n")
    names = list(next(iter(parts.values())))
    print("| forecaster | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for who, each in parts.items():
        row = [scores(each[n]) for n in names]
        text = ["–" if not s["n"] else f"{s['rmse']:.1f} ({s['n']:.0f})" for s in row]
        print(f"| {who} | " + " | ".join(text) + " |", flush=True)


def short(name: str, made: dict[str, Forecasts], quality: dict[str, float]) -> str:
    """Return a file's row of the last table."""
    found = {w: [scores(cells(made[w], m)) for m in (30, 60, 120)] for w in WHO}
    rmse = ["/".join(f"{s['rmse']:.0f}" for s in found[w]) for w in WHO]
    own = [scores(cells(made[ADAPTED], m)) for m in (30, 60, 120)]
    covered = [
        "/".join(f"{100 * s['coverage_90']:.0f}" for s in each) for each in (found[WHO[-1]], own)
    ]
    fit = f"{quality['readings']} | {quality['rmse_mg_dl']:.0f}"
    return f"| {name} | {fit} | {' | '.join(rmse)} | {' | '.join(covered)} |"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    here = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("folder", type=Path, nargs="?", default=here)
    parser.add_argument("--every", type=int, default=3, help="a forecast each so many readings")
    parser.add_argument("--announced", action="store_true", help="tell coming doses and meals")
    parser.add_argument("--export", type=Path, help="write the filtered twin's forecasts here")
    parser.add_argument("--only", default="", help="files whose path holds this")
    args = parser.parse_args()
    if not args.folder.is_dir():
        print(f"{args.folder}: no such folder; nothing is measured")
        return
    kept: list[Forecasts] = []
    lines = []
    for name in FILES:
        if args.only not in name:
            continue
        try:
            made, quality = forecast_file(args.folder / name, args.every, args.announced)
        except InputError as error:
            print(f"\n### {name}\n\nnot forecast: {error}", flush=True)
            continue
        report(name, made, quality)
        kept.append(made["filtered twin"])
        lines.append(short(name, made, quality))
    print("\n### RMSE at 30/60/120 min, mg/dL; in the 90 % band of the filtered twin, %\n")
    print(
        f"| file | readings fitted | fit | {' | '.join(WHO)} | covered | adapted |\n{'|---' * 9}|"
    )
    print("\n".join(lines))
    if args.export is not None and kept:
        export_forecasts(kept, args.export)


if __name__ == "__main__":
    main()
