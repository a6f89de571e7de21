"""Ways to keep an insulin agent safe, on virtual adults nobody trained on, by several seeds.

python examples/compare_constrained.py --keep runs/constrained [--seeds 5] [--steps 4000000]

Limits in the learner (PPO with Lagrange multipliers), those of hypoglycaemia as required or halved
in training; penalties in the reward (PPO with cost weights chosen by hand); or a shield round an
agent that learned without either. Finished runs and evaluations in the kept folder are read, not
made again. Settings are chosen with ``--purpose validation``; the figures to report are those of
``--purpose test``.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from dosegym.evaluation import evaluate
from dosegym.policies import load_policy
from dosegym.training import train

ENV = "dosegym/Insulin-v0"
# For older people and those at high risk less than 1 % of the time below 70 mg/dL is advised
# (Battelino 2019, doi:10.2337/dci19-0028); the others are project choices.
LIMITS = {"below_54": 0.001, "below_70": 0.01, "above_250": 0.05}
# A mean that settles at its limit lies above it under half of all seeds; half of what is required
# leaves room (project choice, made before any run).
HALVED = {**LIMITS, "below_54": 0.5 * LIMITS["below_54"], "below_70": 0.5 * LIMITS["below_70"]}
# Of 1, 2 and 5 below 54 mg/dL and a fifth of that below 70, the weights that came nearest to the
# limits on validation people; of three pairs of gains, the pair that did.
WEIGHTS = {"below_54": 5.0, "below_70": 1.0}
GAINS = {"kp": 0.5, "ki": 0.02, "wait": 60}
DAYS = {"scenario": "simglucose_random", "reward": "kovatchev"}
SMALL = {
    "n_envs": 256, "batch_size": 2048, "net_arch": [64, 64], "validation.every": 10**9,
    "validation.lanes": 20, "validation.days": 1, "checkpoint_every": 1_000_000,
}  # fmt: skip
LEARNERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ppo": ("ppo", {}, {}),
    "ppo_weighted": ("ppo", {"cost_weights": WEIGHTS}, {}),
    "ppo_lagrangian": ("ppo_lagrangian", {}, {"limits": LIMITS, "multipliers": GAINS}),
    "ppo_lagrangian_halved": ("ppo_lagrangian", {}, {"limits": HALVED, "multipliers": GAINS}),
}
FIGURES = {
    "return": "return a day", "time_in_range": "70-180, %", "time_below_70": "below 70, %",
    "time_below_54": "below 54, %", "time_above_250": "above 250, %",
    "failure": "patients below 40, %",
}  # fmt: skip
ALLOWED = {f"time_{name}": 100.0 * limit for name, limit in LIMITS.items()}
RESAMPLES = 4000


def adults(purpose: str, size: int) -> dict[str, Any]:
    """Return virtual adults of one purpose; those of different purposes are different people."""
    who = {"population": "virtual", "groups": ["adult"], "size": size, "seed": 0}
    return {**DAYS, "patient": {**who, "purpose": purpose}}


def agent_of(name: str, seed: int, steps: int, keep: Path) -> Path:
    """Train an agent, or go on with it, or find it finished; return the last one's file."""
    algo, kwargs, changes = LEARNERS[name]
    out = keep / f"{name}-seed{seed}"
    train(
        ENV, algo=algo, timesteps=steps, seed=seed, out=out, overrides={**SMALL, **changes},
        env_kwargs={**adults("training", 1024), "days": 2, **kwargs}, progress=False,
        resume=(out / "run.json").exists(),
    )  # fmt: skip
    return out / "last.zip"


def judged(agent: Path, shield: str, people: dict[str, Any], days: int) -> dict[str, Any]:
    """Return each figure of each person (P,), from a file if it was measured before."""
    told = json.dumps([shield, people, days], sort_keys=True)
    kept = agent.with_name(f"{agent.stem}-{shield}-{people['patient']['purpose']}.measured")
    if kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        if found["asked"] == told:
            return found["figures"]
    policy = load_policy(agent)
    if shield != "none":
        policy = load_policy(shield, inner=policy)
    run = evaluate(policy, episodes=1, days=days, seed=1, env_kwargs=people, keep_rollouts=True)
    figures = {
        name: [row["metrics"][name] for row in run.rows] for name in FIGURES if name != "return"
    }
    rewards = [r.series["reward"].sum(axis=0) / days for r in run.rollouts]
    figures["return"] = np.concatenate(rewards).astype(float).tolist()
    kept.write_text(json.dumps({"asked": told, "figures": figures}), encoding="utf-8")
    return figures


def interval(values: np.ndarray) -> str:
    """Return mean and 95 % bootstrap interval of values (seeds, people), both drawn anew."""
    rng = np.random.default_rng(0)
    seeds, people = values.shape
    means = [
        values[np.ix_(rng.integers(seeds, size=seeds), rng.integers(people, size=people))].mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"


def table(title: str, rows: dict[str, dict[str, np.ndarray]]) -> None:
    """Print figures by arm."""
    print(f"\n{title}\n\n| arm | {' | '.join(FIGURES.values())} |")
    print("|---" * (len(FIGURES) + 1) + "|")
    for arm, figures in rows.items():
        print(f"| {arm} | {' | '.join(interval(figures[name]) for name in FIGURES)} |")


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keep", type=Path, default=Path("runs/constrained"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4_000_000)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--days", type=int, default=7)
    parser.add_argument("--purpose", choices=("validation", "test"), default="test")
    parser.add_argument("--shield", default="shielded", help="a policy with inner")
    return parser.parse_args()


def measured(asked: argparse.Namespace) -> dict[str, dict[str, np.ndarray]]:
    """Return each arm's figures (seeds, people), with and without the shield."""
    people = adults(asked.purpose, asked.people)
    found: dict[str, dict[str, list[Any]]] = {}
    for seed in range(asked.seeds):
        for name in LEARNERS:
            agent = agent_of(name, seed, asked.steps, asked.keep)
            for shield in ("none", asked.shield):
                arm = name if shield == "none" else f"{name} + {shield}"
                for figure, values in judged(agent, shield, people, asked.days).items():
                    found.setdefault(arm, {}).setdefault(figure, []).append(values)
            print(f"seed {seed}, {name}: done", flush=True)
    return {arm: {k: np.array(v) for k, v in figures.items()} for arm, figures in found.items()}


def main() -> None:
    """Train, evaluate, and print the tables."""
    asked = arguments()
    arms = measured(asked)
    table(f"{asked.seeds} seeds x {asked.people} {asked.purpose} adults, {asked.days} days", arms)
    for base in ("ppo", f"ppo + {asked.shield}", "ppo_weighted"):
        with_limits = [arm for arm in arms if base == "ppo" or arm.startswith("ppo_lagrangian")]
        less = {
            arm: {k: arms[arm][k] - arms[base][k] for k in FIGURES}
            for arm in with_limits
            if arm != base
        }
        table(f"Less {base}, paired by seed and person", less)
    print("\nSeeds whose mean is within the limit\n")
    for arm, figures in arms.items():
        kept = [
            f"{name} {int(np.sum(figures[name].mean(axis=1) <= limit))}/{asked.seeds}"
            for name, limit in ALLOWED.items()
        ]
        print(f"{arm}: {', '.join(kept)}")


if __name__ == "__main__":
    main()
