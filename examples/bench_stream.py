"""How well a followed twin does: cost of an update, agreement with the batch fit, alarms.

People, days and faults are virtual, and their bodies are unknown to the filter, which starts from a
fit of each person's first days. ``--part train`` prints the weights of the alarms and is run on
people of their own (stream "training"); everything else is run on people of the stream "test".
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from dosegym.physiology.library import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin
from dosegym.twins.anomaly_features import first_means, looked_at
from dosegym.twins.bank import bank_of, step
from dosegym.twins.ensemble import ensemble_of, stack
from dosegym.twins.faults import Episode, plan
from dosegym.twins.stream_grid import Steps, interval_of, steps_of
from dosegym.twins.virtual import Life, live

KINDS = ("occlusion", "missed_bolus", "unlogged_meal", "compression", "sensor_drift")
DAY = 288
VARYING = {"day_sd": 0.17, "window_sd": 0.2, "counting_sd": 0.2}


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def people(
    n: int, fit_days: int, faults: Sequence[Sequence[str]], rng: np.random.Generator
) -> tuple[list[Twin], list[Steps], list[Timeline], list[Episode], np.ndarray]:
    """Let people live, fit a twin to the first days of each, lay out the days that follow."""
    days = len(faults[0])
    last = (fit_days + days) * DAY
    wrong, episodes = plan(faults, fit_days, last, rng)
    who = load_sampler().sample(n, rng, ["adult"])
    life = Life(days=fit_days + days, **VARYING)
    records = live(load_model("uva_padova_2008"), who, life, rng, None, wrong)
    twins, steps = [], []
    for i, record in enumerate(records):
        first = float(record.glucose.time_s[0])
        known = record.window(first, first + fit_days * 86400.0 + 1.0)
        twin = quick(known, i)
        twins.append(twin)
        steps.append(steps_of(record, twin.end_s, days * DAY, 1.0))
    shifted = [Episode(e.person, e.kind, e.begin - fit_days * DAY, e.end - fit_days * DAY)
               for e in episodes]  # fmt: skip
    return twins, steps, list(records), shifted, wrong.sensitivity[fit_days * DAY :]


def quick(record: Timeline, seed: int) -> Twin:
    """Fit a twin without the sampler and without a held-out day: this is about what follows."""
    return fit_twin(record, seed=seed, starts=2, posterior="laplace", threads=1, hold_out=False)


def schedule(n: int, days: int, rng: np.random.Generator) -> list[list[str]]:
    """Return a fault or none for each day of each person, in an order of each one's own."""
    kinds = [*KINDS, *[""] * max(0, days - len(KINDS))]
    return [list(rng.permutation(kinds)[:days]) for _ in range(n)]


def run(
    twins: list[Twin], steps: list[Steps], seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features (T, R, F), sensitivity (T, R) and normalised innovations of all intervals."""
    rng = np.random.default_rng(seed)
    bank = bank_of(stack([ensemble_of(t, rng) for t in twins]), rng)
    means, out, level, surprise = first_means(len(twins)), [], [], []
    for k in range(len(steps[0])):
        interval = interval_of(steps, k)
        bank, innovation = step(bank, interval, rng)
        carbs = np.array([s.counted_g[k] for s in steps])
        bolus = np.array([s.bolus_u[k] for s in steps])
        means, features = looked_at(
            means, bank, innovation.standard, interval.reading, carbs, bolus
        )
        out.append(features)
        level.append(bank.sensitivity())
        surprise.append(innovation.standard)
    return np.array(out), np.array(level), np.array(surprise)
