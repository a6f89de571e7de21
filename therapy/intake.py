"""How much carbohydrate a person eats in a day, and how well people count it.

Two estimates of the day's grams: ``schofield``, this project's own, from weight and age; and
``harris_benedict``, exactly RL4BG's, for comparison with Fox 2020.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..physiology.errors import InputError

Array = NDArray[np.float64]

KCAL_PER_G: Final = 4.0

# Schofield 1985, FAO/WHO/UNU: basal kcal/day = slope x kg + constant, by the age a row holds from.
SCHOFIELD_FROM_YEARS: Final = (0.0, 3.0, 10.0, 18.0, 30.0, 60.0)
SCHOFIELD: Final = {
    "male": (
        (59.512, -30.4),
        (22.706, 504.3),
        (17.686, 658.2),
        (15.057, 692.2),
        (11.472, 873.1),
        (11.711, 587.7),
    ),
    "female": (
        (58.317, -31.1),
        (20.315, 485.9),
        (13.384, 692.6),
        (14.818, 486.6),
        (8.126, 845.6),
        (9.082, 658.5),
    ),
}
# Cherubini 2021 (10.3390/nu13113869): median 45.9 % of energy from carbohydrate in 197 young people
# with type 1 diabetes.
CARBOHYDRATE_SHARE: Final = 0.459
# Project choice, also Fox 2020's: energy eaten per basal energy; low against a day's need (FAO: 1.4
# and more) but near what people with type 1 diabetes record (docs/reference/devices-and-days.md).
ACTIVITY: Final = 1.2

# RL4BG c9e2189, harris_benedict(): (weight up to kg, age in years, height in cm).
_CHILDREN: Final = (
    (25.6, 7.0, 121.9),
    (28.6, 8.0, 128.0),
    (32.0, 9.0, 133.3),
    (35.6, 10.0, 138.4),
    (39.9, 11.0, 143.5),
    (np.inf, 12.0, 149.1),
)
_ADOLESCENTS: Final = (
    (50.8, 13.0, 156.2),
    (56.0, 14.0, 163.8),
    (60.8, 15.0, 170.1),
    (64.4, 16.0, 173.4),
    (66.9, 17.0, 175.2),
    (68.9, 18.0, 175.7),
    (70.3, 19.0, 176.5),
    (np.inf, 20.0, 177.0),
)
_ADULTS: Final = ((np.inf, 45.0, 177.0),)
FOX_CARBOHYDRATE_SHARE: Final = 0.45


def schofield_carbs_g(weight_kg: float, age_years: float, sex: str | None = None) -> float:
    """Return grams of carbohydrate a day: Schofield's basal energy x 1.2 x 45.9 % / 4 kcal/g.

    Parameters
    ----------
    weight_kg, age_years : float
    sex : {"male", "female"}, optional
        Without it, the mean of both.
    """
    row = bisect_right(SCHOFIELD_FROM_YEARS, age_years) - 1
    tables = [SCHOFIELD[sex]] if sex else list(SCHOFIELD.values())
    basal = sum(table[row][0] * weight_kg + table[row][1] for table in tables) / len(tables)
    return basal * ACTIVITY * CARBOHYDRATE_SHARE / KCAL_PER_G


def harris_benedict_carbs_g(
    weight_kg: float, age_years: float, height_m: float | None = None, sex: str | None = None
) -> float:
    """Return RL4BG's grams of carbohydrate a day: Harris-Benedict x 1.2 x 45 % / 4 kcal/g.

    RL4BG knows its people's weight and age group only. It reads a typical age and height of that
    weight from growth tables (adults: 45 years, 177 cm) and uses the equation for men for
    everybody, and so does this function unless height or sex is given; a given height brings the
    person's own age with it. Age groups: child under 13, adolescent under 20 years, as in the 30
    named patients.

    Parameters
    ----------
    weight_kg, age_years : float
    height_m : float, optional
    sex : {"male", "female"}, optional
    """
    if height_m is None:
        table = _CHILDREN if age_years < 13.0 else _ADOLESCENTS if age_years < 20.0 else _ADULTS
        row = bisect_left([limit for limit, _, _ in table], weight_kg)
        _, age_years, height_cm = table[row]
    else:
        height_cm = 100.0 * height_m
    if sex == "female":
        basal = 655.1 + 9.563 * weight_kg + 1.850 * height_cm - 4.676 * age_years
    else:
        basal = 66.5 + 13.75 * weight_kg + 5.003 * height_cm - 6.755 * age_years
    return 1.2 * basal * FOX_CARBOHYDRATE_SHARE / KCAL_PER_G


def daily_carbs_g(
    method: str,
    weight_kg: float,
    age_years: float,
    height_m: float | None = None,
    sex: str | None = None,
) -> float:
    """Return grams of carbohydrate a day by one of ``schofield`` and ``harris_benedict``.

    Raises
    ------
    InputError
        If weight, age, height or sex is not one of a person.
    """
    _refuse("weight_kg", weight_kg, 1.0, 500.0, "kg")
    _refuse("age_years", age_years, 0.0, 120.0, "years")
    if height_m is not None:
        _refuse("height_m", height_m, 0.3, 2.6, "m")
    if sex not in (None, "male", "female"):
        raise InputError(f"sex is {sex!r}; give 'male', 'female' or nothing")
    if method == "schofield":
        return schofield_carbs_g(weight_kg, age_years, sex)
    return harris_benedict_carbs_g(weight_kg, age_years, height_m, sex)


def _refuse(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        raise InputError(
            f"{name} is {value:g} {unit}; give a value between {low:g} and {high:g} {unit}"
        )


COUNTING: Final = ("none", "dtt2020_linear", "dtt2020_quadratic")


def counting_error_g(model: str, carbs_g: Array, kind: NDArray[np.str_], weight_kg: float) -> Array:
    """Return the mean error (counted minus true grams) of people counting carbohydrate.

    Coefficients as RL4T1D ea9e172 codes them after 10.1089/dia.2019.0502, fitted to 50 adults and
    692 meals; the scatter around the mean is not part of it. The quadratic model's fibre term is
    left out there and here.

    Parameters
    ----------
    model : str
        One of ``COUNTING``.
    carbs_g : array (K,), g
    kind : array (K,) of str
        ``breakfast``, ``lunch``, ``dinner`` or ``snack``.
    weight_kg : float
    """
    if model == "none":
        return np.zeros_like(carbs_g)
    lunch, dinner, snack = (
        (kind == name).astype(np.float64) for name in ("lunch", "dinner", "snack")
    )
    c = carbs_g
    if model == "dtt2020_linear":
        error: Array = (
            9.22 - 0.34 * c + 0.09 * weight_kg + 3.11 * lunch + 0.68 * dinner - 7.05 * snack
        )
        return error
    error = (
        3.56
        - 0.07 * c
        - 0.0008 * c**2
        + (6.77 - 0.08 * c) * lunch
        + (18.01 - 0.25 * c) * dinner
        - (0.49 + 0.06 * c) * snack
    )
    return error
