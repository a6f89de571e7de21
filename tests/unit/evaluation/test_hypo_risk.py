"""The risk of a low: probabilities are honest, alarms are judged as they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special
from sklearn import metrics

from dosegym.evaluation.alarms import begun, choose_threshold, judge_alarms, sounded
from dosegym.evaluation.forecast_adapt import Adapted
from dosegym.evaluation.forecast_baselines import Persistence
from dosegym.evaluation.forecast_scores import cells, scores
from dosegym.evaluation.forecast_twin import Fits, TwinForecaster
from dosegym.evaluation.forecasts import roll
from dosegym.evaluation.history import journal_of
from dosegym.evaluation.hypo_risk import (
    Calibration,
    Risks,
    TrendRisk,
    TwinRisk,
    calibrate,
    tell_risks,
)
from dosegym.evaluation.reliability import (
    auprc,
    auroc,
    brier,
    calibration_error,
    interval_over_people,
    reliability_table,
)
from dosegym.physiology.errors import InputError
from dosegym.records.series import BasalIntervals, Boluses, GlucoseSeries, Meals, TherapySettings
from dosegym.records.timeline import Timeline

START = 1_772_409_600.0


def record_of(glucose: np.ndarray) -> Timeline:
    """Return a record of readings each five minutes, with basal and nothing else."""
    time = START + 300.0 * np.arange(len(glucose))
    return Timeline(
        subject="made", source_format="test", source_sha256="1" * 64, timezone="UTC",
        glucose=GlucoseSeries(time, glucose, np.zeros(len(time), np.int8)),
        basal=BasalIntervals(time[:1], time[-1:] + 300.0, np.array([1.0])),
        boluses=Boluses(np.zeros(0), np.zeros(0)), meals=Meals(np.zeros(0), np.zeros(0)),
        settings=TherapySettings(weight_kg=75.0),
    )  # fmt: skip


def told(glucose: list[float], chance: list[float]) -> Risks:
    """Return risks told each five minutes."""
    n = len(glucose)
    return Risks(
        "p", "m", 70.0, START + 300.0 * np.arange(n), np.array(glucose), np.array(chance),
        np.zeros(n, bool), np.ones(n, bool),
    )  # fmt: skip


def drawn(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities and outcomes that have them."""
    rng = np.random.default_rng(seed)
    chance = special.expit(rng.normal(-2.0, 1.5, n))
    return chance, rng.random(n) < chance


def test_ranking_scores_agree_with_scikit_learn() -> None:
    """Areas under both curves are those of scikit-learn, ties included."""
    chance, came = drawn(800, 0)
    chance = np.round(chance, 2)
    assert auroc(chance, came) == pytest.approx(metrics.roc_auc_score(came, chance), abs=1e-12)
    assert auprc(chance, came) == pytest.approx(
        metrics.average_precision_score(came, chance), abs=1e-12
    )
    assert np.isnan(auroc(chance, np.zeros(800, bool)))
    assert np.isnan(auprc(chance, np.zeros(800, bool)))


def test_the_brier_score_is_the_sum_of_its_parts() -> None:
    """Reliability - resolution + uncertainty + rest is the score; honest ones are reliable."""
    chance, came = drawn(20_000, 1)
    parts = brier(chance, came)
    assert parts.score == pytest.approx(float(np.mean((chance - came) ** 2)), abs=1e-12)
    total = parts.reliability - parts.resolution + parts.uncertainty + parts.rest
    assert total == pytest.approx(parts.score, abs=1e-12)
    assert parts.reliability < 2e-4
    assert calibration_error(chance, came) < 0.012
    assert calibration_error(np.sqrt(chance), came) > 0.1
    assert sum(b.n for b in reliability_table(chance, came)) == 20_000


def test_calibration_mends_what_is_overconfident() -> None:
    """Probabilities bent by a known law are straightened on other people, and order is kept."""
    chance, came = drawn(20_000, 2)
    bent = special.expit(2.5 * special.logit(chance) + 1.0)
    mend = calibrate(bent[:10_000], came[:10_000])
    after = mend(bent[10_000:])
    assert calibration_error(bent[10_000:], came[10_000:]) > 0.04
    assert calibration_error(after, came[10_000:]) < 0.015
    order = np.argsort(bent[10_000:])
    assert bool(np.all(np.diff(after[order]) >= 0.0))
    assert mend.a == pytest.approx(0.4, abs=0.06)
    np.testing.assert_allclose(Calibration()(np.array([0.2, 0.7])), [0.2, 0.7])
    with pytest.raises(InputError, match="10 of each"):
        calibrate(chance[:50], np.zeros(50, bool))


def test_intervals_draw_people_and_need_three() -> None:
    """One odd person among many widens the interval; two people give none."""
    rng = np.random.default_rng(3)
    people = [drawn(300, seed) for seed in range(8)]
    _, low, high = interval_over_people(calibration_error, people, rng)
    odd = [*people[:-1], (people[-1][0], ~people[-1][1])]
    _, low_odd, high_odd = interval_over_people(calibration_error, odd, rng)
    assert high_odd - low_odd > high - low > 0.0
    assert np.isnan(interval_over_people(calibration_error, people[:2], rng)[1])
    with pytest.raises(InputError, match="0 to 1"):
        calibration_error(np.array([1.2]), np.array([True]))


