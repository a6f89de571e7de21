"""Pressure protocols: guideline targets, harm limits at their edges, laboratory rule, events."""

from __future__ import annotations

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.therapy import pressure_protocols as pp
from dosegym.therapy.protocols import Source


def test_targets_are_the_guidelines() -> None:
    """ACC/AHA below 130/80, ESC 120-129, WHO below 140/90, SPRINT below 120 or 135-139."""
    seen = {n: (t.sbp_mmhg, t.dbp_mmhg, t.sbp_floor_mmhg) for n, t in pp.TARGETS.items()}
    assert seen["acc_aha_2025"] == (130.0, 80.0, 0.0)
    assert seen["esc_2024"] == (130.0, 80.0, 120.0)
    assert seen["who_2021"] == (140.0, 90.0, 0.0)
    assert seen["sprint_intensive"][0] == 120.0
    assert seen["sprint_standard"][::2] == (140.0, 135.0)
    with pytest.raises(InputError, match="choose one of acc_aha_2025"):
        pp.pressure_target("jnc_1")


def test_every_number_has_a_source() -> None:
    """Each record carries a source with text; what is second-hand says so by ``verified``."""
    for record in (*pp.TARGETS.values(), pp.EQUIVALENTS, pp.LIMITS, pp.EVENTS, pp.SAFETY, pp.LABS):
        sources = [v for v in vars(record).values() if isinstance(v, Source)]
        assert sources
        assert all(source.text for source in sources)
        assert all(s.verified for s in sources if s.doi == pp.SPRINT_2015.doi)


def test_orthostatic_fall_is_20_or_10() -> None:
    """A fall of 20 systolic or 10 diastolic counts, one less of both does not."""
    seen = pp.orthostatic([140.0] * 3, [80.0] * 3, [120.0, 121.0, 121.0], [80.0, 70.0, 71.0])
    assert seen.tolist() == [True, True, False]


def test_kidney_injury_by_ratio_and_by_rise() -> None:
    """KDIGO: 1.5 times within 7 days, or 0.3 mg/dL within 2; slower changes are none."""
    assert pp.kidney_injury([1.5, 1.49], 1.0).tolist() == [True, False]
    quick = np.array([1.0, 1.0, 1.15, 1.3, 1.3])
    assert pp.kidney_injury_days(quick).tolist() == [False, False, False, True, False]
    assert pp.kidney_injury_days([0.9, 1.2]).tolist() == [False, True]
    slow = 1.0 + 0.04 * np.arange(20)
    assert not pp.kidney_injury_days(slow).any()
    steady = np.linspace(0.5, 0.9, 8)
    assert pp.kidney_injury_days(steady).tolist() == [False] * 5 + [True] * 3
    assert pp.kidney_injury_days(np.stack([quick, quick[::-1]])).sum() == 1


def test_electrolyte_events_lie_beyond_the_alerts() -> None:
    """Na below 130, K below 3.0 or above 5.5 mmol/L; the limits themselves are no event."""
    sodium = np.array([130.0, 129.9, 140.0, 140.0, 140.0])
    potassium = np.array([3.0, 4.0, 2.99, 5.5, 5.51])
    assert pp.electrolyte_event(sodium, potassium).tolist() == [False, True, True, False, True]


def test_low_pressure_is_felt() -> None:
    """Below 90 seated, or standing below 90 after a fall of 20 mmHg."""
    seen = pp.symptomatic_hypotension([89.0, 110.0, 105.0, 130.0], [85.0, 89.0, 89.0, 100.0])
    assert seen.tolist() == [True, True, False, False]


def test_laboratory_rule() -> None:
    """Due at entry, once 2-4 weeks after a change, then yearly or half-yearly in kidney disease."""
    never, long_ago = np.inf, 1000.0
    cases = [
        (never, never, 90.0, False, True),  # nothing known yet
        (28.0, 28.0, 90.0, True, True),  # first visit after a change
        (13.0, 13.0, 90.0, True, False),  # too early
        (28.0, 14.0, 90.0, True, False),  # drawn two weeks after the change
        (56.0, 28.0, 90.0, True, False),  # already checked
        (long_ago, 363.0, 90.0, True, False),
        (long_ago, 364.0, 90.0, True, True),
        (long_ago, 182.0, 59.0, True, True),
        (long_ago, 182.0, 60.0, True, False),
        (long_ago, 900.0, 90.0, False, False),  # takes nothing that needs it
    ]
    columns = [np.array(column) for column in zip(*cases, strict=True)]
    assert pp.LABS.due(*columns[:4]).tolist() == columns[4].tolist()
