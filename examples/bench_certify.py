"""How long a certificate takes: 3,000 virtual patients for 14 days, under a rule and a network.

python examples/bench_certify.py [--patients 3000] [--json]
"""

import argparse
import json
import os
import platform
import time
from datetime import date

from stable_baselines3 import PPO

import dosegym
from dosegym.envs import make_sb3_vec_env
from dosegym.evaluation import certify
from dosegym.policies import load_policy
from dosegym.policies.learned import LearnedPolicy

BUDGET_S, DAYS = 120.0, 14


def network():
    """Return an untrained SB3 agent of the usual size: two layers of 64."""
    lanes = make_sb3_vec_env("dosegym/Insulin-v0", 1, seed=0)
    agent = PPO("MlpPolicy", lanes, policy_kwargs={"net_arch": [64, 64]}, seed=0, device="cpu")
    about = {"name": "untrained", "env_kwargs": {"action": "basal_rate"}}
    return LearnedPolicy(agent, about, sha256="0" * 64)


parser = argparse.ArgumentParser()
parser.add_argument("--patients", type=int, default=3000)
parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
options = parser.parse_args()
# The first run compiles or loads the kernels, which later runs do not pay for.
certify("constant_basal", patients=30, groups=("adult",))

cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
results = {
    "date": date.today().isoformat(),
    "machine": f"{platform.processor() or platform.machine()}, {cores} cores, "
    f"Python {platform.python_version()}, dosegym {dosegym.__version__}",
    "patients": options.patients,
}
for name, policy in {"rule (pid)": load_policy("pid"), "network 64 x 64": network()}.items():
    wall, busy = time.perf_counter(), time.process_time()
    certify(policy, patients=options.patients)
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    # Every patient lives twice: under the candidate and under the current regimen.
    lived = 2 * options.patients * DAYS
    results[name] = {"seconds": wall, "cpu_seconds": busy, "patient_days_per_s": lived / wall}

if options.json:
    print(json.dumps(results, indent=1))
else:
    print(f"{results['machine']}; {results['date']}; {options.patients} patients, {DAYS} days")
    for name, found in results.items():
        if isinstance(found, dict):
            verdict = "within" if found["seconds"] <= BUDGET_S else "OVER"
            print(
                f"{name:16s} {found['seconds']:6.1f} s ({found['cpu_seconds']:.1f} s CPU), "
                f"{found['patient_days_per_s']:8,.0f} patient-days/s, {verdict} {BUDGET_S:.0f} s"
            )
