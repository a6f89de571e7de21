"""How much the figures of the blood-pressure body rest on gains that nobody measured.

Every gain whose status is ``choice`` is made a quarter smaller and larger, the others kept (no
refit); what is told is the larger of the two changes of each figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .pressure_figures import steady_figures
from .pressure_gains import gain_rows, typical_values
from .pressure_scenarios import CLASSES, Responses, trial_responses

Array = NDArray[np.float64]

SHARE: Final = 0.25
FROM_ZERO: Final = 0.01
"""A gain of zero has no quarter: it is moved by this much."""

COLUMNS: Final = (
    "gain", "value", "SBP, standard dose (worst class), mmHg", "both RAS blockers, mmHg",
    "potassium, thiazide", "potassium, ACE inhibitor", "potassium, spironolactone on A+C+D",
    "salt, mmHg",
)  # fmt: skip


@dataclass(frozen=True)
class Sensitivity:
    """Largest absolute change of each figure when one gain moves by a quarter either way.

    Parameters
    ----------
    name : str
    value : float
        The shipped gain.
    worst_class : str
        Where the standard dose's effect changes most.
    changes : tuple of float
        As the columns after ``value``: mmHg, mmHg, three times mmol/L, mmHg.
    """

    name: str
    value: float
    worst_class: str
    changes: tuple[float, ...]

    def cells(self) -> tuple[str, ...]:
        """Return the row as text."""
        moved = [f"{change:.2f}" for change in self.changes]
        if self.changes[0] >= 0.005:
            moved[0] += f" ({self.worst_class.replace('_', '-')})"
        return (f"`{self.name}`", f"{self.value:g}", *moved)


def unmeasured() -> dict[str, float]:
    """Return the gains that are our own choice, with their shipped values."""
    return {r["name"]: float(r["value"]) for r in gain_rows() if r["status"] == "choice"}


def sensitivity() -> list[Sensitivity]:
    """Return the sensitivity to the unmeasured gains that move any figure, the strongest first."""
    shipped = unmeasured()
    values = {}
    for i, (name, value) in enumerate(shipped.items()):
        column = np.full(1 + 2 * len(shipped), value)
        step = SHARE * abs(value) or FROM_ZERO
        column[1 + 2 * i : 3 + 2 * i] += (-step, step)
        values[name] = column
    typical = set(typical_values())
    responses = trial_responses(
        {k: v for k, v in values.items() if k not in typical},
        {k: v for k, v in values.items() if k in typical},
    )
    effects, others = _figures(responses)
    rows = []
    for i, (name, value) in enumerate(shipped.items()):
        both = slice(1 + 2 * i, 3 + 2 * i)
        moved = np.abs(effects[:, both] - effects[:, :1]).max(axis=1)
        rest = np.abs(others[:, both] - others[:, :1]).max(axis=1)
        worst = int(np.argmax(moved))
        changes = (float(moved[worst]), *map(float, rest))
        rows.append(Sensitivity(name, value, CLASSES[worst], changes))
    seen = [row for row in rows if max(row.changes) >= 0.005]
    return sorted(seen, key=lambda row: (-round(row.changes[0], 2), row.name))


def _figures(r: Responses) -> tuple[Array, Array]:
    """Return the standard doses' falls (6, K), and the other figures told (5, K)."""
    found = steady_figures(r)
    told = ("ontarget_sbp", "potassium_thiazide_standard", "potassium_acei",
            "pathway_potassium", "salt_sbp")  # fmt: skip
    effects = np.stack([r.fall(f"{c}:standard") for c in CLASSES])
    return effects, np.stack([found[name] for name in told])
