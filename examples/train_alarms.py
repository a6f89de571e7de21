"""Learn how alarms weigh what they look at, on virtual people of their own.

Writes the weights that ``dosegym/twins/data/alarms.json`` holds, and prints how alarms at the
committed thresholds do on people left out of the learning in turn (five parts). The people are
those of the random stream "training"; ``bench_stream.py`` judges on people of the stream "test".
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from bench_stream import (
    DAY,
    SOURCES,
    Episode,
    alarms_of,
    illness_plan,
    judge,
    people,
    run,
    schedule,
)

from dosegym.physiology.streams import stream
from dosegym.twins.anomaly_features import LABELS
from dosegym.twins.stream_grid import Steps

# How long after its start a fault can be seen at all, and for how long readings tell of it still.
SEEN_AFTER = {"occlusion": 24, "meal": 12, "drift": 48, "illness": 72}
AFTERMATH = {"occlusion": 36, "meal": 12, "drift": 36, "illness": 0}
RIDGE, PARTS = 10.0, 5
FIT_DAYS, SEED_OF_FILTERS = 4, 1000
# A compressed sensor is plain to its hypothesis alone.
LEARNT = tuple(name for name in SOURCES if name != "compression")

# Illness is learnt from what tells of sensitivity alone: few people fall ill, and few weights
# learnt from them hold for others.
USED = {
    "illness": [i for i, label in enumerate(LABELS)
                if "usual one" in label or "sensitivity" in label or "illness" in label],
}  # fmt: skip


def labels(
    name: str, episodes: Sequence[Episode], shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return where a fault is on (T, R), and what may be learnt from."""
    on, use = np.zeros(shape), np.ones(shape, dtype=bool)
    for e in episodes:
        if e.kind in SOURCES[name]:
            begin = e.begin + SEEN_AFTER[name]
            on[begin : e.end, e.person] = 1.0
            use[e.begin : begin, e.person] = False
            use[e.end : e.end + AFTERMATH[name], e.person] = False
    return on, use


def logistic(x: np.ndarray, y: np.ndarray, ridge: float = RIDGE) -> tuple[float, np.ndarray]:
    """Return intercept and weights of a ridge logistic regression (Newton's method)."""
    mean, sd = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.concatenate([np.ones((len(x), 1)), (x - mean) / sd], axis=1)
    w, penalty = np.zeros(z.shape[1]), np.full(z.shape[1], ridge)
    penalty[0] = 1e-6
    for _ in range(15):
        p = 1.0 / (1.0 + np.exp(-np.clip(z @ w, -30, 30)))
        weight = np.maximum(p * (1 - p), 1e-6)
        step = np.linalg.solve((z.T * weight) @ z + np.diag(penalty), z.T @ (y - p) - penalty * w)
        w += step
        if np.abs(step).max() < 1e-4:
            break
    slope = w[1:] / sd
    return float(w[0] - slope @ mean), slope


def learn(
    name: str, features: np.ndarray, episodes: Sequence[Episode], who: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return intercept and weights of one kind, learnt on some people."""
    on, use = labels(name, episodes, features.shape[:2])
    x, y = features[:, who][use[:, who]][::2], on[:, who][use[:, who]][::2]
    used = USED.get(name, list(range(len(LABELS))))
    slopes = np.zeros(len(LABELS))
    intercept, slopes[used] = logistic(x[:, used].astype(np.float64), y)
    return intercept, slopes


def left_out(
    name: str, features: np.ndarray, episodes: Sequence[Episode], groups: np.ndarray
) -> np.ndarray:
    """Return the probability (T, R) of a kind, each person's by weights learnt on others."""
    out = np.zeros(features.shape[:2])
    for part in range(PARTS):
        intercept, slopes = learn(name, features, episodes, groups != part)
        score = intercept + features[:, groups == part] @ slopes
        out[:, groups == part] = 1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0)))
    return out


def lived(args: argparse.Namespace) -> tuple[np.ndarray, list[Episode], list[Steps]]:
    """Return what alarms look at (T, R, F) in all training people, and what went wrong in them."""
    parts, episodes, steps = [], [], []
    for i, n in enumerate((args.people, args.ill)):
        rng = stream(args.seed + i, "training")
        plans = schedule(n, args.days, rng) if i == 0 else illness_plan(n, args.days)
        twins, theirs, _, found, _ = people(n, FIT_DAYS, plans, rng)
        parts.append(run(twins, theirs, SEED_OF_FILTERS)[0])
        episodes += [Episode(e.person + i * args.people, e.kind, e.begin, e.end) for e in found]
        steps += theirs
    return np.concatenate(parts, axis=1), episodes, steps


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=110)
    parser.add_argument("--ill", type=int, default=80)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="alarms.json")
    args = parser.parse_args()
    features, episodes, steps = lived(args)
    sys.stdout.write(f"# {args.people} + {args.ill} people, {features.shape[0] // DAY} days\n")
    everyone = np.ones(features.shape[1], dtype=bool)
    groups = np.arange(features.shape[1]) % PARTS
    table = {}
    for name in LEARNT:
        intercept, slopes = learn(name, features, episodes, everyone)
        row = {label: float(f"{w:.4g}") for label, w in zip(LABELS, slopes, strict=True)}
        table[name] = {"intercept": float(f"{intercept:.4g}"), **row}
        p = left_out(name, features, episodes, groups)
        within = DAY if name == "illness" else None
        judge(name, SOURCES[name], alarms_of(name, p, steps), episodes, features.shape[0], within)
    made = f"examples/train_alarms.py --people {args.people} --ill {args.ill} --days {args.days}"
    out = Path(args.out)
    scratch = out.with_name(f".{out.name}.tmp")
    scratch.write_text(json.dumps({"made_by": made, "weights": table}, indent=1) + "\n", "utf-8")
    scratch.replace(out)
    sys.stdout.write(f"weights written to {out}\n")


if __name__ == "__main__":
    main()
