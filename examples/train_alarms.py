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
from sklearn.ensemble import HistGradientBoostingClassifier

sys.path.insert(0, str(Path(__file__).parent))
from bench_stream import (
    DAY,
    SOURCES,
    Episode,
    alarms_of,
    illness_plan,
    judge,
    people,
    probability,
    run,
    schedule,
)

from dosegym.physiology.streams import stream
from dosegym.twins.anomaly_features import LABELS
from dosegym.twins.stream_grid import Steps
from dosegym.twins.weighing import LEARNT, Trees

# How long after its start a fault can be seen at all, and for how long readings tell of it still.
SEEN_AFTER = {"occlusion": 24, "meal": 12, "drift": 48, "compression": 2}
AFTERMATH = {"occlusion": 36, "meal": 12, "drift": 36, "compression": 0}
PARTS = 5
NEVER = -10.0  # log odds of what nobody had
FIT_DAYS, SEED_OF_FILTERS = 4, 1000


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


def boosted(x: np.ndarray, y: np.ndarray) -> Trees:
    """Return boosted trees of few leaves, each leaf of at least 200 intervals."""
    if not y.any():  # in a small trial nobody may have had this fault
        one = np.zeros((1, 1), dtype=np.int64)
        return Trees(NEVER, one, np.zeros((1, 1)), one, one, np.zeros((1, 1)))
    learner = HistGradientBoostingClassifier(
        max_iter=120, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=200,
        l2_regularization=10.0, early_stopping=False, random_state=0,
    ).fit(x, y)  # fmt: skip
    nodes = [stage[0].nodes for stage in learner._predictors]
    shape = (len(nodes), max(len(n) for n in nodes))
    whole = {k: np.tile(np.arange(shape[1]), (shape[0], 1)) for k in ("left", "right")}
    feature, threshold, value = np.zeros(shape, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    for i, tree in enumerate(nodes):
        inner = np.flatnonzero(tree["is_leaf"] == 0)
        feature[i, inner] = tree["feature_idx"][inner]
        threshold[i, inner] = tree["num_threshold"][inner]
        for side in whole:
            whole[side][i, inner] = tree[side][inner]
        value[i, : len(tree)] = np.round(tree["value"], 6)
    start = float(np.ravel(learner._baseline_prediction)[0])
    trees = Trees(start, feature, threshold, whole["left"], whole["right"], value)
    if not np.allclose(trees.score(x[:999]), learner.decision_function(x[:999]), atol=1e-3):
        raise SystemExit("the trees written down do not answer as scikit-learn's do")
    return trees


def learn(name: str, features: np.ndarray, episodes: Sequence[Episode], who: np.ndarray) -> Trees:
    """Return the trees of one kind, learnt on some people."""
    on, use = labels(name, episodes, features.shape[:2])
    x, y = features[:, who][use[:, who]][::2], on[:, who][use[:, who]][::2]
    return boosted(x.astype(np.float64), y)


def left_out(
    name: str, features: np.ndarray, episodes: Sequence[Episode], groups: np.ndarray
) -> np.ndarray:
    """Return the probability (T, R) of a kind, each person's by what was learnt on others."""
    out = np.zeros(features.shape[:2])
    for part in range(PARTS):
        weighing = learn(name, features, episodes, groups != part)
        score = weighing.score(features[:, groups == part].astype(np.float64))
        out[:, groups == part] = 1.0 / (1.0 + np.exp(-np.clip(score, -30.0, 30.0)))
    return out


def lived(args: argparse.Namespace) -> tuple[np.ndarray, list[Episode], list[Steps]]:
    """Return what alarms look at (T, R, F) in all training people, and what went wrong in them."""
    parts, episodes, steps = [], [], []
    for i, n in enumerate((args.people, args.ill)):
        rng = stream(args.seed + i, "training")
        plans = schedule(n, args.days, rng) if i == 0 else illness_plan(n, args.days)
        twins, theirs, _, found = people(n, FIT_DAYS, plans, rng)
        parts.append(run(twins, theirs, SEED_OF_FILTERS))
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
    for name, kinds in SOURCES.items():
        if name in LEARNT:
            table[name] = learn(name, features, episodes, everyone).to_dict()
            p = left_out(name, features, episodes, groups)
        else:
            p = probability(name, features)
        within = DAY if name == "illness" else None
        judge(name, kinds, alarms_of(name, p, steps), episodes, features.shape[0], within)
    made = f"examples/train_alarms.py --people {args.people} --ill {args.ill} --days {args.days}"
    out = Path(args.out)
    scratch = out.with_name(f".{out.name}.tmp")
    found = {"made_by": made, "labels": list(LABELS), "kinds": table}
    scratch.write_text(json.dumps(found, separators=(",", ":")) + "\n", "utf-8")
    scratch.replace(out)
    sys.stdout.write(f"weights written to {out}\n")


if __name__ == "__main__":
    main()
