"""Do a fit's draws lie where the posterior lies, as far apart? Beside particles moved much longer.

python examples/bench_sampler.py [--people 4] [--days 1 14] [--longer 4]

Virtual patients are draws of the prior. For each, draws are led to the posterior as a fit does it;
then other particles, led there anew, are settled with several times the moves, and what they leave
is taken for the posterior. Printed: the logarithm of the draws' spread over its spread, averaged
over unknowns (0 is right, -0.1 a tenth too narrow); how far their middles lie apart, in its spread,
root mean square over unknowns; the same for the noise, with its sign; and what 256 perfect draws
would show besides 0.
"""

import argparse
import sys

import numpy as np

from dosegym.twins.calibration import mean_interval, names_of, values_of
from dosegym.twins.drawn import draws_of
from dosegym.twins.sample import LONG, LONG_PARTICLES, led, start_about
from dosegym.twins.search import starting_points
from dosegym.twins.settle import PARTICLES, moves_for, settle
from dosegym.twins.simulated import first_days, simulated
from dosegym.twins.tempering import bridge


def arguments():
    """Return the sizes asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 14])
    parser.add_argument("--longer", type=float, default=4.0, help="times the moves that settle")
    parser.add_argument("--draws", type=int, default=256)
    parser.add_argument("--seed", type=int, default=41000, help="the first patient's")
    return parser.parse_args()


def posterior(seed, days):
    """Return the law in which particles start on a patient's first days."""
    rng = np.random.default_rng([seed, days])
    patient = simulated(rng, days=days + 1)
    known, starts = first_days(patient.seen, days), starting_points(8, rng)
    found, _ = draws_of(patient.truth.where, known, starts, rng, method="laplace", n=8, meals=False)
    return start_about(found.likelihood, [found.mode])


def much_longer(start, longer, rng):
    """Return draws of particles that were settled for long, six places of each."""
    found = bridge(start, start.densities, LONG_PARTICLES, rng, LONG)
    moves = round(longer * moves_for(start.chart.chart.likelihood.seen.days))
    # Draws are taken a tenth of the moves apart: these are of their second half.
    return settle(start.chart, found.z[:PARTICLES], 6 * PARTICLES, moves, rng).u


def beside(seed, days, draws, longer):
    """Return log spread, distance of the middles, and of the noise's, over much longer moves."""
    start = posterior(seed, days)
    unknowns = start.chart.chart.likelihood.unknowns
    ours, right = (
        values_of(unknowns, u)
        for u in (
            led(start, draws, np.random.default_rng([seed, days, 1]))[0],
            much_longer(start, longer, np.random.default_rng([seed, days, 2])),
        )
    )
    spread = right.std(axis=0, ddof=1)
    away = (ours.mean(axis=0) - right.mean(axis=0)) / spread
    noise = away[names_of(unknowns).index("noise_sigma")]
    wide = float(np.log(ours.std(axis=0, ddof=1) / spread).mean())
    return [wide, float(np.sqrt(np.mean(away**2))), float(noise)]


def main():
    """Compare for each length of record and print a table."""
    args = arguments()
    sys.stdout.write(
        f"{args.draws} perfect draws would lie {1.0 / np.sqrt(args.draws):.2f} away\n"
        "days  people  log spread               away                     noise away\n"
    )
    for days in args.days:
        rows = [
            beside(s, days, args.draws, args.longer)
            for s in range(args.seed, args.seed + args.people)
        ]
        told = [mean_interval(np.array(column)) for column in zip(*rows, strict=True)]
        cells = "  ".join(f"{m:+.3f} [{low:+.3f}, {high:+.3f}]" for m, low, high in told)
        sys.stdout.write(f"{days:4}  {args.people:6}  {cells}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
