"""Seconds that 10,000 people need for a year of visits under SPRINT's intensive arm.

python examples/bench_trial.py [PEOPLE]
"""

import sys
import time

import yaml

from dosegym.evaluation import run_trial
from dosegym.evaluation.trial_protocol import parse_trial
from dosegym.evaluation.trials import load_trial

people = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000

# One arm and no matching: what is timed is the simulation, not the choice of people.
plain = load_trial("sprint").model_dump(mode="json")
plain["arms"] = [arm for arm in plain["arms"] if arm["name"] == "intensive"]
plain["endpoints"] = [e for e in plain["endpoints"] if e["id"] == "sbp-intensive"]
plain["population"] |= {"screen": 1.1, "include": [], "match": {}}
trial = parse_trial(yaml.safe_dump(plain), "bench")

began: dict[str, float] = {}


def clock(what: str, done: int, total: int) -> None:
    """Note when each phase begins."""
    began.setdefault(what, time.perf_counter())


run_trial(trial, n=50)
start = time.perf_counter()
result = run_trial(trial, n=people, progress=clock)
end = time.perf_counter()
print(f"{people} people, one year of monthly visits, sprint_intensive")
print(f"  in all, enrolment included: {end - start:.1f} s")
print(f"  simulation: {end - began['simulating']:.1f} s, limit 20 s for 10,000 on 2 cores")
print(f"  systolic pressure at one year {result.findings[0].estimate.value:.1f} mmHg")
