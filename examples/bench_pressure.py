"""How fast the blood-pressure environment is: one person, batches, and a year of 10,000 people.

python examples/bench_pressure.py [--json]
"""

import argparse
import json
import os
import platform
import time
from datetime import date

import gymnasium as gym
import numpy as np

import dosegym
from dosegym.envs import make_task
from dosegym.evaluation.rollout import rollout
from dosegym.policies import load_policy

ID, ROUNDS, PEOPLE, VISITS = "dosegym/BloodPressure-v0", 3, 10_000, 13


def best(run, work):
    """Return the most work a second over some rounds: other programs only ever slow us down."""
    run()
    speeds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        speeds.append(work / (time.perf_counter() - start))
    return max(speeds)


def random_regimens(space, shape, rng):
    """Return random levels, none too high, so that most people live through the year."""
    return (rng.random((*shape, len(space.nvec))) * space.nvec * 0.6).astype(np.int64)


def single(steps=1500):
    """Return single env.step a second through gym.make, resets included."""
    env = gym.make(ID)
    env.reset(seed=0)
    actions = random_regimens(env.action_space, (steps,), np.random.default_rng(0))

    def run():
        for action in actions:
            *_, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return best(run, steps)


def batch(lanes, threads):
    """Return visits a second of the vector form over four years, resets and infos included."""
    env = gym.make_vec(ID, lanes, "vector_entry_point", threads=threads)
    env.reset(seed=0)
    space = env.single_action_space
    actions = random_regimens(space, (16, lanes), np.random.default_rng(0))
    # An episode takes 13 visits and one step in which it begins anew.
    steps = 4 * (VISITS + 1)

    def run():
        for t in range(steps):
            env.step(actions[t % 16])

    return best(run, 4 * VISITS * lanes)


def year_of_many(threads):
    """Return the seconds that 10,000 people take for a year under SPRINT's intensive arm.

    Drawing the people and settling them on what they came with are told apart.
    """
    policy = load_policy("sprint_intensive")
    people = {"population": "virtual", "size": PEOPLE, "purpose": "test", "seed": 0}
    start = time.perf_counter()
    task = make_task(ID, patient=people, by_lane=True, terminate=None, threads=threads,
                     **policy.wants)  # fmt: skip
    assert len(task.settled[0]) == PEOPLE
    ready = time.perf_counter()
    result = rollout(task, policy, range(PEOPLE), record=("sbp_mmhg",))
    done = time.perf_counter()
    return ready - start, done - ready, float(result.series["sbp_mmhg"][-1].mean())


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
as_json = parser.parse_args().json
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
prepared, treated, sbp = year_of_many(cores)
results = {
    "date": date.today().isoformat(),
    "machine": f"{platform.processor() or platform.machine()}, {cores} cores, "
    f"Python {platform.python_version()}, dosegym {dosegym.__version__}",
    "single_steps_per_s": single(),
    **{
        f"vector_{lanes}_visits_per_s_{threads}_threads": batch(lanes, threads)
        for lanes in (1024, 4096)
        for threads in sorted({1, cores})
    },
    f"year_of_{PEOPLE}_people_s": treated,
    f"drawing_{PEOPLE}_people_s": prepared,
    "mean_sbp_after_a_year_mmhg": sbp,
}
if as_json:
    print(json.dumps(results, indent=1))
else:
    print(f"{results['machine']}; {results['date']}; best of {ROUNDS} rounds")
    for name, value in list(results.items())[2:]:
        print(f"{name:36s} {value:12,.1f}")
