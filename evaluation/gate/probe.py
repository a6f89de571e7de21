"""Questions put to a policy without judging its patients: random places, old tapes, like days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ...envs.core import Step, Task
from ...physiology.errors import InputError
from ...policies.rule import Chart
from ..rollout import Decision, rollout

Array = NDArray[np.float64]
Actions = NDArray[Any]

# Like days: one tape again and again. What settles may settle for some rounds; afterwards an answer
# that moves by more than this share of the actions' range is a clock at work (project choices).
FEWEST_ROUNDS: Final = 8
SETTLED: Final = 2
DRIFT: Final = 0.02
# Corners, and random places between, of the space of observations.
PLACES: Final = 256
UNBOUNDED: Final = 10.0
SEED: Final = 5


@dataclass(frozen=True)
class Tape:
    """What a policy saw and answered over one short life.

    Parameters
    ----------
    seen : array (T, B, O)
    asked : array (T, B, ...)
    log : array (T, B, columns)
        Of the steps that followed; the task's ``log_columns``.
    chart : Chart
    """

    seen: NDArray[np.float32]
    asked: Actions
    log: Array
    chart: Chart


def record(policy: Any, task: Task, people: int) -> Tape:
    """Let a policy treat the first people of a task for one episode."""
    heard = _Heard()
    rollout(task, policy, [SEED + i for i in range(people)], record=(), listener=heard)
    seen, asked, log = (np.array(rows) for rows in zip(*heard.rows, strict=True))
    return Tape(seen, asked, log, heard.chart)


class _Heard:
    """A rollout's listener that keeps what was seen, asked and logged."""

    def __init__(self) -> None:
        self.chart = Chart((), ())
        self.rows: list[tuple[Any, Any, Any]] = []

    def begin(self, chart: Chart, step: Step) -> None:
        """Keep who is in which lane."""
        self.chart = chart

    def hear(self, decision: Decision) -> None:
        """Keep one decision."""
        rows = (decision.observation, decision.action, decision.step.log)
        self.rows.append(tuple(np.array(row) for row in rows))  # type: ignore[arg-type]


class _Asked:
    """A policy from its first question on, its memory carried along."""

    def __init__(self, policy: Any, chart: Chart) -> None:
        self._policy, self._state = policy, None
        self._begin = np.ones(len(chart.names), dtype=np.bool_)
        if hasattr(policy, "meet"):
            policy.meet(chart)

    def __call__(self, observation: NDArray[np.float32]) -> Actions:
        action, self._state = self._policy.predict(observation, self._state, self._begin, True)
        self._begin = np.zeros_like(self._begin)
        return np.array(action)


def answers(policy: Any, task: Task) -> str:
    """Say what is wrong with answers to random and extreme observations; nothing if right."""
    space: Any = task.observation_space
    rng = np.random.default_rng(SEED)
    low = np.where(np.isfinite(space.low), space.low, -UNBOUNDED)
    high = np.where(np.isfinite(space.high), space.high, UNBOUNDED)
    places = rng.uniform(low, high, size=(PLACES, *space.shape))
    corners = rng.integers(0, 2, size=(PLACES // 4, *space.shape))
    places[: len(corners)] = np.where(corners, high, low)
    places[0], places[1] = low, high
    ask = _Asked(policy, Chart(("nobody",) * PLACES, ("adult",) * PLACES))
    try:
        action = ask(places.astype(np.float32))
    except (InputError, ValueError, ArithmeticError, LookupError) as error:
        return f"it fails with {type(error).__name__}"
    if action.shape != (PLACES, *task.action_space.shape):
        return f"its actions have shape {action.shape}"
    if not np.isfinite(np.asarray(action, dtype=np.float64)).all():
        return "an action is not a number"
    kind = task.action_space.dtype
    inside = all(task.action_space.contains(row.astype(kind)) for row in action)
    return "" if inside else "an action lies outside the action space"


def repeatable(policy: Any, tape: Tape) -> str:
    """Say whether the same observations give other actions."""
    everyone = np.arange(len(tape.chart.names))
    same = _alike(_again(policy, tape, everyone), tape.asked)
    return "" if same else "the same observations gave other actions"


def separate(policy: Any, tape: Tape) -> str:
    """Say whether a patient's actions depend on who else is treated."""
    order = np.arange(len(tape.chart.names))[::-1]
    if not _alike(_again(policy, tape, order), tape.asked[:, order]):
        return "another order of the patients gave other actions"
    if not _alike(_again(policy, tape, order[-1:]), tape.asked[:, order[-1:]]):
        return "a patient alone gets other actions than beside others"
    return ""


def steady(policy: Any, task: Task, tape: Tape, rounds: int) -> str:
    """Say whether the answer to one and the same stretch drifts when it comes again and again."""
    rounds = max(rounds, FEWEST_ROUNDS)
    ask = _Asked(policy, tape.chart)
    means = np.array(
        [
            np.mean([np.asarray(ask(seen), dtype=np.float64) for seen in tape.seen], axis=0)
            for _ in range(rounds)
        ]
    )
    away = np.abs(means[SETTLED:] - means[SETTLED - 1]) / _span(task)
    away = away.reshape(len(away), -1).max(axis=1)
    if away.max() <= DRIFT:
        return ""
    first = SETTLED + int(np.argmax(away > DRIFT)) + 1
    return (
        f"from its {first}th time on, the same stretch is answered otherwise, by up to "
        f"{100 * away.max():.0f} % of the actions' range"
    )


def _again(policy: Any, tape: Tape, lanes: NDArray[np.int64]) -> Actions:
    """Return what a policy answers to some lanes of a tape, in this order."""
    rows: list[int] = lanes.tolist()
    names = tuple(tape.chart.names[i] for i in rows)
    ask = _Asked(policy, Chart(names, tuple(tape.chart.groups[i] for i in rows)))
    return np.array([ask(seen[lanes]) for seen in tape.seen])


def _alike(one: Actions, other: Actions) -> bool:
    """Whether actions are the same, but for the rounding of sums in another order."""
    return bool(np.allclose(one, other, rtol=1e-3, atol=1e-4))


def _span(task: Task) -> Array:
    """Return the range of each entry of an action."""
    space: Any = task.action_space
    if hasattr(space, "nvec"):
        return np.maximum(np.asarray(space.nvec, dtype=np.float64) - 1.0, 1.0)
    return np.asarray(space.high - space.low, dtype=np.float64)
