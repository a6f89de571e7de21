"""A tuner of PID gains by rule: random search, then steps along each gain, on virtual patients.

``python -m dosegym.training.tune_pid --json gains.json`` repeats the search whose result stands in
``policies/pid.py``. Gains are relative to each patient's prescribed basal rate, so that one triple
serves everybody. The search's patients come from the ``training`` stream, those of the report from
``validation``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..evaluation.write import write_text
from ..physiology.errors import InputError
from ..physiology.streams import stream
from ..policies.pid import Pid
from .score import Episodes

ENV_ID = "dosegym/Insulin-v0"
# Sizes of the (negative) gains searched, per mg/dL; the widths are project choices.
RANGES = {"kp": (1e-3, 1e-1), "ki": (1e-6, 1e-3), "kd": (1e-2, 3.0)}
START = {"kp": -0.005, "ki": -2.5e-5, "kd": -0.4}
FIRST_STEP, LAST_STEP = 1.6, 1.05
Gains = dict[str, float]
Trial = Callable[[Gains], dict[str, float]]
Told = Callable[[int, Gains, float], None]


@dataclass(frozen=True)
class Tuned:
    """The outcome of a search.

    Parameters
    ----------
    gains : dict
        kp, ki, kd per mg/dL (and 5-minute step), relative to the prescribed basal rate.
    training, validation : dict
        Score and mean metrics on the patients searched on, and on others.
    tried : int
        Triples tried.
    setting : dict
        Patients, days, seed, and environment keywords.
    """

    gains: Gains
    training: dict[str, float]
    validation: dict[str, float]
    tried: int
    setting: dict[str, Any]


def trial_on(
    purpose: str, size: int, days: int, seed: int, env_kwargs: dict[str, Any] | None = None
) -> Trial:
    """Return the function from gains to figures on virtual patients of one purpose.

    Parameters
    ----------
    purpose : str
        ``training`` or ``validation``; names the stream of patients and days.
    size, days, seed : int
    env_kwargs : dict, optional
        Further keywords of the environment.
    """
    people = {"population": "virtual", "size": size, "purpose": purpose, "seed": seed}
    kwargs = {"patient": people, **(env_kwargs or {})}
    episodes = Episodes(ENV_ID, kwargs, days=days, lanes=size, purpose=purpose, seed=seed)
    return lambda g: episodes(Pid(gains="rule", kp=g["kp"], ki=g["ki"], kd=g["kd"]))


def search(
    trial: Trial,
    rng: np.random.Generator,
    *,
    random_tries: int = 40,
    start: Gains | None = None,
    told: Told | None = None,
) -> tuple[Gains, dict[str, float], int]:
    """Return the best gains found, their figures, and how many triples were tried.

    Log-uniform draws within ``RANGES`` first; from the best of them, each gain is multiplied and
    divided by a step that shrinks (to its square root) whenever no gain improves.

    Parameters
    ----------
    trial : callable
        From gains to figures with a ``score``, larger is better.
    rng : numpy.random.Generator
    random_tries : int
    start : dict, optional
        Tried first; ``START`` by default.
    told : callable, optional
        Called with (tries so far, gains, score) at every improvement.

    Returns
    -------
    gains, figures, tried
    """
    best: Gains = dict(start or START)
    figures, tried = trial(best), 1

    def better(gains: Gains) -> bool:
        nonlocal best, figures, tried
        found = trial(gains)
        tried += 1
        if found["score"] <= figures["score"]:
            return False
        best, figures = gains, found
        if told is not None:
            told(tried, best, found["score"])
        return True

    for _ in range(random_tries):
        better({k: -float(np.exp(rng.uniform(*np.log(ends)))) for k, ends in RANGES.items()})
    step = FIRST_STEP
    while step > LAST_STEP:
        moves = [(name, factor) for name in RANGES for factor in (step, 1.0 / step)]
        moved = [better({**best, name: best[name] * factor}) for name, factor in moves]
        step = step if any(moved) else float(np.sqrt(step))
    return best, figures, tried


def tune(
    *,
    size: int = 300,
    days: int = 4,
    seed: int = 0,
    random_tries: int = 40,
    env_kwargs: dict[str, Any] | None = None,
    told: Told | None = None,
) -> Tuned:
    """Search gains on virtual training patients and report them on as many validation patients.

    Parameters
    ----------
    size : int
        Virtual patients, adults, adolescents and children in turn.
    days : int
    seed : int
        Of both streams and of the search.
    random_tries : int
    env_kwargs : dict, optional
        Further keywords of the environment.
    told : callable, optional
        See :func:`search`.

    Raises
    ------
    InputError
        On numbers out of range or unknown keywords.
    """
    for name, value in (("size", size), ("days", days), ("random_tries", random_tries)):
        if value < 1:
            raise InputError(f"{name} is {value}; give a whole number of at least 1")
    trial = trial_on("training", size, days, seed, env_kwargs)
    rng = stream(seed, "training").spawn(1)[0]
    gains, figures, tried = search(trial, rng, random_tries=random_tries, told=told)
    rounded = {name: float(f"{value:.3g}") for name, value in gains.items()}
    unseen = trial_on("validation", size, days, seed, env_kwargs)(rounded)
    setting = {"size": size, "days": days, "seed": seed, "env_kwargs": env_kwargs or {}}
    return Tuned(rounded, figures, unseen, tried, setting)


def main(words: Sequence[str] | None = None) -> int:
    """Run the search from the command line; returns 0, or 2 on bad input."""
    from rich.console import Console

    parser = argparse.ArgumentParser(
        prog="python -m dosegym.training.tune_pid", description=__doc__
    )
    parser.add_argument("--patients", type=int, default=300, help="virtual patients")
    parser.add_argument("--days", type=int, default=4, help="days of each trial")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tries", type=int, default=40, help="random triples before the steps")
    parser.add_argument("--json", type=Path, default=None, help="file to write")
    asked = parser.parse_args(words)
    console = Console(stderr=True)

    def told(tried: int, gains: Gains, score: float) -> None:
        said = ", ".join(f"{k} {v:.3g}" for k, v in gains.items())
        console.print(f"{tried:4d} tried: score {score:.2f} at {said}")

    try:
        tuned = tune(
            size=asked.patients,
            days=asked.days,
            seed=asked.seed,
            random_tries=asked.tries,
            told=told,
        )
        if asked.json is not None:
            write_text(asked.json, json.dumps(asdict(tuned), indent=1) + "\n")
    except InputError as error:
        console.print(f"error: {error}", markup=False)
        return 2
    Console().print_json(json.dumps(asdict(tuned)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
