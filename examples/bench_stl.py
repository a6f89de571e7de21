"""How fast formulas are read over many traces, against rtamt where that is installed.

    python examples/bench_stl.py [patients] [samples]

The formula says: never under 54 mg/dL, and every low is over within 20 minutes.
"""

import sys
import time
import warnings

import numpy as np

from dosegym.physiology import Quantity
from dosegym.therapy.stl import Monitor, parse_formula

TEXT = (
    "always((glucose >= 54 mg/dL) and "
    "((glucose < 70 mg/dL) implies eventually[0, 20 min](glucose >= 70 mg/dL)))"
)
THEIRS = "always((g >= 54.0) and ((g < 70.0) implies eventually[0:4](g >= 70.0)))"
STEP_MIN = 5.0


def best_of(runs, job):
    """Return the shortest time of a job in seconds, and its result."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        found = job()
        times.append(time.perf_counter() - started)
    return min(times), found


def their_time(rows):
    """Return rtamt's seconds and robustness for each of a few traces; None without rtamt."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import rtamt
        except ImportError:
            return None
    found, started = [], time.perf_counter()
    for row in rows:
        spec = rtamt.StlDiscreteTimeOfflineSpecification()
        spec.declare_var("g", "float")
        spec.spec = THEIRS
        spec.parse()
        found.append(spec.evaluate({"time": list(range(len(row))), "g": row.tolist()})[0][1])
    return (time.perf_counter() - started) / len(rows), found


patients, samples = (int(n) for n in (sys.argv[1:] + ["1000", "4032"][len(sys.argv) - 1 :])[:2])
signals = {"glucose": Quantity("glucose", "mg/dL", 0.0, 1000.0, "interstitial glucose")}
formula = parse_formula(TEXT, signals)
glucose = np.random.default_rng(0).normal(140.0, 40.0, (patients, samples)).clip(20.0)
traces = {"glucose": glucose}

print(formula.text)
robust_s, robustness = best_of(3, lambda: formula.robustness(traces, STEP_MIN))
truth_s, _ = best_of(3, lambda: formula.truth(traces, STEP_MIN))
gaps = {"glucose": np.where(np.random.default_rng(1).random(glucose.shape) < 0.05, np.nan, glucose)}
gaps_s, _ = best_of(3, lambda: formula.truth(gaps, STEP_MIN))
print(f"{patients} traces of {samples} samples")
print(f"  robustness        {robust_s:7.3f} s  ({1e3 * robust_s / patients:.3f} ms a trace)")
print(f"  truth             {truth_s:7.3f} s")
print(f"  truth, 5 % gaps   {gaps_s:7.3f} s")

watching = Monitor(formula, STEP_MIN)
steps = min(samples, 288)
started = time.perf_counter()
for t in range(steps):
    watching.update({"glucose": glucose[:, t]})
each = (time.perf_counter() - started) / steps
print(f"  running monitor   {1e3 * each:7.3f} ms a sample of all patients, {watching.kept} kept")

theirs = their_time(glucose[:5])
if theirs is None:
    print("rtamt is not installed: pip install 'dosegym[rtamt]' (Python below 3.13)")
else:
    same = np.allclose(robustness[: len(theirs[1]), 0], theirs[1], rtol=0.0, atol=1e-9)
    print(f"rtamt               {1e3 * theirs[0]:7.1f} ms a trace; same robustness: {same}")
    print(f"ratio               {theirs[0] / (robust_s / patients):7.0f} x per trace")
    if not same:
        sys.exit("the two disagree")
