"""The usual therapy of a batch of patients: basal rate, carb ratio, correction, target, daily dose.

The 30 named patients are on the carb ratio, correction factor and daily dose published with them;
their daily dose is 24 h of basal insulin plus 200 g / carb ratio in every row. Everybody else's
therapy is found by simulation, as a clinic would titrate it (:class:`TitrationRules`). How these
rules agree with the published table on the named patients is told in docs/reference/physiology.md.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError
from ..physiology.model import Model
from ..physiology.population import Patients, adopt, load_population
from ..physiology.respond import glucose_after
from .intake import schofield_carbs_g
from .protocols import Source

Array = NDArray[np.float64]

_TARGET: Final = Source("simglucose's basal-bolus controller (a6f6777) corrects to 140 mg/dL")
_RETURN: Final = Source(
    "project choice: 4 h, the hour of return at which the ratios of the named adults and "
    "adolescents come nearest to those published with them"
)
_FLOOR: Final = Source(
    "carb ratio rule of the UVA/Padova simulator of 2013: glucose above 90 mg/dL after a meal "
    "(Dalla Man 2014; seen second-hand)",
    "10.1177/1932296813514502",
    verified=False,
)
_STEPS: Final = Source("project choice, after the finest steps of present pumps")


@dataclass(frozen=True)
class TitrationRules:
    """How a therapy is found by simulation; each number with its source.

    The correction factor is the largest fall of glucose within ``correction_min`` after 1 U given
    at rest. The carb ratio is the smallest with which a third of the day's carbohydrate, bolused at
    its first bite, leaves glucose at or above its start ``return_min`` later and above
    ``floor_mg_dl`` for ``meal_min``. The daily dose is 24 h of basal insulin plus the day's
    carbohydrate over the carb ratio. Results are rounded to ``..._step``, the carb ratio upwards.
    """

    target_mg_dl: float = 140.0
    correction_min: int = 600
    return_min: int = 240
    meal_min: int = 480
    floor_mg_dl: float = 90.0
    meals_per_day: float = 3.0
    carb_ratio_range_g_per_u: tuple[float, float] = (0.5, 300.0)
    bisections: int = 12
    basal_step_u_per_h: float = 0.001
    carb_ratio_step_g_per_u: float = 0.1
    correction_step_mg_dl_per_u: float = 1.0
    daily_dose_step_u: float = 0.1
    target_source: Source = _TARGET
    return_source: Source = _RETURN
    floor_source: Source = _FLOOR
    steps_source: Source = _STEPS


RULES: Final = TitrationRules()


@dataclass(frozen=True)
class Prescription:
    """The usual therapy of B patients; every field is an array (B,)."""

    basal_u_per_h: Array
    carb_ratio_g_per_u: Array
    correction_mg_dl_per_u: Array
    target_mg_dl: Array
    total_daily_dose_u: Array

    def __len__(self) -> int:
        return len(self.basal_u_per_h)

    def take(self, positions: Sequence[int] | range) -> Prescription:
        """Return the therapy of the people at these positions, in this order."""
        where = np.asarray(list(positions), dtype=np.int64)
        return Prescription(*(getattr(self, f.name)[where] for f in fields(self)))


@lru_cache(maxsize=1)
def named_therapies() -> Mapping[str, tuple[float, float, float]]:
    """Return carb ratio, correction factor and daily dose of the named patients, by name."""
    data = resources.files("dosegym.therapy.data")
    text = data.joinpath("uva_padova_30_prescriptions.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    columns = ("carb_ratio", "correction_factor", "total_daily_dose")
    return {
        r["name"]: (float(r[columns[0]]), float(r[columns[1]]), float(r[columns[2]])) for r in rows
    }


def prescribe(model: Model, patients: Patients) -> Prescription:
    """Return the usual therapy of patients.

    Parameters
    ----------
    model : Model
        The patients' model; with another stomach-emptying variant titrated carb ratios differ.
    patients : Patients
        With covariates ``weight_kg`` and ``age_years``. People who bear a published name *and* its
        parameters get the published therapy with the basal rate of their equilibrium, unrounded.

    Returns
    -------
    Prescription

    Raises
    ------
    InputError
        If the patients belong to another model, or their weight or age is unknown.
    """
    people = adopt(model, patients)
    result = np.empty((len(fields(Prescription)), len(patients)))
    known = np.array([_is_named(patients, i) for i in range(len(patients))], dtype=bool)
    result[0] = model.basal_inputs(people.params)[:, model.input_index["insulin"]] * 60.0
    result[3] = RULES.target_mg_dl
    if known.any():
        table = named_therapies()
        chosen = [table[n] for n, k in zip(patients.names, known, strict=True) if k]
        result[[[1], [2], [4]], np.flatnonzero(known)] = np.array(chosen).T
    if not known.all():
        result[:, ~known] = titrate(model, people.take(np.flatnonzero(~known).tolist()))
    return Prescription(*result)


def _is_named(patients: Patients, i: int) -> bool:
    name, people = patients.names[i], load_population()
    if name not in named_therapies() or patients.model != people.model:
        return False
    return bool(np.array_equal(people.params[people.names.index(name)], patients.params[i]))


def titrate(model: Model, patients: Patients, rules: TitrationRules = RULES) -> Array:
    """Return the rows of a :class:`Prescription` (5, B), found by simulation.

    Raises
    ------
    InputError
        If the patients' weight or age is unknown.
    """
    daily = daily_carbs_g(patients)
    basal = model.basal_inputs(patients.params)[:, model.input_index["insulin"]] * 60.0
    basal = _rounded(basal, rules.basal_step_u_per_h)
    ratio = carb_ratio(model, patients.params, daily / rules.meals_per_day, rules)
    path = glucose_after(model, patients.params, minutes=rules.correction_min, insulin_u=1.0)
    step = rules.correction_step_mg_dl_per_u
    correction = np.maximum(_rounded(path[0] - path.min(axis=0), step), step)
    dose = _rounded(24.0 * basal + daily / ratio, rules.daily_dose_step_u)
    return np.stack([basal, ratio, correction, np.full(len(patients), rules.target_mg_dl), dose])


def daily_carbs_g(patients: Patients) -> Array:
    """Return the grams of carbohydrate each person eats in a day (Schofield: weight and age)."""
    for name in ("weight_kg", "age_years"):
        if name not in patients.covariates:
            raise InputError(f"patients lack {name}; give it among their covariates")
    pairs = zip(patients.covariates["weight_kg"], patients.covariates["age_years"], strict=True)
    return np.array([schofield_carbs_g(float(weight), float(age)) for weight, age in pairs])


def carb_ratio(model: Model, params: Array, meal_g: Array, rules: TitrationRules = RULES) -> Array:
    """Return the carb ratio (B,), g/U, of people from one meal each, by bisection on its logarithm.

    Parameters
    ----------
    model : Model
    params : array (B, P)
    meal_g : array (B,), g
    rules : TitrationRules
    """
    low, high = (np.full(len(params), end) for end in rules.carb_ratio_range_g_per_u)
    for _ in range(rules.bisections):
        middle = np.sqrt(low * high)
        path = glucose_after(
            model, params, minutes=rules.meal_min, carbs_g=meal_g, insulin_u=meal_g / middle
        )
        too_much = path[rules.return_min // 5] < path[0]
        too_much |= path.min(axis=0) < rules.floor_mg_dl
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    step = rules.carb_ratio_step_g_per_u
    return _rounded(np.ceil(high / step - 1e-9) * step, step)


def _rounded(values: Array, step: float) -> Array:
    """Return values at whole steps, free of binary noise in the decimals."""
    rounded: Array = np.round(np.rint(values / step) * step, 6)
    return rounded
