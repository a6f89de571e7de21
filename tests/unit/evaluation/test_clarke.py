"""Clarke's zones at the corners of the published grid."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.clarke import ZONES, clarke_shares, clarke_zones
from dosegym.physiology import InputError

# Points just on either side of each border of the grid: reference, value, zone.
CORNERS = [
    (100.0, 120.0, "A"), (100.0, 120.5, "B"), (100.0, 80.0, "A"), (100.0, 79.5, "B"),
    (50.0, 69.0, "A"), (69.0, 50.0, "A"), (58.0, 71.0, "D"), (58.0, 69.9, "A"),
    (58.0, 75.0, "D"), (40.0, 70.5, "D"), (68.0, 81.0, "A"), (69.5, 84.0, "D"),
    (65.0, 179.9, "D"), (65.0, 180.0, "E"), (70.0, 180.0, "E"), (71.0, 181.0, "C"),
    (180.0, 70.0, "E"), (179.0, 70.0, "B"), (179.0, 68.0, "C"), (130.0, 0.5, "B"),
    (150.0, 28.0, "C"), (150.0, 28.5, "B"), (239.0, 180.0, "B"), (240.0, 180.0, "D"),
    (240.0, 71.0, "D"), (300.0, 180.0, "D"), (300.0, 181.0, "B"), (300.0, 70.0, "E"),
    (100.0, 209.0, "B"), (100.0, 210.0, "C"), (290.0, 400.0, "C"), (291.0, 401.0, "B"),
    (400.0, 400.0, "A"), (110.0, 70.0, "B"), (75.0, 184.9, "B"), (75.0, 185.0, "C"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "value", "zone"), CORNERS)
def test_corners(reference: float, value: float, zone: str) -> None:
    """Either side of each border is in the zone that the grid gives it."""
    assert str(clarke_zones([reference], [value])[0]) == zone


def test_shares_sum_to_one_and_every_point_has_a_zone() -> None:
    """All pairs from 1 to 600 mg/dL are in some zone, and each zone is met."""
    axis = np.arange(1.0, 601.0, 3.0)
    shares = clarke_shares(*(m.ravel() for m in np.meshgrid(axis, axis)))
    assert sum(shares.values()) == pytest.approx(1.0)
    assert all(shares[zone] > 0.0 for zone in ZONES)


def test_what_is_no_glucose_is_refused() -> None:
    """Unequal shapes, none, NaN and 0 are refused in one line."""
    for pair, word in (
        (([1.0], [1.0, 2.0]), "shape"), (([np.nan], [100.0]), "nan"), (([100.0], [0.0]), "0.0"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=word):
            clarke_zones(*pair)
    with pytest.raises(InputError, match="0 values"):
        clarke_shares([], [])
