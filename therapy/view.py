"""What a controller sees of an insulin patient: named features, their units and their scaling.

Environments write this vector, policies read it; neither knows the other. A feature is stored as
(value - offset) / scale, clipped to its bounds, in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .onboard import FILTERS_MIN

LAGS_MIN = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 235)


@dataclass(frozen=True)
class Feature:
    """One entry of the observation: stored = (value - offset) / scale; bounds are of the value."""

    name: str
    unit: str
    offset: float
    scale: float
    low: float
    high: float
    doc: str


@dataclass(frozen=True)
class View:
    """The features of an observation, in order."""

    features: tuple[Feature, ...]

    @cached_property
    def index(self) -> dict[str, int]:
        """Column of each feature, by name."""
        return {f.name: i for i, f in enumerate(self.features)}

    @cached_property
    def low(self) -> NDArray[np.float32]:
        """Lower bounds of the stored vector."""
        return np.array([(f.low - f.offset) / f.scale for f in self.features], np.float32)

    @cached_property
    def high(self) -> NDArray[np.float32]:
        """Upper bounds of the stored vector."""
        return np.array([(f.high - f.offset) / f.scale for f in self.features], np.float32)

    def read(self, observation: NDArray[np.float32], name: str) -> NDArray[np.float64]:
        """Return a feature in its own unit from observations (..., n)."""
        i = self.index[name]
        feature = self.features[i]
        stored = np.asarray(observation)[..., i].astype(np.float64)
        return stored * feature.scale + feature.offset

    def table(self) -> str:
        """Return the features as a Markdown table."""
        rows = [
            "| # | feature | unit | stored as | low | high | meaning |",
            "|---|---|---|---|---|---|---|",
        ]
        for i, f in enumerate(self.features):
            stored = f"(v - {f.offset:g}) / {f.scale:g}" if f.offset else f"v / {f.scale:g}"
            rows.append(
                f"| {i} | `{f.name}` | {f.unit} | {stored} | {f.low:g} | {f.high:g} | {f.doc} |"
            )
        return "\n".join(rows)


def _lag(minutes: int) -> Feature:
    doc = f"CGM now minus CGM {minutes} min ago"
    return Feature(f"cgm_change_{minutes}", "mg/dL", 0, 40, -600, 600, doc)


def _filter(minutes: float) -> Feature:
    doc = f"log(1 + insulin delivered / prescribed basal, exponential mean over {minutes:g} min)"
    return Feature(f"dose_{minutes:g}", "1", 0, 1, 0, 10, doc)


INSULIN_VIEW = View(
    (
        Feature("cgm", "mg/dL", 130, 60, 20, 600, "latest CGM reading"),
        *(_lag(minutes) for minutes in LAGS_MIN),
        Feature("iob", "share of daily dose", 0, 0.1, -1, 4, "insulin on board / total daily dose"),
        *(_filter(minutes) for minutes in FILTERS_MIN),
        Feature("day_sin", "1", 0, 1, -1, 1, "sine of the time of day, once a day"),
        Feature("day_cos", "1", 0, 1, -1, 1, "cosine of the time of day, once a day"),
        Feature("half_day_sin", "1", 0, 1, -1, 1, "sine of the time of day, twice a day"),
        Feature("half_day_cos", "1", 0, 1, -1, 1, "cosine of the time of day, twice a day"),
        Feature("log_basal", "log U/h", 0, 1, -6, 4, "logarithm of the prescribed basal rate"),
        Feature("log_daily_dose", "log U", 3.7, 1, -2, 8, "logarithm of the total daily dose"),
        Feature("log_weight", "log kg", 4.1, 0.5, 1, 6, "logarithm of body weight"),
        Feature("log_carb_ratio", "log g/U", 2.3, 1, -3, 7, "logarithm of the carb ratio"),
        Feature("log_correction", "log mg/dL/U", 3, 1, -3, 8, "logarithm of the correction factor"),
        Feature(
            "told_carbs", "g", 0, 50, 0, 1000, "carbohydrate announced since the last decision"
        ),
        Feature("told_recent", "g", 0, 50, 0, 2000, "announced carbohydrate, fading over 60 min"),
        Feature("cgm_day", "mg/dL", 130, 60, 20, 600, "exponential mean of CGM over a day"),
        Feature(
            "low_day", "mg/dL", 0, 2, 0, 60, "exponential mean over a day of 80 - CGM where below"
        ),
    )
)
