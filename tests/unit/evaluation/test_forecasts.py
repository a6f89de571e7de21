"""Forecasts are made from the past only, and scored as the books say."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import scoringrules
from scipy import stats

from dosegym.evaluation.export_forecasts import export_forecasts
from dosegym.evaluation.forecast_baselines import Linear, Persistence, features
from dosegym.evaluation.forecast_scores import (
    across_people,
    block_interval,
    cells,
    crps,
    scores,
    slices,
)
from dosegym.evaluation.forecast_twin import Fits, TwinForecaster
from dosegym.evaluation.forecasts import LEVELS, Forecaster, Forecasts, roll
from dosegym.evaluation.history import History, journal_of
from dosegym.evaluation.twin_table import reliability_table_of, with_reliability
from dosegym.physiology.errors import InputError
from dosegym.physiology.population import Patients
from dosegym.records import read_record
from dosegym.records.demo import demo_record
from dosegym.records.series import BasalIntervals, Boluses, GlucoseSeries, Meals, TherapySettings
from dosegym.records.timeline import Timeline
from dosegym.twins import fit_twin
from dosegym.twins.coordinates import NAMES, coordinates_for
from dosegym.twins.virtual import Life, live

START = 1_772_409_600.0
FIRST = 432  # a day and a half are fitted
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def made(
    glucose: np.ndarray, bolus: Sequence[tuple[float, float]] = (),
    meals: Sequence[tuple[float, float]] = (), late_s: float = 0.0,
) -> Timeline:  # fmt: skip
    """Return a record of readings each five minutes, and doses and meals at chosen minutes."""
    time = START + 300.0 * np.arange(len(glucose)) + late_s
    return Timeline(
        subject="made", source_format="test", source_sha256="0" * 64, timezone="UTC",
        glucose=GlucoseSeries(time, glucose, np.zeros(len(time), np.int8)),
        basal=BasalIntervals(time[:1] - 60.0, time[-1:] + 300.0, np.array([1.2])),
        boluses=Boluses(
            START + 60.0 * np.array([m for m, _ in bolus]), np.array([u for _, u in bolus])
        ),
        meals=Meals(
            START + 60.0 * np.array([m for m, _ in meals]), np.array([g for _, g in meals])
        ),
        settings=TherapySettings(weight_kg=75.0),
    )  # fmt: skip


@pytest.fixture(scope="module")
def lived() -> Timeline:
    """Return two days and a half of somebody whose body lies in the prior."""
    rng = np.random.default_rng(4)
    where = coordinates_for("adult", 75.0, None)
    z = np.clip(rng.standard_normal((1, len(NAMES))), -1.0, 1.0)
    z[:, -2:] = 0.0
    person = Patients(
        where.model.name, ("lived",), ("adult",), where.params(z),
        {"weight_kg": np.array([75.0]), "age_years": np.array([40.0])},
    )  # fmt: skip
    life = Life(days=2.5, counting_sd=0.1, window_sd=0.1)
    return live(where.model, person, life, rng, where.carb_factor(z))[0]


def changed_after(record: Timeline, second: float) -> Timeline:
    """Return a record whose readings, doses and meals after a moment are others."""
    glucose, boluses, meals = record.glucose, record.boluses, record.meals
    later = glucose.time_s > second
    basal = record.basal
    assert basal is not None
    return replace(
        record,
        glucose=GlucoseSeries(
            glucose.time_s, np.where(later, 333.0, glucose.mg_dl), glucose.censored
        ),
        boluses=Boluses(
            boluses.time_s, np.where(boluses.time_s > second, 9.0 + boluses.units, boluses.units)
        ),
        meals=Meals(meals.time_s, np.where(meals.time_s > second, 150.0, meals.carbs_g)),
        basal=BasalIntervals(
            np.array([basal.start_s[0], second]), np.array([second, basal.end_s[-1]]),
            np.array([basal.u_per_h[0], 7.0]),
        ),
    )  # fmt: skip


def everyone() -> list[Forecaster]:
    """Return one of each forecaster; twins of few members."""
    fits = Fits(starts=1)
    twins = [TwinForecaster(fits, assimilate=a, members=64) for a in (False, True)]
    return [Persistence(), Linear(), *twins]


def test_the_future_never_changes_a_forecast(lived: Timeline) -> None:
    """Other readings, doses, meals and basal after the last origin leave every forecast as it was.

    The record's hash is kept, so that nothing else tells the two apart.
    """
    journal = journal_of(lived)
    first, last = FIRST, FIRST + 12
    cut = journal.whole.start_s + last * 300.0
    other = journal_of(changed_after(lived, cut))
    assert not np.array_equal(journal.whole.glucose, other.whole.glucose, equal_nan=True)
    assert not np.array_equal(journal.whole.basal, other.whole.basal)
    before = roll(journal, everyone(), first=first, every=4)
    after = roll(other, everyone(), first=first, every=4)
    for name, forecasts in before.items():
        same = forecasts.origin <= last
        assert same.sum() >= 4
        np.testing.assert_array_equal(
            forecasts.quantiles[same], after[name].quantiles[same], err_msg=name
        )
        # The test can fail: what lies after the change does differ.
        assert not np.array_equal(forecasts.quantiles[~same], after[name].quantiles[~same])


def test_announced_inputs_change_the_twin_and_not_persistence(lived: Timeline) -> None:
    """Told of the next hours' doses and meals, the twin forecasts otherwise; nothing else does."""
    journal = journal_of(lived)
    plain = roll(journal, everyone(), first=FIRST, every=6)
    told = roll(journal, everyone(), first=FIRST, every=6, announced=True)
    for name in ("persistence", "linear"):
        np.testing.assert_array_equal(plain[name].quantiles, told[name].quantiles)
    assert np.abs(plain["twin"].point - told["twin"].point).max() > 5.0
    # Two hours ahead with a meal in between, knowing it must help.
    error = {
        k: scores(cells(f["filtered twin"], 120))["rmse"]
        for k, f in (("plain", plain), ("told", told))
    }
    assert error["told"] < error["plain"]


