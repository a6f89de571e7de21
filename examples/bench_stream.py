"""How well a followed twin does: cost of an update, agreement with the batch fit, alarms.

People, days and faults are virtual. The filter does not know their bodies and starts from a fit of
each person's first days. Alarms were set by ``train_alarms.py`` on people of the random stream
"training"; all people here are of the stream "test". Whenever weights or thresholds are set anew,
the seed of those people rises, so that new ones are judged on people not looked at before.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import numpy as np

from dosegym.physiology.library import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.physiology.streams import stream
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin
from dosegym.twins.anomaly import Episode as Watched
from dosegym.twins.anomaly import alarm_probability, follow
from dosegym.twins.anomaly_features import LABELS, first_means, looked_at
from dosegym.twins.anomaly_thresholds import FIXED_ON, THRESHOLDS, Threshold
from dosegym.twins.bank import bank_of, step
from dosegym.twins.ensemble import ensemble_of, stack
from dosegym.twins.ensemble_kalman import update
from dosegym.twins.faults import Episode, plan
from dosegym.twins.hypotheses import NAMES
from dosegym.twins.missed_bolus import logged_without_bolus
from dosegym.twins.prior import FITTED
from dosegym.twins.stream_grid import Steps, interval_of, steps_of
from dosegym.twins.virtual import Life, live

# Illness has no weights, and its threshold is the first one.
ALARMS_SEED, ILLNESS_SEED = 11, 2
KINDS = ("occlusion", "missed_bolus", "unlogged_meal", "compression", "sensor_drift")
DAY, BATCH = 288, 20
SOURCES = {
    "occlusion": ("occlusion",), "meal": ("missed_bolus", "unlogged_meal"),
    "compression": ("compression",), "drift": ("sensor_drift",), "illness": ("illness",),
}  # fmt: skip
VARYING = {"day_sd": 0.17, "window_sd": 0.2, "counting_sd": 0.2}


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def people(
    n: int, fit_days: int, faults: Sequence[Sequence[str]], rng: np.random.Generator
) -> tuple[list[Twin], list[Steps], list[Timeline], list[Episode]]:
    """Let people live, fit a twin to the first days of each, lay out the days that follow."""
    days = len(faults[0])
    last = (fit_days + days) * DAY
    wrong, episodes = plan(faults, fit_days, last, rng)
    who = load_sampler().sample(n, rng, ["adult"])
    life = Life(days=fit_days + days, **VARYING)
    records = live(load_model("uva_padova_2008"), who, life, rng, mishaps=wrong)
    twins, steps = [], []
    for i, record in enumerate(records):
        first = float(record.glucose.time_s[0])
        known = record.window(first, first + fit_days * 86400.0 + 1.0)
        twin = quick(known, i)
        twins.append(twin)
        steps.append(steps_of(record, twin.end_s, days * DAY, 1.0))
    shifted = [Episode(e.person, e.kind, e.begin - fit_days * DAY, e.end - fit_days * DAY)
               for e in episodes]  # fmt: skip
    return twins, steps, list(records), shifted


def quick(record: Timeline, seed: int) -> Twin:
    """Fit a twin without the sampler and without a held-out day: this is about what follows."""
    return fit_twin(record, seed=seed, starts=2, posterior="laplace", threads=1, hold_out=False)


def schedule(n: int, days: int, rng: np.random.Generator) -> list[list[str]]:
    """Return a fault or none for each day of each person, in an order of each one's own."""
    kinds = [*KINDS, *[""] * max(0, days - len(KINDS))]
    return [list(rng.permutation(kinds)[:days]) for _ in range(n)]


