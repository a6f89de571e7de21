"""One patient's logged course: what was seen, done and earned, decision by decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

_AXES: Final = {
    "observations": ("T+1", "O"),
    "actions": ("T", "A"),
    "rewards": ("T",),
    "costs": ("T", "K"),
    "time_min": ("T+1",),
    "log_prob": ("T",),
    "proposed": ("T", "A"),
    "shielded": ("T",),
}
ARRAYS: Final = tuple(_AXES)
_TYPES: Final[Mapping[str, type]] = {
    "observations": np.float32,
    "rewards": np.float64,
    "costs": np.float64,
    "time_min": np.float64,
    "log_prob": np.float64,
    "shielded": np.bool_,
}
_ROUNDING = 1e-9


@dataclass(frozen=True)
class LoggedEpisode:
    """One patient's course of T decisions; arrays are cast to their types and checked.

    Parameters
    ----------
    observations : array (T+1, O), float32
        What the decider saw; the last row is what was seen after the last interval.
    actions : array (T, A), float32, or int64 for levels
        What was given in the end.
    rewards : array (T,)
    costs : array (T, K)
        In the order of ``Logged.cost_names``.
    time_min : array (T+1,), min
        Native times of the observations, rising.
    log_prob : array (T,)
        Natural logarithm of the probability with which the behaviour chose ``proposed``: a density
        for numbers, a mass for levels; NaN where unknown.
    proposed : array (T, A)
        What the behaviour asked for, of the same kind as ``actions``. The way from here to
        ``actions`` belongs to the world (pump, contraindications), so estimators weigh this.
    shielded : array (T,), bool
        Whether the two differ because something intervened.
    terminated, truncated : bool
        Whether the course ended by itself (a death), or at the horizon of the log.
    patient, group : str
    seed : int
        Of the episode, where it was simulated; -1 otherwise.

    Raises
    ------
    InputError
        If shapes disagree, a value is not finite, times do not rise or a mass is above 1.
    """

    observations: NDArray[np.float32]
    actions: NDArray[Any]
    rewards: Array
    costs: Array
    time_min: Array
    log_prob: Array
    proposed: NDArray[Any]
    shielded: NDArray[np.bool_]
    terminated: bool
    truncated: bool
    patient: str
    group: str
    seed: int

    def __post_init__(self) -> None:
        for name in ARRAYS:
            object.__setattr__(self, name, self._cast(name))
        self._check_shapes()
        self._check_values()

    def __len__(self) -> int:
        """Return T, the decisions."""
        return len(self.rewards)

    @property
    def levels(self) -> bool:
        """Whether actions are whole levels."""
        return bool(np.issubdtype(self.proposed.dtype, np.integer))

    def returns(self, discount: float) -> float:
        """Return the discounted sum of rewards."""
        return float(discount ** np.arange(len(self)) @ self.rewards)

    def _cast(self, name: str) -> NDArray[Any]:
        given = np.asarray(getattr(self, name))
        if given.dtype.kind not in "biuf":
            raise self._wrong(f"{name} is of type {given.dtype}; give numbers")
        kind = _TYPES.get(name)
        if kind is None:
            kind = np.int64 if given.dtype.kind in "iu" else np.float32
        return np.ascontiguousarray(given, dtype=kind)

    def _check_shapes(self) -> None:
        size: dict[str, int] = {}
        for name, axes in _AXES.items():
            shape = getattr(self, name).shape
            if len(shape) != len(axes):
                raise self._wrong(f"{name} has shape {shape}; give ({', '.join(axes)})")
            for axis, n in zip(axes, shape, strict=True):
                length = n - 1 if axis == "T+1" else n
                if size.setdefault(axis.removesuffix("+1"), length) != length:
                    raise self._wrong(f"{name} has shape {shape}, which does not fit the others")
        if size["T"] < 1:
            raise self._wrong("no decision was logged; leave such an episode out")
        if self.actions.dtype != self.proposed.dtype:
            raise self._wrong(
                f"actions are {self.actions.dtype}, proposed {self.proposed.dtype}; give one kind"
            )

    def _check_values(self) -> None:
        for name in ("observations", "actions", "rewards", "costs", "time_min", "proposed"):
            if not np.isfinite(getattr(self, name)).all():
                raise self._wrong(f"{name} is not finite; mend the log or leave the episode out")
        if (np.diff(self.time_min) <= 0.0).any():
            raise self._wrong("time_min does not rise; sort the events")
        known = self.log_prob[~np.isnan(self.log_prob)]
        if (known == np.inf).any() or (self.levels and (known > _ROUNDING).any()):
            raise self._wrong("log_prob is above 0 or infinite; give log masses, or NaN if unknown")
        if not self.patient:
            raise self._wrong("patient is empty; name each patient")

    def _wrong(self, what: str) -> InputError:
        return InputError(f"episode of patient {self.patient!r}: {what}")
