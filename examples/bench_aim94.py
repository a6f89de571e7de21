"""Forty real outpatients on finger sticks: read, cleaned, fitted, and the last day forecast.

AIM-94 data set provided by Michael Kahn, MD, PhD, Washington University, St. Louis, MO.

python examples/bench_aim94.py [FOLDER] --people 40 --starts 1 [--posterior laplace] [--keep FILE]

With --keep each person's figures are written as they come, and a run that was stopped goes on.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from dosegym.physiology.errors import InputError
from dosegym.records import read_record
from dosegym.twins import fit_twin

BESIDE = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "uci_diabetes_aim94"


def baselines(timeline, twin):
    """Return the errors of the last day's readings for the last reading and for the mean before."""
    time, value = timeline.glucose.time_s, timeline.glucose.mg_dl
    first = twin.end_s - 86400.0
    before = (time < first) & (time >= twin.end_s - 86400.0 * twin.quality["days"])
    after = (time >= first) & (time <= twin.end_s)
    return value[after] - value[before][-1], value[after] - value[before].mean()


def figures(path, starts, posterior):
    """Return what became of one person: the counts, then the fit or the line that refuses it."""
    timeline = read_record(path)
    row = {
        "file": path.name,
        "posterior": posterior,
        "rows": timeline.rows.total,
        "told": timeline.rows.used + timeline.rows.dropped,
        "sticks": len(timeline.glucose),
        "doses": len(timeline.boluses) + len(timeline.long_acting),
    }
    try:
        twin = fit_twin(timeline, starts=starts, posterior=posterior)
    except InputError as error:
        return {**row, "refused": str(error)}
    held = twin.quality["held_out_day"]
    row |= {"days": twin.quality["days"], "rmse": twin.quality["rmse_mg_dl"]}
    if held:
        last, mean = baselines(timeline, twin)
        row |= {
            "held": {name: held[name] for name in ("rmse_mg_dl", "coverage_90", "readings")},
            "last": last.tolist(),
            "mean": mean.tolist(),
        }
    return row


def line_of(row):
    """Return one person's line."""
    start = f"{row['file']}  {row['rows']:5d} {row['sticks']:6d} {row['doses']:5d}"
    if "refused" in row:
        return f"{start}  refused: {row['refused']}"
    line = f"{start} {row['days']:5.1f} {row['rmse']:9.1f}"
    if held := row.get("held"):
        line += f" {held['rmse_mg_dl']:15.1f} {held['coverage_90']:13.2f} {held['readings']:9d}"
    return line


def summary(rows):
    """Return the sums over all people."""
    fitted = [row for row in rows if "rmse" in row]
    held = [row for row in fitted if "held" in row]
    text = (
        f"{len(rows)} people, {sum(row['rows'] for row in rows)} rows, {len(fitted)} fitted, "
        f"{len(rows) - len(fitted)} refused, {len(held)} with a last day to forecast"
    )
    if not held:
        return text
    count = sum(row["held"]["readings"] for row in held)
    square = sum(row["held"]["rmse_mg_dl"] ** 2 * row["held"]["readings"] for row in held)
    inside = sum(row["held"]["coverage_90"] * row["held"]["readings"] for row in held)
    last = np.sqrt(np.mean(np.square(np.concatenate([row["last"] for row in held]))))
    mean = np.sqrt(np.mean(np.square(np.concatenate([row["mean"] for row in held]))))
    return (
        f"{text}\nlast day, {count} readings: twin RMSE {np.sqrt(square / count):.1f}, last "
        f"reading {last:.1f}, mean before {mean:.1f} mg/dL; {inside / count:.0%} in the 90 % band"
    )


def main():
    """Print one line a person, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=BESIDE)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--starts", type=int, default=1)
    parser.add_argument("--posterior", choices=("smc", "laplace"), default="smc")
    parser.add_argument("--keep", type=Path, help="file of results to go on from")
    arguments = parser.parse_args()
    if not any(arguments.folder.glob("data-??")):
        parser.error(f"folder {arguments.folder} holds no file data-01 to data-70; give AIM-94's")
    kept = arguments.keep and arguments.keep.exists()
    lines = arguments.keep.read_text().splitlines() if kept else []
    done = {
        row["file"]: row
        for row in map(json.loads, lines)
        if row.get("posterior", "smc") == arguments.posterior
    }
    rows = []
    print("file     rows sticks doses  days  fit RMSE  last day: RMSE  in 90 % band  readings")
    for path in sorted(arguments.folder.glob("data-??"))[: arguments.people]:
        row = done.get(path.name) or figures(path, arguments.starts, arguments.posterior)
        rows.append(row)
        if arguments.keep and path.name not in done:
            with arguments.keep.open("a") as file:
                file.write(json.dumps(row) + "\n")
        print(line_of(row), flush=True)
    print(summary(rows))


if __name__ == "__main__":
    main()
