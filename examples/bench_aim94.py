"""Forty real outpatients on finger sticks: read, cleaned, fitted, and the last day forecast.

AIM-94 data set provided by Michael Kahn, MD, PhD, Washington University, St. Louis, MO.

python examples/bench_aim94.py [FOLDER] --people 40 --starts 1
"""

import argparse
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


def main():
    """Print one line a person, then the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=BESIDE)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--starts", type=int, default=1)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.glob("data-??"))[: arguments.people]
    forecast, last, mean, inside, count = [], [], [], 0.0, 0
    print("file     rows sticks doses  days  fit RMSE  last day: RMSE  in 90 % band  readings")
    for path in files:
        timeline = read_record(path)
        doses = len(timeline.boluses) + len(timeline.long_acting)
        start = f"{path.name}  {timeline.rows.total:5d} {len(timeline.glucose):6d} {doses:5d}"
        try:
            twin = fit_twin(timeline, starts=arguments.starts)
        except InputError as error:
            print(f"{start}  refused: {error}", flush=True)
            continue
        quality, held = twin.quality, twin.quality["held_out_day"]
        line = f"{start} {quality['days']:5.1f} {quality['rmse_mg_dl']:9.1f}"
        if held:
            line += f" {held['rmse_mg_dl']:15.1f} {held['coverage_90']:13.2f} {held['readings']:9d}"
            forecast.append(held["rmse_mg_dl"] ** 2 * held["readings"])
            inside += held["coverage_90"] * held["readings"]
            count += held["readings"]
            one, other = baselines(timeline, twin)
            last.extend(one)
            mean.extend(other)
        print(line, flush=True)
    if count:
        print(
            f"last day, {count} readings: twin RMSE {np.sqrt(sum(forecast) / count):.1f}, last "
            f"reading {np.sqrt(np.mean(np.square(last))):.1f}, mean before "
            f"{np.sqrt(np.mean(np.square(mean))):.1f} mg/dL; {inside / count:.0%} in the 90 % band"
        )


if __name__ == "__main__":
    main()
