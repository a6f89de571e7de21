"""What the shield does to three policies, and what it costs: the same people with and without it.

Virtual people of the stream "validation" (a third each of adults, adolescents and children) live
messy days under each policy twice, with the same meals and the same sensor errors. Differences are
paired by person, with 95 % bootstrap intervals over people. People and seed are not those that the
margin was calibrated on.

python examples/bench_shield.py [--patients 300] [--days 7] [--scenario messy] [--wild] [--json]
"""

import argparse
import json
import os
import time

import numpy as np

from dosegym.envs import make_task
from dosegym.evaluation.bootstrap import bootstrap_interval
from dosegym.evaluation.evaluate import keywords_for
from dosegym.evaluation.rollout import lane_seed, rollout
from dosegym.policies import load_policy
from dosegym.policies.basal import ConstantBasal
from dosegym.policies.shield import Shield

SEED = 77
GROUPS = ("adult", "adolescent", "child")
COLUMNS = ("TBR<54", "TBR<70", "TIR", "TAR>250")

parser = argparse.ArgumentParser()
parser.add_argument("--patients", type=int, default=300)
parser.add_argument("--days", type=int, default=7)
parser.add_argument("--scenario", default="messy")
parser.add_argument("--wild", action="store_true", help="also 0, 10 and 60 times the basal rate")
parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
options = parser.parse_args()


def live(policy, groups):
    """Return shares of time in percent (people, 4), groups of the people, and seconds."""
    size = options.patients * len(groups) // len(GROUPS)
    who = {"population": "virtual", "size": size, "groups": list(groups), "seed": SEED}
    keywords = {"patient": {**who, "purpose": "validation"}, "scenario": options.scenario}
    keywords |= {"days": options.days, "by_lane": True, "terminate": None}
    task = make_task("dosegym/Insulin-v0", **keywords_for(policy, keywords))
    seeds = [lane_seed(SEED, 0, i) for i in range(size)]
    wall, busy = time.perf_counter(), time.process_time()
    found = rollout(task, policy, seeds, record=["glucose_mg_dl"])
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    glucose = found.series["glucose_mg_dl"][1:]
    inside = (glucose >= 70.0) & (glucose <= 180.0)
    shares = [(glucose < 54.0), (glucose < 70.0), inside, (glucose > 250.0)]
    rows = 100.0 * np.stack([s.mean(axis=0) for s in shares], axis=1)
    return rows, found.groups, glucose.size, wall, busy


def compare(make, groups=GROUPS):
    """Return the means without and with the shield, paired differences, and what it did."""
    bare, strata, *_, plain = live(make(), groups)
    shield = Shield(make())
    guarded, _, decisions, wall, busy = live(shield, groups)
    log = shield.log()
    paired = [
        bootstrap_interval(guarded[:, k] - bare[:, k], rng=np.random.default_rng(1), strata=strata)
        for k in range(len(COLUMNS))
    ]
    return {
        "people": len(bare),
        "without": bare.mean(axis=0).tolist(),
        "with": guarded.mean(axis=0).tolist(),
        "difference": [[i.estimate, i.low, i.high] for i in paired],
        "interventions": 100.0 * log.rate,
        "by_rule": {k: 100.0 * v for k, v in log.by_rule().items()},
        "decisions_per_s": decisions / wall,
        "decisions_per_cpu_s": decisions / busy,
        "cpu_s_added_per_million": 1e6 * (busy - plain) / decisions,
    }


# The first use draws the ensemble and compiles, which later runs do not pay for.
live(Shield(ConstantBasal()), ("adult",))
jobs = {
    "basal_bolus": (lambda: load_policy("basal_bolus"), GROUPS),
    "pid": (lambda: load_policy("pid"), GROUPS),
    "insulin-adult, adults": (lambda: load_policy("insulin-adult"), ("adult",)),
    "insulin-adult, everyone": (lambda: load_policy("insulin-adult"), GROUPS),
}
if options.wild:
    for factor in (0.0, 10.0, 40.0):
        jobs[f"basal x {factor:g}"] = (lambda f=factor: ConstantBasal(factor=f), GROUPS)
results = {name: compare(*job) for name, job in jobs.items()}
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
if options.json:
    print(json.dumps({"cores": cores, **results}, indent=1))
else:
    print(f"{options.days} days, {options.scenario}, {cores} cores; % of time, paired difference")
    for name, found in results.items():
        print(f"\n{name} ({found['people']} people): {found['interventions']:.2f} % of decisions")
        for k, column in enumerate(COLUMNS):
            estimate, low, high = found["difference"][k]
            print(
                f"  {column:8s} {found['without'][k]:6.2f} -> {found['with'][k]:6.2f}   "
                f"{estimate:+.2f} [{low:+.2f}, {high:+.2f}]"
            )
        rules = ", ".join(f"{rule} {share:.2f}" for rule, share in found["by_rule"].items())
        print(f"  rules: {rules}")
        print(
            f"  {found['decisions_per_s']:,.0f} decisions/s, {found['decisions_per_cpu_s']:,.0f} "
            f"per CPU second, {found['cpu_s_added_per_million']:.1f} CPU s added per million"
        )