def run(twins: list[Twin], steps: list[Steps], seed: int) -> np.ndarray:
    """Return what alarms look at (T, R, F) in all intervals.

    People are followed twenty at a time, each twenty with random numbers of their own.
    """
    parts = [
        followed(twins[i : i + BATCH], steps[i : i + BATCH], np.random.default_rng(seed + i))
        for i in range(0, len(twins), BATCH)
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def followed(twins: list[Twin], steps: list[Steps], rng: np.random.Generator) -> np.ndarray:
    """Return what ``run`` does of one batch."""
    bank = bank_of(stack([ensemble_of(t, rng) for t in twins]), rng)
    means, out = first_means(len(twins)), []
    for k in range(len(steps[0])):
        interval = interval_of(steps, k)
        bank, innovation = step(bank, interval, rng)
        carbs = np.array([s.counted_g[k] for s in steps])
        bolus = np.array([s.bolus_u[k] for s in steps])
        means, features = looked_at(
            means, bank, innovation.standard, interval.reading, carbs, bolus
        )
        out.append(features)
    return np.array(out)


def cost(repeats: int, which: str) -> None:
    """Print milliseconds per reading: the filter alone, and with its hypotheses."""
    rng = stream(0, which)
    twins, steps, *_ = people(1, 1, [[""]], rng)
    ensemble, spent = ensemble_of(twins[0], rng), []
    bank, whole = bank_of(ensemble, rng), []
    for k in range(min(repeats, len(steps[0]))):
        begin = time.perf_counter()
        ensemble, _ = update(ensemble, interval_of(steps, k), rng)
        middle = time.perf_counter()
        bank, _ = step(bank, interval_of(steps, k), rng)
        spent.append(middle - begin)
        whole.append(time.perf_counter() - middle)
    for name, times in (("filter, 256 members", spent), ("with its hypotheses", whole)):
        ms = 1000.0 * np.array(times)
        say(f"{name}: {ms.min():.2f} ms least, {np.median(ms):.2f} ms median (goal 5 ms)")


def agreement(n: int, which: str) -> None:
    """Print how far the filter's mean lies from the batch fit of the same days.

    Once after a day of following, since every night a batch fit takes over, and after three.
    """
    for days in (1, 3):
        rng = stream(3, which)
        twins, steps, records, _ = people(n, 3, [[""] * days] * n, rng)
        ensemble = stack([ensemble_of(t, rng) for t in twins])
        for k in range(len(steps[0])):
            ensemble, _ = update(ensemble, interval_of(steps, k), rng)
        filtered = ensemble.z.mean(axis=1)[:, : len(FITTED) + 1]
        batch = [quick(record, i) for i, record in enumerate(records)]
        z = np.array([t.z for t in batch])[:, : len(FITTED) + 1]
        sd = np.sqrt([np.diag(t.covariance) for t in batch])[:, : len(FITTED) + 1]
        for name, away in (
            ("prior sd", np.abs(filtered - z)),
            ("posterior sd", np.abs(filtered - z) / sd),
        ):
            q = ", ".join(f"{v:.2f}" for v in np.quantile(away, [0.25, 0.5, 0.75, 0.9]))
            say(
                f"filter - batch after {days} d, {name}: quartiles and 90 % {q}; "
                f"within 0.3: {np.mean(away < 0.3):.0%}"
            )


def probability(name: str, features: np.ndarray) -> np.ndarray:
    """Return the probability (T, R) of a kind of fault, as a follower reckons it."""
    odds = features[:, :, NAMES.index(name)]
    return alarm_probability(name, features, 1.0 / (1.0 + np.exp(-odds)))


def alarms_of(name: str, p: np.ndarray, steps: list[Steps]) -> list[list[int]]:
    """Return the intervals at which each person's alarm of one kind is raised."""
    out = []
    for person in range(p.shape[1]):
        episode, record, raised = Watched(), Watched(), []
        for k in range(len(p)):
            episode, fires = follow(episode, float(p[k, person]), k, THRESHOLDS[name])
            if name == "meal":
                seen = 0.0 if logged_without_bolus(steps[person], k) is None else 1.0
                record, also = follow(record, seen, k, Threshold(0.5, 0.5))
                fires = fires or also
            raised += [k] * fires
        out.append(raised)
    return out


def judge(name: str, kinds: Sequence[str], raised: list[list[int]], episodes: list[Episode],
          length: int, within: int | None = None) -> None:  # fmt: skip
    """Print recall, time to detection and false alarms of one kind."""
    delays, tried, false, calm = [], 0, 0, 0
    for person, times in enumerate(raised):
        mine = [e for e in episodes if e.person == person and e.kind in kinds]
        others = [e for e in episodes if e.person == person and e.kind not in kinds]
        for e in mine:
            if e.begin > length - 48:
                continue
            tried += 1
            inside = [
                t - e.begin
                for t in times
                if e.begin <= t < min(e.end, e.begin + (within or length))
            ]
            delays += inside[:1]
        wrong = [t for t in times if not any(e.begin <= t < e.end + 36 for e in mine)]
        false += len(wrong)
        calm += sum(not any(e.begin <= t < e.end + 24 for e in others) for t in wrong)
    days = len(raised) * length / DAY
    late = 5.0 * float(np.median(delays)) if delays else float("nan")
    say(
        f"{name}: found {len(delays)} of {tried} ({len(delays) / max(tried, 1):.0%}), median "
        f"{late:.0f} min; false alarms a day {false / days:.3f}, outside of other faults "
        f"{calm / days:.3f}"
    )


def illness_plan(n: int, days: int) -> list[list[str]]:
    """Return days without faults, but for half of the people who fall ill on the second."""
    return [["", *(["illness"] if i % 2 == 0 else [""]), *[""] * days][:days] for i in range(n)]


def alarms(n: int, days: int, which: str) -> None:
    """Print how alarms do on people who were not used to set them."""
    rng = stream(ALARMS_SEED, which)
    say(f"alarms: thresholds fixed on {FIXED_ON}; {n} people, {days} days with a fault each")
    twins, steps, _, episodes = people(n, 4, schedule(n, days, rng), rng)
    features = run(twins, steps, 1)
    for name, kinds in SOURCES.items():
        if name != "illness":
            raised = alarms_of(name, probability(name, features), steps)
            judge(name, kinds, raised, episodes, days * DAY)


def illness(n: int, days: int, which: str) -> None:
    """Print how soon a fall of sensitivity by 30 % is found, and how well it is known later."""
    rng = stream(ILLNESS_SEED, which)
    twins, steps, _, episodes = people(n, 4, illness_plan(n, days), rng)
    features = run(twins, steps, 2)
    say(f"illness: {n} people, {days} days, half fall ill; to be found within 24 h")
    for name, within in (("illness", DAY), ("illness", None), ("occlusion", None)):
        raised = alarms_of(name, probability(name, features), steps)
        judge(name, (name,), raised, episodes, days * DAY, within)
    mean = features[:, :, LABELS.index("action_24_h over the usual one")]
    rows = [mean[e.begin + 3 * DAY, e.person] for e in episodes if e.begin + 3 * DAY < len(mean)]
    error = np.abs(np.exp(np.array(rows)) / 0.7 - 1.0)
    say(
        f"insulin action over 24 h, 3 days after its fall: within 10 % in "
        f"{np.mean(error < 0.1):.0%} of {len(rows)}, median error {np.median(error):.0%}"
    )


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("all", "cost", "agreement", "alarms", "illness")
    parser.add_argument("--part", choices=parts, default="all")
    parser.add_argument("--stream", choices=("test", "validation"), default="test")
    parser.add_argument("--repeats", type=int, default=280)
    parser.add_argument("--agree", type=int, default=20)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--ill", type=int, default=60)
    args = parser.parse_args()
    if args.part in ("all", "cost"):
        cost(args.repeats, args.stream)
    if args.part in ("all", "agreement"):
        agreement(args.agree, args.stream)
    if args.part in ("all", "alarms"):
        alarms(args.people, args.days, args.stream)
    if args.part in ("all", "illness"):
        illness(args.ill, args.days, args.stream)


if __name__ == "__main__":
    main()
