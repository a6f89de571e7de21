"""Equally likely bodies of one person, and where each of them is when the record ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Present:
    """Where each draw is at the end of the record.

    Parameters
    ----------
    time_s : float
        End of the record, seconds since 1970 UTC.
    states : array (n, S)
        Of the model, glucose masses and insulin as the draw's own run left them.
    sensitivity : array (n,)
        Logarithm of insulin sensitivity in force then, over the draw's own.
    error : array (n,), mg/dL
        Reading minus model at the last reading, carried to the end by the noise's memory.
    """

    time_s: float
    states: Array
    sensitivity: Array
    error: Array

    def take(self, rows: NDArray[np.int64]) -> Present:
        """Return some of the draws, by row."""
        return Present(self.time_s, self.states[rows], self.sensitivity[rows], self.error[rows])


@dataclass(frozen=True)
class Posterior:
    """Draws of one person's body; each row is as likely as any other.

    Parameters
    ----------
    z : array (n, d)
        Standardised coordinates of the body (``coordinates.NAMES``).
    noise : array (n, 2)
        Standard deviation (mg/dL) and correlation over five minutes of the errors of reading.
    spread : array (n, 4)
        Standard deviations (log units) of days, rhythm, windows and meals, as in ``Variation``.
    present : Present
    diagnostics : mapping
        ``method`` ("smc" or "laplace") and how well the sampling went.
    """

    z: Array
    noise: Array
    spread: Array
    present: Present
    diagnostics: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.z)

    def rows(self, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return n rows at random: each at most once as long as there are enough."""
        whole, rest = divmod(n, len(self))
        parts = [rng.permutation(len(self)) for _ in range(whole)]
        parts.append(rng.choice(len(self), size=rest, replace=False))
        return np.concatenate(parts).astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Return the draws in JSON."""
        present = self.present
        return {
            "z": self.z.tolist(),
            "noise": self.noise.tolist(),
            "spread": self.spread.tolist(),
            "present": {
                "time_s": present.time_s,
                "states": present.states.tolist(),
                "sensitivity": present.sensitivity.tolist(),
                "error": present.error.tolist(),
            },
            "diagnostics": dict(self.diagnostics),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Posterior:
        """Return the draws that ``to_dict`` described."""
        now = data["present"]
        arrays = (np.array(now[k], dtype=np.float64) for k in ("states", "sensitivity", "error"))
        z, noise, spread = (np.array(data[k], dtype=np.float64) for k in ("z", "noise", "spread"))
        return cls(z, noise, spread, Present(now["time_s"], *arrays), data["diagnostics"])
