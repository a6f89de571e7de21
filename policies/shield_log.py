"""What a shield changed: one row for each intervention, and how many decisions there were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Interventions:
    """Every intervention of a shield since its log was cleared.

    Parameters
    ----------
    decisions : int
        Decisions in all.
    rules, dose_names : tuple of str
        Names of the rules, and of the columns of doses with their unit.
    names : tuple of tuple of str
        Who was in each lane of each batch, where the policy was told.
    batch, lane, step : int array (N,)
        Batches count the calls of ``meet``, steps the decisions since the episode began.
    rule : int array (N,)
        Index into ``rules`` of what moved the dose last.
    proposed, applied : array (N, D)
    cap : array (N,)
        Bound of that rule, in its lever's unit; NaN where it has none.
    """

    decisions: int
    rules: tuple[str, ...]
    dose_names: tuple[str, ...]
    names: tuple[tuple[str, ...], ...]
    batch: Ints
    lane: Ints
    step: Ints
    rule: Ints
    proposed: Array
    applied: Array
    cap: Array

    def __len__(self) -> int:
        return len(self.step)

    @property
    def rate(self) -> float:
        """Interventions as a share of decisions; NaN before the first."""
        return len(self) / self.decisions if self.decisions else float("nan")

    def by_rule(self) -> dict[str, float]:
        """Return the share of decisions that each rule moved, most first."""
        counts = np.bincount(self.rule, minlength=len(self.rules)) / max(self.decisions, 1)
        order = np.argsort(-counts, kind="stable")
        return {self.rules[i]: float(counts[i]) for i in order if counts[i] > 0.0}

    def rows(self) -> list[dict[str, Any]]:
        """Return the interventions in plain Python types, one dictionary each."""
        columns = zip(
            self.batch.tolist(), self.lane.tolist(), self.step.tolist(), self.rule.tolist(),
            self.proposed.tolist(), self.applied.tolist(), self.cap.tolist(), strict=True,
        )  # fmt: skip
        return [
            {
                "patient": self._who(batch, lane),
                "batch": batch,
                "lane": lane,
                "step": step,
                "rule": self.rules[rule],
                "proposed": dict(zip(self.dose_names, proposed, strict=True)),
                "applied": dict(zip(self.dose_names, applied, strict=True)),
                "cap": None if np.isnan(cap) else cap,
            }
            for batch, lane, step, rule, proposed, applied, cap in columns
        ]

    def _who(self, batch: int, lane: int) -> str | None:
        here = self.names[batch] if batch < len(self.names) else ()
        return here[lane] if lane < len(here) else None


@dataclass
class Log:
    """Collects interventions while a shield works.

    Parameters
    ----------
    rules, dose_names : tuple of str
    """

    rules: tuple[str, ...]
    dose_names: tuple[str, ...]
    decisions: int = 0
    names: list[tuple[str, ...]] = field(default_factory=list)
    _used: bool = False
    _whole: list[Ints] = field(default_factory=list)
    _parts: list[Array] = field(default_factory=list)

    def meet(self, names: tuple[str, ...]) -> None:
        """Begin a new batch of people."""
        if self._used and not self.names:
            self.names.append(())
        self.names.append(tuple(names))

    def clear(self) -> None:
        """Forget everything but who is being treated."""
        self.decisions, self._used = 0, False
        self.names = self.names[-1:]
        self._whole.clear()
        self._parts.clear()

    def add(
        self, n: int, step: Ints, rule: Ints, proposed: Array, applied: Array, cap: Array
    ) -> None:
        """Write the interventions among n decisions; lanes whose ``rule`` is -1 had none."""
        self.decisions, self._used = self.decisions + n, True
        lane = np.flatnonzero(rule >= 0)
        if not len(lane):
            return
        batch = np.full(len(lane), max(len(self.names) - 1, 0), np.int64)
        whole: Any = np.stack([batch, lane, step[lane], rule[lane]]).astype(np.int32)
        self._whole.append(whole)
        doses = (proposed[lane], applied[lane], cap[lane, None])
        parts: Any = np.concatenate(doses, axis=1).astype(np.float32)
        self._parts.append(parts)

    def read(self) -> Interventions:
        """Return what has been written so far."""
        d = len(self.dose_names)
        whole = np.concatenate([np.empty((4, 0), np.int32), *self._whole], axis=1).astype(np.int64)
        parts = np.concatenate([np.empty((0, 2 * d + 1), np.float32), *self._parts])
        parts = parts.astype(np.float64)
        batch, lane, step, rule = whole
        return Interventions(
            self.decisions, self.rules, self.dose_names, tuple(self.names), batch, lane, step,
            rule, parts[:, :d], parts[:, d : 2 * d], parts[:, -1],
        )  # fmt: skip


def no_log() -> InputError:
    """Return the error of a shield that keeps no log."""
    return InputError("this shield keeps no log; make it with record=True")
