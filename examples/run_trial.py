"""An in-silico trial from Python: 60 virtual adults, one week under two ways to give insulin.

python examples/run_trial.py [TRIAL] [PEOPLE]
"""

import sys

from dosegym.evaluation import run_trial
from dosegym.evaluation.trial_table import text

trial = sys.argv[1] if len(sys.argv) > 1 else "insulin-basal-bolus-pid"
people = int(sys.argv[2]) if len(sys.argv) > 2 else 60

result = run_trial(trial, n=people)
print(text(result))

enrolled = result.enrolled
print(f"{enrolled.screened} screened, {enrolled.eligible} eligible, {len(enrolled)} enrolled")
for finding in result.findings:
    e = finding.estimate
    print(f"{finding.endpoint.id:20s} {e.value:8.2f} [{e.low:.2f}, {e.high:.2f}]")
