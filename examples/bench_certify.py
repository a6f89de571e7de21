"""How long the whole gate takes: 3,000 virtual adults for 14 days, all lanes, then one person.

python examples/bench_certify.py [--patients 3000] [--policies pid,insulin-adult,shielded] [--json]

``shielded`` is insulin-adult under the shield, policy and shield certified as one. The checks on a
person's posterior are those of a recommendation: the twin fitted, its draws under both regimens.
"""

import argparse
import json
import os
import platform
import resource
import time
from datetime import date

import dosegym
from dosegym.clinic import recommend
from dosegym.evaluation import certify
from dosegym.policies import load_policy
from dosegym.records import demo_record, read_record

BUDGET_S, BUDGET_GB, DAYS = 600.0, 4.0, 14

parser = argparse.ArgumentParser()
parser.add_argument("--patients", type=int, default=3000)
parser.add_argument("--policies", default="pid,insulin-adult,shielded")
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


def policy_of(name):
    """Return a policy by the name of this benchmark."""
    return load_policy("shielded", inner="insulin-adult") if name == "shielded" else name


def timed(work):
    """Return wall and CPU seconds of some work, peak memory so far (GB), and what it gave."""
    wall, busy = time.perf_counter(), time.process_time()
    found = work()
    wall, busy = time.perf_counter() - wall, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": wall, "cpu_seconds": busy, "peak_gb": peak}, found


record = read_record(demo_record())
for name in options.policies.split(","):
    policy = policy_of(name)
    row, case = timed(lambda p=policy: certify(p, patients=options.patients, groups=("adult",)))
    chosen = load_policy(policy) if isinstance(policy, str) else policy
    person, answer = timed(
        lambda p=chosen, c=case: recommend(record, p, certificate=c, age_years=27.0, weight_kg=81.6)
    )
    row |= {"verdict": case.verdict, "person_seconds": person["seconds"]}
    row["refused"] = answer.refused
    row["stopped"] = [x.id for x in case.lanes if x.status in ("failed", "unknown")]
    results[name] = row

if options.json:
    print(json.dumps(results, indent=1))
else:
    print(f"{results['machine']}; {results['date']}; {options.patients} adults, {DAYS} days")
    for name, found in results.items():
        if isinstance(found, dict):
            whole = found["seconds"] + found["person_seconds"]
            kept = whole <= BUDGET_S and found["peak_gb"] <= BUDGET_GB
            stopped = f" (stopped in {', '.join(found['stopped'])})" if found["stopped"] else ""
            print(
                f"{name:14s} {found['seconds']:6.1f} s ({found['cpu_seconds']:.1f} s CPU) and "
                f"{found['person_seconds']:.1f} s for a person, {found['peak_gb']:.2f} GB, "
                f"{found['verdict']}{stopped}, {'within' if kept else 'OVER'} {BUDGET_S:.0f} s"
            )
