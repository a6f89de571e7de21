"""Learn how alarms weigh what they look at, on virtual people of their own, and print the weights.

Prints the table ``dosegym/twins/anomaly_thresholds.py`` holds. The people are those of the stream
"training"; ``bench_stream.py`` judges the alarms on people of the stream "test".
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from bench_stream import DAY, Episode, people, run, schedule

from dosegym.physiology.streams import stream

# How long after its start a fault can be seen at all, and for how long readings tell of it still.
SEEN_AFTER = {"occlusion": 24, "meal": 12, "drift": 48, "illness": 72}
AFTERMATH = {"occlusion": 36, "meal": 12, "drift": 36, "illness": 0}
SOURCES = {
    "occlusion": ("occlusion",), "meal": ("missed_bolus", "unlogged_meal"),
    "drift": ("sensor_drift",), "illness": ("illness",),
}  # fmt: skip
RIDGE = 10.0


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


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--ill", type=int, default=40)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    rng = stream(args.seed, "training")
    first = people(args.people, 4, schedule(args.people, args.days, rng), rng)
    plans = [["", "illness" if i % 2 == 0 else "", *[""] * (args.days - 2)]
             for i in range(args.ill)]  # fmt: skip
    second = people(args.ill, 4, plans, rng)
    a, b = (run(x[0], x[1], 1 + i)[0] for i, x in enumerate((first, second)))
    features = np.concatenate([a, b], axis=1)
    episodes = [*first[3], *(Episode(e.person + args.people, e.kind, e.begin, e.end)
                             for e in second[3])]  # fmt: skip
    sys.stdout.write(f"# {args.people + args.ill} people, {features.shape[0] // DAY} days\n")
    for name in SOURCES:
        on, use = labels(name, episodes, features.shape[:2])
        intercept, weights = logistic(features[use][::2], on[use][::2])
        numbers = ", ".join(f"{w:.4g}" for w in weights)
        sys.stdout.write(f'"{name}": ({intercept:.4g}, ({numbers})),\n')


if __name__ == "__main__":
    main()