def test_the_filtered_twin_beats_persistence_on_a_known_body(lived: Timeline) -> None:
    """Fitted to a day and a half of a body of the prior, the filtered twin beats no change.

    So it does at 60 min, and its 90 % band holds a fair share of what came.
    """
    out = roll(journal_of(lived), everyone(), first=FIRST, every=4)
    error = {k: scores(cells(f, 60)) for k, f in out.items()}
    own, naive = error["filtered twin"], error["persistence"]
    assert own["rmse"] < naive["rmse"]
    assert own["crps"] < naive["crps"]
    assert own["coverage_90"] > 0.6


def test_a_history_holds_what_was_known_and_no_more() -> None:
    """A dose in the present minute is known, one thirty seconds later is not; likewise readings."""
    record = made(np.arange(40.0) + 100.0, bolus=[(50.0, 2.0), (51.5, 3.0)], meals=[(50.6, 20.0)])
    journal = journal_of(record)
    # The grid lies one minute after the readings: sample 10 is minute 51.
    assert journal.whole.start_s == START + 60.0
    history = journal.until(10)
    insulin, grams = history.coming(30)
    assert history.past()[0].sum() == pytest.approx(50 * 1.2 / 60.0 + 2.0)
    assert insulin.sum() == pytest.approx(30 * 1.2 / 60.0)
    assert grams.tolist()[:2] == [20.0, 0.0]
    assert history.glucose[-1] == 110.0
    assert float(history.timeline.glucose.time_s[-1]) <= history.now_s
    assert len(history.timeline.boluses) == 1
    told, _ = journal.until(10, 30).coming(30)
    assert told.sum() == pytest.approx(30 * 1.2 / 60.0 + 3.0)


def test_readings_that_come_late_stay_in_their_five_minutes() -> None:
    """A clock that runs forty seconds late and early again loses no reading and invents none."""
    record = made(np.arange(60.0) + 100.0)
    wobble = record.glucose.time_s + 40.0 * (np.arange(60) % 2)
    shaken = replace(
        record, glucose=GlucoseSeries(wobble, record.glucose.mg_dl, record.glucose.censored)
    )
    np.testing.assert_array_equal(journal_of(shaken).whole.glucose, record.glucose.mg_dl)