def test_lows_begin_as_the_consensus_counts_them() -> None:
    """Fifteen minutes below begin an event; a dip of five does not, nor a pause of ten end one."""
    glucose = [100.0] * 10 + [65.0] + [100.0] * 6 + [65.0] * 4 + [75.0] * 2 + [65.0] * 5
    glucose += [90.0] * 6 + [60.0] * 4
    starts = (begun(told(glucose, [0.0] * len(glucose))) - START) / 300.0
    assert starts.tolist() == [17.0, 34.0]
    # One that was there at the start could not have been foretold.
    assert len(begun(told([60.0] * 10, [0.0] * 10))) == 0


def test_an_alarm_sounds_once_and_not_when_already_low() -> None:
    """A risk that stays high sounds once; below 70 nothing sounds; it must fall to sound again."""
    chance = [0.0] * 5 + [0.9] * 20 + [0.1] * 3 + [0.9] * 3
    times = (sounded(told([100.0] * 31, chance), 0.5) - START) / 300.0
    assert times.tolist() == [5.0, 28.0]
    assert len(sounded(told([60.0] * 31, chance), 0.5)) == 0


def test_alarms_are_judged_by_hand() -> None:
    """One found low with 20 min of lead, one missed, one false alarm: the table is exact."""
    glucose = [120.0] * 20 + [65.0] * 4 + [120.0] * 40 + [65.0] * 4 + [120.0] * 40
    chance = [0.0] * len(glucose)
    chance[16], chance[90] = 0.8, 0.8
    score = judge_alarms([told(glucose, chance)], 0.5)
    assert (score.lows, score.found, score.alarms, score.right) == (2, 1, 2, 1)
    assert score.lead_min == 20.0
    assert score.f1 == pytest.approx(0.5)
    assert score.days == pytest.approx(107 * 5.0 / 1440.0)
    assert score.false_a_day == pytest.approx(1.0 / score.days)


def test_the_threshold_keeps_its_budget_on_those_it_was_chosen_on() -> None:
    """The chosen threshold stays within the false alarms allowed; no lows, no threshold."""
    rng = np.random.default_rng(4)
    people = []
    for _ in range(6):
        glucose = 110.0 + 45.0 * np.sin(np.arange(864) / 60.0 + rng.uniform(0, 6))
        glucose += rng.normal(0.0, 3.0, 864)
        ahead = np.append(glucose[6:], np.full(6, 120.0))
        chance = special.expit((75.0 - ahead + rng.normal(0.0, 8.0, 864)) / 6.0)
        people.append(told(glucose.tolist(), chance.tolist()))
    chosen = choose_threshold(people, 0.5)
    assert judge_alarms(people, chosen).false_a_day <= 0.5
    assert judge_alarms(people, chosen).f1 > 0.5
    with pytest.raises(InputError, match="no low"):
        choose_threshold([told([120.0] * 300, [0.1] * 300)])


def test_the_trend_is_a_line_led_on() -> None:
    """Falling 10 mg/dL in five minutes from 120, the line ends at 60 mg/dL in half an hour."""
    falling = np.append(np.full(30, 150.0), [150.0, 140.0, 130.0, 120.0])
    history = journal_of(record_of(falling)).until(33)
    certain = replace(TrendRisk(), sd=1e-3)
    assert certain.risk(history, 61.0) == pytest.approx(1.0)
    assert certain.risk(history, 59.0) == pytest.approx(0.0)


@pytest.fixture(scope="module")
def wave() -> Timeline:
    """Return a day of waves that touch 65 mg/dL, of no body in particular."""
    t = np.arange(300.0)
    return record_of(np.round(110.0 + 45.0 * np.sin(2 * np.pi * t / 50.0)))


def test_the_twin_tells_risks_from_the_past_only(wave: Timeline) -> None:
    """Probabilities lie in 0 to 1, 54 is less likely than 70, and the future changes none."""
    other = replace(
        wave,
        glucose=GlucoseSeries(
            wave.glucose.time_s,
            np.where(np.arange(300) > 262, 300.0, wave.glucose.mg_dl), wave.glucose.censored,
        ),
    )  # fmt: skip
    found = []
    for record in (wave, other):
        model = TwinRisk(TwinForecaster(Fits(starts=1), assimilate=True, members=32))
        found.append(tell_risks(journal_of(record), [model, TrendRisk()], first=250))
    name = "filtered twin risk"
    low, very = found[0][name, 70.0], found[0][name, 54.0]
    assert bool(np.all((low.chance >= very.chance) & (very.chance >= 0.0) & (low.chance <= 1.0)))
    same = low.time_s <= START + 262 * 300.0 + 61.0
    for key, risks in found[0].items():
        np.testing.assert_array_equal(risks.chance[same], found[1][key].chance[same])
    assert not np.array_equal(low.chance, found[1][name, 70.0].chance)
    # Lows that come are those of the wave.
    assert low.came.any()
    assert bool(np.all(low.glucose[low.asked] >= 70.0))


def test_adapted_bands_cover_when_the_world_changes() -> None:
    """Where changes double in size, persistence covers too little; adapted, it comes back."""
    rng = np.random.default_rng(5)
    size = np.where(np.arange(6000) < 2000, 2.0, 5.0)
    glucose = 150.0 + np.convolve(size * rng.standard_normal(6000), np.ones(12), "same")
    who = [Persistence(), Adapted(Persistence())]
    made = roll(
        journal_of(record_of(glucose)), who, first=1900, horizons_min=[60], refit_hours=np.inf
    )
    plain, own = (scores(cells(f, 60)) for f in made.values())
    for band in (50, 80, 90):
        assert plain[f"coverage_{band}"] < band / 100.0 - 0.1
        assert own[f"coverage_{band}"] == pytest.approx(band / 100.0, abs=0.04)
    q = made["persistence, adapted"].quantiles
    assert bool(np.all(np.diff(q, axis=2) >= 0.0))
