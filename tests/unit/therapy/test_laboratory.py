"""Blood tests: the spread of repeated results, rounding, presets."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.therapy.laboratory import N_DRAWS, load_laboratory

TRUTH = (4.3, 140.0, 1.0)


def test_repeat_results_vary_as_the_parts_combine() -> None:
    """The total CV is the root of the summed squares: K 4.4 %, Na 0.8 %, creatinine 5.1 %."""
    lab, n = load_laboratory(), 40_000
    draws = lab.draws(np.random.default_rng(0), n)
    results = lab.apply(*(np.full(n, x) for x in TRUTH), draws)
    for values, cv, level in zip(results, (0.0437, 0.0078, 0.0512), TRUTH, strict=True):
        assert values.mean() == pytest.approx(level, rel=2e-3)
        assert values.std() == pytest.approx(cv * level, rel=0.04)


def test_egfr_change_beyond_chance_is_the_published_one() -> None:
    """1.96 sqrt(2) x 5.1 % is a change of 14 %, inside the 12.5-16.5 % published for eGFR."""
    change = 1.96 * np.sqrt(2.0) * load_laboratory().cvs[2]
    assert 0.125 < change < 0.165


def test_results_are_rounded_as_reported() -> None:
    """Potassium has one decimal, sodium none, creatinine two."""
    lab = load_laboratory()
    draws = lab.draws(np.random.default_rng(1), 100)
    results = lab.apply(*(np.full(100, x) for x in TRUTH), draws)
    for values, decimals in zip(results, (1, 0, 2), strict=True):
        assert values == pytest.approx(np.round(values, decimals), abs=1e-12)


def test_error_free_is_the_truth() -> None:
    """Without error the truth is reported at once."""
    lab = load_laboratory("error_free")
    results = lab.apply(*(np.array([x]) for x in TRUTH), np.ones((1, N_DRAWS)))
    assert [float(v[0]) for v in results] == pytest.approx(TRUTH)
    assert lab.turnaround_days == 0.0


def test_refusals_name_the_mend() -> None:
    """An unknown laboratory or an impossible CV is refused."""
    with pytest.raises(InputError, match="choose one of usual"):
        load_laboratory("slow")
    with pytest.raises(InputError, match=r"between 0 and 0\.3"):
        load_laboratory({"potassium_cv": 2.0})