def test_persistence_is_the_last_reading_with_the_spread_of_the_past() -> None:
    """On a random walk the band of the last reading has the normal law's width."""
    rng = np.random.default_rng(0)
    walk = np.clip(150.0 + np.cumsum(rng.standard_normal(6000)), 1.0, None)
    out = roll(journal_of(made(walk)), [Persistence()], first=5000, every=7, refit_hours=np.inf)
    forecasts = out["persistence"]
    np.testing.assert_array_equal(forecasts.point[:, 0], forecasts.last)
    width = forecasts.quantiles[0, 0, 37] - forecasts.quantiles[0, 0, 1]
    assert width == pytest.approx(2 * 1.645 * np.sqrt(6), rel=0.1)
    assert scores(cells(forecasts, 30))["coverage_90"] == pytest.approx(0.9, abs=0.08)


def test_the_regression_finds_a_linear_law() -> None:
    """Where glucose is a damped wave, ten minutes of slope foretell it; persistence does not."""
    rng = np.random.default_rng(1)
    t = np.arange(2000.0)
    wave = 150.0 + 40.0 * np.sin(2 * np.pi * t / 40.0) + 0.5 * rng.standard_normal(len(t))
    out = roll(journal_of(made(wave)), [Persistence(), Linear()], first=1000, every=9)
    error = {k: scores(cells(f, 30))["rmse"] for k, f in out.items()}
    assert error["linear"] < 3.0
    assert error["persistence"] > 20.0


def test_insulin_and_carbohydrate_on_board_follow_their_curves() -> None:
    """A unit is all on board at first, and 1 + t/tau of e^(-t/tau) of it after t minutes."""
    record = made(np.full(60, 120.0), bolus=[(0.0, 1.0)])
    x = features(journal_of(record).until(59))
    after = 59 * 5.0
    left = (1.0 + after / 75.0) * np.exp(-after / 75.0)
    assert x[-1, 5] == pytest.approx(left, abs=0.02)
    assert x[0, 5] == pytest.approx(1.0, abs=0.05)


def test_crps_agrees_with_scoringrules() -> None:
    """The score is scoringrules' quantile score, and near the closed form of a normal forecast."""
    rng = np.random.default_rng(2)
    truth = rng.normal(120.0, 30.0, 50)
    quantiles = stats.norm.ppf(LEVELS, 110.0, 25.0)[None].repeat(50, axis=0)
    ours = crps(truth, quantiles)
    np.testing.assert_allclose(
        ours, scoringrules.crps_quantile(truth, quantiles, LEVELS), rtol=1e-10
    )
    exact = scoringrules.crps_normal(truth, 110.0, 25.0)
    assert ours.mean() == pytest.approx(float(np.mean(exact)), rel=0.03)


def normal_forecasts(n: int, sd: float, seed: int) -> Forecasts:
    """Return forecasts that are right: the truth is drawn from them."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(60.0, 250.0, n)
    truth = rng.normal(middle, sd)
    q = middle[:, None, None] + sd * stats.norm.ppf(LEVELS)
    return Forecasts(
        "p", "right", (30,), np.arange(n), 300.0 * np.arange(n), middle, truth[:, None],
        np.zeros((n, 1), np.int8), q, np.where(np.arange(n) % 3, np.inf, 30.0),
    )  # fmt: skip


def test_right_forecasts_cover_as_they_say() -> None:
    """Forecasts that are the truth's own law cover 50, 80, 90 %, and no slice loses readings."""
    of = cells(normal_forecasts(4000, 20.0, 3), 30)
    found = scores(of)
    for band, share in ((50, 0.5), (80, 0.8), (90, 0.9)):
        assert found[f"coverage_{band}"] == pytest.approx(share, abs=0.03)
    assert found["width_90"] == pytest.approx(2 * 1.645 * 20.0, rel=1e-3)
    assert found["rmse"] == pytest.approx(20.0, rel=0.05)
    parts = slices(of)
    by_glucose = [p for name, p in parts.items() if name != "after a bolus"]
    assert sum(len(p.error) for p in by_glucose) == 4000
    assert len(parts["after a bolus"].error) == 1334


