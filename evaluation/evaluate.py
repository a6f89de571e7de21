"""Evaluation: metrics per patient under a policy, and their summary with intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..envs.registry import make_task
from ..physiology.errors import InputError
from ..physiology.streams import check_seed
from ..policies.library import load_policy
from ..therapy.formulary import load_formulary
from .rollout import WHOLE, Progress, Rollout, lane_seed, rollout
from .scoring import TRUTH, Scoring, metrics_of, rows_of
from .subject import Subject
from .subjects import environment_of, subject_of
from .summary import summarise
from .trajectory import rows_from
from .window import Window
from .write import write_text

__all__ = ["Evaluation", "evaluate", "keywords_for", "metrics_of", "rows_of"]

LANES = 512
SUMMARY_STREAM = 7
# Keywords that give actions their meaning: a caller may not change them under a policy.
LANGUAGE = ("action",)
# What a policy of tablets that names none of them was made for.
UNSAID = {"action": "levels", "formulary": "default", "interval_days": 28}
TABLETS = "dosegym/BloodPressure-v0"


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
        write_text(path, json.dumps(without_nan(self.to_dict()), indent=1, default=str) + "\n")

    def write_csv(self, path: str | Path) -> None:
        """Write one line per patient and seed."""
        names = list(self.rows[0]["metrics"])
        lines = [",".join(["patient", "group", "seed", *names])]
        for row in self.rows:
            values = [f"{row['metrics'][m]:.6g}" for m in names]
            lines.append(",".join([row["patient"], row["group"], str(row["seed"]), *values]))
        write_text(path, "\n".join(lines) + "\n")


def without_nan(value: Any) -> Any:
    """Return plain values with None for what JSON has no word for: NaN and infinities."""
    if isinstance(value, dict):
        return {k: without_nan(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def keywords_for(policy: Any, env_kwargs: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return environment keywords: what the policy wants, then what the caller says.

    A policy's ``announced`` and ``lead_min`` are wishes about the scenario and go into it, unless
    the caller's scenario says otherwise.

    Raises
    ------
    InputError
        If the caller asks for another dosing mode or formulary than the policy acts in.
    """
    wants = dict(getattr(policy, "wants", {}))
    given = dict(env_kwargs or {})
    telling = {k: wants.pop(k) for k in ("announced", "lead_min") if k in wants}
    for key in LANGUAGE:
        if key in given and given[key] != wants.get(key, given[key]):
            raise _another(key, given[key], wants[key])
    if "formulary" in wants or getattr(policy, "env_id", None) == TABLETS:
        _same_tablets({**UNSAID, **wants}, given)
    scenario = given.get("scenario", "unannounced")
    if telling:
        asked = dict(scenario) if isinstance(scenario, Mapping) else {"preset": scenario}
        given["scenario"] = telling | asked
    return wants | given


