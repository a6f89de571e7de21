"""All trials of blood pressure that ship: published beside simulated numbers, as one Markdown page.

python examples/bench_validation.py [FILE]
"""

import sys
from pathlib import Path

from dosegym.evaluation import run_trial
from dosegym.evaluation.trial_table import markdown

PREAMBLE = """# Trials: what came out

Written by `python examples/bench_validation.py`; no table is typed by hand; likely causes are.
How to read it: [What a trial proves](trials.md).
"""

parts = [PREAMBLE]
for name in ("sprint", "allhat", "quartet", "pathway2"):
    result = run_trial(name)
    judged = [f.passed for f in result.findings if f.passed is not None]
    parts.append(f"## {name}: {sum(judged)} of {len(judged)} thresholds met\n\n{markdown(result)}")
    print(f"{name}: {sum(judged)} of {len(judged)} thresholds met")
if len(sys.argv) > 1:
    Path(sys.argv[1]).write_text("\n".join(parts), encoding="utf-8")
