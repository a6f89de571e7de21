"""One transition for every environment: act on the body, let it live, then sense and judge.

A Task is immutable; what an episode drew at its start is an Episode, what changes is a State; both
are NamedTuples of arrays whose first axis is the patient. ``transition`` is pure: it returns a new
State. The shells (single, vector, SB3) only move rows about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]
Rows = TypeVar("Rows", bound=tuple)


class Streams(NamedTuple):
    """One generator for each source of chance, so that changing one leaves the others alone."""

    patient: np.random.Generator
    scenario: np.random.Generator
    sensor: np.random.Generator
    device: np.random.Generator


class Step(NamedTuple):
    """What a transition yields; ``log`` has the columns ``task.log_columns``.

    ``mask`` says which single choices of a discrete action are permitted next, where a task has
    any to forbid.
    """

    observation: NDArray[np.float32]
    reward: Array
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    proposed: NDArray[Any]
    applied: NDArray[Any]
    log: Array
    mask: NDArray[np.bool_] | None = None


class Task(Protocol):
    """A composed environment; see ``envs/tasks`` for members.

    ``log_columns`` names the columns of ``Step.log``: the costs (``cost_names``), cost,
    episode_cost, time_min, shielded, then the truth.
    """

    cost_names: ClassVar[tuple[str, ...]]

    @property
    def log_columns(self) -> tuple[str, ...]:
        """Names of the columns of ``Step.log``."""
        ...

    @property
    def name(self) -> str:
        """Its name, for people."""
        ...

    @property
    def observation_space(self) -> Any:
        """Box of one lane's observation."""
        ...

    @property
    def action_space(self) -> Any:
        """Box of one lane's action."""
        ...

    def begin(self, streams: Sequence[Streams], lanes: Sequence[int]) -> tuple[Any, Any, Step]:
        """Draw one episode per stream; return Episode, State and the Step at time zero."""
        ...

    def act(self, episode: Any, state: Any, action: Array) -> Any:
        """Turn actions (B, A) into what the device delivers over the coming interval."""
        ...

    def live(self, episode: Any, state: Any, orders: Any) -> Any:
        """Return the body's states (B, S) after the interval, or a record of what it did."""
        ...

    def judge(self, episode: Any, state: Any, orders: Any, body: Any) -> tuple[Any, Step]:
        """Sense, observe, reward, count costs and decide whether the episode ends."""
        ...

    def draw(self, track: Array) -> NDArray[np.uint8]:
        """Return an RGB image (450, 800, 3) of an episode's log rows so far (T, columns)."""
        ...


def transition(task: Task, episode: Any, state: Any, action: Array) -> tuple[Any, Step]:
    """Advance every patient by one decision interval.

    Parameters
    ----------
    task : Task
    episode, state : NamedTuple of arrays (B, ...)
    action : array (B, A)
        In the task's action space.

    Returns
    -------
    state : the new State
    step : Step
    """
    orders = task.act(episode, state, action)
    body = task.live(episode, state, orders)
    return task.judge(episode, state, orders, body)


def streams_of(generator: np.random.Generator) -> Streams:
    """Spawn the four streams of one patient from its generator."""
    return Streams(*generator.spawn(4))


def put(rows: Rows, lanes: Sequence[int], new: Rows) -> None:
    """Write the rows of newly begun episodes into a batch."""
    for old, fresh in zip(rows, new, strict=True):
        old[lanes] = fresh


def as_actions(action: Any, shape: tuple[int, ...]) -> Array:
    """Return actions as numbers of a shape; whether they lie within the space, the task checks.

    Raises
    ------
    InputError
        If they are not numbers, or of another shape.
    """
    try:
        asked = np.asarray(action, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"action is {str(action)[:60]!r}; give an array of numbers of shape {shape}"
        ) from None
    if asked.shape != shape:
        raise InputError(f"action has shape {asked.shape}; give an array of shape {shape}")
    return asked


def info_of(task: Task, step: Step, lane: int) -> dict[str, Any]:
    """Return the info dictionary of one lane: the same keys at every step, reset included."""
    row = step.log[lane].tolist()
    k = len(task.cost_names)
    choices = {} if step.mask is None else {"action_mask": step.mask[lane].copy()}
    return {
        "cost": row[k],
        "costs": dict(zip(task.cost_names, row, strict=False)),
        "episode_cost": row[k + 1],
        "time_min": row[k + 2],
        "proposed_action": step.proposed[lane].copy(),
        "applied_action": step.applied[lane].copy(),
        "shielded": row[k + 3] > 0.0,
        "truth": dict(zip(task.log_columns[k + 4 :], row[k + 4 :], strict=True)),
        **choices,
    }


def infos_of(task: Task, step: Step, present: NDArray[np.bool_] | None = None) -> dict[str, Any]:
    """Return the infos of a batch as arrays under the same keys (Gymnasium's vector form).

    ``present`` (B,), by default everyone, is what the masks ``_key`` say of each lane.
    """
    log, k = step.log.T, len(task.cost_names)
    here = np.ones(step.log.shape[0], dtype=np.bool_) if present is None else present
    infos: dict[str, Any] = {
        "cost": log[k],
        "costs": _masked(dict(zip(task.cost_names, log, strict=False)), here),
        "episode_cost": log[k + 1],
        "time_min": log[k + 2],
        "proposed_action": step.proposed,
        "applied_action": step.applied,
        "shielded": log[k + 3] > 0.0,
        "truth": _masked(dict(zip(task.log_columns[k + 4 :], log[k + 4 :], strict=True)), here),
        **({} if step.mask is None else {"action_mask": step.mask}),
    }
    return _masked(infos, here)


def _masked(infos: dict[str, Any], present: NDArray[np.bool_]) -> dict[str, Any]:
    return infos | {f"_{key}": present for key in infos}


def json_ready(value: Any) -> Any:
    """Return mappings and sequences of numbers and text in plain Python types."""
    if isinstance(value, Mapping):
        return {str(k): json_ready(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
