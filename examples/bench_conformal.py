"""Does a calibrated band hold what it promises, for each person? In people of another body.

python examples/bench_conformal.py [--people 25] [--fit-days 4] [--days 4]

Adults of ``hovorka_2004`` live some days; a UVA/Padova twin is fitted to the first of them and the
filter follows the rest. Bands of 80 % at 30, 60 and 120 min are given every half hour, as the
ensemble has them and calibrated to each person as readings come. The first calibrated day is not
counted. Printed: how many people have 75 to 85 % of their readings in the band, all horizons
together and each for itself, and in the two hours after a bolus.
"""

import argparse
from datetime import date

import numpy as np

from dosegym.physiology import load_model
from dosegym.physiology.hovorka_people import sample_hovorka
from dosegym.twins import fit_twin
from dosegym.twins.rolling import calibrate_along, roll_ahead
from dosegym.twins.virtual import Life, live

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--people", type=int, default=25)
parser.add_argument("--fit-days", type=float, default=4.0)
parser.add_argument("--days", type=float, default=4.0, help="that follow")
parser.add_argument("--members", type=int, default=96)
parser.add_argument("--seed", type=int, default=3)
asked = parser.parse_args()

model, rng = load_model("hovorka_2004"), np.random.default_rng(asked.seed)
life = Life(days=asked.fit_days + asked.days, counting_sd=0.2, swing=0.2, day_sd=0.1, window_sd=0.1)
records = live(model, sample_hovorka(asked.people, rng), life, rng)
first = float(records[0].glucose.time_s[0])
twins = [fit_twin(r.window(first, first + 86400.0 * asked.fit_days), seed=1) for r in records]
rolled = roll_ahead(twins, records, rng, members=asked.members, every=6)

counted = rolled.origin >= min(288, rolled.origin.max() // 2)
own = np.where(
    np.isfinite(rolled.reading),
    (rolled.reading >= rolled.low) & (rolled.reading <= rolled.high),
    np.nan,
)[counted]
held = np.stack([calibrate_along(rolled, i)[1] for i in range(asked.people)], axis=1)[counted]
dosed = rolled.since_bolus_min[counted] <= 120.0


def line(name, values, mask=None):
    """Print how many people's coverage lies within 75 to 85 %."""
    here = values if mask is None else np.where(mask[:, :, None], values, np.nan)
    columns = [here[:, :, h] for h in range(here.shape[2])] + [here]
    cells = []
    for column in columns:
        each = np.nanmean(np.moveaxis(column, 1, 0).reshape(asked.people, -1), axis=1)
        right = int(((each >= 0.75) & (each <= 0.85)).sum())
        cells.append(f"{right}/{asked.people} (mean {100 * each.mean():.1f} %)")
    print(f"{name}: 30 min {cells[0]}; 60 min {cells[1]}; 120 min {cells[2]}; all {cells[3]}")


print(f"{date.today()}, {asked.people} people, forecasts each {int(counted.sum())}")
line("ensemble alone", own)
line("calibrated", held)
line("ensemble alone, after a bolus", own, dosed)
line("calibrated, after a bolus", held, dosed)
