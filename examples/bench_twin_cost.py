"""How long a twin takes: a normal law from one day, the full posterior of fourteen.

python examples/bench_twin_cost.py [--days 14] [--rounds 2]
"""

import argparse
import sys
import time

import numpy as np

from dosegym.physiology.library import load_model
from dosegym.physiology.sampling import load_sampler
from dosegym.twins import fit_twin
from dosegym.twins.virtual import Life, live


def record(days):
    """Return a virtual adult's record."""
    rng = np.random.default_rng(0)
    people = load_sampler().sample(1, rng, ["adult"])
    life = Life(days=days, swing=0.2, counting_sd=0.2, missing=0.05)
    return live(load_model("uva_padova_2008"), people, life, rng)[0]


def best(rounds, **kwargs):
    """Return the least seconds of some fits, and the last twin."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        twin = fit_twin(**kwargs)
        seconds.append(time.perf_counter() - start)
    return min(seconds), twin


def main():
    """Print both costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--rounds", type=int, default=2)
    args = parser.parse_args()
    day, long = record(1), record(args.days)
    fit_twin(day, posterior="laplace")
    point, _ = best(args.rounds, record=day, posterior="laplace")
    alone, _ = best(args.rounds, record=long, posterior="smc", hold_out=False)
    full, twin = best(args.rounds, record=long, posterior="smc")
    sys.stdout.write(
        f"one day, normal law: {point:.2f} s\n"
        f"{args.days} days, sampled: {alone:.1f} s\n"
        f"{args.days} days, and before that all but the last one, to test on it: {full:.1f} s "
        f"({dict(twin.posterior.diagnostics)})\n"
    )


if __name__ == "__main__":
    main()