def test_a_censored_reading_errs_on_its_known_side_only() -> None:
    """Where the sensor says low, a forecast of 20 mg/dL is right, and one of 90 is wrong."""
    one = normal_forecasts(2, 1.0, 0)
    q = np.stack([np.full((1, 39), 20.0), np.full((1, 39), 90.0)])
    low = replace(
        one, truth=np.full((2, 1), 40.0), censored=np.full((2, 1), -1, np.int8), quantiles=q
    )
    of = cells(low, 30)
    assert of.error.tolist() == [0.0, -50.0]
    assert of.inside[90].tolist() == [True, False]


def test_block_intervals_know_that_neighbours_agree() -> None:
    """Of errors with a memory of two hours, the interval is wider than of shuffled ones."""
    n = 2000
    rng = np.random.default_rng(5)
    error = np.zeros(n)
    for k in range(1, n):
        error[k] = 0.96 * error[k - 1] + rng.standard_normal()
    base = normal_forecasts(n, 1.0, 6)

    def width(values: np.ndarray) -> float:
        own = replace(base, truth=base.last[:, None] + values[:, None])
        _, low, high = block_interval({"a": cells(own, 30)}, "bias", np.random.default_rng(7))["a"]
        return high - low

    assert width(error) > 2.5 * width(rng.permutation(error))


def test_paired_differences_are_surer_than_scores() -> None:
    """Two forecasters whose errors agree differ surely though each score is uncertain."""
    one = normal_forecasts(1500, 20.0, 8)
    better = replace(one, quantiles=one.truth[:, :, None] + 0.8 * (
        one.quantiles - one.truth[:, :, None]))  # fmt: skip
    both = {"one": cells(one, 30), "better": cells(better, 30)}
    rng = np.random.default_rng(9)
    estimate, low, high = block_interval(both, "rmse", rng, baseline="one")["better"]
    assert low < estimate < high < 0.0
    assert estimate == pytest.approx(-0.2 * scores(both["one"])["rmse"], rel=1e-6)


def test_short_records_give_no_interval_and_people_are_the_unit() -> None:
    """Three blocks are needed of one person; across people the interval is over their means."""
    short = cells(normal_forecasts(100, 20.0, 10), 30)
    _, low, high = block_interval({"a": short}, "rmse", np.random.default_rng(0))["a"]
    assert np.isnan(low)
    assert np.isnan(high)
    interval = across_people([10.0, 12.0, np.nan, 14.0], np.random.default_rng(0))
    assert interval.n == 3
    assert interval.estimate == pytest.approx(12.0)


def test_bad_questions_are_refused(lived: Timeline) -> None:
    """Names that repeat, odd horizons, no room and unfitted forecasters end in one line."""
    journal = journal_of(lived)
    with pytest.raises(InputError, match="different names"):
        roll(journal, [Persistence(), Persistence()], first=100)
    with pytest.raises(InputError, match="multiples of 5"):
        roll(journal, [Persistence()], first=100, horizons_min=[7])
    with pytest.raises(InputError, match="first is 0"):
        roll(journal, [Persistence()], first=0)
    with pytest.raises(InputError, match="at least 1"):
        roll(journal, [Persistence()], first=100, every=0)
    with pytest.raises(InputError, match="past forecasts"):
        roll(journal, [Persistence()], first=10)
    with pytest.raises(InputError, match="fit it first"):
        Linear().quantiles(journal.until(100), [30])
    twin = TwinForecaster(Fits(), assimilate=True)
    with pytest.raises(InputError, match="fit it first"):
        twin.quantiles(journal.until(100), [30])
    with pytest.raises(InputError, match="30"):
        cells(roll(journal, [Persistence()], first=300, horizons_min=[60])["persistence"], 30)
    with pytest.raises(InputError, match="unknown"):
        block_interval({"a": cells(normal_forecasts(900, 1.0, 1), 30)}, "skill",
                       np.random.default_rng(0))  # fmt: skip