def _same_tablets(wants: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Refuse what changes the meaning or the shape of tablets' levels under a policy of them."""
    asked = {**wants, **given}
    tablets = [load_formulary(keywords["formulary"]) for keywords in (wants, asked)]
    chosen = [str(keywords["interval_days"]) == "chosen" for keywords in (wants, asked)]
    for key, same in (
        ("action", asked["action"] == wants["action"]),
        ("formulary", tablets[0] == tablets[1]),
        ("interval_days", chosen[0] == chosen[1]),
    ):
        if not same:
            raise _another(key, asked[key], wants[key])


def _another(key: str, given: Any, meant: Any) -> InputError:
    return InputError(
        f"{key} is {given!r} in env-kwargs, the policy acts in {meant!r}; leave {key} out or "
        "choose another policy"
    )


def evaluate(
    policy: Any,
    env_id: str | None = None,
    *,
    episodes: int | None = None,
    days: int | None = None,
    seed: int = 0,
    env_kwargs: Mapping[str, Any] | None = None,
    window: Window = WHOLE,
    scoring: Scoring = TRUTH,
    keep_rollouts: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a policy on every patient of an environment's cohort.

    Parameters
    ----------
    policy : str, Path or object
        Anything ``load_policy`` takes, or an object with ``predict``.
    env_id : str, optional
        By default the environment that the policy was made for, else ``dosegym/Insulin-v0``.
    episodes : int, optional
        Episodes per patient, 5 by default; their metrics are averaged before anything is
        summarised.
    days : int, optional
        Length of each; 10 with insulin, 364 with blood pressure by default.
    seed : int
        Episodes of the same seed are the same days for every policy.
    env_kwargs : mapping, optional
        Keywords of the environment; ``patient`` defaults to ``"all"``, ``terminate`` is None.
    window : Window
        Part of each episode that counts; the whole by default.
    scoring : Scoring
        How glucose becomes metrics; by default true (interstitial) glucose, and a failure is an
        episode that falls below 40 or rises above 600 mg/dL. Other environments have one scoring.
    keep_rollouts : bool
        Keep the time courses too.
    progress : callable, optional
        Called with (steps done, steps in all).

    Returns
    -------
    Evaluation
        A death ends no episode, or a policy would escape the harm it does; ``scoring`` may leave
        out what follows a failure.

    Raises
    ------
    InputError
        On anything unknown or out of range.
    """
    chosen = load_policy(policy) if isinstance(policy, (str, Path)) else policy
    env_id = environment_of(chosen, env_id)
    subject = subject_of(env_id)
    episodes = subject.episodes if episodes is None else episodes
    days = _days(days, (env_kwargs or {}).get("days"), subject.days)
    _check_counts(episodes=episodes, days=days)
    check_seed(seed)
    _check_scoring(subject, scoring)
    wanted = {"patient": "all", **keywords_for(chosen, env_kwargs)}
    kwargs = {**wanted, "days": days, "terminate": None}
    task = make_task(env_id, **{**kwargs, "by_lane": True})
    runs, rows = [], []
    plan = [(e, i) for e in range(episodes) for i in range(len(task.cohort))]
    for first in range(0, len(plan), LANES):
        part = plan[first : first + LANES]
        tell = _whole(progress, first, len(part), len(plan))
        run = _run_part(task, chosen, part, seed, window, tell)
        rows += rows_from(run, subject.score(run, scoring))
        runs += [run] if keep_rollouts else []
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(SUMMARY_STREAM,)))
    summary = summarise(rows, rng=rng)
    card = dict(getattr(chosen, "card", {"policy": type(chosen).__name__}))
    return Evaluation(card, env_id, kwargs, rows, summary, tuple(runs))


def _days(asked: int | None, keyword: Any, usual: int) -> Any:
    """Return the length of an episode, which may be said as an argument or as a keyword."""
    if asked is not None and keyword is not None and asked != keyword:
        raise InputError(f"days is {asked!r}, and {keyword!r} in env-kwargs; give one of them")
    return next(days for days in (asked, keyword, usual) if days is not None)


def _check_counts(**counts: Any) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{name} is {value!r}; give a whole number of at least 1")


def _check_scoring(subject: Subject, scoring: Scoring) -> None:
    if scoring != TRUTH and not subject.scored:
        raise InputError(f"scoring is of glucose; leave it out in {subject.env_id}")


def _whole(progress: Progress | None, first: int, lanes: int, plan: int) -> Progress | None:
    """Return a progress of one part that tells of the whole plan, in steps of lanes."""
    if progress is None:
        return None
    return lambda done, total: progress(first * total + done * lanes, plan * total)


def _run_part(
    task: Any,
    policy: Any,
    part: Sequence[tuple[int, int]],
    seed: int,
    window: Window,
    progress: Progress | None,
) -> Rollout:
    lanes = task.cohort.take([i for _, i in part])
    seeds = [lane_seed(seed, e, i) for e, i in part]
    job = replace(task, cohort=lanes)
    return rollout(job, policy, seeds, window=window, progress=progress)
