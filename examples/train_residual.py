"""Train a learned residual and write it with its card: virtual people, their twins, five networks.

Run: python train_residual.py --out residual.json        (about 6 minutes on one core)
The shipped one is the result of the defaults. Its card tells the scores on people it never saw.
"""

import argparse
import datetime
import json
from dataclasses import replace
from pathlib import Path

from dosegym.twins.residual_build import Plan, build_residual
from dosegym.twins.residual_train import Training

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, required=True, help="file to write (JSON)")
parser.add_argument("--name", default="uva_padova_2026")
parser.add_argument("--training", type=int, default=45, help="people of each kind of truth")
parser.add_argument("--validation", type=int, default=15)
parser.add_argument("--test", type=int, default=25)
parser.add_argument("--steps", type=int, default=Training().steps)
parser.add_argument("--batch", type=int, default=Training().batch)
parser.add_argument("--seed", type=int, default=0)
given = parser.parse_args()

how = replace(Training(), steps=given.steps, batch=given.batch, seed=given.seed)
plan = Plan(given.name, given.training, given.validation, given.test, given.seed, how)
# The card repeats everything but where the file went.
changed = [
    f"--{k} {v}" for k, v in vars(given).items() if k != "out" and v != parser.get_default(k)
]
command = " ".join(["python examples/train_residual.py --out FILE", *changed])
said = {"command": command, "date": datetime.date.today().isoformat()}
residual = build_residual(plan, said=said, progress=print)

given.out.write_text(json.dumps(residual.to_dict()) + "\n", encoding="utf-8")
print(f"\n{given.out}: sha256 {residual.sha256}")
print(f"{'on' if residual.on else 'off'}: {residual.card['reason']}\n")
print("error of the forecast, mg/dL, on test people (mean over people; 95 % interval of the gain)")
for kind, by in residual.card["test"].items():
    for horizon, g in by.items():
        less, low, high = g["less"]
        print(
            f"{kind:10s} {horizon:>4s} min   bare {g['bare']:6.2f}   with residual "
            f"{g['hybrid']:6.2f}   less by {less:6.2f} ({low:.2f} to {high:.2f})"
        )
