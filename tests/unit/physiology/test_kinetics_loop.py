"""Days of tablets: the compiled loop against the recursion it compiles."""

import numpy as np

from dosegym.physiology.pharmacokinetics import (
    TYPICAL,
    DayStep,
    expose,
    instant,
    load_kinetics,
    propagators,
    stack,
    steady_state,
    terminal_half_life,
)
from dosegym.therapy.formulary import CLASSES, DRUGS, load_formulary


def formulary_step(size: int, seed: int = 0) -> DayStep:
    rng = np.random.default_rng(seed)
    chart = {
        "age_years": rng.uniform(30, 85, size),
        "female": rng.integers(0, 2, size).astype(float),
        "weight_kg": rng.uniform(50, 130, size),
        "egfr0": rng.uniform(15, 115, size),
    }
    steps = [
        propagators(
            load_kinetics(name),
            chart,
            rng.standard_normal((size, 3)),
            standard_mg=DRUGS[name].standard_mg,
        )
        for name in load_formulary("default").drugs
    ]
    return stack(steps)


def test_loop_is_the_matrix_recursion() -> None:
    """The compiled days are phi x + gain dose and read x + read_dose dose, slot by slot."""
    step, rng = formulary_step(5), np.random.default_rng(7)
    mg, taken = rng.uniform(1, 30, (5, 6)), rng.random((5, 9, 6)) < 0.7
    x = rng.uniform(0, 20, (5, 6, 4))
    out, expected = np.full((9, 8, 5), np.nan), x.copy()
    expose(step, mg, taken, x, out)
    for day in range(9):
        dose = mg * taken[:, day]
        seen = (step.read * expected).sum(-1) + step.read_dose * dose
        np.testing.assert_allclose(out[day, :6].T, seen, rtol=1e-12)
        expected = (step.phi @ expected[..., None])[..., 0] + step.gain * dose[..., None]
    np.testing.assert_allclose(x, expected, rtol=1e-12)
    assert np.isnan(out[:, 6:]).all()


def test_tablets_that_go_together_need_one_column() -> None:
    """Array ``taken`` (B, T) gives what the same column for each slot gives."""
    step, rng = formulary_step(3), np.random.default_rng(8)
    mg, taken = rng.uniform(1, 30, (3, 6)), (rng.random((3, 14)) < 0.8).astype(np.uint8)
    results = []
    for choice in (taken, np.repeat(taken[:, :, None], len(CLASSES), axis=2)):
        x, out = np.zeros((3, 6, 4)), np.zeros((14, 6, 3))
        expose(step, mg, choice, x, out)
        results.append((x, out))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    np.testing.assert_array_equal(results[0][1], results[1][1])


def test_a_lane_does_not_depend_on_its_batch() -> None:
    """A person alone has the exposures that the same person has among others."""
    step, rng = formulary_step(6), np.random.default_rng(9)
    mg, taken = rng.uniform(1, 30, (6, 6)), rng.random((6, 7)) < 0.8
    x, out = np.zeros((6, 6, 4)), np.zeros((7, 6, 6))
    expose(step, mg, taken, x, out)
    alone, lone = np.zeros((1, 6, 4)), np.zeros((7, 6, 1))
    expose(DayStep(*(part[4:5] for part in step)), mg[4:5], taken[4:5], alone, lone)
    np.testing.assert_array_equal(lone[:, :, 0], out[:, :, 4])


def test_a_stopped_drug_fades_and_is_dropped() -> None:
    """After the last tablet exposure only falls; in the end the body is exactly empty."""
    step = stack([propagators(load_kinetics("amlodipine"), TYPICAL, standard_mg=5.0)])
    x = steady_state(step, np.array([[5.0]]))
    out = np.zeros((50, 1, 1))
    none = np.zeros((1, 50), np.uint8)
    expose(step, np.zeros((1, 1)), none, x, out)
    half_life_days = terminal_half_life(step)[0, 0] / 24
    assert np.all(np.diff(out[:, 0, 0]) < 0.0)
    np.testing.assert_allclose(
        out[30, 0, 0] / out[20, 0, 0], 0.5 ** (10 / half_life_days), rtol=1e-3
    )
    for _ in range(2):
        expose(step, np.zeros((1, 1)), none, x, out)
    assert not x.any()
    assert not out.any()


def test_without_kinetics_exposure_is_the_dose_taken() -> None:
    """The step of a drug without kinetics remembers nothing."""
    step = stack([instant(2, standard_mg=25.0)])
    out, x = np.zeros((3, 1, 2)), np.zeros((2, 1, 4))
    expose(step, np.array([[25.0], [50.0]]), np.array([[1, 0, 1], [1, 1, 0]], np.uint8), x, out)
    np.testing.assert_array_equal(out[:, 0, :].T, [[1, 0, 1], [2, 2, 0]])
    assert not x.any()


def test_threads_can_share_a_batch() -> None:
    """Two halves advanced one after the other are the whole, and a half leaves the rest alone."""
    step, rng = formulary_step(6), np.random.default_rng(10)
    mg, taken = rng.uniform(1, 30, (6, 6)), rng.random((6, 7)) < 0.8
    x, out = np.zeros((6, 6, 4)), np.zeros((7, 6, 6))
    expose(step, mg, taken, x, out)
    y, halves = np.zeros((6, 6, 4)), np.zeros((7, 6, 6))
    expose(step, mg, taken, y, halves, last=3)
    assert not y[3:].any()
    assert not halves[:, :, 3:].any()
    expose(step, mg, taken, y, halves, first=3)
    np.testing.assert_array_equal(y, x)
    np.testing.assert_array_equal(halves, out)
