"""The risk of a low within 30 minutes, told by twins, beside the trend; virtual people.

The truth is built otherwise than the twin: another emptying of the stomach, a rhythm over the day,
days, hours and meals that vary, miscounted meals. Calibration and threshold come from training
people; everything printed is of the others.

python examples/bench_hypo.py [--train 10] [--test 10] [--days 6] [--folder FOLDER]
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from dosegym.evaluation.alarms import AlarmScore, choose_threshold, judge_alarms
from dosegym.evaluation.forecast_twin import Fits, TwinForecaster
from dosegym.evaluation.history import journal_of
from dosegym.evaluation.hypo_risk import Risks, TrendRisk, TwinRisk, calibrate, tell_risks
from dosegym.evaluation.reliability import (
    auprc,
    auroc,
    brier,
    calibration_error,
    interval_over_people,
    reliability_table,
)
from dosegym.physiology import load_model
from dosegym.physiology.errors import InputError
from dosegym.physiology.sampling import load_sampler
from dosegym.records import read_record
from dosegym.records.timeline import Timeline
from dosegym.twins.virtual import Life, live

LIMITS = (70.0, 54.0)
FILES = (
    "py_replay_bg/data_day_1_extended.csv",
    "py_replay_bg/data_day_2.csv",
    "t1dsim_ai/example_subjectX.csv",
    "cgm_format/nightscout_entries.json",
)
SAMPLES_A_DAY = 288
OVERCOUNTED = -0.25  # log of eaten over counted carbohydrate


def told(n: int, days: float, fit_days: int, seed: int) -> dict[tuple[str, float], list[Risks]]:
    """Let n people live, and return the risks told of each by each model and limit."""
    rng = np.random.default_rng(seed)
    life = Life(days=days, swing=0.25, day_sd=0.2, window_sd=0.25, counting_sd=0.3, missing=0.02)
    people = load_sampler().sample(n, rng, ["adult", "adolescent"])
    # People who count too much are those whose lows matter.
    eaten = np.exp(OVERCOUNTED + 0.15 * rng.standard_normal(n))
    return told_of(
        live(load_model("uva_padova_2008", gut="t1dms"), people, life, rng, eaten), fit_days
    )


def told_of(records: Sequence[Timeline], fit_days: float) -> dict[tuple[str, float], list[Risks]]:
    """Return the risks told of each record after so many days, by model and limit."""
    out: dict[tuple[str, float], list[Risks]] = {}
    for record in records:
        fits = Fits()
        models = [TrendRisk(), *(TwinRisk(TwinForecaster(fits, assimilate=a)) for a in (0, 1))]
        found = tell_risks(
            journal_of(record), models, first=int(fit_days * SAMPLES_A_DAY), below=LIMITS
        )
        for key, risks in found.items():
            out.setdefault(key, []).append(risks)
    return out


def report(
    name: str, below: float, train: Sequence[Risks], test: Sequence[Risks], files: Sequence[Risks]
) -> None:
    """Print a table of one model and one limit."""
    lows = sum(int((r.came & r.asked).sum()) for r in train)
    print(f"\n### {name}, below {below:g} mg/dL\n")
    if lows < 10:
        print(f"only {lows} readings of the training people were followed by a low; not judged")
        return
    known = [(r.chance[r.asked], r.came[r.asked]) for r in train]
    calibration = calibrate(*(np.concatenate(part) for part in zip(*known, strict=True)))
    people = [(calibration(r.chance[r.asked]), r.came[r.asked]) for r in test]
    raw = np.concatenate([r.chance[r.asked] for r in test])
    chance, came = (np.concatenate(part) for part in zip(*people, strict=True))
    rng = np.random.default_rng(0)
    parts = brier(chance, came)
    print(f"{len(came)} readings, {int(came.sum())} followed by a low")
    for words, score in (("AUROC", auroc), ("AUPRC", auprc), ("calibration error", ece)):
        value, low, high = interval_over_people(score, people, rng)
        print(f"- {words}: {value:.3f} (95 % {low:.3f} to {high:.3f})")
    print(f"- calibration error before calibration: {calibration_error(raw, came):.3f}")
    print(
        f"- Brier score {parts.score:.4f} = reliability {parts.reliability:.4f} - resolution "
        f"{parts.resolution:.4f} + uncertainty {parts.uncertainty:.4f} + {parts.rest:+.4f}"
    )
    print("\n| told | came | readings |\n|---|---|---|")
    for row in reliability_table(chance, came):
        print(f"| {100 * row.told:.1f} % | {100 * row.came:.1f} % | {row.n} |")
    try:
        threshold = choose_threshold(train)
    except InputError as error:
        print(f"\nno alarm: {error}")
        return
    print(f"\n- alarms, held-out virtual people: {alarm_words(judge_alarms(test, threshold))}")
    for one in files:
        if one.came.any():
            print(f"- alarms, {one.person}: {alarm_words(judge_alarms([one], threshold))}")


def alarm_words(alarm: AlarmScore) -> str:
    """Return a line on alarms."""
    return (
        f"F1 {100 * alarm.f1:.0f} % (precision {100 * alarm.precision:.0f} %, recall "
        f"{100 * alarm.recall:.0f} % of {alarm.lows} lows), {alarm.false_a_day:.2f} false a day, "
        f"median lead {alarm.lead_min:.0f} min; {alarm.days:.1f} days"
    )


def ece(chance: np.ndarray, came: np.ndarray) -> float:
    """Return the calibration error in ten bins."""
    return calibration_error(chance, came)


def real(folder: Path) -> dict[tuple[str, float], list[Risks]]:
    """Return the risks told of the second half of real files; names are those of the files."""
    out: dict[tuple[str, float], list[Risks]] = {}
    for name in FILES:
        record = replace(read_record(folder / name), subject=name)
        learn = max(0.5 * record.span_days, 0.52)
        for key, risks in told_of([record], learn).items():
            out.setdefault(key, []).extend(risks)
    return out


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=int, default=10)
    parser.add_argument("--test", type=int, default=10)
    parser.add_argument("--days", type=float, default=6.0)
    parser.add_argument("--fit-days", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="real files, as bench_real_files.py takes")
    args = parser.parse_args()
    train = told(args.train, args.days, args.fit_days, args.seed)
    test = told(args.test, args.days, args.fit_days, args.seed + 1000)
    files = real(args.folder) if args.folder else {}
    for (name, below), risks in test.items():
        report(name, below, train[name, below], risks, files.get((name, below), []))


if __name__ == "__main__":
    main()
