"""Write logged treatment of both environments, with the true values that only a simulator knows.

    python examples/make_logged_data.py [FOLDER] [--patients 300] [--truth 1000]

Three behaviours each: the rule itself, a clinician who does about what it says, and a lot. Every
file holds the probability of each act, and in ``meta.true_values`` the mean discounted return of
several target policies over other patients of the same population, with its standard error.
"""

import argparse
import time
from pathlib import Path

from dosegym.evaluation.collect import collect, true_value
from dosegym.evaluation.logged import write_logged
from dosegym.policies import load_policy
from dosegym.policies.noisy import NoisyClinician
from dosegym.policies.randomised import Randomised
from dosegym.policies.smoothed import Smoothed

PRESSURE, INSULIN = "dosegym/BloodPressure-v0", "dosegym/Insulin-v0"


def pressure():
    """Return environment keywords, discount, behaviours and targets for blood pressure."""
    rule, stay = load_policy("acc_aha_2025"), load_policy("do_nothing")
    intensive = load_policy("sprint_intensive", formulary="default")
    slow = load_policy("acc_aha_2025", inertia=0.5)
    behaviours = {
        "guideline": rule,
        "noisy": NoisyClinician(rule, epsilon=0.2),
        "randomised": Randomised([rule, stay, intensive]),
    }
    targets = {
        "acc_aha_2025": rule,
        "do_nothing": stay,
        "sprint_intensive": intensive,
        "acc_aha_2025, inertia 0.5": slow,
        "acc_aha_2025, smoothed": Smoothed(rule, epsilon=0.1),
    }
    return {"days": 364}, 1.0, behaviours, targets


def insulin():
    """Return environment keywords, discount, behaviours and targets for insulin as basal rates."""
    pid, basal = load_policy("pid"), load_policy("constant_basal")
    behaviours = {
        "guideline": pid,
        "noisy": NoisyClinician(pid, sd=0.05, uniform=0.02),
        "randomised": Randomised([pid], band=0.15),
    }
    targets = {
        "pid": pid,
        "constant_basal": basal,
        "pid, smoothed": Smoothed(pid, sd=0.05),
        "constant_basal, smoothed": Smoothed(basal, sd=0.05),
        "low_glucose_suspend": load_policy("low_glucose_suspend", inner="pid"),
    }
    return {"days": 1, "action": "basal_rate"}, 0.999, behaviours, targets


def main() -> None:
    """Write six files and say what is in them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default="runs/logged", type=Path)
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--truth", type=int, default=1000)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    print("| file | episodes | behaviour's mean return | shielded, % | seconds |")
    print("|---|---|---|---|---|")
    for env_id, case in ((PRESSURE, pressure), (INSULIN, insulin)):
        keywords, discount, behaviours, targets = case()
        settings = {"env_kwargs": keywords, "discount": discount}
        people = {"population": "virtual", "purpose": "training", "seed": 1}
        people["size"] = asked.patients
        others = {**people, "purpose": "test", "size": asked.truth}
        truth = {name: true_value(env_id, t, others, 2, **settings) for name, t in targets.items()}
        for name, behaviour in behaviours.items():
            began = time.perf_counter()
            log = collect(env_id, behaviour, people, 1, meta={"true_values": truth}, **settings)
            file = asked.folder / f"{env_id.split('/')[1].lower()}-{name}.npz"
            write_logged(file, log)
            shielded = sum(e.shielded.sum() for e in log.episodes) / sum(map(len, log.episodes))
            spent = time.perf_counter() - began
            mean = log.returns().mean()
            print(f"| {file.name} | {len(log)} | {mean:.3f} | {100 * shielded:.1f} | {spent:.1f} |")
        for name, told in truth.items():
            print(f"truth in {env_id}: {name} {told['mean']:.3f} (SE {told['se']:.3f})")


if __name__ == "__main__":
    main()
