"""How fast the environment is: one patient through gym.make, 1,024 in one batch, and the import.

python examples/bench_env.py [--json]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import date

import gymnasium as gym
import numpy as np

import dosegym

# Published speed of simglucose, steps of three minutes a second, slowest and fastest report.
SIMGLUCOSE_STEPS, SIMGLUCOSE_STEP_MIN = (27.0, 158.0), 3.0
ID, STEP_MIN, LANES = "dosegym/Insulin-v0", 5.0, 1024
ROUNDS = 5


def best(run, work):
    """Return the most work a second over some rounds: other programs only ever slow us down."""
    run()
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        speeds.append(work / (time.perf_counter() - start))
    return max(speeds)


def single(steps=10_000):
    """Return single env.step a second through gym.make, resets at the ends of episodes included."""
    env = gym.make(ID)
    env.reset(seed=0)
    actions = np.random.default_rng(0).normal(-0.3, 0.2, (steps, 1)).clip(-1, 1).astype(np.float32)

    def run():
        for action in actions:
            *_, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return best(run, steps)


def batch(threads, steps=600):
    """Return decisions a second of the vector form: observations, rewards, costs, infos, resets."""
    env = gym.make_vec(ID, LANES, "vector_entry_point", patient="all", threads=threads)
    env.reset(seed=0)
    draws = np.random.default_rng(0).normal(-0.3, 0.2, (16, LANES, 1)).clip(-1, 1)
    actions = draws.astype(np.float32)

    def run():
        for t in range(steps):
            env.step(actions[t % 16])

    return best(run, steps * LANES)


def import_seconds():
    """Return the shortest time a fresh process needs for ``import dosegym``."""
    code = "import time; t = time.perf_counter(); import dosegym; print(time.perf_counter() - t)"
    command = [sys.executable, "-c", code]
    return min(float(subprocess.check_output(command)) for _ in range(ROUNDS))


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
as_json = parser.parse_args().json
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
results = {
    "date": date.today().isoformat(),
    "machine": f"{platform.processor() or platform.machine()}, {cores} cores, "
    f"Python {platform.python_version()}, dosegym {dosegym.__version__}",
    "single_steps_per_s": single(),
    f"vector_{LANES}_steps_per_s_1_thread": batch(1),
    f"vector_{LANES}_steps_per_s_{cores}_threads": batch(cores),
    "import_s": import_seconds(),
}
if as_json:
    print(json.dumps(results, indent=1))
else:
    print(f"{results['machine']}; {results['date']}; best of {ROUNDS} rounds")
    print(f"{'':34s} {'steps/s':>12s} {'patient-min/s':>14s}   patient-minutes beside simglucose's")
    for name, value in results.items():
        if name.endswith("_per_s") or "_per_s_" in name:
            minutes = value * STEP_MIN
            low, high = (minutes / (s * SIMGLUCOSE_STEP_MIN) for s in reversed(SIMGLUCOSE_STEPS))
            print(f"{name:34s} {value:12,.0f} {minutes:14,.0f}   {low:,.0f} to {high:,.0f} times")
    print(f"{'import_s':34s} {results['import_s']:12.3f}")
