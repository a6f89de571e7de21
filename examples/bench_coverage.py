"""How often do 95 % bounds hold? Ours, asymptotic ones, and formulas published with a fault.

python examples/bench_coverage.py [--studies 400] [--approximate 100]

Each cell draws so many studies of n patients from a distribution of harm whose truth is known and
counts how often the upper bound lies above it. A cell marked ! is too low by an exact binomial test
(p < 0.001). Last come the width of bounds on rare harm, and false and true alarms of the monitor.
"""

import argparse
from pathlib import Path
from runpy import run_path

import numpy as np
from scipy import stats

from dosegym.evaluation.coverage import (
    ASYMPTOTIC,
    FINITE_SAMPLE,
    HARMS,
    Promise,
    coverage_p_value,
    times_covered,
)
from dosegym.evaluation.statistics import (
    ViolationMonitor,
    betting,
    cvar_dkw,
    cvar_rockafellar_uryasev,
    empirical_bernstein,
    hoeffding,
)

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--studies", type=int, default=400)
parser.add_argument("--approximate", type=int, default=100, help="studies of the slow bootstrap")
parser.add_argument("--monitors", type=int, default=100)
asked = parser.parse_args()

# The tests keep the faulty formulas; they are shown here and never shipped.
faulty = run_path(str(Path(__file__).parents[1] / "tests" / "support" / "faulty_formulas.py"))
half_width = faulty["scope_rl_hoeffding_half_width"]
t_half_width = faulty["scope_rl_t_half_width"]
of_maximum = faulty["sample_maximum_hoeffding_upper"]
PUBLISHED = {
    "Hoeffding of SCOPE-RL 0.2.1": Promise(
        lambda x, s, d: float(x.mean()) + half_width(x), lambda h, d: h.mean
    ),
    "Hoeffding, sample maximum as range": Promise(
        lambda x, s, d: of_maximum(x), lambda h, d: h.mean
    ),
}

SIZES = (30, 100, 300)
print("coverage of a nominal 95 % upper bound, %, at n =", ", ".join(map(str, SIZES)))
print("| bound |", " | ".join(HARMS), "|")
print("|---|" + "---|" * len(HARMS))
for name, promise in {**FINITE_SAMPLE, **ASYMPTOTIC, **PUBLISHED}.items():
    studies = asked.approximate if "bootstrap" in name else asked.studies
    row = []
    for harm in HARMS.values():
        cells = []
        for n in SIZES:
            held = times_covered(promise, harm, n, studies, np.random.default_rng(n))
            low = coverage_p_value(held, studies) < 1e-3
            cells.append(f"{100 * held / studies:.0f}{'!' if low else ''}")
        row.append(" ".join(cells))
    print(f"| {name} |", " | ".join(row), "|")

rng = np.random.default_rng(1)
normal = rng.standard_normal((20_000, 30))
for name, factor in (("SCOPE-RL 0.2.1's", 1.0), ("Student's", None)):
    factor = factor or stats.t.ppf(0.975, 29) / stats.t.ppf(0.95, 29)
    half = factor * np.array([t_half_width(x) for x in normal])
    held = 100 * np.mean(abs(normal.mean(axis=1)) <= half)
    print(f"\n95 % two-sided t interval of 30 normal values, {name}: covers {held:.1f} %", end="")
widths = [half_width(rng.random(n)) for n in (100, 100_000)]
print(f"\nhalf width of SCOPE-RL's Hoeffding on U(0, 1): n = 100 {widths[0]:.2f}, ", end="")
print(f"n = 100,000 {widths[1]:.1f} (right: 0.1358 and 0.0043)")

harm = HARMS["Beta(0.6, 30)"]
tail = harm.tail_mean(0.05)
print(f"\n95 % upper bounds on Beta(0.6, 30), medians of 5: mean {harm.mean:.4f}, ", end="")
print(f"worst twentieth {tail:.4f}")
print("| n | hoeffding | empirical Bernstein | betting | CVaR by dkw | CVaR by betting | cap 0.3 |")
print("|---|---|---|---|---|---|---|")
for n in (300, 1000, 3000, 10_000):
    rows = []
    for sample in harm.sample(rng, (5, n)):
        rows.append(
            [bound(sample, support=(0, 1)).value for bound in (hoeffding, empirical_bernstein)]
            + [betting(sample, support=(0, 1)).value]
            + [cvar_dkw(sample, support=(0, 1), alpha=0.05).value]
            + [
                cvar_rockafellar_uryasev(np.minimum(sample, b), support=(0, b), alpha=0.05).value
                for b in (1.0, 0.3)
            ]
        )
    print(f"| {n} |", " | ".join(f"{v:.3f}" for v in np.median(rows, axis=0)), "|")

print("\nmonitor of a limit of 5 %, delta 5 %: share revoked within 1,000, and when (median)")
for rate in (0.05, 0.075, 0.1, 0.2):
    alarms = []
    for values in rng.random((asked.monitors, 1000)) < rate:
        monitor = ViolationMonitor(0.05, 0.05)
        for value in values:
            monitor = monitor.update(value)
            if monitor.revoked:
                alarms.append(monitor.n)
                break
    when = f", median {np.median(alarms):.0f}" if alarms else ""
    print(f"rate {100 * rate:.3g} %: {100 * len(alarms) / asked.monitors:.0f} %{when}")
