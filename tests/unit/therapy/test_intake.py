"""Daily carbohydrate and carb counting: hand-worked values of the published equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosegym.physiology.errors import InputError
from dosegym.therapy.intake import (
    counting_error_g,
    daily_carbs_g,
    harris_benedict_carbs_g,
    schofield_carbs_g,
)


def test_schofield_by_hand() -> None:
    """A 70 kg person of 40: mean of 11.472 w + 873.1 and 8.126 w + 845.6, x 1.2 x 0.459 / 4."""
    basal = (11.472 * 70 + 873.1 + 8.126 * 70 + 845.6) / 2
    assert schofield_carbs_g(70.0, 40.0) == pytest.approx(basal * 1.2 * 0.459 / 4)
    assert schofield_carbs_g(70.0, 40.0, "male") == pytest.approx((803.04 + 873.1) * 0.1377)
    assert schofield_carbs_g(36.0, 9.99, "female") == pytest.approx((731.34 + 485.9) * 0.1377)
    assert schofield_carbs_g(36.0, 10.0, "female") == pytest.approx((481.824 + 692.6) * 0.1377)


@pytest.mark.parametrize(
    ("weight", "age", "expected_age", "height"),
    [
        (102.32, 61.0, 45.0, 177.0),
        (25.6, 9.0, 7.0, 121.9),
        (25.7, 9.0, 8.0, 128.0),
        (45.54, 9.0, 12.0, 149.1),
        (37.9, 16.0, 13.0, 156.2),
        (68.706, 18.0, 18.0, 175.7),
        (75.0, 18.0, 20.0, 177.0),
    ],
)
def test_harris_benedict_uses_rl4bgs_growth_tables(
    weight: float, age: float, expected_age: float, height: float
) -> None:
    """Without a height, age and height are those RL4BG reads from the weight, not the person's."""
    basal = 66.5 + 13.75 * weight + 5.003 * height - 6.755 * expected_age
    assert harris_benedict_carbs_g(weight, age) == pytest.approx(1.2 * basal * 0.45 / 4)


def test_a_known_height_and_sex_are_used() -> None:
    """With a height the person's own age counts, and women get the equation for women."""
    basal = 655.1 + 9.563 * 60 + 1.850 * 165 - 4.676 * 30
    got = harris_benedict_carbs_g(60.0, 30.0, 1.65, "female")
    assert got == pytest.approx(1.2 * basal * 0.45 / 4)


@given(weight=st.floats(10.0, 150.0), more=st.floats(0.1, 30.0), age=st.floats(3.0, 90.0))
def test_more_weight_more_grams_but_fewer_per_kilogram(
    weight: float, more: float, age: float
) -> None:
    """At one age a heavier person eats more in all and less per kilogram."""
    light, heavy = (daily_carbs_g("schofield", w, age) for w in (weight, weight + more))
    assert light < heavy
    assert heavy / (weight + more) < light / weight


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.5, 40.0), "weight_kg is 0.5 kg; give a value between 1 and 500 kg"),
        ((70.0, -1.0), "age_years is -1 years"),
        ((70.0, float("nan")), "age_years is nan years"),
        ((70.0, 40.0, 170.0), "height_m is 170 m; give a value between 0.3 and 2.6 m"),
        ((70.0, 40.0, None, "f"), "sex is 'f'; give 'male', 'female' or nothing"),
    ],
)
def test_impossible_people_are_refused(arguments: tuple[float, ...], message: str) -> None:
    """Weight, age, height and sex outside human bounds are named with the bound."""
    with pytest.raises(InputError) as caught:
        daily_carbs_g("schofield", *arguments)  # type: ignore[arg-type]
    assert message in str(caught.value)


def test_counting_error_by_hand() -> None:
    """Both models at one meal of each kind eaten by an 80 kg adult, worked by hand."""
    carbs, kind = (
        np.array([80.0, 60.0, 40.0, 20.0]),
        np.array(["lunch", "dinner", "breakfast", "snack"]),
    )
    linear = counting_error_g("dtt2020_linear", carbs, kind, 80.0)
    np.testing.assert_allclose(
        linear,
        [
            9.22 - 27.2 + 7.2 + 3.11,
            9.22 - 20.4 + 7.2 + 0.68,
            9.22 - 13.6 + 7.2,
            9.22 - 6.8 + 7.2 - 7.05,
        ],
    )
    quadratic = counting_error_g("dtt2020_quadratic", carbs, kind, 80.0)
    np.testing.assert_allclose(
        quadratic,
        [
            3.56 - 5.6 - 5.12 + 6.77 - 6.4,
            3.56 - 4.2 - 2.88 + 18.01 - 15.0,
            3.56 - 2.8 - 1.28,
            3.56 - 1.4 - 0.32 - 0.49 - 1.2,
        ],
    )
    assert not counting_error_g("none", carbs, kind, 80.0).any()
