"""The metrics of an insulin evaluation: units, ranges and which way each improves."""

from __future__ import annotations

from typing import Final

from ..scoring import SEEN
from ..subject import Better, Metric

_ENDLESS: Final = float("inf")


def _glucose(name: str, better: Better, doc: str) -> Metric:
    return Metric(name, "mg/dL", better, 0.0, 2400.0, doc)


def _share(name: str, better: Better, doc: str) -> Metric:
    return Metric(name, "%", better, 0.0, 100.0, doc)


def _risk(name: str, doc: str, high: float = _ENDLESS) -> Metric:
    return Metric(name, "1", "lower", 0.0, high, doc)


_OF_GLUCOSE: Final = (
    _glucose("mean_glucose", "neither", "mean glucose"),
    _glucose("sd", "lower", "standard deviation of glucose"),
    _glucose("min_glucose", "higher", "lowest glucose"),
    _glucose("max_glucose", "lower", "highest glucose"),
    Metric("cv", "%", "lower", 0.0, _ENDLESS, "coefficient of variation"),
    Metric("gmi", "%", "neither", 0.0, _ENDLESS, "glucose management indicator"),
    _share("time_below_54", "lower", "time below 54 mg/dL"),
    _share("time_54_69", "lower", "time from 54 to 69 mg/dL"),
    _share("time_below_70", "lower", "time below 70 mg/dL"),
    _share("time_in_range", "higher", "time from 70 to 180 mg/dL"),
    _share("time_in_tight_range", "higher", "time from 70 to 140 mg/dL"),
    _share("time_181_250", "lower", "time from 181 to 250 mg/dL"),
    _share("time_above_180", "lower", "time above 180 mg/dL"),
    _share("time_above_250", "lower", "time above 250 mg/dL"),
    _share("time_below_target", "lower", "time below the target range"),
    _share("time_above_target", "lower", "time above the target range"),
    _risk("gri", "glycemia risk index", 100.0),
    _risk("gri_hypo", "its low part"),
    _risk("gri_hyper", "its high part"),
    _risk("lbgi", "low blood glucose index"),
    _risk("hbgi", "high blood glucose index"),
    _risk("kovatchev_risk", "their sum"),
    _risk("magni_risk", "Magni risk"),
    Metric(
        "episodes_below_70_per_day", "1/day", "lower", 0.0, 96.0, "episodes below 70 mg/dL"
    ),
    Metric(
        "episodes_below_54_per_day", "1/day", "lower", 0.0, 96.0, "episodes below 54 mg/dL"
    ),
    _share("wear_percent", "higher", "time with data"),
    Metric("n", "readings", "neither", 0.0, _ENDLESS, "readings that count"),
)  # fmt: skip

METRICS: Final = (
    *_OF_GLUCOSE,
    *(
        Metric(f"cgm_{m.name}", m.unit, m.better, m.low, m.high, f"{m.doc}, by the sensor")
        for name in SEEN
        for m in _OF_GLUCOSE
        if m.name == name
    ),
    Metric("insulin_u_per_day", "U/day", "neither", 0.0, _ENDLESS, "insulin delivered"),
    _share("failure", "lower", "100 if glucose left the failure limits, else 0"),
    Metric("mean_reward", "1", "higher", -_ENDLESS, _ENDLESS, "reward per step"),
)
