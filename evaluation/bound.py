"""One confidence bound: its value beside everything it assumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .declared import Support

Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class Bound:
    """One one-sided confidence bound.

    Parameters
    ----------
    value : float
        In the unit of the data; for a proportion, a fraction.
    side : {"lower", "upper"}
        Which side of the true value the bound lies on.
    method : str
        For instance ``clopper-pearson``, ``betting`` or ``student-t (asymptotic)``.
    confidence : float
        Of this one side alone.
    n : int
        Independent observations (patients, never time steps).
    support : tuple of float or None
        Range declared in advance; None where the method needs none.
    finite_sample : bool
        True if the confidence holds at every n, False if only as n grows.
    """

    value: float
    side: Side
    method: str
    confidence: float
    n: int
    support: Support | None
    finite_sample: bool
