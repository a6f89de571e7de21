"""Find the conformal margin of the shield's forecast on virtual people who are in no gate.

Half of the people (stream "validation") live messy days without rescue carbohydrate, each dosed by
the basal-bolus rule times a factor of their own, so that lows happen. Every half hour the forecast
is told the insulin that was then given, and its lower quantile is compared with the glucose that
came, as long as no new meal began. Scores count where the quantile lies below 120 mg/dL, which is
where it can bind. The margin at each time ahead is their finite-sample quantile (split conformal,
Vovk 2005; people are exchangeable, times within a person are not, so each person gives the same
number of times drawn at random). Coverage is told on the other half.

python examples/calibrate_shield.py [--patients 300] [--level 0.9] [--output FILE]
"""

import argparse
import json
from dataclasses import dataclass
from datetime import date

import numpy as np

from dosegym.envs import make_task
from dosegym.envs.lanes import Lanes
from dosegym.evaluation.write import write_text
from dosegym.policies.basal_bolus import BasalBolus
from dosegym.policies.rule import Doses
from dosegym.policies.shield_forecast import Forecaster, take
from dosegym.policies.shield_margin import Margin
from dosegym.policies.shield_members import STEP_MIN
from dosegym.policies.shield_present import slope_of
from dosegym.policies.shield_rules import sight_of
from dosegym.policies.shield_screen import traits

DAYS, EVERY, AHEAD_MIN, RELEVANT_MG_DL, SEED = 5, 6, 240, 120.0, 20261126
TIMES_A_PERSON = 40
MINUTES = (15, 30, 60, 90, 120, 150, 180, 210, 240)


@dataclass
class Factored(BasalBolus):
    """The basal-bolus rule with all its insulin times a factor of each lane."""

    factors: tuple[float, ...] = ()

    def decide(self, seen, memory):
        """Return basal and bolus, each times the lane's factor."""
        doses, memory = super().decide(seen, memory)
        factor = np.array(self.factors)
        return Doses(doses.basal_u_per_h * factor, doses.bolus_u * factor), memory


def live(patients):
    """Return observations, doses (T, B), glucose (T + 1, B) and onsets of meals (T, B)."""
    who = {"population": "virtual", "size": patients, "purpose": "validation", "seed": SEED}
    task = make_task(
        "dosegym/Insulin-v0", patient=who, scenario={"preset": "messy", "rescue_g": 0.0},
        action="basal_and_bolus", days=DAYS, by_lane=True, terminate=None,
    )  # fmt: skip
    rng = np.random.default_rng(SEED)
    policy = Factored(factors=tuple(np.exp(rng.uniform(np.log(0.7), np.log(2.0), patients))))
    lanes, column = Lanes(task, patients), task.log_columns.index
    for lane in range(patients):
        lanes.seed(lane, SEED + lane)
    step, memory = lanes.begin(), None
    seen, logs = [], [step.log]
    for _ in range(task.n_steps):
        action, memory = policy.predict(step.observation, memory)
        seen.append(step.observation)
        step = lanes.step(action)
        logs.append(step.log)
    logs = np.stack(logs)
    eaten = logs[1:, :, column("carbs_eaten_g")]
    before = np.concatenate([np.zeros((1, patients)), eaten[:-1]])
    insulin = logs[1:, :, column("basal_u_per_h")] / 60.0 + logs[1:, :, column("bolus_u")] / 5.0
    onset = (eaten > 0.0) & (before <= 0.0)
    return np.stack(seen), insulin, logs[:, :, column("glucose_mg_dl")], onset


