"""Do fits cover as often as they say? Simulation-based calibration on virtual patients.

python examples/bench_calibration.py [--patients 1000] [--seed 0] [--processes 2] [--keep FILE]

Each patient is a draw of the prior, noise included; one day is fitted and the next foretold. With
--keep, trials are stored, and those already there are not run again: a long run may be cut in
pieces.
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from dosegym.twins.calibration import Trial, mean_interval, trial, uniformity


def arguments():
    """Return the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="the first patient's")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--draws", type=int, default=128)
    parser.add_argument("--keep", type=Path, help="a file of finished trials, one a line")
    return parser.parse_args()


def key(naive, seed):
    """Return the name of a trial in the file."""
    return f"{'naive' if naive else 'ours'}-{seed}"


def finished(path):
    """Return the trials kept in a file."""
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {r.pop("key"): Trial(**{**r, "rank": np.array(r["rank"])}) for r in rows}


def run(args, naive, kept):
    """Return the trials of one kind of fit, each run once."""
    seeds = [s for s in range(args.seed, args.seed + args.patients) if key(naive, s) not in kept]
    job = partial(trial, draws=args.draws, independent=naive, method="laplace" if naive else "smc")
    with get_context("spawn").Pool(args.processes) as pool:
        for seed, found in zip(seeds, pool.imap(job, seeds), strict=True):
            kept[key(naive, seed)] = found
            if args.keep is not None:
                row = {"key": key(naive, seed), **asdict(found), "rank": found.rank.tolist()}
                with args.keep.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
    return [t for name, t in kept.items() if name.startswith("naive" if naive else "ours")]


def table(trials, title):
    """Return lines on coverage and uniformity."""
    ranks = np.array([t.rank for t in trials])
    lines = [f"{title}: {len(trials)} patients, nominal 90 %", ""]
    lines.append(f"{'':18}covered   95 % interval   chi-square p   distance (band)")
    for name, rank in zip(trials[0].names, ranks.T, strict=True):
        u = uniformity(rank)
        lines.append(
            f"{name:18}{u.covered:7.1%}   {u.low:.1%}-{u.high:.1%}   {u.p_value:12.3f}   "
            f"{u.distance:.3f} ({u.band:.3f})"
        )
    inside = (ranks > 0.05) & (ranks < 0.95)
    for name, values in (
        ("all parameters", inside.mean(axis=1)),
        ("next-day glucose", np.array([t.glucose for t in trials])),
        ("next-day readings", np.array([t.reading for t in trials])),
    ):
        mean, low, high = mean_interval(values)
        lines.append(f"{name:18}{mean:7.1%}   {low:.1%}-{high:.1%}")
    passed = np.mean([t.good for t in trials])
    lines.append(f"fits that passed their own checks: {passed:.1%}")
    return "\n".join([*lines, ""])


def main():
    """Run both fits of every patient and print their tables."""
    args = arguments()
    kept = finished(args.keep)
    for naive, title in ((False, "this fit"), (True, "errors taken for independent")):
        sys.stdout.write(table(run(args, naive, kept), title) + "\n")


if __name__ == "__main__":
    main()
