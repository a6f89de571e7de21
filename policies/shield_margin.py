"""The conformal margin of the shield's forecast, as it ships."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MARGIN_FILE: Final = "shield_margin.json"


@dataclass(frozen=True)
class Margin:
    """The conformal margin: by how much the lower quantile is drawn down.

    Parameters
    ----------
    minutes, mg_dl : tuple of float
        Margin by time ahead; in between linear.
    screen : tuple of float
        Line of ``shield_screen``; without one every lane is looked at.
    provenance : mapping
        How they were found.
    """

    minutes: tuple[float, ...] = (0.0,)
    mg_dl: tuple[float, ...] = (0.0,)
    screen: tuple[float, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def at(self, minutes: Any) -> Array:
        """Return the margin at times ahead."""
        return np.asarray(np.interp(minutes, self.minutes, self.mg_dl))


@lru_cache(maxsize=1)
def shipped_margin() -> Margin:
    """Return the margin that ships, found by ``examples/calibrate_shield.py``."""
    text = resources.files("dosegym.policies.data").joinpath(MARGIN_FILE).read_text("utf-8")
    data = json.loads(text)
    minutes, margin, screen = (tuple(data[k]) for k in ("minutes", "mg_dl", "screen"))
    return Margin(minutes, margin, screen, data["provenance"])
