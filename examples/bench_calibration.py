"""Do fits cover as often as they say? Simulation-based calibration on virtual patients.

python examples/bench_calibration.py [--patients 1000] [--days 1] [--beside 300] [--keep FILE]

Each patient is a draw of the prior, noise and meals without an entry included; one day, or several,
are fitted and the next foretold. Beside stand the first patients with a whole log, fits that do not
look for missing meals, and fits that take errors for independent. With --keep, trials are stored,
and those already there are not run again: a long run may be cut in pieces.
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
from dosegym.twins.unlogged import TOLD_PROBABILITY


def arguments():
    """Return the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--patients", type=int, default=1000)
    parser.add_argument("--days", type=int, default=1, help="days that are fitted")
    parser.add_argument("--beside", type=int, default=300, help="patients of each other table")
    parser.add_argument("--seed", type=int, default=0, help="the first patient's")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--draws", type=int, default=128)
    parser.add_argument("--keep", type=Path, help="a file of finished trials, one a line")
    return parser.parse_args()


# Windows, or meals, beyond so many share one line.
MOST_LINES = 3
KINDS = {
    "ours": ("this fit", {"unlogged": True}),
    "logged": ("this fit, every meal logged", {}),
    "blind": (
        "this fit, not looking for meals without an entry",
        {"unlogged": True, "meals": False},
    ),
    "naive": (
        "errors taken for independent, every meal logged",
        {"independent": True, "method": "laplace", "meals": False},
    ),
}


def finished(path):
    """Return the trials kept in a file."""
    if path is None or not path.exists():
        return {}
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {r.pop("key"): Trial(**{**r, "rank": np.array(r["rank"])}) for r in rows}


def run(args, kind, patients, kept):
    """Return the trials of one kind of fit, each run once."""
    what = kind if args.days == 1 else f"{kind}-{args.days}d"
    names = {seed: f"{what}-{seed}" for seed in range(args.seed, args.seed + patients)}
    left = [seed for seed, name in names.items() if name not in kept]
    job = partial(trial, draws=args.draws, days=args.days, **KINDS[kind][1])
    with get_context("spawn").Pool(args.processes) as pool:
        for seed, found in zip(left, pool.imap(job, left), strict=True):
            kept[names[seed]] = found
            if args.keep is not None:
                row = {"key": names[seed], **asdict(found), "rank": found.rank.tolist()}
                with args.keep.open("a", encoding="utf-8") as out:
                    out.write(json.dumps(row) + "\n")
    return [kept[name] for name in names.values()]


def columns(names, kind):
    """Return the columns of the numbered names of a kind."""
    numbered = [name.rpartition("_") for name in names]
    return [i for i, (of, _, n) in enumerate(numbered) if of == kind and n.isdigit()]


def table(trials, title):
    """Return lines on coverage and uniformity."""
    ranks = np.array([t.rank for t in trials])
    lines = [f"{title}: {len(trials)} patients, nominal 90 %", ""]
    lines.append(f"{'':18}covered   95 % interval   chi-square p   distance (band)")
    inside = (ranks > 0.05) & (ranks < 0.95)
    local = {kind: columns(trials[0].names, kind) for kind in ("window", "meal")}
    many = [i for at in local.values() if len(at) > MOST_LINES for i in at]
    for i, (name, rank) in enumerate(zip(trials[0].names, ranks.T, strict=True)):
        if i in many:
            continue
        u = uniformity(rank)
        lines.append(
            f"{name:18}{u.covered:7.1%}   {u.low:.1%}-{u.high:.1%}   {u.p_value:12.3f}   "
            f"{u.distance:.3f} ({u.band:.3f})"
        )
    for name, values in (
        *(
            (f"{len(at)} {kind}s", inside[:, at].mean(axis=1))
            for kind, at in local.items()
            if len(at) > MOST_LINES
        ),
        ("all parameters", inside.mean(axis=1)),
        ("next-day glucose", np.array([t.glucose for t in trials])),
        ("next-day readings", np.array([t.reading for t in trials])),
    ):
        mean, low, high = mean_interval(values)
        lines.append(f"{name:18}{mean:7.1%}   {low:.1%}-{high:.1%}")
    whole = np.array([not t.missing for t in trials])
    if not whole.all():
        for name, rank in zip(trials[0].names, inside.T, strict=True):
            if name.startswith("noise"):
                lines.append(
                    f"{name} of the {whole.sum()} patients of whom no meal is missing: "
                    f"{rank[whole].mean():.1%}"
                )
    lines += of_meals(trials)
    passed = np.mean([t.good for t in trials])
    lines.append(f"fits that passed their own checks: {passed:.1%}")
    return "\n".join([*lines, ""])


def of_meals(trials):
    """Return lines on meals without an entry: how sure the fit was, and how often it was right."""
    said = np.array([pair for t in trials for pair in t.suspected]).reshape(-1, 2)
    lines = []
    for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.01)):
        some = said[(said[:, 0] >= low) & (said[:, 0] < high)]
        if len(some):
            lines.append(
                f"meals suspected at {low:.0%}-{min(high, 1.0):.0%}: {len(some)}, "
                f"said {some[:, 0].mean():.0%} on average, there {some[:, 1].mean():.0%}"
            )
    ate = np.array([pair for t in trials for pair in t.missing]).reshape(-1, 2)
    for low, high in ((0, 10), (10, 25), (25, 50), (50, 500)):
        some = ate[(ate[:, 0] >= low) & (ate[:, 0] < high)]
        if len(some):
            found = int((some[:, 1] >= TOLD_PROBABILITY).sum())
            lines.append(f"meals of {low} to {high} g: {found} of {len(some)} told")
    return lines


def main():
    """Run all kinds of fits and print their tables."""
    args = arguments()
    kept = finished(args.keep)
    for kind, (title, _) in KINDS.items():
        patients = args.patients if kind == "ours" else min(args.beside, args.patients)
        if patients:
            sys.stdout.write(table(run(args, kind, patients, kept), title) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
