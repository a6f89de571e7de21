"""Properties of drug kinetics that hold for any drug, person and pattern of doses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dosegym.physiology.pharmacokinetics import (
    DayStep,
    expose,
    load_kinetics,
    propagators,
    stack,
    steady_exposure,
)
from dosegym.therapy.formulary import DRUGS

DAYS = 20
calm = settings(max_examples=60, deadline=None)
drugs = st.sampled_from(sorted(DRUGS))
charts = st.fixed_dictionaries(
    {
        "age_years": st.floats(18, 100),
        "female": st.sampled_from([0.0, 1.0]),
        "weight_kg": st.floats(35, 200),
        "egfr0": st.floats(5, 130),
        "cyp2d6": st.floats(0, 2),
    }
)
normals = st.lists(st.floats(-3, 3), min_size=3, max_size=3)
patterns = st.lists(st.booleans(), min_size=DAYS, max_size=DAYS)


def stepped(drug: str, chart: dict[str, float], etas: list[float]) -> DayStep:
    standard = DRUGS[drug].standard_mg
    return stack([propagators(load_kinetics(drug), chart, [etas], standard_mg=standard)])


def exposures(step: DayStep, mg: float, pattern: list[bool]) -> np.ndarray:
    out = np.zeros((DAYS, 1, 1))
    expose(step, np.array([[mg]]), np.array([pattern]), np.zeros((1, 1, 4)), out)
    return out[:, 0, 0]


@calm
@given(drugs, charts, normals, patterns)
def test_exposure_is_bounded_by_its_steady_state(
    drug: str, chart: dict[str, float], etas: list[float], pattern: list[bool]
) -> None:
    """However tablets are missed, exposure lies between none and that of taking every one."""
    step = stepped(drug, chart, etas)
    seen = exposures(step, 10.0, pattern)
    steady = steady_exposure(step, np.array([[10.0]]))[0, 0]
    assert np.isfinite(steady)
    assert np.all(seen >= 0.0)
    assert np.all(seen <= steady * (1 + 1e-9))


@calm
@given(drugs, charts, normals, patterns, st.integers(0, DAYS - 1))
def test_one_more_tablet_never_lowers_exposure(
    drug: str, chart: dict[str, float], etas: list[float], pattern: list[bool], day: int
) -> None:
    """Taking a missed tablet leaves the days before as they were, and raises those after."""
    step = stepped(drug, chart, etas)
    fewer, more = list(pattern), list(pattern)
    fewer[day], more[day] = False, True
    gain = exposures(step, 10.0, more) - exposures(step, 10.0, fewer)
    assert np.all(gain[:day] == 0.0)
    assert gain[day] > 0.0
    assert np.all(gain >= -1e-12)


@calm
@given(drugs, charts, normals, patterns, st.floats(0.1, 40.0))
def test_exposure_is_proportional_to_the_dose(
    drug: str, chart: dict[str, float], etas: list[float], pattern: list[bool], mg: float
) -> None:
    """Every system is linear: exposure per mg does not depend on the dose."""
    step = stepped(drug, chart, etas)
    per_mg = exposures(step, 1.0, pattern)
    np.testing.assert_allclose(exposures(step, mg, pattern), mg * per_mg, rtol=1e-11)
