"""Constant basal: the prescribed rate, always."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .rule import Doses, DosingRule, Memory, Seen, within


@dataclass
class ConstantBasal(DosingRule):
    """Deliver the prescribed basal rate times ``factor``, whatever the glucose."""

    factor: float = 1.0
    name: str = field(default="constant_basal", init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        within("factor", self.factor, 0.0, 40.0)

    @property
    def settings(self) -> dict[str, float]:
        """The rule's own settings."""
        return {"factor": self.factor}

    def decide(self, seen: Seen, memory: Memory) -> tuple[Doses, Memory]:
        """Return the prescribed basal."""
        return Doses(self.factor * seen.basal_u_per_h, np.zeros_like(seen.cgm)), memory