def test_forecasts_are_exported_with_their_truth(tmp_path: Path) -> None:
    """The file holds a row a forecast, and the median beside what came."""
    one = replace(normal_forecasts(5, 20.0, 11), truth=np.array([[100.0]] * 4 + [[np.nan]]))
    path = export_forecasts([one], tmp_path / "f.csv", horizons_min=[30])
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [r["truth_30"] for r in rows] == ["100.0"] * 4 + [""]
    assert float(rows[2]["pred_30"]) == pytest.approx(float(one.point[2, 0]), abs=0.06)
    assert rows[0]["id"] == "p"
    with pytest.raises(InputError, match=r"\[60\]"):
        export_forecasts([one], tmp_path / "g.csv", horizons_min=[30, 60])
    with pytest.raises(InputError, match="one forecaster"):
        export_forecasts([], tmp_path / "g.csv")


def test_grid_of_the_bundled_record_holds_all_readings() -> None:
    """No reading of the bundled record is lost or moved by more than its five minutes."""
    record = read_record(demo_record())
    journal = journal_of(record)
    assert int(np.isfinite(journal.whole.glucose).sum()) == len(record.glucose)
    assert float(journal.whole.bolus.sum()) == pytest.approx(float(record.boluses.units.sum()))
    assert float(journal.whole.grams.sum()) == pytest.approx(float(record.meals.carbs_g.sum()))


@pytest.mark.shared_data
@pytest.mark.skipif(
    not DATA.is_dir(), reason="sample files (../shared/data) are not beside the checkout"
)
def test_a_real_day_is_forecast_by_all_beside_each_other() -> None:
    """On a day of a real person every forecaster is scored on the same readings at 30 minutes.

    No figure is asked for: that would tune the twin on the file.
    """
    journal = journal_of(read_record(DATA / "t1dsim_ai" / "example_subjectX.csv"))
    out = roll(journal, everyone(), first=150, every=6)
    table = {name: scores(cells(f, 30)) for name, f in out.items()}
    assert set(table) == {"persistence", "linear", "twin", "filtered twin"}
    assert len({row["n"] for row in table.values()}) == 1
    assert table["twin"]["n"] >= 20
    assert all(0.0 < row["rmse"] < 150.0 for row in table.values())


@dataclass
class Peeking:
    """A forecaster that reports the latest moment it could see."""

    name: str = "peeking"
    latest: float = 0.0

    def fit(self, history: History) -> Peeking:
        return Peeking(self.name, float(history.timeline.glucose.time_s[-1]))

    def quantiles(self, history: History, horizons: Sequence[int]) -> np.ndarray:
        seen = float(history.timeline.glucose.time_s[-1])
        assert history.now_s - seen < 300.0
        return np.full((len(horizons), 39), self.latest)


def test_refits_see_the_past_of_their_day_only(lived: Timeline) -> None:
    """Refitted every two hours, a forecaster was last shown readings not after the origin."""
    out = roll(journal_of(lived), [Peeking()], first=100, refit_hours=2.0)["peeking"]
    latest = out.quantiles[:, 0, 0]
    assert bool(np.all(latest <= out.time_s))
    assert len(np.unique(latest)) >= 8
    assert float(np.max(out.time_s - latest)) < 2.1 * 3600.0


def test_a_twin_carries_its_table(lived: Timeline) -> None:
    """The table holds every forecaster at every horizon, survives JSON and changes the hash."""
    twin = fit_twin(lived, starts=1)
    carrying = with_reliability(twin, lived, every=12)
    table = carrying.quality["reliability"]
    assert table["days"] == pytest.approx(1.5, abs=0.01)
    assert set(table["minutes"]) == {"30", "60", "120"}
    assert set(table["minutes"]["60"]) == {"persistence", "linear", "twin", "filtered twin"}
    assert json.loads(json.dumps(carrying.to_dict()))["quality"]["reliability"] == table
    assert carrying.sha256 != twin.sha256
    with pytest.raises(InputError, match="not the one"):
        with_reliability(twin, replace(lived, source_sha256="2" * 64))
    with pytest.raises(InputError, match="needs 2"):
        reliability_table_of(lived.window(START, START + 86400.0))
