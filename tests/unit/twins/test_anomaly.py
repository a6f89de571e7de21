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
from dosegym.twins.anomaly_features import LABELS, first_means, lately, looked_at
from dosegym.twins.anomaly_table import MEANINGS
from dosegym.twins.anomaly_thresholds import THRESHOLDS, Threshold
from dosegym.twins.bank import Bank, bank_of, step
from dosegym.twins.drift import changed
from dosegym.twins.ensemble import ensemble_of
from dosegym.twins.faults import KINDS, plan
from dosegym.twins.hypotheses import NAMES
from dosegym.twins.missed_bolus import logged_without_bolus
from dosegym.twins.stream_grid import Steps, interval_of, steps_of
from dosegym.twins.virtual import Life, no_mishaps

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


@pytest.mark.parametrize("seed", [15, 16, 17])
def test_insulin_that_does_not_arrive_is_an_occlusion(
    body_in_prior: Callable[..., tuple[np.ndarray, Timeline]], seed: int
) -> None:
    """Eight hours without any insulin convince; the same day with it does not."""
    stopped = no_mishaps(3 * DAY, 1)
    begin = 2 * DAY + 60
    stopped.delivered[begin : begin + 96] = 0.0
    most = []
    for wrong in (stopped, None):
        record = body_in_prior(seed, Life(days=3.0), wrong)[1]
        start = float(record.glucose.time_s[0])
        known = record.window(start, start + 2 * 86400.0 + 1.0)
        twin = fit_twin(known, posterior="laplace", starts=1, hold_out=False)
        seen = run(twin, steps_of(record, twin.end_s, DAY, 1.0), 60 + 96)[1]
        most.append(seen[60:, NAMES.index("occlusion")].max())
    assert most[0] > 0.5
    assert most[1] < 0.5


def test_an_occlusion_is_dated(lived: tuple[Twin, Steps]) -> None:
    """Hypotheses that take turns begin one an hour, and tell how long insulin has been away."""
    rng = np.random.default_rng(5)
    twin, steps = lived
    bank = bank_of(ensemble_of(twin, rng, 64), rng, 16)
    for k in range(30):
        bank, _ = step(bank, interval_of([steps], k), rng)
    assert bank.count == 30
    whole = bank.probability()[0, NAMES.index("occlusion")]
    assert bank.lasting(0.0)[0] == pytest.approx(whole)
    young = bank.weights[0, 1 + (29 // 12)]
    assert bank.lasting(1.0)[0] == pytest.approx(whole - young)


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


def test_what_alarms_look_at_is_labelled(lived: tuple[Twin, Steps]) -> None:
    """Features have a label each, and are finite without a reading too."""
    rng = np.random.default_rng(2)
    bank = bank_of(ensemble_of(lived[0], rng, 16), rng, 8)
    nothing = np.array([np.nan])
    means, features = looked_at(first_means(1), bank, nothing, nothing, np.zeros(1), np.zeros(1))
    assert features.shape == (1, len(LABELS))
    assert np.isfinite(features).all()
    assert means.shape == first_means(1).shape
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


def test_a_new_sensor_is_believed_in_the_end(lived: tuple[Twin, Steps]) -> None:
    """Readings that fall by 50 mg/dL at once and stay are no compression after two hours."""
    twin, steps = lived
    reading = steps.reading.copy()
    reading[100:] = np.maximum(reading[100:] - 50.0, 45.0)
    rng = np.random.default_rng(3)
    bank = bank_of(ensemble_of(twin, rng), rng)
    fallen = replace(steps, reading=reading)
    error, pressed = [], []
    for k in range(200):
        bank, innovation = step(bank, interval_of([fallen], k), rng)
        error.append(innovation.standard[0])
        pressed.append(bank.probability()[0, NAMES.index("compression")])
    assert max(pressed[100:110]) > 0.9
    assert np.mean(pressed[150:]) < 0.1
    assert abs(np.mean(error[150:])) < 1.0


def test_what_lately_was_otherwise_is_known(
    body_in_prior: Callable[..., tuple[np.ndarray, Timeline]],
) -> None:
    """After a day at 55 % of the sensitivity the running means tell of it; else not.

    The means reach the fall only in part, since they remember the hours before it.
    """
    told = []
    for fall in (np.log(0.55), 0.0):
        wrong = no_mishaps(3 * DAY, 1)
        wrong.sensitivity[2 * DAY :] += fall
        record = body_in_prior(21, Life(days=3.0), wrong)[1]
        start = float(record.glucose.time_s[0])
        known = record.window(start, start + 2 * 86400.0 + 1.0)
        twin = fit_twin(known, posterior="laplace", starts=1, hold_out=False)
        bank, _ = run(twin, steps_of(record, twin.end_s, DAY, 1.0), DAY - 6)
        told.append(lately(bank)[0][0, 1])
    assert told[0] < -0.2
    assert abs(told[1]) < 0.15
    assert told[0] < told[1] - 0.2
