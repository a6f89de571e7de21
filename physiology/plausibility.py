"""Whether drawn parameters make a plausible person: behaviour against a table of limits."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model import Model
from .respond import glucose_after

Array = NDArray[np.float64]

BOUNDS = "parameter_bounds"
DOSE_MIN, MEAL_MIN = 600, 480
FASTING_MIN = 360
MEAL_G_PER_KG = 1.0


@dataclass(frozen=True)
class Criterion:
    """One limit: ``low <= quantity <= high`` for people of ``group`` (``all`` means everyone)."""

    name: str
    unit: str
    group: str
    low: float
    high: float
    note: str


@lru_cache(maxsize=4)
def load_criteria(model: str = "uva_padova_2008") -> tuple[Criterion, ...]:
    """Return the limits for a model's virtual patients, in the order in which they are judged."""
    name = f"plausibility_{model}.csv"
    text = resources.files("dosegym.physiology.data").joinpath(name).read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        Criterion(
            r["criterion"], r["unit"], r["group"], float(r["low"]), float(r["high"]), r["note"]
        )
        for r in rows
    )


def charted(model: Model, params: Array, age_years: Array) -> dict[str, Array]:
    """Return what parameters tell without a simulation, by criterion name: arrays (B,)."""
    p = model.params(params)
    basal = model.basal_inputs(params)[:, model.input_index["insulin"]] * 60.0
    return {
        "age": age_years,
        "body_weight": p.BW,
        "basal_glucose": p.Gb,
        "ka1_over_kd": p.ka1 / p.kd,
        "d_over_b": p.d / p.b,
        "fastest_rate": _fastest_rate(p),
        "basal_rate": basal,
        "basal_rate_per_kg": basal / p.BW,
    }


def _fastest_rate(p: Any) -> Array:
    """Return the largest rate (1/min) among absorption, insulin and glucose kinetics."""
    out, back = p.m2 + p.m4, p.m1 + p.m30
    insulin = 0.5 * (out + back + np.sqrt((out - back) ** 2 + 4.0 * p.m1 * p.m2))
    glucose = p.k1 + p.k2 + p.kp2 + p.Vm0 / p.Km0
    fastest: Array = np.maximum.reduce([p.kabs, p.kmax, p.ksc, insulin, glucose])
    return fastest


def measured(model: Model, params: Array) -> dict[str, Array]:
    """Return what a simulated dose, meal and stopped pump tell, by criterion name: arrays (B,)."""
    weight, every = model.params(params).BW, 5
    dose = glucose_after(model, params, minutes=DOSE_MIN, insulin_u=1.0, every=every)
    meal = glucose_after(
        model, params, minutes=MEAL_MIN, carbs_g=MEAL_G_PER_KG * weight, every=every
    )
    fasting = glucose_after(model, params, minutes=FASTING_MIN, basal_share=0.0, every=FASTING_MIN)
    fall, rise = dose[0] - dose.min(axis=0), meal.max(axis=0) - meal[0]
    return {
        "fall_after_1_u": fall,
        "nadir_after_1_u": dose.argmin(axis=0) * float(every),
        "meal_rise": rise,
        "meal_peak": meal.argmax(axis=0) * float(every),
        "rise_without_insulin_6h": fasting[-1] - fasting[0],
        "carbs_per_u": MEAL_G_PER_KG * weight * fall / np.maximum(rise, 1e-6),
    }


def failures(
    criteria: Sequence[Criterion], groups: Sequence[str], values: Mapping[str, Array]
) -> NDArray[np.str_]:
    """Return the first criterion each person fails, "" for none, among those with values (B,)."""
    names = np.asarray(groups)
    first = np.full(len(names), "", dtype="U40")
    for c in criteria:
        if c.name not in values:
            continue
        asked = (first == "") & ((c.group == "all") | (names == c.group))
        within = (values[c.name] >= c.low) & (values[c.name] <= c.high)
        first[asked & ~within] = c.name
    return first


def judge(model: Model, params: Array, age_years: Array, groups: Sequence[str]) -> NDArray[np.str_]:
    """Return for each drawn person the first criterion that fails, or "" for a plausible one.

    Parameters
    ----------
    model : Model
    params : array (B, P)
    age_years : array (B,)
    groups : sequence of str (B,)

    Notes
    -----
    The bounds of every Quantity and what the chart tells come first; only who passes is simulated.
    """
    criteria = load_criteria(model.name)
    low, high = (np.array([getattr(q, side) for q in model.parameters]) for side in ("low", "high"))
    verdict = failures(criteria, groups, charted(model, params, age_years))
    verdict[~((params >= low) & (params <= high)).all(axis=1)] = BOUNDS
    open_ = np.flatnonzero(verdict == "")
    if len(open_):
        behaviour = measured(model, params[open_])
        verdict[open_] = failures(criteria, np.asarray(groups)[open_].tolist(), behaviour)
    return verdict
