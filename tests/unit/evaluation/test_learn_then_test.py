"""Learn then test: MAPIE's numbers, the error over the family, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.evaluation.statistics import (
    betting_p_value,
    binomial_p_value,
    control_family,
    hoeffding_bentkus_p_value,
    learn_then_test,
)
from dosegym.physiology.errors import InputError

# MAPIE 1.6.0, compute_hoeffding_bentkus_p_value: n, failures, limit, binary, p-value.
MAPIE_P_VALUES = [
    (30, 0, 0.01, False, 0.739700373388279),
    (30, 1, 0.01, True, 0.9638520016877593),
    (30, 3, 0.05, False, 1.0),
    (30, 1, 0.05, True, 0.5535420754317871),
    (30, 3, 0.3, False, 0.025325055625588386),
    (300, 0, 0.01, False, 0.049040894071284896),
    (300, 1, 0.01, True, 0.19764966398427275),
    (300, 3, 0.05, False, 0.00044597194382302004),
    (300, 15, 0.05, True, 0.5681120359274205),
    (300, 30, 0.3, False, 1.953600674941772e-16),
    (3000, 0, 0.01, False, 8.046069742101152e-14),
    (3000, 1, 0.01, True, 2.518663649573296e-12),
    (3000, 150, 0.05, True, 0.5217043178787671),
]
# MAPIE 1.6.0, ltt_procedure of these mean losses of 500 at delta 0.05.
MEANS = [0.002, 0.004, 0.011, 0.018, 0.033, 0.024, 0.051, 0.08]
MAPIE_CERTIFIED = [
    ("bonferroni", 0.05, (0, 1, 2, 3)),
    ("bonferroni", 0.06, (0, 1, 2, 3, 5)),
    ("holm", 0.05, (0, 1, 2, 3, 5)),
    ("holm", 0.06, (0, 1, 2, 3, 4, 5)),
    ("fixed_sequence", 0.05, (0, 1, 2, 3)),
    ("fixed_sequence", 0.06, (0, 1, 2, 3, 4, 5)),
]
UNIT = (0.0, 1.0)


@pytest.mark.parametrize(("n", "k", "limit", "binary", "expected"), MAPIE_P_VALUES)
def test_p_values_are_mapies(n: int, k: int, limit: float, binary: bool, expected: float) -> None:
    """The p-value is the one that another program computes."""
    found = hoeffding_bentkus_p_value(k / n, n, limit, binary=binary)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("method", "limit", "expected"), MAPIE_CERTIFIED)
def test_certified_settings_are_mapies(method: str, limit: float, expected: tuple) -> None:
    """So are the settings certified, by each way to share the error."""
    found = learn_then_test(MEANS, limit, 0.05, support=UNIT, n=500, method=method)
    assert found.certified == expected


def test_two_risks_must_both_hold() -> None:
    """Of two kinds of loss the worse p-value counts (MAPIE 1.6.0's numbers)."""
    means = np.array([[0.2, 0.15, 0.12, 0.10, 0.05, 0.02], [0.01, 0.02, 0.03, 0.05, 0.09, 0.2]]).T
    found = learn_then_test(means, [0.15, 0.1], 0.1, support=UNIT, n=400, method="holm")
    assert found.certified == (3,)
    expected = [1, 1, 0.13740334, 0.0058251, 0.77432601, 1]
    assert found.p_values == pytest.approx(expected, abs=1e-7)


def test_losses_means_and_units_say_the_same() -> None:
    """Losses, their means, percent and fractions give one answer."""
    losses = np.random.default_rng(0).beta(1, [60, 30, 12], (400, 3))
    direct = learn_then_test(losses, 0.06, 0.05, support=UNIT)
    means = learn_then_test(losses.mean(axis=0), 0.06, 0.05, support=UNIT, n=400)
    percent = learn_then_test(100 * losses, 6.0, 0.05, support=(0, 100))
    assert direct.certified == means.certified == percent.certified == (0, 1)
    assert direct.p_values == pytest.approx(means.p_values)
    assert direct.p_values == pytest.approx(percent.p_values)


def test_other_p_values() -> None:
    """Binomial p-values are the exact tail, betting's those of the bounds; both may be sharper."""
    rng = np.random.default_rng(1)
    flags = (rng.random((300, 2)) < [0.005, 0.02]).astype(float)
    exact = learn_then_test(flags, 0.03, 0.05, support=UNIT, p_value="binomial")
    counts = flags.sum(axis=0).astype(int)
    assert exact.p_values == pytest.approx([binomial_p_value(k, 300, 0.03) for k in counts])
    # Small, even losses: betting sees that they vary little.
    even = rng.uniform(0.04, 0.06, (300, 1))
    sharp = learn_then_test(even, 0.1, 0.001, support=UNIT, p_value="betting")
    assert sharp.p_values[0] == betting_p_value(even[:, 0], 0.1, support=UNIT)
    assert sharp.p_values[0] < 0.1 * learn_then_test(even, 0.1, 0.001, support=UNIT).p_values[0]


@pytest.mark.parametrize("method", ["fixed_sequence", "holm", "bonferroni"])
@pytest.mark.parametrize("p_value", ["binomial", "hoeffding-bentkus", "betting"])
def test_family_error_is_kept(method: str, p_value: str) -> None:
    """Of 400 studies of five settings at the limit itself, at most 10 % certify any of them."""
    rng, wrong = np.random.default_rng(2), 0
    for _ in range(400):
        losses = (rng.random((150, 5)) < 0.1).astype(float)
        found = learn_then_test(losses, 0.1, 0.1, support=UNIT, method=method, p_value=p_value)
        wrong += bool(found.certified)
    assert wrong / 400 <= 0.1 + 3 * np.sqrt(0.09 / 400)


def test_fixed_sequence_stops_at_the_first_failure() -> None:
    """What stands behind a failure is not certified, however small its p-value."""
    assert control_family([0.01, 0.2, 0.001], 0.05, "fixed_sequence") == (0,)
    assert control_family([0.2], 0.05, "fixed_sequence") == ()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"support": None}, "range known before seeing data"),
        ({"support": (0, 0.2)}, "outside the declared support"),
        ({"delta": 0.0}, "delta is 0"),
        ({"limits": 1.0}, "limit is 1"),
        ({"limits": [0.1, 0.2]}, "shape .* for 2 limits"),
        ({"p_value": "binomial"}, "a loss is neither 0 nor 1"),
        ({"n": 10, "p_value": "betting", "losses": [0.1]}, "betting needs the losses"),
        ({"method": "hope"}, "method 'hope' is unknown"),
    ],
)
def test_refusals_name_the_fault(words: dict, message: str) -> None:
    """No range, no test; wrong shapes, levels and names are refused."""
    right = {"losses": [[0.1], [0.5]], "limits": 0.3, "delta": 0.05, "support": UNIT}
    with pytest.raises(InputError, match=message):
        learn_then_test(**{**right, **words})
    with pytest.raises(InputError, match=r"mean is 1\.5 of 3 losses"):
        hoeffding_bentkus_p_value(1.5, 3, 0.1)
