"""Evaluation: consensus metrics per patient under a policy, and their summary with intervals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..policies.library import load_policy
from ..therapy.protocols import LEVELS
from .metrics import cgm_metrics_batch
from .rollout import Progress, Rollout, lane_seed, rollout
from .summary import summarise
from .write import write_text

LANES = 512
CEILING_MG_DL = 600.0
SUMMARY_STREAM = 7


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a policy.

    Parameters
    ----------
    policy : mapping
        The policy's card.
    env_id : str
    env_kwargs : mapping
        The keywords the environment was made with.
    rows : list of dict
        One per patient and seed: ``patient``, ``group``, ``seed``, ``metrics``.
    summary : dict
        group -> metric -> mean, sd, low, high, n (patients).
    """

    policy: Mapping[str, Any]
    env_id: str
    env_kwargs: Mapping[str, Any]
    rows: list[dict[str, Any]]
    summary: dict[str, dict[str, dict[str, float]]]
    rollouts: tuple[Rollout, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``patients`` and ``summary`` besides what was run."""
        return {
            "policy": dict(self.policy),
            "environment": self.env_id,
            "env_kwargs": dict(self.env_kwargs),
            "patients": self.rows,
            "summary": self.summary,
        }

    def write_json(self, path: str | Path) -> None:
        """Write the JSON form, whole or not at all; NaN becomes null."""
        write_text(path, json.dumps(_no_nan(self.to_dict()), indent=1, default=str) + "\n")

    def write_csv(self, path: str | Path) -> None:
        """Write one line per patient and seed."""
        names = list(self.rows[0]["metrics"])
        lines = [",".join(["patient", "group", "seed", *names])]
        for row in self.rows:
            values = [f"{row['metrics'][m]:.6g}" for m in names]
            lines.append(",".join([row["patient"], row["group"], str(row["seed"]), *values]))
        write_text(path, "\n".join(lines) + "\n")


def _no_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _no_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_no_nan(v) for v in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def keywords_for(policy: Any, env_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return environment keywords: what the policy wants, then what the caller says.

    A policy's ``announced`` and ``lead_min`` are wishes about the scenario and go into it, unless the
    caller's scenario says otherwise.

    Raises
    ------
    InputError
        If the caller asks for another dosing mode than the policy acts in.
    """
    wants = dict(getattr(policy, "wants", {}))
    given = dict(env_kwargs or {})
    telling = {k: wants.pop(k) for k in ("announced", "lead_min") if k in wants}
    if "action" in given and given["action"] != wants.get("action", given["action"]):
        raise InputError(
            f"action is {given['action']!r} in env-kwargs, the policy acts in "
            f"{wants['action']!r}; leave action out or choose another policy"
        )
    scenario = given.get("scenario", "unannounced")
    if telling:
        asked = dict(scenario) if isinstance(scenario, Mapping) else {"preset": scenario}
        given["scenario"] = telling | asked
    return wants | given


def metrics_of(run: Rollout) -> dict[str, np.ndarray]:
    """Return metrics (B,) of a rollout: of true glucose, of CGM (``cgm_...``), and of doses."""
    glucose = run.series["glucose_mg_dl"].astype(np.float64)
    clipped = np.clip(glucose[1:], 1.0, CEILING_MG_DL * 4)
    metrics = cgm_metrics_batch(clipped, run.step_min)
    cgm = run.series["cgm_mg_dl"][1:].astype(np.float64)
    seen = cgm_metrics_batch(cgm, run.step_min)
    for name in (
        "mean_glucose",
        "time_in_range",
        "time_below_70",
        "time_below_54",
        "time_above_250",
    ):
        metrics[f"cgm_{name}"] = seen[name]
    hours = run.step_min / 60.0
    days = len(glucose[1:]) * run.step_min / 1440.0
    basal = run.series["basal_u_per_h"][1:].astype(np.float64).sum(axis=0) * hours
    metrics["insulin_u_per_day"] = (basal + run.series["bolus_u"][1:].sum(axis=0)) / days
    failed = (glucose < LEVELS.severe_low).any(axis=0) | (glucose > CEILING_MG_DL).any(axis=0)
    metrics["failure"] = 100.0 * failed
    metrics["mean_reward"] = run.series["reward"][1:].astype(np.float64).mean(axis=0)
    return metrics


def rows_of(run: Rollout) -> list[dict[str, Any]]:
    """Return one row per lane: patient, group, seed, metrics."""
    metrics = metrics_of(run)
    return [
        {
            "patient": run.names[i],
            "group": run.groups[i],
            "seed": run.seeds[i],
            "metrics": {k: float(v[i]) for k, v in metrics.items()},
        }
        for i in range(len(run.names))
    ]


def evaluate(
    policy: Any,
    env_id: str = "dosegym/Insulin-v0",
    *,
    episodes: int = 5,
    days: int = 10,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] | None = None,
    keep_rollouts: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a policy on every patient of an environment's cohort.

    Parameters
    ----------
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict``.
    env_id : str
    episodes : int
        Episodes per patient; their metrics are averaged before anything is summarised.
    days : int
        Length of each.
    seed : int
        Episodes of the same seed are the same days for every policy.
    env_kwargs : mapping, optional
        Keywords of the environment; ``patient`` defaults to ``"all"``.
    keep_rollouts : bool
        Keep the time courses too.
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    Evaluation
        Metrics of true (interstitial) glucose over the whole horizon; episodes are not ended by a
        death, which counts as ``failure`` (% of episodes below 40 or above 600 mg/dL).

    Raises
    ------
    InputError
        On anything unknown or out of range.
    """
    for name, value in (("episodes", episodes), ("days", days)):
        if not isinstance(value, int) or value < 1:
            raise InputError(f"{name} is {value!r}; give a whole number of at least 1")
    chosen = load_policy(policy) if isinstance(policy, (str, Path)) else policy
    kwargs = {"patient": "all", **keywords_for(chosen, env_kwargs), "days": days}
    task = make_task(env_id, **{"terminate": None, **kwargs, "by_lane": True})
    runs, rows = [], []
    plan = [(e, i) for e in range(episodes) for i in range(len(task.cohort))]
    for part in _parts(plan):
        run = _run_part(task, chosen, part, seed, progress)
        rows += rows_of(run)
        runs += [run] if keep_rollouts else []
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SUMMARY_STREAM,)))
    summary = summarise(rows, rng=rng)
    card = dict(getattr(chosen, "card", {"policy": type(chosen).__name__}))
    return Evaluation(card, env_id, kwargs | {"terminate": None}, rows, summary, tuple(runs))


def _parts(plan: Sequence[tuple[int, int]]) -> list[Sequence[tuple[int, int]]]:
    return [plan[i : i + LANES] for i in range(0, len(plan), LANES)]


def _run_part(
    task: Any, policy: Any, part: Sequence[tuple[int, int]], seed: int, progress: Any
) -> Rollout:
    from dataclasses import replace

    lanes = task.cohort.take([i for _, i in part])
    seeds = [lane_seed(seed, e, i) for e, i in part]
    return rollout(replace(task, cohort=lanes), policy, seeds, progress=progress)
