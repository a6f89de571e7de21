"""Train the blood-pressure residual and write it with its card; judge it on people it never saw.

Run: python train_pressure_residual.py --out residual.json     (about 6 minutes on one core)
"""

import argparse
import datetime
import json
from dataclasses import asdict, replace
from pathlib import Path

from dosegym.physiology.streams import stream
from dosegym.twins.pressure_residual import SHIPPED, PressureResidual
from dosegym.twins.pressure_residual_judge import judge_pressure, signs_of
from dosegym.twins.pressure_residual_train import PressureTraining, train_pressure_members

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--out", type=Path, required=True, help="file to write (JSON)")
parser.add_argument("--people", type=int, default=PressureTraining().people)
parser.add_argument("--steps", type=int, default=PressureTraining().steps)
parser.add_argument("--test", type=int, default=600, help="people to judge it on")
parser.add_argument("--signs", type=int, default=20_000, help="people whose doses are compared")
parser.add_argument("--seed", type=int, default=0)
given = parser.parse_args()

how = replace(PressureTraining(), people=given.people, steps=given.steps)
members = train_pressure_members(how, stream(given.seed, "training"), print)
trial = PressureResidual(SHIPPED, members, {"on": True, "reason": "on trial"})
first = judge_pressure(trial, given.test, stream(given.seed, "test"), progress=print)
second = judge_pressure(trial, given.test, stream(given.seed + 1, "test"), treated=True)
own = judge_pressure(trial, given.test, stream(given.seed + 2, "test"), other=False)
signs = signs_of(given.signs, stream(given.seed, "test"))
reason = (
    f"the first drug's effect on {first.people} held-out people is missed by "
    f"{first.hybrid:.2f} mmHg with it and {first.bare:.2f} without "
    f"(difference {first.low:.2f} to {first.high:.2f})"
)
card = {
    "on": first.low > 0.0,
    "reason": reason,
    "command": "python examples/train_pressure_residual.py --out FILE",
    "date": datetime.date.today().isoformat(),
    "settings": asdict(how) | {"seed": given.seed},
    "test": {
        "first_drug": asdict(first),
        "second_drug": asdict(second),
        "first_drug_of_people_as_the_body_believes": asdict(own),
    },
    "signs": {name: asdict(found) for name, found in signs.items()},
}
residual = PressureResidual(SHIPPED, members, card)
given.out.write_text(json.dumps(residual.to_dict()) + "\n", encoding="utf-8")
print(f"{'on' if residual.on else 'off'}: {reason}")
for name, g in card["test"].items():
    print(f"{name}: less by {g['less']:.2f} mmHg ({g['low']:.2f} to {g['high']:.2f})")
for name, found in signs.items():
    print(
        f"{name}: {found.raised} of {found.pairs} higher doses raised pressure, at most "
        f"{found.largest_mmhg:.2f} mmHg"
    )
