"""Are a fit's draws as far apart as the posterior is wide? Beside chains several times as long.

python examples/bench_sampler.py [--people 4] [--days 1 14] [--longer 8]

Virtual patients are draws of the prior. For each, particles are led to the posterior as a fit does
it, and so without hot moves; then they are moved several times as long, and the spread of every
unknown over the second half of that chain is taken for the posterior's. Printed: the logarithm of
the draws' spread over it, averaged over unknowns; 0 is right, -0.1 a tenth too narrow.
"""

import argparse
import sys
from dataclasses import replace

import numpy as np

from dosegym.twins.calibration import mean_interval, values_of
from dosegym.twins.drawn import draws_of
from dosegym.twins.sample import effort_for, start_about
from dosegym.twins.search import starting_points
from dosegym.twins.simulated import first_days, simulated
from dosegym.twins.tempering import Reach, Walk, bridge, moved

SNAPSHOT = 10


def arguments():
    """Return the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 14])
    parser.add_argument("--longer", type=float, default=8.0, help="times a fit's last stage")
    parser.add_argument("--draws", type=int, default=128)
    parser.add_argument("--seed", type=int, default=41000, help="the first patient's")
    return parser.parse_args()


def posterior(seed, days):
    """Return a patient's first days, and the law in which particles start."""
    rng = np.random.default_rng([seed, days])
    patient = simulated(rng, days=days + 1)
    known, starts = first_days(patient.seen, days), starting_points(8, rng)
    found, _ = draws_of(patient.truth.where, known, starts, rng, method="laplace", n=8, meals=False)
    return known, start_about(found.likelihood, [found.mode])


def spread(start, z):
    """Return the logarithm (K,) of the spread of every quantity over particles (n, D)."""
    u = start.chart(z)[0]
    return np.log(values_of(start.chart.chart.likelihood.unknowns, u).std(axis=0, ddof=1))


def longer_chain(start, z, effort, moves, rng):
    """Return particles of the second half of so many moves, all in one."""
    law, known = start.densities(z)
    walk, kept = Walk(Reach.of(effort)), []
    for move in range(moves):
        z, law, known, rate = moved(start.densities, z, law, known, 1.0, walk, rng)
        walk = walk.after(rate)
        if move >= moves // 2 and move % SNAPSHOT == 0:
            kept.append(z)
    return np.concatenate(kept)


def lag(seed, days, draws, longer):
    """Return mean log spreads of a fit's draws and of one without hot moves, over the chain's."""
    known, start = posterior(seed, days)
    effort = effort_for(known)
    found = []
    for tried in (effort, replace(effort, hot=0)):
        rng = np.random.default_rng([seed, days, 1])
        found.append(bridge(start, start.densities, draws, rng, tried).z)
    moves = round(longer * effort.last)
    rng = np.random.default_rng([seed, days, 2])
    chain = longer_chain(start, found[0], effort, moves, rng)
    right = spread(start, chain)
    return [float((spread(start, z) - right).mean()) for z in found]


def main():
    """Compare for each length of record and print a table."""
    args = arguments()
    sys.stdout.write("days  people  as a fit does it          without hot moves\n")
    for days in args.days:
        rows = [
            lag(s, days, args.draws, args.longer) for s in range(args.seed, args.seed + args.people)
        ]
        told = [mean_interval(np.array(column)) for column in zip(*rows, strict=True)]
        cells = "  ".join(f"{m:+.3f} [{low:+.3f}, {high:+.3f}]" for m, low, high in told)
        sys.stdout.write(f"{days:4}  {args.people:6}  {cells}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