def scores(forecaster, seen, insulin, glucose, onset):
    """Return lower quantile, quantile minus glucose (N, H; NaN after a new meal), whose, screen."""
    steps, n = insulin.shape
    memory = forecaster.remember(n)
    lower, error, person, features, slacks = [], [], [], [], []
    ahead = AHEAD_MIN // 5
    at = np.array(MINUTES)
    for t in range(steps - ahead):
        sight = sight_of(seen[t], 5.0, True)
        memory = forecaster.listen(sight, memory)
        if t < 48 or t % EVERY:
            continue
        lanes = np.arange(n)
        known = forecaster.know(seen[t], take(sight, lanes), memory)
        course = np.repeat(insulin[t : t + ahead], 5, axis=0)[:: int(STEP_MIN)]
        low = forecaster.lower(known, course)[at // int(STEP_MIN) - 1].T
        came = glucose[t + at // 5].T
        # What is eaten in this interval was announced with this observation, or never.
        began = np.cumsum(onset[t + 1 : t + ahead + 1], axis=0)[at // 5 - 1].T > 0
        lower.append(low)
        error.append(np.where(began, np.nan, low - came))
        person.append(lanes)
        features.append(traits(sight, slope_of(seen[t]), memory["carbs"]))
        slacks.append(forecaster.slack(known, sight.basal_u))
    screen = fit_line(np.concatenate(features), np.concatenate(slacks))
    return np.concatenate(lower), np.concatenate(error), np.concatenate(person), screen


def fit_line(features, slack):
    """Return the line of the screen, by least squares where the slack is within 80 mg/dL of 0."""
    near = np.abs(slack) < 80.0
    ones = np.ones((near.sum(), 1))
    found, *_ = np.linalg.lstsq(np.concatenate([features[near], ones], axis=1), slack[near])
    return [round(float(v), 4) for v in found]


def relevant(lower, error, person, h, rng):
    """Return scores at horizon h where the quantile can bind, equally many of each person."""
    found = []
    for one in np.unique(person):
        mine = error[(person == one) & (lower[:, h] < RELEVANT_MG_DL), h]
        mine = mine[np.isfinite(mine)]
        if len(mine) >= 5:
            found.append(rng.choice(mine, TIMES_A_PERSON, replace=True))
    return np.array(found)


parser = argparse.ArgumentParser()
parser.add_argument("--patients", type=int, default=300)
parser.add_argument("--level", type=float, default=0.9)
parser.add_argument("--output", default="")
options = parser.parse_args()

forecaster = Forecaster(margin=Margin())
lower, error, person, screen = scores(forecaster, *live(options.patients))
rng = np.random.default_rng(SEED)
half = options.patients // 2
margins, coverage, counts = [], [], []
for h, minutes in enumerate(MINUTES):
    first = relevant(*(v[person < half] for v in (lower, error, person)), h, rng)
    other = relevant(*(v[person >= half] for v in (lower, error, person)), h, rng)
    # The rank counts people, who are exchangeable, and not their times.
    level = min(np.ceil((len(first) + 1) * options.level) / len(first), 1.0)
    margin = max(float(np.quantile(first.ravel(), level)), 0.0)
    margins.append(round(margin, 1))
    coverage.append(float((other <= margins[-1]).mean()))
    counts.append([len(first), len(other)])
    print(
        f"{minutes:4d} min: margin {margin:5.1f} mg/dL, raw coverage {(other <= 0).mean():.3f}, "
        f"coverage {coverage[-1]:.3f} on {len(other)} people, "
        f"median error {np.median(other):6.1f}"
    )
if options.output:
    told = {
        "command": f"python examples/calibrate_shield.py --patients {options.patients} "
        f"--level {options.level:g}",
        "date": date.today().isoformat(),
        "level": options.level,
        "people": f"{options.patients} virtual people, stream validation, seed {SEED}",
        "scenario": "messy without rescue carbohydrate, basal-bolus times 0.7 to 2.0",
        "relevant_below_mg_dl": RELEVANT_MG_DL,
        "people_counted": counts,
        "coverage_of_other_half": [round(c, 4) for c in coverage],
    }
    data = {"minutes": list(MINUTES), "mg_dl": margins, "screen": screen, "provenance": told}
    write_text(options.output, json.dumps(data, indent=1) + "\n")
