"""The learned residual inside the insulin task: which network and context an episode has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.models.uva_padova_gains import ADDED
from ..twins.residual import SLOTS, Residual, load_residual
from ..twins.residual_context import CONTEXT
from ..twins.residual_windows import BLOCK_MIN
from .core import Array, Streams

COLUMNS = (*ADDED, "residual_member")
"""What ``info["truth"]`` tells besides, where a task has a residual."""
KEYS = {"name", "context", "member"}


@dataclass(frozen=True)
class TaskResidual:
    """A residual, and what of it is fixed.

    Parameters
    ----------
    residual : Residual
    context : array (C,) or None
        A person's own, frozen; else each episode draws one of the people it was trained on.
    member : int or None
        One network for all episodes; else each episode draws one.
    """

    residual: Residual
    context: Array | None = None
    member: int | None = None

    @cached_property
    def _days(self) -> Array:
        """Added parameters (M, K, SLOTS, 6) of each member, context and half hour."""
        known = self.residual.contexts if self.context is None else self.context[None]
        members = range(len(self.residual.members))
        return np.stack([self.residual.day(known, m) for m in members])

    def draw(self, streams: Sequence[Streams]) -> tuple[Array, NDArray[np.int64]]:
        """Return gains and drift of each episode's day (B, SLOTS, 6), and its member (B,)."""
        days = self._days
        draws = np.array([s.patient.random(2) for s in streams])
        member = (draws[:, 0] * days.shape[0]).astype(np.int64)
        if self.member is not None:
            member[:] = self.member
        return days[member, (draws[:, 1] * days.shape[1]).astype(np.int64)], member


def in_force(gains: Array, minute: NDArray[np.int64]) -> Array:
    """Return the added parameters (B, 6) at these minutes since midnight of day 0."""
    slot = minute // BLOCK_MIN % SLOTS
    return np.asarray(gains[np.arange(len(gains)), slot])


def task_residual(model: Model, residual: Any) -> TaskResidual | None:
    """Return what the keyword ``residual`` names.

    Parameters
    ----------
    model : Model
    residual : None, str or mapping
        A residual's name or path, or ``{"name": ..., "context": [...], "member": k}``.

    Raises
    ------
    InputError
        If it is something else, or the body has no gains.
    """
    if residual is None:
        return None
    if any(name not in model.neutral for name in ADDED):
        raise InputError(
            f"residual is given, but {model.name} has no gains; give physiology='uva_padova_gains'"
        )
    told = {"name": residual} if isinstance(residual, str) else residual
    right = isinstance(told, Mapping) and set(told) <= KEYS and isinstance(told.get("name"), str)
    if not right:
        raise InputError(
            f"residual is {residual!r}; give a name, a path or a mapping with the key name and "
            "perhaps context and member"
        )
    loaded = load_residual(told["name"])
    return TaskResidual(loaded, _context(told.get("context")), _member(told.get("member"), loaded))


def _context(given: Any) -> Array | None:
    if given is None:
        return None
    mend = f"give {len(CONTEXT)} finite numbers: {', '.join(CONTEXT)}"
    try:
        values = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"residual's context is {str(given)[:60]!r}; {mend}") from None
    if values.shape != (len(CONTEXT),) or not np.isfinite(values).all():
        raise InputError(f"residual's context has shape {values.shape}; {mend}")
    return values


def _member(given: Any, residual: Residual) -> int | None:
    n = len(residual.members)
    whole = isinstance(given, int) and not isinstance(given, bool)
    if given is None or (whole and 0 <= given < n):
        return given
    raise InputError(f"residual's member is {given!r}; give a whole number from 0 to {n - 1}")
