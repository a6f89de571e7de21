"""Alarms: one per episode, with evidence; hypotheses that explain what happened gain weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dosegym.physiology.errors import InputError
from dosegym.records.timeline import Timeline
from dosegym.twins import Twin, fit_twin
from dosegym.twins.anomaly import Episode, Monitor, follow, surprise
from dosegym.twins.anomaly_features import LABELS, first_means, looked_at
from dosegym.twins.anomaly_table import MEANINGS
from dosegym.twins.anomaly_thresholds import THRESHOLDS, WEIGHTS, Threshold
from dosegym.twins.bank import Bank, bank_of, prior_weights, step
from dosegym.twins.drift import changed
from dosegym.twins.ensemble import ensemble_of
from dosegym.twins.faults import KINDS, plan
from dosegym.twins.hypotheses import NAMES
from dosegym.twins.missed_bolus import logged_without_bolus
from dosegym.twins.stream_grid import Steps, interval_of, steps_of
from dosegym.twins.virtual import Life

DAY = 288


@pytest.fixture(scope="module")
def lived(body_in_prior: Callable[..., tuple[np.ndarray, Timeline]]) -> tuple[Twin, Steps]:
    """Return a twin of two days, and the calm day that follows."""
    record: Timeline = body_in_prior(15, Life(days=3.0))[1]
    start = float(record.glucose.time_s[0])
    known = record.window(start, start + 2 * 86400.0 + 1.0)
    twin = fit_twin(known, posterior="laplace", starts=1, hold_out=False)
    return twin, steps_of(record, twin.end_s, DAY, 1.0)


def run(twin: Twin, steps: Steps, until: int = DAY) -> tuple[Bank, np.ndarray]:
    """Return the filters at the end and the probabilities (T, kinds) on the way."""
    rng = np.random.default_rng(1)
    bank = bank_of(ensemble_of(twin, rng), rng)
    seen = []
    for k in range(until):
        bank, _ = step(bank, interval_of([steps], k), rng)
        seen.append(bank.probability()[0])
    return bank, np.array(seen)


def test_a_calm_day_convinces_nobody(lived: tuple[Twin, Steps]) -> None:
    """Without a fault no hypothesis but a fleeting one gets half of the weight."""
    bank, seen = run(*lived)
    assert bank.weights.sum() == pytest.approx(1.0)
    assert np.median(seen.sum(axis=1)) < 0.2
    assert seen[:, NAMES.index("occlusion")].max() < 0.5


def test_a_pressed_sensor_is_told_from_low_glucose(lived: tuple[Twin, Steps]) -> None:
    """A fall by 50 mg/dL within ten minutes that rebounds is a compression, and then it is over."""
    twin, steps = lived
    reading = steps.reading.copy()
    reading[40:49] -= 50.0 * np.minimum(np.arange(1, 10) / 2.0, 1.0)
    seen = run(twin, replace(steps, reading=reading), 80)[1]
    pressed = seen[:, NAMES.index("compression")]
    assert pressed[40:50].max() > 0.9
    assert pressed[65:].max() < 0.5


def test_insulin_that_does_not_arrive_is_an_occlusion(lived: tuple[Twin, Steps]) -> None:
    """Glucose that rises for hours while insulin is logged gives the occlusion its weight."""
    twin, steps = lived
    reading = steps.reading.copy()
    rise = np.maximum(np.arange(110) - 18, 0) * 4.0
    reading[10:120] = np.minimum(reading[10:120] + rise, 400.0)
    occluded = run(twin, replace(steps, reading=reading), 110)[1][:, NAMES.index("occlusion")]
    assert occluded.max() > 10.0 * prior_weights()[1:4].sum()


def test_one_alarm_per_episode() -> None:
    """A probability that stays high says so once; flicker says nothing; later it may again."""
    threshold = Threshold(0.5, 0.2, 2)
    p = [0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.3, 0.9, *[0.0] * 60, 0.9, 0.9, 0.9]
    episode, fired = Episode(), []
    for number, value in enumerate(p):
        episode, fires = follow(episode, value, number, threshold)
        fired += [number] * fires
    assert fired == [4, 69]


def test_surprise_is_chi_squared() -> None:
    """Twelve innovations of exactly one standard deviation are nothing strange, of four are."""
    usual, strange = (Monitor(recent=(s,) * 12) for s in (1.0, 4.0))
    assert surprise(usual)[1] == pytest.approx(0.4457, abs=1e-3)
    assert surprise(strange)[0] < 1e-10


def test_a_logged_meal_without_bolus_is_seen_in_the_record() -> None:
    """The alarm waits for the bolus and for the rise; a bolus or a treated low silences it."""
    n = 60
    zero = np.zeros(n)
    ate, gave = zero.copy(), zero.copy()
    ate[20], gave[0] = 60.0, 3.0
    reading = np.full(n, 120.0)
    reading[25:] = 170.0
    steps = Steps(
        0.0, np.zeros((n, 5)), np.zeros((n, 5)), zero.astype(bool), reading, np.zeros((n, 5)),
        zero.astype(np.int8), zero, gave, ate, False,
    )  # fmt: skip
    assert logged_without_bolus(steps, 26) is None
    assert logged_without_bolus(steps, 32) == (20, 50.0)
    with_bolus = gave.copy()
    with_bolus[22] = 5.0
    assert logged_without_bolus(replace(steps, bolus_u=with_bolus), 32) is None
    assert logged_without_bolus(replace(steps, reading=reading - 60.0), 32) is None


def test_what_alarms_look_at_fits_their_weights(lived: tuple[Twin, Steps]) -> None:
    """Every weighing has one weight per feature; features are finite without a reading too."""
    rng = np.random.default_rng(2)
    bank = bank_of(ensemble_of(lived[0], rng, 16), rng, 8)
    nothing = np.array([np.nan])
    means, features = looked_at(first_means(1), bank, nothing, nothing, np.zeros(1), np.zeros(1))
    assert features.shape == (1, len(LABELS))
    assert np.isfinite(features).all()
    assert means.shape == first_means(1).shape
    assert all(len(weights) == len(LABELS) for _, weights in WEIGHTS.values())
    assert set(NAMES) <= set(THRESHOLDS)


def test_a_change_of_sensitivity_is_found_and_noise_is_not() -> None:
    """Days that fall by 30 % are found within six days; 200 series of mere noise seldom."""
    rng = np.random.default_rng(3)
    noise = 0.1 * rng.standard_normal((200, 21))
    false = [changed(list(row), 0.1)[0] for row in noise]
    assert np.mean(false) < 0.1
    fallen = noise.copy()
    fallen[:, 10:] -= 0.357
    found = [changed(list(row[:16]), 0.1) for row in fallen]
    assert np.mean([f for f, _ in found]) > 0.9
    assert np.median([size for _, size in found]) == pytest.approx(-0.357, abs=0.06)


def test_every_alarm_says_what_to_do_and_names_no_dose() -> None:
    """Each kind has one sentence; none holds a number or a unit."""
    for meaning in MEANINGS.values():
        assert meaning.do.endswith(".")
        assert not any(c.isdigit() for c in meaning.do)
        assert " unit" not in meaning.do


def test_faults_are_planned_as_told() -> None:
    """Each kind is written into the lives and listed; an unknown kind is refused."""
    rng = np.random.default_rng(4)
    wrong, found = plan([list(KINDS)], 1, 8 * DAY, rng)
    assert [e.kind for e in found] == list(KINDS)
    assert (wrong.delivered == 0.0).sum() == 96
    assert wrong.no_bolus.any()
    assert wrong.not_logged.any()
    assert np.exp(wrong.sensitivity[-1, 0]) == pytest.approx(0.7)
    with pytest.raises(InputError, match="choose one of"):
        plan([["gremlins"]], 0, DAY, rng)
